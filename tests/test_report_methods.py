"""Methods side by side, ratios, sensitivities and the specification curve: every row is drawn or says why."""

from __future__ import annotations

import json
import math
import re

import altair as alt
import pandas as pd
import pytest
from report_frames import MODEL, estimate, estimates, exact, missing
from report_rows import child_rows, sensitivity_rows

from sfpc_book.estimate.estimate import combine
from sfpc_book.report.charts_methods import methods_forest, ratios_forest
from sfpc_book.report.charts_sensitivity import (
    changes_forest,
    exposures_forest,
    leave_out_forest,
    missing_forest,
    samples_forest,
)
from sfpc_book.report.charts_specification import specification_curve
from sfpc_book.report.disclosure_near import hide_near
from sfpc_book.report.drawing import Absence, Drawing
from sfpc_book.report.figure import figure_of
from sfpc_book.report.forest_layout import axis_range, forest_rows, ratio_ticks
from sfpc_book.report.formats import unit_of
from sfpc_book.report.method_rows import (
    ROW_KEY,
    absolute_rows,
    exact_rows,
    left_to_sensitivity,
    relative_rows,
    together,
    without_repeats,
)
from sfpc_book.report.sensitivity_rows import change_variants, leave_out_variants, missing_variants
from sfpc_book.report.specifications import combinations, specification_frame
from sfpc_book.report.tables import estimates_table
from sfpc_book.report.tables_methods import exact_table, movements_table, unfinished_table
from sfpc_book.report.terms import reference_note, reference_text, term_words
from sfpc_book.report.words import Words
from sfpc_book.study.study import Study, load_study

FORESTS = {
    "methods": methods_forest,
    "ratios": ratios_forest,
    "samples": samples_forest,
    "exposures": exposures_forest,
    "missing": missing_forest,
    "leave_out": leave_out_forest,
    "changes": changes_forest,
    "specifications": specification_curve,
}


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


@pytest.fixture(scope="module")
def rows(study) -> pd.DataFrame:
    return together(estimates(study), child_rows(study, MODEL), sensitivity_rows(study, MODEL))


@pytest.fixture(scope="module")
def drawn(study, rows) -> dict[str, Drawing]:
    found = {name: draw(study, rows, MODEL, "looked_after", 18) for name, draw in FORESTS.items()}
    assert not [item.reason for item in found.values() if isinstance(item, Absence)]
    return found


@pytest.mark.parametrize("name", FORESTS)
def test_each_chart_becomes_an_accessible_figure_no_wider_than_a_page(name: str, drawn):
    figure = figure_of(drawn[name], f"chapter-{name}", "synthetic")
    bundle = figure._repr_mimebundle_()
    alt.Chart.from_dict(drawn[name].chart, validate=True)
    assert len(figure.title.split()) <= 15 and 20 <= len(figure.alt) <= 250
    assert float(re.search(r'width="([\d.]+)"', bundle["image/svg+xml"])[1]) <= 640
    assert not re.search(r"\bnan\b|None|\[x\]|\binf\b", figure.alt + " " + figure.subtitle)
    assert not {"n_children", "n_events"} & set(drawn[name].data.columns)
    assert not figure.cells.isna().any().any()


@pytest.mark.parametrize("name", FORESTS)
def test_text_stays_horizontal_and_the_line_of_equal_levels_is_drawn(name: str, drawn):
    text = json.dumps(drawn[name].chart)
    assert not re.search(r'"(?:label|title)Angle": (?!0\b)', text)
    assert '"one": 1.0' in text or '"zero": 0.0' in text


def test_planned_methods_come_first_and_the_main_one_on_top(study, rows):
    shown = absolute_rows(study, rows, MODEL, "looked_after", 18)
    assert shown["analysis"].iloc[0] == "panel_two_way"
    plans = [study.analyses[name].plan_status for name in shown["analysis"]]
    assert plans == sorted(plans, key=lambda plan: plan != "planned")
    assert shown["analysis"].is_unique


def test_every_method_stands_side_by_side_and_one_without_a_difference_says_why(study, rows, drawn):
    here = rows[(rows["outcome"] == "looked_after") & (rows["horizon"] == 18)]
    main = here[(here["sample"] == "main") & (here["exposure"] == "go_live")]
    apart = {"exposure_time", "leave_out", "leave_out_randomisation", "randomisation_vertical"}
    changed = {name for name, part in study.analyses.items() if part.change}
    shown = absolute_rows(study, rows, MODEL, "looked_after", 18)
    assert set(shown["analysis"]) == set(main["analysis"]) - apart - changed
    texts = drawn["methods"].cells.set_index("Row")["Estimate (interval)"]
    assert texts[study.analyses["mixed_logit_imputed"].name] == "a ratio only: see the chart of ratios"
    assert (texts == "not estimable: not converged").sum() == 1
    tests = set(exact_rows(study, rows, MODEL, "looked_after", 18)["analysis"])
    assert {"randomisation_vertical", "leave_out_randomisation", "no_first_period_exact"} <= tests


