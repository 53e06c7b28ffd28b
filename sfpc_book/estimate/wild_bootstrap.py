"""Wild cluster bootstrap-t of the two-way model with the null imposed: a sensitivity, never the headline.

Cameron, Gelbach and Miller (2008); Webb (2023) for the six-point weights; Roodman and others (2019) for
the algebra. Under the hypothesis that the effect is t, the residuals of each authority, fitted without
exposure, are multiplied by one random weight; the share of draws whose studentised coefficient is at least
as large as the observed one is the p-value at t.

With influence L of the cells on the coefficient, u the restricted residuals and v_g the weight of cluster
g, a draw has the coefficient t + sum_g v_g L_g'u_g, and the score of cluster h is sum_g v_g S_hg with S_hg
= sum of L (M u_g) over the cells of h, M the residual maker of the full model. Both are linear in v and in
t, so all draws are one product of small matrices, and p(t) = alpha has its solutions at roots of
polynomials of degree 4 (`inversion.py`): no grid, no bisection.

What few clusters cost: with G clusters there are 2^G sign patterns, every one counted, and the observed
one and its mirror image are always extreme, so p is never below 2 / 2^G: 0.0625 with five, 0.125 with
four. Webb's six points give 6^G patterns, listed in full up to 100,000, drawn at random beyond; they are
finer, but no more exact: the bootstrap is right for many clusters, and nothing was randomised by signs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.estimate import NAN
from sfpc_book.estimate.inversion import exceedance_curve, studentised_polynomials
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.randomisation import MONTE_CARLO_DRAWS, MONTE_CARLO_SEED, TIE_TOLERANCE
from sfpc_book.estimate.two_way import residual_maker, two_way_influence, weights_of

POINTS = {
    "rademacher": (-1.0, 1.0),
    "webb": tuple(sign * math.sqrt(square) for sign in (-1, 1) for square in (0.5, 1.0, 1.5)),
}
MAXIMUM_PATTERNS = 100_000  # listed in full up to here


@dataclass(frozen=True)
class WildBootstrap:
    """A wild cluster bootstrap-t, or why there is none (`status` as in `PanelFit`).

    `p_minimum` is the share of patterns that tie with the observed one at every effect: no p can be smaller.
    `level_maximum` is the highest level with a bounded interval; `monte_carlo_error` is 0 if `exact`.
    """

    status: str
    kind: str
    conf_level: float
    estimate: float = NAN
    statistic: float = NAN
    p_value: float = NAN
    conf_low: float = NAN
    conf_high: float = NAN
    n_patterns: int = 0
    exact: bool = False
    p_minimum: float = NAN
    level_maximum: float = NAN
    monte_carlo_error: float = NAN


@dataclass(frozen=True)
class _Draws:
    """Coefficients `effect` - x `of_exposure` and scores `fixed` - x `slope` at the null estimate + x."""

    effect: np.ndarray
    of_exposure: np.ndarray
    fixed: np.ndarray
    slope: np.ndarray
    variance: float

    def at_least_observed(self, x: float) -> np.ndarray:
        """Whether each draw's squared studentised coefficient is at least the observed one, ties included."""
        size = (self.effect - x * self.of_exposure) ** 2 * self.variance
        return size >= x * x * ((self.fixed - x * self.slope) ** 2).sum(axis=1) * (1 - TIE_TOLERANCE)

    def size(self) -> np.ndarray:
        """What the terms of a draw's polynomial are made of; they cancel where it is always a tie."""
        scores = ((self.fixed**2).sum(axis=1) + self.effect**2) / self.variance
        return scores + (self.slope**2).sum(axis=1) + self.of_exposure**2


