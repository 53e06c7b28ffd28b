"""No count reaches a page but through disclosure control, and no published number gives a hidden one away."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_frames import MODEL, descriptives_frame, finding, flow_frame, panel_frame, repair, repairs

import sfpc_book
from sfpc_book.cohort.sample import INCLUDED, STEPS, flow_table
from sfpc_book.contracts.finding import Finding, findings_frame
from sfpc_book.errors import DisclosureError
from sfpc_book.report.charts_flow import flow_diagram
from sfpc_book.report.disclosure import (
    PublishedCounts,
    protected,
    publish_counts,
    publish_estimates,
    publish_monthly,
    shown,
)
from sfpc_book.report.disclosure_baseline import (
    publish_descriptives,
    publish_differences,
    signed_difference,
    standardised_difference,
)
from sfpc_book.report.disclosure_flow import publish_flow
from sfpc_book.report.disclosure_hidden import hide_in_groups
from sfpc_book.report.disclosure_patterns import OTHERS, publish_patterns
from sfpc_book.report.disclosure_periods import publish_cells, publish_missing
from sfpc_book.report.disclosure_rates import publish_rates
from sfpc_book.report.disclosure_returns import publish_findings, publish_reading, publish_repairs, safe_text
from sfpc_book.report.table import table_of
from sfpc_book.report.tables_children import baseline_table
from sfpc_book.report.tables_data import sent_table
from sfpc_book.report.tables_repairs import REPAIRS, repairs_table
from sfpc_book.returns.correction import Action
from sfpc_book.study.schema import Disclosure
from sfpc_book.study.study import load_study
from sfpc_book.study.wedge import wedge_of

RULES = Disclosure(threshold=10, rounding=5)
BOXES = [box for step in STEPS for box in step.excluded]


@pytest.fixture(scope="module")
def study(repository):
    return load_study(repository / "study.yml")


def test_small_counts_are_hidden_zero_is_shown_and_the_rest_is_rounded():
    assert shown(pd.Series(protected(pd.Series([0, 1, 9, 10, 12, 13, 1232]), RULES))) == [
        "0",
        "[c]",
        "[c]",
        "10",
        "10",
        "15",
        "1,230",
    ]


def test_published_counts_cannot_be_made_by_hand():
    with pytest.raises(DisclosureError, match="disclosure"):
        PublishedCounts(pd.DataFrame({"n": [3]}), "flow", 10, 5)
    safe = publish_counts(pd.DataFrame({"n": [3]}), ["n"], RULES)
    with pytest.raises(DisclosureError):
        dataclasses.replace(safe, frame=pd.DataFrame({"n": [3]}), made_by=None)


def test_charts_and_tables_refuse_raw_counts_and_counts_of_another_kind(study):
    flow = flow_frame(MODEL, "walsall", np.random.default_rng(1))
    with pytest.raises(DisclosureError, match="DataFrame"):
        flow_diagram(flow, "Walsall")  # type: ignore[arg-type]
    with pytest.raises(DisclosureError, match="counts of flow were passed"):
        baseline_table(publish_flow(flow, RULES), "all", "Children")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.integers(0, 40), min_size=len(BOXES) + 1, max_size=len(BOXES) + 1), min_size=1, max_size=4
    )
)
def test_a_flow_adds_up_and_its_totals_do_not_give_a_hidden_box(counts: list[list[int]]):
    names = [INCLUDED, *BOXES]
    flow = pd.concat(
        flow_table(pd.Series(np.repeat(names, numbers), dtype=object), MODEL, f"place_{place}")
        for place, numbers in enumerate(counts)
    )
    frame = publish_flow(flow, RULES).frame
    assert not frame["n"].between(1, RULES.threshold - 1).any()
    for place in range(len(counts)):
        own = frame[frame["authority"] == f"place_{place}"]
        _assert_adds_up(own)
    if len(counts) > 1:
        parts = frame[frame["authority"] != "all"]
        total = frame[frame["authority"] == "all"]
        sums = (
            parts.assign(n=parts["n"].fillna(RULES.rounding)).groupby(["step", "box"], sort=False)["n"].sum()
        )
        drawn = total.dropna(subset=["n"]).set_index(["step", "box"])["n"]
        # A hidden box stands in as one rounding step wherever it is summed, whatever its true size.
        kept = total.set_index(["step", "box"])["kind"].eq("excluded")
        assert (
            drawn[kept[kept].index.intersection(drawn.index)]
            == sums.loc[drawn.index.intersection(kept[kept].index)]
        ).all()


def _assert_adds_up(flow: pd.DataFrame) -> None:
    kept = flow[flow["kind"] == "kept"].set_index("step")["n"]
    left = flow[flow["kind"] == "excluded"].assign(n=lambda rows: rows["n"].fillna(RULES.rounding))
    left = left.groupby("step")["n"].sum()
    for step in kept.index[1:]:
        if np.isfinite([kept[step - 1], kept[step]]).all():
            assert kept[step - 1] == kept[step] + left.get(step, 0)


def test_the_published_flow_is_the_same_whatever_a_hidden_box_holds():
    def published(small: int) -> pd.DataFrame:
        boxes = np.repeat([INCLUDED, "no referral date", "age not known"], [500, small, 40])
        return publish_flow(flow_table(pd.Series(boxes, dtype=object), MODEL, "walsall"), RULES).frame

    pd.testing.assert_frame_equal(published(1), published(9))


def _flow_of(*held: tuple[int, int, int]) -> pd.DataFrame:
    """Flows of places with so many children included, without a referral date, of age not known."""
    names = [INCLUDED, "no referral date", "age not known"]
    return pd.concat(
        flow_table(pd.Series(np.repeat(names, numbers), dtype=object), MODEL, f"place_{place}")
        for place, numbers in enumerate(held)
    )


@pytest.mark.parametrize(
    ("ages", "said"),
    [((1, 2), "[c]"), ((9, 9), "[c]"), ((1, 0), "[c]"), ((0, 0), "0"), ((1, 20), "25")],
)
def test_few_left_out_of_several_places_are_not_shown_as_the_sum_of_what_stands_for_them(ages, said):
    counts = publish_flow(_flow_of(*[(500, 40, age) for age in ages], (600, 0, 0)), RULES)
    drawing = flow_diagram(counts, "all", "all")
    assert drawing.cells.set_index("Box").loc["Age not known", "Number"] == said


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=4)
)
def test_no_box_is_further_off_than_it_says(held):
    flow = _flow_of(*held)
    keys = ["authority", "step", "box"]
    true = pd.concat([flow, flow.groupby(["step", "box"], as_index=False)["n"].sum().assign(authority="all")])
    frame = publish_flow(flow, RULES).frame.merge(true[[*keys, "n"]], on=keys, suffixes=("", "_true"))
    shown_boxes = frame.dropna(subset=["n"])
    assert len(frame) == len(true) - len(flow) // len(held) * (len(held) == 1)
    assert ((shown_boxes["n"] - shown_boxes["n_true"]).abs() <= shown_boxes["within"]).all()


def test_a_flow_says_by_how_much_its_sums_can_be_off():
    # One rounded number and one box hidden of each of two places: off by 2 and 4 at most, twice.
    counts = publish_flow(_flow_of((500, 0, 1), (700, 0, 9)), RULES)
    assert "off by up to 12 children" in flow_diagram(counts, "all", "all").subtitle
    assert "off by up to 6 children" in flow_diagram(counts, "one", "place_0").subtitle
    assert "Tables that round" in flow_diagram(counts, "all", "all").subtitle


def test_one_hidden_cell_hides_the_smallest_other_cell_of_its_group():
    values = np.array([4.0, 30.0, 20.0, 0.0, 50.0, 60.0])
    hidden = values < 10
    hidden &= values > 0
    assert hide_in_groups(values, hidden, np.array([0, 0, 0, 0, 1, 1]), 10).tolist() == [
        True,
        False,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize("seed", range(5))
def test_no_hidden_level_can_be_had_by_subtraction(seed: int):
    slugs = ("walsall", "lancashire", "swindon")
    raw = descriptives_frame(MODEL, slugs, np.random.default_rng(seed))
    frame = publish_descriptives(raw, RULES).frame
    assert not frame["n"].between(1, RULES.threshold - 1).any()
    for _, levels in frame.groupby(["authority", "exposed", "variable"]):
        others = raw.loc[levels.index, "n"][~levels["suppressed"].to_numpy()]
        if levels["suppressed"].sum() == 1:  # then nothing else is above zero
            assert (others == 0).all()
    single = frame[frame["authority"] != "all"].groupby(["exposed", "variable", "level"])["suppressed"].sum()
    assert (single != 1).all()


def test_rates_are_pooled_until_large_enough_and_come_from_rounded_counts(study):
    wedge = wedge_of(study, MODEL)
    panel = panel_frame(study, MODEL, np.random.default_rng(3))
    rows = panel[(panel["outcome"] == "looked_after") & (panel["horizon"] == 18)]
    frame = publish_rates(rows, wedge, RULES).frame
    seen = frame[~frame["suppressed"]]
    assert (seen["n_events"] >= RULES.threshold).all() and (seen["n_children"] % 5 == 0).all()
    assert np.allclose(seen["rate"], seen["n_events"] / seen["n_children"])
    assert frame.groupby("authority")["periods"].sum().eq(wedge.n_periods).all()
    for slug, own in frame.groupby("authority"):
        assert own["span_start"].min() == pd.Timestamp(wedge.window_start)
        assert own.loc[own["exposed"] == 1, "span_start"].min() == pd.Timestamp(wedge.go_live[slug])


def test_a_rate_of_few_events_is_hidden_even_over_all_time(study):
    wedge = wedge_of(study, MODEL)
    design = wedge.design_table().assign(n_children=100, n_events=1.0, value_sum=1.0)
    frame = publish_rates(design, wedge, RULES).frame
    assert frame["suppressed"].all() and frame["rate"].isna().all() and frame["n_events"].isna().all()


def test_cells_show_the_sample_and_the_observed_and_zero_where_nobody_is_observed_yet(study):
    panel = panel_frame(study, MODEL, np.random.default_rng(3))
    rows = panel[(panel["outcome"] == "looked_after") & (panel["horizon"] == 36)].assign(n_not_linked=3)
    baseline = publish_descriptives(descriptives_of(rows), RULES)
    frame = publish_cells(rows, baseline, RULES).frame
    late = frame["period"] >= 4
    assert (frame.loc[late, "n_children"] == 0).all() and (frame["n_sample"] >= 150).all()
    assert (frame.loc[~late, "n_children"] == frame.loc[~late, "n_sample"] - 5).all()  # three stand as 5


def descriptives_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Descriptives of one covariate with a single level, of the children of a panel."""
    sizes = rows.assign(n=rows["n_children"] + rows["n_not_observed"] + rows["n_not_linked"])
    arms = sizes.groupby(["authority", "exposed"], as_index=False)["n"].sum()
    whole = arms.groupby("exposed", as_index=False)["n"].sum().assign(authority="all")
    both = pd.concat([arms, whole], ignore_index=True)
    return both.assign(model=MODEL, variable="gender", level="Male", total=both["n"])


