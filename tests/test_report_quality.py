"""Findings in order: many returns on one line, what follows for a trial, and authorities ranked by a rule."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import pytest
from report_frames import panel_frame

from sfpc_book.contracts.check_words import ASK_OF_A_CHECK_WITHOUT_WORDS, load_check_words
from sfpc_book.contracts.finding import Finding, findings_frame
from sfpc_book.errors import ContractError
from sfpc_book.report.charts_quality import MOST_ROWS, attention_bars, kinds_grid
from sfpc_book.report.disclosure import PublishedCounts, published
from sfpc_book.report.disclosure_returns import publish_findings, publish_followed
from sfpc_book.report.drawing import Absence
from sfpc_book.report.figure import figure_of
from sfpc_book.report.findings import amount, finding_text, return_words, without_place
from sfpc_book.report.quality import quality_frame
from sfpc_book.report.sentences_data import findings_sentences
from sfpc_book.report.sentences_returns import (
    attention_sentences,
    consequence_sentences,
    followed_sentences,
    linked_sentence,
    span_sentences,
    worst_columns_sentence,
)
from sfpc_book.report.table import table_of
from sfpc_book.report.tables_findings import findings_table, oddities_table
from sfpc_book.report.tables_quality import kinds_table, ranking_table, severities_table
from sfpc_book.study.study import load_study

PACKAGE = Path(__file__).resolve().parents[1] / "sfpc_book"
MODEL = "family_safeguarding"
WORDS = load_check_words()
MONTHS = ("nov20", "apr21", "nov21", "apr22", "nov22", "apr23", "nov23", "apr24")
PLAIN = Finding("missing", "dr2_referrals.gender", "fail", "mark", 0.31, 0.1, "share of rows", "40 rows",
                "walsall", "dr2", column="gender", count=40)  # fmt: skip


@pytest.fixture(scope="module")
def study():
    return load_study()


@pytest.fixture(scope="module")
def names(study) -> dict[str, str]:
    return {slug: study.authorities[slug].name for slug in study.models[MODEL].trial_authorities}


def safe(*findings: Finding) -> PublishedCounts:
    return publish_findings(findings_frame(findings), load_study().disclosure)


def failed(check: str, severity: str = "mark", authority: str = "walsall", **changes: object) -> Finding:
    return replace(PLAIN, check=check, severity=severity, authority=authority, **changes)


def missing(**shares: float | None) -> PublishedCounts:
    """Published shares of missing values of one column, by authority; None is hidden."""
    rows = [(slug, "gender", share, share is None) for slug, share in shares.items()]
    frame = pd.DataFrame(rows, columns=["authority", "variable", "share", "suppressed"])
    return published(frame.astype({"share": float}), "missing", load_study().disclosure)


def test_the_same_check_in_eight_returns_is_one_line_with_the_returns_named():
    sheet = "DR2 - Data"
    rows = [
        replace(PLAIN, file=f"walsall_dr2_{month}.xlsx", sheet=sheet, count=20 + place * 10,
                measured=0.2 + place / 100, text=f"walsall_dr2_{month}.xlsx, sheet '{sheet}': {place} 0 rows")
        for place, month in enumerate(MONTHS)
    ]  # fmt: skip
    content = findings_table(safe(*rows, failed("key", "block")), WORDS, "Found")
    assert content.cells["What follows"].tolist() == ["stops estimation", "marked"]
    line = content.cells.iloc[1]
    assert (
        "Nov 2020, Apr 2021, Nov 2021, Apr 2022, Nov 2022, Apr 2023, Nov 2023 and Apr 2024" in line["Where"]
    )
    assert line["Measured"] == "27% of rows" and line["Allowed"] == "at most 10% of rows"
    assert line["What was found"].endswith("(the largest of 8 places; the data file lists each)")
    assert len(content.data) == 9, "the file lists each finding"


def test_another_column_or_kind_of_return_is_another_line():
    rows = [PLAIN, replace(PLAIN, column="ethnicity"), replace(PLAIN, layer="dr3")]
    assert len(findings_table(safe(*rows), WORDS, "Found").cells) == 3


def test_oddities_and_repairs_stand_apart_from_failures():
    odd = failed("cell_forms", status="info", measured=None, limit=None, unit="")
    repair = failed("correction", status="info", subject="walsall-gender", text="Correction: why, who, when")
    counts = safe(odd, repair)
    assert findings_table(counts, WORDS, "Found") is None
    assert oddities_table(counts, WORDS, "Odd").cells["Oddity"].tolist() == ["Values written in several ways"]
    assert oddities_table(safe(repair), WORDS, "Odd") is None


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.31, "share of rows", "31% of rows"),
        (0.004, "share of rows", "0.4% of rows"),
        (0.0, "share of rows", "0% of rows"),
        (1.0, "share of children", "100% of children"),
        (1.0, "months", "1 month"),
        (12.0, "months", "12 months"),
        (None, "rows", "[z]"),
        (2.5, "", "2.500"),
    ],
)
def test_a_measurement_is_said_in_its_unit(value: float | None, unit: str, words: str):
    assert amount(value, unit) == words


def test_a_hidden_measurement_is_confidential_and_its_limit_has_no_direction():
    line = findings_table(safe(replace(PLAIN, count=4, measured=0.004)), WORDS, "Found").cells.iloc[0]
    assert line["Measured"] == "[c]" and line["Allowed"] == "10% of rows"


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("walsall_dr2_nov22.xlsx", "Nov 2022"),
        ("walsall_dr1_apr21 (3).xlsx", "Apr 2021"),
        ("warrington_dr2_nov23_care.xlsx", "Nov 2023"),
        ("walsall november.xlsx", "walsall november.xlsx"),
    ],
)
def test_a_return_is_named_by_its_month_or_else_by_its_file(file: str, words: str):
    assert return_words(file) == words


def test_the_place_is_taken_off_the_text_only_where_it_begins_it():
    assert without_place("a.xlsx, sheet 'S': it is so", "a.xlsx", "S") == "It is so"
    assert without_place("a.xlsx: it is so", "a.xlsx", float("nan")) == "It is so"
    assert without_place("in a.xlsx: it is so", "a.xlsx", "S") == "In a.xlsx: it is so"


RANKS = {
    "more checks that stop": (
        [
            failed("key", "block", "walsall"),
            failed("key", "block", "swindon"),
            failed("type", "block", "swindon"),
        ],
        {},
        ["swindon", "walsall"],
    ),
    "stopping before marking": (
        [
            failed("key", "mark", "walsall"),
            failed("type", "mark", "walsall"),
            failed("key", "block", "swindon"),
        ],
        {},
        ["swindon", "walsall"],
    ),
    "the same check twice counts once": (
        [failed("key", "mark", "swindon", column="a"), failed("key", "mark", "swindon", column="b")],
        {"walsall": 0.5, "swindon": 0.1},
        ["swindon", "walsall"],
    ),
    "notes do not count": ([failed("key", "note", "swindon")], {}, ["walsall", "swindon"]),
    "then the largest share": ([], {"walsall": 0.1, "swindon": 0.2}, ["swindon", "walsall"]),
    "not linked is a share too": (
        [failed("link_rate", authority="swindon", status="pass", unit="share of children", measured=0.7)],
        {"walsall": 0.1, "swindon": 0.1},
        ["swindon", "walsall"],
    ),
    "hidden counts as zero": ([], {"walsall": 0.01, "swindon": None}, ["walsall", "swindon"]),
    "ties by the wedge": ([], {"walsall": 0.2, "swindon": 0.2}, ["walsall", "swindon"]),
}


@pytest.mark.parametrize("case", RANKS)
def test_authorities_are_ranked_by_the_declared_rule(case: str):
    findings, shares, order = RANKS[case]
    frame = quality_frame(safe(*findings), missing(**shares), ["walsall", "swindon"])
    assert frame["authority"].tolist() == order and frame["place"].tolist() == [1, 2]


def several(*, block: bool = False) -> PublishedCounts:
    """Findings of two authorities, one of each kind, with months and a correction."""
    return safe(
        failed("key", "block" if block else "mark"),
        failed("key", "note", column="other"),
        failed("type", "note", "swindon"),
        failed("cell_forms", "note", "swindon", status="info"),
        failed("correction", "note", "swindon", status="info"),
        failed("referral_gap", authority="swindon", unit="months", measured=3.0, limit=0.0, column=None),
        failed("return_missing", authority="swindon", unit="returns", measured=2.0, limit=0.0, column=None),
        failed("link_rate", status="pass", unit="share of children", measured=0.93, column=None, count=70),
        failed(
            "link_rate", "mark", "swindon", status="pass", unit="share of children", measured=0.99, count=3
        ),
    )


def test_the_ranking_table_has_every_measure_and_hides_small_counts(names):
    content = ranking_table(several(), missing(walsall=0.26, swindon=None), names, "Ranked")
    table = table_of(content, "page-ranking", "synthetic")
    rows = table.frame.set_index("Local authority")
    assert rows.index.tolist()[:2] == ["Swindon", "Walsall"] and len(rows) == 5
    assert rows.loc["Swindon", ["Stop", "Mark", "Note"]].tolist() == ["0", "2", "1"]
    assert rows.loc["Walsall", ["Stop", "Mark", "Note"]].tolist() == ["0", "1", "0"]
    assert rows.loc["Swindon", "Not linked"] == "[c]" and rows.loc["Walsall", "Not linked"] == "7%"
    assert rows.loc["Swindon", "Missing"] == "[c]" and rows.loc["Walsall", "Missing"] == "26%"
    assert rows.loc["Swindon", ["Months missing", "Returns missing", "Repairs"]].tolist() == [
        "3",
        "2",
        "1",
    ]
    assert rows.loc["Lancashire", "Missing"] == "[x]"
    assert "stop estimation come first" in " ".join(table.notes)


def test_the_overview_names_every_check_and_what_follows_where(names):
    table = kinds_table(several(block=True), names, WORDS, "Kinds").cells.set_index("Check")
    assert table.index[0] == "Records that are not told apart"
    assert table.iloc[0][["Walsall", "Swindon"]].tolist() == ["stops estimation", "none"]
    assert table.loc["Values written in several ways", "Swindon"] == "read by a rule"
    assert "Correction applied" not in table.index
    severities = severities_table(several(block=True), names, "Severities").cells
    assert severities["Authorities"].tolist() == ["1 of 5", "1 of 5", "1 of 5", "1 of 5"]
    assert kinds_table(safe(), names, WORDS, "None") is None


@pytest.mark.parametrize(
    ("changes", "explained"),
    [({}, True), ({"column": "gender"}, False), ({"sheet": "Other"}, False), ({"unit": "cells"}, False)],
)
def test_a_reworded_header_is_no_oddity_where_a_correction_names_its_column(
    changes: dict, explained: bool, names
):
    place = {"file": "walsall_dr2_nov21.xlsx", "sheet": "Sheet", "column": "disability", "status": "info"}
    reworded, forms = (failed(check, "note", **place) for check in ("column_reworded", "cell_forms"))
    repair = failed("correction", "note", **{**place, "unit": "columns", **changes})
    counts, left = safe(reworded, forms, repair), 1 if explained else 2
    assert len(oddities_table(counts, WORDS, "Odd").cells) == left
    assert len(kinds_table(counts, names, WORDS, "Kinds").cells) == left
    passed = failed("type", status="pass")
    said = findings_sentences(findings_frame([passed, reworded, forms, repair]), "Walsall")
    assert said.endswith("1 oddity was read by a rule." if explained else "2 oddities were read by a rule.")


def test_a_check_that_found_nothing_is_told_from_one_that_was_not_made(names):
    counts = safe(
        failed("type"),
        failed("type", authority="swindon", status="pass"),
        failed("type", authority="wandsworth", status="not_applicable"),
        failed("key", "note", authority="wandsworth"),
        failed("cell_forms", "note", status="info", authority="swindon"),
    )
    table = kinds_table(counts, names, WORDS, "Kinds")
    cells = table.cells.set_index("Check")
    order = ["Walsall", "Swindon", "Wandsworth", "Lancashire"]
    assert cells.loc["Cells of another type", order].tolist() == ["marked", "none", "[x]", "[x]"]
    assert cells.loc["Values written in several ways", order].tolist() == [
        "none", "read by a rule", "none", "[x]",
    ]  # fmt: skip
    assert not cells.eq("[z]").any(axis=None) and "[x] where it was not made" in table.notes[0]


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"gender": 0.1, "factor_1b": 0.3, "factor_2b": 0.3}, "Factors of the assessment (not assessed)"),
        ({"gender": 0.1, "factor_1b": 0.2, "factor_2b": 0.3}, "Drug misuse by a parent (2B)"),
        ({"gender": 0.4, "factor_1b": 0.3, "factor_2b": 0.3}, "Gender"),
    ],
)
def test_factors_that_are_missing_together_are_named_as_one(shares: dict, words: str, names):
    rows = [("walsall", name, share, False) for name, share in shares.items()]
    frame = pd.DataFrame(rows, columns=["authority", "variable", "share", "suppressed"])
    counts = published(frame, "missing", load_study().disclosure)
    said = worst_columns_sentence(quality_frame(safe(), counts, ["walsall"]), names)
    assert said == f"Most values are missing in: {words} (Walsall)."


def test_the_sentence_on_checks_tells_results_kinds_of_check_and_oddities_apart():
    passed = failed("type", status="pass")
    odd = [failed("cell_forms", "note", status="info", column=column) for column in ("a", "a", "b")]
    quiet = findings_sentences(findings_frame([passed, passed, *odd]), "Walsall")
    assert quiet.startswith("2 checks were made of what Walsall sent; they found nothing to stop, mark or")
    assert quiet.endswith("2 oddities were read by a rule.") and "0 found" not in quiet
    found = [failed("key", column=column) for column in ("a", "b")] + [failed("type", "note", "swindon")]
    said = findings_sentences(findings_frame([passed, *found]), "the trial")
    assert "4 checks were made" in said and "3 found something to stop, mark or note" in said
    assert "counted once for an authority, 2 found something." in said and "oddit" not in said


@pytest.mark.parametrize("made", ["attention", "kinds"])
def test_a_chart_of_data_quality_is_valid_and_does_not_rest_on_colour(made: str, names):
    counts = several(block=True)
    drawing = (
        attention_bars(counts, missing(walsall=0.2), names, "Trial")
        if made == "attention"
        else kinds_grid(counts, names, WORDS, "Trial")
    )
    alt.Chart.from_dict(drawing.chart, validate=True)
    figure = figure_of(drawing, f"page-{made}", "synthetic")
    assert len(figure.title.split()) <= 15 and 'data-status="synthetic"' in figure.html()
    written = {
        row.get("word") or row.get("text") for rows in drawing.chart["datasets"].values() for row in rows
    }
    assert {"stops", "marked", "noted"} <= written or "1 stops estimation" in written
    assert not {"n_children", "count", "measured"} & set(drawing.data)


def test_a_long_grid_is_cut_and_says_so(names):
    many = [failed(f"check_{number}") for number in range(MOST_ROWS + 5)]
    drawing = kinds_grid(safe(*many), names, WORDS, "Trial")
    assert drawing.data["check"].nunique() == MOST_ROWS
    assert f"{MOST_ROWS} gravest of {MOST_ROWS + 5}" in drawing.subtitle


def test_nothing_found_is_said_and_not_drawn(names):
    assert isinstance(attention_bars(safe(), missing(), names, "Trial"), Absence)
    assert isinstance(kinds_grid(safe(), names, WORDS, "Trial"), Absence)
    quality = quality_frame(safe(), missing(), list(names))
    assert attention_sentences(quality, names) == "No check stops estimation. No data are marked."


def own_panel(study, slug: str, *, empty: tuple[str, ...] = (), cause: str = "n_not_linked") -> pd.DataFrame:
    """The rows of one authority in the panel of the main sample; no child counts for the outcomes `empty`."""
    panel = panel_frame(study, MODEL, np.random.default_rng(1))
    own = panel[(panel["authority"] == slug) & (panel["horizon"] == study.horizons[0])].copy()
    gone = own["outcome"].isin(empty)
    own.loc[gone, cause] += own.loc[gone, "n_children"]
    own.loc[gone, "n_children"] = 0
    return own


def excluded(*slugs: str) -> pd.DataFrame:
    return pd.DataFrame({"model": MODEL, "authority": list(slugs), "reason": "why"})


def test_a_blocked_authority_leaves_every_estimate_and_the_chapter_says_so(study):
    walsall = study.authorities["walsall"]
    panel = own_panel(study, "walsall")
    text = consequence_sentences(study, walsall, several(block=True), excluded("walsall"), WORDS, panel=panel)
    assert "**Blocked** (Records that are not told apart): Walsall is left out of every estimate" in text
    assert "one authority fewer" in text
    kept = consequence_sentences(study, walsall, safe(), excluded(), WORDS, panel=panel)
    assert "**Blocked**: by no check" in kept and "no check marks its data" in kept


@pytest.mark.parametrize("graver", ["mark", "block"])
def test_what_is_noted_is_named_though_the_same_check_also_found_something_graver(graver: str, study):
    both = safe(failed("key", graver), failed("key", "note", column="other"))
    panel = own_panel(study, "walsall")
    text = consequence_sentences(study, study.authorities["walsall"], both, excluded(), WORDS, panel=panel)
    assert "**Noted** for the data owner: Records that are not told apart." in text


def test_a_check_that_marks_two_tables_stands_once_under_a_name_that_holds_for_both(study):
    care, plans = (
        failed("care_outside_coverage", layer="dr3", subject=f"{table}.start", column="start")
        for table in ("dr3_attendance", "dr3_plans")
    )
    walsall, panel = study.authorities["walsall"], own_panel(study, "walsall")
    text = consequence_sentences(study, walsall, safe(care, plans), excluded(), WORDS, panel=panel)
    assert text.count("Events outside the dates covered") == 1
    assert "Unauthorised absence" in text and study.outcomes["days_on_plan"].name in text


@pytest.mark.parametrize(
    ("layer", "subject", "reach"),
    [
        ("dr1", "dr1", "no estimate, but the monthly totals"),
        ("dr2", "dr2_referrals.gender", "every estimate of the trial"),
        ("dr3", "dr3", "every estimate of the trial"),
        ("dr3", "dr3_coverage", "every estimate of the trial"),
        ("dr3", "dr3_attendance.unauthorised_absence_share", "the estimates of “Unauthorised absence”"),
        ("dr3", "dr3_neet", "no estimate of the trial"),
    ],
)
def test_a_mark_names_the_estimates_it_bears_on(layer: str, subject: str, reach: str, study):
    counts = safe(failed("type", layer=layer, subject=subject))
    panel = own_panel(study, "walsall")
    text = consequence_sentences(study, study.authorities["walsall"], counts, excluded(), WORDS, panel=panel)
    assert f"Cells of another type (bears on {reach}" in text
    counts_children = "no estimate" not in reach
    assert ("are to be read with that in mind" in text) is counts_children
    assert "Not counted" not in text


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ("n_not_linked", "none is linked to the data of this outcome"),
        ("n_not_observed", "none that is linked is followed that long yet"),
        ("n_value_missing", "the value is missing for all that are linked"),
    ],
)
def test_outcomes_that_count_no_child_of_the_authority_are_named_and_no_estimate_is_promised(
    cause: str, said: str, study
):
    swindon = study.authorities["swindon"]
    counts = safe(failed("table_sent", layer="dr3", subject="dr3_plans", authority="swindon"))
    panel = own_panel(study, "swindon", empty=("days_on_plan", "plan_duration"), cause=cause)
    text = consequence_sentences(study, swindon, counts, excluded(), WORDS, panel=panel)
    plans, duration = (study.outcomes[name].name for name in ("days_on_plan", "plan_duration"))
    assert (
        f"**Not counted**: no child of Swindon counts for “{plans}” and “{duration}” (18 months; {said})."
        in text
    )
    assert f"Swindon does not count in the estimates of “{plans}” and “{duration}”" in text
    assert "bears on the estimates of" in text and "are to be read with that in mind" in text
    plan_tables = [name for name, known in study.outcomes.items() if "dr3_plans" in known.tables]
    panel = own_panel(study, "swindon", empty=tuple(plan_tables), cause=cause)
    text = consequence_sentences(study, swindon, counts, excluded(), WORDS, panel=panel)
    assert "Swindon does not count in the estimates of" in text
    assert "bears on" not in text and "in mind" not in text


def test_months_missing_are_listed_whether_their_check_passed_or_not():
    gap = failed("referral_gap", unit="months", measured=1.0, limit=0.0)
    quiet = failed("totals_gap", unit="months", measured=0.0, limit=0.0, status="pass")
    assert span_sentences(safe(gap, quiet), WORDS).splitlines() == [
        "- **Months of the trial window without a referral**: 1 month.",
        "- **Months without totals**: 0 months.",
    ]
    assert "No gap" in span_sentences(safe(), WORDS)


def test_the_share_followed_is_hidden_where_few_are_missing(study):
    outcome = study.primary(MODEL).id
    rows = [(18, 1000, 0), (36, 1000, 4), (48, 500, 500), (60, 3000, 10), (61, 6, 900)]
    frame = pd.DataFrame(rows, columns=["horizon", "n_followed", "n_not_observed"]).assign(
        authority="walsall", outcome=outcome, covered_to="2024-10-31", fully_observed_from="2025-11-24"
    )
    followed = publish_followed(frame, study.disclosure)
    assert followed.frame["suppressed"].tolist() == [False, True, False, False, True]
    lines = followed_sentences(study, followed, outcome, "Walsall").splitlines()
    shares = ["100% are", "all but few, or only few, are", "50% are", "more than 99% are", "all but few"]
    assert all(share in line for share, line in zip(shares, lines, strict=True)), lines
    assert not {"n_followed", "n_not_observed"} & set(followed.frame)


def test_the_share_linked_comes_from_the_published_flow(study):
    rows = [("children whose outcome is defined", 1545.0), ("children linked", 1525.0)]
    flow = pd.DataFrame(rows, columns=["box", "n"]).assign(authority="walsall", kind="kept")
    text = linked_sentence(published(flow, "flow", study.disclosure), "walsall", "Walsall")
    assert text.startswith("Of 1,545 children whose outcome is defined, 99% (1,525) are linked")
    nothing = published(flow[:0], "flow", study.disclosure)
    assert linked_sentence(nothing, "walsall", "Walsall").startswith("No child of Walsall can be shown")


CALLS = {
    "finding": 0,
    "Finding": 0,
    "_finding": 0,
    "_note": 1,
    "_notes": 2,
    "not_comparable": 0,
    "note": 0,
    "measure": 1,
    "_meta": 0,
    "_gap": 1,
}


def checks_in_code() -> set[str]:
    """Every check that is named where a finding is made, in reading and in contracts."""
    found = set()
    for path in [*(PACKAGE / "returns").glob("*.py"), *(PACKAGE / "contracts").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                place = CALLS.get(name, len(node.args))
                if place < len(node.args) and isinstance(node.args[place], ast.Constant):
                    found.add(str(node.args[place].value))
    return found


def test_every_check_of_the_code_has_words_and_one_without_is_spelt_out():
    checks = checks_in_code()
    assert {"unmapped", "missing", "link_rate", "correction", "duplicate_rows", "totals_gap"} <= checks
    assert sorted(checks - set(WORDS.checks)) == []
    assert WORDS.of("not_yet_named").name == "Not yet named"
    assert WORDS.of("not_yet_named").ask == ASK_OF_A_CHECK_WITHOUT_WORDS
    names = [text.name for text in WORDS.checks.values()]
    assert len(set(names)) == len(names)


def test_a_fault_in_the_words_is_named_with_its_line(tmp_path):
    (tmp_path / "check_words.yml").write_text(
        'checks:\n  key:\n    nam: "x"\n    ask: "y"\n', encoding="utf-8"
    )
    with pytest.raises(ContractError) as caught:
        load_check_words(tmp_path)
    assert any("check_words.yml, line 3" in problem for problem in caught.value.problems)


SAID = {
    "cells of a column": (
        "cell_errors", "'visits_out_of_schedule': 2 cell(s) show an error such as #N/A; they are unmapped",
        "“Visits out of schedule”: 2 cells show an error such as #N/A; they are unmapped",
    ),
    "columns without quotes": (
        "care_outside_coverage", "8 of 139 dates lie outside covered_from to covered_to of their child",
        "8 of 139 dates lie outside “Covered from” to “Covered to” of their child",
    ),
    "months": ("return_missing", "returns of monthly totals not sent: nov23, apr24",
               "Returns of monthly totals not sent: Nov 2023, Apr 2024"),
    "kind of return": ("file_month", "a dr2 return of jun22 was not asked for; it is read",
                       "A DR2 return of Jun 2022 was not asked for; it is read"),
    "one row": ("row_without_values", "1 row(s) hold nothing but their key and were left out",
                "1 row holds nothing but its key and was left out"),
    "one formula": ("formulas", "'month': 1 cell(s) are formulas; their saved results are read",
                    "“Month”: 1 cell is a formula; their saved results are read"),
    "a hidden number": ("hidden_rows", "fewer than 10 hidden row(s) hold records; they are read",
                        "Fewer than 10 hidden rows hold records; they are read"),
    "a header with levels": ("column_reworded", "'child_id' was read as 'Unauthorised absence {level}'",
                             "'child_id' was read as 'Unauthorised absence …'"),
    "a file": ("file_type", "walsall_dr2_nov22.xlsx: it is so", "Walsall_dr2_nov22.xlsx: it is so"),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_what_was_found_is_said_without_identifiers_short_months_or_brackets(case: str):
    check, text, words = SAID[case]
    row = pd.Series({"check": check, "text": text, "file": None, "sheet": None})
    assert finding_text(row) == words
