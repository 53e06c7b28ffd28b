"""What happened to a child: each outcome on cases worked by hand, and the four states."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cohort_frames import outcome_table, referrals, returns

from sfpc_book.cohort.authority import authority_cohort
from sfpc_book.cohort.build import build_cohort
from sfpc_book.cohort.follow import days_covered
from sfpc_book.cohort.link import LINK_STATES
from sfpc_book.cohort.outcomes import OUTCOMES, definition
from sfpc_book.errors import StudyDefinitionError
from sfpc_book.study.study import Study, load_study
from sfpc_book.study.wedge import wedge_of

FIRST = {"family_safeguarding": "walsall", "family_valued": "coventry", "no_wrong_door": "rochdale"}
TEENAGER = {"birth_month": "2005-08-01"}  # 15 at the referral of 10 March 2021, 18 on 1 August 2023


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


def measured(study: Study, model: str, outcome: str, child: dict | None = None, horizon: int = 18, **tables):
    """Value and state of one child's outcome; the child is referred on 10 March 2021."""
    records = referrals([{**(TEENAGER if model == "no_wrong_door" else {}), **(child or {})}])
    coverage = tables.pop("covered", ("2018-04-01", "2026-12-31"))
    data = returns(records, covered=coverage, **tables)
    rows = authority_cohort(
        FIRST[model],
        data,
        wedge_of(study, model),
        study.models[model],
        [study.outcomes[outcome]],
        (horizon,),
    ).outcomes
    return rows["value"].item(), rows["state"].item()


def test_every_outcome_of_the_study_has_a_function_and_a_definition(study):
    assert set(study.outcomes) == set(OUTCOMES)
    assert all(len(definition(outcome)) > 40 for outcome in OUTCOMES)


def test_an_outcome_without_a_function_is_refused_with_the_known_ones(study):
    part = study.models["family_safeguarding"]
    model = part.model_copy(update={"outcomes": ("happiness",)})
    odd = study.outcomes["looked_after"].model_copy(update={"id": "happiness"})
    changed = study.model_copy(update={"models": {part.id: model}, "outcomes": {"happiness": odd}})
    with pytest.raises(StudyDefinitionError, match=r"happiness.*looked_after"):
        build_cohort(changed, part.id, {"walsall": returns(referrals([{}]))})


@pytest.mark.parametrize(
    ("care", "value"),
    [
        ([], 0),
        ([("c1", "2021-03-10", None)], 1),  # on the day of the referral
        ([("c1", "2022-09-10", None)], 1),  # 18 calendar months later, to the day
        ([("c1", "2022-09-11", None)], 0),
        ([("c1", "2019-01-01", "2019-06-01")], 0),  # an earlier, ended spell is not the outcome
        ([("c1", "2019-01-01", "2019-06-01"), ("c1", "2021-04-01", None)], 1),
    ],
)
def test_becoming_looked_after_is_decided_by_the_first_start_on_or_after_the_referral(study, care, value):
    found = measured(study, "family_safeguarding", "looked_after", dr3_care=care)
    assert found == (value, "observed")


def test_no_wrong_door_stops_at_the_eighteenth_birthday(study):
    child = {"birth_month": "2003-06-01"}  # 18 on 1 June 2021
    for start, value in (("2021-05-31", 1), ("2021-06-01", 0)):
        care = [("c1", start, None)]
        assert measured(study, "no_wrong_door", "looked_after", child, dr3_care=care) == (value, "observed")
    value, state = measured(
        study, "no_wrong_door", "days_in_care", child, dr3_care=[("c1", "2021-05-22", None)]
    )
    assert (value, state) == (10, "observed")
    seen = measured(study, "no_wrong_door", "looked_after", child, covered=("2018-04-01", "2021-05-31"))
    # Nothing can happen after the birthday, but whether it is observed must not depend on the child's age.
    assert (np.isnan(seen[0]), seen[1]) == (True, "not_observed")


def test_days_in_care_add_up_periods_cut_at_the_horizon_and_are_0_without_care(study):
    care = [
        ("c1", "2021-04-01", "2021-04-11"),
        ("c1", "2021-04-08", "2021-04-15"),
        ("c1", "2022-09-05", None),
    ]
    assert measured(study, "family_valued", "days_in_care", dr3_care=care) == (14 + 5, "observed")
    assert measured(study, "family_valued", "days_in_care") == (0, "observed")
    running = [("c1", "2022-09-01", None)]
    expected = (pd.Timestamp("2024-03-10") - pd.Timestamp("2022-09-01")).days
    assert measured(study, "family_valued", "days_in_care", horizon=36, dr3_care=running)[0] == expected


