"""Staggered estimators against reference implementations, brute force and known truth."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.published import effects
from sfpc_book.published.effects import Placebo
from sfpc_book.published.staggered import group_time
from sfpc_book.simulate import published as simulated
from sfpc_book.study.study import load_study

# The reference prints 13 significant digits; both sides solve the same closed forms.
GOLDEN = {"rtol": 1e-8, "atol": 1e-10}
# Clustered errors carry a small-sample factor that the reference computes from the same counts.
CLUSTERED = {"rtol": 1e-6, "atol": 1e-10}


@pytest.fixture(scope="module")
def golden(golden_folder: Path) -> dict:
    return json.loads((golden_folder / "golden.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def mpdta(golden_folder: Path) -> pd.DataFrame:
    table = pd.read_csv(golden_folder / "mpdta.csv")
    names = {"countyreal": "unit", "lemp": "outcome", "first.treat": "first_year"}
    return table.rename(columns=names)[["unit", "year", "outcome", "first_year"]]


def _matrix(panel: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Treated outcomes, column of first exposure, and outcomes of the never treated."""
    wide = panel.pivot_table(index="unit", columns="year", values="outcome")
    first = panel.drop_duplicates("unit").set_index("unit")["first_year"].reindex(wide.index)
    treated = (first > 0).to_numpy()
    return (
        wide[treated].to_numpy(),
        (first[treated] - wide.columns[0]).to_numpy().astype(int),
        wide[~treated].to_numpy(),
    )


def _cells(panel: pd.DataFrame, weight: np.ndarray | None = None) -> Cells:
    panel = panel.sort_values(["unit", "year"])
    exposed = ((panel["first_year"] > 0) & (panel["year"] >= panel["first_year"])).to_numpy()
    units = sorted(panel["unit"].unique())
    return Cells(
        authorities=tuple(units),
        periods=tuple(sorted(panel["year"].unique())),
        authority=pd.Categorical(panel["unit"], categories=units).codes.astype(int),
        period=panel["year"].to_numpy(),
        exposed=exposed.astype(float),
        exposure_time=exposed.astype(int),
        weight=np.ones(len(panel)) if weight is None else weight,
        mean=panel["outcome"].to_numpy(),
        n_empty=0,
    )


@pytest.mark.parametrize(
    ("case", "control_group"), [("cs_never_attgt", "never_treated"), ("cs_nyt_attgt", "not_yet_treated")]
)
def test_group_time_effects_equal_the_reference_in_every_column(
    case: str, control_group: str, mpdta: pd.DataFrame, golden: dict
) -> None:
    found = group_time(mpdta, base_period="varying", control_group=control_group)
    wanted = np.array(golden["mpdta"][case])
    got = found.cells.sort_values(["group", "time"]).to_numpy(dtype=float)
    np.testing.assert_allclose(got, wanted, **GOLDEN)
    key = "never_simple" if control_group == "never_treated" else "nyt_simple"
    np.testing.assert_allclose(found.overall, golden["mpdta"]["agg"][key], **GOLDEN)


def test_effects_by_event_time_equal_the_reference(mpdta: pd.DataFrame, golden: dict) -> None:
    wanted = golden["mpdta"]["dynamic_never"]
    found = group_time(mpdta, base_period="varying").event_time
    assert found["event_time"].tolist() == wanted["e"]
    np.testing.assert_allclose(found["estimate"], wanted["att"], **GOLDEN)
    np.testing.assert_allclose(found["std_error"], wanted["se"], **GOLDEN)


def test_universal_base_leaves_effects_after_adoption_as_they_are(mpdta: pd.DataFrame, golden: dict) -> None:
    found = group_time(mpdta).event_time
    after = found[found["event_time"] >= 0]
    np.testing.assert_allclose(after["estimate"], golden["mpdta"]["dynamic_never"]["att"][3:], **GOLDEN)
    assert -1 not in found["event_time"].tolist()


