"""What was seen of each child after its referral: the one input of every outcome function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.cohort.calendar import add_months, birthday, days
from sfpc_book.cohort.link import Links, care_periods

ADULT_AGE = 18
NEVER = np.datetime64("9999-12-31")


@dataclass(frozen=True)
class Window:
    """Follow-up of each child to one horizon, arrays of `datetime64[D]`.

    An event counts from the referral to `last_day`, both inclusive; `last_day` is the referral date plus the
    horizon in calendar months, and a day before the 18th birthday where time at risk ends there. Days are
    counted from midnight to midnight and stop at `stop`: the horizon date, or the 18th birthday if earlier.
    `due` is the horizon date whatever the child's age: records must reach it before the outcome counts as
    observed. Were it the birthday, the oldest children would be observed first, and the horizon's newest
    referrals would be of one age.
    """

    last_day: np.ndarray
    stop: np.ndarray
    due: np.ndarray


@dataclass(frozen=True)
class FollowUp:
    """One authority's children (n, in a fixed order) and everything recorded about them.

    `referral` and `birth_month` are arrays of n dates; `care` are periods of care; `events[table]` the other
    outcome records; `referrals` all distinct dated referrals (`row`, `date`); `referrals_to` the last date
    that the authority's referral returns cover; `adult_from` the 18th birthday where time at risk ends there,
    else far off.
    """

    links: Links
    referral: np.ndarray
    birth_month: np.ndarray
    adult_from: np.ndarray
    care: pd.DataFrame
    referrals: pd.DataFrame
    referrals_to: np.datetime64

    @property
    def n(self) -> int:
        return len(self.referral)

    @property
    def events(self) -> Mapping[str, pd.DataFrame]:
        return self.links.events

    def window(self, horizon: int) -> Window:
        """Follow-up from the referral to `horizon` months after it."""
        return self.window_from(self.referral, horizon)

    def window_from(self, start: np.ndarray, months: int) -> Window:
        """Follow-up of `months` calendar months from `start`."""
        end = add_months(start, months)
        last_day = np.minimum(end, self.adult_from - np.timedelta64(1, "D"))
        return Window(last_day=last_day, stop=np.minimum(end, self.adult_from), due=end)

    def first(self, rows: np.ndarray, dates: np.ndarray, not_before: np.ndarray) -> np.ndarray:
        """Per child the earliest of its dates on or after `not_before` (n dates); NaT where there is none."""
        keep = dates >= not_before[rows]
        earliest = np.full(self.n, NEVER)
        np.minimum.at(earliest, rows[keep], dates[keep])
        return np.where(earliest == NEVER, np.datetime64("NaT"), earliest)

    def first_event(self, table: str, column: str, not_before: np.ndarray) -> np.ndarray:
        """`first` of a date column of an outcome table."""
        events = self.events[table]
        if events.empty:
            return np.full(self.n, np.datetime64("NaT"), dtype="datetime64[D]")
        return self.first(events["row"].to_numpy(), days(events[column]), not_before)

    def first_care(self, not_before: np.ndarray) -> np.ndarray:
        """First start of care on or after a date."""
        return self.first(self.care["row"].to_numpy(), days(self.care["start"]), not_before)


def follow_up(
    links: Links, records: pd.DataFrame, until_adult: bool, referrals_to: np.datetime64
) -> FollowUp:
    """Collect what the outcome functions need. `records`: all referral records of the authority with
    `child_key`."""
    children = links.children
    birth_month = days(children["birth_month"])
    adult = birthday(birth_month, ADULT_AGE) if until_adult else np.full(len(children), NEVER)
    return FollowUp(
        links=links,
        referral=days(children["referral_date"]),
        birth_month=birth_month,
        adult_from=np.where(np.isnat(adult), NEVER, adult),
        care=care_periods(links.events["dr3_care"]),
        referrals=_referrals(children, records),
        referrals_to=referrals_to,
    )


def _referrals(children: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    position = pd.Index(children["child_key"]).get_indexer(records["child_key"])
    keep = (position >= 0) & records["referral_date"].notna().to_numpy()
    dated = pd.DataFrame({"row": position[keep], "date": days(records["referral_date"])[keep]})
    return dated.drop_duplicates().sort_values(["row", "date"]).reset_index(drop=True)


def days_covered(
    rows: np.ndarray, starts: np.ndarray, ends: np.ndarray, window_start: np.ndarray, window_stop: np.ndarray
) -> np.ndarray:
    """Days per child that lie in at least one spell [start, end) and in [window_start, window_stop).

    `rows` (m) gives each spell's child; `ends` may be NaT (still running). Overlapping spells count once.
    Returns n floats, 0 where there is no spell.
    """
    begin = np.maximum(starts, window_start[rows])
    finish = np.minimum(np.where(np.isnat(ends), window_stop[rows], ends), window_stop[rows])
    spells = pd.DataFrame({"row": rows, "begin": _number(begin), "finish": _number(finish)})
    spells = spells[spells["finish"] > spells["begin"]].sort_values(["row", "begin", "finish"])
    reached = spells.groupby("row")["finish"].cummax().groupby(spells["row"]).shift()
    fresh = spells["finish"] - np.fmax(spells["begin"], reached)
    return np.bincount(spells["row"], weights=np.maximum(fresh, 0), minlength=len(window_start)).astype(float)


def _number(dates: np.ndarray) -> np.ndarray:
    return dates.astype("datetime64[D]").astype("int64")
