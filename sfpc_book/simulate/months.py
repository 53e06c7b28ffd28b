"""Months of returns: which dates they cover, and how their files are called."""

from __future__ import annotations

from datetime import date

from sfpc_book.study.return_months import spans
from sfpc_book.study.schema import Study


def referrals_to(study: Study) -> date:
    """Last referral date that any return of the study covers."""
    return max(end for _, end in spans(study.returns.months, study.returns.referrals_from).values())


def file_name(slug: str, layer: str, month: str) -> str:
    """`swindon_dr2_nov22.xlsx`"""
    return f"{slug}_{layer}_{month}.xlsx"
