"""The step that writes each model's rows by scale: from files to a file, only from aggregates, read back."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from report_frames import _observability, panel_frame
from scale_frames import scale_data

from sfpc_book.book.places import DataSources, existing_folders
from sfpc_book.book.plan import COHORT_CHILD_TABLES, SCALES, estimates_file, plan
from sfpc_book.book.steps_trials import scales_step
from sfpc_book.book.work import estimate_scales
from sfpc_book.report.page import open_page
from sfpc_book.study.study import load_study

MODEL = "no_wrong_door"


@pytest.fixture
def places(repository, tmp_path):
    study = load_study(repository / "study.yml")
    (tmp_path / "returns").mkdir()
    sources = DataSources(returns=tmp_path / "returns", published=tmp_path)
    return existing_folders(study, repository / "study.yml", tmp_path / "build", sources)


def test_the_rows_of_a_model_are_written_and_read_back_as_they_are(repository, places) -> None:
    study = load_study(repository / "study.yml")
    panel = panel_frame(study, MODEL, np.random.default_rng(2))
    data = scale_data(study, MODEL, panel, _observability(panel))
    folder = places.build / "cohort" / MODEL
    folder.mkdir(parents=True)
    data.panel.to_parquet(folder / "panel.parquet", index=False)
    for name in ("survival", "totals", "observability"):
        getattr(data, name).to_csv(folder / f"{name}.csv", index=False)
    status = {"returns": "returns", "published": "published"}
    (places.build / "data_status.json").write_text(json.dumps(status), encoding="utf-8")
    estimate_scales(places, model=MODEL)
    page = open_page(f"{MODEL}-secondary", str(repository / "study.yml"), str(places.build))
    rows = page.scales(MODEL)
    assert set(rows["data_status"]) == {"returns"}
    assert not rows.duplicated(["outcome", "horizon", "analysis", "term"]).any()
    assert set(rows["analysis"]) <= set(study.analyses)
    assert {"risk_to_18", "restricted_mean_to_18_randomisation"} <= set(rows["analysis"])
    waiting = rows[rows["status"] == "partly_observed"]
    assert len(waiting) and pd.api.types.is_datetime64_any_dtype(rows["observable_from"])


def test_the_step_reads_aggregates_only_and_the_chapters_name_its_file(repository, places) -> None:
    study = load_study(repository / "study.yml")
    steps = [scales_step(model, places) for model in study.models.values()]
    assert [step.name for step in steps] == [f"outcome scales {model}" for model in study.models]
    for step in steps:
        assert not [path for path in step.inputs if path.name in COHORT_CHILD_TABLES]
    for chapter in plan(study):
        asks = [path for path in chapter.inputs if path.endswith("scales.csv")]
        model = chapter.slug.rpartition("-")[0]
        wants = chapter.slug.endswith(("-secondary", "-follow_up"))
        assert asks == ([estimates_file(model, SCALES)] if wants else [])
