"""Every chart: accessible words from its own rows, horizontal text, zero lines, intervals, gaps that say
why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pytest
from report_frames import (
    MODEL,
    allocation_frame,
    descriptives_frame,
    estimate,
    estimates,
    exact,
    finding,
    flow_frame,
    missing,
    missingness_frame,
    panel_frame,
    patterns_frame,
)

from sfpc_book.contracts.check_words import load_check_words
from sfpc_book.contracts.finding import findings_frame
from sfpc_book.estimate.estimate import combine
from sfpc_book.report.charts_allocation import allocation_diagram
from sfpc_book.report.charts_balance import ABSENT, KNOWN, love_plot
from sfpc_book.report.charts_comparison import comparison_curve, comparison_forest
from sfpc_book.report.charts_curve import exposure_curve
from sfpc_book.report.charts_design import programme_wedges, wedge_diagram
from sfpc_book.report.charts_effect import (
    analyses_forest,
    costs_forest,
    horizons_forest,
    models_forest,
    outcomes_forest,
)
from sfpc_book.report.charts_findings import findings_bars
from sfpc_book.report.charts_flow import flow_diagram
from sfpc_book.report.charts_missing import missing_periods, missing_together
from sfpc_book.report.charts_panel import randomisation_distribution, trajectories
from sfpc_book.report.charts_published import published_series
from sfpc_book.report.charts_returns import _monthly_cells, missing_heat, monthly_series
from sfpc_book.report.charts_theme import MODEL_COLOURS, spread
from sfpc_book.report.disclosure import publish_monthly, published
from sfpc_book.report.disclosure_baseline import WHOLE, publish_descriptives, publish_differences
from sfpc_book.report.disclosure_flow import publish_flow
from sfpc_book.report.disclosure_patterns import OTHERS, publish_patterns
from sfpc_book.report.disclosure_periods import publish_missing, publish_missing_periods
from sfpc_book.report.disclosure_rates import publish_rates
from sfpc_book.report.disclosure_returns import publish_findings
from sfpc_book.report.disclosure_samples import publish_allocation
from sfpc_book.report.drawing import Absence, Drawing
from sfpc_book.report.figure import figure_of
from sfpc_book.report.tables import estimates_table, truth_table
from sfpc_book.report.tables_children import (
    authorities_table,
    baseline_table,
    differences_table,
    outcome_table,
)
from sfpc_book.report.tables_data import LAYERS
from sfpc_book.report.tables_findings import findings_table
from sfpc_book.study.study import Study, load_study
from sfpc_book.study.wedge import wedge_of


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


def comparison_rows(study: Study) -> pd.DataFrame:
    common = {
        "model": "all",
        "outcome": "looked_after",
        "sample": "adopters vs never_adopters",
        "exposure": "first_full_year",
        "unit": "per 10,000 children",
        "analysis": "group_time_placebo",
        "conf_low": -12.0,
        "conf_high": 3.0,
        "estimate": -4.0,
    }
    terms = ["adopted", *(f"event_time_{time}" for time in (-3, -2, 0, 1))]
    return combine([estimate(study, horizon=None, term=term, **common) for term in terms])


def published_rows() -> pd.DataFrame:
    years = range(2012, 2025)
    value = [np.nan if year == 2016 else 80.0 + year - 2012 for year in years]
    return pd.DataFrame(
        {
            "measure": "looked_after_rate",
            "year": years,
            "value": value,
            "neighbour_low": 60.0,
            "neighbour_high": 150.0,
            "neighbour_median": 92.0,
            "england": 68.0,
            "unit": "per 10,000 children",
            "source": "Statistics",
        }
    )


def drawings(study: Study) -> dict[str, Drawing | Absence]:
    """One drawing of each kind."""
    rng = np.random.default_rng(7)
    wedge, rows = wedge_of(study, MODEL), estimates(study)
    outcome = study.primary(MODEL)
    panel = panel_frame(study, MODEL, rng)
    panel = panel[(panel["outcome"] == outcome.id) & (panel["horizon"] == 18)]
    slugs, rules = wedge.authorities, study.disclosure
    months = pd.date_range("2019-10-01", periods=30, freq="MS")
    monthly = pd.DataFrame(
        {"month": months, "looked_after_at_month_end": 500.0, "newly_looked_after": rng.poisson(15, 30) * 1.0}
    )
    lacking = [(MODEL, slug, 0, variable, 12, 100) for slug in slugs for variable in ("gender", "asylum")]
    columns = ["model", "authority", "period", "variable", "n_missing", "n"]
    money = pd.DataFrame(
        {
            "text": ["Care not paid for", "Delivery"],
            "estimate": [4e5, 3e5],
            "conf_low": [-1e5, 2e5],
            "conf_high": [9e5, 4e5],
            "conf_level": np.nan,
            "truth": np.nan,
            "unit": "pounds per 1,000 children",
            "status": "ok",
            "identified": True,
            "observable_from": pd.NaT,
        }
    )
    walsall = study.authorities["walsall"]
    levels = descriptives_frame(MODEL, slugs, rng)
    baseline, design = publish_descriptives(levels, rules), wedge.design_table()
    return {
        "balance": love_plot(publish_differences(levels, rules), study.balance.reference, "Trial"),
        "periods": missing_periods(
            publish_missing_periods(missingness_frame(MODEL, slugs, rng), design, baseline, rules),
            study,
            "Trial",
        ),
        "together": missing_together(publish_patterns(patterns_frame(MODEL, slugs), rules), "Trial"),
        "wedge": wedge_diagram(study, wedge),
        "wedges": programme_wedges(study),
        "flow": flow_diagram(publish_flow(flow_frame(MODEL, "walsall", rng), rules), "Walsall", "walsall"),
        "allocation": allocation_diagram(
            publish_allocation(allocation_frame(study, MODEL, rng), baseline, rules),
            baseline,
            study,
            "Trial",
        ),
        "trajectories": trajectories(publish_rates(panel, wedge, rules), study, wedge, outcome, 18),
        "orders": randomisation_distribution(
            rng.normal(0, 0.01, 12), study, combine([exact(study)]), outcome
        ),
        "outcomes": outcomes_forest(study, rows, MODEL, 18, "panel_two_way"),
        "analyses": analyses_forest(study, rows, MODEL, outcome.id, 18),
        "horizons": horizons_forest(study, rows, MODEL, "panel_two_way"),
        "models": models_forest(study, rows, outcome.id, 18, ["panel_two_way", "randomisation"]),
        "costs": costs_forest(study, money, MODEL, 18),
        "curve": exposure_curve(study, rows, MODEL, outcome.id, 18),
        "monthly": monthly_series(
            publish_monthly(monthly, ["looked_after_at_month_end"], ["newly_looked_after"], rules),
            study,
            walsall,
        ),
        "checks": findings_bars(
            findings_frame([finding("walsall", "fail"), finding("walsall", "pass")]), LAYERS, "Walsall"
        ),
        "missing": missing_heat(
            publish_missing(
                pd.DataFrame(lacking, columns=columns),
                publish_descriptives(descriptives_frame(MODEL, slugs, rng), rules),
                rules,
            ),
            study,
            "Trial",
        ),
        "published": published_series(
            published_rows(),
            name="Walsall",
            measure="looked_after_rate",
            words="looked-after rate",
            go_live=walsall.go_live.date,
        ),
        "comparison": comparison_forest(
            comparison_rows(study), "looked_after", treated="adopters", exposure="first_full_year"
        ),
        "events": comparison_curve(
            comparison_rows(study), "looked_after", treated="adopters", exposure="first_full_year"
        ),
    }


@pytest.fixture(scope="module")
def drawn(study) -> dict[str, Drawing]:
    found = drawings(study)
    absent = {name: item.reason for name, item in found.items() if isinstance(item, Absence)}
    assert not absent
    return found


NAMES = [
    "balance",
    "periods",
    "together",
    "wedge",
    "wedges",
    "flow",
    "allocation",
    "trajectories",
    "orders",
    "outcomes",
    "analyses",
    "horizons",
    "models",
    "costs",
    "curve",
    "monthly",
    "checks",
    "missing",
    "published",
    "comparison",
    "events",
]


EFFECTS = ["outcomes", "analyses", "horizons", "models", "costs", "curve", "comparison", "events"]


def walk(part: Any) -> Iterator[dict[str, Any]]:
    """Every mapping inside a specification, the data apart."""
    if isinstance(part, dict):
        yield part
        for key, value in part.items():
            if key not in ("datasets", "data"):
                yield from walk(value)
    elif isinstance(part, list):
        for value in part:
            yield from walk(value)


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_becomes_an_accessible_figure(name: str, drawn):
    figure = figure_of(drawn[name], f"chapter-{name}", "synthetic")
    bundle = figure._repr_mimebundle_()
    assert len(figure.title.split()) <= 15 and figure.title != figure.subtitle
    assert 20 <= len(figure.alt) <= 250 and not re.search(r"\bnan\b|None|\[x\]", figure.alt)
    assert "<svg" in bundle["text/html"] and bundle["text/csv"].startswith("data_status,")
    width = float(re.search(r'width="([\d.]+)"', bundle["image/svg+xml"])[1])
    assert width <= 640


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_is_valid_vega_lite(name: str, drawn):
    alt.Chart.from_dict(drawn[name].chart, validate=True)


@pytest.mark.parametrize("name", NAMES)
def test_text_is_horizontal_and_no_axis_is_doubled(name: str, drawn):
    for part in walk(drawn[name].chart):
        assert part.get("labelAngle", 0) == 0
        assert part.get("titleAngle", 0) == 0
        assert part.get("resolve", {}).get("scale", {}).get("y") != "independent"


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_is_drawn_with_its_interval_and_the_zero_line(name: str, drawn):
    spec = drawn[name].chart
    marks = [part.get("mark") for part in walk(spec) if "mark" in part]
    kinds = [mark["type"] if isinstance(mark, dict) else mark for mark in marks]
    assert kinds.count("rule") >= 2  # the zero line and the intervals
    assert any({"zero": 0.0} in rows for rows in spec["datasets"].values())


def test_an_interval_without_end_has_arrows_and_one_that_is_missing_has_none(study):
    def arrows(low: float, high: float) -> int:
        rows = combine([estimate(study, conf_low=low, conf_high=high)])
        spec = outcomes_forest(study, rows, MODEL, 18, "panel_two_way").chart
        return sum(part.get("shape") == "triangle" for part in walk(spec))

    assert arrows(-np.inf, np.inf) == 2
    assert arrows(-0.1, np.inf) == 1
    assert arrows(-0.1, 0.1) == 0
    assert arrows(np.nan, np.nan) == 0


def test_outcomes_of_different_units_have_panels_of_their_own(study):
    rows = combine(
        [estimate(study), estimate(study, "days_on_plan"), estimate(study, "unauthorised_absence")]
    )
    spec = outcomes_forest(study, rows, MODEL, 18, "panel_two_way").chart
    titles = {part["title"] for part in walk(spec) if str(part.get("title", "")).startswith("Difference")}
    assert titles == {
        "Difference, per 1,000 children",
        "Difference, days per child",
        "Difference, percentage points",
    }


def test_a_period_that_is_not_identified_is_a_gap_with_words(drawn):
    spec = drawn["curve"].chart
    texts = [row.get("words") for rows in spec["datasets"].values() for row in rows]
    assert texts.count("not\nidentified") == 1
    assert "not identified" in drawn["curve"].alt


def test_an_outcome_not_observed_stands_in_the_forest_with_its_date(drawn):
    cells = drawn["horizons"].cells
    assert "not observed until 24 November 2025" in set(cells["Estimate (interval)"])


def test_truth_is_drawn_only_where_it_is_known(study):
    plain = outcomes_forest(study, combine([estimate(study)]), MODEL, 18, "panel_two_way")
    known = outcomes_forest(study, combine([estimate(study, truth=-0.01)]), MODEL, 18, "panel_two_way")
    diamonds = [sum(part.get("shape") == "diamond" for part in walk(item.chart)) for item in (plain, known)]
    assert diamonds == [0, 1] and "planted" in known.subtitle and "planted" not in plain.subtitle


def test_an_unequal_go_live_moves_the_diagram(study):
    moved = json.loads(study.model_dump_json())
    moved["authorities"]["walsall"]["go_live"]["date"] = "2020-10-01"
    other = Study.model_validate(moved)
    first, second = (wedge_diagram(item, wedge_of(item, MODEL)) for item in (study, other))
    assert "1 September 2020" in json.dumps(first.chart) and "1 October 2020" in json.dumps(second.chart)


def test_charts_of_effects_carry_no_raw_counts_into_their_files(drawn):
    for name in ("outcomes", "analyses", "horizons", "models", "curve"):
        assert not {"n_children", "n_events"} & set(drawn[name].data.columns)


def test_a_flow_drawing_holds_only_rounded_or_hidden_numbers(drawn):
    assert drawn["flow"].data["n"].dropna().mod(5).eq(0).all()
    assert drawn["allocation"].data["n_children"].dropna().mod(5).eq(0).all()


def test_nothing_to_show_is_said_and_not_drawn(study):
    none = combine([missing(study)])
    assert isinstance(exposure_curve(study, none, MODEL, "looked_after", 18), Absence)
    assert isinstance(outcomes_forest(study, none, MODEL, 36, "panel_two_way"), Absence)
    empty = published_rows().assign(value=np.nan)
    assert isinstance(published_series(empty, name="X", measure="looked_after_rate", words="rate"), Absence)
    assert isinstance(findings_bars(findings_frame([]), LAYERS, "Walsall"), Absence)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("colour", MODEL_COLOURS)
def test_the_palette_contrasts_with_white(colour: str):
    assert 1.05 / (luminance(colour) + 0.05) >= 3


def test_labels_are_moved_apart_in_their_order():
    placed = spread([10.0, 10.5, 30.0, 10.2], gap=4)
    assert np.diff(np.sort(placed)).min() >= 4 - 1e-6
    assert np.argsort(placed).tolist() == [0, 3, 1, 2]


def test_the_table_of_estimates_stands_in_study_order_with_protected_counts(study):
    rows = estimates(study).iloc[::-1]
    content = estimates_table(study, rows, "All", curve=False)
    assert content.cells["Outcome"].tolist() == ["Becoming looked after"] * 4 + ["Days on protection plans"]
    assert content.cells["Children"].tolist()[0] == "5,105"
    assert content.cells["p"].tolist()[1] == "0.167 (smallest 0.083)"
    assert "not observed until 24 November 2025" in set(content.cells["Estimate (interval)"])
    assert len(content.data) == len(rows)


def test_truth_stands_beside_the_estimate_only_where_it_is_known(study):
    table = truth_table(study, combine([estimate(study, truth=-0.01), estimate(study)]), "Truth")
    assert table.cells["Truth"].tolist() == ["−10.0"]
    assert table.cells["Interval holds the truth"].tolist() == ["yes"]
    assert "No truth" in str(truth_table(study, combine([estimate(study)]), "Truth"))


def test_findings_are_listed_worst_first_and_none_is_said(study):
    found = [
        finding("walsall", "fail", "note"),
        finding("walsall", "fail", "block"),
        finding("walsall", "pass"),
    ]
    content = findings_table(
        publish_findings(findings_frame(found), study.disclosure), load_check_words(), "Found"
    )
    assert content.cells["What follows"].tolist() == ["stops estimation", "noted"]
    passed = publish_findings(findings_frame([finding("walsall", "pass")]), study.disclosure)
    assert findings_table(passed, load_check_words(), "Found") is None


def test_the_baseline_table_shows_both_arms_and_hides_small_groups(study):
    counts = publish_descriptives(
        descriptives_frame(MODEL, ("walsall", "swindon"), np.random.default_rng(2)), study.disclosure
    )
    content = baseline_table(counts, "walsall", "Children")
    assert list(content.cells)[:2] == ["Level", "Before go-live"] and len(content.cells) == 6
    shown = content.cells["Before go-live"].str.replace(",", "")
    assert all(text == "[c]" or int(text) == 0 or int(text) >= 10 for text in shown)


def test_the_love_plot_tells_known_from_missing_by_shape_and_moves_its_band_with_the_study(study):
    levels = descriptives_frame(MODEL, ("walsall", "swindon"), np.random.default_rng(2))
    counts = publish_differences(levels, study.disclosure)
    narrow, wide = (love_plot(counts, reference, "Trial") for reference in (0.05, 0.3))
    bands = [drawing.chart["layer"][0]["data"]["name"] for drawing in (narrow, wide)]
    ends = [drawing.chart["datasets"][name] for drawing, name in zip((narrow, wide), bands, strict=True)]
    assert ends == [[{"low": -0.05, "high": 0.05}], [{"low": -0.3, "high": 0.3}]]
    shapes = {part["shape"] for part in walk(wide.chart) if "shape" in part}
    assert shapes == {"circle", "diamond"} and set(wide.cells["Kind"]) == {KNOWN, ABSENT}
    drawn = counts.frame[(counts.frame["authority"] == "all") & (counts.frame["level"] != WHOLE)]
    texts = wide.cells["Standardised difference"].tolist()
    assert [text == "[c]" for text in texts] == drawn["suppressed"].tolist()
    outside = drawn["difference"].abs().gt(0.05).sum()
    assert f"{outside} outside the band of 0.05" in narrow.alt


def test_the_table_of_differences_has_one_row_a_covariate_and_one_column_an_authority(study):
    levels = descriptives_frame(MODEL, ("walsall", "swindon"), np.random.default_rng(2))
    counts = publish_differences(levels, study.disclosure)
    content = differences_table(counts, study, "Differences")
    assert list(content.cells) == ["Covariate", "All", "Walsall", "Swindon"]
    whole = counts.frame[(counts.frame["level"] == WHOLE) & (counts.frame["authority"] == "all")]
    assert content.cells["All"].tolist() == [f"{value:.2f}" for value in whole["difference"]]


def test_shares_by_authority_stand_as_before_to_after_and_shares_of_all_children_are_flagged(study):
    rows = [
        (MODEL, slug, exposed, "gender", level, n * times, 1000 * times)
        for slug, times in (("walsall", 1), ("swindon", 1), ("all", 2))
        for exposed in (0, 1)
        for level, n in (("Male", 1000 if exposed else 750), ("Female", 0 if exposed else 250))
    ]
    columns = ["model", "authority", "exposed", "variable", "level", "n", "total"]
    counts = publish_descriptives(pd.DataFrame(rows, columns=columns), study.disclosure)
    content = authorities_table(counts, study, "Children")
    assert content.cells["Walsall"].tolist() == ["75% to 100%", "25% to 0%"]
    own = baseline_table(counts, "walsall", "X")
    for notes, said in ((content.notes, "as 4 shares are here"), (own.notes, "as 2 shares are here")):
        text = " ".join(notes)
        assert said in text and "need not add up to 100%" in text and "checker" not in text


def test_the_outcome_table_shows_events_only_where_enough_stand_behind_a_level(study):
    wedge, outcome = wedge_of(study, MODEL), study.primary(MODEL)
    design = wedge.design_table().assign(n_children=300, n_events=15.0, value_sum=15.0)
    design.loc[design["authority"] == "walsall", "n_events"] = 1.0
    counts = publish_rates(design, wedge, study.disclosure)
    cells = outcome_table(counts, study, outcome, 18, "Outcome").cells
    hidden = cells["With the outcome"] == "[c]"
    # Walsall's one and five events; without the fifteen of Swindon's last period the six would be known.
    assert cells.loc[hidden, "Local authority"].tolist() == ["Walsall", "Walsall", "Swindon"]
    assert (cells["Per 1,000"].eq("[c]") == hidden).all() and set(cells.loc[~hidden, "Per 1,000"]) == {"50"}


def test_rare_combinations_have_a_bar_together_and_no_dots(drawn):
    drawing = drawn["together"]
    named = drawing.data["pattern"].tolist()
    dots = [row for rows in drawing.chart["datasets"].values() for row in rows if "lacks" in row]
    assert named[-1] == OTHERS and len({row["row"] for row in dots}) == len(named) - 1
    assert drawing.cells["Missing"].tolist()[-1] == "Any other combination"


def test_lockdowns_are_numbered_and_named_and_go_live_is_written(drawn):
    drawing = drawn["monthly"]
    texts = [row for rows in drawing.chart["datasets"].values() for row in rows]
    assert {row["number"] for row in texts if "number" in row} == {"1", "2", "3"}
    assert any(row.get("text") == "go-live" for row in texts)
    assert "1, first lockdown, 2, second lockdown and 3, third lockdown" in drawing.subtitle


@pytest.mark.parametrize("model", ["family_safeguarding", "family_valued", "no_wrong_door"])
def test_the_words_of_a_go_live_begin_at_its_bar_and_end_on_the_axis(model: str, study):
    chart = wedge_diagram(study, wedge_of(study, model)).chart
    marks = [part for part in walk(chart) if part.get("encoding", {}).get("x", {}).get("field") == "go_live"]
    assert [part["mark"]["align"] for part in marks] == ["left"] and "dx" not in marks[0]["mark"]
    scales = [part["scale"] for part in walk(chart) if "domain" in part.get("scale", {})]
    end = pd.Timestamp("{year}-{month}-{date}".format(**scales[0]["domain"][1]))
    start = pd.Timestamp(wedge_of(study, model).window_start)
    for row in chart["datasets"][marks[0]["data"]["name"]]:
        left = (pd.Timestamp(row["go_live"]) - start) / (end - start) * 390
        assert left + 5.6 * len(row["text"]) <= 391


def test_months_that_a_quarter_covers_are_not_called_confidential(study):
    months = pd.date_range("2020-01-01", periods=6, freq="MS")
    flows = [2.0, 2.0, 2.0, 40.0, np.nan, 40.0]
    monthly = pd.DataFrame({"month": months, "looked_after_at_month_end": 500.0, "newly_looked_after": flows})
    monthly.loc[3, "looked_after_at_month_end"] = np.nan
    stocks, sums = ["looked_after_at_month_end"], ["newly_looked_after", "new_referrals"]
    more = monthly.assign(new_referrals=100.0)
    counts = publish_monthly(more, stocks, sums, study.disclosure)
    everything = {"newly_looked_after": "Newly", "looked_after_at_month_end": "Stock", "new_referrals": "New"}
    shown = _monthly_cells(counts.frame, everything)
    assert shown["Newly"].tolist() == ["[z]", "[c]", "[z]", "[z]", "[x]", "[z]"]
    assert shown["New"].tolist() == ["[z]", "300", "[z]", "[z]", "300", "[z]"]
    assert shown["Stock"].tolist() == ["500", "500", "500", "[x]", "500", "500"]


def test_levels_over_time_carry_their_interval_in_the_table_and_say_what_they_come_from(drawn):
    drawing = drawn["trajectories"]
    cells = drawing.cells
    assert cells["95% interval"].str.fullmatch(r"\d+ to \d+|\[c\]").all()
    assert "computed from the rounded counts" in drawing.source


@pytest.mark.parametrize(
    ("ages", "groups"),
    [
        ((0, 12), ["Unborn", "Under 1", "1 to 4", "10 to 12"]),
        ((12, 17), ["12 to 15", "16 to 17"]),
        ((0, 17), ["Unborn", "Under 1", "1 to 4", "10 to 15", "16 to 17"]),
    ],
)
def test_age_groups_that_no_child_of_the_sample_can_have_are_left_out(ages, groups, study):
    levels = ["unborn", "under 1", "1 to 4", "10 to 15", "16 to 17"]
    rows = [(MODEL, "all", exposed, "age_group", level, 50, 250) for exposed in (0, 1) for level in levels]
    rows += [(MODEL, "all", exposed, "factor_1b", "has", 50, 250) for exposed in (0, 1)]
    columns = ["model", "authority", "exposed", "variable", "level", "n", "total"]
    counts = publish_descriptives(pd.DataFrame(rows, columns=columns), study.disclosure)
    content = baseline_table(counts, "all", "Children", ages)
    words = content.cells["Level"].tolist()
    assert words[:-1] == [f"Age group: {group}" for group in groups]
    assert words[-1] == "Alcohol misuse by a parent (1B): Has"


def test_charts_of_checks_write_numbers_with_separators_and_hand_on_no_place_of_drawing():
    made = [finding("walsall", "fail")] + [finding("walsall", "pass")] * 1234
    drawing = findings_bars(findings_frame(made), LAYERS, "Walsall")
    assert "1 of 1,235 checks" in drawing.title and "1,234 of 1,235 passed" in drawing.alt
    assert "1,234 passed" in json.dumps(drawing.chart)
    assert list(drawing.data) == ["layer", "kind", "n"]


def test_codes_of_factors_keep_their_letters_in_words_beside_a_chart(study):
    rows = [("walsall", "factor_4b", 0.4, False, 40), ("walsall", "factor_1b", 0.1, False, 10)]
    shares = pd.DataFrame(rows, columns=["authority", "variable", "share", "suppressed", "n"])
    heat = missing_heat(published(shares, "missing", study.disclosure), study, "All")
    periods = shares.assign(total=100, period=1, period_start="2020-01-01")
    grid = missing_periods(published(periods, "missing by period", study.disclosure), study, "All")
    for drawing in (heat, grid):
        assert "(mental health of a parent (4B), " in drawing.alt
