"""Dates as whole columns of `datetime64[D]`; a missing date (NaT) stays missing."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

NAT = np.datetime64("NaT", "D")
ONE_DAY = np.timedelta64(1, "D")
SEASONS = ("spring", "summer", "autumn")
SEASON_FIRST_MONTH = (1, 4, 9)


def day(value: date) -> np.datetime64:
    """One date as `datetime64[D]`."""
    return np.datetime64(value, "D")


def missing(n: int) -> np.ndarray:
    """n missing dates."""
    return np.full(n, NAT)


def shift(dates: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Dates moved by whole days; missing where `days` is not finite."""
    whole = np.where(np.isfinite(days), np.floor(np.where(np.isfinite(days), days, 0)), 0).astype(int)
    return np.where(np.isfinite(days), dates + whole.astype("timedelta64[D]"), NAT)


def months_later(dates: np.ndarray, months: int) -> np.ndarray:
    """The same day `months` calendar months later, or the last of the month where it has no such day."""
    stamps = pd.DatetimeIndex(dates) + pd.DateOffset(months=months)
    return stamps.to_numpy(dtype="datetime64[D]")


def birthday(birth: np.ndarray, years: int) -> np.ndarray:
    """First of the month in which a child turns `years`; `birth` is a first of a month."""
    later = birth.astype("datetime64[M]") + np.timedelta64(12 * years, "M")
    return later.astype("datetime64[D]")


def age(birth: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Completed years (float, negative before birth, NaN where `at` is missing)."""
    months = (at.astype("datetime64[M]") - birth.astype("datetime64[M]")).astype(float)
    return np.where(np.isnat(at), np.nan, np.floor(months / 12))


def ssda903_year(dates: np.ndarray) -> np.ndarray:
    """Year (named by its last day, 31 March) that a date lies in; 0 for a missing date."""
    stamps = pd.DatetimeIndex(dates)
    return np.nan_to_num((stamps.year + (stamps.month >= 4)).to_numpy(dtype=float)).astype(int)


def year_end(year: np.ndarray) -> np.ndarray:
    """31 March of each year; missing where the year is 0."""
    march = ((year - 1970) * 12 + 3).astype("datetime64[M]").astype("datetime64[D]") - ONE_DAY
    return np.where(year > 0, march, NAT)


def term_after(dates: np.ndarray) -> np.ndarray:
    """Number (3 x year + season) of the first school term that starts after a date, by nominal first days."""
    stamps = pd.DatetimeIndex(dates)
    season = np.searchsorted([4, 9], stamps.month.to_numpy(), side="right")
    return 3 * stamps.year.to_numpy() + season + 1


def term_number(label: str) -> int:
    """Number of a term named by season and year, such as `summer 2020`."""
    season, year = sorted(label.replace("-", " ").split(), reverse=True)
    return 3 * int(year) + SEASONS.index(season)


def term_starts(number: np.ndarray) -> np.ndarray:
    """Nominal first day of each term."""
    month = np.array(SEASON_FIRST_MONTH)[number % 3]
    return ((number // 3 - 1970) * 12 + month - 1).astype("datetime64[M]").astype("datetime64[D]")


def term_ends(number: np.ndarray) -> np.ndarray:
    """Nominal last day of each term: autumn to 31 December, spring to 31 March, summer to 31 August."""
    return term_starts(number + 1) - ONE_DAY
