"""Chance: one stream of random numbers per topic, and the draws made from common random numbers.

An event that both worlds (exposed, not exposed) share is drawn from the same uniform number, so that the
difference between the worlds is the effect and nothing else.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
from scipy import stats

# Share of 18-month events that have happened by each day: fast at first, then at a steady pace.
LAST_DAY = 2200
_DAYS = np.arange(LAST_DAY + 1)
_EARLY = (1 - np.exp(-_DAYS / 260)) / (1 - np.exp(-548 / 260))
TIMING = 0.7 * _EARLY + 0.3 * _DAYS / 548


def stream(seed: int, *names: str) -> np.random.Generator:
    """The random numbers of one topic; the same for the same seed and names, whatever else is drawn."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def event_day(uniform: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """Days until an event whose probability within 18 months is `risk`; NaN if it never happens.

    The same `uniform` with a smaller risk gives a later day or no event.
    """
    level = uniform / np.maximum(risk, 1e-12)
    return np.where(level <= TIMING[-1], np.floor(np.interp(level, TIMING, _DAYS)), np.nan)


def pick(uniform: np.ndarray, weights: Mapping[str, float]) -> np.ndarray:
    """One code per child from uniform numbers, by weight."""
    shares = np.cumsum(list(weights.values())) / sum(weights.values())
    position = np.minimum(np.searchsorted(shares, uniform, side="right"), len(weights) - 1)
    return np.array(list(weights), dtype=object)[position]


def poisson(uniform: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """A Poisson count from each uniform number, by its quantile."""
    return stats.poisson.ppf(np.clip(uniform, 1e-9, 1 - 1e-9), np.maximum(mean, 0.01)).astype(int)


def lognormal(uniform: np.ndarray, median: float, spread: float) -> np.ndarray:
    """A lognormal number from each uniform number."""
    return median * np.exp(spread * stats.norm.ppf(np.clip(uniform, 1e-9, 1 - 1e-9)))
