"""What the step does that estimates each outcome by a model for its scale."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sfpc_book.book.files import write_text
from sfpc_book.book.plan import SCALES, estimates_file
from sfpc_book.book.step import Places
from sfpc_book.estimate.scale_estimates import ScaleData, scale_estimates
from sfpc_book.study.study import load_study
from sfpc_book.study.wedge import wedge_of


def write_scales(places: Places, model: str, data_status: str) -> Path:
    """Write `estimates/<model>/scales.csv` from aggregates of the cohort: outcomes by scale, times, monthly
    totals."""
    study, folder = load_study(places.study_path), places.build / "cohort" / model
    data = ScaleData(
        panel=pd.read_parquet(folder / "panel.parquet"),
        survival=pd.read_csv(folder / "survival.csv"),
        totals=pd.read_csv(folder / "totals.csv"),
        observability=pd.read_csv(folder / "observability.csv"),
        data_status=data_status,
    )
    rows = scale_estimates(study, wedge_of(study, model), data)
    text = rows.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return write_text(places.build / estimates_file(model, SCALES), text)