def test_days_covered_equals_counting_day_by_day():
    generator = np.random.default_rng(5)
    origin = np.datetime64("2021-01-01")
    rows = generator.integers(0, 6, 40)
    starts = origin + generator.integers(0, 90, 40)
    ends = np.where(generator.random(40) < 0.3, np.datetime64("NaT"), starts + generator.integers(0, 40, 40))
    window_start, window_stop = np.full(6, origin + 20), np.full(6, origin + 80)
    counted = [
        sum(
            any(s <= day < (window_stop[i] if np.isnat(e) else e)
                for s, e in zip(starts[rows == i], ends[rows == i], strict=True))
            for day in np.arange(window_start[i], window_stop[i])
        )
        for i in range(6)
    ]  # fmt: skip
    assert days_covered(rows, starts, ends, window_start, window_stop).tolist() == counted


def episode(start: str, reason: str | None, placement: str = "U4") -> tuple:
    return ("c1", "2021-05-01", start, None, None, placement, "C2", reason)


@pytest.mark.parametrize(
    ("episodes", "count"),
    [
        ([episode("2021-05-01", "S")], 1),
        ([episode("2021-05-01", "S"), episode("2021-06-01", "L"), episode("2021-07-01", "T")], 1),
        ([episode("2021-05-01", "S"), episode("2021-06-01", "P"), episode("2022-05-01", "B")], 3),
        ([episode("2021-05-01", "S"), episode("2021-06-01", "P"), episode("2022-05-02", "B")], 2),
        ([episode("2021-05-01", "S"), episode("2021-06-01", None), episode("2021-07-01", None, "K2")], 2),
    ],
)
def test_placements_are_counted_by_reason_in_the_year_after_care_starts(study, episodes, count):
    tables = {"dr3_care": [("c1", "2021-05-01", None)], "dr3_episodes": episodes}
    assert measured(study, "no_wrong_door", "placement_count", **tables) == (count, "observed")
    assert measured(study, "no_wrong_door", "placement_stability", **tables) == (count >= 3, "observed")


def test_placements_do_not_apply_without_care_and_are_missing_without_episodes(study):
    assert measured(study, "no_wrong_door", "placement_count", dr3_episodes=[("x",)])[1] == "not_applicable"
    care = [("c1", "2021-05-01", None)]
    assert measured(study, "no_wrong_door", "placement_count", dr3_care=care)[1] == "value_missing"


@pytest.mark.parametrize(
    ("activities", "expected"),
    [
        ([("c1", "2022-02-01", 2022, "G5")], (1, "observed")),
        ([("c1", "2022-02-01", 2022, "F2"), ("c1", "2022-02-01", 2023, "G5")], (0, "observed")),
        ([("c1", "2022-02-01", 2021, "G5"), ("c1", "2022-02-01", 2023, "F4")], (0, "observed")),
        ([("c1", "2022-02-01", 2022, "0")], (None, "value_missing")),
        ([("c1", "2022-02-01", 2022, None)], (None, "value_missing")),
        ([("c1", "2023-02-01", 2023, "G4")], (None, "not_applicable")),  # left after the horizon
        ([], (None, "not_applicable")),
    ],
)
def test_neet_is_the_activity_of_the_first_year_after_leaving_care(study, activities, expected):
    value, state = measured(study, "no_wrong_door", "neet", dr3_neet=activities)
    assert state == expected[1]
    np.testing.assert_equal(value, np.nan if expected[0] is None else expected[0])


def test_neet_does_not_apply_below_sixteen(study):
    child = {"birth_month": "2007-01-01"}
    activities = [("c1", "2022-02-01", 2022, "G5")]
    assert measured(study, "no_wrong_door", "neet", child, dr3_neet=activities)[1] == "not_applicable"


def test_a_care_leaver_missing_from_the_activity_sheet_has_a_missing_value(study):
    care = [("c1", "2021-05-01", "2022-02-01")]
    assert measured(study, "no_wrong_door", "neet", dr3_care=care)[1] == "value_missing"


