"""Outcomes of simulated trials: an order drawn by lot, risks by a declared scenario, binomial children.

The risk of a cell without the model is the sum of its authority's own level, a change of the period that all
share, and what the scenario adds: a deviation of the cell (independent, or autocorrelated over the periods of
an authority), a trend of the authority, a shock under lockdown that differs between authorities. Exposure
adds the effect, which may begin late and grow. All of it is drawn anew in every replication.

The true value is counted, not assumed: the mean over the exposed children of their risk with and without the
model, both kept between `LEAST` and 1 - `LEAST`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from sfpc_book.estimate.calibration_design import Design
from sfpc_book.study.calibration import Baseline, Scenario

LEAST = 0.001  # a risk is kept this far from 0 and 1
CHUNK = 50  # replications that share one stream of random numbers: the unit of work, whatever the workers


@dataclass(frozen=True)
class Draws:
    """Simulated trials of one scenario, R of them.

    Attributes
    ----------
    order
        Which order of the design was drawn, (R,).
    mean
        Share of children with the event in each cell, (R, cells).
    difference, log_odds
        True difference of risks, and of log odds, that exposure makes in each cell, 0 where unexposed, (R,
        cells).
    """

    order: np.ndarray
    mean: np.ndarray
    difference: np.ndarray
    log_odds: np.ndarray

    def __len__(self) -> int:
        return len(self.order)

    def first(self, size: int) -> Draws:
        """The first `size` of them."""
        return Draws(self.order[:size], self.mean[:size], self.difference[:size], self.log_odds[:size])


def chunk_seed(seed: int, model: int, scenario: int, chunk: int) -> np.random.SeedSequence:
    """The seed of one chunk: that which spawning model, scenario and chunk in turn from `seed` gives.

    A chunk's numbers depend on its place alone: not on how many others there are, nor on who runs them.
    """
    return np.random.SeedSequence(seed, spawn_key=(model, scenario, chunk))


def draw(
    design: Design, scenario: Scenario, baseline: Baseline, seed: np.random.SeedSequence, size: int = CHUNK
) -> Draws:
    """`size` simulated trials."""
    rng = np.random.default_rng(seed)
    order = rng.integers(len(design.orders), size=size)
    without = _risk(design, scenario, baseline, rng, size)
    growth = _growth(design.months[order], scenario) * design.exposed[order]
    bounds = (LEAST, 1 - LEAST)
    unexposed = np.clip(without, *bounds)
    risk = np.clip(without + scenario.effect * growth, *bounds)
    children = design.cells.weight.astype(int)
    return Draws(
        order=order,
        mean=rng.binomial(children, risk) / children,
        difference=risk - unexposed,
        log_odds=logit(risk) - logit(unexposed),
    )


def exposed_average(values: np.ndarray, exposed: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Mean over the exposed children of each trial; NaN without any. `values`, `exposed` (R, cells)."""
    share = exposed * weight
    total = share.sum(axis=1)
    return np.divide((share * values).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0)


def _risk(
    design: Design, scenario: Scenario, baseline: Baseline, rng: np.random.Generator, size: int
) -> np.ndarray:
    """Risk of each cell without the model, (size, cells). Every part is drawn, also where it is 0, so that
    scenarios differ in what they say and in nothing else."""
    cells = design.cells
    authorities, periods = len(cells.authorities), design.wedge.n_periods
    level = rng.uniform(baseline.lowest, baseline.highest, (size, authorities))
    shared = rng.normal(0, 1, (size, periods)) * baseline.period_deviation
    deviation = _autocorrelated(rng.normal(0, 1, (size, authorities, periods)), scenario.cell_autocorrelation)
    trend = rng.normal(0, 1, (size, authorities)) * scenario.trend_deviation
    shock = rng.normal(0, 1, (size, authorities)) * scenario.shock_deviation
    return (
        level[:, cells.authority]
        + shared[:, cells.period]
        + deviation[:, cells.authority, cells.period] * scenario.cell_deviation
        + trend[:, cells.authority] * design.years
        + shock[:, cells.authority] * design.lockdown
    )


def _autocorrelated(noise: np.ndarray, correlation: float) -> np.ndarray:
    """Stationary first-order autoregression along the last axis, with variance 1."""
    found = noise.copy()
    fresh = np.sqrt(1 - correlation**2)
    for period in range(1, noise.shape[-1]):
        found[..., period] = correlation * found[..., period - 1] + fresh * noise[..., period]
    return found


def _growth(months: np.ndarray, scenario: Scenario) -> np.ndarray:
    """Share of the full effect at a time since go-live."""
    if scenario.ramp_months == 0:
        return (months >= scenario.delay_months).astype(float)
    return np.clip((months - scenario.delay_months) / scenario.ramp_months, 0, 1)
