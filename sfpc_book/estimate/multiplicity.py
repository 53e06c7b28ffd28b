"""Several secondary outcomes of one trial: step-down max-T by the same orders, with Holm beside it.

The primary outcome stands outside the family. Max-T (Westfall and Young 1993; Romano and Wolf 2005)
compares each outcome's standardised coefficient with the largest of the remaining ones under every
admissible order, so it uses their dependence and its smallest attainable p is that of one outcome. Holm
multiplies p by the number of outcomes; with few orders it can then never be small, and `p_minimum_holm`
says how small at best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import cells_of
from sfpc_book.estimate.exact_test import exact_status
from sfpc_book.estimate.panel_models import design_status
from sfpc_book.estimate.randomisation import TIE_TOLERANCE, OrderEffects, order_effects
from sfpc_book.study.wedge import Wedge

ADJUSTED_COLUMNS = [
    "outcome", "p_value", "p_max_t", "p_holm", "p_minimum_max_t", "p_minimum_holm", "n_family", "n_orders",
]  # fmt: skip


def secondary_family(
    panel: pd.DataFrame,
    wedge: Wedge,
    outcomes: Sequence[str],
    horizon: int,
    *,
    statistic: str = "two_way",
) -> pd.DataFrame:
    """Adjusted p-values of one model's secondary outcomes at one horizon, by a linear statistic.

    `panel` holds one model, sample and exposure; the orders are those of its authorities. Outcomes that
    cannot be estimated are not part of the family; they have a row with NaN and `in_family` False.

    Returns
    -------
    DataFrame with `ADJUSTED_COLUMNS` and `in_family`, one row for each outcome asked for.
    """
    slices = {
        outcome: cells_of(panel.loc[(panel["outcome"] == outcome) & (panel["horizon"] == horizon)])
        for outcome in outcomes
    }
    remaining = wedge.among(panel["authority"].unique())
    family = {
        outcome: order_effects(cells, remaining, statistic=statistic)
        for outcome, cells in slices.items()
        if design_status(cells) == exact_status(cells, statistic=statistic) == "ok"
    }
    adjusted = adjust(family).set_index("outcome") if family else pd.DataFrame(columns=ADJUSTED_COLUMNS[1:])
    table = adjusted.reindex(pd.Index(outcomes, name="outcome")).astype(float).reset_index()
    return table.assign(in_family=table["outcome"].isin(list(family)))


def adjust(family: Mapping[str, OrderEffects]) -> pd.DataFrame:
    """Adjusted p-values of a family of outcomes under the same orders; one row each, in the order given."""
    sizes = {outcome: standardised_size(effects) for outcome, effects in family.items()}
    matrix = np.array(list(sizes.values()))
    alone = np.array([_p_value(size, size[0]) for size in matrix])
    minimum = np.array([float(effects.always.mean()) for effects in family.values()])
    return pd.DataFrame(
        {
            "outcome": list(family),
            "p_value": alone,
            "p_max_t": step_down_max_t(matrix),
            "p_holm": holm(alone),
            "p_minimum_max_t": minimum,
            "p_minimum_holm": holm(minimum),  # it rises with every p, so this is its least
            "n_family": len(family),
            "n_orders": matrix.shape[1],
        }
    )


def standardised_size(effects: OrderEffects) -> np.ndarray:
    """Absolute coefficient of each order over its root mean square over all orders; infinite if undefined.

    The divisor is the same whichever order was drawn, so standardising keeps the test exact.
    """
    spread = float(np.sqrt(np.mean(effects.effect[effects.defined] ** 2)))
    size = np.abs(effects.effect) / (spread or 1.0)
    return np.where(effects.defined, size, np.inf)


def step_down_max_t(sizes: np.ndarray) -> np.ndarray:
    """Step-down max-T p-values. `sizes` is (outcomes, orders), the observed order in column 0."""
    if sizes.ndim != 2 or not sizes.size:
        raise EstimationError("Max-T needs statistics of at least one outcome under at least one order.")
    order = np.argsort(-sizes[:, 0], kind="stable")
    largest = np.maximum.accumulate(sizes[order][::-1], axis=0)[::-1]
    steps = [_p_value(row, size) for row, size in zip(largest, sizes[order, 0], strict=True)]
    adjusted = np.empty(len(sizes))
    adjusted[order] = np.maximum.accumulate(steps)
    return adjusted


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Holm's step-down p-values (Holm 1979), in the order given."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def _p_value(sizes: np.ndarray, observed: float) -> float:
    return float(np.mean(sizes >= observed * (1 - TIE_TOLERANCE)))
