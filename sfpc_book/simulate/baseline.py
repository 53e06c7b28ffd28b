"""What would happen without the model: risks by authority, calendar date and child, in additive form.

The risk of an event for a child is its multiplier times the sum of authority level, calendar part, noise of
authority and period, and effect. Multipliers have mean 1 in each authority and do not depend on the date, so
that the mean risk of an authority in a period is the sum of its parts: a linear model with authority and
period effects is unbiased for an effect that is constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.simulate.chance import stream
from sfpc_book.simulate.codes import ASYLUM, DISABILITY, FACTORS
from sfpc_book.simulate.dates import age, day
from sfpc_book.simulate.effects import EffectSettings
from sfpc_book.simulate.population import dates_of
from sfpc_book.study.schema import CovidBand
from sfpc_book.study.wedge import Wedge

# Lowest and highest authority level, in the order of the fields of `Baseline`. Risks are within 18 months.
LEVELS = {
    "looked_after": (0.042, 0.071),
    "plan": (0.09, 0.13),
    "plan_return": (0.22, 0.30),
    "re_referral": (0.18, 0.26),
    "court": (0.40, 0.50),
    "absence": (0.028, 0.040),
    "moves": (1.1, 1.5),
    "neet": (0.36, 0.44),
    "kinship": (0.15, 0.22),
    "return_home": (0.34, 0.42),
}
TREND_PER_YEAR = 0.0008
SHOCK = {"lockdown": -0.005, "restrictions": -0.002}
AGE_WEIGHTS = ((-9, 0.8), (0, 0.5), (1, 0.0), (5, -0.2), (10, 0.1), (16, 0.0))
LOWEST, HIGHEST = 0.15, 6.0


@dataclass(frozen=True)
class Baseline:
    """Arrays per child. `level[name]` is the authority's level; `calendar` the calendar part of a risk;
    `noise` the authority-by-period part; `multiplier` the child's own risk against its authority's mean."""

    level: dict[str, np.ndarray]
    calendar: np.ndarray
    noise: np.ndarray
    multiplier: np.ndarray


def draw_baseline(
    children: pd.DataFrame, wedge: Wedge, covid: tuple[CovidBand, ...], settings: EffectSettings, seed: int
) -> Baseline:
    """Baseline of every child; children in the order of the frame."""
    rng = stream(seed, wedge.model_id, "baseline")
    place = pd.Index(wedge.authorities).get_indexer(children["authority"])
    level = {name: _levels(*ends, wedge, rng)[place] for name, ends in LEVELS.items()}
    noise = np.clip(
        rng.normal(0, settings.cluster_period_sd, (len(wedge.authorities), wedge.n_periods)), -0.004, 0.004
    )
    period = children["period"].to_numpy()
    return Baseline(
        level=level,
        calendar=calendar_part(dates_of(children, "index_date"), wedge, covid),
        noise=np.where(period >= 0, noise[place, period], 0.0),
        multiplier=_multiplier(children, place, rng),
    )


def calendar_part(dates: np.ndarray, wedge: Wedge, covid: tuple[CovidBand, ...]) -> np.ndarray:
    """Slow trend, and the shock of the pandemic on referrals made in its bands; the same everywhere."""
    years = (dates - day(wedge.window_start)).astype(float) / 365.25
    part = TREND_PER_YEAR * np.clip(years, -1, 4)
    for band in covid:
        part = part + SHOCK[band.kind] * ((dates >= day(band.start)) & (dates <= day(band.end)))
    return part


def _levels(low: float, high: float, wedge: Wedge, rng: np.random.Generator) -> np.ndarray:
    """Evenly spread levels in random order: authorities differ, and none is the middle by chance alone."""
    n = len(wedge.authorities)
    return rng.permutation(np.linspace(low, high, n)) if n > 1 else np.array([(low + high) / 2])


def _multiplier(children: pd.DataFrame, place: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    years = age(dates_of(children, "birth"), dates_of(children, "index_date"))
    starts = np.array([start for start, _ in AGE_WEIGHTS])
    score = np.array([weight for _, weight in AGE_WEIGHTS])[np.searchsorted(starts, years, side="right") - 1]
    score = score + 0.35 * np.minimum(children["previous_plans"].to_numpy(), 3)
    score += 0.12 * children[[f"has_{code}" for code in FACTORS]].sum(axis=1).to_numpy()
    score += 0.15 * (children["disability"] == DISABILITY[1]).to_numpy()
    score += 1.5 * (children["asylum_seeker"] == ASYLUM[1]).to_numpy()
    score += -0.9 * children["no_further_action"].to_numpy() + rng.normal(0, 0.3, len(children))
    raw = np.clip(np.exp(score), LOWEST, HIGHEST)
    main = (children["group"] == "main").to_numpy()
    total = np.bincount(place[main], weights=raw[main], minlength=place.max(initial=0) + 1)
    count = np.bincount(place[main], minlength=place.max(initial=0) + 1)
    return raw / (total / np.maximum(count, 1))[place]
