"""Logit with fixed effects of authorities and periods, fitted by statsmodels (which `poisson` imports too).

Its model-based variance takes children of one authority as independent; `logit_variance` of
`cluster_variance` gives CR2 with Satterthwaite degrees of freedom.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import statsmodels.api as sm
from scipy import linalg, optimize
from scipy.special import expit
from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationWarning

from sfpc_book.estimate.estimate import NAN, not_estimable

ITERATIONS = 40
TOLERANCE = 1e-12  # change of the deviance, relative
RANK_TOLERANCE = 1e-9
NEAR_STEPS = 12
NEAR = 1e-3  # rise of the log-likelihood that a step promises, below which the start is good enough
# A predicted probability this near 0 or 1 makes the fit look at separation.
EXTREME = 1e-7
SEPARATED = 1e-6  # of the linear program's objective, with coefficients held between -1 and 1
SEPARATION = not_estimable("separation: a combination of covariates predicts the outcome perfectly")


@dataclass(frozen=True)
class Logit:
    """A fitted logit with n rows and k coefficients. Without status `ok` every number is NaN.

    `mean` (n,) are the fitted probabilities.
    """

    status: str
    coefficients: np.ndarray
    covariance: np.ndarray
    mean: np.ndarray
    log_likelihood: float = NAN


def fit_logit(design: np.ndarray, outcome: np.ndarray, *, weight: np.ndarray | None = None) -> Logit:
    """Maximum likelihood by iterated weighted least squares.

    Parameters
    ----------
    design
        (n, k), with dummies of authorities and periods.
    outcome
        (n,) of 0 and 1, or proportions with `weight` the number of children.

    Returns
    -------
    Logit with status `ok`, or `not_estimable: <cause>` for an outcome without variation, columns that say the
    same, separation, or no convergence.
    """
    design, outcome = np.asarray(design, dtype=float), np.asarray(outcome, dtype=float)
    weight = np.ones(len(outcome)) if weight is None else np.asarray(weight, dtype=float)
    cause = _cause(design[weight > 0], outcome[weight > 0])
    if cause:
        return _without_numbers(design, not_estimable(cause))
    model = sm.GLM(outcome, design, family=sm.families.Binomial(), freq_weights=weight)
    with warnings.catch_warnings(), np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("error", linalg.LinAlgWarning)
        fitted = model.fit(
            start_params=_near(design, outcome, weight), maxiter=ITERATIONS, tol=TOLERANCE,
            tol_criterion="deviance", wls_method="qr",
        )  # fmt: skip
    mean = expit(design @ fitted.params)
    extreme = not np.minimum(mean, 1 - mean).min() >= EXTREME  # true of one that is not a number, too
    converged = fitted.converged and np.isfinite(fitted.params).all()
    if (extreme or not converged) and is_separated(design[weight > 0], outcome[weight > 0]):
        return _without_numbers(design, SEPARATION)
    if not converged:
        return _without_numbers(design, not_estimable("not converged"))
    return Logit(
        status="ok",
        coefficients=fitted.params,
        covariance=np.asarray(fitted.cov_params()),
        mean=mean,
        log_likelihood=float(weight @ (outcome * np.log(mean) + (1 - outcome) * np.log1p(-mean))),
    )


def _near(design: np.ndarray, outcome: np.ndarray, weight: np.ndarray) -> np.ndarray | None:
    """Coefficients near the maximum, by Newton steps on matrices of products: quick, and for a start good
    enough. None where the steps do not settle."""
    beta = np.zeros(design.shape[1])
    for _ in range(NEAR_STEPS):
        mean = expit(design @ beta)
        root = np.sqrt(weight * mean * (1 - mean))
        scaled = design * root[:, None]
        slope = design.T @ (weight * (outcome - mean))
        try:
            step = linalg.solve(scaled.T @ scaled, slope, assume_a="pos")
        except (np.linalg.LinAlgError, linalg.LinAlgWarning):
            return None
        beta = beta + step
        if float(step @ slope) < NEAR:
            return beta
    return None


def is_separated(design: np.ndarray, outcome: np.ndarray) -> bool:
    """Whether a combination of columns splits events from the others, completely or but for ties.

    The linear program of Konis (2007): maximise the sum of s_i x_i'b under s_i x_i'b >= 0 and -1 <= b <= 1,
    with s_i = 1 for an event and -1 otherwise; a positive maximum is separation. Rows that are alike count
    once; a proportion between 0 and 1 is both an event and none.
    """
    signed = np.vstack([design[outcome > 0], -design[outcome < 1]])
    signed = np.unique(signed, axis=0)
    total = signed.sum(axis=0)
    found = optimize.linprog(-total, A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1), method="highs")
    return bool(-found.fun > SEPARATED)


def rank(matrix: np.ndarray) -> int:
    """Rank of an (n, k) matrix, by the singular values of its triangular factor: those of the matrix."""
    upper = np.linalg.qr(matrix, mode="r")
    return int(np.linalg.matrix_rank(upper, tol=RANK_TOLERANCE * np.linalg.norm(upper)))


def _cause(design: np.ndarray, outcome: np.ndarray) -> str | None:
    if len(outcome) == 0:
        return "no child with an observed outcome"
    if np.ptp(outcome) == 0:
        return "constant outcome"
    if rank(design) < design.shape[1]:
        return "covariates that say the same as others"
    return None


def _without_numbers(design: np.ndarray, status: str) -> Logit:
    n, k = design.shape
    return Logit(status, np.full(k, NAN), np.full((k, k), NAN), np.full(n, NAN))
