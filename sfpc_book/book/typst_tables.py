"""Tables for the PDF: one shape for tables from HTML outputs and from text pages, written as Typst.

The first column of the body heads its rows; Typst cannot say so from Python, so `pdf_finish` sets it
afterwards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sfpc_book.book.typst_text import array, literal, strong

# Numbers with their signs, units, intervals and the shorthands for missing values are aligned right.
NUMBER = re.compile(
    r"[+−<>£]*\d[\d,.]*(%|pp)?( to [+−]?\d[\d,.]*%?)?|\[(c|x|z|low|u|p|r)\]|unbounded.*|", flags=re.IGNORECASE
)
# Text sizes in points, largest first, upright and then sideways: the first in which a table fits is taken.
UPRIGHT, SIDEWAYS = 482.0, 720.0  # width of the text on an A4 page, in points
FITTINGS = ((UPRIGHT, 9.5), (UPRIGHT, 8.5), (UPRIGHT, 7.5), (SIDEWAYS, 8.5), (SIDEWAYS, 7.5), (SIDEWAYS, 6.5))
CHARACTER = 0.56  # mean width of a character of Liberation Sans, as a share of its size
PADDING = 10.0  # left and right of a cell's text, in points


@dataclass(frozen=True)
class Cell:
    """One cell: Typst markup, its plain text, and how many columns and rows it covers."""

    markup: str
    plain: str
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True)
class TableShape:
    """A table: caption as markup, header rows and body rows."""

    caption: str
    head: tuple[tuple[Cell, ...], ...]
    body: tuple[tuple[Cell, ...], ...]

    @property
    def width(self) -> int:
        """Number of columns."""
        return max((sum(cell.columns for cell in row) for row in (*self.head, *self.body)), default=0)


def table_problems(table: TableShape) -> list[str]:
    """What would stop a reader from using the table: no cells, no caption, no header row."""
    faults = []
    if not table.width:
        faults.append("a table has no cells")
    if not table.caption:
        faults.append("a table has no caption")
    if not table.head:
        faults.append("a table has no header row")
    return [f"{fault}: {table.caption or first_words(table)}" for fault in faults]


def first_words(table: TableShape) -> str:
    """The first row's words, to name a table that has no caption."""
    rows = (*table.head, *table.body)
    return " | ".join(cell.plain for cell in rows[0]) if rows else "(empty)"


def typst_table(table: TableShape, label: str = "") -> str:
    """The table as a captioned Typst figure; wide tables are set smaller (see also `is_sideways`)."""
    columns = array([_column_width(table, place) for place in range(table.width)])
    alignment = array([_alignment(table, place) for place in range(table.width)])
    cells = [f"table.header({', '.join(_cell(cell, header=True) for row in table.head for cell in row)})"]
    cells += [
        ", ".join(_cell(cell, header=place == 0) for place, cell in enumerate(row)) for row in table.body
    ]
    rows = ",\n  ".join(cells)
    size = _fitting(table)[1]
    arguments = [
        f"columns: {columns}",
        f"align: {alignment}",
        f"size: {size}pt",
        f"caption: [{table.caption}]",
    ]
    if label:
        arguments.append(f"key: {literal(label)}")
    return f"\n\n#data-table({', '.join(arguments)},\n  {rows},\n)\n\n"


def is_sideways(table: TableShape) -> bool:
    """Is the table too wide for an upright page at a readable size?"""
    return _fitting(table)[0] == SIDEWAYS


def _fitting(table: TableShape) -> tuple[float, float]:
    """Page width and text size in which every column's longest word or number fits."""
    characters = sum(_longest_word(table, place) for place in range(table.width))
    for width, size in FITTINGS:
        if characters * CHARACTER * size + PADDING * table.width <= width:
            return width, size
    return FITTINGS[-1]


def _longest_word(table: TableShape, place: int) -> int:
    texts = [row[place].plain for row in (*table.head, *table.body) if len(row) == table.width]
    words = [len(word) for text in texts for word in ([text] if NUMBER.fullmatch(text) else text.split())]
    return max(words, default=1)


def _column(table: TableShape, place: int) -> list[str]:
    return [row[place].plain for row in table.body if len(row) == table.width]


def _is_numeric(table: TableShape, place: int) -> bool:
    texts = _column(table, place)
    return place > 0 and any(texts) and all(NUMBER.fullmatch(text.strip()) for text in texts)


def _alignment(table: TableShape, place: int) -> str:
    return "right" if _is_numeric(table, place) else "left"


def _column_width(table: TableShape, place: int) -> str:
    """Columns of short cells take what they need; columns of sentences share the rest of the line."""
    longest = max((len(text) for text in _column(table, place)), default=0)
    return f"{min(longest, 120)}fr" if longest > 28 else "auto"


def _cell(cell: Cell, *, header: bool) -> str:
    spans = [f"colspan: {cell.columns}"] * (cell.columns > 1) + [f"rowspan: {cell.rows}"] * (cell.rows > 1)
    body = f"[{strong(cell.markup) if header else cell.markup}]"
    return f"table.cell({', '.join(spans)}){body}" if spans else body
