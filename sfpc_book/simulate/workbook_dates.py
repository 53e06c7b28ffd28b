"""Dates as Excel numbers."""

from __future__ import annotations

from datetime import date

# Day 0 of Excel's calendar for all dates after February 1900.
EXCEL_DAY_ZERO = date(1899, 12, 30)
# By so many days less are dates counted in workbooks that begin with 1904.
DAYS_1904 = 1462


def serial(day: date) -> int:
    """The number by which Excel holds a date."""
    return (day - EXCEL_DAY_ZERO).days
