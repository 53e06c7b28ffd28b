"""Tables of estimates: every row with its interval, degrees of freedom, clusters, and why a number is
missing.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from sfpc_book.report.disclosure import publish_estimates
from sfpc_book.report.estimate_rows import (
    analysis_name,
    effect_text,
    ends_of,
    followed_text,
    has_number,
    horizon_text,
    model_name,
    outcome_name,
    row_unit,
)
from sfpc_book.report.formats import (
    NOT_APPLICABLE,
    NOT_AVAILABLE,
    count,
    is_missing,
    listed,
    number,
    p_value,
    percentage,
)
from sfpc_book.report.reliability import doubt_of
from sfpc_book.report.table import TableContent
from sfpc_book.report.words import Words
from sfpc_book.study.schema import Study

ESTIMATES_SOURCE = "Estimates of this report; every row is in the file of all estimates"
PLAN = {"planned": "listed as planned", "exploratory": "exploratory"}


def estimates_table(
    study: Study, estimates: pd.DataFrame, caption: str, *, models: bool = False, curve: bool = True
) -> TableContent:
    """One row per estimate: what, by which analysis, estimate with interval, df, p with its minimum, sizes.

    `models` adds a column for the practice model. Without `curve`, effects by time since go-live are left
    to the data file. Rows stand in the order of the study; those without a number say why in the estimate's
    place.
    """
    ordered = publish_estimates(in_study_order(study, estimates), study.disclosure)
    chosen = ordered if curve else ordered[ordered["analysis"] != "exposure_time"]
    notes = [
        "Estimates are differences after go-live; the interval stands in brackets at the level given.",
        "Beside an exact p-value stands the smallest that any result could have had.",
        "“Listed as planned” says how the study file lists an analysis.",
        "Counts are rounded one by one, so those analysed can differ from those linked by rounding alone.",
    ]
    if not curve:
        notes.append("Effects by time since go-live are in the data file.")
    return TableContent(
        cells=pd.DataFrame([_estimate_cells(study, row, models) for row in chosen.itertuples()]),
        caption=caption,
        notes=tuple(notes),
        source=ESTIMATES_SOURCE,
        data=ordered,
    )


def in_study_order(study: Study, estimates: pd.DataFrame) -> pd.DataFrame:
    """Rows by model, outcome, horizon and analysis in the order of the study; unknown names come last."""
    orders = {
        "model": list(study.models),
        "outcome": list(study.outcomes),
        "analysis": list(study.analyses),
    }
    keys = {
        name: estimates[name].map({key: place for place, key in enumerate(known)}).fillna(len(known))
        for name, known in orders.items()
    }
    keys["horizon"] = estimates["horizon"].astype("Float64").fillna(0)
    ranked = pd.DataFrame(keys)[["model", "outcome", "horizon", "analysis"]].reset_index(drop=True)
    order = ranked.sort_values(list(ranked), kind="stable").index
    return estimates.iloc[order]


def _estimate_cells(study: Study, row: Any, models: bool) -> dict[str, str]:
    first = {"Model": model_name(study, row.model)} if models else {}
    return first | {
        "Outcome": f"{outcome_name(study, row.outcome)}{_term(row.term)}",
        "Followed for": _followed(study, row),
        "Analysis": f"{analysis_name(study, row.analysis)} ({_plan_status(study, row.analysis)})",
        "Estimate (interval)": effect_text(row, doubt=doubt_of(study, row)),
        "Unit": row_unit(row).words or NOT_APPLICABLE,
        "Level": percentage(row.conf_level, 1) if has_number(row) else NOT_APPLICABLE,
        "df": NOT_APPLICABLE if is_missing(row.df) else number(row.df, 1),
        "p": p_text(row),
        "Children": size_text(row.n_children),
        "Authorities": size_text(row.n_clusters),
    }


def _followed(study: Study, row: Any) -> str:
    so_far = followed_text(row)
    return horizon_text(row, study) + (f" ({so_far})" if so_far else "")


def _term(term: str) -> str:
    if term.startswith("exposure_time_average"):
        times = re.findall(r"_(\d+)(?=_|$)", term)
        return f", average over periods {listed(times)} since go-live" if times else ""
    if found := re.fullmatch(r"exposure_time_(\d+)", term):
        return f", period {found[1]} since go-live"
    if found := re.fullmatch(r"event_time_(-?\d+)", term):
        return f", year {found[1]} since adoption".replace("-", "−")
    return ""


def _plan_status(study: Study, analysis: str) -> str:
    return PLAN[study.analyses[analysis].plan_status] if analysis in study.analyses else "exploratory"


def size_text(value: object) -> str:
    """A number of children or authorities; `[x]` where it is not recorded."""
    return NOT_AVAILABLE if is_missing(value) else count(value)  # type: ignore[arg-type]


def p_text(row: Any) -> str:
    """A p-value, with the smallest attainable one where the row has it."""
    if is_missing(row.p_value):
        return NOT_APPLICABLE
    least = "" if is_missing(row.p_minimum) else f" (smallest {p_value(row.p_minimum)})"
    return f"{p_value(row.p_value)}{least}"


def truth_table(study: Study, estimates: pd.DataFrame, caption: str) -> TableContent | Words:
    """The planted truth beside each estimate and whether the interval holds it. For synthetic data only."""
    rows = in_study_order(study, estimates[estimates["truth"].notna() & estimates["estimate"].notna()])
    if rows.empty:
        return Words("No truth is known for these data, as for any real data.", "design")
    cells = pd.DataFrame([_truth_cells(study, row) for row in rows.itertuples()])
    return TableContent(
        cells=cells,
        caption=caption,
        notes=(
            "The truth was planted when the synthetic data were made; one data set cannot show bias.",
            "It is the mean over all exposed children. Where only some are followed so far, the estimate is "
            "about those alone: the two then answer different questions.",
        ),
        source="Truth written beside the synthetic returns",
        data=publish_estimates(rows, study.disclosure),
    )


def _truth_cells(study: Study, row: Any) -> dict[str, str]:
    unit = row_unit(row)
    inside = NOT_APPLICABLE
    low, high = ends_of(row)
    if has_number(row) and not is_missing(low):
        inside = "yes" if low <= row.truth <= high else "no"
    return {
        "Practice model": model_name(study, row.model),
        "Outcome": f"{outcome_name(study, row.outcome)}{_term(row.term)}",
        "Followed for": _followed(study, row),
        "Analysis": analysis_name(study, row.analysis),
        "Truth": unit.show(row.truth, signed=True),
        "Estimate (interval)": effect_text(row, doubt=doubt_of(study, row)),
        "Interval holds the truth": inside,
        "Unit": unit.words or NOT_APPLICABLE,
    }