def test_ratios_are_shown_as_ratios_on_a_logarithmic_axis(study, rows, drawn):
    scales = [part["scale"] for part in _walk(drawn["ratios"].chart) if "scale" in part]
    assert {"log"} == {scale["type"] for scale in scales if "type" in scale}
    effects = drawn["ratios"].cells["Estimate (interval)"]
    assert effects.str.fullmatch(r"\d\.\d\d \(\d\.\d\d to \d\.\d\d\)|not estimable: .*").all()
    shown = relative_rows(study, rows, MODEL, "looked_after", 18)
    for row, text in zip(shown.itertuples(), effects, strict=True):
        if not math.isnan(row.estimate):
            numbers = [float(part) for part in re.findall(r"\d\.\d\d", text)]
            wanted = [math.exp(value) for value in (row.estimate, row.conf_low, row.conf_high)]
            assert numbers == pytest.approx(wanted, abs=0.0051)


def _walk(part):
    if isinstance(part, dict):
        yield part
        for key, value in part.items():
            if key not in ("datasets", "data"):
                yield from _walk(value)
    elif isinstance(part, list):
        for value in part:
            yield from _walk(value)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "1.00"), (-9.0, "below 0.01"), (800.0, "over 9,999"), (math.log(0.7), "0.70")]
)
def test_a_ratio_is_never_shown_as_zero_nor_with_digits_it_does_not_have(value: float, text: str):
    assert unit_of("log odds ratio").show(value, signed=True) == text
    assert unit_of("log rate ratio").words == "rate ratio"


@pytest.mark.parametrize(("low", "high"), [(0.9, 1.1), (0.5, 1.4), (0.2, 3), (0.02, 40), (0.99, 1.01)])
def test_ticks_of_ratios_are_few_and_hold_one(low: float, high: float):
    ticks = ratio_ticks(low, high)
    assert 1.0 in ticks and len(ticks) <= 7 and min(ticks) >= low and max(ticks) <= high


def test_one_very_wide_interval_does_not_press_the_others_together(study):
    wide = [estimate(study, conf_low=-0.02, conf_high=0.02)] * 5 + [
        estimate(study, conf_low=-0.9, conf_high=0.9)
    ]
    table = forest_rows(combine(wide), [str(n) for n in range(6)])
    low, high = axis_range(table, cut=True)
    assert -100 < low < high < 100 and axis_range(table)[0] < -900


def test_a_chart_of_thirty_rows_fits_a_page(study):
    many = [estimate(study, analysis="vertical", sample=name) for name in study.samples if name != "main"] * 3
    spec = samples_forest(study, together(estimates(study), combine(many)), MODEL, "looked_after", 18).chart
    assert spec["height"] < 1000


def test_specifications_are_all_counted_and_none_is_hidden(study, rows, drawn):
    frame = specification_frame(study, rows, MODEL, "looked_after", 18)
    assert len(frame) == len(combinations(study)) == len(drawn["specifications"].cells)
    grid = study.specifications
    chosen = [study.exposures[name] for name in grid.exposures or study.exposures]
    limited = [part for part in chosen if part.samples == ("main",)]
    assert len(frame) == len(grid.analyses) * (len(study.samples) + len(limited))
    without = (frame["reason"] != "").sum()
    assert f"{without} have no number" in drawn["specifications"].subtitle
    listed = unfinished_table(study, rows, MODEL, "looked_after", 18, "Without a number")
    assert len(listed.cells) == without
    values = drawn["specifications"].cells["Estimate (interval)"][: len(frame) - without]
    numbers = [float(text.split(" ")[0].replace("−", "-")) for text in values]
    assert numbers == sorted(numbers)


def test_the_sample_that_an_outcome_defines_is_said_to_be_so(study):
    plan = next(name for name, part in study.samples.items() if part.without_outcomes)
    outcome = study.samples[plan].without_outcomes[0]
    frame = specification_frame(study, estimates(study), "family_valued", outcome, 18)
    assert "the outcome defines this sample" in set(frame[frame["sample"] == plan]["reason"])


def test_a_choice_without_a_row_stands_in_the_forest_with_its_reason(study):
    drawing = samples_forest(study, estimates(study), MODEL, "looked_after", 18)
    texts = drawing.cells["Estimate (interval)"].tolist()
    assert len(texts) == len(study.samples)
    assert texts.count("not estimable: no row has been recorded") == len(study.samples) - 1


def test_parts_left_out_and_changes_leave_exact_tests_to_their_table(study, rows):
    found = leave_out_variants(study, rows, MODEL, "looked_after", 18)
    assert "Without Telford and Wrekin" in found.labels and "Without period 1" in found.labels
    assert not found.rows["n_orders"].notna().any() and found.heads[0] and not any(found.heads[1:])
    changes = change_variants(study, rows, MODEL, "looked_after", 18)
    assert "no_first_period_exact" not in set(changes.rows["analysis"])
    assert any(label.endswith("difference between high and low readiness") for label in changes.labels)


