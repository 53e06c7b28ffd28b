"""Small canonical tables written by hand, for the cohort tests."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

ADULT_COVERAGE = ("2018-04-01", "2024-10-31")
FACTORS = ("factor_1b", "factor_2b", "factor_3a", "factor_3b", "factor_3c", "factor_4b")
DATES = {
    "referral_date", "birth_month", "care_start", "care_end", "plan_start", "plan_end",
    "covered_from", "covered_to",
    "pre_proceedings_date", "care_proceedings_date", "closure_date", "episode_start", "episode_end",
    "left_care_date",
}  # fmt: skip
COLUMNS = {
    "dr3_care": ("child_id", "care_start", "care_end", "placement_type", "ceased_reason"),
    "dr3_plans": ("child_id", "plan_start", "plan_end"),
    "dr3_cin": ("child_id", "referral_id", "referral_date", "closure_date"),
    "dr3_proceedings": ("child_id", "pre_proceedings_date", "care_proceedings_date"),
    "dr3_attendance": ("child_id", "term", "unauthorised_absence_share"),
    "dr3_episodes": ("child_id", "care_start", "episode_start", "episode_end", "care_end", "placement_type",
                     "legal_status", "episode_reason", "ceased_reason"),
    "dr3_neet": ("child_id", "left_care_date", "ssda903_year", "main_activity"),
    "dr3_coverage": ("child_id", "covered_from", "covered_to"),
}  # fmt: skip


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Dates as datetime64[ns], identifiers and codes as text."""
    numbers = {"unauthorised_absence_share", "ssda903_year", "no_further_action", *FACTORS, "source_row",
               "previous_protection_plans"}  # fmt: skip
    kinds = {}
    for name in frame:
        if name in DATES:
            frame = frame.assign(**{name: pd.to_datetime(frame[name])})
            kinds[name] = "datetime64[ns]"
        elif name not in numbers:
            kinds[name] = "str"
    return frame.astype(kinds)


def referrals(rows: Iterable[dict]) -> pd.DataFrame:
    """`dr2_referrals` from partial rows; the rest is filled with ordinary values."""
    filled = []
    for number, row in enumerate(rows, start=1):
        record = {
            "child_id": "c1", "referral_id": f"r{number}", "referral_date": "2021-03-10",
            "no_further_action": 0,
            "gender": "Male", "birth_month": "2015-06-01", "birth_marker": "dated", "ethnicity": "WBRI",
            "disability": "Not disabled", "asylum_seeker": "Not UASC", "previous_protection_plans": 0,
            **dict.fromkeys(FACTORS, 0), "return_month": "apr22", "source_file": "file.xlsx",
            "source_sheet": "sheet", "source_row": number,
        }  # fmt: skip
        filled.append({**record, **row})
    frame = typed(pd.DataFrame(filled))
    return frame.astype({name: "Int8" for name in ("no_further_action", *FACTORS)})


def outcome_table(table: str, rows: Iterable[tuple]) -> pd.DataFrame:
    """An outcome table from tuples; short tuples are filled with blanks."""
    names = COLUMNS[table]
    padded = [(*row, *[None] * (len(names) - len(row))) for row in rows]
    return typed(pd.DataFrame(padded, columns=list(names)))


def returns(
    records: pd.DataFrame,
    covered: tuple[str, str] = ADULT_COVERAGE,
    unasked: tuple[str, ...] = (),
    **tables: list,
) -> dict[str, pd.DataFrame]:
    """All tables of one authority: every child asked about, a blank row in each table where it has none."""
    children = sorted(set(records["child_id"].dropna()) - set(unasked))
    made = {"dr2_referrals": records}
    made["dr3_coverage"] = outcome_table("dr3_coverage", [(child, *covered) for child in children])
    for table in COLUMNS:
        if table == "dr3_coverage":
            continue
        rows = tables.get(table, [])
        blank = [(child,) for child in children if child not in {row[0] for row in rows}]
        made[table] = outcome_table(table, [*rows, *blank])
    return made


def random_returns(seed: int, n: int = 60) -> dict[str, pd.DataFrame]:
    """One authority with shared identifiers, repeats, gaps and unasked children."""
    generator = np.random.default_rng(seed)
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(generator.integers(0, 1200, n), unit="D")
    birth = pd.to_datetime({"year": generator.integers(2008, 2022, n), "month": 3, "day": 1})
    rows = [
        {
            "child_id": f"c{generator.integers(0, n // 2)}",
            "referral_id": f"r{generator.integers(0, n)}",
            "referral_date": None if generator.random() < 0.05 else str(day[i].date()),
            "birth_month": None if generator.random() < 0.3 else str(birth[i].date()),
            "birth_marker": generator.choice(["dated", "unborn", "missing"]),
            "return_month": generator.choice(["apr21", "nov21", "apr23"]),
            "factor_1b": int(generator.integers(0, 2)),
        }
        for i in range(n)
    ]
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(generator.integers(0, 1500, n), unit="D")
    length = generator.integers(1, 400, n)
    spells = [
        (
            f"c{generator.integers(0, n // 2)}",
            str(begin.date()),
            str((begin + pd.Timedelta(days=days)).date()),
        )
        for begin, days in zip(start, length.tolist(), strict=True)
    ]
    records = referrals(rows)
    unasked = tuple(records["child_id"].unique()[:3])
    return returns(records, unasked=unasked, dr3_care=spells[: n // 3], dr3_plans=spells[n // 3 :])
