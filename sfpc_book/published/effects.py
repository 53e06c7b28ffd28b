"""Closed forms of the staggered estimators on a balanced panel, fast enough to repeat thousands of times.

They serve placebo inference and are a second witness for the fitted estimators: on a balanced panel without
covariates, group-time effects with never-treated controls are differences of means, and the two-way
coefficient is one projection (Frisch-Waugh-Lovell).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Placebo:
    """Distribution of a statistic when never-adopters are given the adopters' years at random."""

    estimate: float
    draws: np.ndarray

    @property
    def p_value(self) -> float:
        """Two-sided, counting the observed statistic; ties count, so that p is never 0."""
        extreme = np.abs(self.draws) >= abs(self.estimate) - 1e-12
        return float((1 + extreme.sum()) / (1 + len(self.draws)))

    @property
    def std_error(self) -> float:
        return float(self.draws.std(ddof=1))

    def interval(self, level: float) -> tuple[float, float]:
        """Shifts that the placebo distribution does not reject, `estimate` minus its outer quantiles."""
        low, high = np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2])
        return self.estimate - float(high), self.estimate - float(low)


def unit_effects(outcome: np.ndarray, first: np.ndarray, controls: np.ndarray) -> np.ndarray:
    """Change of each treated unit since the year before adoption, less the mean change of the controls.

    Parameters
    ----------
    outcome : (units, years) float
    first : (units,) int
        Column of the first exposed year of each treated unit; at least 1.
    controls : (years,) float
        Mean outcome of the controls.

    Returns
    -------
    (units, years) float, zero in the reference year.
    """
    base = first - 1
    own = outcome - np.take_along_axis(outcome, base[:, None], axis=1)
    return own - (controls[None, :] - controls[base][:, None])


def group_time_average(outcome: np.ndarray, first: np.ndarray, controls: np.ndarray) -> float:
    """Mean effect over all exposed years of all units: group-time effects weighted by cohort size."""
    effects = unit_effects(outcome, first, controls)
    return float(effects[exposure_matrix(first, outcome.shape[1]) > 0].mean())


def event_time_effects(
    outcome: np.ndarray, first: np.ndarray, controls: np.ndarray, event_times: Sequence[int]
) -> np.ndarray:
    """Mean effect at each number of years since adoption, over the units that have it; NaN if none has."""
    effects = unit_effects(outcome, first, controls)
    column = first[:, None] + np.asarray(event_times, dtype="int64")[None, :]
    inside = (column >= 0) & (column < outcome.shape[1])
    picked = np.take_along_axis(effects, np.where(inside, column, 0), axis=1)
    count = inside.sum(0)
    total = np.where(inside, picked, 0.0).sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def two_way_coefficient(outcome: np.ndarray, exposed: np.ndarray) -> float:
    """Coefficient of `exposed` with unit and year effects, unweighted, balanced panel."""
    within = exposed - exposed.mean(1, keepdims=True) - exposed.mean(0, keepdims=True) + exposed.mean()
    return float((within * outcome).sum() / (within * exposed).sum())


def exposure_matrix(first: np.ndarray, years: int) -> np.ndarray:
    """(units, years) 0/1; `first` is the column of the first exposed year, or `years` and more for never."""
    return (np.arange(years)[None, :] >= first[:, None]).astype("float64")


def statistics(
    treated: np.ndarray, first: np.ndarray, pool: np.ndarray, event_times: Sequence[int]
) -> np.ndarray:
    """Group-time average, two-way coefficient, and the effect at each event time, in that order."""
    years, controls = pool.shape[1], pool.mean(0)
    begun = np.concatenate([first, np.full(len(pool), years)])
    return np.array(
        [
            group_time_average(treated, first, controls),
            two_way_coefficient(np.vstack([treated, pool]), exposure_matrix(begun, years)),
            *event_time_effects(treated, first, controls, event_times),
        ]
    )


def allocations(places: int, sizes: Sequence[int], *, most: int, seed: int) -> Iterator[list[int]]:
    """Distinct ways to hand cohorts of these sizes to places, cohort after cohort in each list.

    All of them where there are at most `most`, else so many at random.
    """
    left, number = places, 1
    for size in sizes:
        number, left = number * math.comb(left, size), left - size
    if number <= most:
        yield from _every_allocation(tuple(range(places)), tuple(sizes))
        return
    generator = np.random.default_rng(seed)
    for _ in range(most):
        yield generator.permutation(places)[: sum(sizes)].tolist()


def _every_allocation(places: tuple[int, ...], sizes: tuple[int, ...]) -> Iterator[list[int]]:
    if not sizes:
        yield []
        return
    for chosen in itertools.combinations(places, sizes[0]):
        rest = tuple(place for place in places if place not in chosen)
        for others in _every_allocation(rest, sizes[1:]):
            yield [*chosen, *others]


def placebo_draws(
    pool: np.ndarray, first: np.ndarray, event_times: Sequence[int], draws: int, seed: int
) -> np.ndarray:
    """`statistics` for random allocations of the adopters' years to pool members.

    Parameters
    ----------
    pool : (authorities, years) float
        Outcomes of never-adopting authorities; those not drawn are the controls.
    first : (adopters,) int
        Columns of the adopters' first exposed years.

    Returns
    -------
    (draws, 2 + event times) float
    """
    generator = np.random.default_rng(seed)
    result = np.empty((draws, 2 + len(event_times)))
    for draw in range(draws):
        order = generator.permutation(len(pool))
        chosen, rest = order[: len(first)], order[len(first) :]
        result[draw] = statistics(pool[chosen], first, pool[rest], event_times)
    return result
