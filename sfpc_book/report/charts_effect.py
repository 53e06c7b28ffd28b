"""Charts of effects: by outcome, by analysis, by horizon, by model, by time since go-live, and event
studies.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sfpc_book.report.charts_forest import forest, levels_text
from sfpc_book.report.charts_theme import (
    DARK_BLUE,
    model_colour,
)
from sfpc_book.report.drawing import Absence, Drawing
from sfpc_book.report.estimate_rows import (
    CR2,
    PRIMARY_ANALYSIS,
    analysis_name,
    choose,
    horizon_text,
    model_name,
    of_horizons,
    of_main,
    outcome_name,
)
from sfpc_book.report.formats import within_sentence
from sfpc_book.study.study import Study

RETURNS_SOURCE = "Estimates from the data returns, as listed in the table of estimates"


def outcomes_forest(
    study: Study, estimates: pd.DataFrame, model: str, horizon: int, analysis: str
) -> Drawing | Absence:
    """One row per outcome of a model, at one horizon, by one analysis; panels by unit."""
    rows = choose(of_main(estimates), model=model, horizon=horizon, analysis=analysis, term="exposed")
    name = study.models[model].name
    leads = analysis in (PRIMARY_ANALYSIS, CR2)
    return forest(
        rows,
        [outcome_name(study, outcome) for outcome in rows["outcome"]],
        title=f"{name}: estimated change by outcome{'' if leads else ', another way'}",
        subtitle=(
            f"{analysis_name(study, analysis)}, {horizon} months, {levels_text(rows)}; left of zero is a fall"
        ),
        what=f"by outcome, {name}, {horizon} months",
        colour=model_colour(study, model),
        source=RETURNS_SOURCE,
        study=study,
    )


def analyses_forest(
    study: Study, estimates: pd.DataFrame, model: str, outcome: str, horizon: int
) -> Drawing | Absence:
    """One row per analysis of the same outcome and horizon: the main one first, then each `main, but`."""
    rows = choose(estimates, model=model, outcome=outcome, horizon=horizon)
    rows = rows[~rows["analysis"].isin(["exposure_time", "pooled_randomisation"])]
    name = study.models[model].name
    return forest(
        rows,
        [analysis_name(study, row.analysis) + _sample(study, row.sample) for row in rows.itertuples()],
        title=f"{name}: the same question asked in several ways",
        subtitle=(
            f"{outcome_name(study, outcome)} within {horizon} months, {levels_text(rows)}; arrow: no end"
        ),
        what=f"by analysis, {name}, {outcome_name(study, outcome).lower()}",
        colour=model_colour(study, model),
        source=RETURNS_SOURCE,
        study=study,
    )


def horizons_forest(study: Study, estimates: pd.DataFrame, model: str, analysis: str) -> Drawing | Absence:
    """Rows per outcome of a model: the shorter horizon, the same among the children followed for the longer
    one where there is a row of it, and the longer one."""
    rows = choose(of_horizons(study, estimates), model=model, analysis=analysis, term="exposed")
    rows = rows[rows["outcome"].map(lambda outcome: study.outcomes[outcome].has_horizon).astype(bool)]
    place = {outcome: position for position, outcome in enumerate(study.models[model].outcomes)}
    rows = rows.sort_values(
        ["outcome", "horizon"], key=lambda values: values.map(place).fillna(values), kind="stable"
    ).reset_index(drop=True)
    name = study.models[model].name
    return forest(
        rows,
        [
            f"{outcome_name(study, row.outcome)}, {horizon_text(row, study)}{alike_text(study, row.sample)}"
            for row in rows.itertuples()
        ],
        title=f"{name}: does the estimate change with longer follow-up?",
        subtitle=(
            f"{analysis_name(study, analysis)}, difference at each horizon, {levels_text(rows)}; "
            "left of zero is a fall"
        ),
        what=f"by outcome and horizon, {name}",
        colour=model_colour(study, model),
        source=RETURNS_SOURCE,
        study=study,
    )


def alike_text(study: Study, sample: str) -> str:
    """Whether a row rests on the children followed for the longest horizon only, to follow the horizon."""
    known = study.samples.get(sample)
    return f", if followed {study.horizons[-1]}" if known is not None and known.followed_longest else ""


def models_forest(
    study: Study, estimates: pd.DataFrame, outcome: str, horizon: int, analyses: Sequence[str]
) -> Drawing | Absence:
    """One row per practice model and analysis for one outcome and horizon."""
    rows = choose(
        of_main(estimates), outcome=outcome, horizon=horizon, analysis=list(analyses), term="exposed"
    )
    order = {model: position for position, model in enumerate(study.models)}
    rows = rows.sort_values("model", key=lambda values: values.map(order), kind="stable")
    many = len(analyses) > 1
    labels = [
        model_name(study, row.model) + (f": {analysis_name(study, row.analysis).lower()}" if many else "")
        for row in rows.itertuples()
    ]
    return forest(
        rows,
        labels,
        title=f"{outcome_name(study, outcome)} within {horizon} months: three models, three trials",
        subtitle=(
            f"Difference within {horizon} months, {levels_text(rows)}; left of zero is a fall; arrow: no end"
        ),
        what=f"by practice model, {outcome_name(study, outcome).lower()} within {horizon} months",
        colour=DARK_BLUE,
        source=RETURNS_SOURCE,
        study=study,
    )


def _sample(study: Study, sample: str) -> str:
    known = sample != "main" and sample in study.samples
    return f" ({within_sentence(study.samples[sample].name)})" if known else ""


def costs_forest(study: Study, rows: pd.DataFrame, model: str, horizon: int) -> Drawing | Absence:
    """Care not paid for, delivery, and the difference, per 1,000 children, with their ranges (see
    `cost_rows`).
    """
    name = study.models[model].name
    return forest(
        rows,
        list(rows["text"]),
        title=f"{name}: what is not paid for care, and what delivery costs",
        subtitle=f"Pounds per 1,000 children first referred, {horizon} months; ranges as in the table below",
        what=f"in pounds, {name}, {horizon} months",
        colour=model_colour(study, model),
        source="Estimates of this report and the unit costs listed in this chapter",
        axis="Amount",
    )
