"""The flow diagram: how records sent became children analysed, in boxes as CONSORT asks for."""

from __future__ import annotations

import textwrap

import altair as alt
import pandas as pd

from sfpc_book.report.charts_theme import DARK_BLUE, OUTLINE, PALE, TEXT, themed
from sfpc_book.report.disclosure import PublishedCounts, require_published, shown
from sfpc_book.report.drawing import Absence, Drawing, shortened
from sfpc_book.report.formats import count, counted

STEP_HEIGHT, BOX_HEIGHT = 64, 42
LINE = 15
LEFT, RIGHT = (0, 272), (310, 560)
WRAP = 40
FLAGGED = "children whose outcome is defined"  # the box of which some had an earlier, ended period of care


def flow_diagram(
    counts: PublishedCounts, name: str, authority: str = "all", described: PublishedCounts | None = None
) -> Drawing | Absence:
    """Boxes from the records sent (top) to the children analysed (bottom), exclusions to the right.

    `name` is whose flow it is, in words; `authority` selects its rows (`all`: the sum over authorities).
    `described` are the published descriptives: with them the flow says how many of the children kept had an
    earlier period of care that ended before the referral.
    """
    flow = require_published(counts, "flow").frame
    flow = flow[flow["authority"] == authority]
    if flow.empty:
        return Absence(f"No sample flow of {name} can be shown: no return has been read.")
    first, last = (flow[flow["kind"] == "kept"].iloc[position] for position in (0, -1))
    alt_text = (
        f"Flow diagram for {name}: {flow['step'].nunique()} boxes below each other narrow "
        f"{count(first['n'])} referrals to {count(last['n'])} {last['box']}; boxes to the right count what "
        "leaves at each step."
    )
    flagged = None if described is None else with_earlier_care(described, authority)
    return Drawing(
        chart=themed(_chart(flow, flagged), height=_height(flow), fit=False) | {"width": RIGHT[1]},
        title=f"{count(last['n'])} {last['box']} remain of {count(first['n'])} referrals",
        subtitle=(
            f"Sample flow, {name}; what leaves at each step stands to the right. {counts.note()}"
            f"{_added_up(flow)}"
        ),
        alt=shortened(alt_text),
        data=flow,
        source="Data returns",
        cells=flow_cells(flow, flagged),
    )


def _added_up(flow: pd.DataFrame) -> str:
    """That boxes are sums of rounded parts, how far off they can be, and why other tables differ."""
    if not flow["within"].any():
        return ""
    return (
        " Boxes are added up from rounded parts, a hidden part counted as the same number whatever it holds, "
        f"so that a box can be off by up to {counted(int(flow['within'].max()), 'child', 'children')}. "
        "Tables that round the number of the same children once can therefore show another number."
    )


def with_earlier_care(described: PublishedCounts, authority: str) -> float:
    """Children with an earlier, ended period of care: the sum of what the baseline shows before and after
    go-live, missing where it hides either."""
    levels = require_published(described, "descriptives").frame
    chosen = (levels["authority"] == authority) & (levels["variable"] == "earlier_care")
    return float(levels.loc[chosen & (levels["level"] == "yes"), "n"].sum(min_count=2))


def flow_cells(flow: pd.DataFrame, flagged: float | None = None) -> pd.DataFrame:
    """The flow as a table for reading: step, what happens there, number."""
    cells = pd.DataFrame(
        {
            "Box": flow["box"].str.capitalize(),
            "Step": flow["step"].astype(int).astype(str),
            "Kept or left out": flow["kind"].map({"kept": "kept", "excluded": "left out"}),
            "Number": shown(flow["n"]),
        }
    )
    if flagged is None:
        return cells
    place = flow.index.get_loc(flow.index[(flow["box"] == FLAGGED) & (flow["kind"] == "kept")][0]) + 1
    row = cells.iloc[[place - 1]].assign(
        Box="Of them with an earlier, ended period of care", Number=count(flagged)
    )
    return pd.concat([cells.iloc[:place], row, cells.iloc[place:]], ignore_index=True)


