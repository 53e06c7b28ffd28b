"""Open a workbook and give its sheets as rows of cells. The only user of calamine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import python_calamine as calamine

from sfpc_book.errors import ReturnsError

# The first bytes of an OLE container: old .xls files, and .xlsx files behind a password.
OLE = bytes.fromhex("d0cf11e0a1b11ae1")
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
ADVICE = "open it in Excel and save it as a workbook (.xlsx)"


@dataclass(frozen=True)
class RawSheet:
    """One sheet: its name as it stands and all its rows from the first, equally long; blank cells are ''."""

    name: str
    rows: list[list[object]]


def read_workbook(path: Path) -> tuple[RawSheet, ...]:
    """All worksheets of a workbook, in their order.

    Raises
    ------
    ReturnsError
        If the file is no workbook, is empty, is behind a password, or has no worksheet; names the file.
    """
    fault = _fault(path)
    if fault:
        raise ReturnsError(f"{path.name} cannot be read: {fault}")
    try:
        book = calamine.CalamineWorkbook.from_path(path)
        names = [
            sheet.name for sheet in book.sheets_metadata if sheet.typ == calamine.SheetTypeEnum.WorkSheet
        ]
        sheets = tuple(_sheet(book, name) for name in names)
    except (calamine.CalamineError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ReturnsError(f"{path.name} cannot be read: not a workbook ({reason}); {ADVICE}") from None
    if not sheets:
        raise ReturnsError(f"{path.name} cannot be read: it has no worksheet; {ADVICE}")
    return sheets


def _sheet(book: calamine.CalamineWorkbook, name: str) -> RawSheet:
    return RawSheet(name, book.get_sheet_by_name(name).to_python(skip_empty_area=False))


def _fault(path: Path) -> str | None:
    """What the first bytes already tell."""
    content = path.read_bytes()
    if not content:
        return "the file is empty; send it again"
    if content.startswith(OLE) and ENCRYPTED in content:
        return "it is behind a password; save it without one"
    if path.suffix.lower() in (".xlsx", ".xlsm") and not content.startswith((b"PK", OLE)):
        return f"not a workbook (its content is of another kind than its name says); {ADVICE}"
    return None
