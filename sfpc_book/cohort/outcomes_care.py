"""Outcomes of care: becoming looked after, days, placements, kinship, return home, activity after leaving."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.cohort.calendar import add_months, completed_years, days, ssda903_year, ssda903_year_end
from sfpc_book.cohort.follow import NEVER, FollowUp, Window, days_covered
from sfpc_book.cohort.measure import Measured
from sfpc_book.study.registries import Outcome

MANY_PLACEMENTS = 3
NEW_PLACEMENT_REASONS = ("S", "P", "B")  # started care; change of placement; of placement and legal status
OTHER_REASONS = ("L", "T", "U")  # the carer stays: not a new placement
NOT_IN_TOUCH = ("0",)
CARE_LEAVER_AGES = (16, 20)


def looked_after(follow: FollowUp, outcome: Outcome, horizon: int) -> Measured:
    """1 if a period of care starts on or after the first referral and on or before its last day of follow-up.

    The first start on or after the referral decides, whatever came before. Last day of follow-up: the same
    day of the month `horizon` calendar months later, inclusive (No Wrong Door: at most the day before the
    18th birthday).
    """
    window = follow.window(horizon)
    start = follow.first_care(follow.referral)
    return Measured(value=(start <= window.last_day).astype(float), needed_to=window.due)


def days_in_care(follow: FollowUp, outcome: Outcome, horizon: int) -> Measured:
    """Days in care between the first care start on or after the referral and the horizon; 0 if there is none.

    Sum over all periods of care from that start on, each cut at the horizon (No Wrong Door: at the 18th
    birthday); a period still running counts to there, because records reach beyond it: a child whose records
    stop before the horizon is not observed. Overlapping periods count once. All children are in the
    population: the mean among those in care alone would select on the outcome.
    """
    window = follow.window(horizon)
    rows, starts = follow.care["row"].to_numpy(), days(follow.care["start"])
    after = starts >= follow.referral[rows]
    value = days_covered(
        rows[after], starts[after], days(follow.care["end"])[after], follow.referral, window.stop
    )
    return Measured(value=value, needed_to=window.due)


def _entered(follow: FollowUp, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """First care start on or after the referral, and whether it lies in the window."""
    start = follow.first_care(follow.referral)
    return start, start <= window.last_day


def placement_count(follow: FollowUp, outcome: Outcome, horizon: int) -> Measured:
    """Placements in the `fixed_months` months after the first care start, among children who enter care.

    Population: children whose first care start on or after the referral is in the window.
    Counts the episodes that begin from that start to the same day `fixed_months` months later, inclusive (at
    most the day before the 18th birthday), for the reasons S, P or B; episodes for L, T or U keep the carer
    and do not count. An episode without a reason counts if its placement type differs from the episode
    before. At least 1. Observed when records reach `fixed_months` months beyond the horizon, whenever care
    started.
    """
    window = follow.window(horizon)
    start, entered = _entered(follow, window)
    after = follow.window_from(start, outcome.fixed_months or 12).last_day
    counted = _new_placements(follow.events["dr3_episodes"])
    rows, begun = counted["row"].to_numpy(), days(counted["episode_start"])
    inside = (begun >= start[rows]) & (begun <= after[rows])
    number = np.bincount(rows[inside], minlength=follow.n).astype(float)
    needed = add_months(window.due, outcome.fixed_months or 12)
    recorded = np.bincount(follow.events["dr3_episodes"]["row"], minlength=follow.n) > 0
    return Measured(np.where(recorded, np.maximum(number, 1), np.nan), needed, in_population=entered)


def placement_stability(follow: FollowUp, outcome: Outcome, horizon: int) -> Measured:
    """1 if there are three or more placements; all else as for the number of placements."""
    count = placement_count(follow, outcome, horizon)
    many = np.where(np.isnan(count.value), np.nan, count.value >= MANY_PLACEMENTS)
    return Measured(many, count.needed_to, in_population=count.in_population)


def _new_placements(episodes: pd.DataFrame) -> pd.DataFrame:
    """The episodes that begin a new placement."""
    if episodes.empty:
        return pd.DataFrame(
            {"row": np.array([], dtype=int), "episode_start": pd.Series([], dtype="datetime64[ns]")}
        )
    order = ["row", "episode_start", "episode_end", "placement_type", "episode_reason"]
    ordered = episodes.sort_values(order, na_position="last")
    moved = ordered["placement_type"] != ordered.groupby("row")["placement_type"].shift()
    reason = ordered["episode_reason"]
    known = reason.isin([*NEW_PLACEMENT_REASONS, *OTHER_REASONS])
    new = reason.isin(NEW_PLACEMENT_REASONS) | (~known & moved.fillna(True))
    return ordered[new].drop_duplicates(["row", "episode_start"])


def kinship_care(follow: FollowUp, outcome: Outcome, horizon: int) -> Measured:
    """1 if a period of care in the window is with a connected person, among children who start care in it.

    Connected person: placement type among the outcome's `codes`. Periods count that start on or after the
    referral and on or before the last day of follow-up. Not observed where no placement is one and one is
    not recorded.
    """
    window = follow.window(horizon)
    _, entered = _entered(follow, window)
    rows, start = follow.care["row"].to_numpy(), days(follow.care["start"])
    inside = (start >= follow.referral[rows]) & (start <= window.last_day[rows])
    value = _any_code(follow, inside, follow.care["placement_type"], outcome)
    return Measured(value, window.due, in_population=entered)


def reunification(follow: FollowUp, outcome: Outcome, horizon: int) -> Measured:
    """1 if a period of care ends with a return home in the window, among children who start care in it.

    Return home: reason ceased among the outcome's `codes`. Periods count that start on or after the referral
    and end on or before the last day of follow-up. Not observed where no reason is one and one is not
    recorded.
    """
    window = follow.window(horizon)
    _, entered = _entered(follow, window)
    rows, start, end = follow.care["row"].to_numpy(), days(follow.care["start"]), days(follow.care["end"])
    inside = (start >= follow.referral[rows]) & (end <= window.last_day[rows])
    value = _any_code(follow, inside, follow.care["ceased_reason"], outcome)
    return Measured(value, window.due, in_population=entered)


def _any_code(follow: FollowUp, inside: np.ndarray, codes: pd.Series, outcome: Outcome) -> np.ndarray:
    """1 if a chosen period of care has one of the outcome's codes, 0 if none has, NaN if one might."""
    rows = follow.care["row"].to_numpy()
    found = np.bincount(rows[inside & codes.isin(outcome.codes).to_numpy(dtype=bool)], minlength=follow.n)
    unknown = np.bincount(rows[inside & codes.isna().to_numpy()], minlength=follow.n)
    return np.where(found > 0, 1.0, np.where(unknown > 0, np.nan, 0.0))


