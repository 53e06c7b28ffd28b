"""Charts that compare the authorities of one model in data quality: how much was found, and by what check."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import altair as alt
import pandas as pd

from sfpc_book.contracts.check_words import CheckWords
from sfpc_book.report.charts_findings import OUTCOMES_OF_CHECKS, outcome_bars
from sfpc_book.report.charts_theme import DARK_PINK, ORANGE, OUTLINE, TEXT, label_room, themed
from sfpc_book.report.disclosure import PublishedCounts
from sfpc_book.report.drawing import Absence, Drawing, shortened
from sfpc_book.report.findings import FOLLOWS
from sfpc_book.report.formats import counted
from sfpc_book.report.quality import empty_places, kinds_cells, kinds_frame, quality_frame

MOST_ROWS, ROW_HEIGHT = 20, 38
HUES = {words: OUTCOMES_OF_CHECKS[severity][1] for severity, words in FOLLOWS.items()}
WRAP_CHECK, WRAP_AUTHORITY = 26, 11
SOURCE = "Findings of the checks declared in the data contracts"
# Each severity has a word, a shape and a size of its own: nothing hangs on the colour.
MARKS = {
    "block": ("stops", "square", 260, DARK_PINK),
    "mark": ("marked", "diamond", 200, ORANGE),
    "note": ("noted", "circle", 90, OUTLINE),
}


def attention_bars(
    findings: PublishedCounts, missing: PublishedCounts, names: Mapping[str, str], who: str
) -> Drawing | Absence:
    """Distinct checks that found something, by authority and severity, what needs attention first on top."""
    frame = quality_frame(findings, missing, list(names))
    table = frame.melt("authority", ["block", "mark", "note"], var_name="severity", value_name="n").assign(
        authority=lambda rows: rows["authority"].map(names)
    )
    places = {severity: place for place, severity in enumerate(FOLLOWS)}
    table = table[table["n"] > 0].assign(
        kind=lambda rows: rows["severity"].map(FOLLOWS), place=lambda rows: rows["severity"].map(places)
    )
    if table.empty:
        return Absence(f"No check found anything in the returns of {who}.")
    first, order = frame.iloc[0], [names[slug] for slug in frame["authority"]]
    found_in = table["authority"].nunique()
    return Drawing(
        chart=themed(outcome_bars(table, "authority", order, HUES), height=46 * len(order)),
        title=f"{who}: where do the returns need attention first?",
        subtitle="Distinct checks that found something, by authority and what follows; checks, not children",
        alt=shortened(
            f"Stacked bars of checks by authority, {who}: something was found in {found_in} of "
            f"{counted(len(order), 'authority', 'authorities')}. First stands {order[0]}, with "
            f"{first['block']} that stop estimation, {first['mark']} that mark and {first['note']} noted."
        ),
        data=table[["authority", "kind", "n"]],
        source=SOURCE,
    )


def kinds_grid(
    findings: PublishedCounts, names: Mapping[str, str], words: CheckWords, who: str
) -> Drawing | Absence:
    """Which failed check found something where: a dot grid whose marks differ in word, shape and size."""
    kinds = kinds_frame(findings, list(names))
    failed = kinds[kinds["kind"].isin(list(MARKS))]
    if failed.empty:
        return Absence(f"No check of the returns of {who} failed.")
    shown = list(dict.fromkeys(failed["check"]))[:MOST_ROWS]
    drawn = failed[failed["check"].isin(shown)].assign(
        name=lambda rows: [words.of(str(check)).name for check in rows["check"]],
        lines=lambda rows: [_lines(name, WRAP_CHECK) for name in rows["name"]],
        place=lambda rows: [_lines(names[slug], WRAP_AUTHORITY) for slug in rows["authority"]],
        word=lambda rows: [MARKS[kind][0] for kind in rows["kind"]],
    )
    total, widest = failed["check"].nunique(), drawn.groupby("name", sort=False).size()
    more = f" The {len(shown)} gravest of {total}; the table lists all." if total > len(shown) else ""
    return Drawing(
        chart=themed(_grid(drawn, names), height=ROW_HEIGHT * len(shown)),
        title=f"{who}: which checks found something where?",
        subtitle=f"Checks that failed, gravest first, by authority; an empty place: found nothing.{more}",
        alt=shortened(
            f"Grid of {counted(len(shown), 'check')} by {counted(len(names), 'authority', 'authorities')}, "
            f"{who}: “{widest.idxmax()}” found something in {widest.max()} of them; each mark has its word."
        ),
        data=drawn[["check", "authority", "kind"]],
        source=SOURCE,
        cells=kinds_cells(drawn, names, words, FOLLOWS, empty_places(findings, shown, list(names))),
    )


def _lines(text: str, width: int) -> str:
    return "|".join(textwrap.wrap(text, width))


def _grid(drawn: pd.DataFrame, names: Mapping[str, str]) -> alt.LayerChart:
    """Marks with their words beneath, in the middle of a row between two lines of the grid."""
    places = [_lines(name, WRAP_AUTHORITY) for name in names.values()]
    rows = list(dict.fromkeys(drawn["lines"]))
    split = {"labelExpr": "split(datum.value, '|')", "labelLineHeight": 14, "ticks": False, "domain": False}
    padding = 4 + 14 * max(place.count("|") for place in places)
    x_axis = alt.Axis(title=None, orient="top", labelPadding=padding, **split)
    y_axis = alt.Axis(
        title=None,
        grid=True,
        labelOffset=-6,
        minExtent=label_room([row.split("|")[0] for row in rows]),
        **split,
    )
    x = alt.X("place:N", sort=places, scale=alt.Scale(domain=places), axis=x_axis)
    y = alt.Y("lines:N", sort=rows, axis=y_axis)
    marks = [
        alt.Chart(part)
        .mark_point(
            shape=MARKS[kind][1], size=MARKS[kind][2], filled=True, opacity=1, color=MARKS[kind][3],
            stroke=TEXT, strokeWidth=0.8, yOffset=-8,
        )
        .encode(x=x, y=y)
        for kind, part in drawn.groupby("kind", sort=False)
    ]  # fmt: skip
    words = alt.Chart(drawn).mark_text(fontSize=11, dy=10).encode(x=x, y=y, text="word:N")
    return alt.layer(*marks, words)
