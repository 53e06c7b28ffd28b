"""Column widths of tables on paper: no word is cut, columns of sentences share what columns of numbers leave.

The rule is that of HTML's automatic table layout (CSS 2.2, 17.5.2.2): a column gets at least the width of its
longest word, at most that of its longest cell, and what is left is shared in proportion to the difference.
Widths of letters are those of Liberation Sans (metric-compatible with Arial), in classes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

UPRIGHT, SIDEWAYS = 482.0, 728.0  # width of the text on an A4 page, in points
# Page width and text size in points, in the order of preference: the first in which every word fits is taken.
FITTINGS = (
    (UPRIGHT, 9.5),
    (UPRIGHT, 8.5),
    (UPRIGHT, 7.5),
    (SIDEWAYS, 8.5),
    (SIDEWAYS, 7.5),
    (SIDEWAYS, 6.5),
    (SIDEWAYS, 5.5),
)
PADDING = 10.5  # left and right of a cell's text, in points
LONGEST_CELL = 260.0  # a cell of sentences asks for no more than this, in points
BOLD = 1.09
WIDTHS = (
    (re.compile(r"[ijl.,;:'|!\[\]()fIt ]"), 0.28),
    (re.compile(r"[mwMW%—]"), 0.86),
    (re.compile(r"[A-Z&+=<>−]"), 0.69),
)
OTHER, CODE = 0.556, 0.6


@dataclass(frozen=True)
class Layout:
    """Width of the page and size of the text, both in points, and the width of each column with its
    padding.
    """

    page: float
    size: float
    columns: tuple[float, ...]

    @property
    def sideways(self) -> bool:
        """Does the table need a page turned sideways?"""
        return self.page == SIDEWAYS


def text_width(text: str, *, bold: bool = False) -> float:
    """Width of one line of text, in units of its size."""
    width = sum(_letter(letter) for letter in text)
    if "_" in text:  # names in typewriter letters
        width = CODE * len(text)
    return width * (BOLD if bold else 1.0)


def layout_of(columns: list[list[tuple[str, bool]]]) -> Layout:
    """The layout for columns given as their cells' texts, each with whether it is bold or a number to be kept
    whole.

    A table that fits nowhere is set in the last fitting with its columns squeezed in proportion.
    """
    needs = [_needs(cells) for cells in columns]
    for page, size in FITTINGS:
        least = [word * size + PADDING for word, _ in needs]
        if sum(least) <= page:
            break
    most = [
        max(low, min(line * size, LONGEST_CELL) + PADDING)
        for low, (_, line) in zip(least, needs, strict=True)
    ]
    return Layout(page, size, tuple(round(width, 1) for width in _shared(least, most, page)))


def _needs(cells: list[tuple[str, bool]]) -> tuple[float, float]:
    """Width of the longest word and of the longest cell."""
    words = [text_width(word, bold=bold) for text, bold in cells for word in text.split(" ")]
    lines = [text_width(text, bold=bold) for text, bold in cells]
    return max(words, default=1.0), max(lines, default=1.0)


def _shared(least: list[float], most: list[float], page: float) -> list[float]:
    if sum(most) <= page:
        return most
    spare, wish = page - sum(least), sum(most) - sum(least)
    if spare <= 0 or wish <= 0:
        return [width * page / sum(least) for width in least]
    return [low + spare * (high - low) / wish for low, high in zip(least, most, strict=True)]


def _letter(letter: str) -> float:
    return next((width for pattern, width in WIDTHS if pattern.match(letter)), OTHER)
