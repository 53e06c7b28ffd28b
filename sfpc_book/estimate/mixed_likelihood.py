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


@dataclass(frozen=True)
class CellCovariance:
    """M at given ratios, inverted by Sherman and Morrison.

    With a = 1 / (1 / n + cell), t its sum over an authority and m the a-weighted mean of v there,
    M^-1 v = a (v - m + m / (1 + authority t)): no cancellation, however large the authority ratio.
    """

    member: np.ndarray
    own: np.ndarray
    total: np.ndarray
    growth: np.ndarray

    @classmethod
    def at(cls, data: MixedData, ratios: np.ndarray) -> CellCovariance:
        """Evaluate at variance ratios (authority, cell)."""
        own = 1 / (data.inverse_weight + ratios[1])
        total = data.membership @ own
        return cls(data.membership, own, total, 1 + ratios[0] * total)

    def means(self, values: np.ndarray) -> np.ndarray:
        """The a-weighted mean of each column in each authority."""
        return ((self.member * self.own) @ values) / self.total[:, None]

    def solve(self, values: np.ndarray) -> np.ndarray:
        """M^-1 times the columns of `values` (cells, columns)."""
        means = self.means(values)
        return self.own[:, None] * (values - self.member.T @ (means * (1 - 1 / self.growth)[:, None]))

    def solved_sums(self, values: np.ndarray) -> np.ndarray:
        """The sum over each authority of M^-1 times `values`."""
        return self.means(values) * (self.total / self.growth)[:, None]

    def log_determinant(self) -> float:
        return float(np.log(self.growth).sum() - np.log(self.own).sum())

    def traces(self) -> np.ndarray:
        """Traces of M^-1 G for the authority and the cell component."""
        of_authority = (self.total / self.growth).sum()
        lost = (self.member @ self.own**2) / self.total * (1 - 1 / self.growth)
        return np.array([of_authority, self.own.sum() - lost.sum()])


def mixed_state(data: MixedData, ratios: np.ndarray) -> MixedState:
    """Evaluate the model at variance ratios (authority, cell), both at least 0."""
    covariance_of_means = CellCovariance.at(data, ratios)
    solved, sums = covariance_of_means.solve(data.design), covariance_of_means.solved_sums(data.design)
    bread = data.design.T @ solved
    covariance = np.linalg.inv(bread)
    coefficients = covariance @ (solved.T @ data.outcome)
    left = (data.outcome - data.design @ coefficients)[:, None]
    weighted = covariance_of_means.solve(left)
    rss = data.within + float((left * weighted).sum())
    spread = np.stack([sums.T @ sums, solved.T @ solved])
    of_rss = -np.array([(covariance_of_means.solved_sums(left) ** 2).sum(), (weighted**2).sum()])
    of_rest = covariance_of_means.traces() - data.reml * np.einsum("pq,kqp->k", covariance, spread)
    constant = covariance_of_means.log_determinant() + data.reml * np.linalg.slogdet(bread)[1]
    freedom = data.freedom
    return MixedState(
        coefficients=coefficients,
        covariance=covariance,
        residual_variance=rss / freedom,
        deviance=float(freedom * (1 + np.log(2 * np.pi * rss / freedom)) + constant + data.log_sizes),
        gradient=freedom * of_rss / rss + of_rest,
        partial_gradient=np.stack([of_rest, of_rss]),
        spread=spread,
    )