def _chart(flow: pd.DataFrame, flagged: float | None) -> alt.LayerChart:
    boxes = _boxes(flow, flagged)
    arrows = _arrows(boxes)
    x, y = pixel_scale(RIGHT[1]), pixel_scale(_height(flow), reverse=True)
    corners = {
        "x": alt.X("x1:Q", scale=x, axis=None),
        "x2": "x2:Q",
        "y": alt.Y("y1:Q", scale=y, axis=None),
        "y2": "y2:Q",
    }
    lines = alt.Chart(arrows).mark_rule(color=OUTLINE, strokeWidth=1.4).encode(**corners)
    heads = (
        alt.Chart(arrows)
        .mark_point(shape="triangle", filled=True, color=OUTLINE, size=50, opacity=1)
        .encode(
            x=alt.X("x2:Q", scale=x, axis=None),
            y=alt.Y("y2:Q", scale=y, axis=None),
            angle=alt.Angle("angle:Q", scale=None),
        )
    )
    drawn = [
        alt.Chart(part).mark_rect(fill=fill, stroke=stroke, strokeWidth=1.2, cornerRadius=3).encode(**corners)
        for part, fill, stroke in (
            (boxes[boxes["kind"] == "kept"], "#FFFFFF", DARK_BLUE),
            (boxes[boxes["kind"] == "excluded"], PALE, OUTLINE),
        )
        if len(part)
    ]
    words = (
        alt.Chart(boxes)
        .mark_text(lineBreak="\n", baseline="middle", align="left", dx=10, lineHeight=LINE, color=TEXT)
        .encode(x=alt.X("x1:Q", scale=x, axis=None), y=alt.Y("middle:Q", scale=y, axis=None), text="text:N")
    )
    return alt.layer(lines, heads, *drawn, words)


def _height(flow: pd.DataFrame) -> int:
    return STEP_HEIGHT * (flow["step"].nunique() - 1) + BOX_HEIGHT + 6


def pixel_scale(end: int, *, reverse: bool = False) -> alt.Scale:
    """A scale on which data are pixels; reversed, from the top down."""
    return alt.Scale(domain=[end, 0] if reverse else [0, end], nice=False, zero=False)


def _boxes(flow: pd.DataFrame, flagged: float | None) -> pd.DataFrame:
    """Corners and text of each box. The exclusions of one step share a box, between the kept boxes; those of
    the first step stand beside it."""
    rows = []
    for position, (_, step) in enumerate(flow.groupby("step", sort=True)):
        top = position * STEP_HEIGHT
        for kind, part in step.groupby("kind", sort=False):
            left, right = LEFT if kind == "kept" else RIGHT
            lines = [line for row in part.itertuples() for line in _lines(row.box, row.n, kind == "kept")]
            if flagged is not None and kind == "kept" and part["box"].iloc[0] == FLAGGED:
                lines.append(f"{count(flagged)} of them had earlier, ended care")
            beside = kind == "kept" or position == 0
            height = max(BOX_HEIGHT if kind == "kept" else 0, LINE * len(lines) + 12)
            centre = top + BOX_HEIGHT / 2 if beside else top - (STEP_HEIGHT - BOX_HEIGHT) / 2
            # Text is anchored at the middle of its first line, so a block of lines starts half its height up.
            middle = centre - LINE * (len(lines) - 1) / 2
            rows.append(
                (kind, left, right, centre - height / 2, centre + height / 2, middle, "\n".join(lines))
            )
    return pd.DataFrame(rows, columns=["kind", "x1", "x2", "y1", "y2", "middle", "text"])


def _lines(box: str, number: float, kept: bool) -> list[str]:
    return textwrap.wrap(f"{count(number)} {box}", WRAP - (0 if kept else 2))


def _arrows(boxes: pd.DataFrame) -> pd.DataFrame:
    """Down from each kept box to the next, and across to what leaves: from the line between two boxes, or at
    the first step from the box itself."""
    kept = boxes[boxes["kind"] == "kept"]
    centre = (LEFT[0] + LEFT[1]) / 2
    down = [
        (centre, centre, upper, lower - 4, 180)
        for upper, lower in zip(kept["y2"].iloc[:-1], kept["y1"].iloc[1:], strict=True)
    ]
    across = []
    for row in boxes[boxes["kind"] == "excluded"].itertuples():
        middle = (row.y1 + row.y2) / 2
        inside = ((kept["y1"] < middle) & (middle < kept["y2"])).any()
        across.append((LEFT[1] if inside else centre, RIGHT[0] - 4, middle, middle, 90))
    return pd.DataFrame([*down, *across], columns=["x1", "x2", "y1", "y2", "angle"])
