"""Where the rows of a forest stand: their numbers as shown, their words in lines, their heights."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sfpc_book.report.estimate_rows import effect_text, ends_of, row_unit
from sfpc_book.report.formats import UNRELIABLE, Unit

LABEL_WRAP, TEXT_WRAP = 27, 25
LINE_HEIGHT, ROW_GAP, SHORTEST_ROW, HEADING_HEIGHT = 14, 11, 30, 34
MANY_ROWS = 8  # more rows than this stand closer
NUMBERS = ["value", "low", "high", "truth"]
# Round ratios for the ticks of an axis, the finest that leaves no more than `MOST_TICKS` is taken.
TICKS = (
    (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 1.6),
    (0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5),
    (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 4.0),
    (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
    (0.02, 0.05, 0.2, 1.0, 5.0, 20.0, 50.0),
)
MOST_TICKS = 6
WIDEST_RATIO = 60.0  # an axis of ratios ends here, either way
FAR = 2.5  # intervals that reach this much farther than three in four others are cut at the axis


def forest_rows(rows: pd.DataFrame, labels: Sequence[str], doubts: Sequence[str] = ()) -> pd.DataFrame:
    """Per row in display units: label, unit, value, low, high (infinite where open), truth, effect (text).

    A row in doubt has no numbers, and its text says why.
    """
    parts = []
    for label, row, doubt in zip(labels, rows.itertuples(), doubts or [""] * len(rows), strict=True):
        unit = row_unit(row)
        shown = (row.estimate, *ends_of(row), row.truth)
        numbers = np.array([unit.display(float(number)) for number in shown])
        text = f"{UNRELIABLE} {doubt}" if doubt else effect_text(row)
        parts.append((label, unit.words, *(numbers * np.nan if doubt else numbers), text))
    return pd.DataFrame(parts, columns=["label", "unit", *NUMBERS, "effect"])


def placed(drawn: pd.DataFrame, *, close: bool) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Rows with the lines of their words and `at`, the middle of each in pixels from the top; the headings
    of their groups with theirs; the height of all.

    `drawn` has the columns of `forest_rows` and group, note. With `close` the rows stand closer.
    """
    labels = [_lines(label, LABEL_WRAP) for label in drawn["label"]]
    numbers = [_numbers(row.effect, row.note, close=close) for row in drawn.itertuples()]
    places, headings, top, group = [], [], 0, ""
    for name, label, text in zip(drawn["group"], labels, numbers, strict=True):
        if name != group:
            headings.append((name, top + HEADING_HEIGHT / 2 + 4, top + HEADING_HEIGHT - 4))
            top, group = top + HEADING_HEIGHT, name
        height = max(
            SHORTEST_ROW, LINE_HEIGHT * (1 + max(label.count("\n"), text.count("\n"))) + ROW_GAP * (2 - close)
        )
        places.append(top + height / 2)
        top += height
    marks = pd.DataFrame(headings, columns=["heading", "at", "below"])
    return drawn.assign(at=places, label_lines=labels, effect_lines=numbers), marks, int(top)


def _lines(text: str, width: int) -> str:
    kept = re.sub(r" (\d+)$", "\u00a0\\1", text)  # a number does not stand alone in a line
    return "\n".join(textwrap.wrap(kept, width, break_on_hyphens=False))


def _numbers(effect: str, note: str, *, close: bool) -> str:
    """Numbers in lines short enough for their column: the interval stands below the estimate, or beside it
    where rows are many."""
    whole = close and len(effect) <= TEXT_WRAP
    lines = effect.replace(" (", "\n(", 1).split("\n") if "(" in effect and not whole else [effect]
    wrapped = [part for line in lines for part in textwrap.wrap(line, TEXT_WRAP)]
    return "\n".join([*wrapped, *([note] if note else [])])


def axis_range(drawn: pd.DataFrame, *, cut: bool = False) -> tuple[float, float]:
    """Ends of the axis: every finite number and zero, with a margin.

    With `cut`, intervals far wider than most do not decide: they are drawn to the end of the axis.
    """
    values = drawn[NUMBERS].to_numpy(dtype=float)
    finite = np.append(values[np.isfinite(values)], 0.0)
    low, high = float(finite.min()), float(finite.max())
    if cut and len(drawn) > 3:
        reach = np.abs(drawn[["low", "high"]].to_numpy(dtype=float))
        points = np.abs(drawn[["value", "truth"]].to_numpy(dtype=float))
        usual = np.quantile(reach[np.isfinite(reach)], 0.75) if np.isfinite(reach).any() else np.inf
        limit = max(FAR * usual, 1.2 * np.nanmax(points, initial=0.0))
        low, high = max(low, -limit), min(high, limit)
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin


def ratio_range(drawn: pd.DataFrame) -> tuple[float, float]:
    """Ends of a logarithmic axis of ratios: every number and 1 with a margin, no farther than
    `WIDEST_RATIO`."""
    values = drawn[NUMBERS].to_numpy(dtype=float)
    finite = np.append(values[np.isfinite(values) & (values > 0)], 1.0)
    low, high = math.log(finite.min()), math.log(finite.max())
    margin, limit = 0.08 * (high - low) or 0.1, math.log(WIDEST_RATIO)
    return math.exp(max(low - margin, -limit)), math.exp(min(high + margin, limit))


def ratio_ticks(low: float, high: float) -> list[float]:
    """Round ratios inside the axis, 1 among them, from the finest scale that spans it."""
    spans = [scale for scale in TICKS if low >= scale[0] / 1.35 and high <= scale[-1] * 1.35]
    scales = [[tick for tick in scale if low <= tick <= high] for scale in [*spans, TICKS[-1]]]
    return next((ticks for ticks in scales if len(ticks) <= MOST_TICKS), scales[-1])


def range_of(drawn: pd.DataFrame, unit: Unit) -> tuple[float, float]:
    """Ends of the axis of rows of one unit."""
    return ratio_range(drawn) if unit.ratio else axis_range(drawn, cut=True)


def on_axis(drawn: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    """Rows with a number: `left` and `right` cut to the axis, `more_left` and `more_right` where an interval
    has no end there or reaches beyond it."""

    def ends(frame: pd.DataFrame, name: str) -> pd.Series:
        return frame[name].fillna(frame["value"])

    return drawn.dropna(subset=["value"]).assign(
        value=lambda frame: frame["value"].clip(low, high),
        left=lambda frame: ends(frame, "low").clip(low, high),
        right=lambda frame: ends(frame, "high").clip(low, high),
        more_left=lambda frame: ends(frame, "low") < low,
        more_right=lambda frame: ends(frame, "high") > high,
    )


def filled(values: Sequence[Any] | None, size: int, empty: Any) -> list[Any]:
    """The values, or `empty` for each row where there are none."""
    return [empty] * size if values is None else list(values)
