"""Months of returns: when each is due, and which dates it is asked to cover."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def first_day(month: str) -> date:
    """First day of a return's month: `nov22` is 2022-11-01."""
    return date(2000 + int(month[3:]), MONTHS.index(month[:3]) + 1, 1)


def spans(months: Iterable[str], start: date) -> dict[str, tuple[date, date]]:
    """First and last date each return covers: since the return before, to the end of the month before."""
    covered: dict[str, tuple[date, date]] = {}
    for month in sorted(months, key=first_day):
        end = first_day(month) - timedelta(days=1)
        covered[month] = (start, end)
        start = end + timedelta(days=1)
    return covered
