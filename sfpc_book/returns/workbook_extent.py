"""How far the cells of a sheet reach in formats that are not looked into further: .ods and .xlsb.

Only what takes memory is measured: the last row and column with a cell that is not blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

ODS_CONTENT = "content.xml"
ODS_TAG = re.compile(rb"<[\w.-]+:(table|table-row|table-cell|covered-table-cell)(?=[\s/>])([^<>]*)>")
ODS_REPEATED = re.compile(rb":number-(?:rows|columns)-repeated\s*=\s*[\"'](\d+)[\"']")
XLSB_SHEET = re.compile(r"xl/.*sheets/.*\.bin$")
# Records of a binary worksheet: 0 begins a row, 1 is a blank cell, 2 to 11 are cells of all other kinds.
XLSB_ROW, XLSB_CELLS = 0, range(2, 12)

Extent = tuple[int, int]


def holds_sheets(name: str) -> bool:
    """Whether a part (its name in lower case) is one that holds sheets in these formats."""
    return name == ODS_CONTENT or XLSB_SHEET.search(name) is not None


def extents(name: str, content: bytes) -> list[Extent]:
    """Rows and columns up to the last cell, of each sheet in such a part."""
    return _ods(content) if name == ODS_CONTENT else [_xlsb(content)]


def _ods(content: bytes) -> list[Extent]:
    """Rows and cells may stand for many alike; blank ones at the end are left out by readers."""
    found: list[Extent] = []
    row = repeated_rows = column = 0
    for tag, attributes in ODS_TAG.findall(content):
        repeated = ODS_REPEATED.search(attributes)
        times = int(repeated[1]) if repeated else 1
        if tag == b"table":
            found.append((0, 0))
            row = repeated_rows = 0
        elif tag == b"table-row":
            row, repeated_rows, column = row + repeated_rows, times, 0
        else:
            column += times
            if found and (b"value" in attributes or not attributes.endswith(b"/")):
                found[-1] = (max(found[-1][0], row + repeated_rows), max(found[-1][1], column))
    return found


def _xlsb(content: bytes) -> Extent:
    row = height = width = 0
    for kind, start in _records(content):
        number = int.from_bytes(content[start : start + 4], "little")
        if kind == XLSB_ROW:
            row = number + 1
        elif kind in XLSB_CELLS:
            height, width = max(height, row), max(width, number + 1)
    return height, width


def _records(content: bytes) -> Iterator[tuple[int, int]]:
    """Kind of each record and where its data begin. Kind and length are numbers of seven bits a byte."""
    place = 0
    while place < len(content):
        kind, place = _number(content, place, 2)
        length, place = _number(content, place, 4)
        yield kind, place
        place += length


def _number(content: bytes, place: int, longest: int) -> tuple[int, int]:
    """A number of at most so many bytes, and the place behind it."""
    number = 0
    for shift in range(longest):
        if place >= len(content):
            break
        byte, place = content[place], place + 1
        number |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            break
    return number, place
