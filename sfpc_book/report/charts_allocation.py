"""The allocation of a stepped wedge: sequences down, periods across, the children of each cell, totals to the
right."""

from __future__ import annotations

import altair as alt
import pandas as pd

from sfpc_book.report.charts_flow import pixel_scale
from sfpc_book.report.charts_theme import DARK_BLUE, OUTLINE, PALE, TEXT, WIDTH, themed
from sfpc_book.report.disclosure import PublishedCounts, require_published
from sfpc_book.report.drawing import Absence, Drawing, shortened
from sfpc_book.report.formats import NOT_APPLICABLE, count, date_text
from sfpc_book.study.schema import Study

ROW, HEAD, KEY = 44, 38, 26  # heights of a row, of the heading, of the key below
NAMES, TOTALS, GAP = 148, 78, 8  # widths of the names, of one column of totals, of the space before them
EXPOSED_MARK = " (exposed)"
TEXT_MARK = {"lineBreak": "\n", "baseline": "middle", "lineHeight": 15}
ALL = "all"
ARMS = {0: "before go-live", 1: "after go-live"}


def allocation_diagram(
    allocation: PublishedCounts, described: PublishedCounts, study: Study, name: str
) -> Drawing | Absence:
    """Children whose outcome is defined in each authority and period, with the totals before and after go-
    live.

    Authorities stand in the order of their sequences. Totals, and how many of them are linked to outcomes,
    are those of the published descriptives.
    """
    cells = require_published(allocation, "allocation").frame
    if cells.empty:
        return Absence(f"No allocation of {name} can be shown: no return has been read.")
    totals = _totals(described, [*dict.fromkeys(cells["authority"]), ALL])
    before, after = (count(totals.loc[(ALL, exposed), "children"]) for exposed in ARMS)
    n_sequences, n_periods = cells["sequence"].nunique(), cells["period"].nunique()
    alt_text = (
        f"Grid of {n_sequences} sequences by {n_periods} periods of the {name} trial with the children of "
        f"each cell, dark once an authority works by the model: {before} before go-live, {after} after."
    )
    height = HEAD + ROW * (cells["authority"].nunique() + 1) + KEY
    return Drawing(
        chart=themed(_chart(cells, totals, study, height), height=height, fit=False) | {"width": WIDTH},
        title=f"{before} children were referred before go-live and {after} after",
        subtitle=(
            f"Children whose outcome is defined, by sequence and period of first referral, {name}; a period "
            f"runs to the day before the next. {allocation.note()}"
        ),
        alt=shortened(alt_text),
        data=cells,
        source="Data returns",
        cells=allocation_cells(cells, totals, study),
    )


def _totals(described: PublishedCounts, authorities: list[str]) -> pd.DataFrame:
    """Children and linked children by authority and exposure, as the descriptives publish them."""
    levels = require_published(described, "descriptives").frame
    linked = levels[(levels["variable"] == "linked") & (levels["level"] == "yes")]
    linked = linked.set_index(["authority", "exposed"])[["total", "n"]]
    keys = pd.MultiIndex.from_product([authorities, list(ARMS)])
    return linked.reindex(keys).set_axis(["children", "linked"], axis="columns")


def allocation_cells(cells: pd.DataFrame, totals: pd.DataFrame, study: Study) -> pd.DataFrame:
    """One row per authority: sequence, go-live, children by period (exposed ones marked so), and totals."""
    rows = []
    for slug, part in cells.groupby("authority", sort=False):
        periods = {
            f"From {date_text(cell.period_start)}": count(cell.n_children) + EXPOSED_MARK * cell.exposed
            for cell in part.itertuples()
        }
        rows.append(
            {
                "Local authority": study.authorities[str(slug)].name,
                "Sequence": str(part["sequence"].iloc[0]),
                "Go-live": date_text(part["go_live"].iloc[0]),
                **periods,
                **_total_words(totals, str(slug)),
            }
        )
    last = dict.fromkeys(rows[0], NOT_APPLICABLE) | {"Local authority": "All"} | _total_words(totals, ALL)
    return pd.DataFrame([*rows, last])


def _total_words(totals: pd.DataFrame, slug: str) -> dict[str, str]:
    words = {}
    for arm, when in ARMS.items():
        words[when.capitalize()] = count(totals.loc[(slug, arm), "children"])
        words[f"{when.capitalize()}, linked"] = count(totals.loc[(slug, arm), "linked"])
    return words


