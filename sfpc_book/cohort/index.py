"""The index of a child: the date from which it is followed. One function per rule, on the records as sent.

A rule turns an authority's referral records (made by `identify_persons`, in the order of `ordered_records`)
into index records of the same columns, whose `referral_date` is the date to follow from. Everything after
that (window, age, first of each child, covariates, period, exposure, outcomes) is the same code for every
rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from sfpc_book.cohort.link import Tables

IndexRule = Callable[[pd.DataFrame, Tables], pd.DataFrame]
FIRST_IN_WINDOW = "first_in_window"
PLAN_TABLES = ("dr2_plans", "dr3_plans")


def first_in_window(records: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Every referral record: the first in the trial window at an eligible age is the index."""
    return records


def first_ever(records: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Each child's first dated referral in the returns, whether or not it lies in the trial window."""
    dated = records[records["referral_date"].notna()]
    return dated[~dated.duplicated("child_key")]


def open_plan(records: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """One record per child and start of a protection plan, in the sampling sheet or the outcome return.

    What is known of the child is what its latest referral on or before that day says, or else its next one.
    Plans under an identifier that several persons share, or that no dated referral carries, belong to no
    child.
    """
    starts = [tables[name][["child_id", "plan_start"]] for name in PLAN_TABLES if name in tables]
    if not starts:
        return records.iloc[:0]
    plans = pd.concat(starts).dropna().drop_duplicates().sort_values(["plan_start", "child_id"])
    known = records[(records["person_state"] == "single") & records["referral_date"].notna()]
    known = known.dropna(subset=["child_id"]).drop_duplicates(["child_id", "referral_date"])
    known = known.sort_values("referral_date", kind="stable")
    before = _described(plans, known, "backward")
    nothing_before = before["child_key"].isna()
    after = _described(plans.reset_index(drop=True)[nothing_before], known, "forward")
    described = pd.concat([before[~nothing_before], after[after["child_key"].notna()]])
    described = described.assign(referral_date=described["plan_start"]).sort_values(
        ["child_key", "referral_date"]
    )
    return described[records.columns].astype(records.dtypes.to_dict()).reset_index(drop=True)


def _described(plans: pd.DataFrame, known: pd.DataFrame, direction: str) -> pd.DataFrame:
    """Plans with the columns of the nearest referral of the same identifier in one direction."""
    return pd.merge_asof(
        plans, known, left_on="plan_start", right_on="referral_date", by="child_id", direction=direction
    )


INDEX_RULES: Mapping[str, IndexRule] = {
    FIRST_IN_WINDOW: first_in_window,
    "first_ever": first_ever,
    "open_plan": open_plan,
}
