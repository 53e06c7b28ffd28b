"""What the constant-effect coefficient averages: the weight it gives to the effect in each exposed cell.

The two-way coefficient equals sum over exposed cells of weight x effect in the cell, plus noise, with weights
that sum to 1 but may be negative (de Chaisemartin and D'Haultfoeuille 2020): a cell of an authority exposed
early, in a late period in which most are exposed, serves as a comparison. With negative weights a growing
effect can come out too small or with the wrong sign.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.estimate.cells import Cells, cells_of
from sfpc_book.estimate.two_way import residual_form, weights_of

ROUNDING = 1e-12  # a weight this near 0 is 0


@dataclass(frozen=True)
class NegativeWeights:
    """Of the exposed cells that the constant-effect coefficient averages: how many have a negative weight,
    and the share of all weight, in absolute value, that is theirs. Without an identified effect there are no
    cells and the share is NaN."""

    n_exposed: int
    n_negative: int
    share: float


def negative_weights(panel: pd.DataFrame | Cells, *, weights: str = "children") -> NegativeWeights:
    """Negative weights in the two-way coefficient of one slice of the panel (see `cells_of`)."""
    table = exposure_weights(panel if isinstance(panel, Cells) else cells_of(panel), weights=weights)
    n_negative = int((table["weight"] < -ROUNDING).sum())
    return NegativeWeights(len(table), n_negative, negative_weight_share(table))


def exposure_weights(cells: Cells, *, weights: str = "children") -> pd.DataFrame:
    """Weight of each exposed cell's effect in the two-way coefficient; the weights sum to 1.

    Returns
    -------
    DataFrame authority, period, exposure_time, n_children, weight; no rows if the effect is not identified.
    """
    projected = cells.exposed @ residual_form(cells, weights_of(cells, weights))
    total = float(projected @ cells.exposed)
    exposed = cells.exposed == 1
    kept = exposed if total > ROUNDING * cells.weight.sum() else np.zeros_like(exposed)
    return pd.DataFrame(
        {
            "authority": np.array(cells.authorities, dtype=object)[cells.authority[kept]],
            "period": cells.period[kept],
            "exposure_time": cells.exposure_time[kept],
            "n_children": cells.weight[kept].astype(int),
            "weight": projected[kept] / total if kept.any() else np.zeros(0),
        }
    )


def negative_weight_share(table: pd.DataFrame) -> float:
    """Share of the weight, in absolute value, that is negative: 0 to below 1/2; NaN for an empty table."""
    size = table["weight"].abs()
    if not len(table):
        return float("nan")
    return float(size[table["weight"] < -ROUNDING].sum() / size.sum())


def weight_by_exposure_time(table: pd.DataFrame) -> pd.DataFrame:
    """Sum of the weights at each exposure time: columns exposure_time, weight."""
    return table.groupby("exposure_time", as_index=False)["weight"].sum()
