"""Exact randomisation inference for one wedge: the only chance is which order of go-lives was drawn.

Children stay in their cells; what is permuted is which authority received which go-live, within its readiness
stratum. The statistic is chosen before any data, by its name in `LINEAR_STATISTICS` (`exact_test.py` adds the
one that is not linear). A linear statistic is a weighted sum of the cells' means whose weights depend on the
order, the children in the cells and nothing else, and which takes the value t for an effect of t in every
exposed cell; that is all that the test, its inversion and pooling need.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.crossover import crossover_influence
from sfpc_book.estimate.inversion import ExceedanceCurve, exceedance_curve
from sfpc_book.estimate.two_way import two_way_influence, weights_of
from sfpc_book.estimate.vertical import vertical_influence
from sfpc_book.study.wedge import MAXIMUM_ORDERS, Wedge

TIE_TOLERANCE = 1e-9  # relative to the largest statistic; rounding must never turn a tie into a smaller p
ROUNDING = 1e-12  # a coefficient this small beside the outcome's range is 0
MONTE_CARLO_DRAWS = 99_999
MONTE_CARLO_SEED = 20_200_301
BLOCK = 2**17  # numbers of one order-by-cell matrix at a time: what a processor keeps at hand

Influence = Callable[[np.ndarray], np.ndarray]
LINEAR_STATISTICS: Mapping[str, Callable[[Cells, np.ndarray], Influence]] = {
    "two_way": two_way_influence,
    "vertical": vertical_influence,
    "vertical_precision": partial(vertical_influence, period_weights="precision"),
    "crossover": crossover_influence,
    "crossover_precision": partial(crossover_influence, period_weights="precision"),
}  # cells and their weights -> exposures under the orders -> weights of the cells' means, (orders, cells)


@dataclass(frozen=True)
class OrderEffects:
    """A linear statistic under every admissible order, the observed order first. Arrays of length n_orders.

    Attributes
    ----------
    effect
        Statistic a of the outcome by the order's exposure.
    of_exposure
        Statistic b of the observed exposure by the order's: taking an effect t out of the data turns a into
        a - t b. For the observed order b is 1.
    information
        1 / variance of the statistic if each cell's mean had variance 1 / weight, all independent. For the
        two-way coefficient d'A d: variation of exposure left after authority and period effects.
    sign
        1 or -1 where the statistic is always that of the observed order or its negative, whatever the
        outcomes; 0 elsewhere.
    defined
        False where the order leaves nothing to compare in the cells observed; it then counts as extreme.
    exact
        Whether these are all admissible orders, or a random sample of them.
    """

    effect: np.ndarray
    of_exposure: np.ndarray
    information: np.ndarray
    sign: np.ndarray
    defined: np.ndarray
    exact: bool

    @property
    def always(self) -> np.ndarray:
        """Orders that are extreme at every hypothesised effect."""
        return (self.sign != 0) | ~self.defined

    @property
    def n_orders(self) -> int:
        return len(self.effect)


@dataclass(frozen=True)
class RandomisationResult:
    """A randomisation test with its confidence set.

    `p_minimum` is the smallest p that any outcomes could have given on these cells, `level_maximum` the
    highest level with a bounded set, `attainable` the set at that level. `monte_carlo_error` is 0 if exact.
    """

    estimate: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    attainable: tuple[float, float]
    n_orders: int
    p_minimum: float
    level_maximum: float
    monte_carlo_error: float


def orders_of(
    wedge: Wedge, *, seed: int = MONTE_CARLO_SEED, draws: int = MONTE_CARLO_DRAWS
) -> tuple[np.ndarray, bool]:
    """Start periods, shape (orders, authorities), the observed order first; and whether these are all orders.

    Beyond 100,000 orders: the observed one and `draws` drawn at random with replacement.
    """
    if wedge.n_orders <= MAXIMUM_ORDERS:
        return np.array(wedge.admissible_orders(), dtype=int), True
    rng = np.random.default_rng(seed)
    observed = np.array([wedge.start_period[slug] for slug in wedge.authorities])
    orders = np.tile(observed, (draws + 1, 1))
    for stratum in sorted(set(wedge.stratum.values())):
        members = [i for i, slug in enumerate(wedge.authorities) if wedge.stratum[slug] == stratum]
        orders[1:, members] = rng.permuted(orders[1:, members], axis=1)
    return orders, False


def exposure_under(orders: np.ndarray, cells: Cells, wedge: Wedge) -> np.ndarray:
    """Exposure of each cell under each order, 0 or 1. Shape (orders, cells).

    Authorities that are never exposed were not randomised: they stay unexposed under every order.

    Raises
    ------
    EstimationError
        When a cell's authority is not in the wedge.
    """
    known = (*wedge.authorities, *wedge.never_exposed)
    unknown = sorted(set(cells.authorities) - set(known))
    if unknown:
        raise EstimationError(f"Not in the wedge: {', '.join(unknown)}. Known: {', '.join(known)}.")
    column = np.array([known.index(name) for name in cells.authorities], dtype=int)[cells.authority]
    never = np.full((len(orders), len(wedge.never_exposed)), wedge.n_periods)  # a period that never comes
    return (cells.decisive_period >= np.hstack([orders, never])[:, column]).astype(float)


def influence_blocks(
    orders: np.ndarray, cells: Cells, wedge: Wedge, *, weights: str, statistic: str
) -> Iterator[np.ndarray]:
    """Weights of the cells' means in a linear statistic, for a block of orders at a time, (block, cells).

    Raises
    ------
    EstimationError
        For an unknown statistic, cells of other authorities, or when the first order does not give the
        observed exposure.
    """
    if statistic not in LINEAR_STATISTICS:
        raise EstimationError(
            f"Unknown linear statistic '{statistic}'. Allowed: {', '.join(LINEAR_STATISTICS)}."
        )
    if not np.array_equal(exposure_under(orders[:1], cells, wedge)[0], cells.exposed):
        raise EstimationError("The panel's exposure is not that of the wedge; make both from one study file.")
    influence = LINEAR_STATISTICS[statistic](cells, weights_of(cells, weights))
    rows = max(1, BLOCK // max(cells.n_cells, 1))
    for start in range(0, len(orders), rows):
        yield influence(exposure_under(orders[start : start + rows], cells, wedge))


def order_effects(
    cells: Cells,
    wedge: Wedge,
    *,
    weights: str = "children",
    statistic: str = "two_way",
    seed: int = MONTE_CARLO_SEED,
    draws: int = MONTE_CARLO_DRAWS,
) -> OrderEffects:
    """A linear statistic under every order, or under the observed one and `draws` drawn (see `orders_of`)."""
    orders, exact = orders_of(wedge, seed=seed, draws=draws)
    weight = weights_of(cells, weights)
    parts, observed = [], None
    for influence in influence_blocks(orders, cells, wedge, weights=weights, statistic=statistic):
        observed = influence[0] if observed is None else observed
        variance = influence**2 @ (1 / weight)
        information = np.divide(1.0, variance, out=np.zeros_like(variance), where=variance > 0)
        parts.append(
            (influence @ cells.mean, influence @ cells.exposed, information, _signs(influence, observed))
        )
    effect, of_exposure, information, sign = (np.concatenate(part) for part in zip(*parts, strict=True))
    return OrderEffects(
        effect=np.where(np.abs(effect) > ROUNDING * float(np.ptp(cells.mean)), effect, 0.0),
        of_exposure=of_exposure,
        information=information,
        sign=sign,
        defined=information > 0,
        exact=exact,
    )


def randomisation_test(effects: OrderEffects, *, conf_level: float = 0.95) -> RandomisationResult:
    """Two-sided test of no effect by the absolute statistic, and its inversion."""
    return result_of(
        np.abs(effects.effect),
        effects,
        coefficient_curve(effects),
        estimate=float(effects.effect[0]),
        statistic=float(effects.effect[0]),
        conf_level=conf_level,
    )


def coefficient_curve(effects: OrderEffects) -> ExceedanceCurve:
    """Orders as extreme as the observed one at each effect t: |a_o - t b_o| >= |a - t|, a quadratic in t."""
    others = ~effects.always
    centre = float(effects.effect[0])
    shifted = (effects.effect - effects.of_exposure * centre)[others]
    b = effects.of_exposure[others]
    scale = unit_of(shifted, centre)
    a = shifted / scale
    polynomials = np.column_stack([b * b - 1, -2 * a * b, a * a])
    return exceedance_curve(polynomials, int(effects.always.sum()), centre, scale)


def result_of(
    size: np.ndarray,
    effects: OrderEffects,
    curve: ExceedanceCurve,
    *,
    estimate: float,
    statistic: float,
    conf_level: float,
) -> RandomisationResult:
    """Put a test together from the absolute statistic of every order and the curve of extreme orders."""
    least = size[0] - TIE_TOLERANCE * float(np.max(size[np.isfinite(size)], initial=0.0))
    p_value = float(np.mean((size >= least) | effects.always))
    level_maximum = curve.level_maximum()
    low, high = curve.confidence_set(conf_level)
    attainable = curve.confidence_set(level_maximum) if level_maximum > 0 else (-math.inf, math.inf)
    error = 0.0 if effects.exact else math.sqrt(p_value * (1 - p_value) / effects.n_orders)
    return RandomisationResult(
        estimate=estimate,
        statistic=statistic,
        p_value=p_value,
        conf_low=low,
        conf_high=high,
        attainable=attainable,
        n_orders=effects.n_orders,
        p_minimum=float(effects.always.mean()),
        level_maximum=level_maximum,
        monte_carlo_error=error,
    )


def _signs(influence: np.ndarray, observed: np.ndarray) -> np.ndarray:
    tolerance = TIE_TOLERANCE * float(np.abs(observed).max())
    same = np.abs(influence - observed).max(axis=1) <= tolerance
    opposite = np.abs(influence + observed).max(axis=1) <= tolerance
    return same.astype(int) - opposite.astype(int)


def unit_of(shifted: np.ndarray, centre: float) -> float:
    """A unit for the hypothesised effect in which the polynomials' coefficients are near 1."""
    largest = float(np.abs(shifted).max(initial=0.0))
    return largest if largest > 0 else max(abs(centre), 1.0)
