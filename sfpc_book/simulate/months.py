"""Months of returns: which dates each return covers, and how its files are called."""

from __future__ import annotations

from datetime import date, timedelta

from sfpc_book.study.schema import Study

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def first_day(month: str) -> date:
    """`nov22` is 2022-11-01."""
    return date(2000 + int(month[3:]), MONTHS.index(month[:3]) + 1, 1)


def spans(months: tuple[str, ...], start: date) -> dict[str, tuple[date, date]]:
    """First and last date each return covers: since the return before, to the end of the month before."""
    covered: dict[str, tuple[date, date]] = {}
    for month in sorted(months, key=first_day):
        end = first_day(month) - timedelta(days=1)
        covered[month] = (start, end)
        start = end + timedelta(days=1)
    return covered


def referrals_to(study: Study) -> date:
    """Last referral date that any return of the study covers."""
    return max(end for _, end in spans(study.returns.months, study.returns.referrals_from).values())


def file_name(slug: str, layer: str, month: str) -> str:
    """`swindon_dr2_nov22.xlsx`"""
    return f"{slug}_{layer}_{month}.xlsx"
