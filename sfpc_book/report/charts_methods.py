"""One outcome by every method side by side: differences in levels first, ratios after them."""

from __future__ import annotations

import pandas as pd

from sfpc_book.report.charts_effect import RETURNS_SOURCE
from sfpc_book.report.charts_forest import forest, levels_text
from sfpc_book.report.charts_theme import model_colour
from sfpc_book.report.drawing import Absence, Drawing
from sfpc_book.report.estimate_rows import has_number, outcome_name, row_unit, within_text
from sfpc_book.report.formats import NOT_APPLICABLE, counted, is_missing, whole_percentage
from sfpc_book.report.method_rows import absolute_rows, groups_of, is_main, labels_of, relative_rows
from sfpc_book.report.terms import plan_status_of, reference_note, reference_text
from sfpc_book.study.schema import Study

PLANS = {None: "every method", "planned": "planned methods", "exploratory": "exploratory methods"}
ARROW = "arrow: no end, or beyond the axis"


def methods_forest(
    study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int, plan: str | None = None
) -> Drawing | Absence:
    """The difference in levels by every method: planned ones first, the main one marked, each with what it
    is held against; a method without a number says why.

    `plan` keeps the main method and those of one plan status, so that each of two charts fits on a page.
    """
    shown = absolute_rows(study, rows, model, outcome, horizon)
    if plan is not None:
        kept = [is_main(row) or plan_status_of(study, row) == plan for row in shown.itertuples()]
        shown = shown[kept].reset_index(drop=True)
    if shown.empty:
        return Absence(
            f"No method has recorded an estimate of “{outcome_name(study, outcome)}” at {horizon} months."
        )
    name, span = study.models[model].name, within_text(study.outcomes[outcome], horizon)
    what = outcome_name(study, outcome)
    return forest(
        shown,
        labels_of(study, shown.itertuples()),
        title=f"{name}: one question, {PLANS[plan]} side by side",
        subtitle=(
            f"{what} {span}, difference {row_unit(next(shown.itertuples())).words}, {levels_text(shown)}; "
            f"square: main model; logits: risks standardised to the children studied; {ARROW}"
            f"{without_number(shown)}"
        ),
        what=f"by method, {name}, {what.lower()} {span}",
        colour=model_colour(study, model),
        source=RETURNS_SOURCE,
        study=study,
        groups=groups_of(study, shown) if plan is None else None,
        main=[is_main(row) for row in shown.itertuples()],
        notes=[reference_note(row) for row in shown.itertuples()],
        columns=reference_columns(study, shown),
    )


def ratios_forest(
    study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int
) -> Drawing | Absence:
    """Risk ratios and odds ratios by every method that gives them, on a scale of ratios. To stand after the
    differences in levels."""
    shown = relative_rows(study, rows, model, outcome, horizon)
    name, span = study.models[model].name, within_text(study.outcomes[outcome], horizon)
    what = outcome_name(study, outcome)
    if shown.empty:
        return Absence(f"No risk ratio or odds ratio of “{what}” {span} has been recorded.")
    return forest(
        shown,
        labels_of(study, shown.itertuples()),
        title=f"{name}: the same as ratios",
        subtitle=(
            f"{what} {span}, exposed against not, {levels_text(shown)}; one: equal levels; standardised to "
            f"the children studied unless the name says otherwise; {ARROW}{without_number(shown)}"
        ),
        what=f"in ratios by method, {name}, {what.lower()} {span}",
        colour=model_colour(study, model),
        source=RETURNS_SOURCE,
        study=study,
        notes=[reference_note(row) for row in shown.itertuples()],
        columns=reference_columns(study, shown),
    )


def reference_columns(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """For the table beside a chart: plan status, reference distribution, and missing information where any
    row has it."""
    columns = pd.DataFrame(
        {
            "Plan": [plan_status_of(study, row) for row in rows.itertuples()],
            "Reference": [
                reference_text(row) if has_number(row) else NOT_APPLICABLE for row in rows.itertuples()
            ],
        }
    )
    if rows["missing_information"].notna().any():
        columns["Missing information"] = [
            NOT_APPLICABLE if is_missing(share) else whole_percentage(share)
            for share in rows["missing_information"]
        ]
    return columns


def without_number(rows: pd.DataFrame) -> str:
    """How many rows hold no number, for a subtitle; empty where all do."""
    none = int(rows["estimate"].isna().sum())
    return (
        f"; {counted(none, 'row')} without a number say why"
        if none > 1
        else ("; one row without a number says why" if none else "")
    )
