"""Counts near others: hidden everywhere or nowhere, not in the main estimate, not taken for small."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from report_frames import MODEL, estimate, exact

from sfpc_book.estimate.estimate import combine
from sfpc_book.report.disclosure import publish_estimates
from sfpc_book.report.disclosure_near import hide_near
from sfpc_book.report.method_rows import together
from sfpc_book.report.page_results import read_estimates, record_of
from sfpc_book.report.reliability import doubt_of
from sfpc_book.report.tables import estimates_table, truth_table
from sfpc_book.report.tables_methods import exact_table
from sfpc_book.study.study import Study, load_study

WALSALL = {"analysis": "leave_out", "term": "without_walsall"}


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


@pytest.fixture(scope="module")
def rows(study) -> pd.DataFrame:
    """A main estimate, two with its counts, one on nearly the same children; another outcome and horizon."""
    return combine(
        [
            estimate(study, truth=-0.01),
            exact(study),
            estimate(study, analysis="panel_two_way_cr2"),
            estimate(study, **WALSALL, n_children=5096, n_events=250),
            estimate(study, "days_on_plan", n_children=5800, n_events=None),
            estimate(study, "days_on_plan", **WALSALL, n_children=5400, n_events=None),
            estimate(study, horizon=36, n_children=2900),
            estimate(study, horizon=36, **WALSALL, n_children=2000, n_events=100),
            estimate(study, analysis="leave_out", term="without_swindon", n_children=4000, n_events=200),
        ]
    )


def published(study: Study, rows: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The rows as another chapter reads them back."""
    path = folder / "estimates.csv"
    path.write_text(
        record_of(publish_estimates(hide_near(rows, rows, study.disclosure), study.disclosure)).csv
    )
    return read_estimates(path)


def test_a_count_hidden_for_one_outcome_is_hidden_for_all_with_the_same_children(study, rows):
    hidden = hide_near(rows, rows.iloc[:1], study.disclosure)
    assert hidden["n_children"].isna().tolist() == [False] * 3 + [True, False, True, False, True, False]
    assert hidden["n_events"].isna().tolist() == [False] * 3 + [True, True, True, False, True, False]
    assert hide_near(rows.iloc[5:6], rows, study.disclosure)["n_children"].isna().all()
    pd.testing.assert_frame_equal(hidden.drop(columns=["n_children", "n_events"]),
                                  rows.drop(columns=["n_children", "n_events"]))  # fmt: skip


def test_counts_are_compared_as_published_so_that_a_rounded_reference_gives_the_same(study, rows):
    rules = study.disclosure
    raw = publish_estimates(hide_near(rows, rows, rules), rules)
    short = publish_estimates(hide_near(rows, publish_estimates(rows, rules), rules), rules)
    pd.testing.assert_frame_equal(raw, short)
    pd.testing.assert_frame_equal(raw, publish_estimates(hide_near(raw, raw, rules), rules))


def test_the_table_and_the_record_of_a_chapter_hide_the_same_counts(study, rows):
    rules = study.disclosure
    table = estimates_table(study, rows, "All").data.sort_index()
    record = publish_estimates(hide_near(rows, rows.iloc[:1], rules), rules)
    pd.testing.assert_frame_equal(table[["n_children", "n_events"]], record[["n_children", "n_events"]])


def test_the_table_of_exact_tests_has_no_counts_and_leaves_parts_left_out_to_the_sensitivities(study, rows):
    left = exact(study, analysis="leave_out_randomisation", term="without_walsall", n_children=5096)
    table = exact_table(study, combine([exact(study), left]), MODEL, "looked_after", 18, "Exact tests")
    assert len(table.cells) == len(table.data) == 1
    assert not {"n_children", "n_events"} & set(table.data)


def test_main_estimates_read_back_are_not_taken_for_small(study, rows, tmp_path):
    back = published(study, rows, tmp_path)
    main = back[~back["analysis"].eq("leave_out") & back["outcome"].eq("looked_after")]
    assert main["n_children"].notna().all() and main["n_events"].notna().all()
    assert [doubt_of(study, row) for row in main.itertuples()] == [""] * len(main)


def test_a_row_is_judged_by_a_count_that_another_table_knows(study, rows, tmp_path):
    back = published(study, rows, tmp_path)
    whole = together(back, rows)
    assert len(whole) == len(rows) and whole["n_children"].notna().all()
    assert not any(doubt_of(study, row) for row in whole.itertuples())


def test_whether_an_interval_that_cannot_be_read_holds_the_truth_is_left_open(study, rows):
    small = estimate(study, "return_to_statutory_services", truth=-0.01, n_children=200, n_events=4)
    cells = truth_table(study, combine([estimate(study, truth=-0.01), small]), "Truth").cells
    assert cells["Interval holds the truth"].tolist() == ["yes", "[z]"]
    assert cells["Estimate (interval)"].str.startswith("[u]").tolist() == [False, True]
