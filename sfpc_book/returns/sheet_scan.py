"""Scan the XML of one worksheet, a chunk at a time, for what the reader of values does not show.

Bytes are searched for what could matter; only chunks that hold it are walked cell by cell. Prefixes of the
namespace, quotes and cells without an address are met as the format allows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

from sfpc_book.returns.sheet_marks import SheetMarks

PREFIX = rb"(?:[\w.-]+:)?"
TAG = re.compile(rb"<" + PREFIX + rb"(?:(row)|c)(?=[\s/>])([^<>]*)>")
COLUMN = re.compile(rb"<" + PREFIX + rb"col\s([^<>]*)>")
CLOSED_CELL = re.compile(rb"</" + PREFIX + rb"c\s*>")
FORMULA = re.compile(rb"<" + PREFIX + rb"f[\s/>]")
VALUE = re.compile(rb"<" + PREFIX + rb"v(?:\s[^<>]*)?>([^<]+)")
ADDRESS = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]*)(\d*)[\"']")
HIDDEN = re.compile(rb"\shidden\s*=\s*[\"'](?:1|true)[\"']")
SPAN = re.compile(rb"\s(min|max)\s*=\s*[\"'](\d+)[\"']")
KIND = re.compile(rb"\st\s*=\s*[\"'](\w+)[\"']")
# The area whose cells are passed over without looking at each, A1:AZ199999 (a sheet of the size of the
# protocols fits), and a cell without an address in it.
NEAR_ROWS, NEAR_COLUMNS = 199_999, 52
FAR = re.compile(rb"<c(?! r=\"A?[A-Z]1?\d{1,5}+\")")
# Bytes without which, in a chunk of such cells, no row is hidden, no cell computed, none an error.
TELLING = (b"hidden", b"<f", b'"e"')


class SheetScan:
    """What has been met so far.

    `height` and `width` hold the cells that were walked and are not blank. If they are `far`, the sheet must
    be scanned again, thoroughly (every cell walked), to know them exactly.
    """

    def __init__(self, *, thorough: bool = False) -> None:
        self.thorough = thorough
        self.height = self.width = 0
        self.hidden_columns: list[tuple[int, int]] = []
        self.hidden_rows: list[int] = []
        self.formulas: list[tuple[int, int]] = []
        self.unsolved: list[tuple[int, int]] = []
        self.errors: list[tuple[int, int, str]] = []
        self._row, self._position = 0, -1

    @property
    def far(self) -> bool:
        """Whether a cell lies outside A1:AZ199999."""
        return self.height > NEAR_ROWS or self.width > NEAR_COLUMNS

    @property
    def marks(self) -> SheetMarks:
        """The marks of the sheet, when all its chunks were fed."""
        lists = (self.hidden_rows, self.hidden_columns, self.formulas, self.unsolved, self.errors)
        return SheetMarks(*map(tuple, lists))

    def feed(self, chunks: Iterable[bytes]) -> SheetScan:
        """Take the chunks of a sheet's XML in their order."""
        for part, rows in _whole_rows(chunks):
            if part == "head":
                self._read_columns(rows)
            elif self.thorough or not _ordinary(rows) or any(word in rows for word in TELLING):
                self._walk(rows)
            else:
                self._pass_over(rows)
        return self

    def _read_columns(self, head: bytes) -> None:
        for match in COLUMN.finditer(head):
            span = {name: int(number) for name, number in SPAN.findall(b" " + match[1])}
            if HIDDEN.search(b" " + match[1]) and len(span) == 2:
                self.hidden_columns.append((span[b"min"] - 1, span[b"max"] - 1))

    def _pass_over(self, rows: bytes) -> None:
        """Keep the number of the last row, for a later one that does not say its own."""
        match = TAG.match(rows, max(0, rows.rfind(b"<row")))
        if match:
            numbered = ADDRESS.search(match[2])
            self._row = int(numbered[2]) if numbered else self._row + rows.count(b"<row")

    def _walk(self, rows: bytes) -> None:
        for match, following in pairwise(chain(TAG.finditer(rows), [None])):
            if match[1]:
                self._enter_row(match[2])
                if HIDDEN.search(match[2]):
                    self.hidden_rows.append(self._row)
            else:
                self._enter_cell(match[2], rows[match.end() : following.start() if following else len(rows)])

    def _enter_row(self, attributes: bytes) -> None:
        address = ADDRESS.search(attributes)
        self._row = int(address[2]) if address and address[2] else self._row + 1
        self._position = -1

    def _enter_cell(self, attributes: bytes, following: bytes) -> None:
        """A cell, and what follows it up to the next row or cell."""
        address = ADDRESS.search(attributes)
        self._position = _position(address[1]) if address and address[1] else self._position + 1
        if attributes.endswith(b"/"):
            return
        row = int(address[2]) if address and address[2] else self._row
        self.height, self.width = max(self.height, row), max(self.width, self._position + 1)
        self._read_cell(attributes, CLOSED_CELL.split(following, 1)[0], row)

    def _read_cell(self, attributes: bytes, body: bytes, row: int) -> None:
        kind, value = KIND.search(attributes), VALUE.search(body)
        if FORMULA.search(body):
            self.formulas.append((row, self._position))
            # A text result may be empty; a number that is not there was never worked out.
            if value is None and not (kind and kind[1] == b"str"):
                self.unsolved.append((row, self._position))
        if kind and kind[1] == b"e":
            code = value[1].decode("ascii", "replace").strip() if value else "error"
            self.errors.append((row, self._position, code))


def _whole_rows(chunks: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """What stands before the cells, then the cells cut where a row ends; what follows them is left out."""
    rest, part = b"", "head"
    for chunk in chunks:
        rest += chunk
        if part == "head" and b"sheetData" in rest:
            head, _, rest = rest.partition(b"sheetData")
            yield "head", head
            part = "rows"
        if part == "rows":
            cut = _last_row_end(rest)
            if cut:
                yield "rows", rest[:cut]
                rest = rest[cut:]
    yield part, rest.partition(b"sheetData")[0]


def _last_row_end(rows: bytes) -> int:
    """Position behind the last closed row; 0 if none is closed."""
    end = rows.rfind(b"row>")
    return end + len(b"row>") if end >= 0 else 0


def _ordinary(rows: bytes) -> bool:
    """Whether every cell says an address in A1:AZ199999, in the usual spelling."""
    return b":c" not in rows and not FAR.search(rows)


def _position(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number - 1
