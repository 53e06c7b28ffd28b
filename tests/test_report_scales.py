"""Tables, sentences and charts of a model for each scale: difference first, counts protected."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from report_frames import MODEL, estimate, missing

from sfpc_book.book.estimates import with_truth
from sfpc_book.book.registry_page import registry_markdown
from sfpc_book.contracts.contract import load_contracts
from sfpc_book.estimate.estimate import Estimate, combine
from sfpc_book.report.charts_effect import horizons_forest
from sfpc_book.report.charts_scales import scales_forest
from sfpc_book.report.drawing import Absence
from sfpc_book.report.scale_rows import ratio_text, scale_models_of
from sfpc_book.report.scales import curves_table, joined, scales_sentences, scales_table, totals_table
from sfpc_book.report.sentences_lists import horizon_sentences
from sfpc_book.study.study import Study, load_study


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


def model_rows(study: Study, outcome: str, **changes: object) -> list[Estimate]:
    """The difference and the ratio of one outcome by a model for its scale."""
    analysis = scale_models_of(study, outcome)[0]
    poisson = study.analyses[analysis].method == "poisson"
    terms = (
        ("exposed", "log rate ratio") if poisson else ("standardised_log_risk_ratio", "log risk ratio"),
        ("standardised_rate_difference" if poisson else "standardised_risk_difference", None),
    )
    log = {"estimate": math.log(0.8), "conf_low": math.log(0.5), "conf_high": math.log(1.25)}
    rows = []
    for term, unit in terms:
        numbers = log | {"unit": unit} if unit else {}
        rows.append(estimate(study, outcome, analysis=analysis, term=term, **(numbers | changes)))
    return rows


def rows(study: Study) -> pd.DataFrame:
    names = ("looked_after", "days_on_plan", "unauthorised_absence")
    made = [row for name in names for row in model_rows(study, name)]
    absent = missing(
        study, "not_estimable: no event in authority walsall", outcome="plan_duration",
        analysis="scale_poisson", n_children=120,
    )  # fmt: skip
    total = {"outcome": "new_referrals", "horizon": None, "n_children": None, "n_events": None}
    totals = [
        Estimate(
            model=MODEL, analysis="totals_poisson", status="ok", term=term, unit=unit, estimate=value,
            conf_low=value - 1, conf_high=value + 1, df=3.2, p_value=0.4, **total,
        )
        for term, unit, value in (
            ("exposed", "log rate ratio", 0.1),
            ("standardised_rate_difference", "per 10,000 children", 2.0),
        )
    ]  # fmt: skip
    return combine([*made, absent, *totals])


def test_the_difference_stands_before_the_ratio_and_a_status_in_its_place(study) -> None:
    content = scales_table(study, rows(study), MODEL, 18, "Caption")
    columns = list(content.cells)
    assert columns.index("Difference (interval)") < columns.index("Ratio (interval)")
    by_name = content.cells.set_index("Outcome")
    care = by_name.loc["Becoming looked after"]
    assert care["Difference (interval)"] == "−6.0 (−24.0 to +12.0)"
    assert care["Ratio (interval)"] == "0.80 (0.50 to 1.25)"
    assert by_name.loc["Unauthorised absence", "Followed for"] == "three terms"
    plan = by_name.loc["Length of the first protection plan"]
    assert plan["Difference (interval)"] == "not estimable: no event in authority walsall"
    assert plan["Ratio (interval)"] == "[z]"


def test_no_table_shows_a_count_that_is_not_rounded_or_too_small(study) -> None:
    made = combine(
        [
            *model_rows(study, "looked_after", n_children=5103),
            *model_rows(study, "days_on_plan", n_children=7),
        ]
    )
    curve = combine([estimate(study, analysis="restricted_mean", unit="days", n_children=5103)])
    for content in (
        scales_table(study, made, MODEL, 18, "Caption"),
        curves_table(study, curve, MODEL, "Caption"),
    ):
        assert "5,103" not in content.cells.to_string() and "5103" not in content.data.to_string()
        assert content.cells["Children"].iloc[0] == "5,105"
    small = scales_table(study, made, MODEL, 18, "Caption").cells.set_index("Outcome")
    assert small.loc["Days on protection plans", "Children"] == "[c]"
    assert small.loc["Days on protection plans", "Ratio (interval)"] == "[u]"


def test_sentences_say_the_difference_first_and_why_there_is_none(study) -> None:
    said = scales_sentences(study, rows(study), MODEL, 18).splitlines()
    assert said[0].startswith("- **Becoming looked after**: about 6.0 fewer per 1,000 children (95% interval")
    assert said[0].endswith("as a ratio 0.80 (0.50 to 1.25).")
    assert "no event in authority walsall" in next(line for line in said if "Length" in line)
    assert scales_sentences(study, rows(study), MODEL, 36) == "No estimate has been recorded."


def test_totals_have_their_own_table_and_say_whom_they_count(study) -> None:
    content = totals_table(study, rows(study), MODEL, "Caption")
    assert content.cells["Outcome"].tolist() == ["New referrals"]
    assert content.cells["Children"].tolist() == ["[z]"]
    assert "not the children of the trial alone" in " ".join(content.notes)
    assert "averaged over the same children" not in " ".join(content.notes)
    assert "averaged over the same children" in " ".join(
        scales_table(study, rows(study), MODEL, 18, "Caption").notes
    )
    assert totals_table(study, rows(study).iloc[:2], MODEL, "Caption") is None


def test_ratios_that_the_data_do_not_bound_say_so(study) -> None:
    row = next(combine([estimate(study, conf_low=-9.0, estimate=2.0, conf_high=900.0)]).itertuples())
    assert ratio_text(row) == "7.39 (0.00 to over 1,000)"
    assert ratio_text(None) == "[z]"


def test_the_forest_has_the_linear_model_beside_the_right_one(study) -> None:
    linear = combine([estimate(study, name, analysis="panel_two_way_cr2") for name in ("looked_after",)])
    drawing = scales_forest(study, linear, rows(study), MODEL, 18)
    labels = drawing.cells["Row"].tolist()
    assert labels[:2] == ["Becoming looked after, linear", "Becoming looked after, logit"]
    assert "Unauthorised absence, fractional logit" in labels
    assert isinstance(scales_forest(study, linear, rows(study), MODEL, 36), Absence)


def test_the_same_children_stand_between_the_two_horizons(study) -> None:
    both = combine(
        [
            estimate(study),
            estimate(study, horizon=36, status="partly_observed", observed_share=0.57),
            estimate(study, sample="followed_longest"),
        ]
    )
    drawing = horizons_forest(study, both, MODEL, "panel_two_way")
    labels = drawing.cells["Row"].tolist()
    assert drawing.subtitle.startswith(study.analyses["panel_two_way"].name)
    name = "Becoming looked after"
    assert labels == [f"{name}, 18 months", f"{name}, 18 months, if followed 36", f"{name}, 36 months"]
    said = horizon_sentences(study, both, MODEL)
    assert said.index("18 months among the children followed for 36") < said.index("36 months: about")


def test_a_chapter_records_its_own_horizon_and_totals_once(study) -> None:
    main = combine([estimate(study)])
    shorter = joined(main, rows(study), 18, totals=True)
    longer = joined(main, rows(study), 36)
    assert len(shorter) == 1 + len(rows(study)) and len(longer) == 1
    assert (shorter["outcome"] == "new_referrals").sum() == 2


def test_truth_stands_only_beside_rows_about_the_same_thing_in_the_same_unit(study) -> None:
    kept = [
        estimate(study),
        estimate(study, analysis="risk_while_followed"),
    ]
    others = [
        *[row for row in model_rows(study, "looked_after") if row.unit.startswith("log")],
        estimate(study, analysis="restricted_mean", unit="days"),
        estimate(study, analysis="risk_to_18"),
        estimate(study, sample="followed_longest"),
        estimate(study, analysis="scale_logit", term="standardised_risk_difference"),
        estimate(study, analysis="panel_two_way_unweighted"),
        estimate(study, analysis="panel_two_way_cr2", n_clusters=4),
    ]
    table = combine([*kept, *others]).astype({"horizon": str, "truth": object})
    texts = table.assign(truth="")
    found = with_truth(texts, {(MODEL, "looked_after", "18", 0): (-0.02, 900.0)}, {MODEL: 5})[
        "truth"
    ].tolist()
    assert found == ["-0.02"] * len(kept) + [""] * len(others)


def test_the_registry_page_names_the_right_model_of_every_outcome(study) -> None:
    titles = {name: contract.title for name, contract in load_contracts().items()}
    page = registry_markdown(study, titles)
    outcomes = page.split("## Samples")[0]
    assert outcomes.count("Model for its scale\n: ") == len(study.outcomes)
    for name, outcome in study.outcomes.items():
        part = outcomes.split(f"### {outcome.name}\n")[1].split("### ")[0]
        for analysis in scale_models_of(study, name):
            assert study.analyses[analysis].name in part, name
    assert outcomes.count("Also restricted mean time") == 2
    assert "Caution\n: Totals hold all ages" in page
