"""Checks of the returns as bars: how many passed, how many found something, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from sfpc_book.report.charts_theme import DARK_PINK, ORANGE, TEXT, TURQUOISE, themed
from sfpc_book.report.drawing import Absence, Drawing, shortened
from sfpc_book.report.formats import count

OUTCOMES_OF_CHECKS = {  # words and colour
    "pass": ("passed", TURQUOISE),
    "note": ("failed: noted", "#BFBFBF"),
    "mark": ("failed: marked on the page", ORANGE),
    "block": ("failed: blocks estimation", DARK_PINK),
}


def findings_bars(findings: pd.DataFrame, layer_names: Mapping[str, str], who: str) -> Drawing | Absence:
    """Checks passed and failed by layer of the returns, failed ones by severity. Counts of checks, not of
    children.
    """
    counted_checks = findings[findings["status"].isin(["pass", "fail"])]
    if counted_checks.empty:
        return Absence(f"No check of the returns of {who} has been recorded.")
    table = _check_counts(counted_checks, layer_names)
    failed, total = int(table.loc[table["kind"] != "passed", "n"].sum()), int(table["n"].sum())
    blocking = int(table.loc[table["kind"] == OUTCOMES_OF_CHECKS["block"][0], "n"].sum())
    return Drawing(
        chart=themed(
            outcome_bars(table, "layer", sorted(table["layer"].unique()), dict(OUTCOMES_OF_CHECKS.values())),
            height=46 * table["layer"].nunique(),
        ),
        title=f"{who}: {count(failed)} of {count(total)} checks found something",
        subtitle="Checks of the returns by layer and outcome; numbers are checks, not children",
        alt=shortened(
            f"Stacked bars of checks by layer, {who}: {count(total - failed)} of {count(total)} passed, "
            f"{count(failed)} failed, {count(blocking)} of them block estimation."
        ),
        data=table[["layer", "kind", "n"]],
        source="Findings of the checks declared in the data contracts",
    )


def _check_counts(findings: pd.DataFrame, layer_names: Mapping[str, str]) -> pd.DataFrame:
    kind = findings["severity"].where(findings["status"] == "fail", "pass")
    layer = findings["layer"].fillna("all").map(lambda value: layer_names.get(value, str(value)))
    words = {key: text for key, (text, _) in OUTCOMES_OF_CHECKS.items()}
    table = (
        pd.DataFrame({"layer": layer, "kind": kind.map(words)}).groupby(["layer", "kind"]).size().rename("n")
    )
    order = {text: place for place, text in enumerate(words.values())}
    table = table.reset_index().assign(place=lambda frame: frame["kind"].map(order))
    return table.sort_values(["layer", "place"]).reset_index(drop=True)


def outcome_bars(
    table: pd.DataFrame, rows: str, order: Sequence[str], hues: Mapping[str, str]
) -> alt.LayerChart:
    """Stacked bars of checks (`n`) by outcome (`kind` in words, at `place`), their numbers written above.

    `rows` is the column that bars stand for, `order` its values from top to bottom; of one without rows in
    the table nothing was found. `hues` are the colours of the kinds.
    """
    domain = [kind for kind in hues if kind in set(table["kind"])]
    colours = [hues[kind] for kind in domain]
    longest = int(table.groupby(rows)["n"].sum().max())
    axis = alt.Axis(ticks=False, domain=False, labelPadding=8, labelOffset=8)
    y = alt.Y(f"{rows}:N", title=None, sort=list(order), scale=alt.Scale(domain=list(order)), axis=axis)
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=domain, range=colours),
        legend=alt.Legend(title=None, columns=2, labelLimit=240),
    )
    x = alt.X(
        "n:Q", stack="zero", axis=alt.Axis(title="Number of checks", tickCount=min(5, longest), tickMinStep=1)
    )
    bars = (
        alt.Chart(table)
        .mark_bar(stroke=TEXT, strokeWidth=0.6, height={"band": 0.4}, yOffset=8)
        .encode(x=x, y=y, color=colour, order="place:Q", tooltip=[f"{rows}:N", "kind:N", "n:Q"])
    )
    texts = {
        name: ", ".join(f"{count(row.n)} {row.kind}" for row in part.itertuples())
        for name, part in table.groupby(rows)
    }
    said = [{rows: name, "text": texts.get(name, "nothing found")} for name in order]
    words = alt.Chart(pd.DataFrame(said)).mark_text(align="left", x=0, dy=-13, fontSize=11)
    return alt.layer(bars, words.encode(y=y, text="text:N"))
