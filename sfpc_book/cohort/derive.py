"""Exposure of each child, and its covariates at clean levels; the reference level comes first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sfpc_book.cohort.calendar import days
from sfpc_book.study.wedge import Wedge

FACTORS = ["factor_1b", "factor_2b", "factor_3a", "factor_3b", "factor_3c", "factor_4b"]
FACTOR_LEVELS = ("has not", "has", "not assessed")
MISSING = "missing"
UNMAPPED = "unmapped"  # a value outside the code list: never quietly a missing value

ETHNICITY_CODES = {
    "White": ("WBRI", "WIRI", "WIRT", "WOTH", "WROM", "WEUR"),
    "Mixed": ("MWBC", "MWBA", "MWAS", "MOTH", "MWOE"),
    "Asian": ("AIND", "APKN", "ABAN", "AOTH", "CHNE", "AOPK", "AOTA", "APAK"),
    "Black": ("BCRB", "BAFR", "BOTH"),
    "Other": ("OOTH", "OAFG", "OIRN"),
    MISSING: ("NOBT", "REFU"),
}
WHITE_BRITISH = "WBRI"
CODE_LEVELS: Mapping[str, Mapping[str, str]] = {
    "gender": {"Male": "Male", "Female": "Female", "Other": "Other", "Unknown": MISSING},
    "ethnicity": {code: level for level, codes in ETHNICITY_CODES.items() for code in codes},
    "disability": {"Not disabled": "Not disabled", "Disabled": "Disabled", "Unknown": MISSING},
    "asylum_seeker": {"Not UASC": "Not UASC", "UASC": "UASC or refugee", "Unknown": MISSING},
}
AGE_BANDS = {"under 1": 0, "1 to 4": 1, "5 to 9": 5, "10 to 15": 10, "16 to 17": 16}
PLAN_LEVELS = ("0", "1", "2", "3+", MISSING)
COVARIATES = (
    "age_group", "gender", "ethnicity", "disability", "asylum_seeker", "previous_protection_plans",
    "no_further_action", *FACTORS,
)  # fmt: skip


def code_levels(values: pd.Series, levels: Mapping[str, str]) -> pd.Series:
    """Codes to levels. Blank is `missing`; a code outside the list is `unmapped`. Categorical, reference
    first."""
    named = values.astype("str").map(levels)
    named = named.mask(named.isna() & values.notna(), UNMAPPED).fillna(MISSING)
    order = [level for level in dict.fromkeys(levels.values()) if level != MISSING]
    return named.astype(pd.CategoricalDtype([*order, MISSING, UNMAPPED]))


def plan_levels(values: pd.Series) -> pd.Series:
    """Number of earlier protection plans as 0, 1, 2, 3+ or missing."""
    number = pd.to_numeric(values, errors="coerce").astype("float64").clip(upper=3)
    named = number.map({0.0: "0", 1.0: "1", 2.0: "2", 3.0: "3+"}).astype("str").fillna(MISSING)
    return named.astype(pd.CategoricalDtype(PLAN_LEVELS))


def flag_levels(values: pd.Series, when_0: str, when_1: str, unknown: str) -> pd.Series:
    """A 1/0/missing flag as three named levels, `when_0` being the reference."""
    number = pd.to_numeric(values, errors="coerce").astype("float64")
    named = number.map({0.0: when_0, 1.0: when_1}).astype("str").fillna(unknown)
    return named.astype(pd.CategoricalDtype([when_0, when_1, unknown]))


def age_levels(age: pd.Series) -> pd.Series:
    """Age at referral (completed years, -1 unborn) in bands."""
    bands = pd.cut(age, [-2, *AGE_BANDS.values(), 18], right=False, labels=["unborn", *AGE_BANDS])
    return bands.astype(pd.CategoricalDtype(["unborn", *AGE_BANDS]))


def covariates(records: pd.DataFrame) -> pd.DataFrame:
    """The covariates of `COVARIATES` at clean levels, from canonical referral records (same index)."""
    levels = {name: code_levels(records[name], mapping) for name, mapping in CODE_LEVELS.items()}
    factors = {name: flag_levels(records[name], *FACTOR_LEVELS) for name in FACTORS}
    derived = pd.DataFrame(
        {
            "age_group": age_levels(records["age"]),
            **levels,
            "previous_protection_plans": plan_levels(records["previous_protection_plans"]),
            "no_further_action": flag_levels(
                records["no_further_action"], "Further action", "No further action", MISSING
            ),
            **factors,
        }
    )
    return derived[list(COVARIATES)]


def covariate_levels() -> dict[str, tuple[str, ...]]:
    """The levels of each covariate in their order, the reference first."""
    flags, codes = ("no_further_action", *FACTORS), tuple(CODE_LEVELS)
    nobody = pd.DataFrame({name: pd.Series(dtype="float64") for name in ("age", *codes, *flags)})
    empty = covariates(nobody.assign(previous_protection_plans=pd.Series(dtype="float64")))
    return {name: tuple(map(str, empty[name].cat.categories)) for name in COVARIATES}


def exposure(records: pd.DataFrame, wedge: Wedge, authority: str) -> pd.DataFrame:
    """`period`, `period_start`, `exposed` (0/1) and `exposure_time` of one authority's first referrals.

    All in the trial window. Exposed when the referral date is on or after go-live, which a never exposed
    authority does not have.
    """
    period = wedge.period_of(records["referral_date"])
    exposed = days(records["referral_date"]) >= wedge.go_live_day(authority)
    starts = np.array(wedge.period_starts, dtype="datetime64[ns]")
    time = np.array([wedge.exposure_time(authority, number) for number in range(wedge.n_periods)], dtype=int)
    return pd.DataFrame(
        {
            "period": period,
            "period_start": starts[period],
            "exposed": exposed.astype(int),
            "exposure_time": time[period],
        },
        index=records.index,
    )


def share_white_british(records: pd.DataFrame) -> pd.Series:
    """Share White British (WBRI alone) among first referrals of the authority and month with a stated
    ethnicity."""
    code = records["ethnicity"].astype("str")
    unstated = code.isna() | code.isin(ETHNICITY_CODES[MISSING])
    white = (code == WHITE_BRITISH).fillna(False).astype("float64").mask(unstated.fillna(True))
    month = records["referral_date"].dt.to_period("M")
    return white.groupby([records["authority"], month]).transform("mean")
