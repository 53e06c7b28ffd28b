"""The specification curve: estimates sorted by size above, the choices that made each below."""

from __future__ import annotations

import textwrap
from typing import Any

import altair as alt
import pandas as pd

from sfpc_book.report.charts_effect import RETURNS_SOURCE
from sfpc_book.report.charts_theme import (
    GRID,
    SIGNED_LABEL,
    SOFT_TEXT,
    TEXT,
    WIDTH,
    model_colour,
    themed,
    zero_rule,
)
from sfpc_book.report.drawing import Absence, Drawing, shortened
from sfpc_book.report.estimate_rows import outcome_name, within_text
from sfpc_book.report.forest_layout import axis_range, on_axis
from sfpc_book.report.formats import counted, is_missing, level_text, number
from sfpc_book.report.specifications import choice_name, choices_words, specification_frame
from sfpc_book.study.schema import Study

NAME_WIDTH, NAME_WRAP, CURVE_HEIGHT = 206, 33, 210
PLOT = WIDTH - NAME_WIDTH - 8
LINE, GAP, HEAD = 13, 6, 24
KINDS = {"analysis": "Analysis", "sample": "Sample", "exposure": "Exposure"}


def specification_curve(
    study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int
) -> Drawing | Absence:
    """Every specification of the declared grid with a number, sorted; the primary one marked.

    Those without a number are counted in the subtitle and stand with their reason at the end of the table.
    """
    frame = specification_frame(study, rows, model, outcome, horizon)
    drawn = curve_rows(frame)
    if frame.empty:
        return Absence("No specification curve can be drawn: the study file declares no grid.")
    if drawn.empty:
        return Absence(
            f"No specification curve can be drawn: of {counted(len(frame), 'specification')} in the study "
            "file, none has a number to be read."
        )
    colour, what = model_colour(study, model), outcome_name(study, outcome)
    span, unit = within_text(study.outcomes[outcome], horizon), drawn["unit"].iloc[0]
    none = len(frame) - len(drawn)
    return Drawing(
        chart=themed(_chart(study, drawn, colour), fit=False),
        title=f"{study.models[model].name}: the estimate under every combination of choices",
        subtitle=(
            f"{what} {span}, difference {unit}, {level_text(study.conf_level)} intervals; {len(drawn)} of "
            f"{len(frame)} specifications, sorted{f', {none} have no number' if none else ''}; "
            "square and dashed line: the main model; arrow: beyond the axis"
        ),
        alt=_alt(drawn, unit, what, span),
        data=frame,
        source=RETURNS_SOURCE,
        cells=_cells(study, pd.concat([drawn, frame[frame["reason"] != ""]])),
    )


