"""The sensitivities of a trial as the registry asks for them: every row, its status, what a word changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from estimate_frames import filled

from sfpc_book.errors import StudyDefinitionError
from sfpc_book.estimate.cells import cells_of
from sfpc_book.estimate.crossover import crossover_estimate
from sfpc_book.estimate.estimate import TIDY_COLUMNS
from sfpc_book.estimate.exact_test import exact_test
from sfpc_book.estimate.hussey_hughes import binary_squares, fit_hussey_hughes
from sfpc_book.estimate.leave_out import leave_out
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.sensitivity import BY_CHILD, sensitivity_rows
from sfpc_book.estimate.sensitivity_registry import KNOWN_METHODS, panel_sensitivities
from sfpc_book.estimate.wild_bootstrap import wild_bootstrap
from sfpc_book.study.registries import Analysis
from sfpc_book.study.schema import Study
from sfpc_book.study.study import load_study
from sfpc_book.study.wedge import Wedge, wedge_of

MODEL = "no_wrong_door"  # the trial with the shortest periods, and with an authority that withdrew


@pytest.fixture(scope="module")
def study(repository) -> Study:
    """The study with two outcomes of one model and few samples."""
    whole = load_study(repository / "study.yml")
    model = whole.models[MODEL].model_copy(update={"outcomes": ("looked_after", "days_in_care")})
    samples = {name: whole.samples[name] for name in ("main", "born_only", "with_leicester", "open_plan")}
    samples["open_plan"] = samples["open_plan"].model_copy(update={"without_outcomes": ("days_in_care",)})
    exposures = {name: whole.exposures[name] for name in ("go_live", "midpoint")}
    update = {"models": {MODEL: model}, "samples": samples, "exposures": exposures}
    return whole.model_copy(update=update)


@pytest.fixture(scope="module")
def wedge(study) -> Wedge:
    return wedge_of(study, MODEL)


def slice_of(wedge: Wedge, sample: str, exposure: str, outcome: str, horizon: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = wedge.design_table().drop(columns="period_end")
    if exposure != "go_live":
        frame = frame.loc[frame.index.repeat(2)].reset_index(drop=True)
        frame["exposed"] = np.tile([0, 1], len(frame) // 2)
        frame["exposure_time"] = frame["exposed"] * frame["exposure_time"].clip(lower=1)
    frame["n_children"] = rng.integers(60, 200, len(frame))
    frame["value_mean"] = rng.binomial(frame["n_children"], 0.15) / frame["n_children"]
    frame = filled(frame, MODEL).assign(sample=sample, exposure=exposure, outcome=outcome, horizon=horizon)
    if outcome == "days_in_care":
        frame = frame.assign(value_mean=frame["value_mean"] * 100, n_events=np.nan)
    return frame


@pytest.fixture(scope="module")
def panel(wedge) -> pd.DataFrame:
    joined = replace(wedge, never_exposed=("leicester",))
    parts = []
    for number, (outcome, horizon) in enumerate(
        (outcome, horizon) for outcome in ("looked_after", "days_in_care") for horizon in (18, 36)
    ):
        parts.append(slice_of(wedge, "main", "go_live", outcome, horizon, number))
        parts.append(slice_of(wedge, "main", "midpoint", outcome, horizon, 10 + number))
        parts.append(slice_of(joined, "with_leicester", "go_live", outcome, horizon, 20 + number))
        if outcome == "looked_after":
            parts.append(slice_of(wedge, "open_plan", "go_live", outcome, horizon, 30 + number))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def rows(study, panel) -> pd.DataFrame:
    return sensitivity_rows(study, MODEL, panel, absent={"born_only": "nobody was born"})


def pick(rows: pd.DataFrame, **values: object) -> pd.DataFrame:
    keys = {"sample": "main", "exposure": "go_live", "outcome": "looked_after", "horizon": 18} | values
    return rows[np.logical_and.reduce([rows[name] == value for name, value in keys.items()])]


def one(rows: pd.DataFrame, **values: object) -> pd.Series:
    found = pick(rows, **values)
    assert len(found) == 1
    return found.iloc[0]


def changed(study: Study, name: str, **values: object) -> Study:
    row = study.analyses[name].model_copy(update=values)
    return study.model_copy(update={"analyses": study.analyses | {name: row}})


def only(study: Study, *names: str) -> Study:
    """The study with these rows of its registry alone, and the main sample."""
    update = {"analyses": {name: study.analyses[name] for name in names}}
    update["samples"] = {"main": study.samples["main"]}
    return study.model_copy(update=update | {"exposures": {"go_live": study.exposures["go_live"]}})


def main_slice(panel: pd.DataFrame) -> pd.DataFrame:
    return pick(panel).reset_index(drop=True)


def test_every_row_is_known_by_its_key_and_has_its_place_in_the_registry(study, rows):
    assert tuple(rows.columns) == TIDY_COLUMNS
    key = ["model", "outcome", "horizon", "sample", "exposure", "analysis", "term"]
    assert not rows.duplicated(key).any()
    assert set(rows["analysis"]) <= set(study.analyses)
    assert {row.id for row in panel_sensitivities(study)} <= set(rows["analysis"])
    for row in panel_sensitivities(study):
        assert row.name.startswith("Main, but ") and row.outcomes == "primary"
        assert set(rows.loc[rows["analysis"] == row.id, "outcome"]) == {"looked_after"}
    names = [part.name for part in study.analyses.values()]
    assert len(set(names)) == len(names)


def test_main_analyses_stand_for_every_sample_and_definition_of_exposure_asked_for(study, rows, panel):
    grid = rows[["sample", "exposure"]].drop_duplicates().itertuples(index=False)
    assert {tuple(pair) for pair in grid} == {
        ("main", "go_live"), ("main", "midpoint"), ("born_only", "go_live"),
        ("with_leicester", "go_live"), ("open_plan", "go_live"),
    }  # fmt: skip
    for sample, exposure in (("main", "midpoint"), ("with_leicester", "go_live"), ("open_plan", "go_live")):
        for horizon in (18, 36):
            found = pick(rows, sample=sample, exposure=exposure, horizon=horizon)
            assert found["analysis"].tolist() == [
                "panel_two_way", "panel_two_way_unweighted", "panel_two_way_cr2", "randomisation",
            ]  # fmt: skip


def test_what_the_panel_does_not_hold_has_a_row_with_the_reason(rows):
    absent = rows[rows["sample"] == "born_only"]
    assert set(absent["status"]) == {"not_estimable: nobody was born"} and len(absent) == 16
    without = pick(rows, sample="open_plan", outcome="days_in_care")
    assert set(without["status"]) == {"not_estimable: the rule of the sample gives this outcome"}
    assert one(rows, exposure="midpoint", analysis="randomisation")["status"] == BY_CHILD


def test_a_sample_that_went_missing_without_a_reason_is_told(study, panel):
    without = study.model_copy(update={"analyses": only(study, "panel_two_way").analyses})
    rows = sensitivity_rows(without, MODEL, panel[panel["sample"] != "with_leicester"])
    assert set(rows.loc[rows["sample"].isin(["with_leicester", "born_only"]), "status"]) == {
        "not_estimable: the panel holds no rows of 'with_leicester' by 'go_live'",
        "not_estimable: the panel holds no rows of 'born_only' by 'go_live'",
    }


def test_an_authority_that_left_takes_part_in_the_model_and_not_in_the_orders(rows, wedge):
    found = pick(rows, sample="with_leicester").set_index("analysis")
    assert (found["n_clusters"] == 5).all() and found.loc["panel_two_way", "df"] == 4
    assert found.loc["randomisation", "n_orders"] == wedge.n_orders == 4
    assert found.loc["randomisation", "estimate"] == pytest.approx(found.loc["panel_two_way", "estimate"])


def test_rows_hold_the_numbers_of_the_estimators(rows, panel, wedge):
    cells = cells_of(main_slice(panel))
    exact = {
        "randomisation_vertical": "vertical",
        "randomisation_crossover_precision": "crossover_precision",
        "randomisation_studentised": "studentised",
    }
    for analysis, statistic in exact.items():
        found, test = one(rows, analysis=analysis), exact_test(cells, wedge, statistic=statistic)
        assert (found["estimate"], found["p_value"]) == (test.estimate, test.p_value)
        assert (found["n_orders"], found["p_minimum"]) == (4, 0.25)
    assert one(rows, analysis="crossover")["estimate"] == crossover_estimate(cells).estimate
    squares = binary_squares(cells)
    for analysis, options in {
        "hussey_hughes": {},
        "hussey_hughes_cells_kenward_roger": {"cell_effects": True, "inference": "kenward_roger"},
    }.items():
        fit, found = fit_hussey_hughes(cells, within_squares=squares, **options), one(rows, analysis=analysis)
        assert (found["estimate"], found["std_error"], found["df"]) == (fit.estimate, fit.std_error, fit.df)
        assert ("estimated as 0" in found["reference"]) == bool(fit.boundary)
    for kind, patterns in {"webb": "1,296", "rademacher": "16"}.items():
        found = one(rows, analysis=f"wild_bootstrap_{kind}")
        assert found["p_value"] == wild_bootstrap(cells, kind=kind).p_value
        assert found["reference"] == f"wild cluster bootstrap, {patterns} patterns of 4 clusters"


def test_leaving_out_names_whom_and_counts_who_remains(rows, panel, wedge):
    frame = main_slice(panel)
    parts = leave_out(cells_of(frame), wedge)
    for part in parts:
        term = f"without_{'period_' if part.kind == 'period' else ''}{part.left_out}"
        found = one(rows, analysis="leave_out", term=term)
        exact = one(rows, analysis="leave_out_randomisation", term=term)
        assert found["estimate"] == pytest.approx(part.fit.estimate, abs=1e-12)
        assert exact["estimate"] == part.test.estimate
        assert exact["p_value"] == part.test.p_value and exact["n_orders"] == part.test.n_orders
        kept = frame[frame[part.kind].astype(str) != part.left_out]
        assert found["n_children"] == kept["n_children"].sum() and found["n_events"] == kept["n_events"].sum()
    assert len(pick(rows, analysis="leave_out")) == len(parts) == 9


def test_one_word_of_the_registry_changes_the_rows(study, panel):
    def row(of: Study, name: str) -> pd.Series:
        return one(sensitivity_rows(only(of, name), MODEL, panel), analysis=name)

    frame = main_slice(panel)
    days = {60: None, 62: [2], 100: [2, 3]}  # the third period has 61 days, the fourth 92
    for number, gone in days.items():
        found = row(changed(study, "no_short_periods", days=number), "no_short_periods")
        if gone is None:
            assert found["status"] == "not_estimable: no period is shorter than 60 days, so nothing changes"
        else:
            left = frame[~frame["period"].isin(gone)]
            assert found["estimate"] == pytest.approx(fit_two_way(left).estimate)
            assert found["n_children"] == left["n_children"].sum()
    first = row(changed(study, "no_short_periods", change="drop_first_period", days=None), "no_short_periods")
    assert first["estimate"] == pytest.approx(fit_two_way(frame[frame["period"] > 0]).estimate)
    unweighted = row(changed(study, "no_first_period", method="panel_two_way_unweighted"), "no_first_period")
    assert unweighted["estimate"] == pytest.approx(
        fit_two_way(frame[frame["period"] > 0], weights="equal").estimate
    )
    for_all = changed(study, "no_first_period", outcomes="all")
    for_all = sensitivity_rows(only(for_all, "no_first_period"), MODEL, panel)
    assert len(pick(for_all, outcome="days_in_care", analysis="no_first_period")) == 1
    exact = ("randomisation", "merged_short_periods_exact", "no_first_period_exact")
    statistic = changed(study, "randomisation", statistic="crossover")
    statistic = sensitivity_rows(only(statistic, *exact), MODEL, panel)
    joined = one(statistic, analysis="merged_short_periods_exact")
    assert joined["status"] == (
        "not_estimable: the statistic 'crossover' takes one row per authority and period, and no covariates"
    )
    assert one(statistic, analysis="no_first_period_exact")["status"] == "ok"


def test_every_unknown_word_is_told_at_once_with_what_is_allowed_before_anything_is_estimated(study):
    wrong = changed(study, "no_first_period", change="drop_frist_period")
    wrong = changed(wrong, "leave_out", method="leave_one_out")
    wrong = changed(wrong, "no_short_periods", days=None)
    wrong = changed(wrong, "authority_trends", days=10)
    wrong = changed(wrong, "exposure_by_period", method="panel_two_way")
    wrong = changed(wrong, "baseline_trend", method="vertical")
    with pytest.raises(StudyDefinitionError) as caught:
        sensitivity_rows(wrong, MODEL, pd.DataFrame())
    text = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 6
    for words in (
        "'no_first_period': unknown change 'drop_frist_period'; known: drop_first_period, drop_short_periods",
        f"'leave_out': unknown method 'leave_one_out'; known: {', '.join(KNOWN_METHODS)}",
        "'no_short_periods': change 'drop_short_periods' counts days, and says not how many: add days",
        "'authority_trends': change 'authority_trends' counts no days: take days out",
        "'exposure_by_period': change 'exposure_by_period' needs a method; allowed: panel_two_way_cr2",
        "'baseline_trend': change 'baseline_trend' needs a method; allowed: panel_two_way, ",
    ):
        assert words in text


def test_rows_of_other_kinds_are_left_to_others(study):
    other = study.analyses["panel_two_way"].model_dump() | {"id": "x", "method": "linear_cr2"}
    with_it = study.model_copy(update={"analyses": study.analyses | {"x": Analysis(**other)}})
    assert [row.id for row in panel_sensitivities(with_it)] == [row.id for row in panel_sensitivities(study)]


def test_what_is_not_observed_or_only_in_part_is_said_of_what_remains(study, panel):
    ahead = panel.assign(
        n_not_observed=panel["n_children"].where(panel["horizon"] == 36, 0),
        n_children=panel["n_children"].where(panel["horizon"] != 36, 0),
    )
    rows = sensitivity_rows(study, MODEL, ahead)
    held = rows[~rows["sample"].isin(["born_only"]) & (rows["outcome"] == "looked_after")]
    assert set(held.loc[held["horizon"] == 36, "status"]) == {"not_observed"}
    assert "not_observed" not in set(held.loc[held["horizon"] == 18, "status"])
    first = panel["period"] == 0
    some = only(study, "panel_two_way", "no_first_period", "leave_out")
    partly = sensitivity_rows(some, MODEL, panel.assign(n_not_observed=first.astype(int)))
    assert one(partly, analysis="panel_two_way")["status"] == "partly_observed"
    assert one(partly, analysis="no_first_period")["status"] == "ok"
    assert one(partly, analysis="leave_out", term="without_period_0")["status"] == "ok"
    assert one(partly, analysis="leave_out", term="without_norfolk")["status"] == "partly_observed"


def test_bad_outcomes_give_a_status_in_every_row(study, panel):
    constant = sensitivity_rows(study, MODEL, panel.assign(value_mean=0.1, n_events=1.0))
    held = constant[constant["sample"] != "born_only"]
    assert held["estimate"].isna().all()
    assert "not_estimable: constant outcome" in set(held["status"])
    nobody = sensitivity_rows(study, MODEL, panel.assign(n_children=0, n_not_observed=0))
    assert nobody["estimate"].isna().all()
    assert "not_estimable: no child with an observed outcome" in set(nobody["status"])
    alone = sensitivity_rows(study, MODEL, panel[panel["authority"] == "rochdale"])
    assert alone["estimate"].isna().all()


def test_a_scale_without_events_has_no_mixed_model_of_cells(study, panel):
    every = study
    for name in ("hussey_hughes", "hussey_hughes_cells"):
        every = changed(every, name, outcomes="all")
    rows = sensitivity_rows(only(every, "hussey_hughes", "hussey_hughes_cells"), MODEL, panel)
    assert one(rows, outcome="days_in_care", analysis="hussey_hughes")["status"] == "ok"
    assert one(rows, outcome="days_in_care", analysis="hussey_hughes_cells")["status"] == (
        "not_estimable: the panel holds no variation within cells"
    )


def test_the_order_of_the_panels_rows_does_not_matter(study, panel, rows):
    shuffled = panel.sample(frac=1, random_state=3)
    again = sensitivity_rows(study, MODEL, shuffled, absent={"born_only": "nobody was born"})
    numbers = ["estimate", "std_error", "p_value", "conf_low", "conf_high"]
    pd.testing.assert_frame_equal(again.drop(columns=numbers), rows.drop(columns=numbers))
    np.testing.assert_allclose(again[numbers].to_numpy(), rows[numbers].to_numpy(), rtol=1e-7, atol=1e-11)
