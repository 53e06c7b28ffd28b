"""The one look of every chart: palette with measured contrast, fonts, axes, and the parts many charts
share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from sfpc_book.report.formats import MINUS
from sfpc_book.study.schema import CovidBand, Study

# Government Analysis Function palette; the comment is the contrast against white.
DARK_BLUE = "#12436D"  # 10.25
TURQUOISE = "#28A197"  # 3.17
DARK_PINK = "#801650"  # 9.77
ORANGE = "#F46A25"  # 3.03
TEXT = "#0B0C0C"  # 19.6
SOFT_TEXT = "#3D3D3D"  # 10.9
OUTLINE = "#6F777B"  # 4.6, for outlines and marks not in focus
GRID = "#DEE0E2"  # decoration only, never carries meaning
PALE = "#F3F2F1"  # fills that have an outline
BAND = "#E5E6E7"  # fills that have a label

MODEL_COLOURS = (DARK_BLUE, DARK_PINK, TURQUOISE, ORANGE)
TEXT_ON = {DARK_BLUE: "#FFFFFF", DARK_PINK: "#FFFFFF", TURQUOISE: TEXT, ORANGE: TEXT}
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
WIDTH = 560
TEXT_SIZE = 12
CHARACTER_WIDTH = 6.2  # pixels of an average character at 12 pixels, to leave room for labels

THEME: dict[str, Any] = {
    "font": FONT,
    "background": "#FFFFFF",
    "padding": {"left": 4, "top": 4, "right": 8, "bottom": 4},
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": TEXT_SIZE,
        "titleFontSize": TEXT_SIZE,
        "titleFontWeight": "normal",
        "labelColor": TEXT,
        "titleColor": TEXT,
        "gridColor": GRID,
        "domainColor": OUTLINE,
        "tickColor": OUTLINE,
        "labelAngle": 0,
        "labelLimit": 260,
    },
    "text": {"fontSize": TEXT_SIZE, "color": TEXT},
    "legend": {"labelFontSize": TEXT_SIZE, "titleFontSize": TEXT_SIZE, "orient": "top"},
    "header": {
        "labelFontSize": 13,
        "labelFontWeight": "bold",
        "labelColor": TEXT,
        "labelAnchor": "start",
        "labelAngle": 0,
        "title": None,
    },
}

# A true minus, and no scientific notation, in every axis.
SIGNED_LABEL = f"datum.value == 0 ? '0' : replace(format(datum.value, '+,~f'), '-', '{MINUS}')"
PLAIN_LABEL = f"replace(format(datum.value, ',~f'), '-', '{MINUS}')"


def themed(chart: alt.TopLevelMixin, *, height: int | None = None, fit: bool = True) -> dict[str, Any]:
    """The chart as a Vega-Lite dictionary with the theme; `fit` makes the whole picture `WIDTH` pixels wide.

    Charts of several views cannot be fitted and set their own widths.
    """
    spec = chart.to_dict(validate=False)  # the tests hold every chart against the schema
    spec["config"] = THEME
    spec["autosize"] = {"type": "fit-x" if fit else "pad", "contains": "padding"}
    if fit:
        spec["width"] = WIDTH
    if height is not None:
        spec["height"] = height
    return spec


def model_colour(study: Study, model_id: str) -> str:
    """The accent of a practice model, the same in every chart: by its place in the study."""
    return MODEL_COLOURS[list(study.models).index(model_id) % len(MODEL_COLOURS)]


def value_axis(title: str, *, signed: bool = False, **options: Any) -> alt.Axis:
    """An axis of numbers with its unit as title, true minus signs and horizontal text."""
    return alt.Axis(title=title, labelExpr=SIGNED_LABEL if signed else PLAIN_LABEL, tickCount=6, **options)


def top_title(title: str) -> dict[str, Any]:
    """Options that set a vertical axis's title horizontally above it, flush with the labels."""
    return {
        "title": title,
        "titleAngle": 0,
        "titleAlign": "left",
        "titleAnchor": "end",
        "titleX": -36,
        "titleY": -8,
        "titleBaseline": "bottom",
    }


def year_axis(**options: Any) -> alt.Axis:
    """A time axis with a label at each year and ticks at quarters of a year."""
    return alt.Axis(title=None, format="%Y", tickCount={"interval": "year", "step": 1}, **options)


def zero_rule(*, vertical: bool = True) -> alt.Chart:
    """The line of no difference."""
    base = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=TEXT, strokeWidth=1.2)
    return base.encode(x="zero:Q") if vertical else base.encode(y="zero:Q")


def covid_frame(bands: Sequence[CovidBand], start: object, end: object) -> pd.DataFrame:
    """The lockdowns that touch a span of time, cut to it. Columns name, start, end; may be empty."""
    low, high = pd.Timestamp(start), pd.Timestamp(end)  # type: ignore[arg-type]
    rows = [
        (band.name, max(pd.Timestamp(band.start), low), min(pd.Timestamp(band.end), high))
        for band in bands
        if band.kind == "lockdown" and pd.Timestamp(band.end) >= low and pd.Timestamp(band.start) <= high
    ]
    return pd.DataFrame(rows, columns=["name", "start", "end"])


def covid_layer(frame: pd.DataFrame) -> alt.Chart:
    """Grey bands with dashed edges behind a chart over time, one for each lockdown."""
    return (
        alt.Chart(frame)
        .mark_rect(color=BAND, stroke=OUTLINE, strokeWidth=0.8, strokeDash=[3, 3])
        .encode(x="start:T", x2="end:T", tooltip=[alt.Tooltip("name:N", title="Lockdown")])
    )


def truth_mark(rows: pd.DataFrame) -> alt.Chart:
    """Open diamonds for the truth planted in synthetic data; they do not hide the estimate beneath."""
    return alt.Chart(rows).mark_point(
        shape="diamond", size=130, stroke=ORANGE, strokeWidth=2.4, fill="transparent", opacity=1
    )


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Positions for labels near `values`, at least `gap` apart, in the same order of size."""
    order = np.argsort(np.asarray(values, dtype=float), kind="stable")
    placed = np.asarray(values, dtype=float)[order]
    for _ in range(100 * len(placed)):
        distance = np.diff(placed)
        tight = np.flatnonzero(distance < gap - 1e-9)
        if not tight.size:
            break
        for position in tight:
            shift = (gap - (placed[position + 1] - placed[position])) / 2
            if shift > 0:
                placed[position] -= shift
                placed[position + 1] += shift
    result = np.empty(len(placed))
    result[order] = placed
    return [float(value) for value in result]


def round_top(value: float) -> float:
    """The smallest round number that is not below `value`: the end of an axis."""
    if not value > 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(
        next(
            step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= value * (1 - 1e-9)
        )
    )


def strip_title(text: str) -> alt.TitleParams:
    """The heading of one strip of a chart in strips, flush with the plots."""
    return alt.TitleParams(text, anchor="start", frame="group", fontSize=12, fontWeight="bold", offset=4)


def label_room(texts: Sequence[str]) -> int:
    """Pixels that the longest of the texts needs at the size of labels."""
    return int(max((len(text) for text in texts), default=0) * CHARACTER_WIDTH) + 8
