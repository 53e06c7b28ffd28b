"""Degrees of freedom of the mixed model's effect: Satterthwaite's, and Kenward and Roger's with their error.

*Satterthwaite*, as in lmerTest (Kuznetsova and others 2017): 2 f^2 / (g'A g), f the variance of the
effect, g its gradient by the variance parameters and A twice the inverse Hessian of the deviance. A
variance at 0 drops out.

*Kenward and Roger* (1997), as in pbkrtest (Halekoh and Hojsgaard 2014). The covariance of the rows is
V = sum_k v_k G_k with v = (residual, authority, cell). With Phi the covariance of the coefficients at the
REML variances, P_k = -X'V^-1 G_k V^-1 X, Q_kl = X'V^-1 G_k V^-1 G_l V^-1 X and W twice the inverse of the
expected information tr(V^-1 G_k V^-1 G_l) - 2 tr(Phi Q_kl) + tr(Phi P_k Phi P_l),

    Phi_A = Phi + 2 Phi [sum_kl W_kl (Q_kl - P_k Phi P_l)] Phi

is the covariance with the bias and the uncertainty of the variances allowed for. For one coefficient the
degrees of freedom reduce to 2 Phi_00^2 / sum_kl W_kl (Phi P_k Phi)_00 (Phi P_l Phi)_00. Variances at 0
stay in.

In the basis of cell means all matrices are cells by cells; the within-cell part, where V = residual I, adds
(rows - cells) / residual^2 to the information on the residual variance alone.
"""

from __future__ import annotations

import math

import numpy as np

from sfpc_book.estimate.mixed_likelihood import CellCovariance, MixedData, MixedState, mixed_state

STEP = 1e-4  # in the log of a ratio, for differences of an exact gradient


def satterthwaite(data: MixedData, state: MixedState, ratios: np.ndarray) -> float:
    """Degrees of freedom of the first coefficient, by the logs of s2 and of the positive ratios."""
    inside = np.flatnonzero(ratios > 0)
    s2, freedom = state.residual_variance, data.freedom
    hessian = np.zeros((1 + len(inside), 1 + len(inside)))
    hessian[0, 0] = freedom
    for row, k in enumerate(inside, start=1):
        sides = []
        for sign in (1, -1):
            moved = ratios.copy()
            moved[k] *= math.exp(sign * STEP)
            rest, rss = mixed_state(data, moved).partial_gradient
            sides.append((rest + rss / s2)[inside] * moved[inside])
        hessian[row, 1:] = (sides[0] - sides[1]) / (2 * STEP)
        hessian[0, row] = hessian[row, 0] = -state.partial_gradient[1][k] * ratios[k] / s2
    variance = state.covariance[0, 0]
    moves = [(state.covariance @ state.spread[k] @ state.covariance)[0, 0] * ratios[k] for k in inside]
    gradient = np.array([variance, *moves])
    return float(2 * variance**2 / (gradient @ (2 * np.linalg.solve(hessian, gradient))))


def kenward_roger(
    data: MixedData, ratios: np.ndarray, free: np.ndarray, residual_variance: float
) -> tuple[float, float]:
    """Standard error and degrees of freedom of the first coefficient.

    Parameters
    ----------
    ratios, free
        Variance ratios (authority, cell), and which of them belong to the model.
    """
    member = data.membership
    inverse = CellCovariance.at(data, ratios).solve(np.eye(len(data.outcome))) / residual_variance
    kept = [True, *free.tolist()]
    parts = [np.diag(data.inverse_weight), member.T @ member, np.eye(len(data.outcome))]
    products = [inverse @ part for part, keep in zip(parts, kept, strict=True) if keep]
    x = data.design
    phi = np.linalg.inv(x.T @ inverse @ x)
    p = [-x.T @ product @ inverse @ x for product in products]
    q = [[x.T @ first @ second @ inverse @ x for second in products] for first in products]
    trace = np.array([[np.sum(first * second.T) for second in products] for first in products])
    trace[0, 0] += (data.n_rows - len(data.outcome)) / residual_variance**2
    pairs = [(k, m) for k in range(len(p)) for m in range(len(p))]
    information = trace.copy()
    for k, m in pairs:
        information[k, m] += np.trace(phi @ p[k] @ phi @ p[m]) - 2 * np.trace(phi @ q[k][m])
    w = 2 * np.linalg.pinv(information, hermitian=True)
    correction = sum(w[k, m] * (q[k][m] - p[k] @ phi @ p[m]) for k, m in pairs)
    adjusted = phi + 2 * phi @ correction @ phi
    moves = np.array([(phi @ part @ phi)[0, 0] for part in p])
    return math.sqrt(adjusted[0, 0]), float(2 * phi[0, 0] ** 2 / (moves @ w @ moves))
