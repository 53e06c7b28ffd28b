"""Imputed covariates against the truth they were drawn from, and pooling against mice of R."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from estimate_frames import GOLDEN
from scipy.special import expit

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.imputation import MISSING, impute
from sfpc_book.estimate.logit import fit_logit
from sfpc_book.estimate.pooling import pool

STORED = 1e-12  # the reference is stored with 15 digits
REFERENCE = pd.read_csv(GOLDEN / "pool_expected.csv").set_index("case")


def numbers(text: str) -> np.ndarray:
    return np.array(text.split(), dtype=float)


@pytest.mark.parametrize("case", REFERENCE.index)
def test_pooled_estimates_equal_mice(case: str) -> None:
    expected = REFERENCE.loc[case]
    found = pool(numbers(expected["estimates"]), numbers(expected["std_errors"]), expected["df_complete"])
    for quantity in ("estimate", "std_error", "df", "missing_information"):
        assert getattr(found, quantity) == pytest.approx(expected[quantity], rel=STORED), quantity


def test_pooled_degrees_of_freedom_stay_below_those_of_the_authorities() -> None:
    assert pool(np.array([0.1, 0.1, 0.1]), np.array([0.2, 0.2, 0.2]), 3.7).df < 3.7
    assert pool(np.array([0.1, 0.5, 0.9]), np.array([0.2, 0.2, 0.2]), math.inf).df < math.inf


def test_hardly_any_missing_information_leaves_barnard_and_rubins_second_term() -> None:
    """n (n + 1) / (n + 3); mice stops short of it, taking the share of variance to be 0.0001 or more."""
    found = pool(2 + np.array([1e-6, -1e-6, 0, 2e-6]), np.full(4, 0.3), 12)
    assert found.df == pytest.approx(12 * 13 / 15, rel=1e-8)


@pytest.mark.parametrize("estimates", [[0.1], [0.1, math.nan], [0.1, math.inf]])
def test_what_cannot_be_pooled_is_refused(estimates: list[float]) -> None:
    with pytest.raises(EstimationError, match="at least two"):
        pool(np.array(estimates), np.full(len(estimates), 0.1), 4)


def world(seed: int = 8, n: int = 4000) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray]:
    """Covariates as they are, the same with values missing by the outcome, and what is known of everybody."""
    rng = np.random.default_rng(seed)
    group, level = rng.integers(0, 4, n), rng.choice(3, n, p=[0.6, 0.3, 0.1])
    flag = rng.binomial(1, expit(-1.5 + 1.2 * (level == 1)))
    outcome = rng.binomial(1, expit(-1.0 + 1.0 * flag + 0.7 * (level == 2) + 0.2 * group))
    truth = {"level": level, "flag": flag, "whole": rng.integers(0, 2, n)}
    sent = {
        "level": np.where(rng.random(n) < 0.25, MISSING, level),
        "flag": np.where(rng.random(n) < np.where(outcome == 1, 0.6, 0.1), MISSING, flag),
        "whole": truth["whole"],
    }
    fixed = np.column_stack([*(group == name for name in (1, 2, 3)), outcome]).astype(float)
    return truth, sent, fixed


def effects(covariates: dict[str, np.ndarray], fixed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of a logit of the outcome: the coefficients of the flag and of the third level, and their errors."""
    x = [np.ones(len(fixed)), covariates["flag"], covariates["level"] == 1, covariates["level"] == 2]
    fit = fit_logit(np.column_stack([*x, fixed[:, :3]]).astype(float), fixed[:, 3])
    return fit.coefficients[[1, 3]], np.sqrt(np.diag(fit.covariance))[[1, 3]]


def test_imputation_finds_effects_that_complete_cases_give_too() -> None:
    """The outcome decides what is missing, and takes part in the imputation: truth 1.0 and 0.7."""
    truth, sent, fixed = world()
    fits = [effects(data, fixed) for data in impute(sent, fixed, np.random.default_rng(1), number=10)]
    whole, errors = effects(truth, fixed)
    for place, value in enumerate((1.0, 0.7)):
        found = pool([fit[0][place] for fit in fits], [fit[1][place] for fit in fits], math.inf)
        assert abs(found.estimate - whole[place]) < 2 * math.sqrt(found.std_error**2 - errors[place] ** 2)
        assert abs(found.estimate - value) < 2.5 * found.std_error
        assert found.std_error > errors[place]
        assert 0.05 < found.missing_information < 0.8


def test_without_the_outcome_the_effect_is_diluted() -> None:
    _, sent, fixed = world()
    blind = [effects(data, fixed) for data in impute(sent, fixed[:, :3], np.random.default_rng(1), number=5)]
    seen = [effects(data, fixed) for data in impute(sent, fixed, np.random.default_rng(1), number=5)]
    assert np.mean([fit[0][0] for fit in blind]) < np.mean([fit[0][0] for fit in seen]) - 0.2


def test_observed_values_stay_and_missing_ones_are_filled() -> None:
    truth, sent, fixed = world(n=500)
    first, second = impute(sent, fixed, np.random.default_rng(3), number=2)
    again = next(impute(sent, fixed, np.random.default_rng(3), number=1))
    for name, codes in sent.items():
        known = codes != MISSING
        assert (first[name][known] == truth[name][known]).all()
        assert set(first[name]) <= set(truth[name])
        assert (first[name] == again[name]).all()
    assert (first["flag"] != second["flag"]).any()


def test_a_covariate_that_others_predict_perfectly_is_imputed_as_predicted() -> None:
    known = np.tile([0, 1], 300)
    copy = np.where(np.arange(600) < 60, MISSING, known)
    data = next(
        impute({"known": known, "copy": copy}, np.zeros((600, 0)), np.random.default_rng(5), number=1)
    )
    assert (data["copy"] == known).mean() > 0.98


@pytest.mark.parametrize(
    ("covariates", "fixed", "cause"),
    [
        ({"gone": np.full(5, MISSING)}, np.zeros((5, 1)), "'gone' has no observed value"),
        (
            {"flag": np.array([0, 1, MISSING])},
            np.array([[0.0], [1.0], [np.nan]]),
            "missing for some children",
        ),
    ],
)
def test_what_cannot_be_imputed_is_refused(covariates: dict, fixed: np.ndarray, cause: str) -> None:
    with pytest.raises(EstimationError, match=cause):
        next(impute(covariates, fixed, np.random.default_rng(1)))
