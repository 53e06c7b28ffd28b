"""The step that estimates sensitivities: from a build folder to a file of tidy rows that a page can read."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from estimate_frames import filled

from sfpc_book.book.sensitivities import absent_samples
from sfpc_book.book.step import Places
from sfpc_book.book.work import estimate_sensitivities
from sfpc_book.errors import StudyDefinitionError
from sfpc_book.report.page import open_page
from sfpc_book.study.study import load_study
from sfpc_book.study.wedge import wedge_of

MODEL = "no_wrong_door"


@pytest.fixture
def places(repository, tmp_path) -> Places:
    """A build folder with the aggregates of one model: the primary outcome in the main sample."""
    study, rng = load_study(repository / "study.yml"), np.random.default_rng(1)
    frame = wedge_of(study, MODEL).design_table().drop(columns="period_end")
    frame["n_children"] = rng.integers(60, 200, len(frame))
    frame["value_mean"] = rng.binomial(frame["n_children"], 0.15) / frame["n_children"]
    cohort = tmp_path / "cohort" / MODEL
    cohort.mkdir(parents=True)
    filled(frame, MODEL).to_parquet(cohort / "panel.parquet")
    sample = {"authority": "all", "sample": "with_leicester", "state": "not_available"}
    samples = [{"authority": "all", "sample": "main", "state": "available", "reason": ""}]
    pd.DataFrame([*samples, sample | {"reason": "leicester: 3 rows"}]).to_csv(
        cohort / "samples.csv", index=False
    )
    nobody = pd.DataFrame({"child_key": pd.Series(dtype="str"), "in_main": pd.Series(dtype=bool)})
    for name in (part.id for part in study.exposures.values() if part.id != "go_live"):
        nobody = nobody.assign(**{f"last_start_{name}_{months}": pd.array([], "Int8") for months in (18, 36)})
    nobody.to_parquet(cohort / "children.parquet")
    outcomes = ["child_key", "authority", "period", "outcome", "horizon", "state", "value"]
    pd.DataFrame({name: pd.Series(dtype="str") for name in outcomes}).astype(
        {"period": int, "horizon": int, "value": float}
    ).to_parquet(cohort / "outcomes.parquet")
    key = {"model": MODEL, "outcome": "looked_after", "horizon": 18, "authority": "norfolk"}
    dates = {"covered_to": "2024-10-31", "fully_observed_from": "2023-09-30"}
    pd.DataFrame([key | dates]).to_csv(cohort / "observability.csv", index=False)
    (tmp_path / "data_status.json").write_text(json.dumps({"returns": "synthetic", "published": "synthetic"}))
    return Places(repository / "study.yml", tmp_path, tmp_path, tmp_path)


def test_the_step_writes_what_a_page_reads(places):
    estimate_sensitivities(places, model=MODEL)
    rows = open_page("x", str(places.study_path), str(places.build)).sensitivity(MODEL)
    main = rows[(rows["sample"] == "main") & (rows["outcome"] == "looked_after") & (rows["horizon"] == 18)]
    found = main.set_index("analysis").loc["no_first_period"]
    assert found["status"] == "ok" and found["data_status"] == "synthetic"
    assert found["observable_from"] == pd.Timestamp("2023-09-30")
    absent = rows.loc[rows["sample"] == "with_leicester", "status"]
    assert set(absent) == {"not_estimable: leicester: fewer than 10 rows"}


def test_an_unknown_change_stops_the_step_before_it_writes(places, tmp_path):
    text = places.study_path.read_text(encoding="utf-8").replace("change: drop_first", "change: drop_frist")
    wrong = tmp_path / "study.yml"
    wrong.write_text(text, encoding="utf-8")
    with pytest.raises(StudyDefinitionError, match="drop_frist_period"):
        estimate_sensitivities(Places(wrong, places.build, places.returns, places.published), model=MODEL)
    assert not (places.build / "estimates").exists()


def test_available_samples_and_single_authorities_are_not_absent(repository):
    study = load_study(repository / "study.yml")
    frame = pd.DataFrame(
        [
            ("all", "main", "available", ""),
            ("a", "x", "not_available", "y"),
            ("all", "z", "not_applicable", None),
        ],
        columns=["authority", "sample", "state", "reason"],
    )
    assert absent_samples(frame, study.disclosure) == {"z": "not available"}
