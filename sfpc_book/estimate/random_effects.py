"""The likelihood of a logit with random intercepts, and its exact gradient.

With standardised random effects u ~ N(0, I), scales theta (one for each grouping of children) and
eta_i = x_i'b + sum_j theta_j u_j[i], let

    h(u) = sum_i w_i (y_i eta_i - log(1 + exp(eta_i))) - u'u / 2 .

*Laplace* (what lme4 does by default): the log-likelihood is h(u*) - log det D / 2, where u* maximises h and
D = I + L Z'VZ L, with V the working weights w_i mu_i (1 - mu_i), Z the indicators of groups and L the scale
of each random effect. Its derivative needs that of u*, by the implicit function theorem
du*/db = -D^-1 L Z'VX, and that of D, through dV/deta = w mu (1 - mu)(1 - 2 mu): with r = w (y - mu),
c_i = z_i'L D^-1 L z_i and t = c dV/deta / 2

    d/db       = X' (r - t + V Z L D^-1 L Z't)
    d/dtheta_j = r'Z_j u_j - tr(D^-1 E_j Z'VZ L) - t'(Z_j u_j + Z L du*/dtheta_j),
    du*/dtheta_j = D^-1 (E_j Z'r - L Z'V Z_j u_j),

E_j being the identity on the effects of grouping j and 0 elsewhere.

*Adaptive quadrature* (Pinheiro and Bates 1995) integrates exp(h) over one grouping's effects with
Gauss-Hermite nodes placed at u* and spread by D^(-1/2); one node is Laplace. Its gradient is the mean of the
gradient of h over the nodes, which holds up to the error of the quadrature itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from sfpc_book.errors import EstimationError

MODE_STEPS = 50
MODE_STEP = 1e-8  # in standard deviations of u; Newton's next step would be of the order of its square
HALVINGS = 30
NOISE = 1e-11  # of h, relative: a fall that small is rounding, not a step too far


@dataclass(frozen=True)
class Rows:
    """Children as arrays: design (n, k), outcome (n,) in 0 to 1, weight (n,), and groupings.

    `groups` holds one integer array (n,) for each grouping, numbering its groups from 0; `sizes` how many
    groups each has.
    """

    design: np.ndarray
    outcome: np.ndarray
    weight: np.ndarray
    groups: tuple[np.ndarray, ...]
    sizes: tuple[int, ...]

    @property
    def blocks(self) -> tuple[slice, ...]:
        """Where the effects of each grouping stand in the vector of all random effects."""
        ends = np.cumsum(self.sizes)
        return tuple(slice(end - size, end) for end, size in zip(ends, self.sizes, strict=True))

    def scales(self, theta: np.ndarray) -> np.ndarray:
        """Scale of each random effect: `theta` of its grouping."""
        return np.repeat(theta, self.sizes)

    def spread(self, effects: np.ndarray) -> np.ndarray:
        """Z times a vector of random effects: for each child the sum of its groups' effects."""
        parts = zip(self.groups, self.blocks, strict=True)
        return sum((effects[block][group] for group, block in parts), np.zeros(len(self.outcome)))

    def gather(self, values: np.ndarray) -> np.ndarray:
        """Z' times a vector over children, or a matrix with one row for each child."""
        return np.concatenate(
            [_sums(group, values, size) for group, size in zip(self.groups, self.sizes, strict=True)]
        )

    def cross(self, weight: np.ndarray) -> np.ndarray:
        """Z' diag(weight) Z."""
        if len(self.groups) == 1:
            return np.diag(_sums(self.groups[0], weight, self.sizes[0]))
        parts = list(zip(self.groups, self.sizes, strict=True))
        return np.block([[_pair_sums(a, n_a, b, n_b, weight) for b, n_b in parts] for a, n_a in parts])