def test_monthly_flows_are_summed_over_whole_quarters():
    months = pd.date_range("2020-01-01", periods=8, freq="MS")
    monthly = pd.DataFrame({"month": months, "stock": 100.0, "flow": 6.0})
    frame = publish_monthly(monthly, ["stock"], ["flow"], RULES).frame
    assert frame["flow"].dropna().tolist() == [20.0, 20.0]  # the third quarter lacks a month
    assert frame.loc[frame["flow"].notna(), "month"].dt.month.tolist() == [2, 5]


def test_counts_beside_estimates_are_protected_once_and_for_all(study):
    from report_frames import estimate, estimates

    table = publish_estimates(pd.concat([estimates(study), estimate(study, n_events=4).tidy()]), RULES)
    assert table["n_children"].dropna().mod(5).eq(0).all()
    assert table["n_events"].isna().iloc[-1]
    pd.testing.assert_frame_equal(table, publish_estimates(table, RULES))


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (
            "2 records: born more than 10 months after the referral",
            "fewer than 10 records: born more than 10 months after the referral",
        ),
        (
            "5 of 1358 identifiers link to no referral",
            "fewer than 10 of 1,360 identifiers link to no referral",
        ),
        (
            "x_dr2_nov22.xlsx, sheet 'DR2 - 7': 'factor_1b': 31 cell(s)",
            "x_dr2_nov22.xlsx, sheet 'DR2 - 7': 'factor_1b': 30 cell(s)",
        ),
        (
            "covered to 2024-09-30; the headers stand in row 7, not in row 4",
            "covered to 2024-09-30; the headers stand in row 7, not in row 4",
        ),
        ("read from code: 283; other spelling: 3", "read from code: 285; other spelling: fewer than 10"),
    ],
)
def test_the_words_of_a_finding_hide_small_counts_and_keep_names_dates_and_places(text: str, safe: str):
    assert safe_text(text, RULES) == safe


