"""Forests: estimates in rows, each with its interval, the line of no difference, and the numbers beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from sfpc_book.report.charts_theme import (
    OUTLINE,
    PLAIN_LABEL,
    SIGNED_LABEL,
    TEXT,
    WIDTH,
    themed,
    truth_mark,
    zero_rule,
)
from sfpc_book.report.drawing import Absence, Drawing, shortened
from sfpc_book.report.estimate_rows import effect_text, ends_of, has_number, row_unit
from sfpc_book.report.forest_layout import (
    LINE_HEIGHT,
    MANY_ROWS,
    axis_range,
    filled,
    forest_rows,
    on_axis,
    placed,
    range_of,
    ratio_ticks,
)
from sfpc_book.report.formats import Unit, counted, is_missing, level_text, listed
from sfpc_book.report.reliability import doubt_of
from sfpc_book.study.schema import Study

__all__ = ["axis_range", "forest", "forest_alt", "forest_rows", "levels_text", "without_counts"]

LABEL_WIDTH, TEXT_WIDTH = 178, 156
PLOT_WIDTH = WIDTH - LABEL_WIDTH - TEXT_WIDTH


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
    groups: Sequence[str] | None = None,
    main: Sequence[bool] | None = None,
    notes: Sequence[str] | None = None,
    columns: pd.DataFrame | None = None,
) -> Drawing | Absence:
    """A forest of tidy estimates.

    `labels` name the rows (one each, distinct); `what` says for the alt text what the rows are. Rows of
    different units stand in panels of their own, each with its axis; ratios on a logarithmic one. An interval
    that has no end is drawn with an arrow; a row without an estimate says why. Known truth, where given, is
    an open diamond. With `study`, estimates that rest on too little to be read are marked [u] and not drawn.
    `groups` are headings above rows that follow each other, `main` marks rows by a square and bold words,
    `notes` stand below a row's numbers, `columns` are added to the table of the numbers.
    """
    if rows.empty:
        return Absence(f"There is nothing to draw: no estimate {what} has been recorded.")
    size = len(rows)
    doubts = ["" if study is None else doubt_of(study, row) for row in rows.itertuples()]
    drawn = forest_rows(rows, labels, doubts).assign(
        group=filled(groups, size, ""), main=filled(main, size, False), note=filled(notes, size, "")
    )
    units = {unit.words: unit for unit in map(row_unit, rows.itertuples())}
    ratios = [words for words, unit in units.items() if unit.ratio]
    panels = [_panel(drawn, unit, ratios, colour, axis) for unit in units.values()]
    chart = alt.vconcat(*panels, spacing=26) if len(panels) > 1 else panels[0]
    return Drawing(
        chart=themed(chart, fit=False),
        title=title,
        subtitle=f"{subtitle}{_truth_words(drawn)}",
        alt=forest_alt(rows, labels, what, doubts),
        data=without_counts(rows.assign(label=labels)[["label", *rows.columns]]),
        source=source,
        cells=_cells(drawn, columns),
    )


def without_counts(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows without numbers of children and events: those are published in the tables of estimates only."""
    return rows.drop(columns=["n_children", "n_events"], errors="ignore")


def _cells(drawn: pd.DataFrame, columns: pd.DataFrame | None) -> pd.DataFrame:
    cells = drawn[["label", "effect", "unit"]].rename(
        columns={"label": "Row", "effect": "Estimate (interval)", "unit": "Unit"}
    )
    if (drawn["group"] != "").any():
        cells.insert(1, "Group", drawn["group"])
    if columns is not None:
        cells = pd.concat([cells, columns.reset_index(drop=True)], axis=1)
    return cells.replace("", "[z]")


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
    label, row = known[0]
    unit = row_unit(row)
    null = "a ratio of one" if unit.ratio else "zero"
    crossing = f"{sum(low <= 0 <= high for low, high in ends)} of {len(ends)} intervals include {null}"
    first = f"{label}: {effect_text(row)} {unit.words}".strip()
    missing = f"; {len(rows) - len(known)} without an estimate to be read" if len(known) < len(rows) else ""
    return shortened(f"Forest of {counted(len(rows), 'estimate')} {what}: {crossing}{missing}. {first}.")


