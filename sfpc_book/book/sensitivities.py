"""The step that estimates the sensitivities of one model's panel and writes them in the tidy columns."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sfpc_book.book.files import write_text
from sfpc_book.book.plan import SENSITIVITY, estimates_file
from sfpc_book.book.step import Places
from sfpc_book.cohort.by_start import panel_by_start
from sfpc_book.cohort.exposures import GO_LIVE
from sfpc_book.estimate.sensitivity import sensitivity_rows
from sfpc_book.report.disclosure_returns import safe_text
from sfpc_book.study.schema import Disclosure
from sfpc_book.study.study import load_study

AVAILABLE, ALL = "available", "all"


def write_sensitivities(places: Places, model: str, data_status: str) -> Path:
    """Write `estimates/<model>/sensitivity.csv` from the cohort's panel, and from its children where exposure
    under other orders depends on their own dates.

    Raises `StudyDefinitionError` when the registry of analyses asks for something that does not exist.
    """
    study, cohort = load_study(places.study_path), places.build / "cohort" / model
    dates = ["covered_to", "fully_observed_from"]
    rows = sensitivity_rows(
        study,
        model,
        pd.read_parquet(cohort / "panel.parquet"),
        by_start=panel_by_start(
            pd.read_parquet(cohort / "children.parquet"),
            pd.read_parquet(cohort / "outcomes.parquet"),
            [part for part in study.exposures.values() if part.id != GO_LIVE],
            study.horizons,
            study.samples,
        ),
        absent=absent_samples(pd.read_csv(cohort / "samples.csv"), study.disclosure),
        observability=pd.read_csv(cohort / "observability.csv", parse_dates=dates),
        data_status=data_status,
    )
    text = rows.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return write_text(places.build / estimates_file(model, SENSITIVITY), text)


def absent_samples(samples: pd.DataFrame, disclosure: Disclosure) -> dict[str, str]:
    """Samples that could not be made, with the reason as it may be published. Reasons may hold counts."""
    absent = samples[(samples["authority"] == ALL) & (samples["state"] != AVAILABLE)]
    reasons = [safe_text(str(reason), disclosure) for reason in absent["reason"].fillna("not available")]
    return dict(zip(absent["sample"], reasons, strict=True))