def test_findings_lose_small_counts_and_row_numbers_and_totals_keep_theirs():
    common = {
        "check": "missing",
        "subject": "x",
        "status": "fail",
        "severity": "mark",
        "limit": 0.0,
        "unit": "rows",
    }
    found = [
        Finding(**common, measured=4.0, text="4 rows", layer="dr2", row=17, count=4),
        Finding(**common, measured=0.01, text="4 of 400 rows", layer="dr3", count=4),
        Finding(**common, measured=4.0, text="4 months missing", layer="dr1", count=4),
    ]
    frame = publish_findings(findings_frame(found), RULES).frame
    assert "row" not in frame
    assert frame["count"].isna().tolist() == [True, True, False]
    assert frame["measured"].isna().tolist() == [True, True, False]
    assert frame["text"].tolist() == ["fewer than 10 rows", "fewer than 10 of 400 rows", "4 months missing"]


def reading_log(blank: int = 3) -> pd.DataFrame:
    """A log of one sheet of totals and two of children, one of which has few rows."""
    rows = [
        ("dr1", "Totals", 7, 7, 0, 0),
        ("dr2", "Referrals", 61, 61 - blank, blank, 0),
        ("dr2", "Referrals", 61, 61, 0, 0),
        ("dr2", "Referrals", 61, 30, 27, 4),
        ("dr2", "Care", 2, 1, 1, 0),
    ]
    log = pd.DataFrame(rows, columns=["layer", "sheet", "rows", "filled", "blank", "unborn"])
    places = {"return_month": "nov22", "file": "x.xlsx", "header_row": 14, "position": 15}
    forms = [f"date cell: {rows}" for rows in log["filled"]]
    return log.assign(**places, column="column", says_missing=0, unmapped=0, forms=forms)


