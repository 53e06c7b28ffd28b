"""Forms of cells are told one by one: how many of each, where the first stands, what was done with them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from return_workbooks import referrals, sheet, sheet_name, write_workbook

from sfpc_book.returns.declared import load_declared
from sfpc_book.returns.inventory import read_inventory
from sfpc_book.returns.read import Returns, read_files
from sfpc_book.study.study import load_study

STUDY = load_study()
FILE, NAME, FIRST = "swindon_dr2_nov21.xlsx", sheet_name("dr2_referrals"), 5


def read(folder: Path, column: str, cells: list[object], **others: list[object]) -> Returns:
    """The reading of a sheet of referrals with these cells in a column."""
    rows = [
        {**row, **{name: values[number] for name, values in {column: cells, **others}.items()}}
        for number, row in enumerate(referrals(len(cells)))
    ]
    write_workbook(folder / FILE, {NAME: sheet("dr2_referrals", rows)})
    declared = load_declared(STUDY, folder)
    return read_files(STUDY, "swindon", read_inventory(STUDY, folder, declared.corrections), declared)


def told(returns: Returns) -> dict[str, tuple]:
    """Check → (status, severity, row, count), each about one column of the file and sheet."""
    assert {(part.file, part.sheet) for part in returns.findings} <= {(FILE, NAME)}
    assert len({part.check for part in returns.findings}) == len(returns.findings)
    return {part.check: (part.status, part.severity, part.row, part.count) for part in returns.findings}


DAY = dt.date(2021, 3, 9)
MIXED = [DAY, "09/03/2021", DAY, "09-03-2021", "2021-03-09", 44264, "44264", "9/3/2021", "03/2021"]


def test_mixed_dates_are_counted_form_by_form_in_finding_and_log(tmp_path):
    returns = read(tmp_path, "assessment_start_date", MIXED)
    forms = "date cell: 2; dd-mm-yyyy: 1; dd/mm/yyyy: 2; mm/yyyy: 1; serial as text: 1; serial number: 1; "
    forms += "yyyy-mm-dd: 1"
    assert told(returns) == {
        "date_without_day": ("fail", "mark", FIRST + 8, 1),
        "cell_forms": ("info", "note", FIRST + 1, 7),
    }
    assert next(part.text for part in returns.findings if part.check == "cell_forms").endswith(forms)
    row = returns.log.set_index("column").loc["assessment_start_date"]
    assert (row["forms"], row["filled"], row["unmapped"]) == (forms, 9, 0)
    assert returns.tables["dr2_referrals"]["assessment_start_date"].tolist()[:8] == [pd.Timestamp(DAY)] * 8


def test_forms_of_rows_left_out_are_not_counted(tmp_path):
    returns = read(tmp_path, "assessment_start_date", [DAY, "09/03/2021", DAY], child_id=["a", None, "c"])
    assert set(told(returns)) == {"row_without_key"}


def test_dates_that_can_only_be_month_first_are_told_and_not_guessed(tmp_path):
    cells = ["04/05/2021", "25/03/2021", "03/25/2021", "05/05/2021", "12/31/2021", "31/31/2021"]
    returns = read(tmp_path, "assessment_start_date", cells)
    found = told(returns)
    assert found["date_month_first"] == ("fail", "mark", FIRST + 2, 2)
    assert found["unmapped"] == ("fail", "mark", FIRST + 2, 3)
    text = next(part.text for part in returns.findings if part.check == "date_month_first")
    assert (
        "2 date(s) can only have the month before the day" in text and "1 other(s) would be another" in text
    )
    days = returns.tables["dr2_referrals"]["assessment_start_date"]
    assert days.isna().tolist() == [False, False, True, False, True, True]
    assert days[0] == pd.Timestamp("2021-05-04")


@pytest.mark.parametrize("word", ["Unborn", "unborn child", "a) Unborn", "Unborn baby (EDD June)", "UB"])
def test_a_blank_birth_month_beside_an_unborn_marker_is_unborn(tmp_path, word):
    born = [dt.date(2015, 6, 1), None, "N/A", dt.date(2021, 12, 1), None, None]
    gender = ["Male", word, word, word, "Female", "Unknown"]
    returns = read(tmp_path, "birth_month", born, gender=gender)
    table = returns.tables["dr2_referrals"]
    assert table["birth_marker"].tolist() == ["dated", "unborn", "unborn", "dated", "missing", "missing"]
    found = [part for part in returns.findings if part.check == "unborn_by_marker"]
    place = [(part.file, part.sheet, part.row, part.column, part.count, part.severity) for part in found]
    assert place == [(FILE, NAME, FIRST + 1, "birth_month", 2, "note")]
    assert not [part for part in returns.findings if part.check == "phrase_for_missing"]
    log = returns.log.set_index("column").loc["birth_month"]
    assert (log["unborn"], log["blank"], log["says_missing"]) == (2, 2, 0)


@pytest.mark.parametrize(
    ("cell", "check"),
    [
        ("Unborn", None),
        ("Not yet born", "unborn_as_phrase"),
        ("EDD 12/03/2022", "unborn_as_phrase"),
        ("baby unborn at referral", "unborn_as_phrase"),
        ("1900-01-01", "unborn_as_date"),
        ("To follow", "phrase_for_missing"),
        ("already submitted in April return", "phrase_for_missing"),
        ("Data not available for this period", "phrase_for_missing"),
        ("newborn", "unmapped"),
    ],
)
def test_what_a_birth_month_says_in_words_is_told(tmp_path, cell, check):
    returns = read(tmp_path, "birth_month", [dt.date(2015, 6, 1), cell, cell])
    found = {name: part[2:] for name, part in told(returns).items()}
    assert found == ({check: (FIRST + 1, 2)} if check else {})


def test_a_missing_required_column_names_file_sheet_row_and_column(tmp_path):
    rows = sheet("dr2_referrals", referrals(3))
    place = rows[3].index("Gender")
    without = [[*row[:place], *row[place + 1 :]] if len(row) > place else row for row in rows]
    write_workbook(tmp_path / FILE, {NAME: without})
    declared = load_declared(STUDY, tmp_path)
    inventory = read_inventory(STUDY, tmp_path, declared.corrections)
    found = read_files(STUDY, "swindon", inventory, declared).findings
    assert [(part.check, part.file, part.sheet, part.row, part.column, part.count) for part in found] == [
        ("column_missing", FILE, NAME, 4, "gender", 1)
    ]


@pytest.mark.parametrize("name", ["leicester_dr2_nov22.xlsx", "notes.docx"])
def test_a_file_that_is_left_alone_is_told_to_those_whose_returns_are_read(tmp_path, name):
    (tmp_path / name).write_text("x")
    returns = read(tmp_path, "gender", ["Male"])
    found = [(part.file, part.count, part.severity, part.status) for part in returns.findings]
    assert found == [(name, 1, "note", "info")]