@pytest.mark.parametrize(
    ("plans", "events", "expected"),
    [
        ([("c1", "2021-04-01", "2021-10-01")], {}, (0, "observed")),
        ([("c1", "2021-04-01", "2021-10-01"), ("c1", "2023-04-01", None)], {}, (1, "observed")),
        ([("c1", "2021-04-01", "2021-10-01"), ("c1", "2023-04-02", None)], {}, (0, "observed")),
        ([("c1", "2021-04-01", "2021-10-01")], {"dr3_cin": [("c1", "x", "2021-10-01")]}, (0, "observed")),
        ([("c1", "2021-04-01", "2021-10-01")], {"dr3_cin": [("c1", "x", "2021-10-02")]}, (1, "observed")),
        ([("c1", "2021-04-01", "2021-10-01")], {"dr3_care": [("c1", "2022-01-01")]}, (1, "observed")),
        ([("c1", "2021-04-01", None)], {}, (None, "not_applicable")),
        ([("c1", "2020-04-01", "2021-03-09")], {}, (None, "not_applicable")),
    ],
)
def test_return_is_a_new_start_after_the_day_a_plan_ends(study, plans, events, expected):
    value, state = measured(study, "family_valued", "return_to_statutory_services", dr3_plans=plans, **events)
    assert state == expected[1]
    np.testing.assert_equal(value, np.nan if expected[0] is None else expected[0])


def test_days_on_plan_run_from_the_referral_to_the_horizon(study):
    plans = [("c1", "2021-01-01", "2021-03-20"), ("c1", "2022-09-01", None)]
    assert measured(study, "family_valued", "days_on_plan", dr3_plans=plans) == (10 + 9, "observed")
    assert measured(study, "family_valued", "days_on_plan") == (0, "observed")


def test_plan_duration_is_censored_at_24_months(study):
    assert measured(study, "family_valued", "plan_duration", dr3_plans=[("c1", "2021-04-01", None)]) == (
        730,
        "observed",
    )
    short = [("c1", "2021-04-01", "2021-05-01"), ("c1", "2021-06-01", None)]
    assert measured(study, "family_valued", "plan_duration", dr3_plans=short) == (30, "observed")
    assert measured(study, "family_valued", "plan_duration")[1] == "not_applicable"


def test_becoming_subject_of_a_plan_needs_a_start_after_the_referral(study):
    before, after = [("c1", "2021-03-09", None)], [("c1", "2021-03-10", None)]
    assert measured(study, "family_valued", "child_protection_plan", dr3_plans=before)[0] == 0
    assert measured(study, "family_valued", "child_protection_plan", dr3_plans=after)[0] == 1


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (("2021-06-01", "2021-09-21"), (1, "observed")),  # 112 days
        (("2021-06-01", "2021-09-22"), (0, "observed")),
        (("2021-06-01", None), (0, "observed")),
        (("2021-06-01", "2021-05-01"), (0, "observed")),
        (("2021-03-09", "2021-06-01"), (None, "not_applicable")),
    ],
)
def test_court_within_sixteen_weeks_of_the_first_meeting(study, dates, expected):
    value, state = measured(
        study, "family_safeguarding", "proceeds_to_court", dr3_proceedings=[("c1", *dates)]
    )
    assert state == expected[1]
    np.testing.assert_equal(value, np.nan if expected[0] is None else expected[0])


@pytest.mark.parametrize(
    ("index", "again", "expected"),
    [
        ({"factor_3b": 1}, "2022-09-10", (1, "observed")),
        ({"factor_3b": 1}, "2022-09-11", (0, "observed")),
        ({"factor_3b": 1}, "2021-03-10", (0, "observed")),
        ({"factor_3b": 0}, "2021-06-01", (None, "not_applicable")),
        ({"factor_3b": None}, "2021-06-01", (None, "not_applicable")),
    ],
)
def test_re_referral_follows_an_index_referral_with_a_parental_factor(study, index, again, expected):
    later = {"return_month": "apr24"}
    records = referrals([{**later, **index}, {**later, "referral_id": "z", "referral_date": again}])
    built = build_cohort(study, "family_safeguarding", {"walsall": returns(records)})
    rows = built.outcomes[built.outcomes["outcome"] == "re_referral_parental_factors"]
    row = rows[rows["horizon"] == 18].iloc[0]
    assert row["state"] == expected[1]
    np.testing.assert_equal(row["value"], np.nan if expected[0] is None else expected[0])


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([0.1, 0.2, 0.6], (0.3, "observed")),
        ([0.1, 0.2, None], (np.nan, "value_missing")),
    ],
)
def test_absence_is_the_mean_share_of_the_three_terms_that_start_after_the_referral(study, shares, expected):
    terms = ["summer 2021", "2021-autumn", "2022-spring"]
    sent = [("c1", "2021-spring", 0.9), *[("c1", *pair) for pair in zip(terms, shares, strict=True)]]
    value, state = measured(study, "family_safeguarding", "unauthorised_absence", dr3_attendance=sent)
    np.testing.assert_allclose(value, expected[0])
    assert state == expected[1]


