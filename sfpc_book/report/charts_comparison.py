"""Charts of the matched comparison on published statistics: by comparators, and by year since adoption."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from sfpc_book.report.charts_curve import event_study
from sfpc_book.report.charts_forest import forest, levels_text
from sfpc_book.report.charts_theme import DARK_BLUE
from sfpc_book.report.comparison_words import ANALYSES, COMPARISON_SOURCE, MEASURES, TREATED, comparators_of
from sfpc_book.report.drawing import Absence, Drawing
from sfpc_book.report.estimate_rows import choose, effect_text, row_unit
from sfpc_book.report.formats import is_missing, number
from sfpc_book.report.tables import size_text


def averages(estimates: pd.DataFrame, outcome: str, *, treated: str, exposure: str) -> pd.DataFrame:
    """Rows of average effects for all models together, one per analysis and comparators."""
    rows = choose(estimates, model="all", outcome=outcome, exposure=exposure, term="adopted")
    return rows[rows["sample"].str.startswith(f"{treated} vs ")]


def comparison_forest(
    estimates: pd.DataFrame, outcome: str, *, treated: str, exposure: str
) -> Drawing | Absence:
    """One row per analysis and comparators: does the answer depend on who stands in for the adopters?"""
    rows = averages(estimates, outcome, treated=treated, exposure=exposure)
    words = MEASURES.get(outcome, outcome.replace("_", " "))
    labels = [
        f"{ANALYSES.get(row.analysis, row.analysis)}: {comparators_of(row.sample)[1]}"
        for row in rows.itertuples()
    ]
    return forest(
        rows,
        labels,
        title=f"{words[:1].upper()}{words[1:]}: does the answer depend on the comparators?",
        subtitle=(
            f"Change in the {words} of {TREATED.get(treated, treated)} relative to comparators, "
            f"{levels_text(rows)}"
        ),
        what=f"by comparators, {words}",
        colour=DARK_BLUE,
        source=COMPARISON_SOURCE,
    )


def comparison_curve(
    estimates: pd.DataFrame, outcome: str, *, treated: str, exposure: str
) -> Drawing | Absence:
    """Effects by year since adoption with placebo intervals; the years before are the check on earlier
    trends.
    """
    rows = choose(
        estimates,
        model="all",
        outcome=outcome,
        analysis="group_time_placebo",
        exposure=exposure,
        sample=f"{treated} vs never_adopters",
    )
    rows = rows[rows["term"].str.startswith("event_time_") & rows["estimate"].notna()]
    if rows.empty:
        return Absence("Effects by year since adoption could not be estimated.")
    unit = row_unit(next(rows.itertuples()))
    curve = pd.DataFrame(
        {
            "event_time": rows["term"].str.removeprefix("event_time_").astype(int),
            **{name: rows[name] * unit.factor for name in ("estimate", "conf_low", "conf_high")},
            "truth": rows["truth"] * unit.factor,
            "n_clusters": rows["n_clusters"],
        }
    ).sort_values("event_time")
    level = rows["conf_level"].iloc[0]
    drawing = event_study(
        curve.dropna(axis="columns", how="all").reset_index(drop=True),
        what=MEASURES.get(outcome, outcome.replace("_", " ")),
        unit=unit.words,
        level=0.95 if is_missing(level) else float(level),
        source=COMPARISON_SOURCE,
    )
    if isinstance(drawing, Absence):
        return drawing
    return replace(drawing, cells=_curve_cells(rows))


def _curve_cells(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a curve as a person reads them, by year since adoption."""
    years = rows["term"].str.removeprefix("event_time_").astype(int)
    ordered = rows.loc[years.sort_values(kind="stable").index]
    cells = {
        "Years since adoption": [number(year) for year in years.sort_values(kind="stable")],
        "Difference (interval)": [effect_text(row) for row in ordered.itertuples()],
        "Unit": [row_unit(row).words for row in ordered.itertuples()],
        "Authorities compared": [size_text(row.n_clusters) for row in ordered.itertuples()],
    }
    if ordered["truth"].notna().any():
        cells["Planted truth"] = [row_unit(row).show(row.truth, signed=True) for row in ordered.itertuples()]
    return pd.DataFrame(cells)
