"""Time to an event by child, with children whose records stop first as censored instead of left out.

The outcomes of `outcomes.py` leave out every child whose records do not reach the horizon. Here such a child
counts for as long as it was followed. One row per child, outcome, horizon and rule:

- `records`: a child is followed to the horizon or the last day its records cover. A child who turns 18 first,
  where time at risk ends there, counts as without the event to the horizon, as in the main outcome.
- `records_or_18`: such a child is censored on the day before the 18th birthday. Only where time at risk ends
  at that birthday.

Time runs in days from the start to `end`: the horizon in days of an average calendar (548 for 18 months), at
which whoever is followed to the horizon's own date is set, so that calendars of different length do not make
horizons of different length. The table is by child and never reaches a page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.cohort.calendar import days
from sfpc_book.cohort.follow import FollowUp
from sfpc_book.cohort.outcomes_plans import end_of_plan
from sfpc_book.study.registries import Outcome

RECORDS, RECORDS_OR_18 = "records", "records_or_18"
KEYS = ["child_key", "authority", "period", "exposed", "exposure_time"]
TIME_COLUMNS = [*KEYS, "outcome", "horizon", "rule", "days", "event", "end"]
DAYS_PER_MONTH = 365.2425 / 12
NEVER = np.datetime64("9999-12-31")


@dataclass(frozen=True)
class Course:
    """From a start to an event, arrays of n dates; `belongs` says who has a start that counts.

    An event counts on or before `last_day`. `due` is the date to which a child without one must be followed,
    `months` its distance from the start; time at risk ends before `adult_from`.
    """

    start: np.ndarray
    event: np.ndarray
    last_day: np.ndarray
    due: np.ndarray
    adult_from: np.ndarray
    belongs: np.ndarray
    months: int


def until_care(follow: FollowUp, outcome: Outcome, horizon: int) -> Course:
    """From the first referral to the first start of care on or after it, by the horizon."""
    window = follow.window(horizon)
    event = follow.first_care(follow.referral)
    everyone = np.ones(follow.n, dtype=bool)
    return Course(follow.referral, event, window.last_day, window.due, follow.adult_from, everyone, horizon)


def until_plan_ends(follow: FollowUp, outcome: Outcome, horizon: int) -> Course:
    """From the start to the end of the first protection plan that starts within the horizon, at most
    `fixed_months` months."""
    start = follow.first_event("dr3_plans", "plan_start", follow.referral)
    months = outcome.fixed_months or 24
    limit = follow.window_from(start, months)
    belongs = start <= follow.window(horizon).last_day
    event = end_of_plan(follow, start)
    return Course(start, event, limit.stop, limit.due, follow.adult_from, belongs, months)


COURSES: Mapping[str, Callable[[FollowUp, Outcome, int], Course]] = {
    "looked_after": until_care,
    "plan_duration": until_plan_ends,
}


def days_in(months: int) -> int:
    """Days in some months of an average calendar, rounded."""
    return round(months * DAYS_PER_MONTH)


def times_table(follow: FollowUp, outcomes: Sequence[Outcome], horizons: Sequence[int]) -> pd.DataFrame:
    """Time and event of each child seen, for the outcomes that are times to an event. See `TIME_COLUMNS`."""
    rules = [RECORDS, RECORDS_OR_18] if (follow.adult_from < NEVER).any() else [RECORDS]
    parts = [
        _rows(follow, outcome, horizon, rule)
        for outcome in outcomes
        if outcome.id in COURSES
        for horizon in horizons
        for rule in rules
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=TIME_COLUMNS)


def _rows(follow: FollowUp, outcome: Outcome, horizon: int, rule: str) -> pd.DataFrame:
    course = COURSES[outcome.id](follow, outcome, horizon)
    children = follow.links.children
    covered = days(children["covered_to"])
    linked = np.logical_and.reduce([follow.links.linked[table] for table in outcome.tables])
    from_the_start = days(children["covered_from"]) <= follow.referral
    seen = linked & from_the_start & course.belongs & (covered >= course.start)
    length, event = time_and_event(course, covered, rule)
    return (
        children.loc[seen, KEYS]
        .assign(outcome=outcome.id, horizon=horizon, rule=rule)
        .assign(days=length[seen].astype(int), event=event[seen], end=days_in(course.months))
    )


def time_and_event(course: Course, covered_to: np.ndarray, rule: str) -> tuple[np.ndarray, np.ndarray]:
    """Days followed (n floats, NaN where there is no start) and whether the event ended them (n bools).

    An event that records beyond `covered_to` happen to show does not count: its fellows without one could
    not be told from those whose event is still to come.
    """
    end = days_in(course.months)
    happened = (course.event <= course.last_day) & (course.event <= covered_to)
    stop = covered_to
    if rule == RECORDS_OR_18:
        day_before = course.adult_from - np.timedelta64(1, "D")
        stop = np.minimum(covered_to, np.where(day_before < course.due, day_before, NEVER))
    to_the_end = ~happened & (stop >= course.due)
    last = np.where(happened, course.event, np.where(to_the_end, course.due, stop))
    length = (last - course.start).astype("timedelta64[D]")
    number = np.where(np.isnat(length), np.nan, length.astype(float))
    return np.where(to_the_end, end, np.clip(number, 0, end)), happened
