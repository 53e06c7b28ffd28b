"""Times to an event with censoring, Kaplan-Meier by cell, monthly totals, children followed longest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cohort_frames import random_returns, referrals, returns
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

from sfpc_book.cohort.build import Cohort, build_cohort
from sfpc_book.cohort.survival import MINIMUM_AT_END, SURVIVAL_COLUMNS, kaplan_meier
from sfpc_book.cohort.times import TIME_COLUMNS, days_in
from sfpc_book.cohort.totals import implied_population
from sfpc_book.study.study import Study, load_study

MODEL, OTHER = "family_safeguarding", "no_wrong_door"
EXACT = 1e-10


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


def drawn(seed: int, n: int = 80, end: int = 548) -> tuple[np.ndarray, np.ndarray]:
    """Days and events, many of them tied, with children censored before the end."""
    rng = np.random.default_rng(seed)
    event = rng.integers(0, 60, n) * 15
    stop = np.where(rng.random(n) < 0.5, end, rng.integers(0, 40, n) * 15)
    return np.minimum(np.minimum(event, stop), end).astype(float), (event <= np.minimum(stop, end))


@pytest.mark.parametrize("seed", range(8))
def test_the_curve_is_that_of_statsmodels(seed: int) -> None:
    days, event = drawn(seed)
    ours = kaplan_meier(days, event, 548)
    theirs = SurvfuncRight(days, event.astype(int))
    assert ours.ok
    assert 1 - ours.risk == pytest.approx(theirs.surv_prob[-1], abs=EXACT)
    assert ours.risk_error == pytest.approx(theirs.surv_prob_se[-1], abs=EXACT)
    times = np.concatenate([[0.0], theirs.surv_times, [548.0]])
    area = np.sum(np.diff(times) * np.concatenate([[1.0], theirs.surv_prob]))
    assert ours.restricted_mean == pytest.approx(area, abs=EXACT)


@pytest.mark.parametrize("seed", range(5))
def test_curve_and_errors_equal_sums_taken_day_by_day(seed: int) -> None:
    days, event = drawn(seed)
    survival, area, variance, hazards = 1.0, 0.0, 0.0, {}
    level = {}
    for day in range(548):
        at_risk, dead = (days >= day).sum(), (event & (days == day)).sum()
        survival *= 1 - dead / at_risk
        if dead and at_risk > dead:
            hazards[day] = dead / (at_risk * (at_risk - dead))
        level[day], area = survival, area + survival
    for day, hazard in hazards.items():
        variance += hazard * sum(level[later] for later in range(day, 548)) ** 2
    ours = kaplan_meier(days, event, 548)
    assert ours.restricted_mean == pytest.approx(area)
    assert ours.restricted_mean_error == pytest.approx(np.sqrt(variance))
    at_end = (event & (days == 548)).sum()
    if not at_end:
        assert ours.risk_error == pytest.approx(survival * np.sqrt(sum(hazards.values())))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 100), st.booleans()), min_size=1, max_size=40))
def test_without_censoring_the_curve_gives_the_plain_means(children: list[tuple[int, bool]]) -> None:
    event = np.array([happened for _, happened in children])
    days = np.where(event, [day for day, _ in children], 100).astype(float)
    found = kaplan_meier(days, event, 100)
    assert found.ok
    assert found.risk == pytest.approx(event.mean())
    assert found.restricted_mean == pytest.approx(days.mean())
    assert found.risk_error == pytest.approx(np.sqrt(event.mean() * (1 - event.mean()) / len(event)))
    assert found.restricted_mean_error == pytest.approx(days.std() / np.sqrt(len(days)), abs=1e-9)


def test_a_curve_that_cannot_be_read_has_no_number() -> None:
    nobody = kaplan_meier(np.array([]), np.array([], dtype=bool), 548)
    assert not nobody.ok and np.isnan(nobody.risk) and nobody.n_children == 0
    all_censored = kaplan_meier(np.full(30, 100.0), np.zeros(30, dtype=bool), 548)
    assert not all_censored.ok and all_censored.n_censored == 30
    days = np.append(np.full(MINIMUM_AT_END - 1, 548.0), 20.0)
    assert not kaplan_meier(days, np.zeros(MINIMUM_AT_END, dtype=bool), 548).ok
    enough = kaplan_meier(np.append(days, 548.0), np.zeros(MINIMUM_AT_END + 1, dtype=bool), 548)
    assert enough.ok and enough.risk == 0 and enough.restricted_mean == 548
    everyone = kaplan_meier(np.array([0.0, 0.0]), np.array([True, True]), 548)
    assert (everyone.risk, everyone.restricted_mean, everyone.risk_error) == (1, 0, 0)


def one(study: Study, model: str, slug: str, records: list[dict], **options: object) -> Cohort:
    return build_cohort(study, model, {slug: returns(referrals(records), **options)})


def row(cohort: Cohort, outcome: str, horizon: int = 18, rule: str = "records") -> dict | None:
    times = cohort.times
    found = times[(times["outcome"] == outcome) & (times["horizon"] == horizon) & (times["rule"] == rule)]
    return None if found.empty else found.iloc[0][["days", "event"]].to_dict()


CARE = "looked_after"


@pytest.mark.parametrize(
    ("care", "covered_to", "days", "event"),
    [
        ("2021-03-10", "2024-10-31", 0, True),  # on the day of the referral
        ("2021-06-18", "2024-10-31", 100, True),
        ("2022-09-10", "2024-10-31", 548, True),  # on the last day of follow-up, 549 days on
        ("2022-09-11", "2024-10-31", 548, False),  # a day too late
        (None, "2022-09-10", 548, False),  # followed to the horizon exactly
        (None, "2022-09-09", 548, False),  # a day short of it, which is 548 days
        (None, "2021-06-18", 100, False),  # censored
        ("2021-07-01", "2021-06-18", 100, False),  # shown beyond what the records cover
        ("2021-06-18", "2021-06-18", 100, True),
    ],
)
def test_time_to_care_of_one_child(study, care, covered_to, days, event) -> None:
    care_rows = [("c1", care, None, "U4", None)] if care else []
    cohort = one(study, MODEL, "walsall", [{}], covered=("2018-04-01", covered_to), dr3_care=care_rows)
    assert row(cohort, CARE) == {"days": days, "event": event}
    assert set(cohort.times.columns) == set(TIME_COLUMNS)
    assert set(cohort.times["rule"]) == {"records"}


def test_children_not_linked_or_covered_too_late_have_no_time(study) -> None:
    assert row(one(study, MODEL, "walsall", [{}, {"child_id": "c2"}], unasked=("c1",)), CARE) is not None
    late = one(study, MODEL, "walsall", [{}], covered=("2021-03-11", "2024-10-31"))
    before = one(study, MODEL, "walsall", [{}], covered=("2018-04-01", "2021-03-09"))
    assert row(late, CARE) is None and row(before, CARE) is None


@pytest.mark.parametrize(
    ("care", "records", "at_18"),
    [
        (None, (548, False), (82, False)),  # turns 18 on 1 June 2021: the day before is day 82
        ("2021-04-09", (30, True), (30, True)),
    ],
)
def test_a_child_who_turns_18_is_without_care_by_one_rule_and_censored_by_the_other(
    study, care, records, at_18
) -> None:
    care_rows = [("c1", care, None, "U4", None)] if care else []
    child = {"birth_month": "2003-06-01"}
    cohort = one(study, OTHER, "warrington", [child], dr3_care=care_rows)
    for rule, (days, event) in (("records", records), ("records_or_18", at_18)):
        assert row(cohort, CARE, rule=rule) == {"days": days, "event": event}


@pytest.mark.parametrize(
    ("plan", "covered_to", "expected"),
    [
        (("2021-05-01", "2021-08-09"), "2024-10-31", {"days": 100, "event": True}),
        (("2021-05-01", None), "2024-10-31", {"days": 730, "event": False}),
        (("2021-05-01", None), "2021-08-09", {"days": 100, "event": False}),
        (("2021-05-01", "2023-06-01"), "2024-10-31", {"days": 730, "event": False}),  # beyond 24 months
        (("2023-05-01", None), "2024-10-31", None),  # starts after the horizon
        (("2021-05-01", None), "2021-04-30", None),  # starts after the records end
    ],
)
def test_length_of_the_first_plan_of_one_child(study, plan, covered_to, expected) -> None:
    cohort = one(study, MODEL, "walsall", [{}], covered=("2018-04-01", covered_to), dr3_plans=[("c1", *plan)])
    assert row(cohort, "plan_duration") == expected


def test_where_all_are_followed_the_curves_say_what_the_panel_says(study) -> None:
    cohort = build_cohort(
        study, MODEL, {slug: random_returns(seed) for seed, slug in enumerate(("walsall", "swindon"))}
    )
    assert cohort.survival.columns.tolist() == SURVIVAL_COLUMNS
    keys = ["authority", "period", "exposed"]
    curve = cohort.survival[
        (cohort.survival["outcome"] == CARE) & (cohort.survival["quantity"] == "risk")
    ].query("horizon == 18")
    main = cohort.panel[(cohort.panel["sample"] == "main") & (cohort.panel["exposure"] == "go_live")]
    means = main[(main["outcome"] == CARE) & (main["horizon"] == 18)]
    both = curve.merge(means, on=keys, suffixes=("", "_panel"))
    complete = both[(both["n_not_observed_panel"] == 0) & (both["n_children"] > 0)]
    assert len(complete) > 3
    assert complete["value_mean"].to_numpy() == pytest.approx(complete["value_mean_panel"].to_numpy())
    assert complete["n_children"].tolist() == complete["n_children_panel"].tolist()
    assert complete["n_events"].tolist() == complete["n_events_panel"].tolist()
    assert len(both) == len(means) == len(curve)
    empty = curve[curve["n_children"] == 0]
    assert empty["value_mean"].isna().all()


def test_the_like_for_like_sample_holds_those_followed_to_the_longest_horizon(study) -> None:
    """By counting child by child: at the longest horizon it is the main sample."""
    slugs = ("walsall", "telford_and_wrekin")
    tables = {slug: random_returns(seed, 90) for seed, slug in enumerate(slugs)}
    half = tables["walsall"]["dr3_coverage"]
    half.loc[half.index % 2 == 0, "covered_to"] = pd.Timestamp("2023-01-31")
    cohort = build_cohort(study, MODEL, tables)
    rows = cohort.outcomes.assign(
        reached=lambda frame: (
            (frame["state"] == "observed")
            | ((frame["state"] == "not_applicable") & frame["observable_from"].notna())
        )
    )
    reached = rows[(rows["horizon"] == 36) & rows["reached"]]
    allowed = set(zip(reached["child_key"], reached["outcome"].astype(str), strict=True))
    keys = zip(rows["child_key"], rows["outcome"].astype(str), strict=True)
    chosen = rows[[key in allowed for key in keys]]
    like = cohort.panel[cohort.panel["sample"] == "followed_longest"]
    main = cohort.panel[(cohort.panel["sample"] == "main") & (cohort.panel["exposure"] == "go_live")]
    cells = ["authority", "period", "outcome", "horizon"]
    seen = chosen[chosen["state"] == "observed"].astype({"authority": "str", "outcome": "str"})
    counted = seen.groupby(cells)["value"].agg(["size", "sum"])
    found = like.set_index(cells)
    positive = found[found["n_children"] > 0]
    assert positive["n_children"].to_dict() == counted["size"].to_dict()
    assert positive["value_sum"].to_numpy() == pytest.approx(
        counted["sum"].reindex(positive.index).to_numpy()
    )
    columns = [name for name in main if name not in ("sample", "exposure")]
    pd.testing.assert_frame_equal(
        like[like["horizon"] == 36][columns].reset_index(drop=True),
        main[main["horizon"] == 36][columns].reset_index(drop=True),
    )
    shorter = {name: part[part["horizon"] == 18] for name, part in (("like", like), ("main", main))}
    assert shorter["like"]["n_children"].sum() < shorter["main"]["n_children"].sum()
    states = ["n_children", "n_not_observed", "n_not_linked", "n_not_applicable", "n_value_missing"]
    assert shorter["like"][states].to_numpy().sum() == shorter["main"][states].to_numpy().sum()
    assert shorter["like"]["n_not_observed"].sum() == like[like["horizon"] == 36]["n_not_observed"].sum()
    assert "in_followed_longest" not in cohort.children
    size = cohort.samples.set_index("sample").loc["followed_longest"]
    assert size["state"] == "not_applicable" and "outcome by outcome" in size["reason"]


def monthly(rows: list[tuple]) -> pd.DataFrame:
    names = ["month", "looked_after_at_month_end", "looked_after_rate_per_10000", "new_referrals"]
    frame = pd.DataFrame(rows, columns=names)
    lineage = {"return_month": "nov22", "source_file": "f", "source_sheet": "s", "source_row": 1}
    return frame.assign(month=pd.to_datetime(frame["month"]), **lineage)


def test_monthly_totals_have_population_and_exposure_by_half_months(study) -> None:
    tables = returns(referrals([{}]))
    tables["dr1_monthly"] = monthly(
        [
            ("2020-02-01", 300, 100.0, 90),  # before the trial window
            ("2021-05-01", 300, 100.0, 91),
            ("2021-06-01", 306, 102.1, 92),  # Telford and Wrekin goes live on 28 June 2021
            ("2021-07-01", None, None, 93),
            ("2022-01-01", None, 0.0, None),
        ]
    )
    totals = build_cohort(study, MODEL, {"telford_and_wrekin": tables}).totals
    referred = totals[totals["outcome"] == "new_referrals"].reset_index(drop=True)
    assert referred["month"].dt.strftime("%Y-%m").tolist() == ["2021-05", "2021-06", "2021-07", "2022-01"]
    assert referred["exposed"].tolist() == [0, 0, 1, 1]
    assert referred["count"].tolist()[:3] == [91, 92, 93] and np.isnan(referred["count"].iloc[3])
    implied = (30_000 + 10_000 * 306 / 102.1) / 2
    assert referred["population"].to_numpy()[:3] == pytest.approx([implied] * 3)
    assert np.isnan(referred["population"].iloc[3])
    assert totals[totals["outcome"] == "newly_looked_after"]["count"].isna().all()


def test_a_population_is_implied_only_where_number_and_rate_are_there() -> None:
    months = monthly([("2021-01-01", 0, 0.0, 1), ("2021-02-01", 10, None, 1), ("2022-01-01", 50, 25.0, 1)])
    found = implied_population(months)
    assert found.isna().tolist() == [True, True, False] and found.iloc[2] == 20_000


def test_horizons_in_days() -> None:
    assert [days_in(months) for months in (12, 18, 24, 36)] == [365, 548, 730, 1096]


def test_independent_censoring_costs_precision_and_no_bias() -> None:
    """Over many samples the curve's restricted mean and risk are those of everybody followed, and their
    errors the spread that the samples have."""
    rng, n, end = np.random.default_rng(8), 150, 548
    found = []
    for _ in range(600):
        event = rng.exponential(900, n)
        stop = np.where(rng.random(n) < 0.4, rng.uniform(0, end, n), end)
        days = np.minimum(np.minimum(event, stop), end)
        curve = kaplan_meier(days, event <= np.minimum(stop, end), end)
        found.append((curve.restricted_mean, curve.restricted_mean_error, curve.risk, curve.risk_error))
    mean, mean_error, risk, risk_error = np.array(found).T
    true_mean, true_risk = 900 * (1 - np.exp(-end / 900)), 1 - np.exp(-end / 900)
    for values, truth, errors in ((mean, true_mean, mean_error), (risk, true_risk, risk_error)):
        assert abs(values.mean() - truth) < 3 * values.std() / np.sqrt(len(values))
        assert errors.mean() == pytest.approx(values.std(), rel=0.1)
