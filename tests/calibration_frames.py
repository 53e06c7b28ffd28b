"""Small calibrations: few replications on the study's own designs, for the tests of what is made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sfpc_book.estimate.calibration import calibrate, plan_of
from sfpc_book.estimate.calibration_design import Design, design_of
from sfpc_book.estimate.calibration_detectable import detectable_table
from sfpc_book.estimate.calibration_linear import LinearJudge
from sfpc_book.estimate.calibration_pooled import calibrate_pooled
from sfpc_book.study.calibration import Replications
from sfpc_book.study.schema import Study
from sfpc_book.study.wedge import Wedge, wedge_of

FEW = Replications(linear=30, refitted=2, iterated=1)


def sizes_of(wedge: Wedge, seed: int = 5, children: tuple[int, int] = (80, 400)) -> pd.DataFrame:
    """Children of each authority and period."""
    sizes = wedge.design_table()[["authority", "period"]]
    return sizes.assign(n_children=np.random.default_rng(seed).integers(*children, len(sizes)))


def study_design(study: Study, model: str) -> Design:
    """A model's design with made-up numbers of children."""
    wedge = wedge_of(study, model)
    return design_of(sizes_of(wedge), wedge, study.covid)


def with_few(study: Study, replications: Replications = FEW) -> Study:
    """The study with a calibration of seconds."""
    part = study.calibration.model_copy(update={"replications": replications})
    return study.model_copy(update={"calibration": part})


def write_calibration(study: Study, folder: Path) -> None:
    """What the build's steps leave for the chapters, with few replications."""
    study = with_few(study)
    plans = {model: plan_of(study, model) for model in study.models}
    designs = {model: study_design(study, model) for model in study.models}
    judges = {model: LinearJudge(design, statistic=study.statistic) for model, design in designs.items()}
    parts = []
    for model, design in designs.items():
        target = folder / "estimates" / model
        target.mkdir(parents=True, exist_ok=True)
        parts.append(calibrate(plans[model], design))
        parts[-1].to_csv(target / "calibration.csv", index=False)
        detectable_table(plans[model], design).to_csv(target / "detectable.csv", index=False)
    (folder / "estimates" / "all").mkdir()
    parts.append(calibrate_pooled(plans, judges))
    pd.concat(parts).to_csv(folder / "estimates" / "all" / "calibration.csv", index=False)
