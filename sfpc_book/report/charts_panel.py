"""Charts of the panel: rates by authority over time, and how the estimate falls among all admissible
orders.
"""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from sfpc_book.report.charts_theme import (
    DARK_PINK,
    OUTLINE,
    PLAIN_LABEL,
    SIGNED_LABEL,
    SOFT_TEXT,
    WIDTH,
    covid_frame,
    covid_layer,
    model_colour,
    round_top,
    strip_title,
    themed,
    year_axis,
    zero_rule,
)
from sfpc_book.report.disclosure import PublishedCounts, require_published
from sfpc_book.report.drawing import Absence, Drawing, shortened
from sfpc_book.report.estimate_rows import RANDOMISATION, has_number, of_main, one_row
from sfpc_book.report.formats import (
    NOT_APPLICABLE,
    SUPPRESSED,
    Unit,
    counted,
    date_text,
    number,
    p_value,
    unit_of,
    within_sentence,
)
from sfpc_book.study.registries import Outcome
from sfpc_book.study.schema import Study
from sfpc_book.study.wedge import Wedge

PANEL_HEIGHT = 64
NORMAL_95 = 1.959964
RATE_NOTE = (
    "Levels and their 95% intervals (Wilson) are computed from the rounded counts and can differ a little "
    "from those of the true ones."
)


def trajectories(
    counts: PublishedCounts, study: Study, wedge: Wedge, outcome: Outcome, horizon: int
) -> Drawing | Absence:
    """Observed rate of an outcome over time of first referral, one strip per authority with its go-live.

    Neighbouring periods are pooled where a single one is too small to publish. Shaded: 95% interval of a
    share (Wilson 1927), which takes children as independent and is a description, not the trial's interval.
    """
    rates = require_published(counts, "rates").frame
    if rates["rate"].isna().all():
        return Absence(
            f"{outcome.name} within {horizon} months cannot be shown over time: no span of time "
            f"before or after "
            "go-live holds enough children and events to publish."
        )
    unit = unit_of(outcome.unit)
    drawn = _rate_rows(rates, study, unit)
    name = study.models[wedge.model_id].name
    return Drawing(
        chart=themed(_strips(drawn, study, wedge, unit), fit=False),
        title=f"{outcome.name}: observed before and after each go-live",
        subtitle=(f"{name}, {within_sentence(outcome.measure)}, {horizon} months, {unit.words}"),
        alt=_rate_alt(drawn, outcome, unit),
        data=rates,
        source=f"Data returns. {counts.note()} {RATE_NOTE if drawn['low'].notna().any() else ''}".strip(),
        cells=_rate_cells(drawn, unit),
    )


