"""Drafts of corrections about files, sheets, headers and rows: what stands where it is not looked for."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from sfpc_book.returns.cells import BLANK, CLEAN, is_blank
from sfpc_book.returns.evidence import Book, Draft, Evidence, Recogniser
from sfpc_book.returns.inventory import likely_owner
from sfpc_book.returns.locate import (
    HEADER_ROWS,
    Headers,
    Located,
    find_header,
    header_text,
    locate,
    name_says,
)
from sfpc_book.returns.workbook import RawSheet

# A sheet under a strange name is proposed for a table if this share of what it must hold is there: below the
# share at which the reader takes it by itself.
SHARE_TO_PROPOSE = 0.3
# How far down a header is looked for that is not among the first rows.
ROWS_LOOKED_AT = 200


def other_spellings(evidence: Evidence) -> Iterator[Draft]:
    """Files whose name says an authority that is not known but near this one."""
    spelt: dict[str, int] = defaultdict(int)
    for name in evidence.inventory.unread:
        if name.spelt and likely_owner(evidence.study, name) == evidence.slug:
            spelt[name.spelt] += 1
    for spelling, count in spelt.items():
        text = f"{count} file(s) are named '{spelling}', no known authority; likely is '{evidence.slug}'"
        yield Draft({"action": "alias_authority", "spelling": spelling}, text)


def strange_sheets(evidence: Evidence) -> Iterator[Draft]:
    """Sheets in which no table was found, of a return that lacks a table which they may hold."""
    seen: dict[tuple[str, str], list[str]] = defaultdict(list)
    for book in evidence.books:
        held = _held(evidence, book)
        for sheet in book.without_table:
            table = _likely_table(evidence, book, sheet, held)
            if table:
                seen[table, sheet.name.strip()].append(book.file.month)
    for (table, name), months in seen.items():
        keys = {"action": "rename_sheet", **_one_return(months), "table": table, "sheet": name}
        yield Draft(keys, f"the sheet has headings of {table}, and the return has no other sheet for it")


def late_headers(evidence: Evidence) -> Iterator[Draft]:
    """Sheets with the right name whose header stands below the rows that are looked at."""
    for book in evidence.books:
        for sheet in book.without_table:
            for contract in evidence.contracts(book.file.layer):
                named = name_says(sheet, contract.sheets[evidence.layout])
                row = _late_header(sheet, evidence.headers(contract.table)) if named else None
                if row:
                    place = {"return_month": book.file.month, "table": contract.table}
                    keys = {"action": "shift_header", **place, "header_row": row}
                    yield Draft(keys, f"headings stand in row {row}, below the {HEADER_ROWS} rows looked at")


def strange_headers(evidence: Evidence) -> Iterator[Draft]:
    """Missing columns with an unknown header near their own, and columns whose header stands twice."""
    seen: dict[tuple[str, str, str, int], list[tuple[str, str]]] = defaultdict(list)
    for book in evidence.books:
        for located in book.tables:
            headers = evidence.headers(located.table)
            for column, header in _near_headers(located, headers):
                text = f"'{header}' is in no contract and resembles a heading of '{column}', which is missing"
                seen[located.table, column, header, 1].append((book.file.month, text))
            for column in dict.fromkeys(located.repeated):
                found = _best_of_repeated(evidence, book, located, column)
                if found:
                    header, occurrence, text = found
                    seen[located.table, column, header, occurrence].append((book.file.month, text))
    for (table, column, header, occurrence), places in seen.items():
        nth = {"occurrence": occurrence} if occurrence > 1 else {}
        place = {**_one_return(month for month, _ in places), "table": table, "column": column}
        yield Draft({"action": "rename", **place, "header": header, **nth}, places[0][1])


def rows_of_no_record(evidence: Evidence) -> Iterator[Draft]:
    """Rows in which no typed cell can be read."""
    months = {book.file.path.name: book.file.month for book in evidence.books}
    for finding in evidence.failed("row_of_no_record"):
        keys = {"action": "drop_rows", "return_month": months[str(finding.file)], "table": finding.subject}
        text = (
            f"{finding.count} row(s), the first in row {finding.row}, hold nothing that can be read but text"
        )
        yield Draft(keys, text)


LAYOUT: tuple[Recogniser, ...] = (
    other_spellings, strange_sheets, late_headers, strange_headers, rows_of_no_record,
)  # fmt: skip


def _one_return(months: Iterable[str]) -> dict[str, str]:
    """The return, if it is one; a heading or name that many returns share is corrected in all of them."""
    distinct = list(dict.fromkeys(months))
    return {"return_month": distinct[0]} if len(distinct) == 1 else {}


def _held(evidence: Evidence, book: Book) -> set[str]:
    """Tables that some workbook of the same return holds."""
    same = [
        other
        for other in evidence.books
        if (other.file.layer, other.file.month) == (book.file.layer, book.file.month)
    ]
    return {located.table for other in same for located in other.tables}


def _likely_table(evidence: Evidence, book: Book, sheet: RawSheet, held: set[str]) -> str | None:
    fits = []
    for contract in evidence.contracts(book.file.layer):
        headers = evidence.headers(contract.table)
        row = find_header(sheet.rows, headers)
        if contract.table not in held and row is not None:
            fits.append((headers.share_found(locate(sheet, headers, "headers", row).columns), contract.table))
    share, table = max(fits, default=(0.0, ""))
    return table if share >= SHARE_TO_PROPOSE else None


def _late_header(sheet: RawSheet, headers: Headers) -> int | None:
    rows = range(HEADER_ROWS + 1, min(ROWS_LOOKED_AT, len(sheet.rows)) + 1)
    found = [row for row in rows if find_header(sheet.rows, headers, row)]
    sizes = {row: len(locate(sheet, headers, "name", row).columns) for row in found}
    return max(sizes, key=lambda row: (sizes[row], -row), default=None)


def _near_headers(located: Located, headers: Headers) -> Iterator[tuple[str, str]]:
    """For each missing column that unknown headers resemble: the column and the header that does so most."""
    near: dict[str, list[str]] = defaultdict(list)
    for header, column in located.unknown:
        levelled = column in headers.levelled.values()
        if column and column not in located.columns and not levelled:
            near[column].append(header.strip())
    for column, listed in near.items():
        own = [text for text, name in headers.plain.items() if name == column]
        yield column, max(listed, key=lambda header: max(_likeness(header, text) for text in own))


def _likeness(header: str, text: str) -> float:
    return difflib.SequenceMatcher(None, header_text(header), text).ratio()


def _best_of_repeated(
    evidence: Evidence, book: Book, located: Located, name: str
) -> tuple[str, int, str] | None:
    """Of several columns with one meaning: header and occurrence of that whose cells read best, and why."""
    contract = evidence.declared.contracts[located.table]
    if name not in contract.names or any(place.level for place in located.places if place.column == name):
        return None
    first = next(place for place in located.places if place.column == name)
    options = []
    for position, header, occurrence in _standing(located, evidence.headers(located.table), name):
        cells = evidence.cells(book, located, replace(first, position=position))
        read = evidence.read(cells, contract.column(name))
        filled = len(cells) - read.count(BLANK)
        options.append((read.count(CLEAN) / filled if filled else 0.0, -position, header, occurrence))
    header, occurrence = max(options)[2:]
    shares = ", ".join(f"{part[0]:.0%}" for part in options)
    text = f"'{header}' stands {len(options)} times; of their filled cells can be read: {shares}"
    return header, occurrence, text


def _standing(located: Located, headers: Headers, name: str) -> Iterator[tuple[int, str, int]]:
    """Position, header and occurrence of every header that says a column."""
    seen: dict[str, int] = defaultdict(int)
    for position, cell in enumerate(located.sheet.rows[located.header_row - 1]):
        if not is_blank(cell):
            seen[header_text(cell)] += 1
            if headers.read(cell) == (name, None):
                yield position, str(cell).strip(), seen[header_text(cell)]
