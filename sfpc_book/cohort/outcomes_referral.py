"""Outcomes seen outside social care events: being referred again, and absence from school."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.cohort.calendar import (
    add_months,
    completed_years,
    first_term_after,
    term_end,
    term_label_number,
    term_start,
)
from sfpc_book.cohort.follow import FollowUp
from sfpc_book.cohort.measure import Measured
from sfpc_book.study.registries import Outcome

SCHOOL_AGES = (5, 15)  # completed years; compulsory school age begins in the term after the fifth birthday


def re_referral_parental_factors(follow: FollowUp, outcome: Outcome, horizon: int) -> Measured:
    """1 if the child is referred again after the day of the first referral and by the horizon.

    Any later referral counts, for whatever reason. Population: children whose first referral has one of the
    outcome's factors (`codes`) found at the end of assessment; not assessed is not among them. Taken from
    the referral returns, so every child is linked; observed when the authority's referral returns reach the
    horizon.
    """
    columns = [f"factor_{code.lower()}" for code in outcome.codes]
    eligible = (follow.links.children[columns] == "has").any(axis="columns").to_numpy(dtype=bool)
    last_day = add_months(follow.referral, horizon)
    again = follow.first(
        follow.referrals["row"].to_numpy(),
        follow.referrals["date"].to_numpy(dtype="datetime64[D]"),
        follow.referral + np.timedelta64(1, "D"),
    )
    return Measured((again <= last_day).astype(float), last_day, eligible=eligible)


def unauthorised_absence(follow: FollowUp, outcome: Outcome, horizon: int) -> Measured:
    """Share of possible sessions missed without authorisation, mean of the terms after the referral.

    `fixed_terms` terms count. Terms have nominal dates (1 January, 1 April, 1 September); the first is the
    one that starts after the referral. Population: children aged 5 or more when the first of them starts
    and under 16 when the last does. The mean is not weighted by sessions, which are not sent; a missing
    term makes the outcome not observed. The horizon plays no part: the terms lie within any horizon of 18
    months or more.
    """
    terms = outcome.fixed_terms or 3
    first = first_term_after(follow.referral)
    last = first + terms - 1
    begin, end = term_start(first), term_start(last)
    old_enough = completed_years(follow.birth_month, begin) >= SCHOOL_AGES[0]
    young_enough = completed_years(follow.birth_month, end) <= SCHOOL_AGES[1]
    return Measured(_mean_share(follow, first, terms), term_end(last), eligible=old_enough & young_enough)


def _mean_share(follow: FollowUp, first: np.ndarray, terms: int) -> np.ndarray:
    """Mean share over each child's terms; NaN unless every one of them is there."""
    sent = follow.events["dr3_attendance"]
    if sent.empty:
        return np.full(follow.n, np.nan)
    labels = {label: term_label_number(label) for label in sent["term"].unique()}
    number = sent["term"].map(labels).to_numpy(dtype=int) - first[sent["row"]]
    inside = pd.DataFrame({"row": sent["row"], "term": number, "share": sent["unauthorised_absence_share"]})
    inside = inside[(inside["term"] >= 0) & (inside["term"] < terms)]
    per_term = inside.groupby(["row", "term"])["share"].mean()
    found = per_term.groupby("row").agg(["mean", "size"])
    value = np.full(follow.n, np.nan)
    value[found.index] = found["mean"].where(found["size"] == terms)
    return value
