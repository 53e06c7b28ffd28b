"""Plans of one world: child protection plans, child in need plans, pre-proceedings and care proceedings."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.simulate.chance import event_day, lognormal, stream
from sfpc_book.simulate.dates import NAT, shift
from sfpc_book.simulate.population import dates_of
from sfpc_book.simulate.world import World, long

SHARE_RUNNING = 0.03
SHARE_STEP_DOWN = 0.4
SHARE_RETURN_BY_PLAN = 0.35
SHARE_IN_NEED = 0.35
DAYS_TO_CONFERENCE = 10
SHORTEST_PLAN = 20
RISK_PRE_PROCEEDINGS = 0.05
SHARE_LATE_COURT = 0.25
WEEKS_16 = 112


def plans_and_cin(world: World, earliest: np.datetime64) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Protection plans (earlier, running at referral, first, return) and child in need plans."""
    rng = stream(world.seed, world.wedge.model_id, "plans")
    draw, settings = rng.random((world.n, 20)), world.settings
    index, birth = dates_of(world.children, "index_date"), dates_of(world.children, "birth")
    adult, floor = dates_of(world.children, "adult"), np.maximum(birth, earliest)
    running = shift(index, -10 - 290 * draw[:, 0])
    running = np.where((draw[:, 1] < SHARE_RUNNING) & (running >= floor), running, NAT)
    running_end = np.where(np.isnat(running), NAT, shift(index, 10 + 290 * draw[:, 2]))
    started = shift(
        index, event_day(draw[:, 3], world.risk("plan", settings.child_protection_plan)) + DAYS_TO_CONFERENCE
    )
    first = np.where(np.isnat(running) & (started < adult), started, NAT)
    length = lognormal(draw[:, 4], 220, 0.55) + world.strength * settings.plan_days
    first_end = np.minimum(shift(first, np.maximum(length, SHORTEST_PLAN)), adult)
    ended = np.where(np.isnat(running), first_end, running_end)
    wait = event_day(draw[:, 5], world.level("plan_return", settings.return_to_statutory_services)) + 1
    back = shift(ended, wait)
    back = np.where(back < adult, back, NAT)
    by_plan = draw[:, 6] < SHARE_RETURN_BY_PLAN
    plan_back, cin_back = np.where(by_plan, back, NAT), np.where(by_plan, NAT, back)
    plans = [
        _earlier(world, draw[:, 7:10], index, floor),
        {"plan_start": running, "plan_end": running_end},
        {"plan_start": first, "plan_end": first_end},
        {"plan_start": plan_back, "plan_end": shift(plan_back, lognormal(draw[:, 10], 200, 0.5))},
    ]
    step_down = np.where(draw[:, 11] < SHARE_STEP_DOWN, ended, NAT)
    at_referral = _in_need(world, draw[:, 12:15], index)
    cin = [
        {"cin_start": at_referral, "cin_end": shift(at_referral, 40 + 310 * draw[:, 15])},
        {"cin_start": step_down, "cin_end": shift(step_down, 40 + 260 * draw[:, 16])},
        {"cin_start": cin_back, "cin_end": shift(cin_back, 40 + 310 * draw[:, 17])},
    ]
    return long(plans, "plan_start"), long(cin, "cin_start")


def _earlier(world: World, draw: np.ndarray, index: np.ndarray, floor: np.ndarray) -> dict[str, np.ndarray]:
    """The last of a child's previous plans, where it began late enough to be reported."""
    end = shift(index, -320 - 600 * draw[:, 0])
    start = shift(end, -60 - 340 * draw[:, 1])
    known = (world.children["previous_plans"].to_numpy() > 0) & (start >= floor)
    return {"plan_start": np.where(known, start, NAT), "plan_end": np.where(known, end, NAT)}


def _in_need(world: World, draw: np.ndarray, index: np.ndarray) -> np.ndarray:
    action = ~world.children["no_further_action"].to_numpy(dtype=bool)
    return np.where(action & (draw[:, 0] < SHARE_IN_NEED), shift(index, 20 + 40 * draw[:, 1]), NAT)


def proceedings(world: World) -> pd.DataFrame:
    """First pre-proceedings meeting, and care proceedings where they follow: in 16 weeks, later or never."""
    rng = stream(world.seed, world.wedge.model_id, "proceedings")
    draw = rng.random((world.n, 4))
    index, birth = dates_of(world.children, "index_date"), dates_of(world.children, "birth")
    meeting = shift(index, event_day(draw[:, 0], world.baseline.multiplier * RISK_PRE_PROCEEDINGS))
    meeting = np.where(meeting < dates_of(world.children, "adult"), np.maximum(meeting, birth), NAT)
    within = world.level("court", world.settings.court)
    soon = np.floor((WEEKS_16 + 1) * draw[:, 2])
    late = np.floor(WEEKS_16 + 1 + 200 * draw[:, 3])
    wait = np.select([draw[:, 1] < within, draw[:, 1] > 1 - SHARE_LATE_COURT], [soon, late], np.nan)
    return long([{"pre_proceedings_date": meeting, "care_proceedings_date": shift(meeting, wait)}],
                "pre_proceedings_date")  # fmt: skip
