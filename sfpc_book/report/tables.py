"""Tables of estimates: every row with its interval, degrees of freedom, clusters, and why a number is
missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from sfpc_book.report.disclosure import publish_estimates
from sfpc_book.report.disclosure_near import hide_near
from sfpc_book.report.estimate_rows import (
    analysis_name,
    choose,
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
    p_value,
    percentage,
    whole_percentage,
)
from sfpc_book.report.reliability import doubt_of
from sfpc_book.report.table import TableContent
from sfpc_book.report.terms import (
    LEVELS,
    choice_words,
    is_level,
    plan_status_of,
    reference_text,
    term_words,
)
from sfpc_book.report.words import Words
from sfpc_book.study.schema import Study

ESTIMATES_SOURCE = "Estimates of this report; every row is in the file of all estimates"
ELSEWHERE = "Rows of other outcomes and horizons are in the data file."
PLAN = {"planned": "listed as planned", "exploratory": "exploratory"}


def estimates_table(
    study: Study,
    estimates: pd.DataFrame,
    caption: str,
    *,
    models: bool = False,
    curve: bool = True,
    reference: pd.DataFrame | None = None,
    only: Mapping[str, object] | None = None,
) -> TableContent:
    """One row per estimate: what, by which analysis, estimate with interval, df, p with its minimum, sizes.

    `models` adds a column for the practice model. Without `curve`, effects by time since go-live are left
    to the data file, and so are rows that differ from `only` in a column that it names. Rows stand in the
    order of the study; those without a number say why in the estimate's place. Counts too near those of
    another row, here or in `reference`, are hidden (see `hide_near`).
    """
    raw = in_study_order(study, estimates)
    near = hide_near(raw, raw if reference is None else reference, study.disclosure)
    ordered = publish_estimates(near, study.disclosure)
    shown = pd.Series(True, index=ordered.index) if curve else ordered["analysis"] != "exposure_time"
    shown &= ordered.index.isin(choose(ordered, **(only or {})).index)
    chosen = ordered[shown]
    pairs = zip(chosen.itertuples(), raw[shown].itertuples(), strict=True)
    cells = pd.DataFrame([_estimate_cells(study, row, whole, models) for row, whole in pairs])
    if chosen["missing_information"].notna().any():
        cells["Missing information"] = [_missing_text(row) for row in chosen.itertuples()]
    return TableContent(
        cells=cells,
        caption=caption,
        notes=(*_notes(chosen, curve=curve), *([ELSEWHERE] if len(chosen) < len(ordered) and only else [])),
        source=ESTIMATES_SOURCE,
        data=ordered,
    )


def _notes(rows: pd.DataFrame, *, curve: bool) -> list[str]:
    notes = [
        "Estimates are differences after go-live; the interval stands in brackets at the level given.",
        "Beside an exact p-value stands the smallest that any result could have had.",
        "“Listed as planned” says how the study file lists an analysis.",
        "Counts are rounded one by one, so those analysed can differ from those linked by rounding alone.",
    ]
    if rows["term"].isin(LEVELS).any():
        notes.append("Rows named as a risk are levels, not differences.")
    if any(row_unit(row).ratio for row in rows.itertuples()):
        notes.append("A ratio of one means equal levels. The data file holds ratios as logarithms.")
    if rows["missing_information"].notna().any():
        notes.append(
            "“Missing information” is the share of information on the estimate that missing covariates cost."
        )
    return notes if curve else [*notes, "Effects by time since go-live are in the data file."]


def _missing_text(row: Any) -> str:
    """The share of information that missing covariates cost; `[z]` where none were filled in."""
    return (
        NOT_APPLICABLE if is_missing(row.missing_information) else whole_percentage(row.missing_information)
    )


def in_study_order(study: Study, estimates: pd.DataFrame) -> pd.DataFrame:
    """Rows by model, outcome, horizon, analysis, sample and exposure in the order of the study; unknown names
    come last."""
    orders = {
        "model": list(study.models),
        "outcome": list(study.outcomes),
        "analysis": list(study.analyses),
        "sample": list(study.samples),
        "exposure": list(study.exposures),
    }
    keys = {
        name: estimates[name].map({key: place for place, key in enumerate(known)}).fillna(len(known))
        for name, known in orders.items()
    }
    keys["horizon"] = estimates["horizon"].astype("Float64").fillna(0)
    ranked = pd.DataFrame(keys)[
        ["model", "outcome", "horizon", "analysis", "sample", "exposure"]
    ].reset_index(drop=True)
    order = ranked.sort_values(list(ranked), kind="stable").index
    return estimates.iloc[order]


def _estimate_cells(study: Study, row: Any, whole: Any, models: bool) -> dict[str, str]:
    """The cells of a row as it may be shown; `whole` is the row before counts were protected."""
    first = {"Model": model_name(study, row.model)} if models else {}
    return first | {
        "Outcome": _named(study, row),
        "Followed for": _followed(study, row),
        "Analysis": _analysis(study, row),
        "Estimate (interval)": effect_text(row, doubt=doubt_of(study, whole)),
        "Unit": row_unit(row).words or NOT_APPLICABLE,
        "Level": percentage(row.conf_level, 1) if has_number(row) else NOT_APPLICABLE,
        "Reference": reference_text(row),
        "p": p_text(row),
        "Children": NOT_AVAILABLE if is_missing(whole.n_children) else count(row.n_children),
        "Authorities": size_text(row.n_clusters),
    }


def _followed(study: Study, row: Any) -> str:
    so_far = followed_text(row)
    return horizon_text(row, study) + (f" ({so_far})" if so_far else "")


def _named(study: Study, row: Any) -> str:
    """The outcome, with the term where it is not the plain effect."""
    term = term_words(str(row.term), study)
    return f"{outcome_name(study, row.outcome)}{f', {term}' if term else ''}"


def _analysis(study: Study, row: Any) -> str:
    """The analysis, the sample and exposure where they are not the main ones, and whether it was planned."""
    words = "; ".join([analysis_name(study, row.analysis), *choice_words(study, row)])
    return f"{words} ({PLAN[plan_status_of(study, row)]})"


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
    doubt = doubt_of(study, row)
    if has_number(row) and not doubt and not is_missing(low):
        inside = "yes" if low <= row.truth <= high else "no"
    return {
        "Practice model": model_name(study, row.model),
        "Outcome": _named(study, row),
        "Followed for": _followed(study, row),
        "Analysis": analysis_name(study, row.analysis),
        "Truth": unit.show(row.truth, signed=not is_level(row)),
        "Estimate (interval)": effect_text(row, doubt=doubt),
        "Interval holds the truth": inside,
        "Unit": unit.words or NOT_APPLICABLE,
    }
