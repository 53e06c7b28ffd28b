"""Forest of outcomes by a model for their scale, beside the linear panel model."""

from __future__ import annotations

import pandas as pd

from sfpc_book.report.charts_effect import RETURNS_SOURCE
from sfpc_book.report.charts_forest import forest, levels_text
from sfpc_book.report.charts_theme import model_colour
from sfpc_book.report.drawing import Absence, Drawing
from sfpc_book.report.estimate_rows import choose, outcome_name
from sfpc_book.report.scale_rows import LINEAR, pairs
from sfpc_book.study.schema import Study


def scales_forest(
    study: Study, linear: pd.DataFrame, scales: pd.DataFrame, model: str, horizon: int
) -> Drawing | Absence:
    """Two rows per outcome at one horizon: the linear panel model and a model for its scale, both
    with the bias-reduced variance. `linear` and `scales` are tidy estimates."""
    parts, labels = [], []
    for difference, _ in pairs(study, scales, model, horizon):
        name = outcome_name(study, difference.outcome)
        beside = choose(
            linear, model=model, outcome=difference.outcome, horizon=horizon, analysis=LINEAR, sample="main"
        )
        if len(beside):
            parts.append(beside.iloc[:1])
            labels.append(f"{name}, linear")
        parts.append(scales.loc[[difference.Index]])
        labels.append(f"{name}, {scale_word(study, difference.outcome)}")
    rows = pd.concat(parts, ignore_index=True) if parts else scales.iloc[:0]
    title = f"{study.models[model].name}: does the scale of the model matter?"
    return forest(
        rows,
        labels,
        title=title,
        subtitle=f"Differences by the linear model and by one for its scale, {horizon} months, "
        f"{levels_text(rows)}; left of zero is a fall",
        what=f"by outcome and model, {study.models[model].name}, {horizon} months",
        colour=model_colour(study, model),
        source=RETURNS_SOURCE,
        study=study,
    )


def scale_word(study: Study, outcome: str) -> str:
    """A short name of a model for an outcome's scale."""
    words = {"binary": "logit", "share": "fractional logit", "count": "Poisson", "days": "Poisson"}
    return words[study.outcomes[outcome].scale]
