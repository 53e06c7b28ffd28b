"""Write a grid of cells as an Excel workbook; equal grids give equal bytes. The only user of xlsxwriter."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from sfpc_book.simulate.grids import SYNTHETIC_NOTE, Book, Grid
from sfpc_book.simulate.workbook_dates import serial

# Fixed, so that a workbook does not depend on the day it was made.
CREATED = datetime(2024, 1, 1)
COLUMN_WIDTH = 18


def write_book(book: Book, folder: Path) -> Path:
    """Write one workbook as `<folder>/<file>`; returns its path."""
    path = folder / book.file
    workbook = xlsxwriter.Workbook(str(path), {"in_memory": True, "strings_to_urls": False})
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
    for grid in book.grids:
        _write_grid(workbook.add_worksheet(grid.sheet), grid, dates, bold)
    workbook.close()
    return path


def _write_grid(sheet: Worksheet, grid: Grid, dates: Format, bold: Format) -> None:
    sheet.set_column(0, max(len(grid.header) - 1, 0), COLUMN_WIDTH)
    for row, note in enumerate(grid.notes[: grid.header_row - 1]):
        if note:
            sheet.write_string(row, 0, note)
    if SYNTHETIC_NOTE not in grid.notes[: grid.header_row - 1]:
        # No row above the header is free: a text box beside the table, which is no cell.
        sheet.insert_textbox(1, len(grid.header) + 1, SYNTHETIC_NOTE, {"width": 320, "height": 60})
    for column, header in enumerate(grid.header):
        if header:
            sheet.write_string(grid.header_row - 1, column, header, bold)
    for column, cells in enumerate(grid.cells):
        _write_column(sheet, grid.header_row, column, cells, dates)


def _write_column(sheet: Worksheet, first: int, column: int, cells: list, dates: Format) -> None:
    for row, cell in enumerate(cells, start=first):
        if cell is None:
            continue
        if isinstance(cell, str):
            sheet.write_string(row, column, cell)
        elif isinstance(cell, date):
            sheet.write_number(row, column, serial(cell), dates)
        else:
            sheet.write_number(row, column, cell)
