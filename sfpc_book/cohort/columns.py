"""The columns that the cohort reads; one that an authority did not send is missing throughout."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sfpc_book.cohort.derive import FACTORS

DATE, TEXT, FLAG, NUMBER = "datetime64[ns]", "str", "Int8", "float64"
LINEAGE = {
    "return_month": TEXT, "source_file": TEXT, "source_sheet": TEXT, "source_row": "Int64",
    "corrections": TEXT,
}  # fmt: skip
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "dr1_monthly": {
        "month": DATE,
        "looked_after_rate_per_10000": NUMBER,
        "free_school_meals_share": NUMBER,
        "new_referrals": NUMBER,
        "newly_looked_after": NUMBER,
        "looked_after_at_month_end": NUMBER,
        **LINEAGE,
    },
    "dr2_referrals": {
        "child_id": TEXT,
        "referral_id": TEXT,
        "referral_date": DATE,
        "no_further_action": FLAG,
        **dict.fromkeys(FACTORS, FLAG),
        "previous_protection_plans": "Int64",
        "gender": TEXT,
        "birth_month": DATE,
        "birth_marker": TEXT,
        "ethnicity": TEXT,
        "disability": TEXT,
        "asylum_seeker": TEXT,
        **LINEAGE,
    },
    "dr2_plans": {"child_id": TEXT, "plan_start": DATE},
    "dr3_care": {
        "child_id": TEXT,
        "care_start": DATE,
        "care_end": DATE,
        "placement_type": TEXT,
        "ceased_reason": TEXT,
    },
    "dr3_plans": {"child_id": TEXT, "plan_start": DATE, "plan_end": DATE},
    "dr3_cin": {"child_id": TEXT, "referral_date": DATE},
    "dr3_proceedings": {"child_id": TEXT, "pre_proceedings_date": DATE, "care_proceedings_date": DATE},
    "dr3_attendance": {"child_id": TEXT, "term": TEXT, "unauthorised_absence_share": NUMBER},
    "dr3_episodes": {
        "child_id": TEXT,
        "episode_start": DATE,
        "episode_end": DATE,
        "placement_type": TEXT,
        "episode_reason": TEXT,
    },
    "dr3_neet": {
        "child_id": TEXT,
        "left_care_date": DATE,
        "ssda903_year": "Int64",
        "main_activity": TEXT,
    },
    "dr3_coverage": {"child_id": TEXT, "covered_from": DATE, "covered_to": DATE},
}


def complete_tables(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables that the cohort reads, with exactly its columns and types; a column not sent is missing."""
    return {name: _complete(tables[name], columns) for name, columns in COLUMNS.items() if name in tables}


def _complete(table: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    sent = {name: table[name] for name in columns if name in table}
    parts = {
        name: sent[name] if name in sent else _missing(kind, table.index) for name, kind in columns.items()
    }
    numbers = {
        name: pd.to_numeric(parts[name]) for name, kind in columns.items() if kind in (FLAG, "Int64", NUMBER)
    }
    return pd.DataFrame(parts | numbers, index=table.index).astype(dict(columns))


def _missing(kind: str, index: pd.Index) -> pd.Series:
    return pd.Series(pd.NaT if kind == DATE else None, index=index, dtype=kind)
