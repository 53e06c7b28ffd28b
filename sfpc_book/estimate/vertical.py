"""Within-period (vertical) estimator: exposed against unexposed authorities, period by period.

Thompson, Davey, Fielding, Hargreaves and Hayes, "Robust analysis of stepped wedge trials using
cluster-level summaries within periods", Statistics in Medicine 37 (2018). In a period with both arms the
difference of the arms' mean cell means is unbiased by randomisation alone, whatever the periods did. They
weight periods by inverse variances estimated from the outcomes; here the weights come from the design
(`PERIOD_WEIGHTS`), so that the estimate is linear in the outcomes and the weights are the same whatever
the outcomes were. The price is precision: authorities' own levels are not taken out.

Children weights: an arm's mean is the mean over its children. Equal weights: over its authorities.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.period_contrasts import (
    ContrastEstimate,
    Units,
    contrast_estimate,
    contrast_influence,
)
from sfpc_book.estimate.two_way import weights_of


def vertical_influence(
    cells: Cells, weight: np.ndarray, *, period_weights: str = "equal"
) -> Callable[[np.ndarray], np.ndarray]:
    """A function from exposures to the weight of each cell's mean in the estimate. Shapes (orders, cells).

    A row of zeros: no period has both arms.
    """
    return lambda exposed: contrast_influence(_units(exposed, cells, weight), period_weights)


def vertical_estimate(
    cells: Cells, *, weights: str = "children", period_weights: str = "equal"
) -> ContrastEstimate:
    """The average difference and each period's own; status `not_identified` where no period has both arms.

    It has no standard error: with a handful of authorities the orders themselves are its reference
    distribution (`exact_test.py`).
    """
    units = _units(cells.exposed[None, :], cells, weights_of(cells, weights))
    return contrast_estimate(units, cells.mean, cells, weights=weights, period_weights=period_weights)


def _units(exposed: np.ndarray, cells: Cells, weight: np.ndarray) -> Units:
    position = np.searchsorted(np.array(cells.periods, dtype=int), cells.period)
    return Units(cells.periods, position, weight, exposed == 1, exposed == 0)
