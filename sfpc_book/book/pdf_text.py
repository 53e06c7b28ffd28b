"""The words that a PDF holds, read back from its pages: what a reader could copy out of it.

Enough of PDF for the files this package makes: text shown with embedded fonts that carry a ToUnicode map, on
pages and in the drawings placed on them (ISO 32000-1, 9.10.3).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import pikepdf

HEX = re.compile(rb"<([0-9A-Fa-f]+)>")
SECTION = re.compile(rb"begin(bfchar|bfrange)(.*?)end\1", re.DOTALL)
RANGE = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*(?:<([0-9A-Fa-f]+)>|\[(.*?)\])", re.DOTALL)
SHOW = frozenset({"Tj", "TJ", "'", '"'})
OPERATORS = "q Q cm BT Tf Tm Td TD Tj TJ ' \" Do"
DEEPEST = 8  # drawings inside drawings
WIDEST_LETTER = 1.1  # advance from one letter to the next, in text sizes

CodeMap = dict[int, str]
Matrix = tuple[float, ...]
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def pdf_text(path: Path) -> str:
    """Text of all pages, then titles, alternative texts and other words of the document's structure."""
    with pikepdf.open(path) as pdf:
        pages = ["".join(_shown(page.obj, page.obj.get("/Resources", {}))) for page in pdf.pages]
        return "\n".join([*pages, *_structure_words(pdf)])


def _shown(content: pikepdf.Object, resources: pikepdf.Object, depth: int = 0) -> Iterator[str]:
    """The text of one content stream and of the drawings it places."""
    fonts = {name: _code_map(font) for name, font in resources.get("/Font", {}).items()}
    drawings = resources.get("/XObject", {})
    pen = _Pen()
    for operands, operator in pikepdf.parse_content_stream(content, OPERATORS):
        name = str(operator)
        if name == "Tf":
            pen.codes, pen.size = fonts.get(str(operands[0]), {}), float(operands[1])
        elif name in SHOW:
            yield pen.gap() + "".join(_decoded(operands, pen.codes))
        elif name == "Do" and depth < DEEPEST:
            drawing = drawings[str(operands[0])]
            if drawing.get("/Subtype") == "/Form":
                yield from _shown(drawing, drawing.get("/Resources", resources), depth + 1)
        else:
            pen.move(name, operands)


class _Pen:
    """Where the next text would stand on the page, and whether it goes on with the text before it."""

    def __init__(self) -> None:
        self.codes: CodeMap = {}
        self.size = 1.0
        self.page, self.line = IDENTITY, IDENTITY
        self.kept: list[Matrix] = []
        self.before: Matrix | None = None

    def move(self, name: str, operands) -> None:
        """Follow an operator that moves the page's or the text's origin."""
        if name == "q":
            self.kept.append(self.page)
        elif name == "Q" and self.kept:
            self.page = self.kept.pop()
        elif name == "BT":
            self.line = IDENTITY
        elif name == "cm":
            self.page = _product(tuple(map(float, operands)), self.page)
        elif name == "Tm":
            self.line = tuple(map(float, operands))
        elif name in ("Td", "TD"):
            self.line = _product((1, 0, 0, 1, float(operands[0]), float(operands[1])), self.line)

    def gap(self) -> str:
        """Nothing where the text stands close behind the one before, else a new line."""
        now = _product(self.line, self.page)
        before, self.before = self.before, now
        return "" if _continues(before, now, self.size) else "\n"


def _product(first: Matrix, second: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    p, q, r, s, t, u = second
    return (a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u)


def _continues(before: Matrix | None, now: Matrix, size: float) -> bool:
    """Drawn text is placed letter by letter: a letter goes on with the word before it if it stands close to
    it, in the same direction, on the same line.
    """
    if before is None or any(abs(old - new) > 1e-6 for old, new in zip(before[:4], now[:4], strict=True)):
        return False
    across, up = now[4] - before[4], now[5] - before[5]
    scale = math.hypot(now[0], now[1]) or 1.0
    along = (across * now[0] + up * now[1]) / scale
    aside = (up * now[0] - across * now[1]) / scale
    return 0 <= along < WIDEST_LETTER * size * scale and abs(aside) < 0.1 * size * scale


def _decoded(operands, codes: CodeMap) -> Iterator[str]:
    for operand in operands:
        if isinstance(operand, pikepdf.Array):
            yield from _decoded(operand, codes)
        elif isinstance(operand, pikepdf.String):
            raw = bytes(operand)
            for place in range(0, len(raw) - 1, 2):
                yield codes.get(int.from_bytes(raw[place : place + 2], "big"), "")


def _code_map(font: pikepdf.Object) -> CodeMap:
    """Character codes to text, from a font's ToUnicode map."""
    if "/ToUnicode" not in font:
        return {}
    codes: CodeMap = {}
    for kind, body in SECTION.findall(font.ToUnicode.read_bytes()):
        if kind == b"bfchar":
            items = HEX.findall(body)
            codes.update(
                {int(code, 16): _text(word) for code, word in zip(items[::2], items[1::2], strict=True)}
            )
        else:
            for first, last, word, words in RANGE.findall(body):
                codes.update(_range(int(first, 16), int(last, 16), word, words))
    return codes


def _range(first: int, last: int, word: bytes, words: bytes) -> CodeMap:
    if words:
        return {first + place: _text(item) for place, item in enumerate(HEX.findall(words))}
    start = _text(word)
    return {code: start[:-1] + chr(ord(start[-1]) + code - first) for code in range(first, last + 1)}


def _text(hexadecimal: bytes) -> str:
    return bytes.fromhex(hexadecimal.decode()).decode("utf-16-be", errors="replace")


def _structure_words(pdf: pikepdf.Pdf) -> Iterator[str]:
    """Document information, metadata, link addresses, alternative texts: all strings outside the pages."""
    for thing in pdf.objects:
        if isinstance(thing, pikepdf.Dictionary):
            yield from (str(value) for value in thing.values() if isinstance(value, pikepdf.String))
        elif isinstance(thing, pikepdf.Stream) and thing.get("/Type") == "/Metadata":
            yield thing.read_bytes().decode("utf-8", errors="replace")
