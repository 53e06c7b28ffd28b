"""Who is in the sample: persons, ages, flow, exposure, samples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cohort_frames import outcome_table, referrals, returns, typed
from pandas.testing import assert_frame_equal

from sfpc_book.cohort.authority import authority_cohort
from sfpc_book.cohort.build import Cohort, build_cohort
from sfpc_book.cohort.calendar import add_months, completed_years, days, term_label_number, term_number
from sfpc_book.cohort.persons import age_at_referral, identify_persons
from sfpc_book.cohort.samples import SAMPLES
from sfpc_book.errors import ReturnsError, StudyDefinitionError
from sfpc_book.study.study import Study, load_study
from sfpc_book.study.wedge import wedge_of

MODEL = "family_safeguarding"


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


def cohort(study: Study, rows: list[dict], model: str = MODEL, slug: str = "walsall", **tables) -> Cohort:
    return build_cohort(study, model, {slug: returns(referrals(rows), **tables)})


def box_counts(built: Cohort) -> dict[str, int]:
    excluded = built.flow[built.flow["kind"] == "excluded"]
    return {box: n for box, n in zip(excluded["box"], excluded["n"], strict=True) if n}


def test_months_are_calendar_months_and_clamp_at_the_month_end():
    dates = days(pd.Series(["2020-08-31", "2020-02-29", "2020-01-15", None]))
    assert add_months(dates, 18).astype(str).tolist() == ["2022-02-28", "2021-08-29", "2021-07-15", "NaT"]
    expected = [(pd.Timestamp(day) + pd.DateOffset(months=18)).date() for day in dates[:3]]
    assert add_months(dates, 18)[:3].tolist() == expected


def test_age_is_in_completed_years_from_the_first_of_the_birth_month():
    birth = days(pd.Series(["2015-06-01"] * 4))
    when = days(pd.Series(["2021-05-31", "2021-06-01", "2015-06-30", "2015-05-31"]))
    assert completed_years(birth, when).tolist() == [5, 6, 0, -1]


@pytest.mark.parametrize(
    ("birth_month", "marker", "age"),
    [
        (None, "unborn", -1),
        (None, "missing", np.nan),
        ("2021-06-01", "dated", -1),  # born after the referral of March 2021
        ("2021-03-01", "unborn", -1),  # born in the month of referral, marked unborn then
        ("2021-03-01", "dated", 0),
        ("2019-01-01", "unborn", 2),  # born long before: the marker is wrong
    ],
)
def test_unborn_children_are_recognised(birth_month, marker, age):
    records = referrals([{"birth_month": birth_month, "birth_marker": marker}])
    np.testing.assert_equal(age_at_referral(records).tolist(), [age])


def test_school_terms_are_numbered_in_order():
    dates = days(pd.Series(["2020-03-31", "2020-04-01", "2020-09-01", "2021-01-01"]))
    labels = ["2020-spring", "summer 2020", "2020-autumn", "2021-spring"]
    assert term_number(dates).tolist() == [term_label_number(label) for label in labels]
    with pytest.raises(ValueError, match="winter 2020"):
        term_label_number("winter 2020")


def test_one_identifier_with_two_birth_months_is_two_persons_and_a_third_record_is_ambiguous():
    records = referrals([{}, {"birth_month": "2016-01-01"}, {"birth_month": None, "birth_marker": "missing"}])
    persons = identify_persons(records, "walsall")
    assert persons["child_key"].tolist() == ["walsall:c1:2015-06", "walsall:c1:2016-01", "walsall:c1:unknown"]
    assert persons["person_state"].tolist() == ["split", "split", "ambiguous"]


def test_a_record_without_birth_month_takes_the_only_one_its_identifier_has():
    persons = identify_persons(referrals([{}, {"birth_month": None, "birth_marker": "missing"}]), "walsall")
    assert persons["child_key"].tolist() == ["walsall:c1"] * 2
    assert persons["birth_month"].tolist() == [pd.Timestamp("2015-06-01")] * 2
    assert (persons["person_state"] == "single").all()


def test_the_same_identifier_in_two_authorities_is_two_children(study):
    tables = returns(referrals([{}]))
    built = build_cohort(study, MODEL, {"walsall": tables, "swindon": tables})
    assert built.children["child_key"].tolist() == ["walsall:c1", "swindon:c1"]


def test_every_way_out_of_the_sample_is_counted_in_its_own_box(study):
    rows = [
        {"child_id": "kept"},
        {"child_id": "kept", "referral_id": "r1", "return_month": "nov21"},  # the same referral, sent again
        {"child_id": "kept", "referral_date": "2021-09-01"},
        {"child_id": "undated", "referral_date": None},
        {"child_id": "early", "referral_date": "2020-02-29"},
        {"child_id": "late", "referral_date": "2022-11-25"},
        {"child_id": "ageless", "birth_month": None, "birth_marker": "missing"},
        {"child_id": "too_old", "birth_month": "2008-03-01"},
        {"child_id": "in_care"},
        {"child_id": "not_asked"},
        {"child_id": "shared", "birth_month": "2015-01-01"},
        {"child_id": "shared", "birth_month": "2014-01-01", "referral_date": "2019-05-01"},
    ]
    care = [("in_care", "2021-03-09", None), ("kept", "2019-01-01", "2021-03-10")]
    built = build_cohort(
        study, MODEL, {"walsall": returns(referrals(rows), unasked=("not_asked",), dr3_care=care)}
    )
    assert box_counts(built) == {
        "sent more than once": 1,
        "no referral date": 1,
        "outside the trial window": 3,
        "age not known": 1,
        "age not eligible": 1,
        "later referral of the same child": 1,
        "care already running at referral": 1,
        "not in the outcome return": 1,
        "identifier shared by several": 1,
    }
    kept = built.children.set_index("child_id")
    assert kept.index.tolist() == ["kept", "not_asked", "shared"]
    assert kept["linked"].tolist() == [True, False, False]
    assert kept["earlier_care"].tolist() == [True, False, False]


def test_each_step_of_the_flow_is_what_the_step_before_left(study):
    rows = [{"child_id": f"c{i}", "referral_date": f"20{19 + i % 4}-0{1 + i % 9}-10"} for i in range(40)]
    flow = cohort(study, rows).flow
    kept = flow[flow["kind"] == "kept"].set_index("step")["n"]
    excluded = flow[flow["kind"] == "excluded"].groupby("step")["n"].sum()
    assert kept[1] == 40
    for step in kept.index[1:]:
        assert kept[step - 1] == kept[step] + excluded[step]


def test_the_first_referral_in_the_window_at_an_eligible_age_counts_not_the_first_ever(study):
    rows = [
        {"child_id": "a", "referral_date": "2019-06-01"},
        {"child_id": "a", "referral_date": "2020-10-01"},
        {"child_id": "a", "referral_date": "2021-10-01"},
    ]
    assert cohort(study, rows).children["referral_date"].tolist() == [pd.Timestamp("2020-10-01")]
    older = [{**row, "birth_month": "2008-11-01"} for row in rows]  # turns 12 between the last two
    chosen = cohort(study, older, "no_wrong_door", "warrington").children["referral_date"]
    assert chosen.tolist() == [pd.Timestamp("2021-10-01")]


def test_the_latest_return_has_the_last_word_on_a_referral(study):
    rows = [
        {"referral_id": "r1", "return_month": "nov21", "gender": "Female"},
        {"referral_id": "r1", "return_month": "apr21", "gender": "Male"},
    ]
    assert cohort(study, rows).children["gender"].tolist() == ["Female"]


def test_exposure_begins_on_the_go_live_day(study):
    rows = [
        {"child_id": "a", "referral_date": "2020-08-31"},
        {"child_id": "b", "referral_date": "2020-09-01"},
    ]
    children = cohort(study, rows).children
    assert children["exposed"].tolist() == [0, 1]
    assert children["period"].tolist() == [0, 1]
    assert children["exposure_time"].tolist() == [0, 1]


def test_clean_levels_keep_unknown_missing_and_not_assessed_apart(study):
    rows = [
        {"child_id": "a", "ethnicity": "WBRI", "factor_1b": 1, "previous_protection_plans": 7},
        {"child_id": "b", "ethnicity": "REFU", "factor_1b": None, "previous_protection_plans": None},
        {"child_id": "c", "ethnicity": "NPXT", "gender": "Unknown", "no_further_action": 1},
    ]
    children = cohort(study, rows).children
    assert children["ethnicity"].tolist() == ["White", "missing", "unmapped"]
    assert children["factor_1b"].tolist() == ["has", "not assessed", "has not"]
    assert children["previous_protection_plans"].tolist() == ["3+", "missing", "0"]
    assert children["gender"].tolist() == ["Male", "Male", "missing"]
    assert children["no_further_action"].tolist()[2] == "No further action"
    assert children["ethnicity"].cat.categories[0] == "White"


def test_white_british_is_a_share_of_stated_ethnicities_in_the_month(study):
    codes = ["WBRI", "WIRI", "REFU", "APKN"]
    rows = [{"child_id": f"c{i}", "ethnicity": code} for i, code in enumerate(codes)]
    np.testing.assert_allclose(cohort(study, rows).children["share_white_british"], 1 / 3)


def test_samples_leave_out_what_they_say(study):
    rows = [
        {"child_id": "a", "referral_date": "2020-08-31", "factor_3b": 1},
        {"child_id": "b", "referral_date": "2020-09-01", "no_further_action": 1},
        {"child_id": "c", "birth_month": None, "birth_marker": "unborn", "referral_date": "2020-07-18"},
        {"child_id": "d", "referral_date": "2020-07-17"},
    ]
    children = cohort(study, rows).children.set_index("child_id")
    assert children.index[children["in_risk_factors"]].tolist() == ["a"]
    assert children.index[children["in_excluding_no_further_action"]].tolist() == ["a", "c", "d"]
    assert children.index[children["in_born_only"]].tolist() == ["a", "b", "d"]
    assert children.index[children["in_excluding_contamination"]].tolist() == ["b", "d"]
    assert children["in_main"].all()
    assert set(study.samples) == set(SAMPLES)


def test_only_a_recorded_earlier_plan_counts_as_one(study):
    rows = [{"child_id": f"c{plans}", "previous_protection_plans": plans} for plans in (0, 1, 4, None)]
    children = cohort(study, rows).children.set_index("child_id")
    assert children.index[children["in_previous_plans"]].tolist() == ["c1", "c4"]


def indexed(
    study: Study, index: str, tables: dict, slug: str = "walsall", model: str = MODEL
) -> pd.DataFrame:
    """The children of one authority under an index rule, by identifier."""
    measures = [study.outcomes[name] for name in study.models[model].outcomes]
    part = authority_cohort(
        slug, tables, wedge_of(study, model), study.models[model], measures, study.horizons, index=index
    )
    values = part.outcomes[(part.outcomes["outcome"] == "looked_after") & (part.outcomes["horizon"] == 18)]
    return part.children.assign(looked_after=values["value"].to_numpy()).set_index("child_id")


def test_the_first_referral_ever_counts_only_if_it_lies_in_the_window(study):
    days = {"before": "2019-06-01", "within": "2020-10-01"}
    rows = [{"child_id": child, "referral_date": day} for child, day in days.items()]
    rows += [{"child_id": child, "referral_date": "2021-10-01"} for child in days]
    rows.append({"child_id": "before", "referral_date": None})
    children = indexed(study, "first_ever", returns(referrals(rows)))
    assert children["referral_date"].to_dict() == {"within": pd.Timestamp("2020-10-01")}
    main = cohort(study, rows)
    assert main.children.set_index("child_id")["referral_date"]["before"] == pd.Timestamp("2021-10-01")
    sizes = main.samples.set_index("sample")["n_children"]
    assert (sizes["main"], sizes["first_ever_referral"]) == (2, 1)


def test_a_child_is_followed_from_its_first_plan_in_the_window(study):
    rows = [
        {"child_id": "a", "referral_date": "2020-04-01", "gender": "Male"},
        {"child_id": "a", "referral_date": "2021-06-01", "gender": "Female"},
        {"child_id": "b", "referral_date": "2021-06-01"},
        {"child_id": "c"},
        {"child_id": "grown", "birth_month": "2008-04-01"},
        {"child_id": "split", "birth_month": "2015-01-01"},
        {"child_id": "split", "birth_month": "2014-01-01"},
    ]
    plans = [
        ("a", "2019-05-01", "2019-06-01"), ("a", "2021-01-15", "2021-03-01"), ("a", "2021-09-01", None),
        ("b", "2021-05-01", None), ("grown", "2021-05-01", None), ("split", "2021-05-01", None),
    ]  # fmt: skip
    care = [("a", "2022-07-15", None), ("b", "2020-12-01", "2021-02-01")]
    children = indexed(study, "open_plan", returns(referrals(rows), dr3_plans=plans, dr3_care=care))
    assert children["referral_date"].to_dict() == {
        "a": pd.Timestamp("2021-01-15"),
        "b": pd.Timestamp("2021-05-01"),
    }
    assert children["gender"].tolist() == [
        "Male",
        "Male",
    ]  # as the latest referral before, or the next one, says
    assert children[["period", "exposed", "earlier_care"]].to_numpy().tolist() == [
        [1, 1, False],
        [2, 1, True],
    ]
    assert children["looked_after"].tolist() == [1, 0]  # 18 months after the plan started, to the day


def test_a_plan_of_the_sampling_sheet_counts_once_beside_the_same_one_of_the_outcome_return(study):
    teenager = {"birth_month": "2006-01-01"}
    tables = returns(referrals([{"child_id": "a", **teenager}, {"child_id": "b", **teenager}]))
    tables["dr2_plans"] = typed(
        pd.DataFrame({"child_id": ["a", "b", "nobody"], "plan_start": ["2021-02-01"] * 2 + ["2021-03-01"]})
    )
    tables["dr3_plans"] = outcome_table("dr3_plans", [("a", "2021-02-01", None), ("b",)])
    children = indexed(study, "open_plan", tables, "warrington", "no_wrong_door")
    assert children.index.tolist() == ["a", "b"]


def test_the_plan_sample_has_no_outcome_that_its_rule_gives_and_none_without_plans(study):
    tables = returns(referrals([{}]), dr3_plans=[("c1", "2021-05-01", None)])
    built = build_cohort(study, "family_valued", {"coventry": tables})
    outcomes = set(built.panel.loc[built.panel["sample"] == "open_plan", "outcome"])
    assert outcomes == set(study.models["family_valued"].outcomes) - {"child_protection_plan"}
    none = cohort(study, [{}])
    assert none.samples.set_index("sample").loc["open_plan", "n_children"] == 0
    assert (none.panel.loc[none.panel["sample"] == "open_plan", "n_children"] == 0).all()


TEENAGER = {"birth_month": "2006-01-01"}


def with_left(study: Study, leicester: dict | None, **options) -> Cohort:
    """The No Wrong Door trial of one authority, and what the authority that withdrew sent."""
    sent = {"warrington": returns(referrals([TEENAGER, {**TEENAGER, "child_id": "c2"}]))}
    return build_cohort(
        study, "no_wrong_door", sent | ({"leicester": leicester} if leicester else {}), **options
    )


def test_an_authority_that_left_joins_its_sample_as_one_that_is_never_exposed(study):
    left = returns(referrals([{**TEENAGER, "referral_date": day, "child_id": day}
                              for day in ("2019-11-01", "2022-03-31", "2022-04-01")]))  # fmt: skip
    built = with_left(study, left)
    rows = built.panel[(built.panel["sample"] == "with_leicester") & (built.panel["horizon"] == 18)]
    rows = rows[rows["outcome"] == "looked_after"]
    mine = rows[rows["authority"] == "leicester"]
    assert mine["n_children"].tolist() == [1, 0, 0, 0, 1]
    assert not mine[["exposed", "exposure_time"]].any(axis=None)
    assert rows.loc[rows["authority"] == "warrington", "exposed"].tolist() == [0, 0, 1, 1, 1]
    sizes = built.samples.set_index("sample")
    assert sizes.loc["with_leicester", ["state", "n_children", "n_unexposed"]].tolist() == [
        "available",
        4,
        2 + 2,
    ]
    alone = with_left(study, None)
    others = built.panel["sample"] != "with_leicester"
    assert_frame_equal(built.panel[others].reset_index(drop=True), alone.panel)
    assert_frame_equal(built.children, alone.children)


@pytest.mark.parametrize(
    ("leicester", "options", "reason"),
    [
        (None, {}, "leicester: no referral return"),
        ([{**TEENAGER}], {"blocked": {"leicester": "link rate too low"}}, "leicester: link rate too low"),
        ([{**TEENAGER, "referral_date": "2018-01-01"}], {}, "leicester: none of its children"),
    ],
)
def test_a_sample_without_the_authority_it_names_is_not_available_and_not_the_main_one(
    study, leicester, options, reason
):
    built = with_left(study, leicester and returns(referrals(leicester)), **options)
    row = built.samples.set_index("sample").loc["with_leicester"]
    assert row["state"] == "not_available"
    assert row["reason"].startswith(reason)
    assert row.filter(like="n_").isna().all()
    assert "with_leicester" not in set(built.panel["sample"])
    assert "leicester" not in set(built.excluded_authorities["authority"])
    elsewhere = cohort(study, [{}]).samples.set_index("sample")["state"]
    assert elsewhere["with_leicester"] == "not_applicable"


def test_the_distance_of_a_sample_is_the_number_of_children_that_tell_it_from_the_nearest_above(study):
    rows = [
        {"child_id": f"c{place}", "no_further_action": int(place < 3), "factor_1b": 1} for place in range(8)
    ]
    sizes = cohort(study, rows).samples.set_index("sample")
    assert sizes.loc["excluding_no_further_action", ["n_children", "distance_children"]].tolist() == [5, 3]
    assert np.isnan(sizes.loc["born_only", "distance_children"])  # the same children as the main sample


def test_an_unknown_sample_is_refused_with_the_known_ones(study):
    odd = study.model_copy(update={"samples": {"girls": study.samples["main"]}})
    with pytest.raises(StudyDefinitionError, match=r"girls.*born_only"):
        build_cohort(odd, MODEL, {"walsall": returns(referrals([{}]))})


def test_blocked_and_silent_authorities_leave_with_a_record(study):
    tables = returns(referrals([{}]))
    built = build_cohort(
        study, MODEL, {"walsall": tables, "swindon": tables}, blocked={"swindon": "link rate too low"}
    )
    reasons = built.excluded_authorities.set_index("authority")["reason"]
    assert reasons["swindon"] == "link rate too low"
    assert reasons["lancashire"] == "no referral return"
    assert set(built.panel["authority"]) == {"walsall"}
    with pytest.raises(ReturnsError, match="link rate"):
        build_cohort(study, MODEL, {"swindon": tables}, blocked={"swindon": "link rate too low"})


def test_records_without_identifier_are_not_one_child(study):
    children = cohort(study, [{"child_id": None}, {"child_id": None}, {"child_id": "a"}]).children
    assert len(children) == 3
    assert children["linked"].sum() == 1


def test_a_column_that_was_not_sent_is_missing_for_every_child(study):
    tables = returns(referrals([{}, {"child_id": "c2"}]), dr3_care=[("c1", "2021-04-01", "2021-05-01")])
    tables["dr2_referrals"] = tables["dr2_referrals"].drop(columns=["ethnicity", "factor_1b"])
    tables["dr3_care"] = tables["dr3_care"].drop(columns=["care_end", "placement_type"])
    built = build_cohort(study, "family_valued", {"coventry": tables})
    assert built.children["ethnicity"].tolist() == ["missing", "missing"]
    assert built.children["factor_1b"].tolist() == ["not assessed", "not assessed"]
    kinship = built.outcomes[built.outcomes["outcome"] == "kinship_care"]
    assert kinship["state"].tolist()[0] == "value_missing"
