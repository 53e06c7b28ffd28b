"""Mixed logit: a random intercept of each authority, and if wanted of each authority in each period.

The protocols name this model. It is fitted by maximum likelihood (Laplace, or adaptive quadrature over the
authorities) with the exact gradient of `random_effects`, and counts as converged only if the gradient is
nearly 0, the Hessian is positive definite, and a second optimiser from another start finds the same place.
With four or five authorities its normal intervals are too narrow (see the methods page): it stands beside
the randomisation result and does not lead.

Tested against lme4 (R): Laplace, and 15-point quadrature.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.estimate import NAN, not_estimable
from sfpc_book.estimate.logit import fit_logit
from sfpc_book.estimate.random_effects import Rows, laplace, quadrature

GRADIENT = 1e-5  # of the log-likelihood, along steps of one standard error
AGREEMENT = 1e-6  # log-likelihood of the two optimisers
DIFFERENCE = 1e-4  # step for the Hessian, in standard errors: the gradient is exact to about 1e-10
OPTIMISERS = {"BFGS": {"gtol": 1e-4}, "L-BFGS-B": {"gtol": 1e-4, "ftol": 1e-14}}
STARTS = (0.3, 1.0)  # standard deviation of authorities from which each optimiser sets out
NO_SPREAD = 1e-4  # a standard deviation below this is on the boundary
POLISHING_STEPS = 4


@dataclass(frozen=True)
class MixedLogit:
    """A fitted mixed logit. Without status `ok` every number is NaN.

    Attributes
    ----------
    coefficients, covariance
        (k,) and (k, k), on the logit scale; the covariance allows for the estimation of the deviations.
    deviations
        Standard deviation of the intercepts of each grouping; 0 on the boundary.
    gradient
        Largest slope of the log-likelihood over a step of one standard error, at the end.
    disagreement
        Difference of the log-likelihoods that the two optimisers reached.
    """

    status: str
    coefficients: np.ndarray
    covariance: np.ndarray
    deviations: np.ndarray
    log_likelihood: float = NAN
    gradient: float = NAN
    disagreement: float = NAN


def fit_mixed_logit(
    design: np.ndarray,
    outcome: np.ndarray,
    groups: tuple[np.ndarray, ...],
    *,
    weight: np.ndarray | None = None,
    nodes: int = 1,
) -> MixedLogit:
    """Fit by maximum likelihood.

    Parameters
    ----------
    design
        (n, k) of full rank, with an intercept; fixed effects other than the random intercepts.
    outcome
        (n,) of 0 and 1, or proportions with `weight` the number of children.
    groups
        One array (n,) of labels for each random intercept: authorities, then authority-periods if wanted.
    nodes
        1 is Laplace; more is adaptive quadrature, for one grouping only.

    Returns
    -------
    MixedLogit with status `ok` or `not_estimable: <cause>`.

    Raises
    ------
    EstimationError
        If quadrature is asked for with several groupings.
    """
    if nodes > 1 and len(groups) > 1:
        raise EstimationError("Adaptive quadrature takes one grouping; use nodes=1 for several.")
    rows = _rows(design, outcome, groups, weight)
    plain = fit_logit(design, outcome, weight=weight)
    if plain.status != "ok":
        return _without_numbers(rows, plain.status)
    likelihood = _Likelihood(rows, nodes, linalg.cholesky(plain.covariance, lower=True))
    try:
        return _fitted(likelihood, plain.coefficients)
    except (EstimationError, np.linalg.LinAlgError) as error:
        return _without_numbers(rows, not_estimable(f"not converged ({error})"))


class _Likelihood:
    """The log-likelihood in standardised coordinates: coefficients in steps of one standard error of the
    plain logit, so that its Hessian is near the identity. Remembers the last random effects as a start."""

    def __init__(self, rows: Rows, nodes: int, step: np.ndarray) -> None:
        self.rows, self.nodes, self.step = rows, nodes, step
        self.start = np.zeros(sum(rows.sizes))

    def split(self, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients and deviations of a point."""
        k = self.rows.design.shape[1]
        return self.step @ point[:k], point[k:]

    def point(self, beta: np.ndarray, deviation: float) -> np.ndarray:
        """The point of coefficients, with one deviation for every grouping."""
        scaled = linalg.solve_triangular(self.step, beta, lower=True)
        return np.append(scaled, np.full(len(self.rows.groups), deviation))

    def negative(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Minus the log-likelihood, and its gradient."""
        beta, theta = self.split(point)
        if self.nodes > 1:
            value, slope, self.start = quadrature(self.rows, beta, theta, self.start, self.nodes)
        else:
            value, slope, self.start = laplace(self.rows, beta, theta, self.start)
        k = len(beta)
        return -value, -np.append(self.step.T @ slope[:k], slope[k:])

    def hessian(self, point: np.ndarray) -> np.ndarray:
        """Second derivatives of minus the log-likelihood, by central differences of the exact gradient."""
        steps = DIFFERENCE * np.eye(len(point))
        rows = [self.negative(point + step)[1] - self.negative(point - step)[1] for step in steps]
        found = np.array(rows) / (2 * DIFFERENCE)
        return (found + found.T) / 2


def _fitted(likelihood: _Likelihood, beta: np.ndarray) -> MixedLogit:
    one, other = (
        optimize.minimize(
            likelihood.negative, likelihood.point(beta, start), jac=True, method=method, options=options
        )
        for (method, options), start in zip(OPTIMISERS.items(), STARTS, strict=True)
    )
    point, hessian = _polished(likelihood, min(one, other, key=lambda found: found.fun).x)
    value, slope = likelihood.negative(point)
    disagreement = max(one.fun, other.fun) - value
    inside = np.append(np.ones(len(beta), dtype=bool), np.abs(point[len(beta) :]) > NO_SPREAD)
    fault = _fault(slope[inside], hessian[np.ix_(inside, inside)], disagreement)
    if fault:
        return _without_numbers(likelihood.rows, not_estimable(f"not converged ({fault})"))
    inverse = np.linalg.inv(hessian[np.ix_(inside, inside)])[: len(beta), : len(beta)]
    coefficients, deviations = likelihood.split(point)
    return MixedLogit(
        status="ok",
        coefficients=coefficients,
        covariance=likelihood.step @ inverse @ likelihood.step.T,
        deviations=np.where(inside[len(beta) :], np.abs(deviations), 0.0),
        log_likelihood=-value,
        gradient=float(np.max(np.abs(slope[inside]))),
        disagreement=float(disagreement),
    )


def _polished(likelihood: _Likelihood, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Newton steps from where the optimisers stopped, with the Hessian taken once there."""
    hessian = likelihood.hessian(point)
    value, slope = likelihood.negative(point)
    for _ in range(POLISHING_STEPS):
        tried = point - np.linalg.lstsq(hessian, slope, rcond=None)[0]
        lower, flatter = likelihood.negative(tried)
        if not lower <= value:
            break
        point, value, slope = tried, lower, flatter
    return point, hessian


def _fault(slope: np.ndarray, hessian: np.ndarray, disagreement: float) -> str | None:
    """Which part of the rule of convergence fails, or None."""
    if not np.all(np.isfinite(slope)) or np.max(np.abs(slope)) > GRADIENT:
        return "the gradient is not 0"
    if np.linalg.eigvalsh(hessian)[0] <= 0:
        return "the Hessian is not positive definite"
    return "two optimisers disagree" if not disagreement < AGREEMENT else None


def _rows(
    design: np.ndarray, outcome: np.ndarray, groups: tuple[np.ndarray, ...], weight: np.ndarray | None
) -> Rows:
    coded = [np.unique(group, return_inverse=True) for group in groups]
    return Rows(
        np.asarray(design, dtype=float),
        np.asarray(outcome, dtype=float),
        np.ones(len(outcome)) if weight is None else np.asarray(weight, dtype=float),
        tuple(codes for _, codes in coded),
        tuple(len(names) for names, _ in coded),
    )


def _without_numbers(rows: Rows, status: str) -> MixedLogit:
    k = rows.design.shape[1]
    return MixedLogit(status, np.full(k, NAN), np.full((k, k), NAN), np.full(len(rows.groups), NAN))
