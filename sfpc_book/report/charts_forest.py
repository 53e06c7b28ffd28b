"""Forests: estimates in rows, each with its interval, the line of no difference, and the numbers beside."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from sfpc_book.report.charts_theme import SIGNED_LABEL, WIDTH, themed, truth_mark, zero_rule
from sfpc_book.report.drawing import Absence, Drawing, shortened
from sfpc_book.report.estimate_rows import effect_text, ends_of, has_number, row_unit
from sfpc_book.report.formats import UNRELIABLE, Unit, counted, is_missing, level_text, listed
from sfpc_book.report.reliability import doubt_of
from sfpc_book.study.schema import Study

LABEL_WIDTH, TEXT_WIDTH, ROW_HEIGHT = 178, 148, 48
PLOT_WIDTH = WIDTH - LABEL_WIDTH - TEXT_WIDTH
LABEL_WRAP, TEXT_WRAP = 27, 24


def forest(
    rows: pd.DataFrame,
    labels: list[str],
    *,
    title: str,
    subtitle: str,
    what: str,
    colour: str,
    source: str,
    axis: str = "Difference",
    study: Study | None = None,
) -> Drawing | Absence:
    """A forest of tidy estimates.

    `labels` name the rows (one each, distinct); `what` says for the alt text what the rows are. Rows of
    different units stand in panels of their own, each with its axis. An interval that has no end is drawn
    with an arrow; a row without an estimate says why. Known truth, where given, is an open diamond. With
    `study`, estimates that rest on too little to be read are marked [u] and not drawn.
    """
    if rows.empty:
        return Absence(f"There is nothing to draw: no estimate {what} has been recorded.")
    doubts = ["" if study is None else doubt_of(study, row) for row in rows.itertuples()]
    drawn = forest_rows(rows, labels, doubts)
    units = {unit.words: unit for unit in map(row_unit, rows.itertuples())}
    panels = [_panel(drawn[drawn["unit"] == words], unit, colour, axis) for words, unit in units.items()]
    chart = alt.vconcat(*panels, spacing=26) if len(panels) > 1 else panels[0]
    return Drawing(
        chart=themed(chart, fit=False),
        title=title,
        subtitle=f"{subtitle}{_truth_words(drawn)}",
        alt=forest_alt(rows, labels, what, doubts),
        data=without_counts(rows.assign(label=labels)[["label", *rows.columns]]),
        source=source,
        cells=drawn[["label", "effect", "unit"]]
        .rename(columns={"label": "Row", "effect": "Estimate (interval)", "unit": "Unit"})
        .replace("", "[z]"),
    )


def without_counts(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows without numbers of children and events: those are published in the tables of estimates only."""
    return rows.drop(columns=["n_children", "n_events"], errors="ignore")


def forest_rows(rows: pd.DataFrame, labels: list[str], doubts: Sequence[str] = ()) -> pd.DataFrame:
    """Per row in display units: label, unit, value, low, high (infinite where open), truth, effect (text).

    A row in doubt has no numbers, and its text says why.
    """
    parts = []
    for label, row, doubt in zip(labels, rows.itertuples(), doubts or [""] * len(rows), strict=True):
        unit = row_unit(row)
        numbers = np.array([row.estimate, *ends_of(row), row.truth], dtype=float) * unit.factor
        text = f"{UNRELIABLE} {doubt}" if doubt else effect_text(row)
        parts.append((label, unit.words, *(numbers * np.nan if doubt else numbers), text))
    return pd.DataFrame(parts, columns=["label", "unit", "value", "low", "high", "truth", "effect"])


def forest_alt(rows: pd.DataFrame, labels: list[str], what: str, doubts: Sequence[str] = ()) -> str:
    """What one would see: how many rows, how many intervals include zero, and the first row's numbers."""
    listed_rows = zip(labels, rows.itertuples(), doubts or [""] * len(rows), strict=True)
    known = [(label, row) for label, row, doubt in listed_rows if has_number(row) and not doubt]
    if not known:
        return shortened(
            f"Forest of {counted(len(rows), 'row')} {what}, all without an estimate to be read: "
            f"{labels[0]} and on."
        )
    ends = [ends_of(row) for _, row in known if not is_missing(ends_of(row)[0])]
    crossing = f"{sum(low <= 0 <= high for low, high in ends)} of {len(ends)} intervals include zero"
    label, row = known[0]
    unit = row_unit(row)
    first = f"{label}: {effect_text(row)} {unit.words}".strip()
    missing = f"; {len(rows) - len(known)} without an estimate to be read" if len(known) < len(rows) else ""
    return shortened(f"Forest of {counted(len(rows), 'estimate')} {what}: {crossing}{missing}. {first}.")


