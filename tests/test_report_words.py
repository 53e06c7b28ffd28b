"""Sentences give sizes and limits, never verdicts; numbers in prose come from the rows."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_frames import MODEL, estimate, estimates, exact, missing

from sfpc_book.errors import DisclosureError, ParameterError
from sfpc_book.estimate.estimate import combine
from sfpc_book.report.claims import claim, numbers_in_prose
from sfpc_book.report.estimate_rows import effect_text
from sfpc_book.report.formats import (
    DAYS,
    PER_1000,
    PERCENTAGE_POINTS,
    count,
    file_size,
    interval,
    listed,
    money,
    number,
    p_value,
    unit_of,
    whole_percentage,
)
from sfpc_book.report.sentences import (
    amount,
    effect_sentences,
    observed_sentence,
    range_words,
)
from sfpc_book.report.sentences_data import design_sentences, strata_sentence, trial_role_sentences
from sfpc_book.report.sentences_lists import (
    horizon_sentences,
    outcome_sentences,
    pooled_sentence,
    summary_sentences,
    weights_sentences,
)
from sfpc_book.report.tables import estimates_table
from sfpc_book.study.study import load_study
from sfpc_book.study.wedge import wedge_of

FORBIDDEN = re.compile(
    r"\bno effect\b|\bno difference\b|\bsignifican|\bprov(?:e|es|ed|en)\b|\bnan\b|\bNone\b|\binf\b", re.I
)
STUDY = load_study(Path(__file__).resolve().parents[1] / "study.yml")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0832, "0.083"),
        (0.0004, "<0.001"),
        (0.001, "0.001"),
        (1.0, "1.000"),
        (0.9997, ">0.999"),
        (math.nan, "[x]"),
    ],
)
def test_p_values_have_three_places_and_never_read_zero(value: float, words: str):
    assert p_value(value) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.0121, 0.0037, "−12.1 to +3.7"),
        (-math.inf, math.inf, "unbounded on both sides"),
        (-0.01, math.inf, "from −10.0, unbounded above"),
        (-math.inf, 0.01, "unbounded below, up to +10.0"),
        (math.nan, 0.01, "[x]"),
    ],
)
def test_intervals_have_equal_places_and_name_open_ends(low: float, high: float, words: str):
    assert interval(low, high, PER_1000) == words


def test_numbers_use_a_true_minus_separators_and_shorthand():
    assert [number(-1234.5, 1), number(0.2, 0), number(0.2, 0, signed=True), number(math.nan)] == [
        "−1,234.5",
        "[low]",
        "0",
        "[x]",
    ]
    assert [count(None), count(1230), money(-56.4), file_size(20), file_size(4600)] == [
        "[c]",
        "1,230",
        "−£56",
        "1 KB",
        "5 KB",
    ]
    assert listed(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("proportion", 1000),
        ("per 1,000 children", 1),
        ("per 10,000 children", 1),
        ("days", 1),
        ("proportion of sessions", 100),
        ("percentage points", 1),
        ("placements", 1),
        ("pounds per 1,000 children", 1),
        ("days per 1,000 children", 1),
    ],
)
def test_a_unit_says_by_what_an_estimate_is_multiplied(text: str, factor: float):
    assert unit_of(text).factor == factor


def test_amounts_are_worded_by_their_unit():
    assert amount(-0.0042, PER_1000) == "about 4.2 fewer per 1,000 children"
    assert amount(0.0042, PERCENTAGE_POINTS) == "about 0.42 percentage points higher"
    assert amount(6.44, DAYS) == "about 6.4 more days per child"
    assert amount(0.000001, PER_1000).startswith("about zero")
    assert range_words(-0.0121, 0.0037, PER_1000) == "12.1 fewer to 3.7 more per 1,000 children"


def test_the_paragraph_on_an_effect_says_size_interval_orders_and_limits():
    text = effect_sentences(STUDY, estimates(STUDY), MODEL, "looked_after", 18)
    for part in (
        "about 6.0 fewer per 1,000 children",
        "95% interval (t with 4 degrees of freedom)",
        "24.0 fewer to 12.0 more per 1,000 children",
        "12 orders",
        "p = 0.167",
        "0.083",
        "could not have reached 0.05",
        "91.7%",
        "With 5 authorities",
    ):
        assert part in text, part


def test_an_outcome_not_observed_gives_the_date_and_is_not_zero():
    text = effect_sentences(STUDY, estimates(STUDY), MODEL, "looked_after", 36)
    assert "not observed until 24 November 2025" in text and "not counted as zero" in text
    assert "not observed until 24 November 2025" in horizon_sentences(STUDY, estimates(STUDY), MODEL)


def test_a_cause_is_said_where_there_is_no_estimate():
    rows = combine([missing(STUDY, "not_estimable: one authority")])
    assert "not estimable: one authority" in effect_sentences(STUDY, rows, MODEL, "looked_after", 18)
    assert "No estimate" in effect_sentences(STUDY, rows, MODEL, "days_on_plan", 18)


numbers = st.floats(-0.5, 0.5, allow_nan=False)


@settings(max_examples=40, deadline=None)
@given(
    outcome=st.sampled_from(STUDY.models[MODEL].outcomes),
    value=numbers,
    below=st.one_of(st.floats(0, 0.4), st.just(math.inf)),
    above=st.one_of(st.floats(0, 0.4), st.just(math.inf)),
    p=st.floats(0.0001, 1),
    p_minimum=st.floats(0.0001, 1),
    share=st.one_of(st.just(math.nan), st.floats(0, 1)),
    status=st.sampled_from(
        ["ok", "partly_observed", "not_observed", "not_identified", "not_estimable: one cell"]
    ),
)
def test_no_sentence_gives_a_verdict_or_prints_a_hole(
    outcome, value, below, above, p, p_minimum, share, status
):
    ends = {"estimate": value, "conf_low": value - below, "conf_high": value + above}
    if status in ("ok", "partly_observed"):
        main = estimate(STUDY, outcome, status=status, observed_share=share, **ends)
    else:
        main = missing(STUDY, status, outcome=outcome)
    test = exact(STUDY, outcome, p_value=p, p_minimum=p_minimum)
    rows = combine([main, test])
    texts = [
        effect_sentences(STUDY, rows, MODEL, outcome, 18),
        outcome_sentences(STUDY, rows, MODEL, [STUDY.outcomes[outcome]], 18),
        summary_sentences(STUDY, rows, 18),
        horizon_sentences(STUDY, rows, MODEL),
    ]
    for text in texts:
        assert not FORBIDDEN.search(text), text
        assert "  " not in text and ".." not in text and "[x]" not in text, text


def test_sentences_on_the_design_follow_the_study_file():
    wedge = wedge_of(STUDY, MODEL)
    assert "12 orders" in design_sentences(STUDY, wedge) and "0.083" in design_sentences(STUDY, wedge)
    pilot = STUDY.authorities[STUDY.models[MODEL].pilot]
    assert "were not randomised" in trial_role_sentences(STUDY, pilot, None)
    first = STUDY.authorities[wedge.authorities[0]]
    assert "the first of 5 authorities" in trial_role_sentences(STUDY, first, wedge)


def test_a_claim_words_one_number_of_one_row():
    rows, key = estimates(STUDY), {"model": MODEL, "outcome": "looked_after", "horizon": 18}
    assert str(claim(rows, **key)) == "−6.0 (−24.0 to +12.0) per 1,000 children"
    assert str(claim(rows, **key, analysis="randomisation", field="p_minimum")) == "0.083"
    assert str(claim(rows, **{**key, "horizon": 36})) == "not observed until 24 November 2025"
    assert str(claim(rows, **key, field="n_children", disclosure=STUDY.disclosure)) == "5,105"


def test_a_claim_without_a_single_row_or_field_lists_what_there_is():
    with pytest.raises(ParameterError, match="looked_after / 18 / panel_two_way"):
        claim(estimates(STUDY), model=MODEL, outcome="neet", horizon=18)
    with pytest.raises(ParameterError, match="effect, estimate"):
        claim(estimates(STUDY), model=MODEL, outcome="looked_after", horizon=18, field="size")
    with pytest.raises(DisclosureError):
        claim(estimates(STUDY), model=MODEL, outcome="looked_after", horizon=18, field="n_children")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("About 12 fewer children.", ["12"]),
        ("A fall of 3.5% or £1,200 since 2021.", ["3.5%", "£1,200", "2021"]),
        ("COVID-19, DR1, SSDA903, 1B, WCAG 2.2 and E08000030 are names.", []),
        ("1. First\n2. Second\n", []),
        ("| a | 12 |\n", []),
        ("`x = 12` and [a link](https://a.uk/12) and <a href='x12'>y</a>", []),
    ],
)
def test_the_linter_finds_typed_numbers_and_leaves_names_alone(text: str, found: list[str]):
    assert numbers_in_prose(text) == found


def test_estimates_keep_their_types_through_a_file(tmp_path):
    from sfpc_book.report.page_results import read_estimates, record_of

    rows = estimates(STUDY)
    (tmp_path / "x.csv").write_text(record_of(rows).csv, encoding="utf-8")
    pd.testing.assert_frame_equal(read_estimates(tmp_path / "x.csv"), rows)
    with pytest.raises(ParameterError, match="missing column truth"):
        record_of(rows.drop(columns="truth"))


def test_an_estimate_from_too_few_children_or_events_is_marked_and_never_a_headline():
    few = combine([estimate(STUDY, estimate=-0.3669, n_children=20, n_events=12)])
    said = effect_sentences(STUDY, few, MODEL, "looked_after", 18)
    assert "rests on too few children (20) to be read" in said and "366" not in said
    assert "366" not in summary_sentences(STUDY, few, 18)
    rare = combine([estimate(STUDY, estimate=-0.3669, n_events=None)])
    assert "too few events (fewer than 10)" in horizon_sentences(STUDY, rare, MODEL)
    wide = combine([estimate(STUDY, conf_low=-0.9, conf_high=0.3)])
    assert "wider than a proportion can be" in effect_sentences(STUDY, wide, MODEL, "looked_after", 18)
    for rows in (few, rare, wide):
        table = estimates_table(STUDY, rows, "Estimates")
        assert table.cells["Estimate (interval)"].iloc[0].startswith("[u] ")


def test_an_exact_interval_of_a_low_level_is_not_shown_and_a_larger_smallest_p_is_explained():
    half = exact(STUDY, analysis="randomisation_attainable", conf_low=-0.01, conf_high=0.02, conf_level=0.5)
    rows = combine([estimate(STUDY), exact(STUDY, p_minimum=2 / 12), half])
    said = effect_sentences(STUDY, rows, MODEL, "looked_after", 18)
    assert "no informative exact interval (highest level 50.0%)" in said
    assert "By design the smallest would be 0.083" in said
    assert "no informative exact interval" in effect_text(next(combine([half]).itertuples()))


def leading(**changes: object) -> pd.DataFrame:
    """The main row, its CR2 row and the exact test, whose interval at its highest level has two ends."""
    cr2 = {"analysis": "panel_two_way_cr2", "df": 3.71, "conf_low": -0.03, "conf_high": 0.018}
    low = {"analysis": "randomisation_attainable", "conf_low": -0.02, "conf_high": 0.01}
    attainable = exact(STUDY, **(low | {"conf_level": 11 / 12} | changes))
    return combine([estimate(STUDY), estimate(STUDY, **cr2), exact(STUDY), attainable])


def test_each_interval_is_named_with_its_method_and_the_exact_one_leads():
    rows = leading()
    said = (
        "about 6.0 fewer per 1,000 children; exact 91.7% interval 20.0 fewer to 10.0 more; "
        "CR2 95% interval 30.0 fewer to 18.0 more (3.7 df); exact p = 0.167, smallest attainable 0.083"
    )
    assert f": {said}." in outcome_sentences(STUDY, rows, MODEL, [STUDY.outcomes["looked_after"]], 18)
    assert f": {said}." in summary_sentences(STUDY, rows, 18)
    assert f"18 months: {said}." in horizon_sentences(STUDY, rows, MODEL)
    text = effect_sentences(STUDY, rows, MODEL, "looked_after", 18)
    parts = (
        "The exact 91.7% interval, at the highest level within reach, runs from 20.0 fewer to 10.0 more",
        "p = 0.167",
        "The CR2 95% interval (t with 3.7 degrees of freedom) runs from 30.0 fewer to 18.0 more",
        "At this level the CR2 interval leaves out falls larger than 30.0 per 1,000 children",
        "under what the model assumes.",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places) and "clustered" not in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"conf_high": math.inf}, "no exact interval with two ends"),
        ({"conf_level": 0.5}, "no informative exact interval (highest level 50.0%)"),
        ({"conf_low": -0.9, "conf_high": 0.9}, "no exact interval that can be read"),
    ],
)
def test_where_there_is_no_exact_interval_the_reason_is_said_in_its_place(changes, words):
    rows = leading(**changes)
    assert f"; {words}; CR2" in summary_sentences(STUDY, rows, 18)
    assert f"There is {words}." in effect_sentences(STUDY, rows, MODEL, "looked_after", 18)


def test_an_exact_interval_at_the_level_asked_for_needs_no_other_level():
    rows = combine([estimate(STUDY), exact(STUDY, conf_low=-0.02, conf_high=0.01)])
    said = summary_sentences(STUDY, rows, 18)
    assert "exact 95% interval 20.0 fewer to 10.0 more; clustered 95% interval" in said


def test_an_interval_of_the_cr2_row_that_cannot_be_read_stops_the_item():
    wide = estimate(STUDY, analysis="panel_two_way_cr2", conf_low=-0.9, conf_high=0.9)
    rows = combine([estimate(STUDY), wide, exact(STUDY)])
    for said in (
        summary_sentences(STUDY, rows, 18),
        effect_sentences(STUDY, rows, MODEL, "looked_after", 18),
    ):
        assert "the estimate with the CR2 variance has an interval wider than a proportion can be" in said
        assert "fewer" not in said


def test_the_pooled_mean_is_called_one_and_each_models_weight_stands_beside_its_estimate():
    pooled = exact(
        STUDY, model="all", analysis="pooled_randomisation", conf_low=-0.018, conf_high=0.008, n_orders=5760
    )
    said = pooled_sentence(combine([pooled]), "looked_after", 18)
    assert "The mean of the trials' estimates, weighted by information" in said
    assert "the exact interval leaves out for that mean, not for each model, falls larger than 18.0" in said
    listed_by_model = weights_sentences(STUDY, leading(), {MODEL: 0.351}, "looked_after", 18)
    assert (
        "**Family Safeguarding** (weight 35%): about 6.0 fewer per 1,000 children; exact" in listed_by_model
    )
    assert "**Family Valued** (not in the mean): no estimate has been recorded." in listed_by_model


def test_both_horizons_carry_intervals_and_shares_and_fixed_terms_have_no_horizon():
    later = estimate(STUDY, horizon=36, observed_share=0.574, status="partly_observed")
    terms = [estimate(STUDY, "unauthorised_absence", horizon) for horizon in (18, 36)]
    said = horizon_sentences(STUDY, combine([estimate(STUDY), later, *terms]), MODEL)
    assert said.count("95% interval") == 2 and "57% of children followed so far" in said
    assert "compare different children" in said and "three terms" in said


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.5742, "57%"), (0.9962, "more than 99%"), (0.0031, "less than 1%"), (0.0, "0%"), (1.0, "100%")],
)
def test_a_share_followed_is_said_as_the_tables_round_it(share, words):
    assert whole_percentage(share) == words
    row = estimate(STUDY, observed_share=share, status="partly_observed")
    said = observed_sentence(next(combine([row]).itertuples()), STUDY)
    assert f"So far {words} of linked children" in said if share < 1 else said == ""


def test_an_average_over_named_periods_is_worded_as_one():
    row = estimate(STUDY, analysis="exposure_time_average", term="exposure_time_average_of_1_2_4")
    cell = estimates_table(STUDY, combine([row]), "Estimates").cells["Outcome"].iloc[0]
    assert cell.endswith("average over periods 1, 2 and 4 since go-live")


def test_unknown_strata_and_notes_on_them_are_said():
    said = strata_sentence(STUDY)
    assert "Family Valued trial are unknown" in said and "one published script says high" in said


def test_where_every_stratum_is_known_the_page_says_so_and_is_not_empty():
    known = STUDY.authorities["telford_and_wrekin"].model_copy(update={"stratum_note": None})
    settled = STUDY.model_copy(update={"authorities": {**STUDY.authorities, "telford_and_wrekin": known}})
    assert "as the study file gives it" in strata_sentence(settled, "family_safeguarding", "no_wrong_door")
