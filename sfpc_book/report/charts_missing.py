"""Charts of what is not known about the children: by authority and period, and what is missing together."""

from __future__ import annotations

import textwrap

import altair as alt
import numpy as np
import pandas as pd

from sfpc_book.report.charts_theme import (
    DARK_BLUE,
    OUTLINE,
    TEXT,
    WIDTH,
    label_room,
    strip_title,
    themed,
)
from sfpc_book.report.covariates import COVARIATES, covariate_words
from sfpc_book.report.disclosure import PublishedCounts, require_published, shown
from sfpc_book.report.disclosure_patterns import OTHERS, SEPARATOR
from sfpc_book.report.drawing import Absence, Drawing, shortened
from sfpc_book.report.formats import SUPPRESSED, count, counted, number, percentage, within_sentence
from sfpc_book.report.tables_children import share_text
from sfpc_book.study.schema import Study

CELL_HEIGHT = 22
ITEM_WIDTH, BAR_WIDTH, LABEL_WIDTH = (
    56,
    230,
    170,
)  # of one covariate, the bars at least, the words beside them
FACTORS = "factors"  # the name of all factors in a combination
FACTOR_WORDS = "Factors of the assessment"


def missing_periods(counts: PublishedCounts, study: Study, who: str) -> Drawing | Absence:
    """Share missing by covariate and period, one grid of numbered cells per authority.

    Factors of an assessment with the same numbers share a row; covariates that are never missing have none.
    """
    rows = _one_row_of_factors(require_published(counts, "missing by period").frame)
    ever = rows["n"].ne(0).groupby(rows["variable"]).transform("any")
    rows = rows[ever]
    if rows.empty:
        return Absence(f"No covariate of the children of {who} is missing in any period.")
    texts = [share_text(row.share, row.suppressed, row.total, 0) for row in rows.itertuples()]
    drawn = rows.assign(
        words=rows["variable"].map(_words),
        when=[f"{day:%b %Y}" for day in pd.to_datetime(rows["period_start"])],
        text=texts,
        shade=rows["share"].fillna(0.0),
    )
    known = drawn.dropna(subset=["share"])
    most = known.loc[known["share"].idxmax()] if len(known) else None
    worst = "all are hidden" if most is None else (
        f"the most is {percentage(most['share'], 0)} ({within_sentence(most['words'])}, "
        f"{study.authorities[most['authority']].name}, from {most['when']})"
    )  # fmt: skip
    return Drawing(
        chart=themed(_grids(drawn, study), fit=False),
        title=f"{who}: when was it not known?",
        subtitle="Share of children in the sample whose covariate is missing or not assessed, by period of "
        "first referral; each cell carries its number",
        alt=shortened(
            f"Grids of shares missing for {counted(drawn['variable'].nunique(), 'covariate')} by period in "
            f"{counted(drawn['authority'].nunique(), 'authority', 'authorities')}, {who}: {worst}."
        ),
        data=rows,
        source=f"Data returns. {counts.note()}",
        cells=_period_cells(drawn, study),
    )


def _one_row_of_factors(rows: pd.DataFrame) -> pd.DataFrame:
    """Factors as one covariate, where all have the same numbers everywhere."""
    factors = rows["variable"].isin(COVARIATES)
    keys = ["authority", "period"]
    same = rows[factors].fillna(-1).groupby(keys)[["n", "suppressed"]].nunique().le(1).all(axis=None)
    if not same:
        return rows
    first = (
        ~rows.duplicated(keys) if factors.all() else rows["variable"].eq(rows.loc[factors, "variable"].min())
    )
    kept = rows[~factors | first]
    return kept.assign(variable=kept["variable"].where(~kept["variable"].isin(COVARIATES), FACTORS))


def _words(item: str) -> str:
    return FACTOR_WORDS if item == FACTORS else covariate_words(item)


def _period_cells(drawn: pd.DataFrame, study: Study) -> pd.DataFrame:
    wide = drawn.pivot_table(
        index=["authority", "when"], columns="words", values="text", aggfunc="first", sort=False
    ).reset_index()
    names = [f"{study.authorities[row.authority].name}, from {row.when}" for row in wide.itertuples()]
    table = wide.drop(columns=["authority", "when"])
    table.columns.name = None
    table.insert(0, "Local authority and period", names)
    return table


def _grids(drawn: pd.DataFrame, study: Study) -> alt.VConcatChart:
    room = label_room(list(drawn["words"]))
    grids = [
        _grid(part, room).properties(title=strip_title(study.authorities[str(slug)].name))
        for slug, part in drawn.groupby("authority", sort=False)
    ]
    return alt.vconcat(*grids, spacing=14).resolve_scale(x="shared")


def _grid(part: pd.DataFrame, room: int) -> alt.LayerChart:
    axis = {"ticks": False, "domain": False, "title": None}
    x = alt.X("when:N", sort=list(dict.fromkeys(part["when"])), axis=alt.Axis(orient="top", **axis))
    y = alt.Y("words:N", sort=list(dict.fromkeys(part["words"])), axis=alt.Axis(minExtent=room, **axis))
    shade = alt.Color(
        "shade:Q",
        scale=alt.Scale(domain=[0, 1], range=["#FFFFFF", DARK_BLUE], interpolate="rgb"),
        legend=None,
    )
    cells = alt.Chart(part).mark_rect(stroke=OUTLINE, strokeWidth=0.6).encode(x=x, y=y, color=shade)
    dark = part["shade"] > 0.45
    words = [
        alt.Chart(some).mark_text(color=hue).encode(x=x, y=y, text="text:N")
        for some, hue in ((part[~dark], TEXT), (part[dark], "#FFFFFF"))
        if len(some)
    ]
    height = CELL_HEIGHT * part["words"].nunique()
    return alt.layer(cells, *words).properties(width=WIDTH - room - 20, height=height)


