"""Charts of what authorities sent: monthly totals, checks passed and failed, and what is missing."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd

from sfpc_book.report.charts_theme import (
    DARK_BLUE,
    PLAIN_LABEL,
    SOFT_TEXT,
    TEXT,
    WIDTH,
    covid_frame,
    covid_layer,
    label_room,
    strip_title,
    themed,
    year_axis,
)
from sfpc_book.report.covariates import covariate_words
from sfpc_book.report.disclosure import PublishedCounts, require_published
from sfpc_book.report.drawing import Absence, Drawing, shortened
from sfpc_book.report.formats import SUPPRESSED, counted, listed, month_text, percentage, within_sentence
from sfpc_book.study.schema import Authority, Study

STOCKS = {
    "looked_after_at_month_end": "Looked after at the end of the month",
    "open_protection_plans": "Open protection plans",
    "open_cin_cases": "Open child in need cases",
}
FLOWS = {
    "newly_looked_after": "Newly looked after in the quarter",
    "new_referrals": "New referrals in the quarter",
}
MONTHLY = STOCKS | FLOWS
STRIP_HEIGHT = 74


def monthly_series(
    counts: PublishedCounts, study: Study, authority: Authority, measures: Mapping[str, str] = MONTHLY
) -> Drawing | Absence:
    """An authority's monthly totals, one strip per measure, with lockdowns and the go-live."""
    frame = require_published(counts, "series").frame
    kept = {
        column: words for column, words in measures.items() if column in frame and frame[column].notna().any()
    }
    if not kept:
        return Absence(f"{authority.name} sent no monthly totals that can be shown.")
    frame = frame.sort_values("month")
    strips = [_monthly_strip(frame, column, words, study, authority) for column, words in kept.items()]
    bands = covid_frame(study.covid, frame["month"].min(), frame["month"].max())
    key = listed([f"{place}, {name.lower()}" for place, name in enumerate(bands["name"], start=1)])
    lockdowns = f"; numbered grey bands: {key}" if len(bands) else ""
    span = f"{month_text(frame['month'].min())} to {month_text(frame['month'].max())}"
    first = next(iter(kept))
    ends = frame.dropna(subset=[first])[first]
    return Drawing(
        chart=themed(alt.vconcat(*strips, spacing=14).resolve_scale(x="shared"), fit=False),
        title=f"{authority.name}: what happened month by month?",
        subtitle=f"Totals as returned, {span}; upright line: go-live{lockdowns}",
        alt=shortened(
            f"Lines by month for {counted(len(kept), 'measure')}, {authority.name}, {span}: "
            f"{kept[first].lower()} goes "
            f"from {ends.iloc[0]:,.0f} to {ends.iloc[-1]:,.0f}, between {ends.min():,.0f} and "
            f"{ends.max():,.0f}."
        ),
        data=frame[["month", *kept]],
        source=f"Monthly totals of returns; a quarter stands at its middle month. {counts.note()}",
        cells=_monthly_cells(frame, kept),
    )


def _monthly_strip(
    frame: pd.DataFrame, column: str, words: str, study: Study, authority: Authority
) -> alt.LayerChart:
    span = [frame["month"].min(), frame["month"].max()]
    rows = frame[["month", column]].rename(columns={column: "value"})
    if column in FLOWS:  # by quarter: the months between hold nothing
        rows = rows[rows["month"].dt.month % 3 == 2]
    top = float(rows["value"].max()) * 1.1 or 1.0
    x = alt.X("month:T", axis=year_axis(grid=False))
    y_axis = alt.Axis(title=None, tickCount=3, labelExpr=PLAIN_LABEL)
    y = alt.Y("value:Q", axis=y_axis, scale=alt.Scale(domain=[0, top]))
    line = alt.Chart(rows).mark_line(color=DARK_BLUE, strokeWidth=2, invalid="break-paths-show-domains")
    bands = covid_frame(study.covid, *span)
    numbers = bands.assign(
        number=[str(place) for place in range(1, len(bands) + 1)],
        middle=bands["start"] + (bands["end"] - bands["start"]) / 2,
    )
    layers = [
        covid_layer(bands),
        alt.Chart(numbers)
        .mark_text(y=STRIP_HEIGHT - 8, color=SOFT_TEXT)
        .encode(x="middle:T", text="number:N"),
        line.encode(x=x, y=y),
        alt.Chart(rows.dropna())
        .mark_circle(color=DARK_BLUE, size=14, opacity=1)
        .encode(
            x=x, y=y, tooltip=[alt.Tooltip("month:T", format="%B %Y"), alt.Tooltip("value:Q", format=",")]
        ),
    ]
    if authority.go_live is not None:
        day = pd.DataFrame({"day": [pd.Timestamp(authority.go_live.date)]})
        layers.append(alt.Chart(day).mark_rule(color=SOFT_TEXT, strokeWidth=1.4).encode(x="day:T"))
        layers.append(
            alt.Chart(day.assign(text="go-live"))
            .mark_text(y=-6, align="left", dx=-2, color=SOFT_TEXT)
            .encode(x="day:T", text="text:N")
        )
    heading = strip_title(words)
    return alt.layer(*layers).properties(width=WIDTH - 60, height=STRIP_HEIGHT, title=heading)


