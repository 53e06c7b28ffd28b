"""Profiled likelihood of a linear mixed model on cells: authority effects, and optionally cell effects.

The children of a cell share all covariates, so their mean and the sum of squares around it are sufficient.
With variances in units of the residual variance s2, M = diag(1 / n + cell) + authority J within an
authority is the covariance of the cell means, b = (X'M^-1 X)^-1 X'M^-1 y, e = y - X b and
rss = within + e'M^-1 e. Profiling b and s2 = rss / nu out leaves minus twice the log-likelihood as a
function of the two ratios,

    nu (1 + log(2 pi rss / nu)) + log|M| + sum log n + [REML] log|X'M^-1 X| ,

nu = N - p for REML, N for ML (Bates and others 2015, section 3). M^-1 is by Sherman and Morrison, so one
evaluation takes time linear in the cells. Derivatives by dM^-1 = -M^-1 dM M^-1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MixedData:
    """Sufficient statistics. Arrays of one entry per cell; `design` (cells, p).

    `inverse_weight` is the residual variance of a cell's mean in units of s2. Where the rows are children,
    `within` is their sum of squares inside cells, `n_rows` their number and `log_sizes` the sum of log n;
    where the rows are cells, 0, the number of cells and 0.
    """

    design: np.ndarray
    outcome: np.ndarray
    inverse_weight: np.ndarray
    cluster: np.ndarray
    within: float
    n_rows: int
    log_sizes: float
    reml: bool

    @property
    def freedom(self) -> int:
        """The nu of the module's text."""
        return self.n_rows - self.design.shape[1] * self.reml

    @property
    def membership(self) -> np.ndarray:
        """1 where a cell belongs to an authority. (authorities, cells)."""
        return (self.cluster == np.unique(self.cluster)[:, None]).astype(float)


@dataclass(frozen=True)
class MixedState:
    """The model at given variance ratios (authority, cell).

    Attributes
    ----------
    coefficients, covariance
        b, and its covariance in units of s2.
    residual_variance
        s2 = rss / nu.
    deviance, gradient
        Minus twice the profiled log-likelihood, and its derivatives by the two ratios.
    partial_gradient
        The same with s2 held where it is: of the terms other than rss, and of rss. (2, ratios).
    spread
        X'M^-1 G M^-1 X for the authority and the cell component. (2, p, p).
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    residual_variance: float
    deviance: float
    gradient: np.ndarray
    partial_gradient: np.ndarray
    spread: np.ndarray


def mixed_state(data: MixedData, ratios: np.ndarray) -> MixedState:
    """Evaluate the model at variance ratios (authority, cell), both at least 0."""
    member = data.membership
    solve, determinant, traces = covariance_inverse(data, member, ratios)
    solved = solve(data.design)
    bread = data.design.T @ solved
    covariance = np.linalg.inv(bread)
    coefficients = covariance @ (solved.T @ data.outcome)
    left = data.outcome - data.design @ coefficients
    weighted = solve(left)
    rss = data.within + float(left @ weighted)
    sums = member @ solved
    spread = np.stack([sums.T @ sums, solved.T @ solved])
    of_rss = -np.array([((member @ weighted) ** 2).sum(), weighted @ weighted])
    of_rest = traces - data.reml * np.einsum("pq,kqp->k", covariance, spread)
    constant = determinant + data.reml * np.linalg.slogdet(bread)[1]
    freedom = data.freedom
    return MixedState(
        coefficients=coefficients,
        covariance=covariance,
        residual_variance=rss / freedom,
        deviance=freedom * (1 + np.log(2 * np.pi * rss / freedom)) + constant + data.log_sizes,
        gradient=freedom * of_rss / rss + of_rest,
        partial_gradient=np.stack([of_rest, of_rss]),
        spread=spread,
    )


def covariance_inverse(
    data: MixedData, member: np.ndarray, ratios: np.ndarray
) -> tuple[Callable[[np.ndarray], np.ndarray], float, np.ndarray]:
    """A function that applies M^-1, log|M|, and the traces of M^-1 G for both components."""
    authority, cell = ratios
    own = 1 / (data.inverse_weight + cell)
    total = member @ own
    shrink = authority / (1 + authority * total)

    def solve(values: np.ndarray) -> np.ndarray:
        scaled = (values.T * own).T
        return scaled - (member.T * own[:, None]) @ ((member @ scaled).T * shrink).T

    determinant = float(np.log1p(authority * total).sum() - np.log(own).sum())
    of_cell = float(own.sum() - (shrink * (member @ own**2)).sum())
    of_authority = float((total / (1 + authority * total)).sum())
    return solve, determinant, np.array([of_authority, of_cell])
