"""Comparators, the comparison itself and everything that is written of published statistics."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sfpc_book.errors import ContractError, PublishedDataError
from sfpc_book.estimate.estimate import TIDY_COLUMNS
from sfpc_book.published.build import build_published
from sfpc_book.published.comparison import load_comparison
from sfpc_book.published.contract import CONTRACTS
from sfpc_book.published.geography import load_geography
from sfpc_book.published.matching import Pool, adopters, choose, nearest, never_adopters, outcome_matrix
from sfpc_book.simulate.published import TRUTH, simulate_published
from sfpc_book.study.study import Study, load_study

DRAWS = 99


@pytest.fixture(scope="module")
def study(repository: Path) -> Study:
    return load_study(repository / "study.yml")


@pytest.fixture(scope="module")
def short_contracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contracts with the main rule, all adopters and fewer placebo draws: the same road, sooner done."""
    folder = tmp_path_factory.mktemp("contracts")
    shutil.copytree(CONTRACTS / "published", folder / "published")
    path = folder / "published" / "comparison.yml"
    lines = path.read_text(encoding="utf-8").splitlines()
    dropped = ("rule: first_touched_year", "id: trial_authorities")
    kept = [line for line in lines if not any(part in line for part in dropped)]
    path.write_text("\n".join(kept).replace("draws: 999", f"draws: {DRAWS}") + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def invented_folder(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate_published(study, tmp_path_factory.mktemp("invented"), seed=7)


@pytest.fixture(scope="module")
def built(study: Study, invented_folder: Path, short_contracts: Path, tmp_path_factory) -> Path:
    return build_published(study, invented_folder, tmp_path_factory.mktemp("built"), short_contracts).folder


@pytest.fixture(scope="module")
def built_real(study: Study, published_folder: Path, short_contracts: Path, tmp_path_factory) -> Path:
    return build_published(study, published_folder, tmp_path_factory.mktemp("real"), short_contracts).folder


def _estimates(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "matched.csv")


def test_estimates_have_the_tidy_columns_and_the_status_of_the_data(built: Path) -> None:
    table = _estimates(built)
    assert tuple(table.columns) == TIDY_COLUMNS
    assert set(table["data_status"]) == {"synthetic"}
    assert set(table["analysis"]) == {
        "matched_did",
        "group_time",
        "matched_did_placebo",
        "group_time_placebo",
    }
    assert set(table["model"]) == {"all", "family_safeguarding", "family_valued", "no_wrong_door"}
    assert (table["status"] == "ok").all()
    assert json.loads((built / "status.json").read_text()) == {"data_status": "synthetic", "synthetic": True}


def test_the_planted_effect_stands_beside_the_estimate_and_zero_beside_years_before(built: Path) -> None:
    table = _estimates(built)
    overall = table[table["term"] == "adopted"]
    assert (overall["truth"] == overall["outcome"].map(TRUTH)).all()
    before = table[table["term"].isin(["event_time_-5", "event_time_-2"])]
    assert len(before)
    assert (before["truth"] == 0).all()


def test_the_planted_fall_is_found_with_its_sign_and_size(built: Path) -> None:
    rows = _estimates(built).query("model == 'all' and outcome == 'looked_after_rate' and term == 'adopted'")
    # One draw of the invented world: the standard error of each is below 1.2 per 10,000.
    assert rows["estimate"].between(-9.0, -3.0).all()
    assert (rows["p_value"] <= 0.05).all()


def test_a_cohort_of_one_authority_gets_no_analytic_interval_but_a_placebo_one(built: Path) -> None:
    table = _estimates(built).query("model == 'family_valued' and term == 'adopted'")
    analytic = table[table["analysis"] == "group_time"]
    placebo = table[table["analysis"] == "group_time_placebo"]
    assert analytic["std_error"].isna().all()
    assert analytic["reference"].str.contains("one authority").all()
    assert placebo[["std_error", "conf_low", "conf_high"]].notna().all(axis=None)
    np.testing.assert_allclose(placebo["estimate"], analytic["estimate"], atol=1e-9)
    assert (placebo["p_minimum"] == 1 / (1 + DRAWS)).all()
    assert (placebo["p_value"] >= placebo["p_minimum"]).all()


def test_placebo_and_panel_model_agree_on_the_unweighted_coefficient(built: Path) -> None:
    table = _estimates(built)
    table = table[(table["term"] == "adopted") & table["sample"].str.endswith("vs never_adopters")]
    wide = table.pivot_table(index=["model", "outcome"], columns="analysis", values="estimate")
    np.testing.assert_allclose(wide["matched_did"], wide["matched_did_placebo"], atol=1e-8)
    np.testing.assert_allclose(wide["group_time"], wide["group_time_placebo"], atol=1e-8)


def test_few_adopters_are_a_finding_with_its_limit(built: Path) -> None:
    table = pd.read_csv(built / "findings.csv").query("check == 'published_few_adopters'")
    status = dict(zip(table["subject"], table["status"], strict=True))
    assert status["all looked_after_rate adopters first_full_year"] == "pass"
    assert status["no_wrong_door looked_after_rate adopters first_full_year"] == "fail"


def test_equal_inputs_give_equal_bytes(
    study: Study, invented_folder: Path, short_contracts: Path, built: Path, tmp_path: Path
) -> None:
    again = build_published(study, invented_folder, tmp_path / "again", short_contracts)
    for name in again.files:
        first, second = (
            hashlib.sha256((folder / name).read_bytes()).digest() for folder in (built, again.folder)
        )
        assert first == second, name


def test_nothing_is_written_when_the_folder_cannot_be_used(study: Study, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(PublishedDataError):
        build_published(study, empty, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_comparator_is_an_adopter_or_has_any_role_in_the_study(study: Study, built: Path) -> None:
    matches = pd.read_csv(built / "matches.csv", dtype={"authority_code": str, "comparator_code": str})
    roles = {part.la_code for part in study.authorities.values()}
    assert not set(matches["comparator_code"]) & roles
    sums = matches.groupby(["outcome", "comparators", "authority_code"])["weight"].sum()
    np.testing.assert_allclose(sums, 1.0)


def _matrix() -> pd.DataFrame:
    """Five authorities over five years; 'b' moves exactly as 'a' does, 'c' is at its level but still."""
    rows = {
        "a": [10, 12, 11, 15, 18],
        "b": [10, 12, 11, 15, 30],
        "c": [15, 15, 15, 15, 15],
        "d": [40, 39, 38, 37, 36],
        "e": [11, 12, 11, 14, 0],
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=range(2016, 2021)).astype(float)


def test_nearest_takes_the_twin_and_looks_only_at_years_before_any_adoption() -> None:
    treated = pd.DataFrame(
        {"authority_code": ["a"], "go_live": [pd.Timestamp("2019-06-01").date()], "first_year": [2021]}
    )
    pool = Pool(("b", "c", "d", "e"), pd.DataFrame())
    assert nearest(treated, pool, _matrix(), 1)["comparator_code"].tolist() == ["b"]
    assert nearest(treated, pool, _matrix(), 2)["comparator_code"].tolist() == ["b", "e"]
    changed = _matrix()
    changed.loc["b", 2020] = -999.0
    assert nearest(treated, pool, changed, 1)["comparator_code"].tolist() == ["b"]


def test_nearest_refuses_too_short_a_past() -> None:
    treated = pd.DataFrame(
        {"authority_code": ["a"], "go_live": [pd.Timestamp("2017-06-01").date()], "first_year": [2019]}
    )
    with pytest.raises(PublishedDataError, match="three years before 2018"):
        nearest(treated, Pool(("b", "c"), pd.DataFrame()), _matrix(), 1)


def test_statistical_neighbours_keep_only_never_adopters() -> None:
    neighbours = pd.DataFrame(
        {"code": ["a"] * 3 + ["b"], "neighbour_code": ["b", "x", "c", "d"], "rank": [1, 2, 3, 1]}
    )
    treated = pd.DataFrame({"authority_code": ["a"]})
    how = next(item for item in load_comparison().comparators if item.id == "statistical_neighbours")
    pairs = choose(how, treated, Pool(("b", "c", "d"), pd.DataFrame()), _matrix(), neighbours)
    assert pairs["comparator_code"].tolist() == ["b", "c"]
    assert pairs["weight"].tolist() == [0.5, 0.5]


def test_the_pool_drops_roles_reorganised_tiny_and_incomplete_authorities_with_reasons(study: Study) -> None:
    matrix = pd.DataFrame(
        {2020: [1.0, 1, 1, 1, 1, 1], 2021: [1.0, 1, 1, 1, np.nan, 1]},
        index=["335", "919", "838", "201", "302", "301"],
    )
    pool = never_adopters(study, matrix, load_comparison(), load_geography())
    assert pool.codes == ("301",)
    reasons = dict(pool.left_out.itertuples(index=False, name=None))
    assert reasons["335"] == "role in the study: trial (Walsall)"
    assert reasons["919"] == "role in the study: innovator (Hertfordshire)"
    assert reasons["838"].startswith("Dorset, Poole and Bournemouth became")
    assert reasons["201"].startswith("City of London")
    assert reasons["302"] == "no number in 1 of 2 years"


def test_an_outcome_that_was_not_read_is_refused_with_those_that_were() -> None:
    series = pd.DataFrame({"measure": ["starts_rate"], "geography": ["authority"], "year": [2020]})
    with pytest.raises(PublishedDataError, match=r"'start_rate'.*starts_rate"):
        outcome_matrix(series, "start_rate", 2015, None)


def test_moving_a_go_live_in_the_study_moves_the_year_of_adoption(study: Study) -> None:
    group = load_comparison().treated[0]
    before = adopters(study, group, "first_full_year").set_index("slug")["first_year"]
    walsall = study.authorities["walsall"]
    moved = walsall.model_copy(
        update={
            "go_live": walsall.go_live.model_copy(update={"date": walsall.go_live.date.replace(year=2021)})
        }
    )
    changed = study.model_copy(update={"authorities": {**study.authorities, "walsall": moved}})
    after = adopters(changed, group, "first_full_year").set_index("slug")["first_year"]
    assert after["walsall"] == before["walsall"] + 1
    assert (after.drop("walsall") == before.drop("walsall")).all()


def test_a_comparison_with_an_unknown_key_or_rule_is_refused(tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    text = (CONTRACTS / "published" / "comparison.yml").read_text(encoding="utf-8")
    text = text.replace("rule: first_full_year", "rule: next_year").replace("placebo:", "placebos:")
    (tmp_path / "published" / "comparison.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        load_comparison(tmp_path)
    assert "adoption_year.0.rule" in str(caught.value)
    assert "placebos" in str(caught.value)


def test_real_comparison_covers_all_seventeen_adopters_and_is_marked_published(
    study: Study, built_real: Path
) -> None:
    table = _estimates(built_real)
    assert set(table["data_status"]) == {"published"}
    assert table["truth"].isna().all()
    assert (table["status"] == "ok").all()
    rows = table.query("model == 'all' and analysis == 'matched_did_placebo'")
    assert (rows["n_clusters"] == 17 + 120).all()
    assert (rows["n_periods"] == 10).all()
    profile = pd.read_parquet(built_real / "profile.parquet")
    adopter_codes = {part.la_code for part in study.authorities.values() if part.role in ("trial", "pilot")}
    assert len(adopter_codes) == 17
    assert adopter_codes <= set(profile["authority_code"])
    assert set(profile["data_status"]) == {"published"}


def test_real_pool_leaves_out_every_reorganised_area(built_real: Path) -> None:
    left_out = pd.read_csv(built_real / "left_out.csv", dtype={"authority_code": str})
    assert {"838", "839", "940", "941", "909", "942", "943", "201", "420"} <= set(left_out["authority_code"])
    assert left_out["reason"].str.len().gt(10).all()


def test_real_adopters_were_rising_before_adoption_and_the_book_can_show_it(built_real: Path) -> None:
    rows = _estimates(built_real).query("model == 'all' and analysis == 'group_time'")
    rows = rows[rows["outcome"] == "looked_after_rate"]
    curve = rows.set_index("term")["estimate"]
    # Against never-adopters, adopters gained about 5 per 10,000 in the four years before the reference year.
    assert curve["event_time_-5"] < curve["event_time_-3"] < curve["event_time_-2"] < 0
