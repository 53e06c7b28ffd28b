"""The wedge diagram: who worked by the model when, with go-live dates, their status, and the lockdowns."""

from __future__ import annotations

from datetime import date

import altair as alt
import pandas as pd

from sfpc_book.report.charts_theme import (
    OUTLINE,
    PALE,
    SOFT_TEXT,
    TEXT,
    TEXT_ON,
    WIDTH,
    covid_frame,
    model_colour,
    strip_title,
    themed,
    year_axis,
)
from sfpc_book.report.drawing import Drawing, shortened
from sfpc_book.report.formats import counted, date_text, month_text
from sfpc_book.study.study import Study
from sfpc_book.study.wedge import Wedge, wedge_of

STATUS_WORDS = {"confirmed": "confirmed", "month": "month known", "assumed": "assumed"}
ROW_HEIGHT = 46
LABEL_SIZE, LABEL_CHARACTER = 11, 5.6  # pixels; the second is an average character at that size
AXIS_WIDTH = WIDTH - 170  # pixels of the narrowest axis that wedges are drawn on
SOURCE = "Study file; go-lives as listed in the design chapter"
Span = tuple[date, date]


def wedge_diagram(study: Study, wedge: Wedge) -> Drawing:
    """The stepped wedge of one model over calendar time, one row per authority in wedge order.

    Outlined cells are periods before go-live; filled cells, numbered by periods since go-live, are after
    it. The text in each row gives the go-live and how well it is known.
    """
    model = study.models[wedge.model_id]
    cells = _cells(study, wedge)
    dates = _go_lives(study, wedge)
    end = _end_with_room(dates, wedge.window_start, wedge.window_end)
    uncertain = sum(dates["status"] != "confirmed")
    span = f"{month_text(wedge.window_start)} to {month_text(wedge.window_end)}"
    alt_text = (
        f"Grid of {len(wedge.authorities)} authorities over {wedge.n_periods} periods, {span}: no "
        f"authority works by "
        f"{model.name} in the first, all do in the last; {dates['name'].iloc[0]} starts first, "
        f"{dates['name'].iloc[-1]} last."
    )
    status = f"; {counted(uncertain, 'date')} not confirmed to the day" if uncertain else ""
    return Drawing(
        chart=themed(
            _chart(study, wedge, cells, dates, (wedge.window_start, end)),
            height=ROW_HEIGHT * len(wedge.authorities),
        ),
        title=f"{model.name} reached its trial authorities one after another",
        subtitle=(
            f"Stepped wedge by authority and period, {span}; numbers count periods since go-live{status}"
        ),
        alt=shortened(alt_text),
        data=cells.drop(columns=["name", "label"]).merge(
            dates[["authority", "go_live", "status", "stratum"]]
        ),
        source=SOURCE,
        cells=_readable(cells, dates),
    )


def programme_wedges(study: Study) -> Drawing:
    """The wedges of all models below each other on one calendar, as in `wedge_diagram`."""
    wedges = [wedge_of(study, model) for model in study.models]
    start, end = min(wedge.window_start for wedge in wedges), max(wedge.window_end for wedge in wedges)
    room = max(_end_with_room(_go_lives(study, wedge), start, end) for wedge in wedges)
    parts = []
    for wedge in wedges:
        chart = _chart(study, wedge, _cells(study, wedge), _go_lives(study, wedge), (start, room))
        title = strip_title(study.models[wedge.model_id].name)
        parts.append(
            chart.properties(width=AXIS_WIDTH, height=ROW_HEIGHT * len(wedge.authorities), title=title)
        )
    span = f"{month_text(start)} to {month_text(end)}"
    count = sum(len(wedge.authorities) for wedge in wedges)
    return Drawing(
        chart=themed(alt.vconcat(*parts, spacing=24).resolve_scale(x="shared"), fit=False),
        title="Each trial begins without its model and ends with it",
        subtitle=(
            f"Stepped wedges on one calendar, {span}; dashed: before go-live; numbers: periods since go-live"
        ),
        alt=shortened(
            f"{len(wedges)} grids below each other, {span}: {count} authorities in {len(wedges)} "
            f"trials, each trial "
            "starting with no authority and ending with all of its authorities live, at different times."
        ),
        data=pd.concat([_cells(study, wedge).assign(model=wedge.model_id) for wedge in wedges]).drop(
            columns="label"
        ),
        source=SOURCE,
        cells=pd.concat([_readable(_cells(study, wedge), _go_lives(study, wedge)) for wedge in wedges]),
    )


def _cells(study: Study, wedge: Wedge) -> pd.DataFrame:
    table = wedge.design_table()
    names = {slug: study.authorities[slug].name for slug in wedge.authorities}
    label = (
        table["exposure_time"]
        .where(table["exposed"] == 1)
        .map(lambda value: f"{value:.0f}", na_action="ignore")
    )
    return table.assign(
        name=table["authority"].map(names), label=label.astype(object).where(label.notna(), "")
    )


