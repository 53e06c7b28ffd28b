"""Poisson regression with authority and period effects, fitted by statsmodels: counts, rates, days.

Fitted by quasi-likelihood: the estimates need the mean to be right, not the counts to be Poisson, and the
variance is the clustered one of `cluster_variance.model_variance`. An authority or period in which nothing
happened, or happened to the exposed only, has no finite coefficient; the fit then has a status and no number
(Santos Silva and Tenreyro 2010; Correia, Guimaraes and Zylkin 2019).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import statsmodels.api as sm
from scipy import optimize
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.estimate import NAN, not_estimable

ITERATIONS = 60
TOLERANCE = 1e-12  # change of the deviance, relative
RANK_TOLERANCE = 1e-9
SEPARATED = 1e-6  # of the linear program's objective, with coefficients held between -1 and 1
SEPARATION = not_estimable("no events in rows that a combination of exposure and effects sets apart")


@dataclass(frozen=True)
class PoissonFit:
    """A fitted model with n rows and k coefficients; without status `ok` every number is NaN. `mean` (n,)."""

    status: str
    coefficients: np.ndarray
    mean: np.ndarray


def fit_poisson(
    design: np.ndarray,
    outcome: np.ndarray,
    *,
    weight: np.ndarray | None = None,
    size: np.ndarray | None = None,
) -> PoissonFit:
    """Maximum quasi-likelihood by iterated weighted least squares.

    Parameters
    ----------
    design
        (n, k), with dummies of authorities and periods.
    outcome
        (n,) counts, or means with `weight` the number of children behind each, none below 0.
    size
        (n,) children behind each sum, whose logarithm is the offset; None for counts of one child.

    Returns
    -------
    PoissonFit with status `ok`, or `not_estimable: <cause>` without rows, without events, for columns that
    say the same, for rows set apart without events, or without convergence.

    Raises
    ------
    EstimationError
        For outcomes below 0 or not finite, weights below 0, sizes not above 0.
    """
    y = np.asarray(outcome, dtype=float)
    weight = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float)
    size = np.ones(len(y)) if size is None else np.asarray(size, dtype=float)
    _require_counts(y, weight, size)
    used = weight > 0
    cause = _cause(design[used], y[used])
    if cause:
        return _without_numbers(design, not_estimable(cause))
    if has_rows_apart(design[used], y[used]):
        return _without_numbers(design, SEPARATION)
    model = sm.GLM(y, design, family=sm.families.Poisson(), freq_weights=weight, offset=np.log(size))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = model.fit(maxiter=ITERATIONS, tol=TOLERANCE, tol_criterion="deviance", wls_method="qr")
    if not fitted.converged:
        return _without_numbers(design, not_estimable("not converged"))
    return PoissonFit("ok", np.asarray(fitted.params), np.asarray(fitted.fittedvalues))


def has_rows_apart(design: np.ndarray, outcome: np.ndarray) -> bool:
    """Whether a combination of columns is 0 in all rows with events, never above 0, and below 0 in some row
    without: along it the likelihood grows without end."""
    quiet, busy = np.unique(design[outcome == 0], axis=0), np.unique(design[outcome > 0], axis=0)
    if not len(quiet):
        return False
    found = optimize.linprog(
        quiet.sum(axis=0),
        A_ub=quiet,
        b_ub=np.zeros(len(quiet)),
        A_eq=busy,
        b_eq=np.zeros(len(busy)),
        bounds=(-1, 1),
        method="highs",
    )
    return bool(-found.fun > SEPARATED)


def _require_counts(outcome: np.ndarray, weight: np.ndarray, size: np.ndarray) -> None:
    checks = [
        (np.isfinite(outcome) & (outcome >= 0), "outcomes below 0 or not finite; counts are 0 or more"),
        (np.isfinite(weight) & (weight >= 0), "weights below 0 or not finite; they are numbers of children"),
        (np.isfinite(size) & (size > 0), "sizes that are not above 0; their logarithm is the offset"),
    ]
    problems = [f"{(~sound).sum()} {text}" for sound, text in checks if not sound.all()]
    if problems:
        raise EstimationError("A Poisson model cannot be fitted to rows with:", problems)


def _cause(design: np.ndarray, outcome: np.ndarray) -> str | None:
    if not len(outcome):
        return "no child with an observed outcome"
    if not outcome.any():
        return "no events"
    if np.linalg.matrix_rank(design, tol=RANK_TOLERANCE * np.linalg.norm(design)) < design.shape[1]:
        return "covariates that say the same as others"
    return None


def _without_numbers(design: np.ndarray, status: str) -> PoissonFit:
    n, k = design.shape
    return PoissonFit(status, np.full(k, NAN), np.full(n, NAN))
