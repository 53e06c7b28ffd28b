"""Contacts of one world: referrals before and after the first in the window, and absence from school."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.simulate.chance import event_day, stream
from sfpc_book.simulate.dates import NAT, day, shift, term_after, term_number, term_starts
from sfpc_book.simulate.population import dates_of
from sfpc_book.simulate.world import World, long

SHARE_EARLIER = {"main": 0.25, "other_age": 0.25, "after": 0.10, "before": 0.0}
SHARE_THIRD = 0.35
DAYS_UNBORN = 200
SEASON_SHARE = (0.000, 0.004, -0.002)
MOST_ABSENT = 0.95


def referral_dates(world: World, earliest: np.datetime64) -> pd.DataFrame:
    """Referrals of every child, one row each: child, referral_date, and slot (-1 earlier, 0 first in the
    window, 1 and 2 later)."""
    rng = stream(world.seed, world.wedge.model_id, "referrals")
    draw = rng.random((world.n, 5))
    index = dates_of(world.children, "index_date")
    again = shift(index, event_day(draw[:, 0], world.level("re_referral", world.settings.re_referral)
                                   + world.baseline.calendar) + 1)  # fmt: skip
    third = np.where(draw[:, 1] < SHARE_THIRD, shift(again, 30 + 470 * draw[:, 2]), NAT)
    adult = dates_of(world.children, "adult")
    stays_out = (world.children["group"] == "before").to_numpy()
    limit = np.where(stays_out, np.minimum(adult, day(world.wedge.window_start)), adult)
    again, third = (np.where(dates < limit, dates, NAT) for dates in (again, third))
    slots = {-1: _earlier(world, draw[:, 3:], earliest), 0: index, 1: again, 2: third}
    parts = [{"referral_date": dates, "slot": np.full(world.n, slot)} for slot, dates in slots.items()]
    return long(parts, "referral_date")


def _earlier(world: World, draw: np.ndarray, earliest: np.datetime64) -> np.ndarray:
    """A referral before the window; none where the child was not yet on the way."""
    start = day(world.wedge.window_start)
    span = max((start - earliest).astype(int), 0)
    dates = earliest + np.floor(draw[:, 0] * span).astype("timedelta64[D]")
    chosen = draw[:, 1] < world.children["group"].map(SHARE_EARLIER).to_numpy()
    born = dates >= dates_of(world.children, "birth") - np.timedelta64(DAYS_UNBORN, "D")
    return np.where(chosen & born & (dates < start), dates, NAT)


def absence(world: World) -> np.ndarray:
    """Share of possible sessions missed without authorisation, children x terms, at whatever age.

    The effect acts on the terms that start after the referral.
    """
    rng = stream(world.seed, world.wedge.model_id, "absence")
    numbers = np.array([term_number(label) for label in world.terms])
    own = rng.gamma(2.0, 0.5, world.n)
    noise = rng.uniform(0.5, 1.5, (world.n, len(numbers)))
    after = numbers >= term_after(dates_of(world.children, "index_date"))[:, None]
    years = (term_starts(numbers) - day(world.wedge.window_start)).astype(float) / 365.25
    calendar = np.array(SEASON_SHARE)[numbers % 3] + 0.001 * years
    mean = world.baseline.level["absence"][:, None] + calendar
    mean = mean + after * (world.strength * world.settings.absence_share)[:, None]
    return np.minimum(own[:, None] * np.maximum(mean, 0.005) * noise, MOST_ABSENT)