def wild_bootstrap(
    cells: Cells,
    *,
    kind: str = "webb",
    weights: str = "children",
    conf_level: float = 0.95,
    seed: int = MONTE_CARLO_SEED,
    draws: int = MONTE_CARLO_DRAWS,
) -> WildBootstrap:
    """p-value of no effect and the interval of effects that are not rejected.

    Parameters
    ----------
    kind
        `rademacher` (signs) or `webb` (six points).
    seed, draws
        Used beyond 100,000 patterns; the observed pattern counts as one more.
    """
    if kind not in POINTS:
        raise EstimationError(f"Unknown bootstrap weights '{kind}'. Allowed: {', '.join(POINTS)}.")
    fit = fit_two_way(cells, weights=weights, conf_level=conf_level)
    if not fit.ok:
        return WildBootstrap(fit.status, kind, conf_level)
    patterns, exact = _patterns(len(cells.authorities), kind, seed, draws)
    found = _draws(cells, weights_of(cells, weights), patterns)
    scale = math.sqrt(found.variance)
    polynomials = studentised_polynomials(
        found.effect / scale, found.of_exposure, found.fixed / scale, found.slope, 1.0
    )
    ties = np.abs(polynomials).max(axis=1) <= TIE_TOLERANCE * found.size()
    p_value = float(np.mean(found.at_least_observed(-fit.estimate) | ties))
    curve = exceedance_curve(polynomials[~ties], int(ties.sum()), fit.estimate, scale)
    low, high = curve.confidence_set(conf_level)
    return WildBootstrap(
        status="ok",
        kind=kind,
        conf_level=conf_level,
        estimate=fit.estimate,
        statistic=fit.statistic,
        p_value=p_value,
        conf_low=low,
        conf_high=high,
        n_patterns=len(patterns),
        exact=exact,
        p_minimum=float(ties.mean()),
        level_maximum=curve.level_maximum(),
        monte_carlo_error=0.0 if exact else math.sqrt(p_value * (1 - p_value) / len(patterns)),
    )


def bootstrap_p_values(
    cells: Cells,
    effects: Sequence[float],
    *,
    kind: str = "webb",
    weights: str = "children",
    seed: int = MONTE_CARLO_SEED,
    draws: int = MONTE_CARLO_DRAWS,
) -> np.ndarray:
    """The p-value of each hypothesised effect alone, without the interval: quick, for many tables.

    The cells must identify the effect and leave a variance, as `fit_two_way` says of them.
    """
    weight = weights_of(cells, weights)
    estimate = float(two_way_influence(cells, weight)(cells.exposed[None, :])[0] @ cells.mean)
    found = _draws(cells, weight, _patterns(len(cells.authorities), kind, seed, draws)[0])
    return np.array([found.at_least_observed(effect - estimate).mean() for effect in effects])


@cache
def _patterns(clusters: int, kind: str, seed: int, draws: int) -> tuple[np.ndarray, bool]:
    """Weights, shape (patterns, clusters), and whether they are all there are."""
    points = POINTS[kind]
    if len(points) ** clusters <= MAXIMUM_PATTERNS:
        every = np.array(list(itertools.product(points, repeat=clusters)))
        every.setflags(write=False)  # kept for the next table
        return every, True
    drawn = np.random.default_rng(seed).choice(points, size=(draws + 1, clusters))
    drawn[0] = 1.0
    drawn.setflags(write=False)
    return drawn, False


def _draws(cells: Cells, weight: np.ndarray, patterns: np.ndarray) -> _Draws:
    residuals = residual_maker(cells, weight)
    influence = two_way_influence(cells, weight)(cells.exposed[None, :])[0]
    outcome, exposed = residuals(np.stack([cells.mean, cells.exposed]))
    full = outcome - (influence @ cells.mean) * exposed
    cluster = (cells.authority == np.arange(len(cells.authorities))[:, None]).astype(float)

    def parts(restricted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Contribution of each cluster to the coefficient (clusters,), and S' of the module's text."""
        of_cluster = cluster * restricted
        coefficient = of_cluster @ influence
        left = residuals(of_cluster) - coefficient[:, None] * exposed
        return coefficient, (left * influence) @ cluster.T

    (effect, fixed), (of_exposure, slope) = parts(full), parts(exposed)
    return _Draws(
        effect=patterns @ effect,
        of_exposure=patterns @ of_exposure,
        fixed=patterns @ fixed,
        slope=patterns @ slope,
        variance=float(((cluster @ (influence * full)) ** 2).sum()),
    )
