"""Workbooks with what an ordinary one does not have: hidden parts, formulas, errors, edited XML, bombs."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import xlsxwriter
from return_workbooks import referrals, sheet, sheet_name
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

NAME = sheet_name("dr2_referrals")
FIRST_SHEET, BOOK = "xl/worksheets/sheet1.xml", "xl/workbook.xml"
HEADER = 4
DR2 = "swindon_dr2_nov21.xlsx"
Change = Callable[[Worksheet, Format], None]


def column_of(column: str) -> int:
    """Position of a column in a sheet of referrals."""
    return list(referrals(1)[0]).index(column)


def write_unusual(
    path: Path, change: Change | None = None, *, rows: int = 8, date_1904: bool = False, name: str = NAME
) -> Path:
    """A sheet of referrals, then changed by `change(worksheet, date format)`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"default_date_format": "dd/mm/yyyy", "date_1904": date_1904}
    book = xlsxwriter.Workbook(str(path), options)
    page = book.add_worksheet(name)
    for number, row in enumerate(sheet("dr2_referrals", referrals(rows))):
        for position, cell in enumerate(row):
            page.write(number, position, cell)
    if change:
        change(page, book.add_format({"num_format": "dd/mm/yyyy"}))
    # A workbook has one visible sheet at least.
    book.add_worksheet("Notes").write(0, 0, "Notes")
    book.close()
    return path


def rewrite(path: Path, part: str, edit: Callable[[str], str]) -> Path:
    """Change the text of one part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = edit(parts.get(part, b"").decode()).encode()
    return write_parts(path, parts.items())


def write_parts(path: Path, parts: Sequence[tuple[str, bytes]]) -> Path:
    """Write a workbook from its parts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts:
            archive.writestr(name, content)
    return path


def with_prefix(xml: str) -> str:
    """The same XML with every element of the default namespace under a prefix."""
    return re.sub(r"<(/?)(?=[a-zA-Z])", r"<\1x:", xml).replace(" xmlns=", " xmlns:x=")


def without_addresses(xml: str) -> str:
    """The same XML without addresses of rows and cells, as the format allows where no cell is left out."""
    return re.sub(r'(<(?:row|c)) r="[A-Z]*\d+"', r"\1", xml)


def with_single_quotes(xml: str) -> str:
    """The same XML with its attributes in single quotes and blanks around the equal signs."""
    return re.sub(r'="([^"<>]*)"', r" = '\1'", xml)