def _monthly_cells(frame: pd.DataFrame, kept: Mapping[str, str]) -> pd.DataFrame:
    """A quarter's number stands at its middle month; the other two months have none of their own."""
    cells = {"Month": [month_text(day) for day in frame["month"]]}
    for column, words in kept.items():
        absent = frame[f"{column}_absent"] if f"{column}_absent" in frame else [SUPPRESSED] * len(frame)
        cells[words] = [
            f"{value:,.0f}" if pd.notna(value) else why
            for value, why in zip(frame[column].astype(float), absent, strict=True)
        ]
    return pd.DataFrame(cells)


def missing_heat(counts: PublishedCounts, study: Study, who: str) -> Drawing | Absence:
    """Share missing by covariate (rows) and authority (columns): a table of shaded cells, each with its
    number.
    """
    shares = require_published(counts, "missing").frame
    if shares.empty:
        return Absence(f"No covariates of {who} have been described.")
    names = {slug: study.authorities[slug].name for slug in shares["authority"].unique()}
    drawn = shares.assign(
        name=["|".join(textwrap.wrap(names[slug], 12)) for slug in shares["authority"]],
        words=shares["variable"].map(covariate_words),
        text=[SUPPRESSED if np.isnan(share) else percentage(share, 0) for share in shares["share"]],
        shade=shares["share"].fillna(0.0),
    )
    worst = drawn.sort_values("share").dropna(subset=["share"]).tail(1)
    most = "".join(
        f"the most is {percentage(row.share, 0)} ({within_sentence(row.words)}, {names[row.authority]})"
        for row in worst.itertuples()
    )
    return Drawing(
        chart=themed(_heat(drawn), height=30 * drawn["variable"].nunique()),
        title=f"{who}: what do we not know about the children?",
        subtitle="Share of children in the sample whose covariate is missing or not assessed, by authority",
        alt=shortened(
            f"Grid of shares missing for {drawn['variable'].nunique()} covariates in "
            f"{counted(len(names), 'authority', 'authorities')}, "
            f"{who}: {most or 'all hidden'}; each cell carries its number."
        ),
        data=shares,
        source=f"Data returns. {counts.note()} Hidden as well: what would give back a number that the "
        "table of children hides.",
        cells=_heat_cells(drawn, names),
    )


def _heat_cells(drawn: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    by_authority = dict(list(drawn.set_index("words").groupby("authority", sort=False)["text"]))
    return (
        pd.DataFrame({names[slug]: texts for slug, texts in by_authority.items()})
        .rename_axis("Covariate")
        .reset_index()
    )


def _heat(drawn: pd.DataFrame) -> alt.LayerChart:
    order = list(dict.fromkeys(drawn["name"]))
    lines = 1 + max(name.count("|") for name in order)
    axis = alt.Axis(
        title=None,
        orient="top",
        labelExpr="split(datum.value, '|')",
        labelPadding=4 + 14 * (lines - 1),
        labelLineHeight=14,
        ticks=False,
        domain=False,
    )
    x = alt.X("name:N", sort=order, axis=axis)
    y = alt.Y(
        "words:N",
        sort=list(dict.fromkeys(drawn["words"])),
        title=None,
        axis=alt.Axis(ticks=False, domain=False, minExtent=label_room(list(drawn["words"])), labelLimit=260),
    )
    shade = alt.Color(
        "shade:Q",
        scale=alt.Scale(domain=[0, 1], range=["#FFFFFF", DARK_BLUE], interpolate="rgb"),
        legend=None,
    )
    dark = drawn["share"].fillna(0) > 0.45
    cells = alt.Chart(drawn).mark_rect(stroke="#6F777B", strokeWidth=0.6).encode(x=x, y=y, color=shade)
    words = [
        alt.Chart(part).mark_text(color=hue).encode(x=x, y=y, text="text:N")
        for part, hue in ((drawn[~dark], TEXT), (drawn[dark], "#FFFFFF"))
        if len(part)
    ]
    return alt.layer(cells, *words)
