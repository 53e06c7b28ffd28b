"""Why a workbook is not opened: each reason is known from its bytes, before anything in it is unpacked."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

# The first bytes of an OLE container: old .xls files, and .xlsx files behind a password.
OLE = bytes.fromhex("d0cf11e0a1b11ae1")
ZIP = b"PK"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
OLE_MACROS = "_VBA_PROJECT".encode("utf-16-le")
MACRO_CONTENT = re.compile(rb"macroenabled|macrosheet|vbaproject", re.IGNORECASE)
MACRO_MEMBER = re.compile(r"(^|/)vbaproject\.bin$|^(basic|scripts)/.", re.IGNORECASE)
MACRO_SUFFIXES = (".xlsm", ".xltm", ".xlam")
CONTENT_TYPES, ODS_MANIFEST = "[content_types].xml", "meta-inf/manifest.xml"
ODS_ENCRYPTED = b"encryption-data"

# Limits. The largest synthetic workbook at the size of the protocols has 3.4 MB on disk, 29 MB unpacked, 15
# parts, none above 24 MB, none pressed to less than a tenth, and 870,000 cells. Each limit leaves room for
# ten times as much.
LARGEST_FILE = 100_000_000
LARGEST_PART = 256_000_000
LARGEST_UNPACKED = 512_000_000
MOST_PARTS = 1_000
# Lists of parts and sheets are read whole: a few thousand characters each.
LISTS = (CONTENT_TYPES, ODS_MANIFEST, "xl/workbook.xml", "xl/_rels/workbook.xml.rels")
LARGEST_LIST = 5_000_000
# Spreadsheet XML is pressed to a tenth, blank formatted rows to a hundredth; a bomb to a thousandth. Small
# parts do no harm whatever their ratio.
HIGHEST_RATIO, RATIO_COUNTS_FROM = 300, 10_000_000
# Rows times columns to the last cell, over all sheets: every cell of that area takes memory, filled or not.
MOST_CELLS = 12_000_000

ADVICE = "open it in Excel and save it as a workbook (.xlsx)"
NO_PASSWORD = "it is behind a password; save it without one"
NO_MACROS = "it holds macros; save it without them (in Excel: Save As, type 'Excel Workbook (*.xlsx)')"
TRIM = "select the empty rows below and columns beside the table, delete them, and save"


def fault_of_file(path: Path) -> str | None:
    """What the name, the size and the first bytes of a file tell."""
    if path.suffix.lower() in MACRO_SUFFIXES:
        return NO_MACROS
    if path.stat().st_size > LARGEST_FILE:
        return f"it is larger than {LARGEST_FILE // 1_000_000} MB; {TRIM}"
    start = first_bytes(path, len(OLE))
    if not start:
        return "the file is empty; send it again"
    if start == OLE:
        return _fault_of_ole(path.read_bytes())
    if path.suffix.lower() != ".xls" and not start.startswith(ZIP):
        return f"not a workbook (its content is of another kind than its name says); {ADVICE}"
    return None


def first_bytes(path: Path, count: int) -> bytes:
    """The first bytes of a file, fewer if it is shorter."""
    with path.open("rb") as file:
        return file.read(count)


def fault_of_archive(archive: zipfile.ZipFile) -> str | None:
    """What the list of parts of a workbook tells, with its table of content types."""
    parts = archive.infolist()
    if any(part.flag_bits & 1 for part in parts):
        return NO_PASSWORD
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        return f"its parts are packed in a way that is not a workbook's; {ADVICE}"
    return _too_much(parts) or _macros(archive, parts)


def too_wide(sheet: str, height: int, width: int) -> str | None:
    """The fault of a sheet with a cell so far out that the area up to it would not fit into memory."""
    if height * width <= MOST_CELLS:
        return None
    reach = f"its cells reach to row {height} and column {width}, an area of {height * width} cells"
    return f"sheet '{sheet}': {reach} (allowed: {MOST_CELLS}); {TRIM}"


def _fault_of_ole(content: bytes) -> str | None:
    if ENCRYPTED in content:
        return NO_PASSWORD
    return NO_MACROS if OLE_MACROS in content else None


def _too_much(parts: Sequence[zipfile.ZipInfo]) -> str | None:
    if len(parts) > MOST_PARTS:
        return f"it has {len(parts)} parts, more than {MOST_PARTS}: no workbook of a return; {ADVICE}"
    largest = max((part.file_size for part in parts), default=0)
    if largest > LARGEST_PART or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
        most = f"{LARGEST_UNPACKED // 1_000_000} MB, {LARGEST_PART // 1_000_000} MB in one part"
        return f"it unpacks to more than is allowed ({most}); {TRIM}"
    if any(part.filename.lower() in LISTS and part.file_size > LARGEST_LIST for part in parts):
        return f"its list of sheets is larger than {LARGEST_LIST // 1_000_000} MB; {ADVICE}"
    for part in parts:
        ratio = part.file_size / max(1, part.compress_size)
        if part.file_size >= RATIO_COUNTS_FROM and ratio > HIGHEST_RATIO:
            return f"a part of it unpacks to {ratio:.0f} times its size (allowed: {HIGHEST_RATIO}); {TRIM}"
    return None


def _macros(archive: zipfile.ZipFile, parts: Sequence[zipfile.ZipInfo]) -> str | None:
    if any(MACRO_MEMBER.search(part.filename.replace("\\", "/")) for part in parts):
        return NO_MACROS
    for part in parts:
        name = part.filename.lower()
        if name == CONTENT_TYPES and MACRO_CONTENT.search(archive.read(part)):
            return NO_MACROS
        if name == ODS_MANIFEST and ODS_ENCRYPTED in archive.read(part):
            return NO_PASSWORD
    return None