def neet(follow: FollowUp, outcome: Outcome, horizon: int) -> Measured:
    """1 if the main activity in the first SSDA903 year after leaving care is among the outcome's `codes`.

    Population: children who leave care after the referral and by the horizon or 18th birthday, aged 16 to 20
    (completed years) at the end of the SSDA903 year (to 31 March) of leaving. The first year is that year, or
    the next one with an activity recorded where it has none: activity is asked for around a birthday, which
    may fall in the year after. "Not in touch" is not known, hence not observed. Leaving care: the date in the
    activity sheet, else the end of the last period of care. Observed when records reach the end of the
    SSDA903 year in which the horizon lies.
    """
    window = follow.window(horizon)
    left = _left_care(follow)
    age = completed_years(follow.birth_month, ssda903_year_end(ssda903_year(left)))
    inside = (left <= window.stop) & (age >= CARE_LEAVER_AGES[0]) & (age <= CARE_LEAVER_AGES[1])
    activity = _first_activity(follow, left)
    unknown = activity.isna() | activity.isin(NOT_IN_TOUCH)
    value = np.where(unknown, np.nan, activity.isin(outcome.codes).astype(float))
    return Measured(value, ssda903_year_end(ssda903_year(window.due)), in_population=inside)


def _left_care(follow: FollowUp) -> np.ndarray:
    recorded = follow.first_event("dr3_neet", "left_care_date", follow.referral)
    rows, end = follow.care["row"].to_numpy(), days(follow.care["end"])
    after = days(follow.care["start"]) >= follow.referral[rows]
    last = np.full(follow.n, np.datetime64("0001-01-01"))
    np.maximum.at(last, rows[after], np.where(np.isnat(end), NEVER, end)[after])
    gone = (last > follow.referral) & (last < NEVER)
    return np.where(np.isnat(recorded), np.where(gone, last, np.datetime64("NaT")), recorded)


def _first_activity(follow: FollowUp, left: np.ndarray) -> pd.Series:
    """First activity code recorded in or after the SSDA903 year of leaving; NA where there is none."""
    activity = pd.Series(pd.NA, index=range(follow.n), dtype="str")
    sent = follow.events["dr3_neet"]
    if sent.empty:
        return activity
    year, gone = pd.to_numeric(sent["ssda903_year"]), ssda903_year(left)[sent["row"]]
    due = sent.assign(year=year)[sent["main_activity"].notna() & (year >= gone) & (gone > 0)]
    first = due.sort_values(["row", "year", "main_activity"]).drop_duplicates("row")
    activity.iloc[first["row"]] = first["main_activity"].to_numpy()
    return activity