def test_no_small_count_of_a_sheet_about_children_is_published(study):
    counts = publish_reading(reading_log(), RULES)
    empty = publish_findings(findings_frame([]), RULES)
    table = table_of(sent_table(counts, empty, study, "What was sent"), "page-sent", "synthetic")
    frame = counts.frame[counts.frame["layer"] != "dr1"]
    numbers = frame[["rows", "filled", "blank", "unborn"]].to_numpy(dtype=float)
    assert not ((numbers > 0) & (numbers < RULES.threshold)).any()
    assert not (numbers[~np.isnan(numbers)] % RULES.rounding).any()
    children = [line for line in table.csv().splitlines() if ",dr2," in line or "date cell" in line]
    assert children and not re.search(r"(?<![\w.])[1-9](?:\.0)?(?![\d.])|date cell", ",".join(children))
    hidden = int(
        counts.frame[["rows", "filled", "blank", "unborn", "says_missing", "unmapped"]].isna().sum().sum()
    )
    assert table.csv().count("[c]") == hidden > 0 and ".0" not in table.csv(), "marked, and whole numbers"
    assert table.frame["Rows"].tolist() == ["7", "65", "0"]  # 60 and, for the hidden two, one step
    assert len(table.frame.columns) <= 7 and len(table.frame) == 3


