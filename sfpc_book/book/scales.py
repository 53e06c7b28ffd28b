"""The step that estimates each outcome by the right model for its scale, and what it does in its worker."""

from __future__ import annotations

import json

from sfpc_book.book.plan import COHORT_ESTIMATOR_TABLES, DATA_STATUS, scales_path
from sfpc_book.book.step import Places, Step
from sfpc_book.study.schema import Study

STAGE = "Estimating"
TABLES = ("panel.parquet", "observability.csv", *COHORT_ESTIMATOR_TABLES)


def scales_steps(study: Study, places: Places) -> tuple[Step, ...]:
    """One step per model, on aggregates of its cohort."""
    return tuple(
        Step(
            name=f"outcome scales {model}",
            stage=STAGE,
            function=estimate_scales,
            arguments=(("model", model),),
            inputs=(
                places.study_path,
                places.build / DATA_STATUS,
                *(places.build / "cohort" / model / name for name in TABLES),
            ),
            outputs=(places.build / scales_path(model),),
        )
        for model in study.models
    )


def estimate_scales(places: Places, *, model: str) -> None:
    """Estimate one model's outcomes by the right model for the scale of each, times and monthly totals."""
    import pandas as pd

    from sfpc_book.book.files import write_text
    from sfpc_book.estimate.scale_estimates import ScaleData, scale_estimates
    from sfpc_book.study.study import load_study
    from sfpc_book.study.wedge import wedge_of

    study, folder = load_study(places.study_path), places.build / "cohort" / model
    data = ScaleData(
        panel=pd.read_parquet(folder / "panel.parquet"),
        survival=pd.read_csv(folder / "survival.csv"),
        totals=pd.read_csv(folder / "totals.csv"),
        observability=pd.read_csv(folder / "observability.csv"),
        data_status=json.loads((places.build / DATA_STATUS).read_text(encoding="utf-8"))["returns"],
    )
    rows = scale_estimates(study, wedge_of(study, model), data)
    text = rows.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    write_text(places.build / scales_path(model), text)
