"""Staggered estimators through the command, against R's did, fixest, bacondecomp, synthdid and imputation."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from sfpc_book.cli import application
from sfpc_book.estimate.estimate import TIDY_COLUMNS
from sfpc_book.published.staggered_methods import STAGGERED_METHODS, estimate_staggered
from sfpc_book.published.staggered_table import PanelRoles, staggered_table
from sfpc_book.published.synthetic_weights import did_weights

CLOSE = {
    "rtol": 1e-8,
    "atol": 1e-10,
}  # the reference prints 13 digits; both sides solve the same closed forms
CLUSTERED = {"rtol": 1e-6, "atol": 1e-10}  # small-sample factors from the same counts, other order of sums
PRINTED = {"rtol": 0, "atol": 1e-8}  # the imputation program cuts its numbers to eight decimals
# R's did divides the controls' weights by their sum, diff-diff by the number treated: 0.0003 standard errors.
NORMALISED = {"rtol": 0, "atol": 1e-5}
NUMBERS = ["estimate", "std_error"]


@pytest.fixture(scope="module")
def golden(golden_folder: Path) -> dict:
    return json.loads((golden_folder / "golden.json").read_text(encoding="utf-8"))


def command(folder: Path, file: Path, columns: str, *options: str) -> pd.DataFrame:
    """Run `sfpc-book staggered`; `columns` are outcome, unit, time, first treated."""
    named = zip(("--outcome", "--unit", "--time", "--first-treated"), columns.split(), strict=True)
    out = folder / "tidy.csv"
    arguments = [part for pair in named for part in pair]
    found = CliRunner().invoke(application, ["staggered", str(file), *arguments, *options, "--out", str(out)])
    assert found.exit_code == 0, found.exception
    rows = pd.read_csv(out)
    assert tuple(rows.columns) == TIDY_COLUMNS
    return rows.set_index(["analysis", "term"])


MPDTA = "lemp countyreal year first.treat"


@pytest.fixture(scope="module")
def mpdta(golden_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("mpdta")
    return command(folder, golden_folder / "mpdta.csv", MPDTA, "--covariates", "lpop")


def test_every_method_has_rows_and_every_number_its_t_interval(mpdta: pd.DataFrame) -> None:
    assert set(mpdta.index.get_level_values(0)) == set(STAGGERED_METHODS)
    rows = mpdta[mpdta["reference"].str.split(";").str[0] == "t"]
    assert len(rows) > 50 and (rows["df"] == 499).all() and (rows["n_clusters"] == 500).all()
    half = stats.t.ppf(0.975, 499) * rows["std_error"]
    np.testing.assert_allclose(rows["conf_low"], rows["estimate"] - half, rtol=1e-9)
    np.testing.assert_allclose(rows["conf_high"], rows["estimate"] + half, rtol=1e-9)
    np.testing.assert_allclose(rows["statistic"], rows["estimate"] / rows["std_error"], rtol=1e-9)


GROUP_TIME = [
    ("group_time", "cs_never_attgt", "never", CLOSE),
    ("group_time_not_yet", "cs_nyt_attgt", "nyt", CLOSE),
    ("group_time_doubly_robust", "cs_dr_lpop_attgt", "dr_lpop", NORMALISED),
]


@pytest.mark.parametrize(("method", "case", "key", "close"), GROUP_TIME)
def test_group_time_effects_and_their_averages(method, case, key, close, mpdta, golden) -> None:
    wanted = golden["mpdta"]
    for group, time, estimate, error in wanted[case]:
        row = mpdta.loc[(method, f"group_{group}_time_{time}")]
        np.testing.assert_allclose(row[NUMBERS].astype(float), [estimate, error], **close)
    cells = [term for term in mpdta.loc[method].index if term.startswith("group_")]
    assert len(cells) == len(wanted[case]) == 12
    for term, average in (("overall", "simple"), ("event_time_average", "dynamic")):
        found = mpdta.loc[(method, term), NUMBERS].astype(float)
        np.testing.assert_allclose(found, wanted["agg"][f"{key}_{average}"], **close)


def test_effects_by_event_time(mpdta, golden) -> None:
    wanted = golden["mpdta"]["dynamic_never"]
    found = mpdta.loc["group_time"].filter(regex=r"^event_time_-?\d", axis=0)
    assert found.index.tolist() == [f"event_time_{time}" for time in wanted["e"]]
    np.testing.assert_allclose(found["estimate"], wanted["att"], **CLOSE)
    np.testing.assert_allclose(found["std_error"], wanted["se"], **CLOSE)


def test_interaction_weighted_effects(mpdta, golden) -> None:
    found = mpdta.loc["sun_abraham"]
    wanted = golden["mpdta"]["sunab_es"]
    assert [f"event_time_{re.sub('year::', '', time)}" for time, *_ in wanted] == found.index[:-1].tolist()
    np.testing.assert_allclose(found[NUMBERS][:-1], [pair for _, *pair in wanted], **CLUSTERED)
    average = found.loc["overall", ["estimate", "std_error", "statistic", "p_value"]].astype(float)
    np.testing.assert_allclose(average, golden["mpdta"]["sunab_att"], **CLUSTERED)


def test_imputed_effects(mpdta, golden) -> None:
    wanted = golden["mpdta"]["bjs"]
    found = mpdta.loc["imputation"]
    assert found.index.tolist() == [*(f"event_time_{time}" for time in wanted["by_e"]), "overall"]
    np.testing.assert_allclose(found[NUMBERS], [*wanted["by_e"].values(), wanted["overall"]], **PRINTED)
    assert found.loc["overall", "estimate"] == pytest.approx(golden["mpdta"]["etwfe"], abs=1e-8)


def test_two_way_effect(mpdta, golden) -> None:
    wanted = golden["mpdta"]["twfe"]
    found = mpdta.loc[("two_way", "exposed"), NUMBERS].astype(float)
    np.testing.assert_allclose(found, [wanted["b"], wanted["se"]], **CLUSTERED)


def test_without_never_treated_the_last_adopters_are_controls_until_they_adopt(
    golden, golden_folder: Path, tmp_path: Path
) -> None:
    frame = pd.read_csv(golden_folder / "mpdta.csv")
    frame[frame["first.treat"] > 0].to_csv(tmp_path / "panel.csv", index=False)
    found = command(tmp_path, tmp_path / "panel.csv", MPDTA)
    rows = found.loc["group_time_not_yet"]
    wanted = {
        f"group_{group}_time_{time}": pair for group, time, *pair in golden["mpdta"]["cs_no_never_attgt"]
    }
    np.testing.assert_allclose(rows.loc[list(wanted), NUMBERS], list(wanted.values()), **CLOSE)
    others = rows[rows.index.str.startswith("group_") & ~rows.index.isin(wanted)]
    assert (
        len(others) == 6 and (others["status"] == "not_identified").all() and others["estimate"].isna().all()
    )
    np.testing.assert_allclose(
        rows.loc["overall", NUMBERS].astype(float), golden["mpdta"]["agg"]["noNever_simple"], **CLOSE
    )
    never = found.loc["group_time"].iloc[0]
    assert "no unit is never treated" in never["status"] and np.isnan(never["estimate"])


@pytest.mark.parametrize(
    ("case", "columns"),
    [
        ("castle", "l_homicide state year effyear"),
        ("math_reform", "incearn_ln state class reformyr_math"),
    ],
)
def test_goodman_bacon_weights_components_and_two_way(case, columns, golden, golden_folder, tmp_path) -> None:
    options = ("--methods", "goodman_bacon,two_way")
    found = command(tmp_path, golden_folder / f"{case}.csv", columns, *options)
    kinds = {
        "Earlier vs Later Treated": "earlier_vs_later",
        "Later vs Earlier Treated": "later_vs_earlier",
        "Treated vs Untreated": "treated_vs_never",
    }
    rows = found.loc["goodman_bacon", "estimate"]
    for part in golden[case]["bacon"]:
        kind = kinds[part["type"]]
        np.testing.assert_allclose(rows[kind], part["avg_est"], **CLOSE)
        np.testing.assert_allclose(rows[f"weight_{kind}"], part["weight"], **CLOSE)
    assert rows["weight_forbidden"] == rows["weight_later_vs_earlier"]
    single = [term for term in rows.index if re.fullmatch(r"\d{4}_vs_(\d{4}|never)", term)]
    weights = rows[[f"weight_{term}" for term in single]].to_numpy()
    assert weights.sum() == pytest.approx(1, abs=1e-10)
    wanted = golden[case]["twfe_unweighted" if case == "castle" else "twfe"]
    np.testing.assert_allclose([weights @ rows[single].to_numpy(), rows["two_way"]], wanted["b"], **CLOSE)
    two_way = found.loc[("two_way", "exposed"), NUMBERS].astype(float)
    np.testing.assert_allclose(two_way, [wanted["b"], wanted["se"]], **CLUSTERED)


@pytest.mark.parametrize("crime", ["homicide", "burglary", "robbery", "assault", "larceny", "motor"])
@pytest.mark.parametrize("weights", [None, "popwt"])
def test_two_way_effects_of_six_outcomes_weighted_or_not(crime, weights, golden, golden_folder) -> None:
    outcome = f"l_{crime}"
    roles = PanelRoles(outcome, "state", "year", "effyear", weights)
    table = staggered_table(pd.read_csv(golden_folder / "castle.csv"), roles)
    row = estimate_staggered(table, ["two_way"], outcome=outcome).iloc[0]
    wanted = golden["castle"]["twfe"][f"{'w' if weights else 'u'}_{outcome}"]
    np.testing.assert_allclose(row[NUMBERS].astype(float), wanted, **CLUSTERED)
    assert row["df"] == 49


def test_synthetic_methods_and_difference_in_differences(golden, golden_folder, tmp_path) -> None:
    frame = pd.read_csv(golden_folder / "california_prop99.csv")
    treated = frame.groupby("State")["treated"].transform("max") == 1
    frame.assign(first=np.where(treated, "1989", "never")).to_csv(tmp_path / "panel.csv", index=False)
    methods = ("--methods", "synthetic_did,synthetic_control,two_way")
    found = command(tmp_path, tmp_path / "panel.csv", "PacksPerCapita State Year first", *methods)
    wanted = [golden["prop99"][key] for key in ("sdid", "sc", "did")]
    np.testing.assert_allclose(found["estimate"], wanted, **CLOSE)
    placebo = found[found["reference"] == "placebo units"]
    assert placebo["n_orders"].tolist() == [38, 38]
    np.testing.assert_allclose(placebo["p_minimum"], 1 / 39)
    assert (placebo["p_value"] * 39 % 1).round(9).isin([0, 1]).all()


def test_synthetic_weights_of_units_and_times(golden, golden_folder) -> None:
    frame = pd.read_csv(golden_folder / "california_prop99.csv")
    outcome = frame.pivot_table(index="State", columns="Year", values="PacksPerCapita")
    controls = outcome.drop(index="California").to_numpy()
    units, times = did_weights(outcome.loc[["California"]].to_numpy(), controls, 19)
    np.testing.assert_allclose(units, golden["prop99"]["omega"], atol=1e-10)
    np.testing.assert_allclose(times, golden["prop99"]["lambda"], atol=1e-10)


def test_doubly_robust_effect_of_a_cell_equals_its_formula(mpdta, golden_folder) -> None:
    frame = pd.read_csv(golden_folder / "mpdta.csv")
    wide = frame.pivot_table(index="countyreal", columns="year", values="lemp")
    unit = frame.drop_duplicates("countyreal").set_index("countyreal").loc[wide.index]
    kept = unit["first.treat"].isin([0, 2006])
    treated = (unit.loc[kept, "first.treat"] == 2006).to_numpy(float)
    change = (wide[2006] - wide[2005])[kept].to_numpy()
    design = np.column_stack([np.ones(kept.sum()), unit.loc[kept, "lpop"]])
    slope = np.zeros(2)
    for _ in range(30):  # Newton steps of the logit
        chance = 1 / (1 + np.exp(-design @ slope))
        curvature = design.T @ (design * (chance * (1 - chance))[:, None])
        slope += np.linalg.solve(curvature, design.T @ (treated - chance))
    controls = treated == 0
    fitted = np.linalg.lstsq(design[controls], change[controls], rcond=None)[0]
    left = change - design @ fitted
    weight = chance / (1 - chance) * controls
    wanted = (treated @ left - weight @ left) / treated.sum()
    found = mpdta.loc[("group_time_doubly_robust", "group_2006_time_2006"), "estimate"]
    assert found == pytest.approx(wanted, abs=1e-9)