def test_rows_of_many_sheets_are_rounded_once_and_a_hidden_sheet_does_not_move_them(study):
    def rows(*sizes: int) -> str:
        log = (
            reading_log()
            .iloc[[1] * len(sizes)]
            .assign(rows=sizes, filled=sizes, blank=0, file=[f"{place}.xlsx" for place in range(len(sizes))])
        )
        empty = publish_findings(findings_frame([]), RULES)
        return sent_table(publish_reading(log, RULES), empty, study, "Sent").cells["Rows"].tolist()[1]

    assert rows(62, 62, 62, 62) == "250"  # 248, not four times 60
    assert [rows(62, 62, few) for few in (1, 9)] == ["125", "125"]
    assert rows(3, 4) == "[c]"


def test_a_hidden_kind_of_cell_cannot_be_had_from_the_rows_of_its_column():
    frame = publish_reading(reading_log(), RULES).frame
    assert frame.loc[1, ["filled", "blank"]].isna().all() and frame.loc[1, "rows"] == 60
    assert frame.loc[3, ["blank", "unborn"]].isna().all() and frame.loc[3, "filled"] == 30
    pd.testing.assert_frame_equal(frame, publish_reading(reading_log(blank=8), RULES).frame)


def test_a_share_in_a_finding_does_not_give_the_count_behind_it():
    found = Finding(
        "missing", "x", "fail", "mark", 13 / 61, 0.2, "share of rows", "13 rows", layer="dr2", count=13
    )
    frame = publish_findings(findings_frame([found]), RULES).frame
    assert frame["measured"].tolist() == [0.21] and frame["count"].tolist() == [15]


@pytest.mark.parametrize(("count", "shown"), [(4, "[c]"), (12, "10 cells"), (40, "40 cells")])
def test_an_applied_correction_is_shown_with_a_protected_count_its_reason_and_its_source(count, shown):
    counts = publish_repairs(
        repairs(), findings_frame([finding("walsall", "fail"), repair("walsall", count)]), RULES
    )
    (row,) = repairs_table(counts, "Repairs").cells.to_dict("records")
    assert row == {
        "What": "Words outside the code list stand for codes",
        "Where": "Children referred; Gender; Nov 2022", "Touched": shown,
        "Why": "fewer than 10 of 410 rows said so since 2021", "Source": "E-mail of 3 May 2022",
        "Date": "4 May 2022", "Correction": "c1",
    }  # fmt: skip
    assert list(row)[:2] == ["What", "Where"], "what was done leads, for the first cell heads its row"


def test_without_corrections_there_is_no_table_of_repairs_and_raw_counts_are_refused():
    counts = publish_repairs(repairs().iloc[:0], findings_frame([]), RULES)
    assert repairs_table(counts, "Repairs") is None
    with pytest.raises(DisclosureError):
        repairs_table(publish_findings(findings_frame([repair("walsall")]), RULES), "Repairs")


def test_every_action_has_words(repository):
    text = (repository / "data_contracts" / "corrections.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^#   ([a-z]+_?[a-z]+)  +\w", text, flags=re.MULTILINE)
    assert set(REPAIRS) == set(get_args(Action)) == set(listed)