def curve_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The specifications with a number in the unit of the first, sorted, with their place from the left."""
    known = frame[frame["reason"] == ""]
    known = known[known["unit"] == known["unit"].iloc[0]] if len(known) else known
    ordered = known.sort_values(["value", "analysis", "sample", "exposure"], kind="stable")
    return ordered.reset_index(drop=True).assign(place=lambda rows: rows.index.astype(float))


def _alt(drawn: pd.DataFrame, unit: str, what: str, span: str) -> str:
    ends = [number(value, 1, signed=True) for value in (drawn["value"].min(), drawn["value"].max())]
    main = drawn[drawn["main"]]
    said = f"; the main model lies at place {int(main['place'].iloc[0]) + 1}" if len(main) else ""
    return shortened(
        f"Specification curve, {what.lower()} {span}: {counted(len(drawn), 'estimate')} sorted from "
        f"{ends[0]} to {ends[1]} {unit}, {int((drawn['value'] < 0).sum())} below zero{said}; dots below name "
        "the choices."
    )


def _cells(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for row in rows.itertuples():
        text = row.reason or _numbers(row)
        cells = {name: choice_name(study, kind, getattr(row, kind)) for kind, name in KINDS.items()}
        parts.append({"Estimate (interval)": text} | cells | {"Main": "yes" if row.main else "no"})
    return pd.DataFrame(parts)


def _numbers(row: Any) -> str:
    value = number(row.value, 1, signed=True)
    if is_missing(row.low) or is_missing(row.high):
        return f"{value} (no interval)"
    return f"{value} ({number(row.low, 1, signed=True)} to {number(row.high, 1, signed=True)})"


def _chart(study: Study, drawn: pd.DataFrame, colour: str) -> alt.VConcatChart:
    x = alt.X("place:Q", axis=None, scale=alt.Scale(domain=[-0.8, len(drawn) - 0.2], nice=False, zero=False))
    return alt.vconcat(
        _estimates(study, drawn, colour, x), _choices(study, drawn, colour, x), spacing=10
    ).resolve_scale(x="shared")


def _estimates(study: Study, drawn: pd.DataFrame, colour: str, x: alt.X) -> alt.LayerChart:
    low, high = axis_range(drawn.assign(truth=float("nan")), cut=True)
    known = on_axis(drawn, low, high).assign(
        text=[f"{choices_words(study, row)}: {_numbers(row)}" for row in drawn.itertuples()]
    )
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    title = [f"Difference, {drawn['unit'].iloc[0]}"]
    axis = alt.Axis(
        title=title, titleAngle=0, titleAlign="left", titleAnchor="end", titleX=-NAME_WIDTH, titleY=4,
        titleBaseline="top", labelExpr=SIGNED_LABEL, tickCount=6,
    )  # fmt: skip
    y = alt.Y("value:Q", axis=axis, scale=scale)
    layers: list[Any] = [
        zero_rule(vertical=False),
        *_main_rule(known, x),
        alt.Chart(known).mark_rule(color=colour, strokeWidth=1.4, opacity=0.75).encode(
            x=x, y=alt.Y("left:Q", scale=scale), y2="right:Q"
        ),
        *_points(known, colour, x, y, size=_dot(len(known), 34)),
        *_beyond(known, x, low, high, colour),
    ]  # fmt: skip
    return alt.layer(*layers).properties(width=PLOT, height=CURVE_HEIGHT)


def _dot(columns: int, largest: int) -> int:
    """Size of a dot in square pixels, so that dots of neighbouring columns do not touch."""
    return max(6, min(largest, int((0.95 * PLOT / max(columns, 1)) ** 2)))


def _points(rows: pd.DataFrame, colour: str, x: alt.X, y: alt.Y, *, size: int) -> list[alt.Chart]:
    """Circles, and a larger square for the main specification."""
    tips = [alt.Tooltip("text:N", title="Specification")]
    marks = []
    for main, shape, area in ((False, "circle", size), (True, "square", max(60, 3 * size))):
        part = rows[rows["main"] == main]
        if len(part):
            mark = alt.Chart(part).mark_point(shape=shape, filled=True, size=area, color=colour, opacity=1)
            marks.append(mark.encode(x=x, y=y, tooltip=tips))
    return marks


def _main_rule(rows: pd.DataFrame, x: alt.X) -> list[alt.Chart]:
    """A dashed line through the column of the main specification."""
    main = rows.loc[rows["main"], ["place"]]
    return [alt.Chart(main).mark_rule(color=SOFT_TEXT, strokeDash=[4, 3]).encode(x=x)] if len(main) else []


def _beyond(rows: pd.DataFrame, x: alt.X, low: float, high: float, colour: str) -> list[alt.Chart]:
    parts = []
    for side, edge, angle in (("more_left", low, 180), ("more_right", high, 0)):
        out = rows[rows[side].astype(bool)]
        if len(out):
            mark = alt.Chart(out.assign(edge=edge)).mark_point(
                shape="triangle", filled=True, size=34, color=colour, angle=angle, opacity=1
            )
            parts.append(mark.encode(x=x, y="edge:Q"))
    return parts


def _choices(study: Study, drawn: pd.DataFrame, colour: str, x: alt.X) -> alt.LayerChart:
    names, heads, height = choice_rows(study, drawn)
    scale = alt.Scale(domain=[0, height], range=[0, height], nice=False)
    y = alt.Y("at:Q", axis=None, scale=scale)
    places = names.set_index(["kind", "id"])["at"]
    dots = pd.concat(
        [
            drawn[["place", "main"]].assign(
                at=[places[(kind, name)] for name in drawn[kind]],
                text=[choice_name(study, kind, name) for name in drawn[kind]],
            )
            for kind in KINDS
        ]
    )
    left = {"align": "left", "baseline": "middle", "x": -NAME_WIDTH}
    layers: list[Any] = [
        alt.Chart(names).mark_rule(color=GRID, x=0, x2=PLOT).encode(y=y),
        *_main_rule(drawn, x),
        *_points(dots, colour, x, y, size=_dot(len(drawn), 22)),
        alt.Chart(heads).mark_text(fontWeight="bold", **left).encode(y=y, text="name:N"),
    ]
    for breaks, part in names.groupby("breaks", sort=True):
        words = alt.Chart(part).mark_text(
            lineBreak="\n", lineHeight=LINE, fontSize=11, color=TEXT, dy=-LINE / 2 * int(breaks), **left
        )
        layers.append(words.encode(y=y, text="lines:N"))
    return alt.layer(*layers).properties(width=PLOT, height=height)


def choice_rows(study: Study, drawn: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """The rows of the dot matrix: choices that occur, in the order of the study, under the heading of their
    kind; `at` in pixels from the top; and the height of all."""
    orders = {"analysis": study.analyses, "sample": study.samples, "exposure": study.exposures}
    names, heads, top = [], [], 0
    for kind, heading in KINDS.items():
        used = set(drawn[kind])
        listed = [name for name in orders[kind] if name in used] + sorted(used - set(orders[kind]))
        heads.append((heading, top + HEAD / 2 + 3))
        top += HEAD
        for name in listed:
            lines = textwrap.wrap(choice_name(study, kind, name), NAME_WRAP, break_on_hyphens=False)
            height = LINE * len(lines) + GAP
            names.append((kind, name, "\n".join(lines), len(lines) - 1, top + height / 2))
            top += height
    columns = ["kind", "id", "lines", "breaks", "at"]
    return pd.DataFrame(names, columns=columns), pd.DataFrame(heads, columns=["name", "at"]), top