def test_closed_forms_equal_the_fitted_estimators(mpdta: pd.DataFrame, golden: dict) -> None:
    treated, first, pool = _matrix(mpdta)
    times = [0, 1, 2, 3]
    found = effects.statistics(treated, first, pool, times)
    np.testing.assert_allclose(found[0], golden["mpdta"]["agg"]["never_simple"][0], **GOLDEN)
    np.testing.assert_allclose(found[1], golden["mpdta"]["twfe"]["b"], **GOLDEN)
    np.testing.assert_allclose(found[2:], golden["mpdta"]["dynamic_never"]["att"][3:], **GOLDEN)


def test_two_way_panel_model_equals_the_reference_with_its_standard_error(
    mpdta: pd.DataFrame, golden: dict
) -> None:
    fit = fit_two_way(_cells(mpdta), weights="equal")
    wanted = golden["mpdta"]["twfe"]
    np.testing.assert_allclose([fit.estimate, fit.std_error], [wanted["b"], wanted["se"]], **CLUSTERED)
    assert fit.df == mpdta["unit"].nunique() - 1


@pytest.mark.parametrize(
    "outcome", ["l_homicide", "l_burglary", "l_robbery", "l_assault", "l_larceny", "l_motor"]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_weighted_and_unweighted_two_way_equal_the_reference_on_castle(
    outcome: str, weighted: bool, golden_folder: Path, golden: dict
) -> None:
    table = pd.read_csv(golden_folder / "castle.csv").sort_values(["state", "year"])
    panel = pd.DataFrame(
        {
            "unit": table["state"],
            "year": table["year"],
            "outcome": table[outcome],
            "first_year": table["effyear"].fillna(0),
        }
    )
    cells = _cells(panel, table["popwt"].to_numpy(dtype=float))
    # The exposure here is the file's own indicator of a law in force after its first year.
    cells = Cells(**{**cells.__dict__, "exposed": table["post"].to_numpy(dtype=float)})
    fit = fit_two_way(cells, weights="children" if weighted else "equal")
    wanted = golden["castle"]["twfe"][f"{'w' if weighted else 'u'}_{outcome}"]
    np.testing.assert_allclose([fit.estimate, fit.std_error], wanted, **CLUSTERED)


@pytest.fixture(scope="module")
def small() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(11)
    return generator.normal(size=(3, 6)), np.array([2, 3, 3]), generator.normal(size=(7, 6))


def test_group_time_average_is_the_mean_of_hand_written_differences(
    small: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    treated, first, pool = small
    by_hand = [
        (treated[unit, year] - treated[unit, first[unit] - 1])
        - np.mean([pool[other, year] - pool[other, first[unit] - 1] for other in range(7)])
        for unit in range(3)
        for year in range(first[unit], 6)
    ]
    assert effects.group_time_average(treated, first, pool.mean(0)) == pytest.approx(
        np.mean(by_hand), abs=1e-12
    )


def test_fitted_group_time_effects_equal_the_closed_form(
    small: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    treated, first, pool = small
    outcome = np.vstack([treated, pool])
    starts = np.concatenate([2010 + first, np.zeros(7, dtype=int)])
    units, years = np.indices(outcome.shape)
    panel = pd.DataFrame(
        {
            "unit": units.ravel(),
            "year": 2010 + years.ravel(),
            "outcome": outcome.ravel(),
            "first_year": starts[units.ravel()],
        }
    )
    fitted = group_time(panel)
    assert fitted.smallest_cohort == 1
    assert fitted.overall[0] == pytest.approx(
        effects.group_time_average(treated, first, pool.mean(0)), abs=1e-10
    )
    times = fitted.event_time["event_time"].tolist()
    wanted = effects.event_time_effects(treated, first, pool.mean(0), times)
    np.testing.assert_allclose(fitted.event_time["estimate"], wanted, atol=1e-10)


def test_two_way_coefficient_equals_least_squares_with_dummies(
    small: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    treated, first, pool = small
    outcome = np.vstack([treated, pool])
    exposed = effects.exposure_matrix(np.concatenate([first, np.full(7, 6)]), 6)
    units, years = np.indices(outcome.shape)
    design = np.column_stack([exposed.ravel(), np.eye(10)[units.ravel()], np.eye(6)[years.ravel()][:, 1:]])
    by_dummies = np.linalg.lstsq(design, outcome.ravel(), rcond=None)[0][0]
    assert effects.two_way_coefficient(outcome, exposed) == pytest.approx(by_dummies, abs=1e-10)


def test_an_event_time_that_no_unit_has_is_missing(small: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    treated, first, pool = small
    found = effects.event_time_effects(treated, first, pool.mean(0), [-3, -1, 0, 3, 4])
    assert np.isnan(found[4])
    assert found[1] == 0.0
    assert np.isfinite(found[[0, 2, 3]]).all()


def test_placebo_p_counts_ties_is_never_zero_and_its_interval_is_the_shift_not_rejected() -> None:
    draws = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    assert Placebo(3.0, draws).p_value == pytest.approx(3 / 6)
    assert Placebo(99.0, draws).p_value == pytest.approx(1 / 6)
    assert Placebo(10.0, draws).interval(0.5) == (9.0, 11.0)


def test_placebo_draws_cover_every_allocation_of_a_small_pool(
    small: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    _, _, pool = small
    pool, first = pool[:4], np.array([2, 3])
    every = {
        round(effects.group_time_average(pool[list(pair)], first, np.delete(pool, pair, 0).mean(0)), 9)
        for pair in itertools.permutations(range(4), 2)
    }
    drawn = effects.placebo_draws(pool, first, [], draws=400, seed=1)[:, 0]
    assert {round(value, 9) for value in drawn} == every
    again = effects.placebo_draws(pool, first, [], draws=400, seed=1)[:, 0]
    np.testing.assert_array_equal(drawn, again)


def _fault(panel: pd.DataFrame, kind: str) -> pd.DataFrame:
    changed = panel.copy()
    if kind == "gap":
        return changed.iloc[1:]
    if kind == "no_never":
        changed["first_year"] = changed["first_year"].replace(0, 2004)
    if kind == "from_the_start":
        changed.loc[changed["first_year"] == 2004, "first_year"] = 2003
    if kind == "after_the_end":
        changed.loc[changed["first_year"] == 2007, "first_year"] = 2009
    if kind == "nobody":
        changed["first_year"] = 0
    return changed


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("gap", "not balanced"),
        ("no_never", "never treated"),
        ("from_the_start", "2003"),
        ("after_the_end", "2007"),
        ("nobody", "no unit is treated"),
    ],
)
def test_a_panel_that_cannot_carry_group_time_effects_is_refused(kind: str, words: str) -> None:
    years = range(2003, 2008)
    first = {1: 2004, 2: 2004, 3: 2007, 4: 2007, 5: 0, 6: 0}
    panel = pd.DataFrame(
        [(unit, year, float(unit * year % 7), start) for unit, start in first.items() for year in years],
        columns=["unit", "year", "outcome", "first_year"],
    )
    with pytest.raises(EstimationError, match=words):
        group_time(_fault(panel, kind))


def _simulated_averages(repository: Path, seeds: range, outcome: str) -> np.ndarray:
    """Group-time average of invented statistics, one for each seed."""
    study = load_study(repository / "study.yml")
    found = []
    for seed in seeds:
        numbers = simulated.invent(study, np.random.default_rng(seed))
        places = numbers.places[numbers.places["level"] == "authority"]
        values = numbers.values_of[outcome][places.index]
        treated = (places["first_year"] > 0).to_numpy()
        first = places["first_year"].to_numpy()[treated] - simulated.YEARS[0]
        found.append(effects.group_time_average(values[treated], first, values[~treated].mean(0)))
    return np.array(found)


@pytest.mark.parametrize("planted", [True, False])
@pytest.mark.parametrize("outcome", ["looked_after_rate", "starts_rate"])
def test_the_planted_effect_is_recovered_and_none_is_found_where_none_is(
    planted: bool, outcome: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = simulated.TRUTH[outcome] if planted else 0.0
    if not planted:
        monkeypatch.setattr(simulated, "TRUTH", {})
    found = _simulated_averages(repository, range(60), outcome)
    error = found.std(ddof=1) / np.sqrt(len(found))
    # Four Monte Carlo standard errors; a wrong sign or a lost year would be many times further off.
    assert abs(found.mean() - truth) < 4 * error
    assert error < 0.25
