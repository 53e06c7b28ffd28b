"""Who is one child? An authority's identifier, split where it carries more than one month of birth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.cohort.calendar import completed_years, days

PERSON_STATES = ("single", "split", "ambiguous")
UNBORN_AGE = -1


def identify_persons(referrals: pd.DataFrame, authority: str) -> pd.DataFrame:
    """Give each referral record its child.

    `referrals` is one authority's `dr2_referrals`, one row per record as sent. The result has the same rows
    and index, with

    - `authority`: the slug (identifiers of two authorities never meet);
    - `child_key`: `authority:child_id` (the record's place in the return where the identifier is missing),
      with `:YYYY-MM` behind it where the identifier carries several months
      of
      birth, and `:unknown` for a record without a month of birth beside several;
    - `person_state`: `single`, `split` or `ambiguous` (that last kind);
    - `birth_month`: filled from the child's other records where they agree on one month.
    """
    records = referrals.assign(authority=authority)
    identifier = records["child_id"].astype("str").fillna(_place(records))
    month = pd.to_datetime(records["birth_month"]).astype("datetime64[ns]")
    grouped = month.groupby(identifier)
    several = grouped.transform("nunique") > 1
    ambiguous = several & month.isna()
    suffix = (":" + month.dt.strftime("%Y-%m")).fillna(":unknown").where(several, "")
    state = np.select([ambiguous, several], ["ambiguous", "split"], "single")
    return records.assign(
        child_key=(authority + ":" + identifier + suffix).astype("str"),
        person_state=pd.array(state, dtype="str"),
        birth_month=month.where(several, grouped.transform("min")),
    )


def _place(records: pd.DataFrame) -> pd.Series:
    """Where a record stands in the return: stands in for an identifier that is missing, so that no two such
    meet."""
    parts = [records[name].astype("str") for name in ("source_file", "source_sheet", "source_row")]
    return parts[0].str.cat(parts[1:], sep="/")


def age_at_referral(records: pd.DataFrame) -> pd.Series:
    """Age in completed years on the referral date (float; -1 unborn; NaN unknown).

    Calendar rule: a child is taken as born on the first of its month of birth. Unborn are children referred
    before the month of birth, children without one who carry the unborn marker, and children so marked in the
    very month of birth. A month of birth in an earlier month than the referral overrules the marker.
    """
    referral, birth = days(records["referral_date"]), days(records["birth_month"])
    years = completed_years(birth, referral)
    marked = (records["birth_marker"] == "unborn").fillna(False).to_numpy(dtype=bool)
    same_month = referral.astype("datetime64[M]") == birth.astype("datetime64[M]")
    unborn = (years < 0) | (marked & (np.isnat(birth) | same_month))
    return pd.Series(np.where(unborn, UNBORN_AGE, years), index=records.index, name="age")
