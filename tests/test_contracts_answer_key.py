"""Scoring: a place counts as found only if the finding says it exactly; what nothing explains is false."""

from __future__ import annotations

import pandas as pd
import pytest

from sfpc_book.contracts.answer_key import judge, read_answer_key, score
from sfpc_book.contracts.finding import Finding, findings_frame

PLACE = {"authority": "swindon", "file": "f.xlsx", "sheet": "s", "column": "gender", "row": 7, "count": 3}
ROW = {
    **PLACE, "kind": "list_letters", "group": "cell", "layer": "dr2", "return_month": "nov20",
    "handled_by": "reader", "told_by": "cell_forms", "told_untreated": "cell_forms", "scope": "sheet",
    "also_told": "missing", "also_untreated": "", "correction": "", "says": "",
}  # fmt: skip
CORRECTED = {"told_by": "correction", "told_untreated": "unmapped", "correction": "c1", "also_told": "",
             "also_untreated": "code_list"}  # fmt: skip


def key(tmp_path, *rows: dict[str, object]) -> pd.DataFrame:
    pd.DataFrame([{**ROW, **row} for row in rows]).to_csv(tmp_path / "answer_key.csv", index=False)
    return read_answer_key(tmp_path / "answer_key.csv")


def finding(check: str = "cell_forms", status: str = "info", subject: str = "t", **place: object) -> Finding:
    return Finding(check, subject, status, "note", None, None, "", "text", **{**PLACE, **place})


def found(key: pd.DataFrame, *findings: Finding, treated: bool = True) -> tuple[list[bool], list[str]]:
    judged, false = judge(key, findings_frame(findings), treated=treated)
    return judged["found"].tolist(), false["check"].tolist()


def test_a_finding_that_says_it_exactly_finds_it(tmp_path):
    assert found(key(tmp_path, {}), finding()) == ([True], [])
    assert found(key(tmp_path, {}), finding(row=None)) == ([True], [])
    assert found(key(tmp_path, {"row": None}), finding()) == ([True], [])


@pytest.mark.parametrize(
    "place",
    [{"authority": "walsall"}, {"file": "g.xlsx"}, {"file": None}, {"sheet": "t"}, {"column": None}],
    ids=str,
)
def test_a_finding_about_another_place_finds_nothing_and_is_false(tmp_path, place):
    assert found(key(tmp_path, {}), finding(**place)) == ([False], ["cell_forms"])


@pytest.mark.parametrize("place", [{"count": 2}, {"count": None}, {"row": 8}], ids=str)
def test_a_finding_with_another_count_or_row_does_not_find(tmp_path, place):
    assert found(key(tmp_path, {}), finding(**place)) == ([False], [])


def test_what_passed_is_neither_found_nor_false(tmp_path):
    assert found(key(tmp_path, {}), finding(status="pass")) == ([False], [])


def test_a_finding_without_a_count_is_about_one_thing(tmp_path):
    assert found(key(tmp_path, {"count": 1}), finding(count=None)) == ([True], [])


def test_consequences_are_explained_and_other_checks_are_false(tmp_path):
    findings = (finding(), finding("missing"), finding("range"))
    assert found(key(tmp_path, {}), *findings) == ([True], ["range"])


def test_findings_of_an_authority_are_held_against_the_sum_of_its_places(tmp_path):
    two = [{"file": name, "scope": "authority"} for name in ("f.xlsx", "g.xlsx")]
    whole = {"file": None, "sheet": None, "row": None}
    assert found(key(tmp_path, *two), finding(**whole, count=6)) == ([True, True], [])
    assert found(key(tmp_path, *two), finding(**whole, count=3)) == ([False, False], [])


def test_one_place_told_level_by_level_is_added_up(tmp_path):
    levels = (finding(count=1, row=9), finding(count=2, row=7))
    assert found(key(tmp_path, {}), *levels) == ([True], [])


def test_what_is_told_to_every_authority_counts_once(tmp_path):
    assert found(key(tmp_path, {}), finding(), finding()) == ([True], [])


def test_a_correction_is_told_by_its_id(tmp_path):
    corrected = key(tmp_path, CORRECTED)
    assert found(corrected, finding("correction", subject="c1", file=None)) == ([True], [])
    assert found(corrected, finding("correction", subject="c2")) == ([False], ["correction"])


def test_without_corrections_the_untreated_check_must_tell(tmp_path):
    corrected = key(tmp_path, CORRECTED)
    assert found(corrected, finding("unmapped"), finding("code_list"), treated=False) == ([True], [])
    assert found(corrected, finding("unmapped")) == ([False], ["unmapped"])


def test_the_score_counts_by_kind_and_false_reports_by_check(tmp_path):
    rows = key(tmp_path, {}, {"file": "g.xlsx"}, {"kind": "mixed_case", "file": "h.xlsx"})
    counts = score(rows, findings_frame([finding(), finding(file="h.xlsx"), finding("range")]))
    assert counts.to_dict("split")["data"] == [
        ["list_letters", "cell_forms", 2, 1, 0],
        ["mixed_case", "cell_forms", 1, 1, 0],
        ["nothing planted", "range", 0, 0, 1],
    ]