def test_rules_for_missing_covariates_are_held_against_each_other_within_one_model(study, rows):
    found = missing_variants(study, rows, MODEL, "looked_after", 18)
    methods = [study.analyses[name].method or name for name in found.rows["analysis"]]
    assert methods == ["fixed_effects_logit_cr2"] * 3 + ["mixed_logit"] * 3
    assert found.heads == [True, False, False, True, False, False]
    assert found.rows["unit"].tolist() == ["proportion"] * 3 + ["log odds ratio"] * 3


def test_exact_tests_stand_with_the_smallest_p_and_nothing_is_said_of_none(study, rows):
    table = exact_table(study, rows, MODEL, "looked_after", 18, "Exact tests")
    assert table.cells["p"].str.contains("smallest").any()
    assert isinstance(exact_table(study, rows, MODEL, "days_on_plan", 18, "Exact tests"), Words)


def test_the_range_of_each_outcome_is_listed_once(study, rows):
    table = movements_table(study, rows, MODEL, "Ranges")
    assert table.cells["Outcome"].tolist() == ["Becoming looked after"] * 2
    assert re.fullmatch(r"\d+ of \d+", table.cells["With a number"].iloc[0])


def test_no_row_is_recorded_twice(study, rows):
    varied = sensitivity_rows(study, MODEL)
    assert without_repeats(varied, varied).empty
    again = combine(
        [estimate(study, horizon=36), estimate(study, "days_on_plan"), estimate(study, sample="born_only")]
    )
    assert left_to_sensitivity(again, estimates(study))["sample"].tolist() == ["born_only"]
    both = together(rows, varied)
    assert not both.duplicated(list(ROW_KEY)).any() and len(both) == len(rows)


def test_a_count_that_would_give_a_small_one_away_is_hidden_and_the_estimate_stays(study):
    main = estimate(study)
    near = estimate(study, analysis="leave_out", term="without_swindon", n_children=5097, n_events=257)
    far = estimate(study, analysis="leave_out", term="without_walsall", n_children=4000, n_events=200)
    table = combine([main, near, far])
    hidden = hide_near(table, table.iloc[:1], study.disclosure)
    assert hidden["n_children"].isna().tolist() == [False, True, False]
    assert hidden["n_events"].isna().tolist() == [False, False, False]
    cells = estimates_table(study, table, "All", reference=table.iloc[:1]).cells
    assert sorted(cells["Children"]) == ["4,000", "5,105", "[c]"]
    assert not cells["Estimate (interval)"].str.contains("[u]", regex=False).any()


def test_the_table_names_term_sample_reference_and_missing_information(study, rows):
    cells = estimates_table(study, rows, "All").cells
    text = " ".join(cells.astype(str).agg(" ".join, axis=1))
    for part in (
        "risk if none had been exposed",
        "without Walsall",
        "main, but without unborn children",
        "t, pooled over imputations: 3.4 degrees of freedom",
        "exact randomisation, 12 orders",
        "12%",
    ):
        assert part in text, part
    levels = cells[cells["Outcome"].str.contains("risk if ")]["Estimate (interval)"]
    assert len(levels) and not levels.str.startswith(("+", "−")).any()


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("exposed", ""),
        ("without_period_3", "without period 3"),
        ("without_redcar_and_cleveland", "without Redcar and Cleveland"),
        ("exposed_high", "high readiness"),
        ("exposed_high_minus_low", "difference between high and low readiness"),
        ("exposed_period_4", "in period 4"),
        ("exposure_time_average_1_2", "average over periods 1 and 2 since go-live"),
        ("standardised_log_risk_ratio", "standardised risk ratio"),
        ("something_new", "something new"),
    ],
)
def test_terms_are_said_in_words(term: str, words: str, study):
    assert term_words(term, study) == words


def test_what_an_estimate_is_held_against_is_said_in_few_words(study):
    cases = {
        "t, 4 df": {},
        "normal": {"df": math.inf, "reference": "normal"},
        "bootstrap, 7,776 patterns": {"df": math.nan, "reference": "wild cluster bootstrap, 7,776 patterns"},
        "": {"df": math.nan, "reference": "none: see the exact test by this statistic"},
    }
    for words, fields in cases.items():
        assert reference_note(next(combine([estimate(study, **fields)]).itertuples())) == words
    assert reference_note(next(combine([exact(study)]).itertuples())) == "exact, 12 orders"
    assert reference_note(next(combine([missing(study)]).itertuples())) == ""
    bare = next(combine([estimate(study, reference="", df=math.nan)]).itertuples())
    assert reference_text(bare) == "[z]"
