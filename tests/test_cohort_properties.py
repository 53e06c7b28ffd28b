"""What must hold of every cohort, whatever the returns: boxes, order, other authorities, horizons, links,
go-lives."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import fields
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from cohort_frames import outcome_table, random_returns, referrals, returns
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from sfpc_book.cohort.build import Cohort, build_cohort
from sfpc_book.cohort.exposures import EXPOSURES, Span
from sfpc_book.cohort.sample import INCLUDED
from sfpc_book.study.study import Study, load_study
from sfpc_book.study.wedge import wedge_of

MODEL = "family_safeguarding"
SLUGS = ("walsall", "telford_and_wrekin")
MIDDLE = ("lancashire", "telford_and_wrekin", "wandsworth")  # their go-lives do not bound the trial window
MONTHS = {"apr21": 1, "nov21": 2, "apr23": 3}
SEEDS = st.integers(0, 10_000)


def examples(number: int) -> settings:
    """Few examples, the same in every run."""
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


@pytest.fixture(scope="module")
def main_only(study) -> Study:
    """The study with the main sample and exposure, for properties of what all samples share."""
    return study.model_copy(
        update={
            "samples": {"main": study.samples["main"]},
            "exposures": {"go_live": study.exposures["go_live"]},
        }
    )


def assert_same(one: Cohort, other: Cohort) -> None:
    for name in (field.name for field in fields(Cohort) if field.name not in ("model_id", "others")):
        assert_frame_equal(getattr(one, name), getattr(other, name))
    assert list(one.others) == list(other.others)
    for name, tables in one.others.items():
        assert_frame_equal(tables.children, other.others[name].children)
        assert_frame_equal(tables.outcomes, other.others[name].outcomes)


def permuted(tables: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """The same tables in another order, their rows in another order under other labels."""
    return {
        name: table.sample(frac=1, random_state=seed).set_axis(range(5, 5 + len(table)))
        for name, table in reversed(tables.items())
    }


@examples(2)
@given(seed=SEEDS)
def test_the_order_of_rows_tables_and_authorities_changes_nothing(study, seed):
    data = {slug: random_returns(seed + i) for i, slug in enumerate(SLUGS)}
    shuffled = {slug: permuted(tables, seed) for slug, tables in reversed(data.items())}
    assert_same(build_cohort(study, MODEL, data), build_cohort(study, MODEL, shuffled))


@examples(2)
@given(seed=SEEDS)
def test_another_authoritys_file_changes_no_row_of_the_others(study, seed):
    mine = random_returns(seed)
    others = ({}, {"lancashire": random_returns(seed + 1)}, {"lancashire": random_returns(seed + 2)})
    built = [build_cohort(study, MODEL, {SLUGS[0]: mine, **other}) for other in others]
    for name in ("children", "outcomes", "panel", "flow", "allocation", "missingness", "monthly", "linkage",
                 "observability"):  # fmt: skip
        kept = [
            table[table["authority"] == SLUGS[0]].assign(authority=SLUGS[0]).reset_index(drop=True)
            for table in (getattr(cohort, name) for cohort in built)
        ]
        assert_frame_equal(kept[0], kept[1])
        assert_frame_equal(kept[0], kept[2])


class Walk:
    """The flow of one authority's records, one record at a time in plain Python."""

    def __init__(self, tables: dict[str, pd.DataFrame], study: Study) -> None:
        self.wedge, self.model = wedge_of(study, MODEL), study.models[MODEL]
        self.records = tables["dr2_referrals"].to_dict("records")
        self.asked = set(tables["dr3_coverage"]["child_id"])
        self.care = defaultdict(list)
        for row in tables["dr3_care"].dropna(subset=["care_start"]).to_dict("records"):
            self.care[row["child_id"]].append((row["care_start"], row["care_end"]))
        self.births = defaultdict(set)
        for row in self.records:
            self.births[row["child_id"]] |= {row["birth_month"]} - {pd.NaT}

    def person(self, row: dict) -> tuple:
        """Identifier, and the month of birth where the identifier has several (None: one of them, not
        known)."""
        several = len(self.births[row["child_id"]]) > 1
        month = None if pd.isna(row["birth_month"]) else row["birth_month"]
        return (row["child_id"], several, month if several else None)

    def age(self, row: dict) -> int | None:
        births = self.births[row["child_id"]]
        birth = row["birth_month"] if len(births) > 1 else next(iter(births), pd.NaT)
        when, unborn = row["referral_date"], row["birth_marker"] == "unborn"
        if pd.isna(birth):
            return -1 if unborn else None
        months = 12 * (when.year - birth.year) + when.month - birth.month
        return -1 if months < 0 or (unborn and months == 0) else months // 12

    def order(self, row: dict) -> tuple:
        undated = pd.isna(row["referral_date"])
        day = pd.Timestamp.max if undated else row["referral_date"]
        return (day, -MONTHS[row["return_month"]], row["referral_id"], row["source_row"])

    def boxes(self) -> Counter:
        counts, seen, chosen = Counter(), set(), set()
        for row in sorted(self.records, key=self.order):
            person = self.person(row)
            key = (person, row["referral_id"], str(row["referral_date"]))
            counts[self.box(row, key in seen, person in chosen)] += 1
            if self.box(row, key in seen, chosen=False) not in EARLY:
                chosen.add(person)
            seen.add(key)
        return counts

    def box(self, row: dict, repeated: bool, chosen: bool) -> str:
        day = row["referral_date"]
        if repeated:
            return "sent more than once"
        if pd.isna(day):
            return "no referral date"
        if not self.wedge.window_start <= day.date() <= self.wedge.window_end:
            return "outside the trial window"
        age = self.age(row)
        if age is None:
            return "age not known"
        if not -1 <= age <= self.model.age_maximum:
            return "age not eligible"
        return "later referral of the same child" if chosen else self.end(row)

    def end(self, row: dict) -> str:
        child, several, _ = self.person(row)
        if several:
            return "identifier shared by several"
        if child not in self.asked:
            return "not in the outcome return"
        day = row["referral_date"]
        running = any(start < day and (pd.isna(end) or end > day) for start, end in self.care[child])
        return "care already running at referral" if running else INCLUDED


