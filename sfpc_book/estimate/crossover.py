"""Cluster-crossover estimator: the change of authorities that go live against that of those that do not.

Kennedy-Shaffer, de Gruttola and Lipsitch, "Novel methods for the analysis of stepped wedge cluster
randomized trials", Statistics in Medicine 39 (2020), methods CO-1 to CO-3. Between two consecutive periods
an authority crosses (unexposed, then exposed) or does not; the difference of the mean changes takes out
authorities' levels and common movements without a model of either. It uses the effect in the first exposed
period only, so it misses an effect that comes later.

| | `controls` | `period_weights` |
|---|---|---|
| CO-1 | `unexposed`: unexposed in both periods | `equal` |
| CO-2 | `unexposed` | `precision` |
| CO-3 | `unchanged`: unexposed in both or exposed in both | `equal` |

CO-3 assumes that the effect does not change with time since go-live. Consecutive means next to each other
among the periods present; an authority without a cell in one of the two has no part in that crossover. A
change is weighted by 1 / (1 / w + 1 / w'), w and w' the weights of its two cells: proportional to its
inverse variance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.period_contrasts import (
    ContrastEstimate,
    Units,
    contrast_estimate,
    contrast_influence,
)
from sfpc_book.estimate.two_way import weights_of

CONTROLS = ("unexposed", "unchanged")


@dataclass(frozen=True)
class _Changes:
    """Pairs of cells of one authority in consecutive periods: positions in the cells, and of the period."""

    before: np.ndarray
    after: np.ndarray
    period: np.ndarray


def crossover_influence(
    cells: Cells, weight: np.ndarray, *, controls: str = "unexposed", period_weights: str = "equal"
) -> Callable[[np.ndarray], np.ndarray]:
    """A function from exposures to the weight of each cell's mean in the estimate. Shapes (orders, cells).

    A row of zeros: no crossover is identified.
    """
    changes = _changes(cells)

    def influence(exposed: np.ndarray) -> np.ndarray:
        of_change = contrast_influence(_units(exposed, cells, weight, changes, controls), period_weights)
        of_cell = np.zeros_like(exposed)
        of_cell[:, changes.after] += of_change  # a cell ends at most one change
        of_cell[:, changes.before] -= of_change  # and begins at most one
        return of_cell

    return influence


def crossover_estimate(
    cells: Cells,
    *,
    weights: str = "children",
    controls: str = "unexposed",
    period_weights: str = "equal",
) -> ContrastEstimate:
    """The average over identified crossovers and each one's own, named by the period crossed into.

    The first period is crossed into by nobody and has no row. Inference is by `exact_test.py`.
    """
    changes = _changes(cells)
    units = _units(cells.exposed[None, :], cells, weights_of(cells, weights), changes, controls)
    change = cells.mean[changes.after] - cells.mean[changes.before]
    return contrast_estimate(units, change, cells, weights=weights, period_weights=period_weights)


def _changes(cells: Cells) -> _Changes:
    position = np.searchsorted(np.array(cells.periods, dtype=int), cells.period)
    before = np.arange(max(cells.n_cells - 1, 0))  # cells are sorted by authority and period
    after = before + 1
    next_to = (cells.authority[after] == cells.authority[before]) & (position[after] == position[before] + 1)
    return _Changes(before[next_to], after[next_to], position[after[next_to]] - 1)


def _units(exposed: np.ndarray, cells: Cells, weight: np.ndarray, changes: _Changes, controls: str) -> Units:
    if controls not in CONTROLS:
        raise EstimationError(f"Unknown controls '{controls}'. Allowed: {', '.join(CONTROLS)}.")
    was, now = exposed[:, changes.before] == 1, exposed[:, changes.after] == 1
    one, other = weight[changes.before], weight[changes.after]
    return Units(
        periods=cells.periods[1:],
        period=changes.period,
        weight=one * other / (one + other),
        first=now & ~was,
        second=~now & ~was if controls == "unexposed" else now == was,
    )
