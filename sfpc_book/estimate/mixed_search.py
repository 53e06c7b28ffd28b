"""The variance ratios of least deviance: a grid for the start, bounded descent, a polish by the exact slope.

Whether the search converged is decided afterwards by the slope at the point found, not by what a solver says.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize

from sfpc_book.estimate.mixed_likelihood import MixedData, MixedState, mixed_state

STARTS = (0.0, 0.01, 0.1, 1.0, 10.0, 1e3, 1e5)  # variance ratios in units of a mean cell's residual variance
AT_ZERO = 1e-8  # in that unit
SLOPE = 1e-6  # of the deviance by the log of a ratio, at 0 by the ratio: below it the search has converged


def variance_ratios(data: MixedData, free: np.ndarray) -> tuple[np.ndarray, bool]:
    """Variance ratios of least deviance, exactly 0 at the boundary, and whether the search converged."""
    unit = float(data.inverse_weight.mean())

    def at(values: np.ndarray) -> MixedState:
        full = np.zeros(2)
        full[free] = values
        return mixed_state(data, full * unit)

    def deviance(values: np.ndarray) -> tuple[float, np.ndarray]:
        state = at(values)
        return state.deviance, state.gradient[free] * unit

    grid = np.stack(np.meshgrid(*[STARTS] * int(free.sum()))).reshape(int(free.sum()), -1).T
    start = min(grid, key=lambda values: at(values).deviance)
    found = optimize.minimize(
        deviance, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(start),
        options={"ftol": 1e-15, "gtol": 1e-10},
    ).x  # fmt: skip
    inside = found > AT_ZERO
    values = np.where(inside, found, 0.0)
    if inside.any():
        values[inside] = np.exp(_polished(deviance, values, inside))
    slope = deviance(values)[1]
    flat = np.abs(slope[inside] * values[inside]).max(initial=0.0) < SLOPE
    ratios = np.zeros(2)
    ratios[free] = values * unit
    return ratios, bool(flat and (slope[~inside] > -SLOPE).all())


def _polished(
    deviance: Callable[[np.ndarray], tuple[float, np.ndarray]], values: np.ndarray, inside: np.ndarray
) -> np.ndarray:
    """Logs of the positive ratios at which the slope is 0 to rounding."""

    def slope(logs: np.ndarray) -> np.ndarray:
        moved = values.copy()
        moved[inside] = np.exp(logs)
        return deviance(moved)[1][inside] * moved[inside]

    found = optimize.root(slope, np.log(values[inside]), tol=1e-12)
    return found.x if np.abs(found.fun).max() < SLOPE else np.log(values[inside])
