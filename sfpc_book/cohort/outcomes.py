"""The outcome registry: one function per outcome; its docstring is the definition the report prints."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from sfpc_book.cohort import outcomes_care, outcomes_plans, outcomes_referral
from sfpc_book.cohort.calendar import (
    add_months,
    days,
    first_term_after,
    ssda903_year,
    ssda903_year_end,
    term_end,
)
from sfpc_book.cohort.follow import FollowUp
from sfpc_book.cohort.measure import Measured, Sight, with_states
from sfpc_book.study.registries import Outcome

OutcomeFunction = Callable[[FollowUp, Outcome, int], Measured]

OUTCOMES: Mapping[str, OutcomeFunction] = {
    "looked_after": outcomes_care.looked_after,
    "days_in_care": outcomes_care.days_in_care,
    "placement_stability": outcomes_care.placement_stability,
    "placement_count": outcomes_care.placement_count,
    "neet": outcomes_care.neet,
    "kinship_care": outcomes_care.kinship_care,
    "reunification": outcomes_care.reunification,
    "child_protection_plan": outcomes_plans.child_protection_plan,
    "days_on_plan": outcomes_plans.days_on_plan,
    "plan_duration": outcomes_plans.plan_duration,
    "return_to_statutory_services": outcomes_plans.return_to_statutory_services,
    "proceeds_to_court": outcomes_plans.proceeds_to_court,
    "re_referral_parental_factors": outcomes_referral.re_referral_parental_factors,
    "unauthorised_absence": outcomes_referral.unauthorised_absence,
}
LONG_AGO = np.datetime64("0001-01-01")


def definition(outcome_id: str) -> str:
    """How an outcome is computed, in words: the docstring of its function."""
    return inspect.cleandoc(OUTCOMES[outcome_id].__doc__ or "")


def outcomes_table(follow: FollowUp, outcomes: Sequence[Outcome], horizons: Sequence[int]) -> pd.DataFrame:
    """Every outcome at every horizon for every child, long.

    Columns: child_key, authority, period, exposed, exposure_time, outcome, horizon, value, state,
    observable_from. One row per child, outcome and horizon, children in the same order within each.
    """
    children = follow.links.children
    keys = children[["child_key", "authority", "period", "exposed", "exposure_time"]]
    names = pd.CategoricalDtype([outcome.id for outcome in outcomes])
    parts = []
    for outcome in outcomes:
        sight = sight_of(follow, outcome)
        for horizon in horizons:
            states = with_states(OUTCOMES[outcome.id](follow, outcome, horizon), sight)
            parts.append(
                pd.concat([keys.assign(outcome=outcome.id, horizon=horizon), states], axis="columns")
            )
    return pd.concat(parts, ignore_index=True).astype({"outcome": names})


def sight_of(follow: FollowUp, outcome: Outcome) -> Sight:
    """What the authority's returns let us see for an outcome: linked in all of its tables, and when."""
    children = follow.links.children
    tables = [table for table in outcome.tables if table.startswith("dr3_")]
    if not tables:  # from the referral returns alone
        everyone = np.ones(follow.n, dtype=bool)
        reach = np.full(follow.n, follow.referrals_to)
        return Sight(everyone, np.full(follow.n, LONG_AGO), reach, follow.referral)
    linked = np.logical_and.reduce([follow.links.linked[table] for table in tables])
    return Sight(linked, days(children["covered_from"]), days(children["covered_to"]), follow.referral)


def fully_observed_from(outcome: Outcome, window_end: date, horizon: int) -> pd.Timestamp:
    """The date by which every child referred in the trial window can have been followed to the outcome's end.

    A latest date by design, from the last day of the trial window; no child's own date enters it.
    """
    last = np.array([window_end], dtype="datetime64[D]")
    end = add_months(last, horizon)
    if outcome.fixed_terms:
        end = term_end(first_term_after(last) + outcome.fixed_terms - 1)
    elif outcome.population == "plan_ended":
        end = add_months(end, horizon)
    elif outcome.population == "left_care":
        end = ssda903_year_end(ssda903_year(end))
    end = add_months(end, outcome.fixed_months or 0) + np.timedelta64(outcome.fixed_days or 0, "D")
    return pd.Timestamp(end[0])
