"""Open a workbook and give its sheets as rows of cells. The only user of calamine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import python_calamine as calamine

from sfpc_book.returns.sheet_marks import ErrorCell, SheetMarks
from sfpc_book.returns.workbook_inspect import Inspection, inspect_workbook, refusal
from sfpc_book.returns.workbook_refuse import ADVICE, MOST_CELLS, NO_PASSWORD, TRIM

NO_MARKS = SheetMarks()
WORKSHEET, VISIBLE = calamine.SheetTypeEnum.WorkSheet, calamine.SheetVisibleEnum.Visible


@dataclass(frozen=True)
class RawSheet:
    """One sheet: its name as it stands and all its rows from the first, equally long; blank cells are ''.

    With `date_1904`, numbers that stand for days count from 1904; date cells are dates already.
    """

    name: str
    rows: list[list[object]]
    hidden: bool = False
    date_1904: bool = False
    marks: SheetMarks = NO_MARKS


@dataclass(frozen=True)
class Workbook:
    """All worksheets in their order; `inspected` unless nothing but values can be seen in its format."""

    sheets: tuple[RawSheet, ...]
    inspected: bool
    date_1904: bool


def read_workbook(path: Path) -> Workbook:
    """Read a workbook whose parts were found safe to unpack.

    Raises
    ------
    ReturnsError
        If the file is no workbook, is empty, cut short, too large, behind a password, holds macros, or has no
        worksheet; names the file and says what to do.
    """
    inspection = inspect_workbook(path)
    try:
        book = calamine.CalamineWorkbook.from_path(path)
        sheets = _sheets(path, book, inspection)
    except calamine.PasswordError:
        raise refusal(path, NO_PASSWORD) from None
    except (calamine.CalamineError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise refusal(path, f"not a workbook ({reason}); {ADVICE}") from None
    if not sheets:
        raise refusal(path, f"it has no worksheet; {ADVICE}")
    inspected = all(sheet.name in inspection.marks for sheet in sheets)
    return Workbook(sheets, inspected, inspection.date_1904)


def _sheets(path: Path, book: calamine.CalamineWorkbook, inspection: Inspection) -> tuple[RawSheet, ...]:
    sheets, cells = [], 0
    for part in book.sheets_metadata:
        if part.typ != WORKSHEET:
            continue
        opened = book.get_sheet_by_name(part.name)
        cells += opened.total_height * opened.total_width
        if cells > MOST_CELLS:
            fault = f"its sheets span {cells} cells or more (allowed: {MOST_CELLS})"
            raise refusal(path, f"{fault}; {TRIM}")
        rows = opened.to_python(skip_empty_area=False)
        marks = inspection.marks.get(part.name, NO_MARKS)
        _show_errors(rows, marks)
        sheets.append(RawSheet(part.name, rows, part.visible != VISIBLE, inspection.date_1904, marks))
    return tuple(sheets)


def _show_errors(rows: list[list[object]], marks: SheetMarks) -> None:
    """Put errors where they stand: calamine gives them as blank."""
    for row, position, code in marks.errors:
        if row <= len(rows) and position < len(rows[row - 1]):
            rows[row - 1][position] = ErrorCell(code)
