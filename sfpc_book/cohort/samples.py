"""The samples: the main one, and each other as "main, but …"."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from sfpc_book.cohort.calendar import days
from sfpc_book.cohort.derive import FACTORS, MISSING, PLAN_LEVELS
from sfpc_book.cohort.persons import UNBORN_AGE
from sfpc_book.study.registries import Sample
from sfpc_book.study.wedge import Wedge

NO_PLANS = PLAN_LEVELS[0]
Membership = Callable[[pd.DataFrame, Wedge, Sample], pd.Series]


def everyone(children: pd.DataFrame, wedge: Wedge, sample: Sample) -> pd.Series:
    """Every child of the flow whose outcome is defined, linked or not."""
    return pd.Series(True, index=children.index)


def born_only(children: pd.DataFrame, wedge: Wedge, sample: Sample) -> pd.Series:
    """Without children referred before birth."""
    return children["age"] != UNBORN_AGE


def risk_factors(children: pd.DataFrame, wedge: Wedge, sample: Sample) -> pd.Series:
    """Only children with at least one of the six parental factors; not assessed is not among them."""
    return (children[FACTORS] == "has").any(axis="columns")


def excluding_no_further_action(children: pd.DataFrame, wedge: Wedge, sample: Sample) -> pd.Series:
    """Without children whose first referral is recorded as no further action; unrecorded ones stay."""
    return children["no_further_action"] != "No further action"


def excluding_contamination(children: pd.DataFrame, wedge: Wedge, sample: Sample) -> pd.Series:
    """Without first referrals in the `sample.days` days before the authority's go-live (the go-live day
    stays)."""
    go_live = days(children["authority"].astype("str").map(dict(wedge.go_live)))
    before = (go_live - days(children["referral_date"])).astype("timedelta64[D]").astype(int)
    return pd.Series((before < 1) | (before > (sample.days or 0)), index=children.index)


def previous_plans(children: pd.DataFrame, wedge: Wedge, sample: Sample) -> pd.Series:
    """Only children with an earlier protection plan recorded at the first referral; missing is not one."""
    return ~children["previous_protection_plans"].isin([NO_PLANS, MISSING])


def unambiguous_persons(children: pd.DataFrame, wedge: Wedge, sample: Sample) -> pd.Series:
    """Without records that lack a month of birth beside several under the same identifier."""
    return children["person_state"] != "ambiguous"


def followed_longest(children: pd.DataFrame, wedge: Wedge, sample: Sample) -> pd.Series:
    """Every child of the main sample; the panel keeps, outcome by outcome, those followed to the longest
    horizon."""
    return everyone(children, wedge, sample)


SAMPLES: Mapping[str, Membership] = {
    "main": everyone,
    "born_only": born_only,
    "risk_factors": risk_factors,
    "excluding_no_further_action": excluding_no_further_action,
    "excluding_contamination": excluding_contamination,
    "previous_plans": previous_plans,
    "open_plan": everyone,
    "first_ever_referral": everyone,
    "with_leicester": everyone,
    "unambiguous_persons": unambiguous_persons,
    "followed_longest": followed_longest,
}


def one_size(samples: Iterable[Sample]) -> list[Sample]:
    """The samples that hold the same children for every outcome, and so have a size."""
    return [sample for sample in samples if not sample.followed_longest]


def memberships(children: pd.DataFrame, samples: Iterable[Sample], wedge: Wedge) -> dict[str, np.ndarray]:
    """Per sample, which children belong to it (boolean, in the order of `children`)."""
    return {sample.id: SAMPLES[sample.id](children, wedge, sample).to_numpy(dtype=bool) for sample in samples}