EARLY = (
    "sent more than once",
    "no referral date",
    "outside the trial window",
    "age not known",
    "age not eligible",
)


@examples(6)
@given(seed=SEEDS)
def test_every_record_ends_in_the_box_of_a_slow_second_walk_and_boxes_add_up(main_only, seed):
    tables = random_returns(seed, n=120)
    built = build_cohort(main_only, MODEL, {SLUGS[0]: tables})
    flow = built.flow
    ends = flow[(flow["kind"] == "excluded") | (flow["box"] == INCLUDED)].set_index("box")["n"]
    assert {box: n for box, n in ends.items() if n} == dict(Walk(tables, main_only).boxes())
    assert ends.sum() == len(tables["dr2_referrals"])
    kept = flow[flow["kind"] == "kept"].set_index("step")["n"]
    left = flow[flow["kind"] == "excluded"].groupby("step")["n"].sum()
    assert ((kept.shift(fill_value=len(tables["dr2_referrals"])) - left) == kept).all()
    assert kept.loc[6] == len(built.children) == built.children["child_key"].nunique()
    assert kept.loc[7] == built.children["linked"].sum() == built.allocation["n_linked"].sum()
    counts = built.outcomes.groupby(["outcome", "horizon"], observed=True)["child_key"]
    assert (counts.size() == len(built.children)).all()
    assert (counts.nunique() == len(built.children)).all()


def moved(study: Study, slug: str, days: int) -> Study:
    part = study.authorities[slug]
    day = part.go_live.model_copy(update={"date": part.go_live.date + timedelta(days=days)})
    return study.model_copy(
        update={"authorities": {**study.authorities, slug: part.model_copy(update={"go_live": day})}}
    )


@examples(4)
@given(slug=st.sampled_from(MIDDLE), days=st.sampled_from([-1, 1]), data=st.data())
def test_moving_a_go_live_by_a_day_moves_only_children_referred_that_day(main_only, slug, days, data):
    go_live = main_only.authorities[slug].go_live.date
    lags = data.draw(st.lists(st.integers(-3, 3), min_size=5, max_size=15))
    rows = [
        {"child_id": f"c{place}", "referral_date": str(go_live + timedelta(days=lag))}
        for place, lag in enumerate([-1, 0, 1, *lags])
    ]
    sent = {name: returns(referrals(rows)) for name in (slug, "swindon")}
    before = build_cohort(main_only, MODEL, sent).children
    after = build_cohort(moved(main_only, slug, days), MODEL, sent).children
    that_day = pd.Timestamp(min(go_live, go_live + timedelta(days=days)))
    changed = before[["period", "exposed", "exposure_time"]] != after[["period", "exposed", "exposure_time"]]
    assert set(before.loc[changed.any(axis=1), "referral_date"]) == {that_day}
    sides = before["exposed"] != after["exposed"]
    mine = (before["authority"] == slug) & (before["referral_date"] == that_day)
    assert (sides == mine).all()
    assert_frame_equal(
        before.drop(columns=["period", "period_start", "exposed", "exposure_time"]),
        after.drop(columns=["period", "period_start", "exposed", "exposure_time"]),
    )


