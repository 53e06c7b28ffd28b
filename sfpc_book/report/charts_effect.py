"""Charts of effects: by outcome, by analysis, by horizon, by model, by time since go-live, and event
studies.
"""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from sfpc_book.report.charts_forest import axis_range, forest, levels_text
from sfpc_book.report.charts_theme import (
    DARK_BLUE,
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
    analysis_name,
    choose,
    effect_text,
    has_number,
    horizon_text,
    model_name,
    outcome_name,
    row_unit,
)
from sfpc_book.report.formats import number
from sfpc_book.study.study import Study

RETURNS_SOURCE = "Estimates from the data returns, as listed in the table of estimates"
HEIGHT = 250


def outcomes_forest(
    study: Study, estimates: pd.DataFrame, model: str, horizon: int, analysis: str
) -> Drawing | Absence:
    """One row per outcome of a model, at one horizon, by one analysis; panels by unit."""
    rows = choose(estimates, model=model, horizon=horizon, analysis=analysis, term="exposed")
    name = study.models[model].name
    return forest(
        rows,
        [outcome_name(study, outcome) for outcome in rows["outcome"]],
        title=f"{name}: estimated change after go-live, outcome by outcome",
        subtitle=(
            f"Difference at {horizon} months, {levels_text(rows)}, {_reference(rows)}; left of zero is a fall"
        ),
        what=f"by outcome, {name}, {horizon} months",
        colour=model_colour(study, model),
        source=RETURNS_SOURCE,
    )


def analyses_forest(
    study: Study, estimates: pd.DataFrame, model: str, outcome: str, horizon: int
) -> Drawing | Absence:
    """One row per analysis of the same outcome and horizon: the main one first, then each `main, but`."""
    rows = choose(estimates, model=model, outcome=outcome, horizon=horizon)
    rows = rows[~rows["analysis"].isin(["exposure_time", "pooled_randomisation"])]
    name = study.models[model].name
    return forest(
        rows,
        [analysis_name(study, row.analysis) + _sample(study, row.sample) for row in rows.itertuples()],
        title=f"{name}: the same question asked in several ways",
        subtitle=(
            f"{outcome_name(study, outcome)} within {horizon} months, {levels_text(rows)}; arrow: no end"
        ),
        what=f"by analysis, {name}, {outcome_name(study, outcome).lower()}",
        colour=model_colour(study, model),
        source=RETURNS_SOURCE,
    )


def horizons_forest(study: Study, estimates: pd.DataFrame, model: str, analysis: str) -> Drawing | Absence:
    """Two rows per outcome of a model: the shorter horizon and the longer one."""
    rows = choose(estimates, model=model, analysis=analysis, term="exposed")
    place = {outcome: position for position, outcome in enumerate(study.models[model].outcomes)}
    rows = rows.sort_values(
        ["outcome", "horizon"], key=lambda values: values.map(place).fillna(values), kind="stable"
    )
    name = study.models[model].name
    return forest(
        rows,
        [f"{outcome_name(study, row.outcome)}, {horizon_text(row)}" for row in rows.itertuples()],
        title=f"{name}: does the estimate change with longer follow-up?",
        subtitle=(
            f"Difference at each horizon, {levels_text(rows)}, {_reference(rows)}; left of zero is a fall"
        ),
        what=f"by outcome and horizon, {name}",
        colour=model_colour(study, model),
        source=RETURNS_SOURCE,
    )


def models_forest(
    study: Study, estimates: pd.DataFrame, outcome: str, horizon: int, analyses: Sequence[str]
) -> Drawing | Absence:
    """One row per practice model and analysis for one outcome and horizon."""
    rows = choose(estimates, outcome=outcome, horizon=horizon, analysis=list(analyses), term="exposed")
    order = {model: position for position, model in enumerate(study.models)}
    rows = rows.sort_values("model", key=lambda values: values.map(order), kind="stable")
    many = len(analyses) > 1
    labels = [
        model_name(study, row.model) + (f": {analysis_name(study, row.analysis).lower()}" if many else "")
        for row in rows.itertuples()
    ]
    return forest(
        rows,
        labels,
        title=f"{outcome_name(study, outcome)}: three models, three trials",
        subtitle=(
            f"Difference within {horizon} months, {levels_text(rows)}; left of zero is a fall; arrow: no end"
        ),
        what=f"by practice model, {outcome_name(study, outcome).lower()} within {horizon} months",
        colour=DARK_BLUE,
        source=RETURNS_SOURCE,
    )


def _reference(rows: pd.DataFrame) -> str:
    texts = [text for text in dict.fromkeys(rows["reference"].dropna()) if text]
    return f"reference {texts[0]}" if texts else "reference not recorded"


def _sample(study: Study, sample: str) -> str:
    return (
        "" if sample == "main" or sample not in study.samples else f" ({study.samples[sample].name.lower()})"
    )


def exposure_curve(
    study: Study, estimates: pd.DataFrame, model: str, outcome: str, horizon: int
) -> Drawing | Absence:
    """The effect in each period since go-live with its interval; gaps where the design identifies none."""
    rows = choose(estimates, model=model, outcome=outcome, horizon=horizon, analysis="exposure_time")
    if not len(rows) or not any(has_number(row) for row in rows.itertuples()):
        return Absence("No effect by time since go-live can be shown: none is identified or observed.")
    drawn = _curve_rows(rows)
    known, gaps = drawn[drawn["value"].notna()], drawn[drawn["value"].isna()]
    name, what = study.models[model].name, outcome_name(study, outcome)
    unit = row_unit(next(rows.itertuples()))
    ends = known.iloc[[0, -1]]
    said = " and ".join(f"{row.effect} in period {row.time}" for row in ends.drop_duplicates().itertuples())
    gap = f"; {len(gaps)} later not identified" if len(gaps) else ""
    return Drawing(
        chart=themed(_curve(drawn, unit.words, model_colour(study, model)), height=HEIGHT),
        title=f"{name}: how does the estimate change with time since go-live?",
        subtitle=(
            f"{what} within {horizon} months, {unit.words}, by period since go-live, {levels_text(rows)}"
        ),
        alt=shortened(
            f"Points with intervals by period since go-live, {what.lower()}, {unit.words}: {said}{gap}."
        ),
        data=rows,
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
        parts.append((time, *values, effect_text(row)))
    return pd.DataFrame(parts, columns=["time", "value", "low", "high", "truth", "effect"])


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
        text = gaps.assign(middle=(low + high) / 2, words="not\nidentified")
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
        return Absence("No effects by year since adoption are available.")
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
        title="Were adopters and comparators moving together before adoption?",
        subtitle=f"Difference in {what}, {unit}, by year since adoption, {level * 100:.0f}% intervals",
        alt=shortened(alt_text),
        data=curve,
        source=source,
    )


def _event_chart(curve: pd.DataFrame, unit: str) -> alt.LayerChart:
    drawn = curve.assign(side=np.where(curve["event_time"] < 0, "before adoption", "after adoption"))
    span = [int(curve["event_time"].min()), int(curve["event_time"].max())]
    axis = alt.Axis(
        title="Years since adoption", values=list(range(span[0], span[1] + 1)), format="+d", grid=False
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
