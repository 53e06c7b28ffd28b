"""One cell that should be a date or a month: every form met in practice, each with its name."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from sfpc_book.study.return_months import MONTHS

# Day 0 of Excel's calendar for serials from 61 on; earlier serials count a 29 February 1900 that never was.
EXCEL_DAY_ZERO = date(1899, 12, 30)
FIRST_EXCEL_SERIAL_AFTER_LEAP_FAULT = 61
# Workbooks first made on old Macs count days from 1904-01-01.
DAYS_TO_1904 = 1462
# A year outside these bounds is not a date of this programme (births, referrals, care): the cell is unmapped.
FIRST_YEAR, LAST_YEAR = 1950, 2050
UNBORN_YEAR = 1900
SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ t]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?z?)?")
DAY_FIRST = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?: \d{1,2}:\d{2}(?::\d{2})?)?")
MONTH_AND_YEAR = re.compile(r"(\d{1,2})[/.-](\d{4})")
YEAR_FIRST = re.compile(r"(\d{4})[/.-](\d{1,2})")
NAMED = re.compile(r"(?:(\d{1,2})[ -])?([a-z]{3})[a-z]*[ ,-]*('?\d{2}|\d{4})")

DAY_FIRST_FORMS = ("dd/mm/yyyy", "dd-mm-yyyy", "dd.mm.yyyy")
MONTH_FIRST_FORM = "month before day (not read)"

Read = tuple[date, str]


def read_date(cell: object) -> Read | None:
    """The date that a cell says, and the name of its form; None if it says none.

    A form without a day ("mm/yyyy", "month name") gives the first of the month.
    """
    if isinstance(cell, datetime):
        return _sensible(cell.date(), "date cell")
    if isinstance(cell, date):
        return _sensible(cell, "date cell")
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return _serial(float(cell), "serial number")
    return _text(cell.strip().lower()) if isinstance(cell, str) else None


def from_1904(cell: object) -> object:
    """A serial number, or one as text, that counts days from 1904, as one that counts from 1900."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return cell + DAYS_TO_1904
    if isinstance(cell, str) and SERIAL.fullmatch(cell.strip()):
        return str(float(cell) + DAYS_TO_1904)
    return cell


def is_month_first(cell: object) -> bool:
    """Whether a cell is a date if the month comes before the day, and only then: its second part is above 12.

    Days come first by rule, so such a date is not read.
    """
    match = DAY_FIRST.fullmatch(cell.strip().lower()) if isinstance(cell, str) else None
    return match is not None and _made(match[4], match[1], match[3], MONTH_FIRST_FORM) is not None


def may_be_month_first(day: date) -> bool:
    """Whether a date read day first would be another date if the month came first."""
    return day.day <= 12 and day.day != day.month


def _serial(number: float, form: str) -> Read | None:
    if not 1 <= number < 100_000:
        return None
    shift = 0 if number >= FIRST_EXCEL_SERIAL_AFTER_LEAP_FAULT else 1
    return _sensible(EXCEL_DAY_ZERO + timedelta(days=int(number) + shift), form)


def _text(text: str) -> Read | None:
    if SERIAL.fullmatch(text):
        return _serial(float(text), "serial as text")
    if match := ISO.fullmatch(text):
        return _made(match[1], match[2], match[3], "yyyy-mm-dd")
    if match := DAY_FIRST.fullmatch(text):
        return _made(match[4], match[3], match[1], f"dd{match[2]}mm{match[2]}yyyy")
    if match := MONTH_AND_YEAR.fullmatch(text):
        return _made(match[2], match[1], "1", "mm/yyyy")
    if match := YEAR_FIRST.fullmatch(text):
        return _made(match[1], match[2], "1", "yyyy-mm")
    if (match := NAMED.fullmatch(text)) and match[2] in MONTHS:
        year = match[3].lstrip("'")
        month = str(MONTHS.index(match[2]) + 1)
        form = "day and month name" if match[1] else "month name"
        return _made(year if len(year) == 4 else f"20{year}", month, match[1] or "1", form)
    return None


def _made(year: str, month: str, day: str, form: str) -> Read | None:
    try:
        return _sensible(date(int(year), int(month), int(day)), form)
    except ValueError:
        return None


def _sensible(day: date, form: str) -> Read | None:
    return (day, form) if FIRST_YEAR <= day.year <= LAST_YEAR or day.year == UNBORN_YEAR else None
