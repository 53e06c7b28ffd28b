"""The aggregates: panel, observability, descriptives, files, and what must not change them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cohort_frames import referrals, returns
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from sfpc_book.cohort.build import Cohort, build_cohort
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
SMALL = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


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


def permuted(tables: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    return {
        name: table.sample(frac=1, random_state=seed).set_axis(range(5, 5 + len(table)))
        for name, table in tables.items()
    }


def assert_same_cohort(one: Cohort, other: Cohort) -> None:
    aggregates = ("panel", "flow", "descriptives", "missingness", "patterns", "linkage")
    for name in ("children", "outcomes", *aggregates):
        assert_frame_equal(getattr(one, name), getattr(other, name))


@SMALL
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_changes_nothing(study, seed):
    data = {slug: random_returns(seed + i) for i, slug in enumerate(SLUGS)}
    shuffled = {slug: permuted(tables, seed) for slug, tables in reversed(data.items())}
    assert_same_cohort(build_cohort(study, MODEL, data), build_cohort(study, MODEL, shuffled))


@SMALL
@given(seed=st.integers(0, 10_000))
def test_another_file_of_one_authority_changes_no_row_of_the_others(study, seed):
    mine = random_returns(seed)
    before = build_cohort(study, MODEL, {SLUGS[0]: mine, SLUGS[1]: random_returns(seed + 1)})
    after = build_cohort(study, MODEL, {SLUGS[0]: mine, SLUGS[1]: random_returns(seed + 2)})
    for name in ("children", "outcomes", "panel", "flow", "missingness", "linkage"):
        kept = [getattr(built, name).query("authority == @SLUGS[0]") for built in (before, after)]
        assert_frame_equal(*kept)


@SMALL
@given(seed=st.integers(0, 10_000))
def test_every_record_ends_in_one_box_and_every_child_in_one_state(study, seed):
    tables = random_returns(seed)
    built = build_cohort(study, MODEL, {SLUGS[0]: tables})
    ends = built.flow[(built.flow["kind"] == "excluded") | (built.flow["step"] == built.flow["step"].max())]
    assert ends["n"].sum() == len(tables["dr2_referrals"])
    linked = built.flow.iloc[-1]["n"]
    assert linked == built.children["linked"].sum()
    counts = built.outcomes.groupby(["outcome", "horizon"], observed=True)["child_key"]
    assert (counts.size() == len(built.children)).all()
    assert (counts.nunique() == len(built.children)).all()


def test_the_panel_equals_counting_by_hand(study):
    built = build_cohort(study, MODEL, {slug: random_returns(i) for i, slug in enumerate(SLUGS)})
    assert built.panel.columns.tolist() == PANEL_COLUMNS
    some = built.panel.sample(60, random_state=1)
    for row in some.to_dict("records"):
        members = built.children.loc[built.children[f"in_{row['sample']}"], "child_key"]
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
    assert len(built.panel) == len(study.samples) * wedge.n_periods * n_outcomes * len(study.horizons)
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
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert {"children.parquet", "panel.parquet", "flow.csv", "observability.csv"} <= set(names)
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_no_written_aggregate_holds_an_identifier_or_a_birth_month(study, tmp_path):
    records = referrals([{"child_id": "SENTINEL", "referral_id": "SENTINEL", "birth_month": "2013-11-01"}])
    write_cohort(build_cohort(study, MODEL, {"walsall": returns(records)}), tmp_path)
    for path in sorted(tmp_path.glob("*")):
        if path.name not in ("children.parquet", "outcomes.parquet"):
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
    findings.to_csv(tmp_path / "walsall" / "findings.csv", index=False)
    assert blocked_authorities(tmp_path) == {"walsall": "link rate 0.2, limit 0.9"}
    with pytest.raises(ReturnsError, match="nowhere"):
        load_returns(tmp_path / "nowhere")
    with pytest.raises(ReturnsError, match="nowhere"):
        load_tables(tmp_path / "nowhere")
