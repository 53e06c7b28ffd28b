"""Write a grid of cells as an Excel workbook; equal grids give equal bytes. The only user of xlsxwriter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from sfpc_book.simulate.grids import SYNTHETIC_NOTE, Book, Cell, Formula, Grid
from sfpc_book.simulate.workbook_dates import DAYS_1904, serial

# Fixed, so that a workbook does not depend on the day it was made.
CREATED = datetime(2024, 1, 1)
COLUMN_WIDTH = 18


def write_book(book: Book, folder: Path) -> Path:
    """Write one workbook as `<folder>/<file>`; returns its path."""
    path = folder / book.file
    options = {"in_memory": True, "strings_to_urls": False, "date_1904": book.date_1904}
    workbook = xlsxwriter.Workbook(str(path), options)
    workbook.set_properties(
        {
            "title": f"Data return {book.layer.upper()} {book.month}",
            "comments": SYNTHETIC_NOTE,
            "category": "SYNTHETIC DATA",
            "author": "sfpc-book",
            "created": CREATED,
        }
    )
    dates = workbook.add_format({"num_format": "dd/mm/yyyy"})
    bold = workbook.add_format({"bold": True})
    writer = CellWriter(dates, DAYS_1904 if book.date_1904 else 0)
    for grid in book.grids:
        _write_grid(workbook.add_worksheet(grid.sheet), grid, writer, bold)
    workbook.close()
    return path


@dataclass(frozen=True)
class CellWriter:
    """How cells are written: the format of dates, and the days by which the workbook counts them later."""

    dates: Format
    later: int

    def write(self, sheet: Worksheet, row: int, column: int, cell: Cell) -> None:
        """Write one cell; None leaves it blank."""
        if isinstance(cell, str):
            sheet.write_string(row, column, cell)
        elif isinstance(cell, date):
            sheet.write_number(row, column, serial(cell) - self.later, self.dates)
        elif isinstance(cell, Formula):
            sheet.write_formula(row, column, cell.text, None, "" if cell.value is None else cell.value)
        elif cell is not None:
            sheet.write_number(row, column, cell)


def _write_grid(sheet: Worksheet, grid: Grid, writer: CellWriter, bold: Format) -> None:
    sheet.set_column(0, max(len(grid.header) - 1, 0), COLUMN_WIDTH)
    for row, note in enumerate(grid.notes[: grid.header_row - 1]):
        if note:
            sheet.write_string(row, 0, note)
    if SYNTHETIC_NOTE not in grid.notes[: grid.header_row - 1]:
        # No row above the header is free: a text box beside the table, which is no cell.
        sheet.insert_textbox(1, len(grid.header) + 1, SYNTHETIC_NOTE, {"width": 320, "height": 60})
    for column, (header, cells) in enumerate(zip(grid.header, grid.cells, strict=True)):
        if header:
            sheet.write_string(grid.header_row - 1, column, header, bold)
        for row, cell in enumerate(cells, start=grid.header_row):
            writer.write(sheet, row, column, cell)
    _hide(sheet, grid)


def _hide(sheet: Worksheet, grid: Grid) -> None:
    for row in sorted(grid.hidden_rows):
        sheet.set_row(grid.excel_row(row) - 1, None, None, {"hidden": True})
    for name in sorted(grid.hidden_columns):
        place = grid.names.index(name)
        sheet.set_column(place, place, COLUMN_WIDTH, None, {"hidden": True})
    if grid.hidden:
        sheet.hide()
