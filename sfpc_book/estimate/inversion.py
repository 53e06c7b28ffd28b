"""Confidence sets by inverting a randomisation test, without a grid.

Under the hypothesis that exposure adds t to every cell, the outcome without exposure is known, and every
admissible order has a statistic that is a simple function of t. For each order the values of t at which it is
at least as extreme as the observed order are bounded by roots of a polynomial. Sweeping over all roots from
left to right gives the number of extreme orders, hence the p-value, at every t.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

REAL_ROOT = 1e-7  # a root counts as real if its imaginary part is below this, relative to its size
LEADING = 1e-14  # a leading coefficient this small beside the largest is 0


@dataclass(frozen=True)
class ExceedanceCurve:
    """Number of extreme orders as a step function of the hypothesised effect.

    Attributes
    ----------
    points
        Values of the effect at which the number changes, ascending.
    counts
        Largest number of extreme orders at each point, the point itself included.
    far_left, far_right
        Number of extreme orders towards minus and plus infinity.
    n_orders
        Number of orders, the observed one included.
    """

    points: np.ndarray
    counts: np.ndarray
    far_left: int
    far_right: int
    n_orders: int

    def level_maximum(self) -> float:
        """Highest level at which the confidence set is bounded on both sides; 0 when there is none."""
        return 1 - max(self.far_left, self.far_right) / self.n_orders

    def confidence_set(self, conf_level: float) -> tuple[float, float]:
        """Smallest interval that holds every effect with p above 1 - conf_level; may be infinite."""
        threshold = math.floor((1 - conf_level) * self.n_orders + 1e-9)
        inside = self.points[self.counts > threshold]
        low = -math.inf if self.far_left > threshold else float(inside[0])
        high = math.inf if self.far_right > threshold else float(inside[-1])
        return low, high


def exceedance_curve(polynomials: np.ndarray, always: int, centre: float, scale: float) -> ExceedanceCurve:
    """Sweep over polynomials, one for each order, that are >= 0 where the order is extreme.

    Parameters
    ----------
    polynomials
        (orders, degree + 1), highest power first, in x = (effect - centre) / scale.
    always
        Orders extreme at every effect (the observed one and those that cannot be told from it).
    """
    roots = _real_roots(polynomials)
    inside = _sign_between(polynomials, roots)
    change = np.diff(inside.astype(int), axis=1)
    used = np.isfinite(roots) & (change != 0)
    points, steps = roots[used], change[used]
    order = np.lexsort((-steps, points))
    points, steps = points[order], steps[order]
    far_left = always + int(inside[:, 0].sum())
    counts = far_left + np.cumsum(steps)
    # at a point where an order stops being extreme it still is: closed sets
    counts = counts - np.minimum(steps, 0)
    return ExceedanceCurve(
        points=centre + scale * points,
        counts=counts,
        far_left=far_left,
        far_right=far_left + int(steps.sum()),
        n_orders=always + len(polynomials),
    )


def studentised_polynomials(
    effect: np.ndarray, of_exposure: np.ndarray, fixed: np.ndarray, slope: np.ndarray, variance: float
) -> np.ndarray:
    """Polynomials for `exceedance_curve` of a statistic over its clustered standard error. Shape (orders, 5).

    With x taken out of the data beyond the estimate, an order has the coefficient `effect` - x `of_exposure`
    and cluster scores `fixed` - x `slope` (orders, clusters); the observed one has -x and `variance`. It is
    extreme where (effect - x of_exposure)^2 variance >= x^2 sum (fixed - x slope)^2.
    """
    return np.column_stack(
        [
            -(slope**2).sum(axis=1),
            2 * (fixed * slope).sum(axis=1),
            of_exposure**2 * variance - (fixed**2).sum(axis=1),
            -2 * effect * of_exposure * variance,
            effect**2 * variance,
        ]
    )


def _real_roots(polynomials: np.ndarray) -> np.ndarray:
    """Real roots of each row, ascending, filled up with infinity. Shape (orders, degree)."""
    degree = polynomials.shape[1] - 1
    if degree == 2:
        return _quadratic_roots(polynomials)
    size = np.abs(polynomials).max(axis=1, initial=0.0, keepdims=True)
    leading = (np.abs(polynomials) > LEADING * size).argmax(axis=1)
    roots = np.full((len(polynomials), degree), np.inf)
    for first in np.unique(leading[size[:, 0] > 0]).tolist():
        rows = np.flatnonzero((leading == first) & (size[:, 0] > 0))
        roots[rows, : degree - first] = _companion_roots(polynomials[rows, first:])
    return roots


def _companion_roots(polynomials: np.ndarray) -> np.ndarray:
    """Real roots of each row, whose first coefficient is not 0: eigenvalues of the companion matrices."""
    degree = polynomials.shape[1] - 1
    companion = np.zeros((len(polynomials), degree, degree))
    companion[:, 1:, :-1] = np.eye(max(degree - 1, 0))
    companion[:, :1, :] = -(polynomials[:, 1:] / polynomials[:, :1])[:, None, :]
    found = np.linalg.eigvals(companion)
    real = np.abs(found.imag) <= REAL_ROOT * np.maximum(1, np.abs(found))
    return np.sort(np.where(real, found.real, np.inf), axis=1)


def _quadratic_roots(polynomials: np.ndarray) -> np.ndarray:
    """Roots of many quadratics at once, by the form without cancellation; the linear case has one root."""
    a, b, c = polynomials.T
    size = np.maximum(np.abs(b), np.maximum(np.abs(a), np.abs(c)))
    discriminant = np.maximum(b * b - 4 * a * c, 0.0)  # the quadratics here are products of real factors
    q = -0.5 * (b + np.where(b < 0, -1.0, 1.0) * np.sqrt(discriminant))
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(np.abs(a) > LEADING * size, q / a, np.inf)
        second = np.where(np.abs(q) > 0, c / q, 0.0)
    return np.sort(np.column_stack([first, second]), axis=1)


def _sign_between(polynomials: np.ndarray, roots: np.ndarray) -> np.ndarray:
    """Whether each polynomial is >= 0 left of, between and right of its roots. (orders, degree + 1)."""
    finite = np.isfinite(roots)
    last = np.max(np.where(finite, roots, -np.inf), axis=1, keepdims=True, initial=-np.inf)
    last = np.where(np.isfinite(last), last, 0.0)
    first = np.where(finite[:, :1], roots[:, :1], 0.0)
    beyond = last + 1 + np.abs(last)
    with np.errstate(invalid="ignore"):
        between = (roots[:, :-1] + roots[:, 1:]) / 2
    middle = np.where(finite[:, 1:], between, beyond)
    x = np.hstack([first - 1 - np.abs(first), middle, beyond])
    values = np.zeros_like(x)
    for coefficient in polynomials.T:
        values = values * x + coefficient[:, None]
    return values >= 0