def missing_together(counts: PublishedCounts, who: str) -> Drawing | Absence:
    """Combinations of missing covariates: a row of dots for each, and a bar with its number of children."""
    frame = require_published(counts, "patterns").frame
    named = frame[frame["pattern"] != OTHERS]
    sets = [[item for item in text.split(SEPARATOR) if item] for text in named["pattern"]]
    if not any(sets):
        return Absence(f"No combination of missing covariates of {who} can be shown.")
    texts = [_together(text) for text in frame["pattern"]]
    drawn = frame.assign(row=texts, text=[_with_share(row) for row in frame.itertuples()])
    none = named.loc[[not items for items in sets], "share"]
    complete = f"nothing is missing of {percentage(none.iloc[0], 0)}" if len(none) else "none is complete"
    largest = next(words for words, items in zip(texts, sets, strict=False) if items)
    return Drawing(
        chart=themed(_together_chart(drawn, dict(zip(named["pattern"], sets, strict=True))), fit=False),
        title=f"{who}: what is missing together?",
        subtitle="Children by combination of missing covariates; a dot: missing; an open ring: known",
        alt=shortened(
            f"Rows of dots and bars for {counted(len(named), 'combination')} of missing covariates, {who}: "
            f"{complete}; the most frequent gap is {within_sentence(largest)}."
        ),
        data=frame,
        source=f"Data returns. {counts.note()} Combinations of too few children stand together.",
        cells=pd.DataFrame(
            {
                "Missing": texts,
                "Children": shown(frame["n"]),
                "Share": [SUPPRESSED if np.isnan(share) else percentage(share) for share in frame["share"]],
            }
        ),
    )


def _together(pattern: str) -> str:
    if pattern == OTHERS:
        return "Any other combination"
    items = [_words(item) for item in pattern.split(SEPARATOR) if item]
    return "; ".join([*items[:1], *map(within_sentence, items[1:])]) or "Nothing"


def _with_share(row: object) -> str:
    if np.isnan(row.n):  # type: ignore[attr-defined]
        return SUPPRESSED
    return f"{count(row.n)} ({number(row.share * 100, 1)}%)"  # type: ignore[attr-defined]


def _together_chart(drawn: pd.DataFrame, sets: dict[str, list[str]]) -> alt.HConcatChart:
    items = list(dict.fromkeys(item for part in sets.values() for item in part))
    heads = {item: "|".join(textwrap.wrap(_words(item), 11)) for item in items}
    lines = 1 + max(text.count("|") for text in heads.values())
    dots = pd.DataFrame(
        [
            {"row": row.row, "item": heads[item], "lacks": item in sets[row.pattern]}
            for row in drawn.itertuples()
            if row.pattern in sets
            for item in items
        ]
    )
    height = CELL_HEIGHT * len(drawn)
    order = list(drawn["row"])
    bare = alt.Y("row:N", sort=order, axis=None, scale=alt.Scale(domain=order))
    names = alt.Axis(
        title=None,
        orient="top",
        domain=False,
        ticks=False,
        labelExpr="split(datum.value, '|')",
        labelPadding=6 + 14 * (lines - 1),
        labelLineHeight=14,
    )
    x = alt.X("item:N", sort=list(heads.values()), axis=names)
    looks = ((True, DARK_BLUE), (False, "#FFFFFF"))
    marks = [
        alt.Chart(dots[dots["lacks"] == lacks])
        .mark_point(shape="circle", size=80, fill=fill, stroke=DARK_BLUE, strokeWidth=1, opacity=1)
        .encode(x=x, y=bare)
        for lacks, fill in looks
    ]
    left = alt.layer(*reversed(marks)).properties(width=ITEM_WIDTH * len(items), height=height)
    bars = alt.Chart(drawn).encode(y=bare)
    longest = float(drawn["n"].max())
    width = max(WIDTH - ITEM_WIDTH * len(items), BAR_WIDTH)
    length = alt.X("n:Q", axis=None, scale=alt.Scale(domain=[0, longest * width / (width - LABEL_WIDTH)]))
    right = alt.layer(
        bars.mark_bar(color=DARK_BLUE, height=12).encode(x=length),
        bars.mark_text(align="left", dx=6).encode(x=length, text="label:N"),
    ).properties(width=width, height=height)
    labelled = drawn.assign(label=[_bar_label(row) for row in drawn.itertuples()])
    return alt.hconcat(left, right.properties(data=labelled), spacing=10)


def _bar_label(row: object) -> str:
    """The number, and the name of a row that has no dots."""
    plain = {"Nothing": ", nothing missing", "Any other combination": ", any other"}
    return f"{row.text}{plain.get(row.row, '')}"  # type: ignore[attr-defined]
