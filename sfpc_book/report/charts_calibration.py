"""Size and coverage of every method in simulated trials, with Monte Carlo error bars against the nominal
level."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import pandas as pd

from sfpc_book.report.calibration_words import (
    ATTAINABLE,
    ERRORS,
    METHODS,
    Rate,
    can_reject,
    coverage_of,
    power_of,
    size_of,
    smallest_level,
)
from sfpc_book.report.charts_theme import (
    OUTLINE,
    PLAIN_LABEL,
    TEXT,
    model_colour,
    strip_title,
    themed,
)
from sfpc_book.report.drawing import Absence, Drawing, shortened
from sfpc_book.report.formats import counted, listed, percentage
from sfpc_book.report.tables_calibration import SOURCE
from sfpc_book.study.schema import Study

ROW_HEIGHT, PANEL_WIDTH = 22, 128
RateOf = Callable[[Study, pd.DataFrame, str, str], Rate]


def size_chart(study: Study, rows: pd.DataFrame) -> Drawing | Absence:
    """How often each method rejects where nothing was planted; tests that cannot reject are left out."""
    return _drawing(
        study,
        rows,
        size_of,
        title="How often do the methods err where nothing was planted?",
        axis="Rejects, %",
        what="rejection rates without an effect",
    )


def coverage_chart(study: Study, rows: pd.DataFrame) -> Drawing | Absence:
    """How often each interval holds the true value, where the effect does not grow."""
    return _drawing(
        study,
        rows,
        coverage_of,
        title="How often do the intervals hold the true value?",
        axis="Covers, %",
        what="coverage rates",
    )


def _drawing(
    study: Study, rows: pd.DataFrame, rate_of: RateOf, *, title: str, axis: str, what: str
) -> Drawing | Absence:
    drawn = _rates(study, rows, rate_of)
    if drawn.empty:
        return Absence("No trial could be simulated: there is nothing to draw.")
    nominal = float(drawn["nominal"].iloc[0])
    outside = drawn[(drawn["low"] > nominal) | (drawn["high"] < nominal)]
    far = drawn.loc[(drawn["share"] - nominal).abs().idxmax()]
    shown = drawn.assign(share=drawn["share"] / 100, nominal=drawn["nominal"] / 100)
    return Drawing(
        chart=themed(_chart(study, drawn, nominal, axis), fit=False),
        title=title,
        subtitle="Dot: average over scenarios; bar: Monte Carlo interval; "
        "ticks: single scenarios; line: nominal",
        alt=shortened(
            f"Dot plot of {counted(len(drawn), 'average')} of {what} by method and model: {len(outside)} "
            f"have a bar that misses the nominal {percentage(nominal / 100, 0)}; the furthest is "
            f"{percentage(far['share'] / 100)} ({far['label']}, {far['name']})."
        ),
        data=shown.drop(columns=["low", "high", "lowest", "highest"]),
        source=f"{SOURCE}. Tests at another level are in the tables.",
        cells=_cells(drawn),
    )


def _rates(study: Study, rows: pd.DataFrame, rate_of: RateOf) -> pd.DataFrame:
    """One row for each model and method drawn, in per cent: label, name, model, share, low, high, range,
    nominal."""
    found = []
    for model, part in study.models.items():
        own = rows[rows["model"] == model]
        smallest = smallest_level(own, model)
        for method, label in METHODS.items():
            rate = rate_of(study, own, model, method)
            size = size_of(study, own, model, method)
            exact = method.startswith("randomisation") and not can_reject(size, smallest)
            never = size.highest == 0 == power_of(study, own, model, method).highest
            if not rate.size or method == ATTAINABLE or exact or never:
                continue
            half = ERRORS * rate.error
            ends = max(rate.share - half, 0.0), min(rate.share + half, 1.0)
            numbers = (rate.share, *ends, rate.lowest, rate.highest, rate.nominal)
            found.append((label, part.name, model, *(100 * value for value in numbers), rate.size))
    columns = ["label", "name", "model", "share", "low", "high", "lowest", "highest", "nominal", "trials"]
    return pd.DataFrame(found, columns=columns)


def _chart(study: Study, drawn: pd.DataFrame, nominal: float, axis: str) -> alt.HConcatChart:
    labels = [label for label in METHODS.values() if (drawn["label"] == label).any()]
    ends = drawn[["low", "high", "lowest", "highest"]].to_numpy().ravel().tolist()
    ends.append(nominal)
    scale = alt.Scale(domain=[max(0.0, min(ends) - 2), min(100.0, max(ends) + 2)], nice=False, zero=False)
    x_axis = alt.Axis(title=axis, labelExpr=PLAIN_LABEL, tickCount=4)
    panels = []
    for model in study.models:
        rows = drawn[drawn["model"] == model]
        if rows.empty:
            continue
        left = alt.Axis(ticks=False, domain=False, labelLimit=330)
        y = alt.Y(
            "label:N",
            sort=labels,
            title=None,
            axis=left if not panels else None,
            scale=alt.Scale(domain=labels),
        )
        options = {"scale": scale, "axis": x_axis}
        colour, base = model_colour(study, model), alt.Chart(rows)
        line = alt.Chart(pd.DataFrame({"nominal": [nominal]}))
        ticks = rows.melt(["label"], ["lowest", "highest"], value_name="scenario")
        panels.append(
            alt.layer(
                line.mark_rule(color=TEXT, strokeDash=[4, 3]).encode(x=alt.X("nominal:Q", **options)),
                alt.Chart(ticks)
                .mark_tick(color=OUTLINE, thickness=1.4, size=9)
                .encode(x=alt.X("scenario:Q", **options), y=y),
                base.mark_rule(color=colour, strokeWidth=2.2).encode(
                    x=alt.X("low:Q", **options), x2="high:Q", y=y
                ),
                base.mark_circle(color=colour, size=60, opacity=1).encode(
                    x=alt.X("share:Q", **options), y=y, tooltip=["label:N", "share:Q", "trials:Q"]
                ),
            ).properties(
                width=PANEL_WIDTH,
                height=ROW_HEIGHT * len(labels),
                title=strip_title(study.models[model].name),
            )
        )
    return alt.hconcat(*panels, spacing=14)


def _cells(drawn: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Method": drawn["label"],
            "Practice model": drawn["name"],
            "Rate": [percentage(value / 100) for value in drawn["share"]],
            "Monte Carlo interval": [
                listed([percentage(low / 100), percentage(high / 100)], "to")
                for low, high in zip(drawn["low"], drawn["high"], strict=True)
            ],
            "Nominal": [percentage(value / 100) for value in drawn["nominal"]],
            "Trials": [f"{value:,}" for value in drawn["trials"]],
        }
    )