def wilson(events: np.ndarray, children: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95% interval of a share (Wilson 1927). Arrays of counts; returns low and high as shares."""
    share, weight = events / children, NORMAL_95**2 / children
    centre = (share + weight / 2) / (1 + weight)
    half = NORMAL_95 * np.sqrt(share * (1 - share) / children + weight / (4 * children)) / (1 + weight)
    return centre - half, centre + half


def _rate_rows(rates: pd.DataFrame, study: Study, unit: Unit) -> pd.DataFrame:
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = wilson(rates["n_events"].to_numpy(float), rates["n_children"].to_numpy(float))
    shown_rates = rates["rate"] * unit.factor
    return rates.assign(
        name=rates["authority"].map({slug: part.name for slug, part in study.authorities.items()}),
        value=shown_rates,
        low=low * unit.factor,
        high=high * unit.factor,
        text=[SUPPRESSED if np.isnan(value) else number(value, _places(unit)) for value in shown_rates],
        middle=rates["span_start"] + (rates["span_end"] - rates["span_start"]) / 2,
    )


def _strips(drawn: pd.DataFrame, study: Study, wedge: Wedge, unit: Unit) -> alt.VConcatChart:
    top = round_top(float(np.nanmax(drawn[["value", "high"]].to_numpy(dtype=float))))
    colour = model_colour(study, wedge.model_id)
    strips = [
        _strip(
            drawn[drawn["authority"] == slug], study, wedge, slug, top, colour, slug == wedge.authorities[-1]
        )
        for slug in wedge.authorities
    ]
    return alt.vconcat(*strips, spacing=16).resolve_scale(x="shared")


def _strip(
    rows: pd.DataFrame, study: Study, wedge: Wedge, slug: str, top: float, colour: str, last: bool
) -> alt.LayerChart:
    span = [pd.Timestamp(wedge.window_start), pd.Timestamp(wedge.window_end)]
    x_axis = year_axis(grid=False) if last else alt.Axis(labels=False, ticks=False, title=None, grid=False)
    domain = [{"year": day.year, "month": day.month, "date": day.day} for day in span]
    x = alt.X("span_start:T", axis=x_axis, scale=alt.Scale(domain=domain))
    y_axis = alt.Axis(title=None, labelExpr=PLAIN_LABEL, tickCount=3, values=[0, top / 2, top])
    y = alt.Y("value:Q", axis=y_axis, scale=alt.Scale(domain=[0, top], nice=False))
    seen = rows.dropna(subset=["value"])
    shaded = seen.dropna(subset=["low"])
    ranked = [(0, OUTLINE, [5, 3]), (1, colour, [1, 0])]
    layers: list[alt.Chart] = [covid_layer(covid_frame(study.covid, *span))]
    for exposed, hue, dash in ranked:
        part = seen[seen["exposed"] == exposed]
        band = shaded[shaded["exposed"] == exposed]
        layers.append(
            alt.Chart(band)
            .mark_rect(color=hue, opacity=0.22)
            .encode(x=x, x2="span_end:T", y="low:Q", y2="high:Q")
        )
        layers.append(
            alt.Chart(part)
            .mark_rule(color=hue, strokeWidth=3, strokeDash=dash)
            .encode(x=x, x2="span_end:T", y=y)
        )
    words = rows.assign(place=rows["high"].fillna(rows["value"]).fillna(top * 0.4))
    layers.append(
        alt.Chart(words).mark_text(dy=-7).encode(x="middle:T", y=alt.Y("place:Q", axis=y_axis), text="text:N")
    )
    go_live = pd.DataFrame({"day": [pd.Timestamp(wedge.go_live[slug])]})
    layers.append(alt.Chart(go_live).mark_rule(color=SOFT_TEXT, strokeWidth=1.4).encode(x="day:T"))
    heading = strip_title(f"{study.authorities[slug].name}, go-live {date_text(wedge.go_live[slug])}")
    return alt.layer(*layers).properties(width=WIDTH - 60, height=PANEL_HEIGHT, title=heading)


def _rate_alt(drawn: pd.DataFrame, outcome: Outcome, unit: Unit) -> str:
    seen = drawn.dropna(subset=["value"])
    low, high = seen["value"].min(), seen["value"].max()
    hidden = int(drawn["suppressed"].sum())
    missing = f"; {counted(hidden, 'span')} too small to show" if hidden else ""
    return shortened(
        f"Strips of levels over time for {drawn['name'].nunique()} authorities, "
        f"{outcome.name.lower()}, {unit.words}: "
        f"spans before and after go-live lie between {number(low, unit.places)} and "
        f"{number(high, unit.places)}{missing}."
    )


def _rate_cells(drawn: pd.DataFrame, unit: Unit) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Local authority": drawn["name"],
            "From": [date_text(day) for day in drawn["span_start"]],
            "To": [date_text(day) for day in drawn["span_end"]],
            "Go-live": drawn["exposed"].map({0: "before", 1: "after"}),
            "Children": [SUPPRESSED if np.isnan(n) else f"{n:,.0f}" for n in drawn["n_children"]],
            f"Level, {unit.words}": drawn["text"],
            "95% interval": [_interval_text(row, unit) for row in drawn.itertuples()],
        }
    )


def _interval_text(row: object, unit: Unit) -> str:
    """The interval drawn; `[c]` where the level is hidden, `[z]` for means, which have none here."""
    if row.suppressed:  # type: ignore[attr-defined]
        return SUPPRESSED
    if np.isnan(row.low):  # type: ignore[attr-defined]
        return NOT_APPLICABLE
    low, high = (number(value, _places(unit)) for value in (row.low, row.high))  # type: ignore[attr-defined]
    return f"{low} to {high}"


def _places(unit: Unit) -> int:
    """Rates per 1,000 come from rounded counts and are shown without decimals."""
    return 0 if unit.factor == 1000 else 1


def randomisation_distribution(
    statistics: Sequence[float], study: Study, estimates: pd.DataFrame, outcome: Outcome
) -> Drawing | Absence:
    """A dot for the estimate under every admissible order of go-lives, the observed one (the first) filled.

    `statistics` in natural units, observed order first; an order under which there is no estimate is
    missing and not drawn. `estimates` holds the exact test of the same outcome, from which p and its
    minimum are taken.
    """
    exact = one_row(of_main(estimates), analysis=RANDOMISATION, outcome=outcome.id)
    unit = unit_of(outcome.unit)
    values = np.asarray(statistics, dtype=float) * unit.factor
    if not values.size or np.isnan(values[0]) or not has_number(exact):
        return Absence(
            "The estimate under the other orders of go-lives cannot be shown: there is no estimate."
        )
    drawn = _stacked(values)
    # An order that leaves nothing to estimate counts as extreme in the exact test, so it does here.
    extreme, orders = int(drawn["extreme"].sum() + np.isnan(values).sum()), f"{len(values):,}"
    horizon = int(exact["horizon"])
    return Drawing(
        chart=themed(
            _dots(drawn, unit, model_colour(study, str(exact["model"]))),
            height=110 + 14 * int(drawn["level"].max()),
        ),
        title=f"How unusual is the estimate among all {orders} possible orders?",
        subtitle=f"{outcome.name} within {horizon} months, {unit.words}; p = {p_value(exact['p_value'])}, "
        f"smallest attainable {p_value(exact['p_minimum'])}",
        alt=shortened(
            f"Dot plot of the estimate, {unit.words}, under {orders} orders of go-lives: the observed one is "
            f"{number(values[0], unit.places, signed=True)}; {extreme} of {orders} lie at least as "
            f"far from zero."
        ),
        data=drawn[["order", "value", "observed", "extreme"]],
        source="Main model refitted under every order that the randomisation could have given",
    )


def _stacked(values: np.ndarray) -> pd.DataFrame:
    """Dots binned along the axis and stacked: columns order, value, observed, extreme, place, level."""
    reach = max(float(np.nanmax(values) - np.nanmin(values)), 1e-9)
    place = np.round((values - np.nanmin(values)) / reach * 48) / 48 * reach + np.nanmin(values)
    frame = pd.DataFrame({"order": range(len(values)), "value": values, "place": place})
    frame = frame.dropna(subset=["value"])
    frame["observed"] = frame["order"] == 0
    frame["extreme"] = frame["value"].abs() >= abs(values[0]) - 1e-12
    return frame.assign(level=frame.groupby("place").cumcount() + 1)


def _dots(drawn: pd.DataFrame, unit: Unit, colour: str) -> alt.LayerChart:
    axis = alt.Axis(title=f"Estimate, {unit.words}", labelExpr=SIGNED_LABEL, tickCount=7, grid=False)
    x = alt.X("place:Q", axis=axis, scale=alt.Scale(zero=True, padding=14))
    y = alt.Y("level:Q", axis=None, scale=alt.Scale(domain=[0, float(drawn["level"].max()) + 2]))
    others, observed = drawn[~drawn["observed"]], drawn[drawn["observed"]]
    return alt.layer(
        zero_rule(),
        alt.Chart(others[~others["extreme"]])
        .mark_point(size=90, stroke=OUTLINE, fill="#FFFFFF", opacity=1)
        .encode(x=x, y=y, tooltip=[alt.Tooltip("value:Q", format="+.2f")]),
        alt.Chart(others[others["extreme"]])
        .mark_point(size=90, stroke=colour, fill="#FFFFFF", strokeWidth=2.6, opacity=1)
        .encode(x=x, y=y, tooltip=[alt.Tooltip("value:Q", format="+.2f")]),
        alt.Chart(observed).mark_rule(color=DARK_PINK, strokeDash=[4, 3]).encode(x=x),
        alt.Chart(observed)
        .mark_point(size=150, shape="diamond", filled=True, color=DARK_PINK, opacity=1)
        .encode(x=x, y=y),
        alt.Chart(observed.assign(text="observed order"))
        .mark_text(y=-8, color=DARK_PINK, fontWeight="bold")
        .encode(x=x, text="text:N"),
    )
