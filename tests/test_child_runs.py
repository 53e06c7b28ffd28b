"""Which child-level rows a study asks for, the grid of specifications, and planted effects found again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sfpc_book.book import child_models
from sfpc_book.book.estimates import with_truth
from sfpc_book.book.step import Places
from sfpc_book.cohort.build import build_cohort, require_defined
from sfpc_book.cohort.store import load_children, write_cohort
from sfpc_book.errors import EstimationError, StudyDefinitionError
from sfpc_book.estimate.child_runs import TrialData, child_analyses, estimate_model, grid_runs, main_runs
from sfpc_book.report.page import open_page
from sfpc_book.simulate.canonical import canonical_returns
from sfpc_book.simulate.children import simulate_children
from sfpc_book.simulate.effects import EffectSettings
from sfpc_book.simulate.truth import truth_table
from sfpc_book.study.registries import Specifications
from sfpc_book.study.schema import Study
from sfpc_book.study.study import load_study

MODEL = "family_safeguarding"
KEY = ["model", "outcome", "horizon", "sample", "exposure", "analysis", "term"]
ABOUT = {
    "model": "m", "outcome": "o", "horizon": 18, "sample": "main", "exposure": "go_live",
    "unit": "proportion", "conf_level": 0.95, "data_status": "synthetic",
}  # fmt: skip
PLANTED = EffectSettings(shape="constant", looked_after=-0.03)
SEEDS = range(6)


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


def quick(study: Study) -> Study:
    """The study with few draws and its first outcomes only."""
    model = study.models[MODEL]
    model = model.model_copy(update={"outcomes": ("looked_after", "days_on_plan", "unauthorised_absence")})
    few = study.imputation.model_copy(update={"number": 2})
    return study.model_copy(update={"models": {**study.models, MODEL: model}, "imputation": few})


@pytest.fixture(scope="module")
def cohort(study):
    simulated = simulate_children(study, MODEL, scale=0.06, effect=PLANTED, seed=7)
    return build_cohort(study, MODEL, canonical_returns(simulated))


def data_of(cohort) -> TrialData:
    others = {name: (part.children, part.outcomes) for name, part in cohort.others.items()}
    return TrialData({"main": (cohort.children, cohort.outcomes), **others}, cohort.observability)


@pytest.fixture(scope="module")
def rows(study, cohort) -> pd.DataFrame:
    return estimate_model(quick(study), MODEL, data_of(cohort), data_status="synthetic")


def test_every_row_is_known_by_its_key_and_stands_in_the_registry(study, rows) -> None:
    assert not rows.duplicated(KEY).any()
    assert set(rows["analysis"]) <= set(study.analyses)
    assert (rows["status"] != "").all()


def test_the_main_sample_has_every_analysis_that_its_outcomes_allow(study, rows) -> None:
    main = rows[(rows["sample"] == "main") & (rows["exposure"] == "go_live")]
    for outcome, horizons in (
        ("looked_after", [18, 36]),
        ("days_on_plan", [18, 36]),
        ("unauthorised_absence", [18]),
    ):
        own = main[main["outcome"] == outcome]
        assert sorted(own["horizon"].unique()) == horizons
        expected = {part.id for part in child_analyses(study)}
        if outcome != "looked_after":
            expected = {"linear_covariates"}
        assert set(own["analysis"]) == expected


def test_the_grid_holds_every_sample_and_definition_of_exposure(study, rows) -> None:
    grid = rows[rows["analysis"].isin(study.specifications.analyses) & (rows["outcome"] == "looked_after")]
    grid = grid[(grid["horizon"] == 18) & (grid["term"] == "exposed")]
    chosen = study.specifications.exposures or tuple(study.exposures)
    pairs = {(sample, "go_live") for sample in study.samples} | {("main", name) for name in chosen}
    for analysis in (name for name in study.specifications.analyses if study.analyses[name].missing_data):
        own = grid[grid["analysis"] == analysis]
        assert set(zip(own["sample"], own["exposure"], strict=True)) == pairs
    left = grid[grid["sample"] == "with_leicester"]
    assert (left["status"] == "not_estimable: no authority withdrew from this trial").all() and len(left)
    assert (grid.loc[grid["sample"].isin(["open_plan", "first_ever_referral"]), "n_children"] > 0).all()


def test_numbers_of_children_are_those_of_the_panel(cohort, rows) -> None:
    own = rows[(rows["analysis"] == "linear_covariates") & (rows["outcome"] == "looked_after")]
    for row in own[own["n_children"] > 0].itertuples():
        cells = cohort.panel[
            (cohort.panel["sample"] == row.sample) & (cohort.panel["exposure"] == row.exposure)
            & (cohort.panel["outcome"] == row.outcome) & (cohort.panel["horizon"] == row.horizon)
        ]  # fmt: skip
        assert (row.n_children, row.n_events) == (cells["n_children"].sum(), cells["n_events"].sum())
        share = cells["n_followed"].sum() / (cells["n_followed"].sum() + cells["n_not_observed"].sum())
        assert row.observed_share == pytest.approx(share)


def test_a_grid_that_cannot_be_run_is_refused_with_what_can(study, cohort) -> None:
    grid = Specifications(analyses=("leave_out", "exposure_time", "linear_covariates"))
    odd = study.model_copy(update={"specifications": grid})
    with pytest.raises(EstimationError, match="grid") as told:
        estimate_model(odd, MODEL, data_of(cohort), data_status="synthetic")
    assert len(told.value.problems) == 2 and "panel_two_way" in told.value.problems[0]
    some = Specifications(analyses=("panel_two_way",), samples=("main",), exposures=("go_live", "days_28"))
    runs = list(grid_runs(study.model_copy(update={"specifications": some}), MODEL))
    assert [run.question.exposure for run in runs] == ["go_live", "days_28"]
    assert {run.question.outcome.id for run in main_runs(study, MODEL)} == set(study.models[MODEL].outcomes)


def test_the_truth_stands_beside_differences_and_not_beside_ratios_or_risks(rows) -> None:
    text = rows[(rows["sample"] == "main") & (rows["horizon"] == 18)].astype(object)
    text = text.where(text.notna(), "").astype(str).assign(truth="")
    found = with_truth(text, {(MODEL, "looked_after", "18", 0): (-0.03, 10.0)})
    found = found[(found["outcome"] == "looked_after") & (found["exposure"] == "go_live")]
    beside = found["truth"] != ""
    assert beside.any() and (found.loc[beside, "unit"] == "proportion").all()
    assert (found.loc[beside, "estimand"] != "risk").all()
    assert set(found.loc[~beside & (found["status"] == "ok"), "unit"]) >= {"log odds ratio", "log risk ratio"}


def test_a_planted_effect_is_found_by_child_level_models(study) -> None:
    """Over several trials: the bias within three Monte Carlo errors, the effect told from nothing."""
    names = ("linear_covariates", "fixed_effects_logit_missing_indicator", "fixed_effects_logit_imputed")
    few = quick(study).model_copy(
        update={
            "analyses": {name: study.analyses[name] for name in names},
            "specifications": Specifications(),
            "horizons": (18,),
            "samples": {"main": study.samples["main"]},
            "exposures": {"go_live": study.exposures["go_live"]},
        }
    )
    model = few.models[MODEL].model_copy(update={"outcomes": ("looked_after",)})
    few = few.model_copy(update={"models": {MODEL: model}})
    found = []
    for seed in SEEDS:
        simulated = simulate_children(few, MODEL, scale=0.15, effect=PLANTED, seed=seed)
        truth = (
            truth_table(simulated).query("exposure_time == 0 and outcome == 'looked_after'")["truth"].iloc[0]
        )
        made = estimate_model(few, MODEL, data_of(build_cohort(few, MODEL, canonical_returns(simulated))),
                              data_status="synthetic")  # fmt: skip
        terms = {"exposed", "standardised_risk_difference_exposed"}
        made = made[made["term"].isin(terms) & (made["unit"] == "proportion")]
        found.append(made.set_index("analysis")["estimate"].rename(seed) - truth)
    apart = pd.DataFrame(found)
    assert list(apart.columns) == list(names)
    error = apart.std(ddof=1) / np.sqrt(len(apart))
    assert (apart.mean().abs() < 3 * error).all()
    assert (apart.mean() + PLANTED.looked_after < -2 * error).all()


def test_the_step_writes_equal_files_and_a_chapter_reads_them_protected(
    study, cohort, repository, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(child_models, "load_study", lambda path: quick(study))
    places = Places(repository / "study.yml", tmp_path, tmp_path, tmp_path)
    write_cohort(cohort, tmp_path / "cohort" / MODEL)
    assert list(load_children(tmp_path / "cohort" / MODEL)) == ["main", "first_ever", "open_plan"]
    path = child_models.write_child_models(places, MODEL, "synthetic")
    first = path.read_bytes()
    path.unlink()
    assert child_models.write_child_models(places, MODEL, "synthetic").read_bytes() == first
    (tmp_path / "data_status.json").write_text('{"returns": "synthetic", "published": "synthetic"}')
    page = open_page(f"{MODEL}-primary", str(repository / "study.yml"), str(tmp_path))
    rows = page.child_models(MODEL)
    assert not rows.duplicated(KEY).any()
    differences = rows["term"].isin(["exposed", "standardised_risk_difference"]) & (
        rows["unit"] == "proportion"
    )
    grid = rows[differences & rows["analysis"].isin(study.specifications.analyses) & (rows["horizon"] == 18)]
    grid = grid[grid["outcome"] == study.primary(MODEL).id]
    of_children = {part.id for part in child_analyses(study)}
    assert set(grid["analysis"]) == set(study.specifications.analyses) & of_children
    assert not grid.duplicated(["sample", "exposure", "analysis"]).any()


def test_a_covariate_that_children_do_not_have_is_refused_by_the_cohort(study) -> None:
    odd = study.model_copy(update={"covariates": ("gender", "shoe_size")})
    with pytest.raises(StudyDefinitionError, match=r"covariate 'shoe_size'.*gender"):
        require_defined(odd)