def _panel(rows: pd.DataFrame, unit: Unit, ratios: Sequence[str], colour: str, axis: str) -> alt.LayerChart:
    """The rows of one unit, under an axis of their own; ratios of all kinds share its ends."""
    own = rows[rows["unit"] == unit.words]
    drawn, headings, height = placed(own, close=len(rows) > MANY_ROWS)
    low, high = range_of(rows[rows["unit"].isin(ratios)] if unit.ratio else own, unit)
    known = on_axis(drawn, low, high)
    x = _x(unit, low, high, axis)
    y = alt.Y("at:Q", axis=None, scale=alt.Scale(domain=[0, height], range=[0, height], nice=False))
    layers: list[Any] = [_null_rule(unit)]
    layers.append(
        alt.Chart(known)
        .mark_rule(color=colour, strokeWidth=2.2)
        .encode(x=alt.X("left:Q", **x), x2="right:Q", y=y)
    )
    for is_main, shape, size in ((False, "circle", 90), (True, "square", 150)):
        points = known[known["main"] == is_main]
        if len(points):
            mark = alt.Chart(points).mark_point(shape=shape, filled=True, color=colour, size=size, opacity=1)
            layers.append(
                mark.encode(
                    x=alt.X("value:Q", **x), y=y, tooltip=[alt.Tooltip("label:N"), alt.Tooltip("effect:N")]
                )
            )
    layers += _arrows(known, low, high, colour, y)
    layers += _truths(known, y)
    layers += _words(drawn, "label_lines", -LABEL_WIDTH, y) + _words(drawn, "effect_lines", PLOT_WIDTH + 8, y)
    layers += _headings(headings, y)
    return alt.layer(*layers).properties(width=PLOT_WIDTH, height=height)


def _null_rule(unit: Unit) -> alt.Chart:
    """The line of equal levels: a difference of zero, or a ratio of one."""
    if not unit.ratio:
        return zero_rule()
    return alt.Chart(pd.DataFrame({"one": [1.0]})).mark_rule(color=TEXT, strokeWidth=1.2).encode(x="one:Q")


def _x(unit: Unit, low: float, high: float, words: str) -> dict[str, Any]:
    if unit.ratio:
        title = f"{unit.words[:1].upper()}{unit.words[1:]}, on a scale of ratios"
        ticks = alt.Axis(title=title, labelExpr=PLAIN_LABEL, values=ratio_ticks(low, high))
        return {"axis": ticks, "scale": alt.Scale(type="log", domain=[low, high], nice=False)}
    axis = alt.Axis(
        title=f"{words}, {unit.words}" if unit.words else words, labelExpr=SIGNED_LABEL, tickCount=5
    )
    return {"axis": axis, "scale": alt.Scale(domain=[low, high], nice=False, zero=False)}


def _arrows(known: pd.DataFrame, low: float, high: float, colour: str, y: alt.Y) -> list[alt.Chart]:
    parts = []
    for side, place, angle in (("more_left", low, 270), ("more_right", high, 90)):
        rows = known[known[side].astype(bool)]
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


def _words(drawn: pd.DataFrame, column: str, x: float, y: alt.Y) -> list[alt.Chart]:
    """Texts of one or more lines at a fixed place across, each block centred on its row; the main row's
    bold."""
    lines = drawn[["at", "main"]].assign(lines=drawn[column], breaks=drawn[column].str.count("\n"))
    return [
        alt.Chart(part)
        .mark_text(
            align="left",
            baseline="middle",
            lineBreak="\n",
            lineHeight=LINE_HEIGHT,
            x=x,
            dy=-LINE_HEIGHT / 2 * int(breaks),
            fontWeight="bold" if bold else "normal",
        )
        .encode(y=y, text="lines:N")
        for (breaks, bold), part in lines.groupby(["breaks", "main"], sort=True)
    ]


def _headings(headings: pd.DataFrame, y: alt.Y) -> list[alt.Chart]:
    """The name of each group of rows, above a line across the labels."""
    if headings.empty:
        return []
    words = alt.Chart(headings).mark_text(
        align="left", baseline="middle", fontWeight="bold", fontSize=13, x=-LABEL_WIDTH
    )
    line = alt.Chart(headings).mark_rule(color=OUTLINE, x=-LABEL_WIDTH, x2=-8)
    return [words.encode(y=y, text="heading:N"), line.encode(y=alt.Y("below:Q"))]


def _truth_words(drawn: pd.DataFrame) -> str:
    if drawn["truth"].notna().any():
        return "; diamond: the truth planted in the synthetic data"
    return ""


def levels_text(rows: pd.DataFrame) -> str:
    """The levels of the intervals shown, in words: `95% intervals`, `95% and 99.2% intervals`."""
    shown = [row for row in rows.itertuples() if not is_missing(ends_of(row)[0])]
    levels = sorted({round(float(row.conf_level), 3) for row in shown if not is_missing(row.conf_level)})
    return f"{listed([level_text(level) for level in levels])} intervals" if levels else "intervals"
