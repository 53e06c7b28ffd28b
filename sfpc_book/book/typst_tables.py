"""Tables for the PDF: one shape for tables from HTML outputs and from text pages, written as Typst.

The first column of the body heads its rows; Typst cannot say so from Python, so `pdf_finish` sets it
afterwards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from sfpc_book.book.typst_columns import Layout, layout_of
from sfpc_book.book.typst_text import array, strong

# Numbers with their signs, units, intervals and the shorthands for missing values are aligned right.
NUMBER = re.compile(
    r"[+−<>£]*\d[\d,.]*(%|pp)?( to [+−]?\d[\d,.]*%?)?|\[(c|x|z|low|u|p|r)\]|unbounded.*|", flags=re.IGNORECASE
)
NO_BREAK_SPACE = "\u00a0"


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

    @cached_property
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


def typst_table(table: TableShape) -> str:
    """The table as a captioned Typst figure, set as large as its words allow (see also `is_sideways`)."""
    layout = table_layout(table)
    columns = array([f"{width}pt" for width in layout.columns])
    alignment = array([_alignment(table, place) for place in range(table.width)])
    options = [f"columns: {columns}", f"align: {alignment}", f"size: {layout.size}pt"]
    cells = [f"table.header({', '.join(_cell(cell, header=True) for row in table.head for cell in row)})"]
    for row in table.body:
        cells.append(", ".join(_cell(cell, header=place == 0) for place, cell in enumerate(row)))
    rows = ",\n  ".join(cells)
    return f"\n\n#data-table({', '.join(options)}, caption: [{table.caption}],\n  {rows},\n)\n\n"


def is_sideways(table: TableShape) -> bool:
    """Is the table too wide for an upright page at a readable size?"""
    return table_layout(table).sideways


def table_layout(table: TableShape) -> Layout:
    """Page, text size and column widths in which every word of the table fits."""
    return layout_of([_texts(table, place) for place in range(table.width)])


def _texts(table: TableShape, place: int) -> list[tuple[str, bool]]:
    """The column's texts, and whether each is bold; a number is one word, whatever spaces it has."""
    heads = [(row[place].plain, True) for row in table.head if len(row) == table.width]
    cells = [row[place].plain for row in table.body if len(row) == table.width]
    whole = [text.replace(" ", NO_BREAK_SPACE) if NUMBER.fullmatch(text) else text for text in cells]
    return [*heads, *((text, place == 0) for text in whole)]


def _column(table: TableShape, place: int) -> list[str]:
    return [row[place].plain for row in table.body if len(row) == table.width]


def _is_numeric(table: TableShape, place: int) -> bool:
    texts = _column(table, place)
    return place > 0 and any(texts) and all(NUMBER.fullmatch(text.strip()) for text in texts)


def _alignment(table: TableShape, place: int) -> str:
    return "right" if _is_numeric(table, place) else "left"


def _cell(cell: Cell, *, header: bool) -> str:
    spans = [f"colspan: {cell.columns}"] * (cell.columns > 1) + [f"rowspan: {cell.rows}"] * (cell.rows > 1)
    body = f"[{strong(cell.markup) if header else cell.markup}]"
    return f"table.cell({', '.join(spans)}){body}" if spans else body
