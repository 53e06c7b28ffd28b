"""Each return is held against its contracts as it was read: findings say file, sheet, column, count, row."""

from __future__ import annotations

from pathlib import Path

import pytest
from return_workbooks import referrals, sheet, sheet_name, write_workbook

from sfpc_book.returns.read import read_authority
from sfpc_book.study.study import load_study

STUDY = load_study()
TABLE = "dr2_referrals"
SHEET = sheet_name(TABLE)
HEADER = 4
SENTINEL = "SENTINEL-4711"


def found(folder: Path, check: str, **workbooks: list[dict]) -> list:
    """Findings of one check about referral returns, each workbook with its rows."""
    for name, rows in workbooks.items():
        write_workbook(folder / f"swindon_dr2_{name}.xlsx", {SHEET: sheet(TABLE, rows)})
    findings = read_authority(STUDY, "swindon", folder).findings
    return [part for part in findings if part.check == check and part.subject.startswith(f"{TABLE}.")]


@pytest.mark.parametrize(
    ("check", "column", "row", "count"),
    [("missing", "referral_date", HEADER + 2, 1), ("key", "child_id + referral_id", HEADER + 1, 2)],
)
def test_a_finding_says_where_in_which_return(tmp_path, check, column, row, count):
    faulty = referrals(6)
    if check == "missing":
        faulty[1]["referral_date"] = None
    else:
        faulty[5]["child_id"], faulty[5]["referral_id"] = faulty[0]["child_id"], faulty[0]["referral_id"]
    parts = found(tmp_path, check, nov21=referrals(6, start=50), nov22=faulty)
    failed = [part for part in parts if part.status == "fail"]
    where = ("swindon_dr2_nov22.xlsx", SHEET, column, row, count)
    assert [(part.file, part.sheet, part.column, part.row, part.count) for part in failed] == [where]
    assert {part.file for part in parts} == {"swindon_dr2_nov21.xlsx", "swindon_dr2_nov22.xlsx"}


def test_a_return_split_over_workbooks_has_one_key(tmp_path):
    second = referrals(6, start=7)
    second[0]["child_id"], second[0]["referral_id"] = "C0001", "R0001"
    parts = found(tmp_path, "key", nov22=referrals(6), **{"nov22 (2)": second})
    assert [(part.status, part.count, part.file, part.sheet) for part in parts] == [("fail", 2, None, None)]
    assert "dr2 return of nov22" in parts[0].text


def test_a_row_sent_twice_in_a_return_is_a_copy_and_no_second_record(tmp_path):
    rows = referrals(6)
    parts = found(tmp_path, "key", nov22=[*rows, rows[0]])
    assert [(part.status, part.count) for part in parts] == [("pass", 0)]


@pytest.mark.parametrize(("change", "count"), [({}, 0), ({"gender": "Female"}, 6)])
def test_a_key_with_other_content_in_a_later_return_is_counted(tmp_path, change, count):
    parts = found(tmp_path, "key_across_returns", nov21=referrals(6), nov22=referrals(3, **change))
    assert [(part.count, part.status) for part in parts] == [(count, "fail" if count else "pass")]


def test_no_value_of_a_record_reaches_a_finding(tmp_path):
    rows = [
        dict.fromkeys(row, SENTINEL) | {"previous_protection_plans": n} for n, row in enumerate(referrals(6))
    ]
    for month in ("nov21", "nov22"):
        write_workbook(tmp_path / f"swindon_dr2_{month}.xlsx", {SHEET: sheet(TABLE, rows)})
    findings = read_authority(STUDY, "swindon", tmp_path).findings
    assert {"key", "missing"} <= {part.check for part in findings if part.status == "fail" and part.file}
    assert SENTINEL not in repr(findings)