def baseline_of(missing: dict[str, tuple[int, int]]) -> tuple[PublishedCounts, pd.DataFrame]:
    """Published levels before and after go-live of all authorities, and the raw missing counts beneath."""
    levels, lacking = [], []
    for variable, (rare, absent) in missing.items():
        for exposed in (0, 1):
            for slug, times in (("walsall", 1), ("swindon", 1), ("lancashire", 1), ("all", 3)):
                sizes = {"common": 900 * times, "rare": rare * times, "missing": absent * times}
                total = sum(sizes.values())
                levels += [(MODEL, slug, exposed, variable, name, n, total) for name, n in sizes.items()]
                lacking += [(MODEL, slug, exposed, variable, absent, total)] if slug != "all" else []
    columns = ["model", "authority", "exposed", "variable", "level", "n", "total"]
    described = publish_descriptives(pd.DataFrame(levels, columns=columns), RULES)
    names = ["model", "authority", "period", "variable", "n_missing", "n"]
    return described, pd.DataFrame(lacking, columns=names)


def test_what_is_missing_is_hidden_wherever_the_baseline_hides_it():
    described, lacking = baseline_of({"asylum": (2, 40), "gender": (200, 60)})
    hidden = described.frame[described.frame["suppressed"]]
    assert set(hidden["variable"]) == {"asylum"} and "missing" in set(hidden["level"])
    frame = publish_missing(lacking, described, RULES).frame
    assert frame.loc[frame["variable"] == "asylum", ["n", "share"]].isna().all(axis=None)
    assert frame.loc[frame["variable"] == "gender", "n"].tolist() == [120.0, 120.0, 120.0]


def test_a_standardised_difference_is_the_one_worked_by_hand():
    # Shares 1/2, 1/4, 1/4 before and 1/4, 1/4, 1/2 after; without the first level t - c = (0, 1/4) and
    # S = ((3/16, -3/32), (-3/32, 7/32)); the second entry of S^-1 on the diagonal is (3/16) / (33/1024).
    before, after = np.array([20, 10, 10]), np.array([10, 10, 20])
    expected = np.sqrt((1 / 4) ** 2 * (3 / 16) / (33 / 1024))
    assert standardised_difference(before, after) == pytest.approx(expected)
    # Two levels: (0.3 - 0.2) / sqrt((0.21 + 0.16) / 2).
    assert signed_difference(20, 100, 30, 100) == pytest.approx(0.1 / np.sqrt(0.185))
    two = standardised_difference(np.array([80, 20]), np.array([70, 30]))
    assert two == pytest.approx(0.1 / np.sqrt(0.185))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([5, 5, 0], [7, 3, 0], True),  # a level that nobody has changes nothing
        ([10, 0], [0, 10], False),  # nothing in common: no scale to measure by
        ([0, 0], [3, 7], False),  # nobody before
    ],
)
def test_a_standardised_difference_is_missing_only_where_it_has_no_scale(before, after, expected):
    value = standardised_difference(np.array(before), np.array(after))
    assert np.isfinite(value) == expected
    if expected:
        assert value == standardised_difference(np.array(before[:2]), np.array(after[:2]))
        assert value == pytest.approx(standardised_difference(np.array(before[::-1]), np.array(after[::-1])))


@pytest.mark.parametrize("seed", range(4))
def test_standardised_differences_rest_on_what_the_table_shows_and_on_nothing_else(seed: int):
    raw = descriptives_frame(MODEL, ("walsall", "lancashire", "swindon"), np.random.default_rng(seed))
    table, found = publish_descriptives(raw, RULES).frame, publish_differences(raw, RULES).frame
    hidden = table[table["suppressed"]].groupby(["authority", "variable"])["level"].agg(set)
    assert len(hidden) and found["difference"].notna().any()
    for row in found.itertuples():
        gone = hidden.get((row.authority, row.variable), set())
        if row.level in gone:
            assert np.isnan(row.difference) and row.suppressed
    # Moving children between two hidden levels changes no number.
    swapped = raw.copy()
    asylum = raw["variable"].eq("asylum") & raw["authority"].eq("walsall") & raw["exposed"].eq(0)
    small = raw[asylum & table["suppressed"]].index
    if len(small) == 2 and raw.loc[small, "n"].min() > 1 and raw.loc[small, "n"].max() < 8:
        whole = raw[raw["authority"].eq("all") & raw["variable"].eq("asylum") & raw["exposed"].eq(0)]
        for place, step in zip(small, (1, -1), strict=True):
            same = whole.index[whole["level"] == raw.loc[place, "level"]]
            swapped.loc[[place, *same], "n"] += step
        own = publish_differences(swapped, RULES).frame.query("authority == 'walsall'")
        pd.testing.assert_frame_equal(own, found.query("authority == 'walsall'"))


