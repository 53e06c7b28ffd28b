"""The aggregates: panel, observability, descriptives, files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cohort_frames import random_returns, referrals, returns

from sfpc_book.book.plan import COHORT_CHILD_TABLES
from sfpc_book.cohort.build import build_cohort
from sfpc_book.cohort.derive import COVARIATES
from sfpc_book.cohort.descriptives import missing_patterns
from sfpc_book.cohort.outcomes import fully_observed_from
from sfpc_book.cohort.panel import PANEL_COLUMNS
from sfpc_book.cohort.store import blocked_authorities, load_returns, load_tables, write_cohort
from sfpc_book.errors import ReturnsError
from sfpc_book.study.study import Study, load_study
from sfpc_book.study.wedge import wedge_of

MODEL = "family_safeguarding"
SLUGS = ("walsall", "telford_and_wrekin")
TABLES = ("dr2_referrals", "dr3_care", "dr3_plans", "dr3_coverage", "dr3_attendance")


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


def test_the_panel_equals_counting_by_hand(study):
    built = build_cohort(study, MODEL, {slug: random_returns(i) for i, slug in enumerate(SLUGS)})
    assert built.panel.columns.tolist() == PANEL_COLUMNS
    of_main = built.panel[built.panel["sample"].map(lambda name: f"in_{name}" in built.children)]
    some = of_main.groupby(of_main["exposure"] == "go_live").sample(40, random_state=1)
    for row in some.to_dict("records"):
        chosen = built.children[f"in_{row['sample']}"]
        if row["exposure"] != "go_live":
            chosen &= built.children[f"exposed_{row['exposure']}_{row['horizon']}"] == row["exposed"]
        members = built.children.loc[chosen.fillna(False), "child_key"]
        cell = built.outcomes[
            (built.outcomes["authority"] == row["authority"])
            & (built.outcomes["period"] == row["period"])
            & (built.outcomes["outcome"] == row["outcome"])
            & (built.outcomes["horizon"] == row["horizon"])
            & built.outcomes["child_key"].isin(members)
        ]
        states = cell["state"].value_counts()
        assert row["n_children"] == states["observed"]
        assert row["n_not_linked"] == states["not_linked"]
        assert row["n_not_observed"] == states["not_observed"]
        assert row["n_not_applicable"] == states["not_applicable"]
        assert row["n_value_missing"] == states["value_missing"]
        np.testing.assert_allclose(row["value_sum"], cell["value"].sum())
        np.testing.assert_allclose(row["value_mean"], cell["value"].mean())


def test_empty_cells_stay_in_the_panel_with_no_children(study):
    built = build_cohort(study, MODEL, {"walsall": returns(referrals([{}]))})
    wedge = wedge_of(study, MODEL)
    n_outcomes = len(study.models[MODEL].outcomes)
    # Every sample but that with Leicester, and, for the main one, unexposed and exposed by four definitions.
    groups = len(study.samples) - 1 + 2 * (len(study.exposures) - 1)
    assert len(built.panel) == groups * wedge.n_periods * n_outcomes * len(study.horizons)
    empty = built.panel[built.panel["period"] != 2]
    assert (empty["n_children"] == 0).all()
    assert empty["value_mean"].isna().all()
    counts = built.panel[built.panel["outcome"] == "days_on_plan"]
    assert counts["n_events"].isna().all()


def test_observability_gives_the_date_by_which_everyone_can_have_been_followed(study):
    end = wedge_of(study, MODEL).window_end
    expected = {
        ("looked_after", 18): "2024-05-24",
        ("looked_after", 36): "2025-11-24",
        ("proceeds_to_court", 18): "2024-09-13",
        ("return_to_statutory_services", 18): "2025-11-24",
        ("unauthorised_absence", 18): "2023-12-31",
    }
    for (outcome, horizon), day in expected.items():
        assert fully_observed_from(study.outcomes[outcome], end, horizon) == pd.Timestamp(day)
    short = returns(referrals([{}, {"child_id": "c2"}]), covered=("2018-04-01", "2023-01-31"))
    table = build_cohort(study, MODEL, {"walsall": short}).observability
    row = table[table["outcome"] == "looked_after"].set_index("horizon")
    assert row["observed_share"].tolist() == [1, 0]
    assert row["covered_to"].tolist() == [pd.Timestamp("2023-01-31")] * 2


def test_children_who_never_enter_care_count_as_followed_for_outcomes_of_care(study):
    dates = {"a": "2021-01-10", "b": "2022-02-10"}
    rows = [{"child_id": child, "referral_date": date} for child, date in dates.items()]
    covered = ("2018-04-01", "2023-01-31")
    tables = returns(referrals(rows), covered=covered)
    table = build_cohort(study, "family_valued", {"coventry": tables}).observability
    row = table[(table["outcome"] == "kinship_care") & (table["horizon"] == 18)].iloc[0]
    assert row["n_observed"] == 0
    assert row["n_followed"] == 1
    assert row["observed_share"] == 0.5


def test_no_child_is_followed_up_later_than_the_date_stated(study):
    for model_id, slug in ((MODEL, "walsall"), ("family_valued", "coventry"), ("no_wrong_door", "rochdale")):
        day = wedge_of(study, model_id).window_end
        rows = [{"referral_date": str(day), "birth_month": "2010-01-01", "factor_1b": 1}]
        built = build_cohort(study, model_id, {slug: returns(referrals(rows))})
        latest = built.outcomes.set_index(["outcome", "horizon"])["observable_from"]
        stated = built.observability.set_index(["outcome", "horizon"])["fully_observed_from"]
        assert (latest.fillna(pd.Timestamp("1900-01-01")) <= stated[latest.index]).all()


def test_descriptives_count_every_child_once_per_variable(study):
    built = build_cohort(study, MODEL, {slug: random_returns(i) for i, slug in enumerate(SLUGS)})
    table = built.descriptives
    sums = table.groupby(["authority", "exposed", "variable"])[["n", "total"]].agg(
        {"n": "sum", "total": "first"}
    )
    assert (sums["n"] == sums["total"]).all()
    overall = table[(table["authority"] == "all") & (table["variable"] == "gender")]
    assert overall["n"].sum() == len(built.children)
    assert set(table["variable"]) == {*COVARIATES, "earlier_care", "linked"}
    absent = built.missingness[built.missingness["variable"] == "age_group"]
    assert absent["n"].sum() == len(built.children)
    assert built.patterns["n"].sum() == len(built.children)
    assert built.monthly.query("horizon == 18")["n_children"].sum() == len(built.children)


def test_combinations_of_missing_covariates_are_counted_with_the_factors_as_one():
    levels = {name: ["known"] * 5 for name in COVARIATES} | {
        "gender": ["missing", "Male", "missing", "unmapped", "Male"],
        "factor_1b": ["not assessed", "has", "not assessed", "has", "has"],
        "factor_3c": ["not assessed", "not assessed", "has", "has", "has"],
    }
    children = pd.DataFrame(levels).assign(authority=["walsall"] * 4 + ["swindon"])
    table = missing_patterns(children, MODEL, ["swindon", "walsall"])
    assert table[["authority", "pattern", "n"]].to_numpy().tolist() == [
        ["swindon", "", 1],
        ["walsall", "factors", 1],
        ["walsall", "gender", 1],
        ["walsall", "gender; factors", 2],
    ]


def test_totals_of_the_month_are_joined_and_their_absence_stays_missing(study):
    tables = returns(referrals([{}, {"child_id": "c2", "referral_date": "2021-04-01"}]))
    month = pd.to_datetime(["2021-03-01", "2021-03-01"])
    tables["dr1_monthly"] = pd.DataFrame({
        "month": month, "looked_after_rate_per_10000": [80.0, None], "free_school_meals_share": [None, 0.2],
        "new_referrals": [100.0, 110.0], "return_month": ["apr21", "nov21"], "source_file": "f",
        "source_sheet": "s", "source_row": [1, 2],
    })  # fmt: skip
    children = build_cohort(study, MODEL, {"walsall": tables}).children
    assert children["authority_looked_after_rate_per_10000"].tolist()[0] == 80
    assert children["authority_new_referrals"].tolist()[0] == 110
    assert children["authority_new_referrals"].isna().tolist() == [False, True]


def test_a_cohort_is_written_and_canonical_tables_are_read_back(study, tmp_path):
    tables = random_returns(3)
    for name in TABLES:
        (tmp_path / "returns" / "walsall").mkdir(parents=True, exist_ok=True)
        tables[name].to_parquet(tmp_path / "returns" / "walsall" / f"{name}.parquet", index=False)
    loaded = load_returns(tmp_path / "returns")
    assert set(loaded["walsall"]) == set(TABLES)
    first, second = build_cohort(study, MODEL, loaded), build_cohort(study, MODEL, loaded)
    for folder, built in (("one", first), ("two", second)):
        write_cohort(built, tmp_path / folder)
    paths = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    names = sorted(str(path.relative_to(tmp_path / "one")) for path in paths)
    assert {"children.parquet", "panel.parquet", "flow.csv", "observability.csv"} <= set(names)
    assert {f"populations/{name}/children.parquet" for name in ("first_ever", "open_plan")} <= set(names)
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_no_written_aggregate_holds_an_identifier_or_a_birth_month(study, tmp_path):
    records = referrals([{"child_id": "SENTINEL", "referral_id": "SENTINEL", "birth_month": "2013-11-01"}])
    write_cohort(build_cohort(study, MODEL, {"walsall": returns(records)}), tmp_path)
    for path in sorted(path for path in tmp_path.rglob("*") if path.is_file()):
        if path.name not in COHORT_CHILD_TABLES:
            text = path.read_bytes()
            assert b"SENTINEL" not in text
            assert b"2013-11" not in text


def test_findings_that_block_are_found_and_missing_folders_are_named(tmp_path):
    (tmp_path / "walsall").mkdir()
    findings = pd.DataFrame(
        {
            "severity": ["block", "block", "mark"],
            "status": ["pass", "fail", "fail"],
            "text": ["fine", "link rate 0.2, limit 0.9", "odd"],
        }
    )
    path = tmp_path / "walsall" / "findings.csv"
    findings.to_csv(path, index=False)
    assert blocked_authorities({"walsall": path}) == {"walsall": "link rate 0.2, limit 0.9"}
    with pytest.raises(ReturnsError, match="nowhere"):
        load_returns(tmp_path / "nowhere")
    with pytest.raises(ReturnsError, match="nowhere"):
        load_tables(tmp_path / "nowhere")
