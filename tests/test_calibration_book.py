"""The calibration study in the book and at the command line: settings, steps, workers, sentences, charts."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from calibration_frames import sizes_of, with_few, write_calibration
from distributed import LocalCluster

from sfpc_book.book.calibrate import calibrate_grid
from sfpc_book.book.calibration_steps import calibration_steps
from sfpc_book.book.code_used import code_of_function
from sfpc_book.book.step import Places
from sfpc_book.book.work_calibration import calibrate_model, calibrate_together, write_cell_sizes
from sfpc_book.errors import ParameterError, StudyDefinitionError
from sfpc_book.report.calibration_words import METHODS, Rate, coverage_of, size_of
from sfpc_book.report.charts_calibration import coverage_chart, size_chart
from sfpc_book.report.drawing import Absence
from sfpc_book.report.sentences_calibration import (
    NOTHING,
    detectable_sentences,
    estimand_sentence,
    growth_sentence,
    headline_sentence,
    headline_sentences,
    model_sentences,
    warning_sentence,
)
from sfpc_book.report.tables_calibration import (
    detectable_table,
    leading_table,
    methods_table,
    misses,
    scenarios_table,
)
from sfpc_book.study.study import load_study
from sfpc_book.study.wedge import wedge_of

TINY = "replications: {linear: 3, refitted: 2, iterated: 1}"


@pytest.fixture(scope="module")
def study(repository):
    return with_few(load_study(repository / "study.yml"))


@pytest.fixture(scope="module")
def found(study, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("found")
    write_calibration(study, folder)
    return folder / "estimates"


@pytest.fixture(scope="module")
def rows(found) -> pd.DataFrame:
    return pd.read_csv(found / "all" / "calibration.csv")


def shortened(repository: Path, folder: Path, *changes: tuple[str, str]) -> Path:
    """The study file with three scenarios and few replications, and other changes."""
    text = (repository / "study.yml").read_text(encoding="utf-8")
    text = re.sub(r"replications: \{.*?\}", TINY, text)
    text = re.sub(
        r"(?m)^    (autocorrelated|trends|lockdowns|constant_cell_variance|cell_variance): .*\n", "", text
    )
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "study.yml"
    path.write_text(text, encoding="utf-8")
    return path


def build_folder(study_path: Path, build: Path) -> Path:
    """A build folder with the sizes of cells."""
    study = load_study(study_path)
    for model in study.models:
        target = build / "estimates" / model
        target.mkdir(parents=True)
        sizes_of(wedge_of(study, model)).to_csv(target / "cell_sizes.csv", index=False)
    return build


# Settings


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("lowest: 0.03, highest: 0.08", "lowest: 0.09, highest: 0.08", "lowest 0.09 is above highest 0.08"),
        ("effect: -0.02}", "effect: -0.05}", "effect -0.05 takes a risk of 0.03 to 0.08 out of 0 to 1"),
        ('within an authority and period"}', 'x", ramp_months: 3}', "a delay or a ramp but no effect"),
        ('within an authority and period"}', 'x", cell_autocorrelation: 0.5}', "without cell_deviation"),
        ('within an authority and period"}', 'x", effect: 0.01}', "every scenario has an effect"),
        ('within an authority and period"}', 'x", efect: 0.01}', "did you mean 'effect'?"),
    ],
)
def test_a_scenario_at_fault_is_told_with_its_line(repository, tmp_path, old, new, said):
    path = shortened(repository, tmp_path, (old, new))
    with pytest.raises(StudyDefinitionError, match=re.escape(said)) as caught:
        load_study(path)
    assert all(re.match(r"study.yml, line \d+", problem) for problem in caught.value.problems)


def test_a_shock_needs_lockdowns(repository, tmp_path):
    path = shortened(repository, tmp_path, ('within an authority and period"}', 'x", shock_deviation: 0.1}'))
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("\ncovid:")] + "\n", encoding="utf-8")
    with pytest.raises(StudyDefinitionError, match="a shock falls on lockdowns, and 'covid' lists none"):
        load_study(path)


# The steps of the build


def test_calibration_starts_from_sizes_of_cells_and_reads_no_outcome(study, tmp_path):
    places = Places(tmp_path / "study.yml", tmp_path / "build", tmp_path, tmp_path)
    steps = {step.name: step for step in calibration_steps(study, places)}
    for model in study.models:
        sizes = places.build / "estimates" / model / "cell_sizes.csv"
        assert steps[f"cell sizes {model}"].outputs == (sizes,)
        assert steps[f"calibration {model}"].inputs == (places.study_path, sizes)
        names = {path.name for path in steps[f"calibration {model}"].outputs}
        assert names == {"calibration.csv", "detectable.csv"}
    used = code_of_function(calibrate_model)
    assert "sfpc_book/estimate/calibration_methods.py" in used
    assert not [name for name in used if name.startswith(("sfpc_book/report", "sfpc_book/cohort"))]


def test_a_changed_outcome_leaves_the_sizes_of_cells_as_they_are(repository, tmp_path):
    places = Places(shortened(repository, tmp_path), tmp_path / "build", tmp_path, tmp_path)
    folder = places.build / "cohort" / "no_wrong_door"
    folder.mkdir(parents=True)
    panel = sizes_of(wedge_of(load_study(places.study_path), "no_wrong_door"))
    panel = panel.assign(
        sample="main", exposure="go_live", outcome="looked_after", horizon=18, value_mean=0.1
    )
    other = panel.assign(horizon=36, n_children=1)
    read = []
    for value in (0.1, 0.2):
        pd.concat([panel.assign(value_mean=value), other]).to_parquet(folder / "panel.parquet")
        write_cell_sizes(places, model="no_wrong_door")
        read.append((places.build / "estimates" / "no_wrong_door" / "cell_sizes.csv").read_bytes())
    assert read[0] == read[1] and b"value" not in read[0]


def test_a_model_with_one_authority_left_has_empty_tables_and_the_others_go_on(repository, tmp_path):
    path = shortened(repository, tmp_path)
    build = build_folder(path, tmp_path / "build")
    sizes = build / "estimates" / "no_wrong_door" / "cell_sizes.csv"
    table = pd.read_csv(sizes)
    table[table["authority"] == "norfolk"].to_csv(sizes, index=False)
    places = Places(path, build, tmp_path, tmp_path)
    models = tuple(load_study(path).models)
    for model in models:
        calibrate_model(places, model=model)
    calibrate_together(places, models=models)
    assert pd.read_csv(sizes.with_name("calibration.csv")).empty
    assert pd.read_csv(sizes.with_name("detectable.csv")).empty
    every = pd.read_csv(build / "estimates" / "all" / "calibration.csv")
    assert set(every["model"]) == {"family_safeguarding", "family_valued", "all"}


# The large grid


def test_one_worker_two_workers_and_a_second_run_give_the_same_rows(repository, tmp_path):
    path = shortened(repository, tmp_path)
    said: list[str] = []
    tables = []
    for jobs in (1, 2):
        build = build_folder(path, tmp_path / f"build{jobs}")
        out = tmp_path / f"{jobs}.csv"
        calibrate_grid(path, build, replications=2, jobs=jobs, out=out, say=said.append)
        tables.append(out.read_bytes())
    assert tables[0] == tables[1]
    again, target = calibrate_grid(path, build, replications=2, jobs=2, out=out, say=said.append)
    assert said[-1].startswith("0 simulated now") and target == out
    assert (again["replications"] == 2).all()
    assert set(again["model"]) == {*load_study(path).models, "all"}


def test_a_dask_cluster_gives_the_same_rows(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", ":".join([str(repository), *sys.path]))
    path = shortened(repository, tmp_path)
    one = tmp_path / "one.csv"
    calibrate_grid(path, build_folder(path, tmp_path / "a"), replications=2, jobs=1, out=one)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        many, build = tmp_path / "many.csv", build_folder(path, tmp_path / "b")
        calibrate_grid(path, build, replications=2, dask=cluster.scheduler_address, out=many)
    assert one.read_bytes() == many.read_bytes()


def test_without_a_build_or_a_folder_or_a_cluster_it_says_so(repository, tmp_path):
    path = shortened(repository, tmp_path)
    with pytest.raises(ParameterError, match="run `sfpc-book build` first") as caught:
        calibrate_grid(path, tmp_path / "nowhere", replications=2)
    assert len(caught.value.problems) == 3
    build = build_folder(path, tmp_path / "build")
    with pytest.raises(ParameterError, match="There is no folder"):
        calibrate_grid(path, build, replications=2, out=tmp_path / "no" / "x.csv")
    with pytest.raises(ParameterError, match="--dask"):
        calibrate_grid(path, build, replications=2, dask="tcp://127.0.0.1:1")


# What is said


def made_up(study, shares: dict[str, float], trials: int = 1000) -> pd.DataFrame:
    """Rows of one model in which each method has a given share of rejections everywhere."""
    records = [
        {
            "model": "no_wrong_door", "scenario": scenario, "method": method, "unit": "proportion",
            "nominal_size": 0.25 if method.endswith("attainable") else 0.05, "nominal_coverage": 0.95,
            "replications": trials, "estimated": 1.0, "tested": 1.0, "rejection": share,
            "rejection_error": np.sqrt(share * (1 - share) / trials), "intervals": 1.0, "coverage": 1 - share,
            "coverage_error": 0.01, "truth": -0.005, "bias": 0.012, "bounded": 1.0, "width": 0.1,
        }
        for scenario in study.calibration.scenarios
        for method, share in shares.items()
    ]  # fmt: skip
    return pd.DataFrame(records)


def test_a_rate_counts_as_kept_within_monte_carlo_error_and_misses_are_told():
    def rate(share: float, size: int) -> Rate:
        return Rate(share, 0.01, share, share, 0.05, size)

    assert misses(rate(0.06, 100)) == "within Monte Carlo error"
    assert misses(rate(0.12, 1000)) == "7.0 percentage points above it"
    assert misses(rate(0.01, 1000)) == "4.0 percentage points below it"


def test_the_headline_says_what_cannot_be_rejected_and_whether_levels_are_kept(study):
    rows = made_up(
        study, {"randomisation": 0.0, "randomisation_attainable": 0.252, "panel_two_way_cr2": 0.03}
    )
    said = headline_sentence(study, rows, "no_wrong_door")
    assert "cannot reject at the 5% level: with these orders no p is below 25.0%" in said
    assert "rejected in 25.2% of 5,000 trials" in said and "within Monte Carlo error" in said
    assert "2.0 percentage points below it" in said


def test_methods_that_promise_too_much_are_named_worst_first(study):
    shares = {"panel_two_way_cr2": 0.05, "hussey_hughes": 0.12, "panel_two_way_normal": 0.2}
    said = warning_sentence(study, made_up(study, shares), "no_wrong_door")
    assert said.index("(20.0%)") < said.index("Hussey-Hughes, Satterthwaite (12.0%)")
    assert "CR2" not in said
    none = warning_sentence(study, made_up(study, {"panel_two_way_cr2": 0.05}), "no_wrong_door")
    assert none.startswith("No method rejected more often")


def test_an_average_estimate_of_the_wrong_sign_is_told(study):
    said = growth_sentence(study, made_up(study, {"panel_two_way": 0.05}), "no_wrong_door")
    assert "−5.0 per 1,000 children" in said and "+7.0 on average" in said and "wrong sign" in said


def smallest(**changes: object) -> pd.DataFrame:
    base = {"intracluster_correlation": np.nan, "scenario": "no_effect", "alpha": 0.05, "status": "ok"}
    found = [
        {
            **base,
            "method": "closed_form",
            "scenario": np.nan,
            "intracluster_correlation": 0.01,
            "detectable": 0.05,
        },
        {**base, "method": "panel_two_way", "detectable": 0.04},
        {**base, "method": "panel_two_way_cr2", "detectable": 0.044},
        {**base, "method": "randomisation", "detectable": np.nan},
        {**base, "method": "randomisation_attainable", "alpha": 0.25, "detectable": 0.03},
    ]
    return pd.DataFrame([{**row, **changes} for row in found])


def test_what_could_be_found_is_said_beside_the_risk(study):
    said = detectable_sentences(study, smallest(), "no_wrong_door")
    assert "With 80% probability the trial of No Wrong Door finds" in said
    assert "44.0 per 1,000 children" in said and "a fall by 80% at least" in said
    assert (
        "cannot reject at that level, however large the difference; at 25.0%" in said
        and "finds 30.0." in said
    )
    large = detectable_sentences(study, smallest(detectable=0.09), "no_wrong_door")
    assert "no fall can be that large" in large
    none = detectable_sentences(study, smallest(detectable=np.nan), "no_wrong_door")
    assert "finds no size of effect" in none and "nan" not in none


def test_tables_hold_every_method_and_scenario_and_no_hole(study, found, rows):
    for model in study.models:
        own = methods_table(study, rows, model, "x").cells
        assert set(own["Method"]) == {METHODS[name] for name in rows.loc[rows["model"] == model, "method"]}
        smallest_table = detectable_table(study, pd.read_csv(found / model / "detectable.csv"), "x").cells
        assert len(smallest_table) == 3 + 5
        noise = smallest_table["Assumed"].str.startswith("Simulated noise: ")
        assert noise.sum() == 5 and not smallest_table["Assumed"].str.contains("planted").any()
        for table in (own, smallest_table):
            assert not table.isin(["nan", ""]).any().any()
    assert len(leading_table(study, rows, "x").cells) == len(study.calibration.scenarios)
    assert len(scenarios_table(study, "x").cells) == len(study.calibration.scenarios)


def test_every_sentence_on_the_real_grid_is_whole(study, found, rows):
    texts = [headline_sentences(study, rows), estimand_sentence(study)]
    for model in study.models:
        texts.append(model_sentences(study, rows, model))
        texts.append(detectable_sentences(study, pd.read_csv(found / model / "detectable.csv"), model))
    for text in texts:
        assert not re.search(r"\bnan\b|None|significant|proves|  ", text), text


def test_charts_average_over_scenarios_and_leave_out_what_cannot_reject(study, rows):
    for chart, rate_of in ((size_chart, size_of), (coverage_chart, coverage_of)):
        drawing = chart(study, rows)
        assert "exact test" not in set(
            drawing.data.loc[drawing.data["model"] == "no_wrong_door", "label"].str.lower()
        )
        for row in drawing.data.itertuples():
            method = next(name for name, label in METHODS.items() if label == row.label)
            assert row.share == pytest.approx(rate_of(study, rows, row.model, method).share)
        assert len(drawing.cells) == len(drawing.data) and 0 < len(drawing.alt) <= 250


def test_a_design_without_trials_says_so_everywhere(study, rows):
    none = rows.iloc[:0]
    assert headline_sentences(study, none) == model_sentences(study, none, "family_valued") == NOTHING
    assert detectable_sentences(study, smallest().iloc[:0], "family_valued") == NOTHING
    assert isinstance(size_chart(study, none), Absence)
    assert methods_table(study, none, "family_valued", "x") is None
    assert detectable_table(study, smallest().iloc[:0], "x") is None
    assert leading_table(study, none, "x") is None