def axis_range(drawn: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: every finite number and zero, with a margin."""
    values = drawn[["value", "low", "high", "truth"]].to_numpy(dtype=float).ravel()
    finite = np.append(values[np.isfinite(values)], 0.0)
    low, high = float(finite.min()), float(finite.max())
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin


def _panel(drawn: pd.DataFrame, unit: Unit, colour: str, axis: str) -> alt.LayerChart:
    low, high = axis_range(drawn)
    known = drawn.dropna(subset=["value"]).assign(
        left=lambda frame: frame["low"].fillna(frame["value"]).clip(lower=low),
        right=lambda frame: frame["high"].fillna(frame["value"]).clip(upper=high),
    )
    x = _x(unit, low, high, axis)
    y = alt.Y("label:N", sort=list(drawn["label"]), axis=None)
    layers: list[Any] = [zero_rule()]
    layers.append(
        alt.Chart(known)
        .mark_rule(color=colour, strokeWidth=2.2)
        .encode(x=alt.X("left:Q", **x), x2="right:Q", y=y)
    )
    layers.append(
        alt.Chart(known)
        .mark_circle(color=colour, size=90, opacity=1)
        .encode(x=alt.X("value:Q", **x), y=y, tooltip=[alt.Tooltip("label:N"), alt.Tooltip("effect:N")])
    )
    layers += _arrows(known, low, high, colour, y)
    layers += _truths(known, y)
    labels = ["\n".join(textwrap.wrap(label, LABEL_WRAP, break_on_hyphens=False)) for label in drawn["label"]]
    numbers = [_broken(text) for text in drawn["effect"]]
    layers += _words(drawn, labels, -LABEL_WIDTH, y) + _words(drawn, numbers, PLOT_WIDTH + 8, y)
    return alt.layer(*layers).properties(width=PLOT_WIDTH, height=ROW_HEIGHT * len(drawn))


def _x(unit: Unit, low: float, high: float, words: str) -> dict[str, Any]:
    axis = alt.Axis(
        title=f"{words}, {unit.words}" if unit.words else words, labelExpr=SIGNED_LABEL, tickCount=5
    )
    return {"axis": axis, "scale": alt.Scale(domain=[low, high], nice=False, zero=False)}


def _arrows(known: pd.DataFrame, low: float, high: float, colour: str, y: alt.Y) -> list[alt.Chart]:
    parts = []
    for open_end, place, angle in (("low", low, 270), ("high", high, 90)):
        rows = known[np.isinf(known[open_end])]
        if len(rows):
            mark = alt.Chart(rows.assign(edge=place)).mark_point(
                shape="triangle", filled=True, size=70, color=colour, angle=angle, opacity=1
            )
            parts.append(mark.encode(x="edge:Q", y=y))
    return parts


def _truths(known: pd.DataFrame, y: alt.Y) -> list[alt.Chart]:
    rows = known.dropna(subset=["truth"])
    if rows.empty:
        return []
    return [
        truth_mark(rows).encode(
            x="truth:Q", y=y, tooltip=[alt.Tooltip("truth:Q", title="Planted truth", format=".1f")]
        )
    ]


def _broken(effect: str) -> str:
    """Numbers in lines short enough for their column: the interval stands below the estimate."""
    lines = effect.replace(" (", "\n(", 1).split("\n") if "(" in effect else [effect]
    return "\n".join(part for line in lines for part in textwrap.wrap(line, TEXT_WRAP))


def _words(drawn: pd.DataFrame, texts: list[str], x: float, y: alt.Y) -> list[alt.Chart]:
    """Texts of one or more lines at a fixed place across, each block centred on its row."""
    lines = drawn[["label"]].assign(lines=texts, breaks=[text.count("\n") for text in texts])
    return [
        alt.Chart(part)
        .mark_text(align="left", baseline="middle", lineBreak="\n", lineHeight=14, x=x, dy=-7 * int(breaks))
        .encode(y=y, text="lines:N")
        for breaks, part in lines.groupby("breaks", sort=True)
    ]


def _truth_words(drawn: pd.DataFrame) -> str:
    if drawn["truth"].notna().any():
        return "; diamond: the truth planted in the synthetic data"
    return ""


def levels_text(rows: pd.DataFrame) -> str:
    """The levels of the intervals shown, in words: `95% intervals`, `95% and 99.2% intervals`."""
    shown = [row for row in rows.itertuples() if not is_missing(ends_of(row)[0])]
    levels = sorted({round(float(row.conf_level), 3) for row in shown if not is_missing(row.conf_level)})
    return f"{listed([level_text(level) for level in levels])} intervals" if levels else "intervals"