def test_shares_of_few_children_are_not_shown():
    rows = [(MODEL, "all", exposed, "gender", level, 9 + exposed, 18 + 2 * exposed)
            for exposed in (0, 1) for level in ("Male", "Female")]  # fmt: skip
    columns = ["model", "authority", "exposed", "variable", "level", "n", "total"]
    counts = publish_descriptives(pd.DataFrame(rows, columns=columns), RULES)
    frame = counts.frame.set_index("exposed")
    assert frame.loc[1, "share"].tolist() == [0.5, 0.5] and frame.loc[0, "share"].isna().all()


def test_combinations_of_few_children_stand_together_without_their_names():
    counts = {
        "": 500, "gender": 40, "ethnicity": 60, "disability": 50, "factors": 200, "ethnicity; factors": 30,
        "gender; factors": 12, "disability; factors": 16, "gender; ethnicity": 4, "gender; disability": 3,
        "ethnicity; disability": 5,
    }  # fmt: skip
    rows = pd.DataFrame({"pattern": list(counts), "n": list(counts.values())})
    frame = publish_patterns(rows.assign(model=MODEL, authority="walsall"), RULES).frame
    named = dict(zip(frame["pattern"], frame["n"], strict=True))
    others = sum(n for pattern, n in counts.items() if pattern not in named)
    assert named.pop(OTHERS) == 5 * np.floor(others / 5 + 0.5)
    # Three small ones alone would follow from how many lack each covariate: larger ones join them.
    assert {"", "factors"} <= set(named) and others > 4 + 3 + 5
    assert all(counts[pattern] >= 10 for pattern in named)


def test_published_estimates_keep_six_digits_and_shares_two_decimals():
    rows = pd.DataFrame(
        {
            "estimate": [-0.01234567891, np.nan],
            "conf_low": [-np.inf, np.nan],
            "observed_share": [644 / 648, 1.0],
            "n_children": pd.array([648, 7], dtype="Int64"),
        }
    )
    once = publish_estimates(rows, RULES)
    assert once["estimate"].tolist()[0] == -0.0123457
    assert once["conf_low"].tolist()[0] == -np.inf and np.isnan(once["estimate"].tolist()[1])
    assert once["observed_share"].tolist() == [0.99, 1.0]
    pd.testing.assert_frame_equal(publish_estimates(once, RULES), once)


def fixed_texts() -> list[str]:
    """Words with a number that a check says whatever it found: literals of the modules that make findings."""
    folder = Path(sfpc_book.__file__).parent
    modules = [
        *folder.glob("returns/check_*.py"),
        *folder.glob("returns/*_notes.py"),
        folder / "contracts" / "expectations.py",
    ]
    nodes = [node for module in modules for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))]
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    constants = [node for node in nodes if isinstance(node, ast.Constant) and id(node) not in docstrings]
    texts = [node.value.strip() for node in constants if isinstance(node.value, str)]
    return [text for text in texts if re.search(r"\d", text) and text.count(" ") >= 2]


def test_a_number_in_the_words_of_a_check_is_not_rounded_as_a_count():
    texts = fixed_texts()
    assert any("1904" in text for text in texts) and len(texts) >= 4
    assert [text for text in texts if safe_text(text, RULES) != text] == []
    assert safe_text("1904 rows; 1 row", RULES) == "1,905 rows; fewer than 10 row"
