"""Outcomes of child protection plans and care proceedings."""

from __future__ import annotations

import numpy as np

from sfpc_book.cohort.calendar import add_months, days
from sfpc_book.cohort.follow import FollowUp, days_covered
from sfpc_book.cohort.measure import Measured
from sfpc_book.study.registries import Outcome

ONE_DAY = np.timedelta64(1, "D")


def child_protection_plan(follow: FollowUp, outcome: Outcome, horizon: int) -> Measured:
    """1 if a plan starts on or after the first referral and on or before the last day of follow-up.

    All children are in the population; a plan already running at referral is not a start.
    """
    window = follow.window(horizon)
    start = follow.first_event("dr3_plans", "plan_start", follow.referral)
    return Measured(value=(start <= window.last_day).astype(float), needed_to=window.due)


def days_on_plan(follow: FollowUp, outcome: Outcome, horizon: int) -> Measured:
    """Days on protection plans from the first referral to the horizon; 0 for a child with none.

    Days of a plan already running at referral count from the referral on; a plan still running counts to the
    horizon, because records reach beyond it: a child whose records stop before the horizon is not observed.
    Overlapping plans count once. All children are in the population.
    """
    window = follow.window(horizon)
    plans = follow.events["dr3_plans"]
    if plans.empty:
        return Measured(np.zeros(follow.n), window.due)
    value = days_covered(
        plans["row"].to_numpy(),
        days(plans["plan_start"]),
        days(plans["plan_end"]),
        follow.referral,
        window.stop,
    )
    return Measured(value=value, needed_to=window.due)


def plan_duration(follow: FollowUp, outcome: Outcome, horizon: int) -> Measured:
    """Days from start to end of the first plan that starts in the window, at most `fixed_months` months.

    Population: children with a plan that starts on or after the referral and on or before the last day of
    follow-up. Observed when records reach `fixed_months` months beyond the horizon, whenever the plan started
    or ended: otherwise long plans would be missing and short ones not. Of several plans sent with that start,
    the one that ends first counts.
    """
    window = follow.window(horizon)
    start = follow.first_event("dr3_plans", "plan_start", follow.referral)
    started = start <= window.last_day
    limit = follow.window_from(start, outcome.fixed_months or 24).stop
    needed = add_months(window.due, outcome.fixed_months or 24)
    end = end_of_plan(follow, start)
    duration = (np.fmin(end, limit) - start).astype("timedelta64[D]").astype(float)
    return Measured(np.where(started, duration, np.nan), needed, in_population=started)


def end_of_plan(follow: FollowUp, start: np.ndarray) -> np.ndarray:
    """End of each child's plan with that start (n dates); of several the earliest, NaT while it runs."""
    plans = follow.events["dr3_plans"]
    if plans.empty:
        return np.full(follow.n, np.datetime64("NaT"), dtype="datetime64[D]")
    rows, end = plans["row"].to_numpy(), days(plans["plan_end"])
    same = (days(plans["plan_start"]) == start[rows]) & ~np.isnat(end)
    return follow.first(rows[same], end[same], start)


def return_to_statutory_services(follow: FollowUp, outcome: Outcome, horizon: int) -> Measured:
    """1 if a new plan, child in need plan or period of care starts within `horizon` months after a plan ends.

    The plan is the first to end on or after the first referral; population: children whose plan ends on or
    before the last day of follow-up. The return must start after the day the plan ends (a step down on that
    very day is not a return) and on or before the same day `horizon` calendar months later. Observed when
    records reach twice the horizon, whenever the plan ended.
    """
    window = follow.window(horizon)
    end = follow.first_event("dr3_plans", "plan_end", follow.referral)
    ended = end <= window.last_day
    until = follow.window_from(end, horizon).last_day
    back = np.fmin.reduce(
        [
            follow.first_event("dr3_plans", "plan_start", end + ONE_DAY),
            follow.first_event("dr3_cin", "referral_date", end + ONE_DAY),
            follow.first_care(end + ONE_DAY),
        ]
    )
    needed = add_months(window.due, horizon)
    return Measured((back <= until).astype(float), needed, in_population=ended)


def proceeds_to_court(follow: FollowUp, outcome: Outcome, horizon: int) -> Measured:
    """1 if care proceedings are issued within `fixed_days` days of the first pre-proceedings meeting.

    Population: children whose first meeting on or after the referral lies in the window to the horizon.
    Proceedings count from the day of the meeting to `fixed_days` days later, inclusive. Observed when records
    reach `fixed_days` days beyond the horizon, whenever the meeting was.
    """
    window = follow.window(horizon)
    meeting = follow.first_event("dr3_proceedings", "pre_proceedings_date", follow.referral)
    met = meeting <= window.last_day
    weeks = np.timedelta64(outcome.fixed_days or 112, "D")
    until = meeting + weeks
    issued = follow.first_event("dr3_proceedings", "care_proceedings_date", meeting)
    return Measured((issued <= until).astype(float), window.due + weeks, in_population=met)
