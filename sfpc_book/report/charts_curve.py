"""Effects along time: by period since go-live, and by year since adoption in published statistics."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from sfpc_book.report.charts_effect import RETURNS_SOURCE
from sfpc_book.report.charts_forest import axis_range, levels_text, without_counts
from sfpc_book.report.charts_theme import (
    DARK_BLUE,
    SIGNED_LABEL,
    SOFT_TEXT,
    model_colour,
    themed,
    top_title,
    truth_mark,
    value_axis,
    zero_rule,
)
from sfpc_book.report.drawing import Absence, Drawing, shortened
from sfpc_book.report.estimate_rows import (
    choose,
    effect_text,
    has_number,
    of_main,
    outcome_name,
    row_unit,
)
from sfpc_book.report.formats import number
from sfpc_book.report.reliability import doubt_of
from sfpc_book.study.study import Study

HEIGHT = 250


def exposure_curve(
    study: Study, estimates: pd.DataFrame, model: str, outcome: str, horizon: int
) -> Drawing | Absence:
    """The effect in each period since go-live with its interval; gaps where the design identifies none."""
    rows = choose(of_main(estimates), model=model, outcome=outcome, horizon=horizon, analysis="exposure_time")
    if not len(rows) or not any(has_number(row) for row in rows.itertuples()):
        return Absence("Effects by time since go-live cannot be shown: none is identified or observed.")
    if doubt := next(filter(None, (doubt_of(study, row) for row in rows.itertuples())), ""):
        return Absence(f"Effects by time since go-live are not drawn: the estimate {doubt}.")
    drawn = _curve_rows(rows)
    known, gaps = drawn[drawn["value"].notna()], drawn[drawn["value"].isna()]
    name, what = study.models[model].name, outcome_name(study, outcome)
    unit = row_unit(next(rows.itertuples()))
    ends = known.iloc[[0, -1]]
    said = " and ".join(f"{row.effect} in period {row.time}" for row in ends.drop_duplicates().itertuples())
    reasons = gaps["gap"].str.replace("\n", " ").value_counts(sort=False)
    gap = "".join(f"; {n} {words}" for words, n in reasons.items())
    return Drawing(
        chart=themed(_curve(drawn, unit.words, model_colour(study, model)), height=HEIGHT),
        title=f"{name}: how does the estimate change with time since go-live?",
        subtitle=(
            f"{what} within {horizon} months, {unit.words}, by period since go-live, {levels_text(rows)}"
        ),
        alt=shortened(
            f"Points with intervals by period since go-live, {what.lower()}, {unit.words}: {said}{gap}."
        ),
        data=without_counts(rows),
        source=RETURNS_SOURCE,
        cells=drawn[["time", "effect"]].rename(
            columns={"time": "Period since go-live", "effect": "Estimate (interval)"}
        ),
    )


def _curve_rows(rows: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for row in rows.itertuples():
        factor = row_unit(row).factor
        time = str(row.term).rsplit("_", 1)[-1]
        values = [value * factor for value in (row.estimate, row.conf_low, row.conf_high, row.truth)]
        identified = bool(row.identified) and row.status != "not_identified"
        gap = "" if has_number(row) else "no\nnumber" if identified else "not\nidentified"
        parts.append((time, *values, effect_text(row), gap))
    return pd.DataFrame(parts, columns=["time", "value", "low", "high", "truth", "effect", "gap"])


def _curve(drawn: pd.DataFrame, words: str, colour: str) -> alt.LayerChart:
    low, high = axis_range(drawn)
    x = alt.X("time:N", sort=list(drawn["time"]), title="Period since go-live", axis=alt.Axis(labelAngle=0))
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    y = alt.Y("value:Q", axis=value_axis("", signed=True, grid=True), scale=scale)
    known = drawn.dropna(subset=["value"]).assign(
        low=lambda frame: frame["low"].clip(lower=low), high=lambda frame: frame["high"].clip(upper=high)
    )
    layers = [
        zero_rule(vertical=False),
        alt.Chart(known)
        .mark_rule(color=colour, strokeWidth=2.2)
        .encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q"),
        alt.Chart(known)
        .mark_circle(color=colour, size=90, opacity=1)
        .encode(x=x, y=y, tooltip=[alt.Tooltip("time:N", title="Period"), alt.Tooltip("effect:N")]),
        *_curve_extras(drawn, x, low, high),
    ]
    axis = value_axis("", signed=True).to_dict() | top_title(f"Difference, {words}")
    return alt.layer(*layers).encode(y=alt.Y(axis=alt.Axis(**axis)))


def _curve_extras(drawn: pd.DataFrame, x: alt.X, low: float, high: float) -> list[alt.Chart]:
    """Words in the gaps, and the planted truth where there is one."""
    extras = []
    gaps = drawn[drawn["value"].isna()]
    if len(gaps):
        text = gaps.assign(middle=(low + high) / 2, words=gaps["gap"])
        extras.append(
            alt.Chart(text)
            .mark_text(lineBreak="\n", color=SOFT_TEXT)
            .encode(x=x, y="middle:Q", text="words:N")
        )
    truths = drawn.dropna(subset=["truth"])
    if len(truths):
        extras.append(truth_mark(truths).encode(x=x, y="truth:Q"))
    return extras


def event_study(curve: pd.DataFrame, *, what: str, unit: str, level: float, source: str) -> Drawing | Absence:
    """Effects by year since adoption from a staggered comparison; years before zero are the check on
    parallel trends.

    `curve` has columns event_time, estimate, conf_low, conf_high, in the unit that `unit` names.
    """
    if curve.empty:
        return Absence("Effects by year since adoption are not available.")
    before = curve[curve["event_time"] < 0]
    after = curve[curve["event_time"] >= 0]
    away = int(((before["conf_low"] > 0) | (before["conf_high"] < 0)).sum())
    last = after.iloc[-1] if len(after) else curve.iloc[-1]
    alt_text = (
        f"Points with intervals by year since adoption, {what}, {unit}: {away} of {len(before)} "
        f"intervals before "
        f"adoption exclude zero; {number(last['estimate'], 1, signed=True)} in year "
        f"{int(last['event_time'])} after."
    )
    return Drawing(
        chart=themed(_event_chart(curve, unit), height=HEIGHT),
        title=f"Before adoption, did the {what} of adopters move with that of others?",
        subtitle=f"Difference in {what}, {unit}, by year since adoption, {level * 100:.0f}% intervals",
        alt=shortened(alt_text),
        data=curve,
        source=source,
    )


def _event_chart(curve: pd.DataFrame, unit: str) -> alt.LayerChart:
    drawn = curve.assign(side=np.where(curve["event_time"] < 0, "before adoption", "after adoption"))
    span = [int(curve["event_time"].min()), int(curve["event_time"].max())]
    axis = alt.Axis(
        title="Years since adoption",
        values=list(range(span[0], span[1] + 1)),
        labelExpr=SIGNED_LABEL,
        grid=False,
    )
    x = alt.X("event_time:Q", axis=axis, scale=alt.Scale(domain=[span[0] - 0.5, span[1] + 0.5], nice=False))
    sides = alt.Scale(domain=["before adoption", "after adoption"], range=["#6F777B", DARK_BLUE])
    colour = alt.Color("side:N", scale=sides, legend=None)
    words = pd.DataFrame(
        {
            "at": [-0.62, -0.38],
            "side": ["before adoption", "after adoption"],
            "text": ["before adoption", "after"],
        }
    )
    layers = [
        zero_rule(vertical=False),
        alt.Chart(pd.DataFrame({"at": [-0.5]}))
        .mark_rule(color=SOFT_TEXT, strokeDash=[4, 3])
        .encode(x="at:Q"),
        alt.Chart(drawn)
        .mark_rule(strokeWidth=2.2)
        .encode(x=x, y="conf_low:Q", y2="conf_high:Q", color=colour),
        alt.Chart(drawn)
        .mark_point(size=80, filled=True, opacity=1)
        .encode(
            x=x,
            y="estimate:Q",
            color=colour,
            shape=alt.Shape(
                "side:N", scale=alt.Scale(domain=sides.domain, range=["square", "circle"]), legend=None
            ),
        ),
        *[
            alt.Chart(words.iloc[[row]]).mark_text(align=align, y=-8).encode(x="at:Q", text="text:N")
            for row, align in ((0, "right"), (1, "left"))
        ],
    ]
    axis_options = value_axis("", signed=True).to_dict() | top_title(f"Difference, {unit}")
    return alt.layer(*layers).encode(y=alt.Y(axis=alt.Axis(**axis_options)))
