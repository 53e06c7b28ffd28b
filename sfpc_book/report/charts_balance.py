"""The love plot: how far children after go-live differ from those before, level by level."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from sfpc_book.report.charts_theme import (
    BAND,
    DARK_BLUE,
    OUTLINE,
    SIGNED_LABEL,
    WIDTH,
    label_room,
    themed,
    zero_rule,
)
from sfpc_book.report.covariates import ALL_AGES, covariate_words, level_words
from sfpc_book.report.disclosure import PublishedCounts, require_published
from sfpc_book.report.disclosure_baseline import ABSENT_LEVELS, ALL, WHOLE
from sfpc_book.report.drawing import Absence, Drawing, shortened
from sfpc_book.report.formats import counted, number
from sfpc_book.report.tables_children import difference_text

ROW_HEIGHT, MOST_TICKS = 19, 3
KNOWN, ABSENT = "value known", "missing or not assessed"


def love_plot(
    differences: PublishedCounts,
    reference: float,
    name: str,
    ages: tuple[int, int] = ALL_AGES,
    authority: str = ALL,
) -> Drawing | Absence:
    """One mark for the standardised difference of each level, after go-live less before.

    The band reaches `reference` to either side of zero. Filled circles are levels of what is known, open
    diamonds those of what is missing; a difference that rests on a hidden count is not drawn.
    """
    frame = require_published(differences, "differences").frame
    rows = frame[(frame["authority"] == authority) & (frame["level"] != WHOLE)]
    words = [level_words(row.variable, row.level, ages) for row in rows.itertuples()]
    rows = rows.assign(words=words).dropna(subset=["words"])
    drawn = rows.assign(
        label=[f"{covariate_words(row.variable)}: {row.words}" for row in rows.itertuples()],
        kind=np.where(rows["level"].isin(ABSENT_LEVELS), ABSENT, KNOWN),
        text=[difference_text(row) for _, row in rows.iterrows()],
    )
    seen = drawn.dropna(subset=["difference"])
    if seen.empty:
        return Absence(f"How alike children of {name} were before and after go-live cannot be shown.")
    outside = int((seen["difference"].abs() > reference).sum())
    far = seen.loc[seen["difference"].abs().idxmax()]
    hidden = len(drawn) - len(seen)
    gone = f"; {counted(hidden, 'level')} not shown" if hidden else ""
    return Drawing(
        chart=themed(_chart(drawn, seen, reference), height=ROW_HEIGHT * len(drawn)),
        title=f"{name}: how far do children after go-live differ from those before?",
        subtitle="Standardised differences, after less before; grey band: "
        f"{number(reference, 2)} to either side; circle: {KNOWN}; open diamond: {ABSENT}",
        alt=shortened(
            f"Dot plot of standardised differences for {counted(len(seen), 'level')} of covariates, {name}: "
            f"{outside} outside the band of {number(reference, 2)}; the furthest is {far['text']} "
            f"({far['label']}){gone}."
        ),
        data=rows.drop(columns="words"),
        source="Data returns. A difference that rests on a hidden count is hidden too.",
        cells=pd.DataFrame(
            {"Level": drawn["label"], "Kind": drawn["kind"], "Standardised difference": drawn["text"]}
        ),
    )


def _chart(drawn: pd.DataFrame, seen: pd.DataFrame, reference: float) -> alt.LayerChart:
    reach = max(float(seen["difference"].abs().max()) * 1.08, reference * 1.5)
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    step = reference * np.ceil(reach / reference / MOST_TICKS)
    ticks = [
        round(place * step, 3) for place in range(-MOST_TICKS, MOST_TICKS + 1) if abs(place) * step <= reach
    ]
    axis = alt.Axis(
        title="Standardised difference, after less before", labelExpr=SIGNED_LABEL, values=ticks, grid=False
    )
    labels = list(drawn["label"])
    room = min(label_room(labels), WIDTH // 2)
    y = alt.Y(
        "label:N",
        sort=labels,
        title=None,
        axis=alt.Axis(ticks=False, domain=False, grid=True, minExtent=room, labelLimit=room),
        scale=alt.Scale(domain=labels),
    )
    band = pd.DataFrame({"low": [-reference], "high": [reference]})
    x = alt.X("difference:Q", axis=axis, scale=scale)
    layers = [
        alt.Chart(band)
        .mark_rect(color=BAND, stroke=OUTLINE, strokeDash=[3, 3])
        .encode(x=alt.X("low:Q", axis=axis, scale=scale), x2="high:Q"),
        zero_rule(),
    ]
    looks = {
        KNOWN: {"shape": "circle", "fill": DARK_BLUE},
        ABSENT: {"shape": "diamond", "fill": "#FFFFFF"},
    }
    layers += [
        alt.Chart(seen[seen["kind"] == kind])
        .mark_point(size=70, stroke=DARK_BLUE, strokeWidth=1.6, opacity=1, **look)
        .encode(x=x, y=y, tooltip=[alt.Tooltip("label:N"), alt.Tooltip("text:N", title="Difference")])
        for kind, look in looks.items()
        if (seen["kind"] == kind).any()
    ]
    hidden = drawn[drawn["difference"].isna()]
    if len(hidden):
        centre = hidden.assign(difference=0.0)
        layers.append(alt.Chart(centre).mark_text(align="left", dx=8).encode(x=x, y=y, text="text:N"))
    return alt.layer(*layers)
