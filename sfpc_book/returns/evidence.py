"""What a draft of a correction may look at: the returns as the reader sees them, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from sfpc_book.contracts.contract import Column, TableContract
from sfpc_book.contracts.finding import Finding
from sfpc_book.errors import ReturnsError
from sfpc_book.returns.cells import ReadColumn, read_column
from sfpc_book.returns.check_records import check_records
from sfpc_book.returns.correction import Correction
from sfpc_book.returns.declared import Declared, layout_of
from sfpc_book.returns.inventory import Inventory, read_inventory
from sfpc_book.returns.locate import Headers, Located, Place
from sfpc_book.returns.names import ReturnFile
from sfpc_book.returns.origin import Origin
from sfpc_book.returns.read import read_unsettled
from sfpc_book.returns.records import read_records
from sfpc_book.returns.repair import Repairs, repair_cells
from sfpc_book.returns.sheets import Search, find_tables
from sfpc_book.returns.touched import Touched
from sfpc_book.returns.workbook import RawSheet, read_workbook
from sfpc_book.study.study import Study


@dataclass(frozen=True)
class Book:
    """One workbook that can be opened: its sheets, and the tables that the reader finds in them."""

    file: ReturnFile
    sheets: tuple[RawSheet, ...]
    tables: tuple[Located, ...]

    @property
    def without_table(self) -> tuple[RawSheet, ...]:
        """The sheets in which the reader finds no table."""
        return tuple(sheet for sheet in self.sheets if not any(part.sheet is sheet for part in self.tables))


@dataclass(frozen=True)
class Draft:
    """A correction that might be meant: its keys, and what was seen, in words for the person who decides.

    A draft without an action is a remark: what was seen cannot be put into a row without showing a datum of a
    child.
    """

    keys: Mapping[str, object]
    says: str

    @property
    def is_row(self) -> bool:
        """Whether it can stand in corrections.yml."""
        return "action" in self.keys

    @property
    def place(self) -> tuple[tuple[str, str], ...]:
        """What two drafts of the same correction have in common."""
        own = {name: part for name, part in self.keys.items() if name not in ("values", "pattern", "factor")}
        return tuple(sorted((name, str(part)) for name, part in own.items()))


@dataclass(frozen=True)
class Evidence:
    """One authority's returns, read with the corrections of `declared`."""

    study: Study
    slug: str
    declared: Declared
    inventory: Inventory
    tables: Mapping[str, pd.DataFrame]
    findings: tuple[Finding, ...]
    touched: Touched = field(compare=False)

    @cached_property
    def layout(self) -> str:
        """The layout of its workbooks."""
        return layout_of(self.study, self.slug)

    @cached_property
    def books(self) -> tuple[Book, ...]:
        """Its workbooks, in the order of reading; those that cannot be opened are left out."""
        return tuple(book for file in self.inventory.of(self.slug) if (book := self._open(file)))

    def contracts(self, layer: str) -> list[TableContract]:
        """The tables that a workbook of a layer can hold."""
        listed = self.declared.contracts.values()
        return [part for part in listed if part.layer == layer and self.layout in part.sheets]

    def headers(self, table: str) -> Headers:
        """What the headers of a table say."""
        return Headers(self.declared.contracts[table], self.layout)

    def failed(self, check: str) -> list[Finding]:
        """The findings of a check that found something."""
        return [part for part in self.findings if part.check == check and part.status == "fail"]

    def columns(self, *types: str) -> Iterator[tuple[Book, Located, Place, Column]]:
        """Every column of these types that was read and holds nobody's identity: where it stands."""
        for book in self.books:
            for located in book.tables:
                contract = self.declared.contracts[located.table]
                for place in located.places:
                    if place.column in contract.names:
                        column = contract.column(place.column)
                        if column.type in types and not column.personal:
                            yield book, located, place, column

    def cells(self, book: Book, located: Located, place: Place) -> list[object]:
        """The cells below a header as the declared corrections leave them, without the rows they drop."""
        here = [
            part
            for part in self._reaching(book.file)
            if part.reaches(sheet=located.sheet.name, table=located.table)
        ]
        rows = located.sheet.rows[located.header_row :]
        if any(part.action == "drop_rows" for part in here):
            kept = self._record_rows(book, located, Repairs(here))
            rows = [row for number, row in enumerate(rows, start=located.header_row + 1) if number in kept]
        return repair_cells([row[place.position] for row in rows], place.column, Repairs(here))[0]

    def read(self, cells: Sequence[object], column: Column) -> ReadColumn:
        """The cells as the reader reads them."""
        return read_column(cells, column, self.declared.words)

    def by_return(self, table: str) -> Iterator[tuple[str, pd.DataFrame]]:
        """The records of a table, return by return."""
        yield from (
            (str(month), part) for month, part in self.tables[table].groupby("return_month", sort=False)
        )

    def check(self, table: str, records: pd.DataFrame) -> list[Finding]:
        """What the checks of records say of some records of one table."""
        return list(check_records({table: records}, self.declared.contracts, self.declared.limits, self.slug))

    def _record_rows(self, book: Book, located: Located, repairs: Repairs) -> set[int]:
        """Numbers of the rows of a sheet that the reader takes for records."""
        contract, file = self.declared.contracts[located.table], book.file
        origin = Origin(file.slug, file.layer, file.month, file.path.name)
        read = read_records(located, contract, self.declared.words, repairs, origin)
        return set(read.frame["source_row"])

    def _reaching(self, file: ReturnFile) -> list[Correction]:
        own = (part for part in self.declared.corrections if part.authority == self.slug)
        return [part for part in own if part.reaches(layer=file.layer, month=file.month)]

    def _open(self, file: ReturnFile) -> Book | None:
        try:
            sheets = read_workbook(file.path).sheets
        except ReturnsError:
            return None  # reading has told it: `workbook_unreadable`
        reaching, words = self._reaching(file), self.declared.words
        search = Search(self.contracts(file.layer), self.layout, reaching, Touched(), words)
        found = find_tables(sheets, search, Origin(file.slug, file.layer, file.month, file.path.name))
        return Book(file, sheets, found.tables)


Recogniser = Callable[[Evidence], Iterator[Draft]]


def look(study: Study, slug: str, folder: Path, declared: Declared) -> Evidence:
    """Read one authority's returns, without holding corrections against what they expect."""
    inventory = read_inventory(study, folder, declared.corrections)
    returns, touched = read_unsettled(study, slug, inventory, declared)
    records = check_records(returns.tables, declared.contracts, declared.limits, slug)
    return Evidence(study, slug, declared, inventory, returns.tables, (*returns.findings, *records), touched)
