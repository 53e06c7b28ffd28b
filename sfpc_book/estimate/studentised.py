"""The studentised randomisation test: each order's coefficient over its clustered standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.inversion import ExceedanceCurve, exceedance_curve, studentised_polynomials
from sfpc_book.estimate.randomisation import (
    MONTE_CARLO_DRAWS,
    MONTE_CARLO_SEED,
    OrderEffects,
    RandomisationResult,
    influence_blocks,
    order_effects,
    orders_of,
    result_of,
    unit_of,
)
from sfpc_book.estimate.two_way import residual_maker, weights_of
from sfpc_book.study.wedge import Wedge


@dataclass(frozen=True)
class Scores:
    """Cluster sums of exposure residual times outcome residual, over the information. (orders, clusters).

    With an effect t taken out of the data they are `fixed` - t `slope`; the variance of an order's
    coefficient is the sum of their squares over clusters (uncorrected: a constant factor changes no rank).
    """

    fixed: np.ndarray
    slope: np.ndarray


def studentised_test(
    cells: Cells,
    wedge: Wedge,
    *,
    weights: str = "children",
    conf_level: float = 0.95,
    seed: int = MONTE_CARLO_SEED,
    draws: int = MONTE_CARLO_DRAWS,
) -> RandomisationResult:
    """Two-sided test by the absolute studentised coefficient, and its inversion.

    The squared statistics are compared as polynomials of degree 4 in the hypothesised effect.

    Raises
    ------
    EstimationError
        When the observed order has no clustered variance to divide by.
    """
    effects = order_effects(cells, wedge, weights=weights, seed=seed, draws=draws)
    centre = float(effects.effect[0])
    orders = orders_of(wedge, seed=seed, draws=draws)[0]
    scores = _scores(cells, wedge, weights, effects, orders)
    variance = (scores.fixed**2).sum(axis=1)
    if not variance[0] > 0:
        raise EstimationError("The coefficient has no variance between authorities to studentise by.")
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.nan_to_num(np.abs(effects.effect) / np.sqrt(variance), nan=0.0, posinf=np.inf)
    curve = _curve(effects, Scores(scores.fixed - centre * scores.slope, scores.slope))
    statistic = centre / float(np.sqrt(variance[0]))
    return result_of(size, effects, curve, estimate=centre, statistic=statistic, conf_level=conf_level)


def _scores(cells: Cells, wedge: Wedge, weights: str, effects: OrderEffects, orders: np.ndarray) -> Scores:
    """Scores of every order; an order's exposure residual is its influence x information / weight."""
    weight = weights_of(cells, weights)
    outcome, observed = residual_maker(cells, weight)(np.stack([cells.mean, cells.exposed]))
    in_cluster = (cells.authority[:, None] == np.arange(len(cells.authorities))).astype(float)
    fixed, slope, start = [], [], 0
    for influence in influence_blocks(orders, cells, wedge, weights=weights, statistic="two_way"):
        here = slice(start, start := start + len(influence))
        own = (influence**2 / weight) @ in_cluster * effects.information[here, None]
        fixed.append((influence * outcome) @ in_cluster - effects.effect[here, None] * own)
        slope.append((influence * observed) @ in_cluster - effects.of_exposure[here, None] * own)
    return Scores(np.concatenate(fixed), np.concatenate(slope))


def _curve(effects: OrderEffects, scores: Scores) -> ExceedanceCurve:
    others = ~effects.always
    centre = float(effects.effect[0])
    shifted = (effects.effect - effects.of_exposure * centre)[others]
    b = effects.of_exposure[others]
    scale = unit_of(shifted, centre)
    variance = float((scores.fixed[0] ** 2).sum()) / scale**2
    polynomials = studentised_polynomials(
        shifted / scale, b, scores.fixed[others] / scale, scores.slope[others], variance
    )
    return exceedance_curve(polynomials, int(effects.always.sum()), centre, scale)