def _chart(cells: pd.DataFrame, totals: pd.DataFrame, study: Study, height: int) -> alt.LayerChart:
    x, y = pixel_scale(WIDTH), pixel_scale(height, reverse=True)
    boxes, words = _boxes(cells, height), _words(cells, totals, study, height)
    corners = {
        "x": alt.X("x1:Q", scale=x, axis=None),
        "x2": "x2:Q",
        "y": alt.Y("y1:Q", scale=y, axis=None),
        "y2": "y2:Q",
    }
    drawn = [
        alt.Chart(part).mark_rect(fill=fill, stroke=stroke, strokeWidth=1.2).encode(**corners)
        for part, fill, stroke in (
            (boxes[boxes["exposed"] == 0], PALE, OUTLINE),
            (boxes[boxes["exposed"] == 1], DARK_BLUE, DARK_BLUE),
        )
    ]
    place = {"x": alt.X("x:Q", scale=x, axis=None), "y": alt.Y("y:Q", scale=y, axis=None), "text": "text:N"}
    texts = [
        alt.Chart(part).mark_text(**TEXT_MARK, align=align, color=colour, fontWeight=weight).encode(**place)
        for (align, colour, weight), part in words.groupby(["align", "colour", "weight"])
    ]
    return alt.layer(*drawn, *texts)


def _column(n_periods: int) -> float:
    return (WIDTH - NAMES - GAP - 2 * TOTALS) / n_periods


def _boxes(cells: pd.DataFrame, height: int) -> pd.DataFrame:
    """A box per cell, and one each for the key at the foot. Columns x1, x2, y1, y2, exposed."""
    width = _column(cells["period"].nunique())
    row = pd.factorize(cells["authority"])[0]
    left = NAMES + width * cells["period"].to_numpy()
    top = HEAD + ROW * row
    grid = pd.DataFrame(
        {"x1": left, "x2": left + width - 2, "y1": top + 4, "y2": top + ROW - 4, "exposed": cells["exposed"]}
    )
    foot = height - KEY + 6
    key = [(NAMES + 150 * arm, NAMES + 150 * arm + 18, foot, foot + 16, arm) for arm in ARMS]
    return pd.concat([grid, pd.DataFrame(key, columns=list(grid))], ignore_index=True)


def _words(cells: pd.DataFrame, totals: pd.DataFrame, study: Study, height: int) -> pd.DataFrame:
    """Every text with its place. Columns x, y (of the middle of its first line), text, align, colour,
    weight."""
    n_periods = cells["period"].nunique()
    width = _column(n_periods)
    starts = cells.drop_duplicates("period")["period_start"]
    rows = [(0.0, HEAD / 2, "Sequence and authority", "left", TEXT, "bold")]
    rows += [
        (NAMES + width * (number + 0.5) - 1, 12, f"{day.day} {day:%b}\n{day:%Y}", "center", TEXT, "normal")
        for number, day in enumerate(starts)
    ]
    rows += [(_arm_centre(arm), 12, f"{words.replace(' ', chr(10))}".capitalize(), "center", TEXT, "bold")
             for arm, words in ARMS.items()]  # fmt: skip
    for number, (slug, part) in enumerate(cells.groupby("authority", sort=False)):
        middle = HEAD + ROW * (number + 0.5)
        live = part["go_live"].iloc[0]
        label = f"{part['sequence'].iloc[0]}  {study.authorities[str(slug)].name}"
        rows.append((0.0, middle - 8, label, "left", TEXT, "bold"))
        rows.append((15.0, middle + 8, f"live {live.day} {live:%b %Y}", "left", TEXT, "normal"))
        for cell in part.itertuples():
            colour = "#FFFFFF" if cell.exposed else TEXT
            centre = NAMES + width * (cell.period + 0.5) - 1
            rows.append((centre, middle, count(cell.n_children), "center", colour, "normal"))
        rows += _total_texts(totals, str(slug), middle)
    middle = HEAD + ROW * (cells["authority"].nunique() + 0.5)
    rows += [(0.0, middle, "All", "left", TEXT, "bold"), *_total_texts(totals, ALL, middle)]
    rows += [
        (NAMES + 150 * arm + 24, height - KEY + 14, words.capitalize(), "left", TEXT, "normal")
        for arm, words in ARMS.items()
    ]
    return pd.DataFrame(rows, columns=["x", "y", "text", "align", "colour", "weight"])


def _arm_centre(arm: int) -> float:
    return WIDTH - TOTALS * (2 - arm) + TOTALS / 2


def _total_texts(totals: pd.DataFrame, slug: str, middle: float) -> list[tuple]:
    """Children, and below them how many are linked, before and after go-live."""
    texts = []
    for arm in ARMS:
        children, linked = totals.loc[(slug, arm)]
        texts.append((_arm_centre(arm), middle - 8, count(children), "center", TEXT, "bold"))
        texts.append((_arm_centre(arm), middle + 8, f"{count(linked)} linked", "center", TEXT, "normal"))
    return texts
