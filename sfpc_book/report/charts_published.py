"""Charts of published statistics: an authority against its statistical neighbours and England."""

from __future__ import annotations

import altair as alt
import pandas as pd

from sfpc_book.report.charts_theme import (
    BAND,
    DARK_BLUE,
    OUTLINE,
    PLAIN_LABEL,
    SOFT_TEXT,
    spread,
    themed,
    top_title,
)
from sfpc_book.report.drawing import Absence, Drawing, shortened
from sfpc_book.report.formats import number

LABEL_SPACE = 150
HEIGHT = 250
LINES = {
    "value": ("own", DARK_BLUE, [1, 0], 3.0),
    "neighbour_median": ("Median of neighbours", OUTLINE, [6, 3], 2.0),
    "england": ("England", SOFT_TEXT, [2, 2], 2.0),
}


def published_series(
    series: pd.DataFrame, *, name: str, measure: str, words: str, go_live: object = None
) -> Drawing | Absence:
    """One published measure of an authority: its line, the span of its ten neighbours, their median, and
    England.

    `series` has columns measure, year (ending 31 March), value, neighbour_low, neighbour_high,
    neighbour_median, england, unit, source, and data_status (without it, the numbers are real).
    `words` say the measure. Years without a number break the line.
    """
    rows = series[series["measure"] == measure].sort_values("year")
    known = rows.dropna(subset=["value"])
    if known.empty:
        return Absence(f"No published number of {words} was found for {name}.")
    first, last = known.iloc[0], known.iloc[-1]
    unit, years = (
        str(last["unit"]).replace("_", " "),
        f"{int(rows['year'].min())} to {int(rows['year'].max())}",
    )
    alt_text = (
        f"Line of {words}, {name}, {unit}: {number(first['value'], 0)} in {int(first['year'])}, "
        f"{number(last['value'], 0)} in {int(last['year'])}; {_against(last)}."
    )
    return Drawing(
        chart=themed(_lines(rows, name, unit, go_live), height=HEIGHT),
        title=f"{name}: {words}, {number(last['value'], 0)} in {int(last['year'])}",
        subtitle=f"{words.capitalize()}, {unit}, {years}, against ten statistical neighbours and England",
        alt=shortened(alt_text),
        data=rows.reset_index(drop=True),
        source=_sources(rows),
        cells=_cells(rows, name),
    )


def _against(last: pd.Series) -> str:
    parts = [
        f"{words} {number(last[column], 0)}"
        for column, words in (("neighbour_median", "neighbours' median"), ("england", "England"))
        if pd.notna(last[column])
    ]
    return " and ".join(parts) or "no comparison is published"


def _sources(rows: pd.DataFrame) -> str:
    found = [str(source) for source in dict.fromkeys(rows["source"].dropna()) if str(source)]
    return f"Department for Education: {'; '.join(found)}" if found else "Department for Education"


def _lines(rows: pd.DataFrame, name: str, unit: str, go_live: object) -> alt.LayerChart:
    span = [int(rows["year"].min()), int(rows["year"].max())]
    step = 1 if span[1] - span[0] <= 8 else 2
    x_axis = alt.Axis(
        title="Year ending 31 March",
        format="d",
        values=list(range(span[0], span[1] + 1, step)),
        labelFlush=False,
        grid=False,
    )
    # Room to the right for labels beside the last points.
    room = (span[1] - span[0]) * LABEL_SPACE / (560 - LABEL_SPACE - 50)
    x = alt.X("year:Q", axis=x_axis, scale=alt.Scale(domain=[span[0], span[1] + room], nice=False))
    top = float(rows[["value", "neighbour_high", "england"]].max().max()) * 1.06
    scale = alt.Scale(domain=[0, top], nice=False)
    axis = {"labelExpr": PLAIN_LABEL, "tickCount": 5, "grid": False} | top_title(unit[:1].upper() + unit[1:])
    layers: list[alt.Chart] = [
        alt.Chart(rows.dropna(subset=["neighbour_low"]))
        .mark_area(color=BAND)
        .encode(x=x, y=alt.Y("neighbour_low:Q", scale=scale, axis=alt.Axis(**axis)), y2="neighbour_high:Q")
    ]
    for column, (_, colour, dash, width) in LINES.items():
        part = rows[["year", column]].rename(columns={column: "level"})
        line = alt.Chart(part).mark_line(
            color=colour,
            strokeDash=dash,
            strokeWidth=width,
            invalid="break-paths-show-domains",
            point={"color": colour, "size": 26} if column == "value" else False,
        )
        layers.append(
            line.encode(
                x=x, y=alt.Y("level:Q", scale=scale), tooltip=[alt.Tooltip("year:Q", format="d"), "level:Q"]
            )
        )
    return alt.layer(*layers, *_labels(rows, name, top), *_go_live(go_live, span))


def _labels(rows: pd.DataFrame, name: str, top: float) -> list[alt.Chart]:
    """Names beside the lines' last points, moved apart where they would touch."""
    ends = []
    for column, (words, colour, *_) in LINES.items():
        known = rows.dropna(subset=[column])
        if len(known):
            ends.append((name if column == "value" else words, float(known[column].iloc[-1]), colour))
    band = rows.dropna(subset=["neighbour_high"])
    if len(band):
        ends.append(("Highest neighbour", float(band["neighbour_high"].iloc[-1]), SOFT_TEXT))
        ends.append(("Lowest neighbour", float(band["neighbour_low"].iloc[-1]), SOFT_TEXT))
    places = spread([level for _, level, _ in ends], gap=top * 15 / HEIGHT)
    year = int(rows["year"].max())
    return [
        alt.Chart(pd.DataFrame({"year": [year], "level": [place], "text": [words]}))
        .mark_text(align="left", dx=8, color=colour, fontWeight="bold" if words == name else "normal")
        .encode(x="year:Q", y="level:Q", text="text:N")
        for (words, _, colour), place in zip(ends, places, strict=True)
    ]


def _go_live(day: object, span: list[int]) -> list[alt.Chart]:
    """A rule at the go-live, placed on the axis of years that end on 31 March."""
    if day is None:
        return []
    date = pd.Timestamp(day)  # type: ignore[arg-type]
    year = date.year + (date.day_of_year - 90) / 365.25
    if not span[0] <= year <= span[1]:
        return []
    frame = pd.DataFrame({"year": [year], "text": ["Go-live"]})
    rule = alt.Chart(frame).mark_rule(color=SOFT_TEXT, strokeDash=[4, 3]).encode(x="year:Q")
    words = alt.Chart(frame).mark_text(align="right", dx=-4, y=8).encode(x="year:Q", text="text:N")
    return [rule, words]


def _cells(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    columns = {
        name: "value",
        "Lowest neighbour": "neighbour_low",
        "Median of neighbours": "neighbour_median",
        "Highest neighbour": "neighbour_high",
        "England": "england",
    }
    places = 0 if (rows["value"].dropna() % 1 == 0).all() else 1
    cells = {"Year ending 31 March": [str(int(year)) for year in rows["year"]]}
    for words, column in columns.items():
        cells[words] = [number(value, places) for value in rows[column].astype(float)]
    return pd.DataFrame(cells)
