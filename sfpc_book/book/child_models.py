"""The step that fits child-level models: a cohort's tables in, tidy estimates out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sfpc_book.book.files import write_text
from sfpc_book.book.plan import CHILD_MODELS, estimates_file
from sfpc_book.book.step import Places
from sfpc_book.cohort.store import load_children
from sfpc_book.estimate.child_runs import TrialData, estimate_model
from sfpc_book.study.study import load_study


def write_child_models(places: Places, model: str, data_status: str) -> Path:
    """Write `estimates/<model>/child_models.csv`."""
    study, cohort = load_study(places.study_path), places.build / "cohort" / model
    populations = load_children(cohort)
    data = TrialData(
        populations={name: (part.children, part.outcomes) for name, part in populations.items()},
        observability=pd.read_csv(cohort / "observability.csv", parse_dates=["fully_observed_from"]),
    )
    table = estimate_model(study, model, data, data_status=data_status)
    text = table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return write_text(places.build / estimates_file(model, CHILD_MODELS), text)
