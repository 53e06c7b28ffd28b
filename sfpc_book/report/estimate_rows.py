"""Reading tidy estimates: choose rows, and say in a few words what a row holds or why it holds no number."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from sfpc_book.errors import ParameterError
from sfpc_book.report.formats import (
    NOT_APPLICABLE,
    UNRELIABLE,
    Unit,
    date_text,
    interval,
    is_missing,
    listed,
    percentage,
    unit_of,
    whole_percentage,
)
from sfpc_book.report.terms import MAIN_EXPOSURE, MAIN_SAMPLE, is_level
from sfpc_book.study.registries import Outcome
from sfpc_book.study.schema import Study

PRIMARY_ANALYSIS = "panel_two_way"
CR2 = "panel_two_way_cr2"
RANDOMISATION = "randomisation"
ATTAINABLE = "randomisation_attainable"
INFORMATIVE = 0.8  # an exact interval of a lower level says next to nothing, and is not shown
TERMS = {1: "one term", 2: "two terms", 3: "three terms", 4: "four terms"}


def choose(estimates: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """Rows whose columns equal the values given; a tuple or list allows any of its values. Order is kept."""
    keep = pd.Series(True, index=estimates.index)
    for column, value in wanted.items():
        if column not in estimates:
            allowed = listed(list(estimates.columns))
            raise ParameterError(f"estimates have no column {column!r}; columns are {allowed}")
        if isinstance(value, tuple | list):
            keep &= estimates[column].isin(value)
        else:
            keep &= estimates[column].eq(value).fillna(False).astype(bool)
    return estimates[keep]


def of_main(estimates: pd.DataFrame) -> pd.DataFrame:
    """Rows of the main sample under the main definition of exposure; those of other choices are left out."""
    return choose(estimates, sample=MAIN_SAMPLE, exposure=MAIN_EXPOSURE)


def of_horizons(study: Study, estimates: pd.DataFrame) -> pd.DataFrame:
    """Rows of the main sample, and of those of its children who are followed for the longest horizon."""
    alike = (name for name, sample in study.samples.items() if sample.followed_longest)
    return choose(estimates, sample=[MAIN_SAMPLE, *alike], exposure=MAIN_EXPOSURE)


def not_of_main(estimates: pd.DataFrame) -> pd.DataFrame:
    """Rows of another sample or definition of exposure than the main ones."""
    return estimates[~estimates.index.isin(of_main(estimates).index)]


def one_row(estimates: pd.DataFrame, **wanted: object) -> pd.Series:
    """The single row that matches; `ParameterError` with what there is, when none or several do."""
    found = choose(estimates, **wanted)
    if len(found) == 1:
        return found.iloc[0]
    keys = [name for name in ("model", "outcome", "horizon", "analysis", "term") if name in estimates]
    there = [" / ".join(map(str, row)) for row in estimates[keys].drop_duplicates().itertuples(index=False)]
    asked = ", ".join(f"{name}={value!r}" for name, value in wanted.items())
    raise ParameterError(f"{len(found)} estimates match {asked}; exactly one must. There are:", there[:40])


def has_number(row: Any) -> bool:
    """Whether a row holds an estimate."""
    return not is_missing(row.estimate)


def row_unit(row: Any) -> Unit:
    """The unit in which a row's estimate is said."""
    return unit_of(row.unit)


def status_text(row: Any) -> str:
    """Why a row holds no number, in words: `not observed until 1 December 2024`, `not "
    "identified`, a cause."""
    status = str(row.status)
    if status == "not_observed":
        date = row.observable_from
        return "not observed" if is_missing(date) else f"not observed until {date_text(date)}"
    if status == "not_identified" or not row.identified:
        why = str(getattr(row, "reference", "")).partition("none: ")[2]
        return f"not identified: {why or 'no authority without the model is left to compare with'}"
    if status.startswith("not_estimable"):
        return f"not estimable: {status.partition(':')[2].strip() or 'no cause was recorded'}"
    return status.replace("_", " ")


def uninformative(row: Any) -> bool:
    """Whether a row is the exact test at its highest level, and that level is too low to say anything."""
    return getattr(row, "analysis", "") == ATTAINABLE and not row.conf_level >= INFORMATIVE


def ends_of(row: Any) -> tuple[float, float]:
    """Ends of a row's interval as shown: missing where there is none, or none that says anything."""
    if uninformative(row):
        return math.nan, math.nan
    return row.conf_low, row.conf_high


def effect_text(row: Any, *, doubt: str = "") -> str:
    """Estimate and interval to the same places, e.g. `−4.2 (−12.1 to 3.7)`; a status where there is no
    number. A row in doubt (see `reliability`) is marked `[u]`.
    """
    if not has_number(row):
        return status_text(row)
    unit, (low, high), signed = row_unit(row), ends_of(row), not is_level(row)
    said = f"{UNRELIABLE} " if doubt else ""
    said += unit.show(row.estimate, signed=signed)
    if uninformative(row):
        return f"{said} (no informative exact interval: highest level {percentage(row.conf_level)})"
    if is_missing(low) or is_missing(high):
        return f"{said} (no interval)"
    return f"{said} ({interval(low, high, unit, signed=signed)})"


def outcome_name(study: Study, outcome: str) -> str:
    """An outcome's name; measures outside the study (published series) keep their own words."""
    return (
        study.outcomes[outcome].name if outcome in study.outcomes else outcome.replace("_", " ").capitalize()
    )


def model_name(study: Study, model: str) -> str:
    """A practice model's name; `all` and others in words."""
    if model in study.models:
        return study.models[model].name
    return "All three models" if model in ("all", "pooled") else model.replace("_", " ").capitalize()


def analysis_name(study: Study, analysis: str) -> str:
    """An analysis's name as the study lists it."""
    return (
        study.analyses[analysis].name
        if analysis in study.analyses
        else analysis.replace("_", " ").capitalize()
    )


def horizon_text(row: Any, study: Study | None = None) -> str:
    """`18 months`; `three terms` for an outcome over fixed terms; `[z]` for one without either."""
    if study is not None and row.outcome in study.outcomes and not study.outcomes[row.outcome].has_horizon:
        return span_text(study.outcomes[row.outcome], 0)
    return NOT_APPLICABLE if is_missing(row.horizon) else f"{int(row.horizon)} months"


def span_text(outcome: Outcome, horizon: int) -> str:
    """How long an outcome is followed, whatever the horizon if it is measured over fixed terms."""
    terms = outcome.fixed_terms
    return f"{horizon} months" if terms is None else TERMS.get(terms, f"{terms} terms")


def within_text(outcome: Outcome, horizon: int) -> str:
    """`within 18 months`, or `over three terms`."""
    return f"{'within' if outcome.has_horizon else 'over'} {span_text(outcome, horizon)}"


def followed_text(row: Any) -> str:
    """`57% of children followed so far`; empty where all are, or where it is not known."""
    if is_missing(row.observed_share) or row.observed_share >= 0.9995:
        return ""
    return f"{whole_percentage(row.observed_share)} of children followed so far"
