"""The study file: what it says, and how its faults are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sfpc_book.errors import StudyDefinitionError
from sfpc_book.study.study import load_study
from sfpc_book.study.wedge import wedge_of, window_status


@pytest.fixture(scope="module")
def study(repository: Path):
    return load_study(repository / "study.yml")


def altered(repository: Path, folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of the study file with texts replaced; each text must be there."""
    text = (repository / "study.yml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "study.yml"
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(path: Path) -> list[str]:
    with pytest.raises(StudyDefinitionError) as raised:
        load_study(path)
    return list(raised.value.problems)


def test_every_adopter_is_there_once(study):
    adopters = study.adopters()
    assert len(adopters) == 17
    assert len({authority.gss_code for authority in adopters}) == 17
    assert sum(authority.role == "trial" for authority in adopters) == 14


@pytest.mark.parametrize(
    ("model", "start", "end", "periods", "orders"),
    [
        (
            "family_safeguarding",
            date(2020, 3, 1),
            date(2022, 11, 24),
            ["2020-03-01", "2020-09-01", "2021-02-01", "2021-06-28", "2022-01-24", "2022-05-24"],
            12,
        ),
        (
            "no_wrong_door",
            date(2019, 10, 1),
            date(2022, 3, 31),
            ["2019-10-01", "2020-04-01", "2021-04-01", "2021-06-01", "2021-09-01"],
            4,
        ),
        (
            "family_valued",
            date(2020, 3, 1),
            date(2022, 12, 1),
            ["2020-03-01", "2020-09-01", "2020-12-01", "2021-04-01", "2021-11-01", "2022-06-01"],
            120,
        ),
    ],
)
def test_windows_periods_and_orders_follow_from_the_go_lives(study, model, start, end, periods, orders):
    wedge = wedge_of(study, model)
    assert (wedge.window_start, wedge.window_end) == (start, end)
    assert [str(day) for day in wedge.period_starts] == periods
    assert wedge.n_orders == orders == len(wedge.admissible_orders()) == len(set(wedge.admissible_orders()))
    assert wedge.attainable_minimum_p == pytest.approx(1 / orders)


def test_the_observed_order_comes_first_and_orders_stay_within_strata(study):
    wedge = wedge_of(study, "family_safeguarding")
    observed = tuple(wedge.start_period[slug] for slug in wedge.authorities)
    assert wedge.admissible_orders()[0] == observed
    for order in wedge.admissible_orders():
        assert {order[0], order[1]} == {1, 2}, "high readiness took the early starts"


def test_the_first_period_is_unexposed_everywhere_and_the_last_exposed_everywhere(study):
    for model in study.models:
        table = wedge_of(study, model).design_table()
        assert table.loc[table["period"] == 0, "exposed"].eq(0).all()
        assert table.loc[table["period"] == table["period"].max(), "exposed"].eq(1).all()


def test_dates_fall_into_periods_with_both_ends_of_the_window_inside(study):
    wedge = wedge_of(study, "family_safeguarding")
    dates = pd.to_datetime(
        pd.Series(["2020-02-29", "2020-03-01", "2020-08-31", "2020-09-01", "2022-11-24", "2022-11-25", None])
    )
    assert wedge.period_of(dates).tolist() == [-1, 0, 0, 1, 5, -1, -1]
    assert wedge.period_of(np.array(["2021-06-28"], dtype="datetime64[D]")).tolist() == [3]


def test_a_corrected_go_live_moves_periods_order_and_window(repository, tmp_path):
    path = altered(repository, tmp_path, ("go_live: {date: 2022-05-24", "go_live: {date: 2021-12-24"))
    wedge = wedge_of(load_study(path), "family_safeguarding")
    assert wedge.authorities[-2:] == ("swindon", "wandsworth")
    assert wedge.window_end == date(2022, 7, 24)
    assert date(2021, 12, 24) in wedge.period_starts
    assert wedge.start_period["swindon"] == 4


def test_two_authorities_with_one_go_live_share_a_step(repository, tmp_path):
    path = altered(repository, tmp_path, ("go_live: {date: 2022-05-24", "go_live: {date: 2022-01-24"))
    wedge = wedge_of(load_study(path), "family_safeguarding")
    assert wedge.n_periods == 5
    assert wedge.n_orders == 2 * 3 == len(wedge.admissible_orders())


def test_a_changed_stratum_changes_the_admissible_orders(repository, tmp_path):
    old = 'source: "Public analysis code; council"}, stratum: low, stratum_note'
    path = altered(repository, tmp_path, (old, old.replace("low", "high")))
    assert wedge_of(load_study(path), "family_safeguarding").n_orders == 3 * 2 * 1 * 2


def test_the_window_is_only_as_sure_as_its_least_sure_go_live(study):
    assert window_status(study, "family_safeguarding") == "confirmed"
    assert window_status(study, "family_valued") == "assumed"


def test_all_faults_are_told_at_once_each_with_its_line(repository, tmp_path):
    path = altered(
        repository,
        tmp_path,
        ("conf_level: 0.95", "conf_levle: 0.95"),
        ("pilot: cambridgeshire", "pilot: camelot"),
        ("age_maximum: 12", "age_maximum: twelve"),
        ("go_live: {date: 2020-04-01", "go_live: {date: 2025-04-01"),
        ("      - neet\n", "      - neat\n"),
    )
    problems = "\n".join(faults_of(path))
    lines = path.read_text().splitlines()
    for text in ("conf_levle", "camelot", "twelve", "2025-04-01", "neat"):
        number = next(i for i, line in enumerate(lines, start=1) if text in line)
        assert f"line {number}:" in problems and text in problems
    assert "did you mean 'conf_level'" in problems
    assert "'conf_level' is missing" in problems
    assert "Known outcomes: looked_after" in problems
    assert "outside the programme, 2019-04-01 to 2024-03-31" in problems


def test_a_go_live_outside_a_fixed_window_is_a_fault(repository, tmp_path):
    path = altered(
        repository,
        tmp_path,
        (
            "window: {months_before: 6, months_after: 6, end_at: month_end}",
            "window: {start: 2020-05-01, end: 2022-03-31}",
        ),
    )
    assert any("'rochdale'" in fault and "outside the trial window" in fault for fault in faults_of(path))


def test_a_date_that_does_not_exist_is_named_with_its_line(repository, tmp_path):
    path = altered(repository, tmp_path, ("date: 2021-06-28", "date: 2021-06-31"))
    assert any("2021-06-31 is not a date" in fault and "line " in fault for fault in faults_of(path))


def test_broken_yaml_and_a_missing_file_are_told_plainly(tmp_path):
    with pytest.raises(StudyDefinitionError, match="There is no study file"):
        load_study(tmp_path / "study.yml")
    (tmp_path / "study.yml").write_text("title: [unclosed\n")
    with pytest.raises(StudyDefinitionError, match="not valid YAML"):
        load_study(tmp_path / "study.yml")


def test_a_repeated_code_and_an_authority_in_no_model_are_faults(repository, tmp_path):
    path = altered(repository, tmp_path, ("gss_code: E08000030", "gss_code: E10000017"), (", swindon]", "]"))
    faults = "\n".join(faults_of(path))
    assert "gss_code E10000017 of 'lancashire' is also that of 'walsall'" in faults
    assert "'swindon' has role 'trial' but stands in no model" in faults


def test_stratified_trials_need_a_stratum_for_every_authority(repository, tmp_path):
    path = altered(repository, tmp_path, ("restriction: unrestricted", "restriction: stratified"))
    assert sum("has no stratum" in fault for fault in faults_of(path)) == 5


def test_an_unknown_model_is_told_with_the_known_ones(study):
    with pytest.raises(StudyDefinitionError, match="Known models: family_safeguarding, family_valued"):
        wedge_of(study, "family_values")


def test_the_statistic_of_exact_tests_is_refused_where_it_is_unknown_or_would_be_passed_over(
    repository, tmp_path
):
    path = altered(
        repository,
        tmp_path,
        ("    statistic: two_way", "    statistic: median"),
        ('    name: "Exact test pooled', '    statistic: vertical\n    name: "Exact test pooled'),
    )
    text = "\n".join(faults_of(path))
    assert "analyses.randomisation.statistic" in text and "crossover_precision" in text
    assert "take it out here" in text


def test_registries_name_only_what_is_there_and_keep_their_main_row(repository, tmp_path):
    path = altered(
        repository,
        tmp_path,
        ("without_outcomes: [child_protection_plan]", "without_outcomes: [child_protection_plans]"),
        ("plan_status: planned, samples: [main],", "plan_status: planned, samples: [mian],"),
        ("plan_status: planned, samples: null}", "plan_status: planned, samples: [main]}"),
        (
            'at an eligible age", plan_status: planned}',
            'at an eligible age", plan_status: planned, index: open_plan}',
        ),
        ("left_model: no_wrong_door", "left_model: no_wrong_dor"),
        ("index: first_ever}", "index: last_ever}"),
    )
    faults = "\n".join(faults_of(path))
    for text in (
        "unknown name 'child_protection_plans' in without_outcomes of 'open_plan'. Known: looked_after",
        "unknown name 'mian' in samples of 'midpoint'. Known: main",
        "'go_live' is worked out for every sample",
        "the main sample is of first referrals in the window",
        "'leicester' has role 'left' and left_model 'no_wrong_dor'",
        "'samples.first_ever_referral.index'",
    ):
        assert text in faults
    for group, key in (("samples", "main"), ("exposures", "go_live")):
        renamed = altered(repository, tmp_path, (f"  {key}: {{name:", f"  other_{key}: {{name:"))
        assert any(f"there is no '{key}' among the {group}" in fault for fault in faults_of(renamed))


def test_an_authority_that_left_is_asked_for_only_by_a_sample_and_is_never_exposed(study):
    assert study.left("no_wrong_door") == study.left_asked_for() == ("leicester",)
    assert study.left("family_valued") == ()
    without = {name: part for name, part in study.samples.items() if not part.with_left}
    assert study.model_copy(update={"samples": without}).left_asked_for() == ()
    wedge = wedge_of(study, "no_wrong_door")
    joined = replace(wedge, never_exposed=("leicester",))
    table = joined.design_table()
    assert not table.loc[table["authority"] == "leicester", ["exposed", "exposure_time"]].any(axis=None)
    rest = table[table["authority"] != "leicester"]
    assert rest.equals(wedge.design_table())
    assert joined.admissible_orders() == wedge.admissible_orders()
    assert np.isnat(joined.go_live_day("leicester"))


def test_an_outcome_over_fixed_terms_is_adjusted_for_once(repository):
    study = load_study(repository / "study.yml")
    first, later = (study.family("family_safeguarding", horizon) for horizon in study.horizons)
    assert set(first) - set(later) == {"unauthorised_absence"} and "looked_after" not in first
