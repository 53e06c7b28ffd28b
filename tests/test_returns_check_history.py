"""Months, returns and totals against history, other sheets and published numbers: what is out of line is
flagged, what chance gives is not."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from return_workbooks import CONTRACTS

from sfpc_book.contracts.limits import load_limits
from sfpc_book.returns.check_history import check_history, robust_deviations
from sfpc_book.returns.check_published import check_published, why_not_compared
from sfpc_book.returns.check_relations import check_months, check_relations
from sfpc_book.returns.inventory import comparable_with
from sfpc_book.returns.records import SheetRecords, empty_records
from sfpc_book.study.study import load_study

STUDY, LIMITS = load_study(), load_limits()
MONTHS = pd.date_range("2019-10-01", "2024-03-01", freq="MS")
RETURNS = STUDY.returns.months
YEAR = slice(6, 18)  # April 2020 to March 2021


def totals(level: float = 200, **columns: object) -> pd.DataFrame:
    """Monthly totals with no more than chance in them."""
    rng = np.random.default_rng(1)
    table = empty_records(CONTRACTS["dr1_monthly"]).reindex(range(len(MONTHS)))
    counts = {
        "new_referrals": rng.poisson(level, len(MONTHS)), "looked_after_at_month_end": 500,
        "looked_after_rate_per_10000": 80 + rng.normal(0, 1, len(MONTHS)),
    }  # fmt: skip
    lineage = {"source_file": "f.xlsx", "source_sheet": "s", "source_row": range(2, 2 + len(MONTHS))}
    return table.assign(
        month=MONTHS, authority="swindon", return_month="nov20", **counts, **lineage, **columns
    )


def referrals(missing: dict[str, float], n: int = 120) -> pd.DataFrame:
    """Referral returns of `n` rows with a share of genders missing, by month; 5 per cent in the others."""
    rows = [
        (month, "Male" if place >= n * missing.get(month, 0.05) else None)
        for month in RETURNS
        for place in range(n)
    ]
    table = empty_records(CONTRACTS["dr2_referrals"]).reindex(range(len(rows)))
    months, genders = zip(*rows, strict=True)
    return table.assign(return_month=months, gender=genders, source_file="f.xlsx", source_sheet="s")


def found(tables: dict[str, pd.DataFrame], column: str | None) -> list:
    parts = check_history(STUDY, tables, CONTRACTS, LIMITS, "swindon")
    return [part for part in parts if part.column == column]


@pytest.mark.parametrize(
    ("column", "factor", "status"),
    [("new_referrals", 1.0, "pass"), ("new_referrals", 0.7, "pass"), ("new_referrals", 0.4, "fail"),
     ("new_referrals", 10.0, "fail"), ("looked_after_rate_per_10000", 0.01, "fail"),
     ("looked_after_rate_per_10000", 1.3, "pass")],
)  # fmt: skip
def test_a_month_far_from_the_others_is_named(column, factor, status):
    table = totals()
    table[column] = table[column].astype("float64")
    table.loc[20, column] *= factor
    parts = found({"dr1_monthly": table}, column)
    assert [part.status for part in parts] == [status]
    if status == "fail":
        assert (parts[0].file, parts[0].sheet, parts[0].row) == ("f.xlsx", "s", 22)
        assert f"{MONTHS[20]:%Y-%m}: '{column}' is" in parts[0].text


@pytest.mark.parametrize("seed", range(5))
def test_small_numbers_are_not_flagged(seed):
    small = np.random.default_rng(seed).poisson(3, len(MONTHS))
    parts = found({"dr1_monthly": totals().assign(newly_looked_after=small)}, "newly_looked_after")
    assert [part.status for part in parts] == ["pass"]


@pytest.mark.parametrize(
    ("shares", "n", "failed"),
    [({}, 120, []), ({"nov22": 0.6}, 120, ["nov22"]), ({"nov22": 0.14}, 120, []), ({"nov22": 0.6}, 20, [])],
)
def test_a_return_that_misses_more_than_the_others_is_named(shares, n, failed):
    parts = found({"dr2_referrals": referrals(shares, n)}, "gender")
    texts = [part.text for part in parts if part.status == "fail"]
    assert len(texts) == len(failed) and all(f"return of {month}" in texts[0] for month in failed)


def test_a_share_out_of_line_is_told_without_the_share_that_would_give_the_count():
    parts = found({"dr2_referrals": referrals({"nov22": 0.6})}, "gender")
    (text,) = [part.text for part in parts if part.status == "fail"]
    assert "share missing 'gender' is far above what is usual in the others" in text
    assert not re.search(r"\d\.\d", text)


def test_one_return_has_no_history():
    table = referrals({}).query("return_month == 'nov22'")
    parts = found({"dr2_referrals": table}, "gender")
    assert [part.status for part in parts] == ["not_applicable"]


def test_deviations_are_robust_and_not_less_than_chance():
    values = np.array([10.0, 10.2, 9.8, 10.1, 9.9, 30.0])
    distance = robust_deviations(values, np.full(6, 0.01))
    others = np.delete(values, 5)
    expected = (30 - np.median(others)) / (1.4826 * np.median(np.abs(others - np.median(others))))
    assert distance[5] == pytest.approx(expected) and distance[:5].max() < 2.5
    assert robust_deviations(values, np.full(6, 10.0))[5] == pytest.approx(2.0)


@pytest.mark.parametrize(("share", "months"), [(1.0, 0), (0.9, 0), (0.5, 3)])
def test_listed_and_counted_referrals_are_compared_month_by_month(share, months):
    table = totals()
    listed = (table["new_referrals"] * np.where(table.index < 3, share, 1.0)).astype(int)
    dates = MONTHS.repeat(listed)
    rows = empty_records(CONTRACTS["dr2_referrals"]).reindex(range(len(dates))).assign(referral_date=dates)
    tables = {"dr1_monthly": table, "dr2_referrals": rows}
    by_comparable = [
        {part.check: part for part in check_relations(tables, CONTRACTS, LIMITS, "swindon", comparable=known)}
        for known in (True, False)
    ]
    assert [part["totals_disagree"].count for part in by_comparable] == [months, None]
    assert by_comparable[1]["totals_disagree"].status == "not_applicable"
    assert ("2019-10, 2019-11, 2019-12" in by_comparable[0]["totals_disagree"].text) == bool(months)


@pytest.mark.parametrize(("rows", "outside"), [(slice(0, 13), 0), (slice(0, 14), 1)])
def test_months_that_a_return_was_not_asked_for_are_named(rows, outside):
    sheet = SheetRecords("dr1_monthly", totals().iloc[rows], (), ())
    (part,) = check_months(STUDY, (sheet,), CONTRACTS, LIMITS)
    assert (part.count, part.row, part.file) == (outside, 15 if outside else None, "f.xlsx")
    assert ("2020-11" in part.text) == bool(outside)


@pytest.mark.parametrize(
    ("factor", "status", "severity"), [(1.0, "pass", "note"), (1.3, "fail", "note"), (2.0, "fail", "mark")]
)
def test_totals_are_held_against_published_numbers(factor, status, severity):
    table = totals()
    year = float(table["new_referrals"].iloc[YEAR].sum()) * factor
    code = STUDY.authorities["swindon"].la_code
    published = pd.DataFrame(
        [(code, 2021, "referrals_number", year), (code, 2021, "looked_after_number", 500 / factor),
         (code, 2020, "referrals_number", 1.0), ("999", 2022, "referrals_number", 1.0)],
        columns=["authority_code", "year", "measure", "value"],
    )  # fmt: skip
    parts = check_published(STUDY, {"swindon": {"dr1_monthly": table}}, published, CONTRACTS, LIMITS)
    made = {part.column: part for part in parts if part.status != "not_applicable"}
    assert set(made) == {"new_referrals", "looked_after_at_month_end"}  # 2020 has no whole year of months
    assert {part.status for part in made.values()} == {status}
    assert {part.severity for part in made.values()} == {severity}
    assert "in March 2021" in made["looked_after_at_month_end"].text


@pytest.mark.parametrize(
    ("returns", "published", "comparable", "why"),
    [(False, False, True, None), (True, True, True, None), (True, True, False, "made apart"),
     (True, False, False, "the returns are synthetic"), (False, True, True, "the published statistics are")],
)  # fmt: skip
def test_only_numbers_of_one_kind_are_compared(returns, published, comparable, why):
    said = why_not_compared(returns_synthetic=returns, published_synthetic=published, comparable=comparable)
    assert said is None if why is None else why in said


@pytest.mark.parametrize(
    ("manifest", "comparable"),
    [(None, {"totals", "published"}), ({"synthetic": True}, set()),
     ({"synthetic": True, "comparable": ["totals"]}, {"totals"}),
     ({"synthetic": False}, {"totals", "published"})],
)  # fmt: skip
def test_a_folder_says_what_its_numbers_can_be_held_against(tmp_path, manifest, comparable):
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert comparable_with(tmp_path) == comparable
