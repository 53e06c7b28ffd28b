"""Would the answer survive other choices? Forests of the main row beside its variants."""

from __future__ import annotations

import pandas as pd

from sfpc_book.report.charts_effect import RETURNS_SOURCE
from sfpc_book.report.charts_forest import forest, levels_text
from sfpc_book.report.charts_methods import ARROW, reference_columns, without_number
from sfpc_book.report.charts_theme import model_colour
from sfpc_book.report.drawing import Absence, Drawing
from sfpc_book.report.estimate_rows import outcome_name, row_unit, within_text
from sfpc_book.report.formats import is_missing, whole_percentage
from sfpc_book.report.sensitivity_rows import (
    Variants,
    change_variants,
    exposure_variants,
    leave_out_variants,
    missing_variants,
    sample_variants,
)
from sfpc_book.report.terms import reference_note
from sfpc_book.study.schema import Study


def samples_forest(
    study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int
) -> Drawing | Absence:
    """The main model on every sample."""
    found = sample_variants(study, rows, model, outcome, horizon)
    return _forest(study, found, model, outcome, horizon, "on other samples of children", "by sample")


def exposures_forest(
    study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int
) -> Drawing | Absence:
    """The main model under every definition of exposure."""
    found = exposure_variants(study, rows, model, outcome, horizon)
    words = "under other definitions of exposure"
    return _forest(study, found, model, outcome, horizon, words, "by definition of exposure")


def leave_out_forest(
    study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int
) -> Drawing | Absence:
    """The main model without one authority or period at a time."""
    found = leave_out_variants(study, rows, model, outcome, horizon)
    words = "without one authority or period at a time"
    return _forest(study, found, model, outcome, horizon, words, "by part left out")


def changes_forest(
    study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int
) -> Drawing | Absence:
    """The main model with one respect of it changed."""
    found = change_variants(study, rows, model, outcome, horizon)
    return _forest(study, found, model, outcome, horizon, "with one thing changed", "by change")


def missing_forest(
    study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int
) -> Drawing | Absence:
    """One model of children under each rule for missing covariates, with the share of information missing."""
    found = missing_variants(study, rows, model, outcome, horizon)
    words = "under three rules for missing covariates"
    return _forest(study, found, model, outcome, horizon, words, "by rule for missing covariates")


def _forest(
    study: Study, found: Variants, model: str, outcome: str, horizon: int, words: str, what: str
) -> Drawing | Absence:
    name, span = study.models[model].name, within_text(study.outcomes[outcome], horizon)
    measure = outcome_name(study, outcome)
    if found.rows.empty:
        return Absence(f"No estimate of “{measure}” {span} {words} has been recorded.")
    unit = row_unit(found.main)
    shown = unit.words if unit.ratio else f"difference {unit.words}"
    return forest(
        found.rows,
        found.labels,
        title=f"{name}: the estimate {words}",
        subtitle=(
            f"{measure} {span}, {shown}, {levels_text(found.rows)}; square: what the others are held "
            f"against; {ARROW}{without_number(found.rows)}"
        ),
        what=f"{what}, {name}, {measure.lower()} {span}",
        colour=model_colour(study, model),
        source=RETURNS_SOURCE,
        study=study,
        groups=found.groups,
        main=found.heads,
        notes=[_note(row) for row in found.rows.itertuples()],
        columns=reference_columns(study, found.rows),
    )


def _note(row: object) -> str:
    share = row.missing_information  # type: ignore[attr-defined]
    if is_missing(share):
        return reference_note(row)
    return f"{whole_percentage(share)} information missing"
