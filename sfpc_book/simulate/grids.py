"""Workbooks as grids of cells: what each sheet shows, before anything is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from sfpc_book.contracts.contract import Column, TableContract
from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.simulate.canonical import Sent
from sfpc_book.simulate.codes import NO_FACTORS
from sfpc_book.simulate.months import file_name
from sfpc_book.simulate.outcome_tables import stored_terms

SYNTHETIC_NOTE = "SYNTHETIC DATA: invented children, made by a program for tests. Nobody in it exists."


@dataclass(frozen=True)
class Formula:
    """A cell that is calculated: what it says, and the value that Excel kept (None: it kept none)."""

    text: str
    value: str | int | float | date | None


Cell = str | int | float | date | Formula | None
FACTOR_FLAGS = ("factor_1b", "factor_2b", "factor_3a", "factor_3b", "factor_3c", "factor_4b")
YES_NO = {0: "No", 1: "Yes"}


@dataclass(frozen=True)
class Grid:
    """One sheet: notes above the header, the header row (from 1, as in Excel), columns of cells below it.

    `names` are the contract's column names (a level behind a colon), `header` what the cells of the header
    say; `cells` holds one equally long list per column and is never changed in place. `rows` numbers the
    records once and for all: a record keeps its number wherever it is moved, and one that is added gets a
    number that no other has. `hidden_rows` are such numbers, `hidden_columns` names of columns.
    """

    table: str
    sheet: str
    notes: tuple[str, ...]
    header_row: int
    names: tuple[str, ...]
    header: tuple[str, ...]
    cells: tuple[list[Cell], ...]
    rows: tuple[int, ...]
    hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[str] = frozenset()

    @property
    def n_rows(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> list[Cell]:
        """Cells of the column of that name."""
        return self.cells[self.names.index(name)]

    def with_column(self, name: str, cells: list[Cell]) -> Grid:
        """The same sheet with other cells in one column."""
        place = self.names.index(name)
        return replace(self, cells=(*self.cells[:place], cells, *self.cells[place + 1 :]))

    def with_header(self, name: str, header: str) -> Grid:
        """The same sheet with another header over one column."""
        place = self.names.index(name)
        return replace(self, header=(*self.header[:place], header, *self.header[place + 1 :]))

    def with_rows(self, place: int, added: Sequence[Mapping[str, Cell]]) -> Grid:
        """The same sheet with rows added before the record at a position; columns not named are blank."""
        cells = tuple(
            [*column[:place], *(row.get(name) for row in added), *column[place:]]
            for name, column in zip(self.names, self.cells, strict=True)
        )
        first = max(self.rows, default=-1) + 1
        numbers = (*self.rows[:place], *range(first, first + len(added)), *self.rows[place:])
        return replace(self, cells=cells, rows=numbers)

    def with_extra(self, name: str, header: str, cells: list[Cell], place: int) -> Grid:
        """The same sheet with one more column, at a position."""
        return replace(
            self,
            names=(*self.names[:place], name, *self.names[place:]),
            header=(*self.header[:place], header, *self.header[place:]),
            cells=(*self.cells[:place], cells, *self.cells[place:]),
        )

    def without(self, name: str) -> Grid:
        """The same sheet without a column."""
        place = self.names.index(name)
        parts = (self.names, self.header, self.cells)
        names, header, cells = ((*part[:place], *part[place + 1 :]) for part in parts)
        return replace(self, names=names, header=header, cells=cells)

    def excel_row(self, row: int) -> int:
        """Row in Excel of the record of that number."""
        return self.header_row + 1 + self.rows.index(row)


@dataclass(frozen=True)
class Book:
    """One workbook of one authority."""

    authority: str
    layer: str
    month: str
    file: str
    grids: tuple[Grid, ...]
    date_1904: bool = False

    def grid(self, table: str) -> Grid:
        """The sheet that holds a table."""
        return next(grid for grid in self.grids if grid.table == table)

    def with_grid(self, changed: Grid) -> Book:
        """The same workbook with the sheet of one table changed."""
        return replace(
            self, grids=tuple(changed if grid.table == changed.table else grid for grid in self.grids)
        )


def books_of(
    authority: str,
    sent: Sent,
    contracts: dict[str, TableContract],
    words: Vocabularies,
    layout: str,
    factor_columns: bool,
) -> list[Book]:
    """The clean workbooks of one authority. `factor_columns`: six yes/no columns, not a list of codes."""
    books = []
    for (layer, month), tables in sent.items():
        grids = [
            _grid(table, contracts[name], words, layout, factor_columns) for name, table in tables.items()
        ]
        books.append(Book(authority, layer, month, file_name(authority, layer, month), tuple(grids)))
    return books


def _grid(
    table: pd.DataFrame, contract: TableContract, words: Vocabularies, layout: str, factor_columns: bool
) -> Grid:
    sheet = contract.sheets[layout]
    named: dict[str, tuple[str, list[Cell]]] = {}
    rows = table.drop_duplicates("child_id") if contract.wide else table
    for column in contract.for_layout(layout):
        if column.name == ("factors" if factor_columns else None):
            continue
        if column.name in FACTOR_FLAGS and not factor_columns:
            continue
        if contract.wide and column.name == contract.wide.column:
            named |= _level_columns(table, contract, column, words)
        elif column.name in rows:
            named[column.name] = (column.header, _cells(rows, column, words))
    notes = (SYNTHETIC_NOTE, contract.title, "Please fill one row for each record.", "", "")
    return Grid(
        table=contract.table,
        sheet=sheet.name,
        notes=notes[: sheet.header_row - 1],
        header_row=sheet.header_row,
        names=tuple(named),
        header=tuple(header for header, _ in named.values()),
        cells=tuple(cells for _, cells in named.values()),
        rows=tuple(range(len(next(iter(named.values()))[1]))),
    )


def _level_columns(
    table: pd.DataFrame, contract: TableContract, column: Column, words: Vocabularies
) -> dict[str, tuple[str, list[Cell]]]:
    """One column per level of a wide sheet, one row per child in the order of the table."""
    wide, child = contract.wide, pd.factorize(table["child_id"])[0]
    found = {}
    labels = stored_terms(wide.levels) if wide.by == "term" else wide.levels
    for level, label in zip(wide.levels, labels, strict=True):
        mine = (table[wide.by].astype("str") == label).to_numpy()
        values = (
            table.loc[mine, [column.name]].set_axis(child[mine]).reindex(range(child.max(initial=-1) + 1))
        )
        header = column.header.replace("{level}", level)
        found[f"{column.name}:{level}"] = (header, _cells(values, column, words))
    return found


def _cells(frame: pd.DataFrame, column: Column, words: Vocabularies) -> list[Cell]:
    if column.type == "birth_month":
        unborn = words.unborn_phrases[0]
        born = _dates(frame[column.name])
        return [unborn if marker == "unborn" else cell
                for marker, cell in zip(frame["birth_marker"], born, strict=True)]  # fmt: skip
    return (
        CELLS[column.type](frame[column.name])
        if column.name not in FACTOR_FLAGS
        else _yes_no(frame[column.name])
    )


def _dates(values: pd.Series) -> list[Cell]:
    return values.to_numpy(dtype="datetime64[D]").astype(object).tolist()


def _texts(values: pd.Series) -> list[Cell]:
    return [
        None if value is None or value != value else value for value in values.to_numpy(dtype=object).tolist()
    ]


def _factors(values: pd.Series) -> list[Cell]:
    return [NO_FACTORS if text == "" else text for text in _texts(values)]


def _whole(values: pd.Series) -> list[Cell]:
    return [None if value is pd.NA or value != value else int(value) for value in values.tolist()]


def _yes_no(values: pd.Series) -> list[Cell]:
    return [None if cell is None else YES_NO[cell] for cell in _whole(values)]


def _numbers(values: pd.Series) -> list[Cell]:
    return [None if value != value else value for value in values.to_numpy(dtype=float).tolist()]


def _percents(values: pd.Series) -> list[Cell]:
    return _numbers(pd.Series(np.round(100 * values.to_numpy(dtype=float), 2)))


CELLS: dict[str, Callable[[pd.Series], list[Cell]]] = {
    "text": _texts, "code": _texts, "factors": _factors, "date": _dates, "month": _dates, "flag": _whole,
    "integer": _whole, "number": _numbers, "share": _numbers, "percent": _percents,
}  # fmt: skip
