"""The studentised randomisation test: each order's coefficient over its clustered standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.inversion import ExceedanceCurve, exceedance_curve
from sfpc_book.estimate.randomisation import (
    OrderEffects,
    RandomisationResult,
    exposure_under,
    order_effects,
    orders_of,
    result_of,
    unit_of,
)
from sfpc_book.estimate.two_way import residual_form, weights_of
from sfpc_book.study.wedge import Wedge


@dataclass(frozen=True)
class Scores:
    """Cluster sums of exposure residual times outcome residual, over the information. (orders, clusters).

    With an effect c + x taken out of the data they are `fixed` - x `slope`; the variance of an order's
    coefficient is the sum of their squares over clusters (uncorrected: a constant factor changes no rank).
    """

    fixed: np.ndarray
    slope: np.ndarray


def studentised_test(
    cells: Cells, wedge: Wedge, *, weights: str = "children", conf_level: float = 0.95
) -> RandomisationResult:
    """Two-sided test by the absolute studentised coefficient, and its inversion.

    The squared statistics are compared as polynomials of degree 4 in the hypothesised effect.

    Raises
    ------
    EstimationError
        When the observed order has no clustered variance to divide by.
    """
    effects = order_effects(cells, wedge, weights=weights)
    centre = float(effects.effect[0])
    at_zero = _scores(cells, wedge, weights, effects, 0.0)
    variance = (at_zero.fixed**2).sum(axis=1)
    if not variance[0] > 0:
        raise EstimationError("The coefficient has no variance between authorities to studentise by.")
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.nan_to_num(np.abs(effects.effect) / np.sqrt(variance), nan=0.0, posinf=np.inf)
    curve = _curve(effects, _scores(cells, wedge, weights, effects, centre))
    statistic = centre / float(np.sqrt(variance[0]))
    return result_of(size, effects, curve, estimate=centre, statistic=statistic, conf_level=conf_level)


def _scores(cells: Cells, wedge: Wedge, weights: str, effects: OrderEffects, centre: float) -> Scores:
    """Scores after an effect `centre` is taken out of the data."""
    weight = weights_of(cells, weights)
    exposed = exposure_under(orders_of(wedge)[0], cells, wedge.authorities)
    residual_maker = residual_form(cells, weight) / weight[:, None]  # (I - P), acting on columns
    left = exposed @ residual_maker.T
    information = np.where(effects.defined, effects.information, 1.0)[:, None]
    outcome = residual_maker @ (cells.mean - centre * cells.exposed)
    observed = residual_maker @ cells.exposed
    shifted = (effects.effect - effects.of_exposure * centre)[:, None]
    in_cluster = (cells.authority[:, None] == np.arange(len(cells.authorities))).astype(float)
    load = left * weight / information
    return Scores(
        fixed=(load * (outcome - shifted * left)) @ in_cluster,
        slope=(load * (observed - effects.of_exposure[:, None] * left)) @ in_cluster,
    )


def _curve(effects: OrderEffects, scores: Scores) -> ExceedanceCurve:
    others = ~effects.always
    centre = float(effects.effect[0])
    shifted = (effects.effect - effects.of_exposure * centre)[others]
    b = effects.of_exposure[others]
    scale = unit_of(shifted, centre)
    a, fixed, slope = shifted / scale, scores.fixed[others] / scale, scores.slope[others]
    variance = float((scores.fixed[0] ** 2).sum()) / scale**2
    polynomials = np.column_stack(
        [
            -(slope**2).sum(axis=1),
            2 * (fixed * slope).sum(axis=1),
            b * b * variance - (fixed**2).sum(axis=1),
            -2 * a * b * variance,
            a * a * variance,
        ]
    )
    return exceedance_curve(polynomials, int(effects.always.sum()), centre, scale)
