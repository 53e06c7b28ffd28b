"""Contracts, code lists and findings: loaded whole, or refused with every fault and its line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

from sfpc_book.contracts.contract import DATA_CONTRACTS, load_contracts
from sfpc_book.contracts.dictionary import dictionary_markdown
from sfpc_book.contracts.finding import (
    FINDING_COLUMNS,
    Finding,
    findings_frame,
    read_findings,
    write_findings,
)
from sfpc_book.contracts.limits import Limit, load_limits
from sfpc_book.contracts.vocabulary import load_vocabularies, plain_text
from sfpc_book.errors import ContractError

VOCABULARIES = DATA_CONTRACTS / "vocabularies.yml"


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """A copy of the data contracts in which one text of one file is replaced."""

    def edit(file: str, old: str, new: str) -> Path:
        folder = tmp_path / "contracts"
        if not folder.exists():
            shutil.copytree(DATA_CONTRACTS, folder)
        content = (folder / file).read_text(encoding="utf-8")
        assert old in content, f"{file} no longer holds {old!r}"
        (folder / file).write_text(content.replace(old, new, 1), encoding="utf-8")
        return folder

    return edit


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("limit: 0.9, direction", "limit: 90, direction", "limit of 'link_rate' is 90; allowed: 0 to 1"),
        ("mark: 10,", "mark: 2,", "mark of 'out_of_line_with_history' is 2; it must lie at or above"),
        ("block: 6,", "block: -6,", "block of 'referral_gap' is -6; allowed: 0 or more"),
        ("mark, block: 0.5,", "mark, block: 0.95,", "block of 'link_rate' is 0.95; it must lie at or below"),
    ],
)
def test_a_limit_that_no_measurement_can_have_is_refused(
    edited: Callable[[str, str, str], Path], old: str, new: str, told: str
):
    with pytest.raises(ContractError) as refused:
        load_limits(edited("checks.yml", old, new))
    assert any(told in problem and "checks.yml, line" in problem for problem in refused.value.problems)


def test_every_sheet_of_both_layouts_has_a_contract():
    contracts = load_contracts()
    for layout, tables in (("standard", 8), ("no_wrong_door", 8)):
        names = [contract.sheets[layout].name for contract in contracts.values() if layout in contract.sheets]
        assert len(names) == len(set(names)) >= tables


def test_contracts_cannot_be_changed_after_loading():
    contract = load_contracts()["dr2_referrals"]
    with pytest.raises(ValidationError):
        contract.title = "another"


def test_unknown_column_is_a_key_error_that_lists_the_columns():
    with pytest.raises(KeyError, match="dr3_cin has no column 'x'; it has child_id"):
        load_contracts()["dr3_cin"].column("x")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("tables/dr3_cin.yml", "grain:", "grian:", "unknown key 'grian'. Did you mean 'grain'?"),
        (
            "tables/dr3_cin.yml",
            "key: [child_id",
            "key: [child",
            "unknown column 'child'. Columns of this table:",
        ),
        ("tables/dr3_cin.yml", "type: date", "type: dates", "Input should be 'text'"),
        ("tables/dr3_cin.yml", "table: dr3_cin", "table: dr3_cins", "stands in dr3_cin.yml; name both alike"),
        ("tables/dr3_cin.yml", "shape: long", "shape: wide", "a table of shape 'wide' has a key 'wide'"),
        ("tables/dr3_cin.yml", 'header: "Child ID"', 'header: "Case ID"', "stands for both 'child_id'"),
        ("tables/dr3_care.yml", "vocabulary: placement", "vocabulary: places", "unknown vocabulary 'places'"),
        ("tables/dr3_care.yml", "vocabulary: placement, ", "", "of type code needs a vocabulary"),
        ("tables/dr2_referrals.yml", "unborn_in: [gender]", "unborn_in: [sex]", "unknown column 'sex'"),
        ("tables/dr3_care.yml", "column: care_end", "column: care_ended", "unknown column 'care_ended'"),
        ("tables/dr3_care.yml", "Data - CLA start and end dates", "D" * 32, "longer than the 31 characters"),
        ("tables/dr3_care.yml", "table: dr2_referrals", "table: dr2", "unknown table 'dr2'"),
        ("tables/dr3_care.yml", "start: covered_from", "start: from", "unknown column 'from' of dr3"),
        ("tables/dr3_care.yml", ", end: covered_to", "", "'within_coverage' needs the key 'end'; add it"),
        ("tables/dr3_care.yml", "column: care_start, t", "column: start, t", "unknown column 'start'."),
        ("tables/dr3_care.yml", "events: [care_start]", "events: [start]", "unknown column 'start'."),
        ("tables/dr3_care.yml", "rows: many", "rows: some", "Input should be 'one' or 'many'"),
        ("tables/dr3_coverage.yml", "per: [child_id]", "per: [child]", "unknown column 'child'."),
        (
            "tables/dr1_monthly.yml",
            "rule: months_in_return, ",
            "rule: months_in_return, end: month, ",
            "'months_in_return' has no key 'end'. It has: none",
        ),
        (
            "tables/dr1_monthly.yml",
            "column: new_referrals, measure",
            "column: referrals, measure",
            "unknown column 'referrals'.",
        ),
        ("tables/dr3_care.yml", "grain:", "\tgrain:", "not valid YAML"),
    ],
)
def test_a_fault_is_named_with_file_and_line(edited, file, old, new, message):
    folder = edited(file, old, new)
    line = (folder / file).read_text(encoding="utf-8").split(new or "type: code", 1)[0].count("\n") + 1
    with pytest.raises(ContractError) as caught:
        load_contracts(folder)
    assert message in str(caught.value)
    assert f"{Path(file).name}, line " in str(caught.value)
    if new and "\t" not in new:
        lines = [int(text.split("line ")[1].split(":")[0]) for text in caught.value.problems]
        assert any(abs(found - line) <= 1 for found in lines)


def test_faults_of_several_files_are_listed_together(edited):
    edited("tables/dr3_cin.yml", "grain:", "grian:")
    folder = edited("tables/dr3_care.yml", "key: [child_id", "key: [child")
    with pytest.raises(ContractError) as caught:
        load_contracts(folder)
    assert {problem.split(",")[0] for problem in caught.value.problems} == {"dr3_cin.yml", "dr3_care.yml"}


def test_a_folder_without_contracts_is_refused(tmp_path):
    with pytest.raises(ContractError, match="There are no contracts in"):
        load_contracts(tmp_path)


def test_a_spelling_for_two_codes_is_refused(edited):
    folder = edited("vocabularies.yml", 'Female: ["F"', 'Female: ["M"')
    with pytest.raises(ContractError, match="'M' stands for both 'Male' and 'Female'"):
        load_vocabularies(folder / "vocabularies.yml")


@pytest.mark.parametrize(
    ("text", "plain"), [("a) Male", "male"), ("S) NOBT ", "nobt"), ("  White\n British", "white british")]
)
def test_list_letters_case_and_blanks_play_no_part(text, plain):
    assert plain_text(text) == plain


def test_only_white_british_is_wbri():
    lookup = load_vocabularies(VOCABULARIES).lookups["ethnicity"]
    assert [spelling for spelling, code in lookup.items() if code == "WBRI"] == ["wbri", "white british"]


@pytest.mark.parametrize(
    ("direction", "measured", "holds", "severity"),
    [("at_most", 1, True, "mark"), ("at_most", 2, False, "mark"), ("at_most", 4, False, "block"),
     ("at_least", 1, True, "mark"), ("at_least", 0.5, False, "block")],
)  # fmt: skip
def test_a_limit_marks_first_and_blocks_beyond(direction, measured, holds, severity):
    block = 3 if direction == "at_most" else 0.8
    limit = Limit(limit=1, direction=direction, severity="mark", block=block, unit="rows", reason="why")
    assert (limit.holds(measured), limit.severity_of(measured)) == (holds, severity)


def test_limits_say_why():
    assert all(len(limit.reason) > 20 for limit in load_limits().checks.values())


def test_findings_keep_their_columns_and_types_through_a_file(tmp_path):
    findings = [
        Finding(
            "key", "t.c", "fail", "mark", 0.5, 0.0, "share", "text, with comma", "swindon", row=7, count=3
        ),
        Finding("key", "t.d", "pass", "note", None, None, "", "text"),
    ]
    frame = findings_frame(findings)
    write_findings(findings, tmp_path / "findings.csv")
    again = read_findings(tmp_path / "findings.csv")
    assert tuple(frame.columns) == FINDING_COLUMNS
    pd.testing.assert_frame_equal(again, frame)


def test_a_finding_with_an_unknown_status_is_refused():
    with pytest.raises(ValueError, match="allowed: pass, fail, info, not_applicable"):
        Finding("check", "subject", "good", "mark", None, None, "", "")


def test_the_dictionary_names_every_column_code_and_check():
    page = dictionary_markdown()
    contracts, words = load_contracts(), load_vocabularies(VOCABULARIES)
    wanted = [f"`{name}`" for contract in contracts.values() for name in contract.names]
    wanted += [f"| {code} |" for codes in words.codes.values() for code in codes]
    wanted += [f"`{name}`" for name in load_limits().checks]
    wanted += [part.reason for table in contracts.values() for part in (*table.cardinality, *table.cross)]
    wanted += ["note; mark above 10", "off by 2 times or more", "compared from 30 on", "| block | The auth"]
    wanted += ["`care_start` lies from `covered_from` to `covered_to` of `dr3_coverage`"]
    wanted += ["share missing of `ethnicity`", "`new_referrals` summed over the year ending in March"]
    assert [text for text in wanted if text not in page] == []