def _go_lives(study: Study, wedge: Wedge) -> pd.DataFrame:
    rows = []
    for slug in wedge.authorities:
        authority = study.authorities[slug]
        assert authority.go_live is not None  # trial authorities have one: the study file is checked for it
        day = authority.go_live
        shown = date_text(day.date) if day.status == "confirmed" else month_text(day.date)
        doubt = "" if day.status == "confirmed" else f" ({STATUS_WORDS[day.status]})"
        text = f"{shown}{doubt}" if rows else f"Go-live {shown}{doubt}"
        rows.append(
            (slug, authority.name, pd.Timestamp(day.date), day.status, text, wedge.stratum[slug] or "unknown")
        )
    return pd.DataFrame(rows, columns=["authority", "name", "go_live", "status", "text", "stratum"])


def _chart(
    study: Study, wedge: Wedge, cells: pd.DataFrame, dates: pd.DataFrame, span: Span
) -> alt.LayerChart:
    colour = model_colour(study, wedge.model_id)
    order = [study.authorities[slug].name for slug in wedge.authorities]
    start, end = map(pd.Timestamp, span)
    row = alt.Y(
        "name:N",
        sort=order,
        title=None,
        axis=alt.Axis(ticks=False, domain=False, labelPadding=8, labelOffset=8),
    )
    along = alt.X("period_start:T", axis=year_axis(grid=False), scale=alt.Scale(domain=_domain(start, end)))
    shape = {"cornerRadius": 2, "height": {"band": 0.5}, "yOffset": 8, "strokeWidth": 1.4}
    drawn = cells.assign(period_end=cells["period_end"] + pd.Timedelta(days=1))
    before = (
        alt.Chart(drawn[drawn["exposed"] == 0])
        .mark_rect(fill=PALE, stroke=OUTLINE, strokeDash=[3, 2], **shape)
        .encode(x=along, x2="period_end:T", y=row)
    )
    after = (
        alt.Chart(drawn[drawn["exposed"] == 1])
        .mark_rect(fill=colour, stroke="#FFFFFF", **shape)
        .encode(x=along, x2="period_end:T", y=row)
    )
    middle = drawn.assign(middle=drawn["period_start"] + (drawn["period_end"] - drawn["period_start"]) / 2)
    numbers = (
        alt.Chart(middle[middle["exposed"] == 1])
        .mark_text(color=TEXT_ON[colour], dy=8)
        .encode(x="middle:T", y=row, text="label:N")
    )
    first = drawn[(drawn["exposed"] == 0) & (drawn["period"] == 0)].tail(1)
    unexposed = (
        alt.Chart(first.assign(text="before"))
        .mark_text(align="left", dx=8, dy=8, fontSize=11, color=SOFT_TEXT)
        .encode(x="period_start:T", y=row, text="text:N")
    )
    words = (
        alt.Chart(dates)
        .mark_text(align="left", dy=-14, fontSize=LABEL_SIZE, color=TEXT)
        .encode(x="go_live:T", y=row, text="text:N")
    )
    return alt.layer(*_lockdowns(study, wedge), before, after, numbers, unexposed, words)


def _end_with_room(dates: pd.DataFrame, start: date, end: date) -> date:
    """A day late enough for every go-live's words to stand right of the start of their bar."""
    # A label that takes a share of the axis ends on it if the axis ends at go-live + share of the whole.
    share = dates["text"].str.len() * LABEL_CHARACTER / AXIS_WIDTH
    needed = (dates["go_live"] - pd.Timestamp(start)) / (1 - share)
    return max(end, (pd.Timestamp(start) + needed.max()).date())


def _domain(start: pd.Timestamp, end: pd.Timestamp) -> list[dict[str, int]]:
    return [
        {"year": day.year, "month": day.month, "date": day.day} for day in (start, end + pd.Timedelta(days=1))
    ]


def _lockdowns(study: Study, wedge: Wedge) -> list[alt.Chart]:
    frame = covid_frame(study.covid, wedge.window_start, wedge.window_end)
    if frame.empty:
        return []
    bands = (
        alt.Chart(frame)
        .mark_rect(color="#E9E3EE", opacity=0.8)
        .encode(x="start:T", x2="end:T", tooltip=[alt.Tooltip("name:N", title="Lockdown")])
    )
    words = (
        alt.Chart(frame.head(1).assign(text="Lockdowns"))
        .mark_text(align="left", baseline="bottom", fontSize=11, color=SOFT_TEXT, y=-3)
        .encode(x="start:T", text="text:N")
    )
    return [bands, words]


def _readable(cells: pd.DataFrame, dates: pd.DataFrame) -> pd.DataFrame:
    """One row per authority: what the diagram says in words."""
    after = cells[cells["exposed"] == 1].groupby("authority")["period"].agg(["min", "count"])
    return pd.DataFrame(
        {
            "Local authority": dates["name"],
            "Go-live": [date_text(day) for day in dates["go_live"]],
            "Status of the date": dates["status"].map(STATUS_WORDS),
            "Readiness stratum": dates["stratum"],
            "First exposed period": [str(after.loc[slug, "min"]) for slug in dates["authority"]],
            "Exposed periods": [str(after.loc[slug, "count"]) for slug in dates["authority"]],
        }
    )
