"""The outcome functions against a slow second implementation: one child at a time, in plain Python dates."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from cohort_frames import referrals, returns
from dateutil.relativedelta import relativedelta

from sfpc_book.cohort.build import Cohort, build_cohort
from sfpc_book.study.study import Study, load_study

HORIZONS = (18, 36)
FIRST = {"family_safeguarding": "walsall", "family_valued": "coventry", "no_wrong_door": "rochdale"}
N = 250
NONE = (None, False)  # no value, not in the population


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


def invented(seed: int, teenagers: bool) -> dict[str, pd.DataFrame]:
    """Children with several spells, plans, meetings, episodes and further referrals each."""
    generator = np.random.default_rng(seed)

    def day(low: str = "2020-03-01", spread: int = 1500) -> str:
        return str(date.fromisoformat(low) + timedelta(days=int(generator.integers(0, spread))))

    def spell(most: int = 500) -> tuple[str, str | None]:
        start = date.fromisoformat(day())
        end = (
            None
            if generator.random() < 0.2
            else str(start + timedelta(days=int(generator.integers(1, most))))
        )
        return str(start), end

    def many(child: str, make) -> list[tuple]:
        return [(child, *make()) for _ in range(int(generator.integers(0, 4)))]

    children = [f"c{number:03d}" for number in range(N)]
    youngest = 2003 if teenagers else 2010
    rows = []
    for child in children:
        birth = f"{youngest + int(generator.integers(0, 8))}-{int(generator.integers(1, 13)):02d}-01"
        for _ in range(int(generator.integers(1, 4))):
            flags = {"factor_1b": int(generator.integers(0, 2)), "return_month": "apr30"}
            rows.append({"child_id": child, "referral_date": day(spread=1000), "birth_month": birth, **flags})
    placements, reasons = ["U1", "U4", "K2"], ["E4A", "X1", None]
    care = [
        (*row, str(generator.choice(placements)), generator.choice(np.array(reasons, dtype=object)))
        for child in children
        for row in many(child, spell)
    ]
    episodes = [
        (child, start, episode, None, None, str(generator.choice(placements)), "C2",
         str(generator.choice(list("SPLBT"))))
        for child, start, *_ in care
        for episode in [start, *(day(start, 500) for _ in range(3))]
    ]  # fmt: skip
    return returns(
        referrals(rows),
        covered=("2018-04-01", "2030-12-31"),
        dr3_care=care,
        dr3_episodes=episodes,
        dr3_plans=[row for child in children for row in many(child, spell)],
        dr3_cin=[(row[0], "x", *row[1:]) for child in children for row in many(child, spell)],
        dr3_proceedings=[row for child in children for row in many(child, lambda: spell(200))],
    )


def plain(tables: dict[str, pd.DataFrame]) -> dict[str, dict[str, list[dict]]]:
    """The same records as lists per table and child, dates as Python dates, blanks as None."""
    listed: dict[str, dict[str, list[dict]]] = {}
    for name, table in tables.items():
        listed[name] = defaultdict(list)
        for row in table.to_dict("records"):
            clean = {key: None if pd.isna(value) else value for key, value in row.items()}
            clean = {key: v.date() if isinstance(v, pd.Timestamp) else v for key, v in clean.items()}
            listed[name][clean["child_id"]].append(clean)
    return listed


class OneChild:
    """One child's records as lists, with every outcome computed by walking through them."""

    def __init__(
        self, records: dict[str, dict[str, list[dict]]], row: dict, months: int, until_adult: bool
    ) -> None:
        self.records, self.child, self.months = records, row["child_id"], months
        self.referral, self.row = row["referral_date"].date(), row
        self.end = self.referral + relativedelta(months=months)
        self.adult = row["birth_month"].date() + relativedelta(years=18) if until_adult else date.max
        self.care_rows = [
            r for r in self.of("dr3_care") if r["care_start"] and r["care_start"] >= self.referral
        ]
        self.care = [(r["care_start"], r["care_end"]) for r in self.care_rows]
        self.plans = [(r["plan_start"], r["plan_end"]) for r in self.of("dr3_plans") if r["plan_start"]]

    def of(self, table: str) -> list[dict]:
        return self.records[table][self.child]

    def inside(self, day: date | None) -> bool:
        return day is not None and self.referral <= day <= self.end and day < self.adult

    def days(self, spells: list[tuple]) -> int:
        stop = min(self.end, self.adult)
        covered = set()
        for start, end in spells:
            first, last = max(start, self.referral), min(end or stop, stop)
            covered |= {first + timedelta(days=i) for i in range(max((last - first).days, 0))}
        return len(covered)

    def entry(self) -> date | None:
        start = min((start for start, _ in self.care), default=None)
        return start if self.inside(start) else None

    def looked_after(self) -> tuple:
        return float(self.entry() is not None), True

    def days_in_care(self) -> tuple:
        return self.days(self.care), True

    def days_on_plan(self) -> tuple:
        return self.days(self.plans), True

    def child_protection_plan(self) -> tuple:
        return float(any(self.inside(start) for start, _ in self.plans)), True

    def plan_duration(self) -> tuple:
        started = sorted(pair[0] for pair in self.plans if self.inside(pair[0]))
        if not started:
            return NONE
        limit = started[0] + relativedelta(months=24)
        ends = [end for start, end in self.plans if start == started[0] and end]
        return (min([*ends, limit]) - started[0]).days, True

    def return_to_statutory_services(self) -> tuple:
        ends = sorted(end for _, end in self.plans if end and end >= self.referral)
        if not ends or not self.inside(ends[0]):
            return NONE
        until = ends[0] + relativedelta(months=self.months)
        cin = [r["referral_date"] for r in self.of("dr3_cin") if r["referral_date"]]
        starts = [*(start for start, _ in [*self.plans, *self.care]), *cin]
        return float(any(ends[0] < start <= until for start in starts)), True

    def proceeds_to_court(self) -> tuple:
        rows = [(r["pre_proceedings_date"], r["care_proceedings_date"]) for r in self.of("dr3_proceedings")]
        meetings = sorted(meeting for meeting, _ in rows if meeting and meeting >= self.referral)
        if not meetings or not self.inside(meetings[0]):
            return NONE
        issued = [day for _, day in rows if day and 0 <= (day - meetings[0]).days <= 112]
        return float(bool(issued)), True

    def re_referral_parental_factors(self) -> tuple:
        if self.row["factor_1b"] != "has":
            return NONE
        again = [r["referral_date"] for r in self.of("dr2_referrals")]
        return float(any(self.referral < day <= self.end for day in again)), True

    def kinship_care(self) -> tuple:
        if self.entry() is None:
            return NONE
        found = [r["care_start"] for r in self.care_rows if r["placement_type"] in ("U1", "U2", "U3")]
        return float(any(self.inside(start) for start in found)), True

    def reunification(self) -> tuple:
        if self.entry() is None:
            return NONE
        reasons = {r["ceased_reason"] for r in self.care_rows if self.inside(r["care_end"])}
        if reasons & {"E4A", "E4B"}:
            return 1.0, True
        return (None if None in reasons else 0.0), True

    def placement_count(self) -> tuple:
        entry = self.entry()
        if entry is None:
            return NONE
        until = entry + relativedelta(months=12)
        rows = [r for r in self.of("dr3_episodes") if r["episode_reason"] in ("S", "P", "B")]
        starts = {r["episode_start"] for r in rows}
        return max(sum(entry <= day <= until and day < self.adult for day in starts), 1), True

    def placement_stability(self) -> tuple:
        count, applies = self.placement_count()
        return (float(count >= 3), True) if applies else NONE


@pytest.mark.parametrize("model_id", list(FIRST))
def test_every_child_has_the_value_of_a_slow_second_implementation(study, model_id):
    adult = model_id == "no_wrong_door"
    tables = invented(11, adult)
    built: Cohort = build_cohort(study, model_id, {FIRST[model_id]: tables})
    children = built.children.set_index("child_key").to_dict("index")
    assert len(children) > N / 3
    records = plain(tables)
    compared = set()
    for row in built.outcomes.itertuples():
        if not hasattr(OneChild, row.outcome):
            continue
        child = OneChild(records, children[row.child_key], row.horizon, adult)
        value, applies = getattr(child, row.outcome)()
        known = "observed" if value is not None else "value_missing"
        assert row.state == (known if applies else "not_applicable"), (row.outcome, row.child_key)
        if value is not None:
            assert row.value == value, (row.outcome, row.horizon, row.child_key)
        compared.add((row.outcome, row.horizon, row.state))
    outcomes = set(study.models[model_id].outcomes) - {"neet", "unauthorised_absence"}
    assert {(outcome, horizon) for outcome, horizon, _ in compared} == {
        (outcome, horizon) for outcome in outcomes for horizon in HORIZONS
    }
