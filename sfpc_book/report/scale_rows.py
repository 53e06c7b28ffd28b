"""Choosing and wording the rows of models for each scale, of curves and of monthly totals."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from sfpc_book.report.estimate_rows import choose, has_number, outcome_name
from sfpc_book.report.formats import NOT_APPLICABLE, is_missing, number
from sfpc_book.study.schema import Study

# Differences are said first, ratios second. A Poisson model's coefficient is the ratio of rates itself.
DIFFERENCE_TERMS = ("standardised_risk_difference", "standardised_rate_difference")
RATIO_TERMS = ("standardised_log_risk_ratio", "exposed")
LOG_UNITS = ("log risk ratio", "log rate ratio")
CURVES = ("risk_while_followed", "risk_to_18", "restricted_mean", "restricted_mean_to_18")
LINEAR = "panel_two_way_cr2"
TOTALS = "totals_poisson"


def scale_models_of(study: Study, outcome: str) -> tuple[str, ...]:
    """The analyses that are models for an outcome's scale, in the order of the study."""
    scale = study.outcomes[outcome].scale
    return tuple(name for name, part in study.analyses.items() if scale in part.scales)


def scale_model_words(study: Study, outcome: str) -> str:
    """The same in words."""
    names = [study.analyses[name].name for name in scale_models_of(study, outcome)]
    return "; ".join(names) or NOT_APPLICABLE


def pairs(study: Study, rows: pd.DataFrame, model: str, horizon: int) -> Iterator[tuple[Any, Any]]:
    """For each outcome of a model the row of the difference, and that of the ratio (None where there is
    none), at one horizon."""
    chosen = choose(rows, model=model, horizon=horizon, sample="main")
    for outcome in study.models[model].outcomes:
        for analysis in scale_models_of(study, outcome):
            of_model = choose(chosen, outcome=outcome, analysis=analysis)
            yield from _pair(of_model)


def totals_pairs(rows: pd.DataFrame, model: str) -> Iterator[tuple[Any, Any]]:
    """The same for monthly totals."""
    chosen = choose(rows, model=model, analysis=TOTALS)
    for outcome in chosen["outcome"].drop_duplicates():
        yield from _pair(choose(chosen, outcome=outcome))


def _pair(rows: pd.DataFrame) -> Iterator[tuple[Any, Any]]:
    """A model that could not be fitted has one row or several, all with the same reason."""
    differences = list(choose(rows, term=DIFFERENCE_TERMS).itertuples())
    ratios = list(choose(rows, term=RATIO_TERMS, unit=LOG_UNITS).itertuples())
    difference = next(iter(differences), next(rows.itertuples(), None))
    if difference is not None:
        yield difference, next(iter(ratios), None)


def ratio_text(row: Any) -> str:
    """A ratio with its interval, from the row of its logarithm; `[z]` where there is none."""
    if row is None or not has_number(row):
        return NOT_APPLICABLE
    return f"{_ratio(row.estimate)} ({_ratio(row.conf_low)} to {_ratio(row.conf_high)})"


def _ratio(value: float) -> str:
    """A ratio to two places; one above a thousand only says that the data do not bound it."""
    if is_missing(value):
        return "not given"
    ratio = math.exp(min(value, 700.0))
    return "over 1,000" if ratio > 1000 else number(ratio, 2)


def row_name(study: Study, row: Any) -> str:
    """What a row is about."""
    return outcome_name(study, row.outcome)