def _sums(group: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    if values.ndim == 1:
        return np.bincount(group, weights=values, minlength=size)
    return np.column_stack([np.bincount(group, weights=column, minlength=size) for column in values.T])


def _pair_sums(a: np.ndarray, n_a: int, b: np.ndarray, n_b: int, weight: np.ndarray) -> np.ndarray:
    return np.bincount(a * n_b + b, weights=weight, minlength=n_a * n_b).reshape(n_a, n_b)


@dataclass(frozen=True)
class Mode:
    """The most likely random effects at given coefficients, and what the likelihood needs there."""

    effects: np.ndarray
    height: float
    residual: np.ndarray
    working: np.ndarray
    mean: np.ndarray
    precision: np.ndarray


def mode(rows: Rows, fixed: np.ndarray, scales: np.ndarray, start: np.ndarray) -> Mode:
    """Maximise h over the random effects by Newton steps, halved where they would go down.

    `fixed` is X b, (n,); h is strictly concave, so there is one maximum.

    Raises
    ------
    EstimationError
        If the steps do not settle, as with coefficients that are not numbers.
    """
    found = _at(rows, fixed, scales, start)
    for _ in range(MODE_STEPS):
        slope = scales * rows.gather(found.residual) - found.effects
        step = np.linalg.solve(found.precision, slope)
        if np.max(np.abs(step), initial=0.0) < MODE_STEP:
            return _at(rows, fixed, scales, found.effects + step)
        found = _uphill(rows, fixed, scales, found, step)
    raise EstimationError(f"The most likely random effects were not found in {MODE_STEPS} steps")


def _uphill(rows: Rows, fixed: np.ndarray, scales: np.ndarray, found: Mode, step: np.ndarray) -> Mode:
    enough = found.height - NOISE * (1 + abs(found.height))
    for halving in range(HALVINGS):
        tried = _at(rows, fixed, scales, found.effects + step / 2**halving)
        if tried.height >= enough:
            return tried
    return found


def _at(rows: Rows, fixed: np.ndarray, scales: np.ndarray, effects: np.ndarray) -> Mode:
    eta = fixed + rows.spread(scales * effects)
    mean, softplus = _mean_and_softplus(eta)
    working = rows.weight * mean * (1 - mean)
    height = float(rows.weight @ (rows.outcome * eta - softplus) - effects @ effects / 2)
    precision = np.eye(len(effects)) + scales[:, None] * rows.cross(working) * scales
    return Mode(effects, height, rows.weight * (rows.outcome - mean), working, mean, precision)


def _mean_and_softplus(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean, and log(1 + exp(eta)), by one exponential that cannot overflow."""
    small = np.exp(-np.abs(eta))
    return np.where(eta > 0, 1.0, small) / (1 + small), np.maximum(eta, 0) + np.log1p(small)


def laplace(
    rows: Rows, beta: np.ndarray, theta: np.ndarray, start: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log-likelihood by Laplace's method, its gradient (k + groupings,), and u* to start the next call."""
    scales = rows.scales(theta)
    found = mode(rows, rows.design @ beta, scales, start)
    inverse = np.linalg.inv(found.precision)
    value = found.height - np.linalg.slogdet(found.precision)[1] / 2
    scaled = scales[:, None] * inverse * scales
    slope = found.working * (1 - 2 * found.mean)
    turn = slope * _leverage(rows, scaled) / 2
    back = scaled @ rows.gather(turn)
    by_beta = rows.design.T @ (found.residual - turn + found.working * rows.spread(back))
    by_theta = [_by_scale(rows, found, scales, inverse, turn, block) for block in rows.blocks]
    return value, np.concatenate([by_beta, by_theta]), found.effects


def _leverage(rows: Rows, scaled: np.ndarray) -> np.ndarray:
    """z_i' M z_i for each child, M the scaled inverse."""
    parts = list(zip(rows.groups, rows.blocks, strict=True))
    return sum(scaled[a, :][:, b][group_a, group_b] for group_a, a in parts for group_b, b in parts)


def _by_scale(
    rows: Rows, found: Mode, scales: np.ndarray, inverse: np.ndarray, turn: np.ndarray, block: slice
) -> float:
    inside = np.zeros(len(scales))
    inside[block] = 1.0
    direct = rows.spread(inside * found.effects)  # Z_j u_j
    weighted = rows.cross(found.working)
    trace = float(np.sum((inverse * inside) * (weighted * scales).T))
    moved = inside * rows.gather(found.residual) - scales * rows.gather(found.working * direct)
    shift = rows.spread(scales * (inverse @ moved))
    return float(found.residual @ direct - trace - turn @ (direct + shift))


def quadrature(
    rows: Rows, beta: np.ndarray, theta: np.ndarray, start: np.ndarray, nodes: int
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log-likelihood by adaptive Gauss-Hermite quadrature over one grouping; results as of `laplace`."""
    group, size = rows.groups[0], rows.sizes[0]
    fixed, scale = rows.design @ beta, float(theta[0])
    found = mode(rows, fixed, rows.scales(theta), start)
    points, weights = np.polynomial.hermite.hermgauss(nodes)
    spread = 1 / np.sqrt(np.diag(found.precision))
    effects = found.effects[:, None] + np.sqrt(2) * spread[:, None] * points  # (groups, nodes)
    eta = fixed[:, None] + scale * effects[group]
    mean, softplus = _mean_and_softplus(eta)
    heights = _sums(group, rows.weight[:, None] * (rows.outcome[:, None] * eta - softplus), size)
    logs = (
        heights - effects**2 / 2 + np.log(weights) + points**2 + np.log(spread)[:, None] - np.log(np.pi) / 2
    )
    value = logsumexp(logs, axis=1)
    share = np.exp(logs - value[:, None])
    residual = rows.weight[:, None] * (rows.outcome[:, None] - mean)
    by_beta = rows.design.T @ np.sum(residual * share[group], axis=1)
    by_theta = np.sum(share * effects * _sums(group, residual, size))
    return float(value.sum()), np.append(by_beta, by_theta), found.effects