def test_absence_does_not_apply_before_school_age(study):
    child = {"birth_month": "2016-05-01"}  # five in May 2021, after the first term has started
    assert measured(study, "family_safeguarding", "unauthorised_absence", child)[1] == "not_applicable"


def test_kinship_and_return_home_apply_among_children_who_enter_care(study):
    care = [("c1", "2021-05-01", "2021-06-01", "U4", "X1"), ("c1", "2021-06-01", "2022-09-10", "U1", "E4A")]
    assert measured(study, "family_valued", "kinship_care", dr3_care=care) == (1, "observed")
    assert measured(study, "family_valued", "reunification", dr3_care=care) == (1, "observed")
    assert measured(study, "family_valued", "kinship_care", dr3_care=care[:1]) == (0, "observed")
    late = [("c1", "2021-06-01", "2022-09-11", "U1", "E4A")]
    assert measured(study, "family_valued", "reunification", dr3_care=late) == (0, "observed")
    assert measured(study, "family_valued", "reunification")[1] == "not_applicable"
    unknown = [("c1", "2021-05-01", "2021-06-01"), ("c1", "2021-06-01", None, "U1")]
    assert measured(study, "family_valued", "reunification", dr3_care=unknown)[1] == "value_missing"
    assert measured(study, "family_valued", "kinship_care", dr3_care=unknown) == (1, "observed")
    assert measured(study, "family_valued", "kinship_care", dr3_care=unknown[:1])[1] == "value_missing"


@pytest.mark.parametrize(
    ("covered", "horizon", "state"),
    [
        (("2018-04-01", "2022-09-10"), 18, "observed"),
        (("2018-04-01", "2022-09-09"), 18, "not_observed"),
        (("2018-04-01", "2022-09-10"), 36, "not_observed"),
        (("2021-03-11", "2026-12-31"), 18, "not_observed"),  # records begin after the referral
    ],
)
@pytest.mark.parametrize("care", [[], [("c1", "2021-04-01", None)]])
def test_an_outcome_is_observed_by_the_dates_covered_alone_whatever_happened(
    study, covered, horizon, state, care
):
    found = measured(
        study, "family_safeguarding", "looked_after", horizon=horizon, covered=covered, dr3_care=care
    )
    assert found[1] == state
    assert np.isnan(found[0]) == (state != "observed")


def test_a_child_the_authority_was_not_asked_about_is_not_linked_and_never_zero(study):
    records = referrals([{}, {"child_id": "c2"}])
    tables = returns(records, unasked=("c2",), dr3_care=[("c1", "2021-04-01")])
    built = build_cohort(study, "family_safeguarding", {"walsall": tables})
    primary = built.outcomes[
        (built.outcomes["outcome"] == "looked_after") & (built.outcomes["horizon"] == 18)
    ]
    assert primary["state"].tolist() == ["observed", "not_linked"]
    assert np.isnan(primary["value"].iloc[1])


def broken(records: pd.DataFrame, how: str) -> dict[str, pd.DataFrame]:
    tables = returns(records, dr3_care=[("c1", "2021-04-01")])
    care = tables["dr3_care"]
    changes = {
        "table not sent": None,
        "table empty": care.iloc[:0],
        "identifiers of another kind": care.assign(child_id="case-" + care["child_id"]),
        "row of the child missing": outcome_table("dr3_care", [("c2", "2021-04-01"), ("c3", None)]),
    }
    tables["dr3_care"] = changes[how]
    return {name: table for name, table in tables.items() if table is not None}


@pytest.mark.parametrize(
    "how",
    ["table not sent", "table empty", "identifiers of another kind", "row of the child missing"],
)
def test_a_failed_join_is_not_linked_and_never_no_event(study, how):
    records = referrals([{}, {"child_id": "c2"}, {"child_id": "c3"}])
    built = build_cohort(study, "family_safeguarding", {"walsall": broken(records, how)})
    state = built.outcomes[built.outcomes["outcome"] == "looked_after"].iloc[0]["state"]
    assert state == "not_linked"
    others = built.outcomes[built.outcomes["outcome"] == "days_on_plan"]
    assert (others["state"] == "observed").any()  # the other sheets still count


def test_linkage_counts_the_three_states_of_each_table(study):
    records = referrals([{}, {"child_id": "c2"}, {"child_id": "c3"}])
    tables = returns(records, unasked=("c3",), dr3_care=[("c1", "2021-04-01")])
    linkage = build_cohort(study, "family_safeguarding", {"walsall": tables}).linkage
    care = linkage[linkage["table"] == "dr3_care"].set_index("state")["n"]
    assert care.to_dict() == dict.fromkeys(LINK_STATES, 1)
