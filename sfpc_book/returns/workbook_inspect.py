"""Look into a workbook before it is read: refuse what is unsafe, note what the values do not show.

Every part is unpacked once here, under a limit, so that what a part says of its own size is never trusted.
"""

from __future__ import annotations

import copy
import posixpath
import re
import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

from sfpc_book.errors import ReturnsError
from sfpc_book.returns.sheet_marks import SheetMarks
from sfpc_book.returns.sheet_scan import SheetScan
from sfpc_book.returns.workbook_extent import extents, holds_sheets
from sfpc_book.returns.workbook_refuse import (
    ADVICE,
    ZIP,
    fault_of_archive,
    fault_of_file,
    first_bytes,
    too_wide,
)

CHUNK = 1 << 20
BOOK, RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
# What may stand before the first element; what then follows is its name, or the document is not read.
PROLOG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?>(?:\s+|<\?(?>.*?\?>)|<!--(?>.*?-->))*)<(?:[\w.-]+:)?([\w.-]+)", re.DOTALL
)
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, UnicodeDecodeError, ElementTree.ParseError)
BROKEN += (EOFError, OSError)


@dataclass(frozen=True)
class Inspection:
    """Marks of each sheet that was looked into, by its name, and whether serial numbers count from 1904."""

    date_1904: bool = False
    marks: Mapping[str, SheetMarks] = field(default_factory=dict)


@dataclass(frozen=True)
class _Contents:
    """The list of sheets: which part (its name in lower case) holds which sheet."""

    sheets: Mapping[str, str]
    date_1904: bool


def inspect_workbook(path: Path) -> Inspection:
    """Look at every part of a workbook.

    Raises
    ------
    ReturnsError
        If the file must not be, or cannot be, opened; names the file, the reason and what to do.
    """
    try:
        fault = fault_of_file(path)
        if fault:
            raise refusal(path, fault)
        if first_bytes(path, len(ZIP)) != ZIP:
            return Inspection()
        with zipfile.ZipFile(path) as archive:
            fault = fault_of_archive(archive)
            if fault:
                raise refusal(path, fault)
            return _inspect(path, archive)
    except BROKEN as error:
        text = f"not a workbook, or cut short on its way ({error}); send it again, or {ADVICE}"
        raise refusal(path, text) from None


def refusal(path: Path, fault: str) -> ReturnsError:
    """The error that says why a workbook is not read."""
    return ReturnsError(f"{path.name} cannot be read: {fault}")


def _inspect(path: Path, archive: zipfile.ZipFile) -> Inspection:
    contents = _contents(archive)
    marks: dict[str, SheetMarks] = {}
    for part in archive.infolist():
        name = part.filename.lower()
        chunks = _chunks(path, archive, part)
        first = next(chunks, b"")
        root, content = _root(path, part, first), chain([first], chunks)
        sheet = contents.sheets.get(name, part.filename)
        if name in contents.sheets or root == b"worksheet":
            scan = SheetScan().feed(content)
            if scan.far:
                scan = SheetScan(thorough=True).feed(_chunks(path, archive, part))
            _refuse_wide(path, sheet, [(scan.height, scan.width)])
            marks[sheet] = scan.marks
        elif holds_sheets(name):
            _refuse_wide(path, sheet, extents(name, b"".join(content)))
        else:
            deque(content, maxlen=0)
    return Inspection(contents.date_1904, marks)


def _refuse_wide(path: Path, sheet: str, reaches: Iterable[tuple[int, int]]) -> None:
    for height, width in reaches:
        fault = too_wide(sheet, height, width)
        if fault:
            raise refusal(path, fault)


def _chunks(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """What a part really holds, as far as it says it does."""
    unlimited = copy.copy(part)
    # zipfile stops at the size that a part says it has; a reader that does not would go on to the end.
    unlimited.file_size = part.file_size + 1
    size = 0
    with archive.open(unlimited) as opened:
        while chunk := opened.read(CHUNK):
            size += len(chunk)
            if size > part.file_size:
                raise refusal(path, f"a part of it is larger than it says; send it again, or {ADVICE}")
            yield chunk


def _root(path: Path, part: zipfile.ZipInfo, first: bytes) -> bytes | None:
    """Name of the first element of an XML part; None of any other part and of an empty one."""
    if not first or not part.filename.lower().endswith((".xml", ".rels")):
        return None
    match = PROLOG.match(first)
    if match:
        return match[1]
    fault = (
        "declares entities, which a workbook never does" if b"<!DOCTYPE" in first else "is no XML in UTF-8"
    )
    raise refusal(path, f"its part {part.filename} {fault}; {ADVICE}")


def _contents(archive: zipfile.ZipFile) -> _Contents:
    parts = {part.filename.lower(): part for part in archive.infolist()}
    if BOOK not in parts or RELATIONS not in parts:
        return _Contents({}, False)
    relations = ElementTree.fromstring(archive.read(parts[RELATIONS]))
    targets = {part.get("Id"): _target(part.get("Target", "")) for part in relations}
    book = ElementTree.fromstring(archive.read(parts[BOOK]))
    sheets = {}
    for sheet in book.iterfind(".//{*}sheets/{*}sheet"):
        ids = [value for name, value in sheet.items() if name.endswith("}id")]
        if ids and ids[0] in targets:
            sheets[targets[ids[0]]] = sheet.get("name", "")
    settings = book.find(".//{*}workbookPr")
    return _Contents(sheets, settings is not None and settings.get("date1904") in ("1", "true"))


def _target(target: str) -> str:
    """The name of a part that the list of sheets points to, in lower case."""
    lower = target.lower().replace("\\", "/")
    return lower.lstrip("/") if lower.startswith(("/", "xl/")) else posixpath.normpath(f"xl/{lower}")
