"""Which sheet of a workbook holds which table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.finding import Finding
from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.returns.cells import is_blank
from sfpc_book.returns.correction import Correction
from sfpc_book.returns.locate import (
    SHARE_FOR_STRANGE_NAME,
    Headers,
    Located,
    find_header,
    header_text,
    locate,
    name_says,
    sheet_text,
)
from sfpc_book.returns.origin import Origin
from sfpc_book.returns.place_notes import place_findings
from sfpc_book.returns.sheet_notes import mark_findings
from sfpc_book.returns.touched import Touched
from sfpc_book.returns.workbook import RawSheet

# A sheet with more than this is no mere sentence, whatever it says.
FEW_CELLS = 20


@dataclass(frozen=True)
class Found:
    """The tables of one workbook, and what was odd about finding them."""

    tables: tuple[Located, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Search:
    """What is looked for in one workbook: contracts of its layer, its layout, corrections that reach it."""

    contracts: Sequence[TableContract]
    layout: str
    corrections: Sequence[Correction]
    touched: Touched
    words: Vocabularies

    def note(self, corrections: Sequence[Correction], sheet: RawSheet) -> None:
        """Count that each of these corrections was needed for a sheet."""
        for part in corrections:
            self.touched.at(self.touched.file, sheet.name).add(part.id, 1)

    def headers(self, table: str) -> Headers:
        """What the headers of a table say in this layout."""
        return Headers(next(part for part in self.contracts if part.table == table), self.layout)


def find_tables(sheets: Sequence[RawSheet], search: Search, origin: Origin) -> Found:
    """Give sheets to tables: first by name, then, for tables without a sheet, by what the headers say."""
    named = _by_name(sheets, search)
    located: list[Located] = []
    findings: list[Finding] = []
    for number, (table, found_by) in named.items():
        found = _locate(sheets[number], table, found_by, search)
        if found is None:
            findings.append(_hollow(sheets[number], search.headers(table).contract, search.words, origin))
        else:
            located.append(found)
    held = {found.table for found in located}
    for number, sheet in enumerate(sheets):
        taken = number in named and any(found.sheet is sheet for found in located)
        table = None if taken else _by_headers(sheet, search)
        found = None if table is None or table in held else _locate(sheet, table, "headers", search)
        if found is not None:
            located.append(found)
        elif number not in named:
            findings.append(_unread(sheet, table, origin))
    for found in located:
        findings += place_findings(found, search.headers(found.table), search.layout, origin)
        findings += mark_findings(found, origin)
    return Found(tuple(located), tuple(findings))


def _by_name(sheets: Sequence[RawSheet], search: Search) -> dict[int, tuple[str, str]]:
    """Sheets whose name says a table: number of the sheet → (table, how)."""
    named: dict[int, tuple[str, str]] = {}
    for number, sheet in enumerate(sheets):
        parts = _renaming(sheet, search)
        if parts:
            search.note(parts, sheet)
            named[number] = (parts[0].table, "correction")
            continue
        for contract in search.contracts:
            how = name_says(sheet, contract.sheets[search.layout])
            if how and (number not in named or how == "name"):
                named[number] = (contract.table, how)
    return named


def _renaming(sheet: RawSheet, search: Search) -> list[Correction]:
    """The correction that says which table a sheet of this name holds; none or one."""
    name = sheet_text(sheet.name)
    listed = (part for part in search.corrections if part.action == "rename_sheet")
    return [part for part in listed if sheet_text(str(part.sheet)) == name]


def _by_headers(sheet: RawSheet, search: Search) -> str | None:
    """The table that a sheet under a strange name holds best, if it holds one."""
    fits: list[tuple[float, float, str]] = []
    for contract in search.contracts:
        headers = search.headers(contract.table)
        row = find_header(sheet.rows, headers)
        if row is not None:
            found = locate(sheet, headers, "headers", row)
            known = len(found.places) / (len(found.places) + len(found.unknown))
            fits.append((headers.share_found(found.columns), known, contract.table))
    share, _, table = max(fits, default=(0.0, 0.0, ""))
    return table if share >= SHARE_FOR_STRANGE_NAME else None


def _locate(sheet: RawSheet, table: str, found_by: str, search: Search) -> Located | None:
    headers = search.headers(table)
    here = [part for part in search.corrections if part.reaches(sheet=sheet.name, table=table)]
    forced = next((part for part in here if part.action == "shift_header"), None)
    row = find_header(sheet.rows, headers, forced.header_row if forced else None)
    if row is None:
        return None
    renames = _renames(sheet, row, here)
    search.note([*([forced] if forced else []), *renames], sheet)
    renamed = {(header_text(part.header), part.occurrence): str(part.column) for part in renames}
    used = [*_renaming(sheet, search), *([forced] if forced else []), *renames]
    located = locate(sheet, headers, found_by, row, renamed)
    return replace(located, corrections=tuple(part.id for part in used))


def _renames(sheet: RawSheet, row: int, here: Sequence[Correction]) -> list[Correction]:
    """Corrections that give a column to a header which the sheet has, often enough."""
    counts = Counter(header_text(cell) for cell in sheet.rows[row - 1] if not is_blank(cell))
    listed = (part for part in here if part.action == "rename")
    return [part for part in listed if counts[header_text(part.header)] >= part.occurrence]


def _hollow(sheet: RawSheet, contract: TableContract, words: Vocabularies, origin: Origin) -> Finding:
    """A sheet named for a table that it does not hold: it says that data are missing, or something else."""
    table, filled = contract.table, sum(not is_blank(cell) for row in sheet.rows for cell in row)
    said = [
        number
        for number, row in enumerate(sheet.rows, start=1)
        if any(isinstance(cell, str) and words.says_missing(cell) for cell in row)
    ]
    if said and filled <= FEW_CELLS:
        text = f"{len(said)} row(s) say that the data of {table} are missing, and there is no header row"
        place = origin.at(sheet.name, table)
        return place.finding("sheet_says_missing", text, severity="mark", row=said[0], count=len(said))
    text = (
        f"no row of headings of {table} is in its first rows; the sheet holds {filled} filled cell(s), and "
        "nothing of it was read. Put the headings back, in one row"
    )
    severity = contract.not_sent if filled > FEW_CELLS else "mark"
    return origin.at(sheet.name, table).finding("sheet_without_table", text, severity=severity, count=filled)


def _unread(sheet: RawSheet, table: str | None, origin: Origin) -> Finding:
    """A sheet that is not read: it holds no table, or (a mark) one that another sheet holds too."""
    if table:
        text = f"has the headers of {table}, which another sheet holds; it was not read. Send one sheet, or "
        text += "declare which it is as a correction with action rename_sheet"
        return origin.at(sheet.name, table).finding("sheet_repeated", text, severity="mark", count=1)
    text = "holds no table of this layer; not read"
    return origin.at(sheet.name, "").finding("sheet_unread", text, severity="note", status="info", count=1)
