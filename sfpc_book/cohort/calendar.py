"""Calendar arithmetic on whole columns: months that differ in length, birthdays, school terms, SSDA903 years.

Every function takes and returns `numpy` arrays of `datetime64[D]`; a missing date (NaT) stays missing.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

# Terms have no common dates in England. These first days are nominal and the same for every authority.
TERM_STARTS = {"spring": (1, 1), "summer": (4, 1), "autumn": (9, 1)}
TERM_ENDS = {"spring": (3, 31), "summer": (8, 31), "autumn": (12, 31)}
TERMS = ("spring", "summer", "autumn")


def days(dates: pd.Series | np.ndarray) -> np.ndarray:
    """A column of dates as `datetime64[D]`, NaT kept."""
    return np.asarray(pd.to_datetime(pd.Series(dates)).to_numpy(dtype="datetime64[D]"))


def add_months(dates: np.ndarray, months: int) -> np.ndarray:
    """The same day of the month `months` calendar months later; the month's last day where there is no such
    day."""
    month = dates.astype("datetime64[M]")
    day = dates - month.astype("datetime64[D]")
    later = month + np.timedelta64(months, "M")
    length = (later + np.timedelta64(1, "M")).astype("datetime64[D]") - later.astype("datetime64[D]")
    clamped = np.minimum(day, length - np.timedelta64(1, "D"))
    return later.astype("datetime64[D]") + clamped


def completed_years(birth_month: np.ndarray, dates: np.ndarray) -> np.ndarray:
    """Completed years of age (float, NaN if unknown), the child being born on the first of its birth month.

    A date before the birth month gives a negative number of years (-1 for the year before birth).
    """
    months = dates.astype("datetime64[M]") - birth_month.astype("datetime64[M]")
    known = ~(np.isnat(dates) | np.isnat(birth_month))
    years = np.full(len(dates), np.nan)
    years[known] = np.floor_divide(months[known].astype(int), 12)
    return years


def birthday(birth_month: np.ndarray, years: int) -> np.ndarray:
    """The first of the month in which a child turns `years`."""
    return (birth_month.astype("datetime64[M]") + np.timedelta64(12 * years, "M")).astype("datetime64[D]")


def term_number(dates: np.ndarray) -> np.ndarray:
    """Number of the nominal school term of a date: 3 x year + 0 spring, 1 summer, 2 autumn; -1 for NaT."""
    known = ~np.isnat(dates)
    number = np.full(len(dates), -1)
    month = dates[known].astype("datetime64[M]").astype(int)
    number[known] = 3 * (1970 + month // 12) + np.digitize(month % 12 + 1, [4, 9])
    return number


def first_term_after(dates: np.ndarray) -> np.ndarray:
    """Number of the first term that starts after the date (a term that starts on the date does not count)."""
    return np.where(np.isnat(dates), -1, term_number(dates) + 1)


def term_label_number(label: str) -> int:
    """`2020-summer` or `summer 2020` as a term number. Raises ValueError for anything else."""
    year = re.search(r"\d{4}", label)
    season = next((name for name in TERMS if name in label.lower()), None)
    if year is None or season is None:
        raise ValueError(
            f"term {label!r} is not of the form '2020-summer'; allowed seasons: {', '.join(TERMS)}"
        )
    return 3 * int(year.group()) + TERMS.index(season)


def _term_days(number: np.ndarray, table: dict[str, tuple[int, int]]) -> np.ndarray:
    month = np.array([table[name][0] for name in TERMS])[number % 3]
    day = np.array([table[name][1] for name in TERMS])[number % 3]
    first = ((number // 3 - 1970) * 12 + month - 1).astype("datetime64[M]").astype("datetime64[D]")
    return np.where(number < 0, np.datetime64("NaT"), first + (day - 1).astype("timedelta64[D]"))


def term_start(number: np.ndarray) -> np.ndarray:
    """Nominal first day of a term."""
    return _term_days(number, TERM_STARTS)


def term_end(number: np.ndarray) -> np.ndarray:
    """Nominal last day of a term."""
    return _term_days(number, TERM_ENDS)


def ssda903_year(dates: np.ndarray) -> np.ndarray:
    """The SSDA903 year (named by the year of its last day, 31 March) a date lies in; -1 for NaT."""
    known = ~np.isnat(dates)
    year = np.full(len(dates), -1)
    month = dates[known].astype("datetime64[M]").astype(int)
    year[known] = 1970 + month // 12 + (month % 12 >= 3)
    return year


def ssda903_year_end(year: np.ndarray) -> np.ndarray:
    """31 March of a year; NaT where the year is -1."""
    last = ((year - 1970) * 12 + 2).astype("datetime64[M]").astype("datetime64[D]") + np.timedelta64(30, "D")
    return np.where(year < 0, np.datetime64("NaT"), last)
