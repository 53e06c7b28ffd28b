"""Find the sheet and the header row of each table, by name and by what the headers say."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sfpc_book.contracts.contract import SHEET_NAME_LENGTH, Column, Sheet, TableContract
from sfpc_book.returns.cells import is_blank
from sfpc_book.returns.workbook import RawSheet

HEADER_ROWS = 15
MINIMUM_MATCHED = 2
# A row of headings says this share of the required columns. Words of a record can equal headings ("UASC"):
# taken for headings, a child's record would be told as the names of columns.
SHARE_OF_HEADER = 0.5
# A sheet under a strange name is taken only if this share of what it must hold is there.
SHARE_FOR_STRANGE_NAME = 0.6
NOT_WORDS = re.compile(r"[^a-z0-9%]+")
NEAR = 0.75

Renamed = Mapping[tuple[str, int], str]


@dataclass(frozen=True)
class Place:
    """One column of a sheet: its position from 0, its header as it stands, the level if the sheet is wide."""

    column: str
    position: int
    header: str
    level: str | None = None


@dataclass(frozen=True)
class Located:
    """Where a table was found. `header_row` is as in Excel, from 1; `nominal_row` is the contract's. `shape`
    is `long` or `wide`.

    `unknown` are headers that no column has, with the nearest column if one is near; `repeated` are columns
    whose header stands more than once: the first is read. `corrections` are the ids of those that it took to
    find the table and its columns.
    """

    table: str
    sheet: RawSheet
    found_by: str
    header_row: int
    nominal_row: int
    shape: str
    places: tuple[Place, ...]
    unknown: tuple[tuple[str, str | None], ...]
    repeated: tuple[str, ...]
    corrections: tuple[str, ...] = ()

    @property
    def columns(self) -> set[str]:
        """Names of the columns found."""
        return {place.column for place in self.places}


def header_text(header: object) -> str:
    """A header as headers are compared: lower case, words and % only."""
    return NOT_WORDS.sub(" ", str(header).casefold()).strip()


def sheet_text(name: str) -> str:
    """A sheet's name as names are compared: lower case, single blanks, cut where Excel cuts."""
    return " ".join(name.casefold().split())[:SHEET_NAME_LENGTH].strip()


class Headers:
    """What each header of a table says, for one layout."""

    def __init__(self, contract: TableContract, layout: str) -> None:
        self.contract, self.columns = contract, contract.for_layout(layout)
        self.wide = contract.wide
        self.nominal_row = contract.sheets[layout].header_row
        self.plain: dict[str, str] = {}
        self.levelled: dict[str, str] = {}
        for column in self.columns:
            for header in column.headers:
                if "{level}" in header:
                    self.levelled[header_text(header.replace("{level}", " "))] = column.name
                else:
                    self.plain[header_text(header)] = column.name
        if self.wide:
            self.plain |= {header_text(header): self.wide.by for header in self.wide.long_by}
            self.plain |= {header_text(header): self.wide.column for header in self.wide.long_value}

    def read(self, header: object) -> tuple[str, str | None] | None:
        """Column and level that a header says, or None."""
        text = header_text(header)
        if text in self.plain:
            return self.plain[text], None
        match = re.search(self.wide.pattern, text) if self.wide else None
        if match:
            rest = header_text(text[: match.start()] + " " + text[match.end() :])
            if rest in self.levelled:
                return self.levelled[rest], " ".join(match.groups())
        return None

    def nearest(self, header: object) -> str | None:
        """The column that an unknown header most resembles, or None if it resembles none."""
        known = {**self.levelled, **self.plain}
        found = difflib.get_close_matches(header_text(header), known, n=1, cutoff=NEAR)
        return known[found[0]] if found else None

    @property
    def required(self) -> tuple[Column, ...]:
        """The columns that the sheet must have."""
        return tuple(column for column in self.columns if column.required)

    def share_found(self, columns: Iterable[str]) -> float:
        """Share of the required columns that are there, or whose alternatives all are."""
        present = set(columns)
        there = [column.name in present or _replaced(column, present) for column in self.required]
        return sum(there) / len(there) if there else 0.0


def _replaced(column: Column, present: set[str]) -> bool:
    return bool(column.alternative_columns) and set(column.alternative_columns) <= present


def find_header(rows: Sequence[Sequence[object]], headers: Headers, row: int | None = None) -> int | None:
    """Row number (from 1) whose cells say most columns, among the first rows.

    None if none says two columns and half of the required ones; of a `row` that is named, two are enough.
    """
    numbers = [row] if row else range(1, min(HEADER_ROWS, len(rows)) + 1)
    said = {number: _said(rows[number - 1], headers) for number in numbers if number <= len(rows)}
    best = max(said, key=lambda number: (len(said[number]), -number), default=None)
    if best is None or len(said[best]) < MINIMUM_MATCHED:
        return None
    share = headers.share_found(column for column, _ in said[best])
    return best if row or share >= SHARE_OF_HEADER else None


def _said(row: Sequence[object], headers: Headers) -> set[tuple[str, str | None]]:
    """Columns and levels that the cells of a row say."""
    return {found for cell in row if not is_blank(cell) and (found := headers.read(cell))}


def locate(
    sheet: RawSheet, headers: Headers, found_by: str, header_row: int, renamed: Renamed | None = None
) -> Located:
    """Say which column stands where. `renamed` gives columns to (header text, n-th of that header)."""
    places: list[Place] = []
    unknown: list[tuple[str, str | None]] = []
    repeated: list[str] = []
    for position, cell, found in _read_headers(sheet.rows[header_row - 1], headers, renamed or {}):
        if found is None:
            unknown.append((str(cell), headers.nearest(cell)))
        elif any((place.column, place.level) == found for place in places):
            repeated.append(found[0])
        else:
            places.append(Place(found[0], position, str(cell).strip(), found[1]))
    shape = "wide" if any(place.level for place in places) else "long"
    table, nominal = headers.contract.table, headers.nominal_row
    found = (tuple(places), tuple(unknown), tuple(repeated))
    return Located(table, sheet, found_by, header_row, nominal, shape, *found)


def _read_headers(
    row: Sequence[object], headers: Headers, renamed: Renamed
) -> Iterator[tuple[int, object, tuple[str, str | None] | None]]:
    """Position, cell, and the column and level it says; a column that a correction gives to another header is
    read there only."""
    seen: Counter[str] = Counter()
    for position, cell in enumerate(row):
        if is_blank(cell):
            continue
        text = header_text(cell)
        seen[text] += 1
        forced = renamed.get((text, seen[text]))
        found = (forced, None) if forced else headers.read(cell)
        if forced or found is None or found[0] not in renamed.values():
            yield position, cell, found


def name_says(sheet: RawSheet, declared: Sheet) -> str | None:
    """How a sheet's name agrees with a contract: `name`, `other name`, or None."""
    text = sheet_text(sheet.name)
    if text == sheet_text(declared.name):
        return "name"
    return "other name" if text in map(sheet_text, declared.aliases) else None
