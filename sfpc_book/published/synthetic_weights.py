"""Synthetic difference-in-differences and synthetic control for one date of adoption, as in R's synthdid.

Arkhangelsky, D., Athey, S., Hirshberg, D. A., Imbens, G. W. and Wager, S. (2021), Synthetic difference-in-
differences, American Economic Review 111(12), 4088-4118. Weights come from diff-diff, whose Frank-Wolfe steps
are those of synthdid, with its penalties and its limit of 10,000 steps: at that limit synthdid stops and
reports, and so does this. The synthetic control has next to no penalty, so its weights are the less settled:
on California's Proposition 99 the exact minimum gives -19.51 where both programs give -19.62.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from diff_diff.utils import compute_sdid_unit_weights, compute_time_weights

from sfpc_book.errors import EstimationError
from sfpc_book.published.effects import Placebo, allocations

NEXT_TO_NOTHING = 1e-6  # penalty of synthetic control and of time weights, relative to the noise
PRECISION = 1e-5  # smallest decrease of a step, relative to the noise
NO_NOISE = 1e-12  # relative to the largest outcome
DRAWS, SEED = 500, 20210901
Estimator = Callable[[np.ndarray, np.ndarray, int], float]


def synthetic_did(treated: np.ndarray, controls: np.ndarray, before: int) -> float:
    """Change of the treated less that of weighted controls, between weighted years before and all after.

    Parameters
    ----------
    treated, controls : (units, years) float
    before : int
        Years before adoption, at least 2; there is at least one after.

    Raises
    ------
    EstimationError
        If the controls have no noise before adoption.
    """
    units, times = did_weights(treated, controls, before)
    return _change(treated.mean(0), before, times) - _change(units @ controls, before, times)


def did_weights(treated: np.ndarray, controls: np.ndarray, before: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the controls and of the years before adoption. Shapes (controls,), (before,)."""
    noise = _noise(controls, before)
    penalty = (len(treated) * (controls.shape[1] - before)) ** 0.25 * noise
    units = _unit_weights(treated, controls, before, penalty, noise, intercept=True)
    times, _ = compute_time_weights(
        _by_year(controls[:, :before]),
        _by_year(controls[:, before:]),
        zeta_lambda=NEXT_TO_NOTHING * noise,
        min_decrease=PRECISION * noise,
        return_convergence=True,
    )
    return units, times


def synthetic_control(treated: np.ndarray, controls: np.ndarray, before: int) -> float:
    """Mean outcome of the treated after adoption less that of controls weighted to match the years before."""
    noise = _noise(controls, before)
    units = _unit_weights(treated, controls, before, NEXT_TO_NOTHING * noise, noise, intercept=False)
    return float((treated.mean(0) - units @ controls)[before:].mean())


def placebo(estimator: Estimator, treated: np.ndarray, controls: np.ndarray, before: int) -> Placebo:
    """The estimate beside those of as many controls that are called treated, the treated left out.

    All choices of controls where there are at most `DRAWS`, else so many at random.
    """
    draws = [
        estimator(controls[chosen], np.delete(controls, chosen, axis=0), before)
        for chosen in allocations(len(controls), [len(treated)], most=DRAWS, seed=SEED)
    ]
    return Placebo(estimator(treated, controls, before), np.array(draws))


def _unit_weights(
    treated: np.ndarray, controls: np.ndarray, before: int, penalty: float, noise: float, *, intercept: bool
) -> np.ndarray:
    # The second value says whether the steps ended before their limit; see the module's text.
    weights, _ = compute_sdid_unit_weights(
        _by_year(controls[:, :before]),
        treated[:, :before].mean(0),
        zeta_omega=penalty,
        intercept=intercept,
        min_decrease=PRECISION * noise,
        return_convergence=True,
    )
    return weights


def _change(series: np.ndarray, before: int, times: np.ndarray) -> float:
    return float(series[before:].mean() - series[:before] @ times)


def _noise(controls: np.ndarray, before: int) -> float:
    """Standard deviation of the controls' yearly changes before adoption.

    Raises
    ------
    EstimationError
        If they all change alike: penalties and precision are relative to it.
    """
    noise = float(np.diff(controls[:, :before], axis=1).std(ddof=1))
    if not noise > NO_NOISE * float(np.abs(controls).max()):
        raise EstimationError("the controls change all alike before adoption: there is nothing to weight by")
    return noise


def _by_year(outcome: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(outcome.T)