DAYS = st.integers(0, 2000)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(start=DAYS, length=DAYS, go_live=DAYS, earlier=DAYS, name=st.sampled_from(sorted(EXPOSURES)))
def test_an_earlier_go_live_exposes_no_child_less(study, start, length, go_live, earlier, name):
    """And a go-live after the end of follow-up exposes nobody, one long before it everybody with enough of
    it."""
    origin = np.datetime64("2018-01-01")

    def exposed(day: int) -> bool:
        followed = Span(np.array([origin + start]), np.array([origin + start + length]), origin + day)
        return bool(EXPOSURES[name](followed, study.exposures[name])[0])

    assert exposed(go_live - earlier) >= exposed(go_live)
    assert not exposed(start + length + 1)
    enough = length >= 28 if name.startswith("days_28") else True
    assert exposed(start - 3000) == enough


@examples(4)
@given(seed=SEEDS, lag=st.integers(1, 400))
def test_an_event_after_a_childs_horizon_changes_no_outcome(main_only, seed, lag):
    """Events a day or more after the date at which the last outcome at 18 months can be observed."""
    tables = random_returns(seed)
    before = build_cohort(main_only, MODEL, {SLUGS[0]: tables})
    at_18 = before.outcomes[before.outcomes["horizon"] == 18]
    due = at_18.groupby("child_key")["observable_from"].max() + pd.Timedelta(days=lag)
    children = before.children[before.children["linked"]].set_index("child_id")["child_key"].map(due).dropna()
    new = {"dr3_care": [], "dr3_plans": [], "dr3_cin": [], "dr3_proceedings": []}
    for child, when in children.items():
        day = str(when.date())
        new["dr3_care"].append((child, day, None, "U1", None))
        new["dr3_plans"].append((child, day, None))
        new["dr3_cin"].append((child, "new", day, None))
        new["dr3_proceedings"].append((child, day, day))
    more = {name: pd.concat([tables[name], outcome_table(name, rows)]) for name, rows in new.items()}
    after = build_cohort(main_only, MODEL, {SLUGS[0]: {**tables, **more}})
    assert len(children) > 3
    assert_frame_equal(at_18, after.outcomes[after.outcomes["horizon"] == 18])


@examples(2)
@given(seed=SEEDS)
def test_a_child_that_is_not_linked_never_becomes_a_zero(study, seed):
    tables = random_returns(seed)
    whole = build_cohort(study, MODEL, {SLUGS[0]: tables})
    linked = whole.children.loc[whole.children["linked"], "child_id"]
    gone = set(linked.iloc[::2])
    asked = tables["dr3_coverage"]
    fewer = {**tables, "dr3_coverage": asked[~asked["child_id"].isin(gone)]}
    built = build_cohort(study, MODEL, {SLUGS[0]: fewer})
    unlinked = set(built.children.loc[~built.children["linked"], "child_key"])
    assert {f"{SLUGS[0]}:{child}" for child in gone} <= unlinked
    from_dr3 = [
        name for name in study.models[MODEL].outcomes if "dr2_referrals" not in study.outcomes[name].tables
    ]
    rows = built.outcomes[
        built.outcomes["child_key"].isin(unlinked) & built.outcomes["outcome"].isin(from_dr3)
    ]
    assert len(rows) >= len(gone)
    assert rows["value"].isna().all()
    assert set(rows["state"]) <= {"not_linked", "not_applicable"}
    panel = built.panel[(built.panel["outcome"] == "looked_after")]
    most = panel.groupby(["sample", "exposure", "horizon"])["n_children"].sum()
    assert (most.loc["main"] <= built.children["linked"].sum()).all()
    until_care = [name for name in built.children if name.startswith("exposed_") and "until_care" in name]
    assert len(until_care) == 4
    assert built.children.loc[~built.children["linked"], until_care].isna().all(axis=None)
