"""The workbook that goes back to an authority: accessible, protected, marked, the same each time."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from return_workbooks import referrals, sheet, sheet_name, write_workbook

from sfpc_book.book import work
from sfpc_book.book.findings_export import export_findings
from sfpc_book.book.leaks import workbook_text
from sfpc_book.book.step import Places
from sfpc_book.contracts.check_words import load_check_words
from sfpc_book.contracts.finding import Finding, findings_frame, write_findings
from sfpc_book.errors import DisclosureError, ParameterError
from sfpc_book.report.disclosure_returns import (
    OWNER_COLUMNS,
    publish_findings,
    publish_reading,
    publish_repairs,
)
from sfpc_book.report.findings_name import workbook_name
from sfpc_book.report.findings_workbook import OwnFindings, findings_workbook
from sfpc_book.report.formats import SHORTHAND
from sfpc_book.report.markup import SYNTHETIC_MARK
from sfpc_book.report.workbook import Sheet, Workbook
from sfpc_book.report.workbook import write_workbook as write_accessible
from sfpc_book.study.study import load_study

STUDY = load_study()
SHEETS = ["Cover", "Notes", "Received", "Findings", "Corrections", "To send next"]
PLAIN = Finding(
    "missing", "dr2_referrals.gender", "fail", "mark", 0.31, 0.1, "share of rows", "", "swindon", "dr2"
)


def found(check: str, severity: str = "mark", month: str = "nov22", **changes: object) -> Finding:
    """A finding in one sheet of Swindon's returns."""
    file, where = f"swindon_dr2_{month}.xlsx", "DR2 - Data - sample pop"
    place = {"file": file, "sheet": where, "column": "gender", "row": 17, "count": 40}
    text = f"{file}, sheet '{where}': 40 cells are so"
    return replace(PLAIN, **{"check": check, "severity": severity, "text": text, **place, **changes})


FINDINGS = [
    replace(PLAIN, check="totals_gap", severity="note", unit="months", measured=2.0, limit=0.0, layer="dr1",
            text="2 of 54 months of monthly totals have no row", count=2),
    found("unmapped", measured=0.004, count=4, text="'gender': 4 of 1000 cells say nothing"),
    found("link_rate", "block", file=None, sheet=None, column=None, row=None, text="300 of 1000 children"),
    found("identifier_in_two_authorities", "note", text="40 of 900 identifiers"),
    found("cell_forms", "note", status="info", measured=None, limit=None, unit=""),
    found("correction", "note", status="info", subject="swindon-gender", unit="cells"),
    found("type", status="pass", count=0, measured=0.0),
]  # fmt: skip
DECLARED = pd.DataFrame(
    {
        "id": ["swindon-gender"], "action": "recode", "layer": "dr2", "return_month": "nov22",
        "table": "dr2_referrals", "column": "gender",
        "file": "swindon_dr2_nov22.xlsx; swindon_dr2_apr23.xlsx",
        "sheet": "DR2 - Data - sample pop", "why": "Other words", "source": "E-mail", "date": "2022-12-01",
    }
)  # fmt: skip
LOG = pd.DataFrame(
    {
        "return_month": "nov22", "layer": "dr2", "file": "swindon_dr2_nov22.xlsx",
        "sheet": "DR2 - Data - sample pop", "table": "dr2_referrals", "header_row": 4, "position": [1, 2],
        "column": ["child_id", "gender"], "header": ["Child ID", "Gender of child"], "rows": [7, 7],
    }
)  # fmt: skip


def own(findings: list[Finding] = FINDINGS, status: str = "synthetic") -> OwnFindings:
    rules = STUDY.disclosure
    published = publish_findings(findings_frame(findings), rules, OWNER_COLUMNS)
    declared = DECLARED if any(item.check == "correction" for item in findings) else DECLARED[:0]
    repairs = publish_repairs(declared, findings_frame(findings), rules)
    return OwnFindings(STUDY.authorities["swindon"], published, publish_reading(LOG, rules), repairs, status)


def content(findings: list[Finding] = FINDINGS, status: str = "synthetic") -> Workbook:
    titles = {"dr2_referrals": "Children referred"}
    return findings_workbook(STUDY, own(findings, status), load_check_words(), titles)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return write_accessible(content(), tmp_path_factory.mktemp("workbook") / "swindon.xlsx")


@pytest.fixture(scope="module")
def book(path: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(path)


def table_rows(book: openpyxl.Workbook, name: str) -> pd.DataFrame:
    """The one table of a sheet."""
    page = book[name]
    (table,) = page.tables.values()
    head, *rows = [[cell.value for cell in row] for row in page[table.ref]]
    return pd.DataFrame(rows, columns=[re.sub(r"\s*\[note \d+\]", "", name) for name in head])


def test_a_workbook_has_a_title_a_language_and_says_that_it_is_synthetic_everywhere(book):
    assert book.sheetnames == SHEETS
    assert book.properties.language == "en-GB"
    assert "Swindon" in book.properties.title and SYNTHETIC_MARK in book.properties.title
    assert book["Cover"]["A1"].value == "Data returns of Swindon: what was found"
    for page in book:
        assert SYNTHETIC_MARK in " ".join(str(cell.value) for cell in page["A"][:4]), page.title
    assert workbook_name("swindon", "synthetic") == "swindon_findings_synthetic.xlsx"


def test_real_findings_are_not_called_synthetic(tmp_path):
    path = write_accessible(content(status="returns"), tmp_path / workbook_name("swindon", "returns"))
    assert path.name == "swindon_findings.xlsx" and "ynthetic" not in workbook_text(path)


@pytest.mark.parametrize("name", SHEETS)
def test_every_sheet_follows_the_guidance_on_accessible_spreadsheets(name: str, book):
    page = book[name]
    assert page.sheet_state == "visible" and not page.merged_cells.ranges and page.freeze_panes is None
    assert not [row for row in page.row_dimensions.values() if row.hidden]
    assert not [column for column in page.column_dimensions.values() if column.hidden]
    assert not page.conditional_formatting and len(page.tables) == 1
    (table,) = page.tables.values()
    assert table.ref.startswith("A") and table.headerRowCount == 1
    cells = page[table.ref]
    assert all(isinstance(cell.value, str) and cell.value.strip() for cell in cells[0])
    assert [re.sub(r"_x000a_", "\n", column.name) for column in table.tableColumns] == [
        cell.value for cell in cells[0]
    ]
    assert all(cell.value not in (None, "") for row in cells for cell in row)
    assert all(cell.alignment.wrap_text for row in cells for cell in row)
    assert all(cell.fill.fill_type is None for row in page.iter_rows() for cell in row)
    assert all(page.column_dimensions[cell.column_letter].width >= 12 for cell in cells[0])
    last = int(re.search(r"(\d+)$", table.ref)[1])
    assert page.max_row == last, "nothing stands beneath the table"


def test_notes_and_shorthands_are_explained_where_they_are_used(book):
    notes = table_rows(book, "Notes")
    used = {
        int(number)
        for page in book
        if page.title != "Notes"
        for row in page.iter_rows()
        for cell in row
        for number in re.findall(r"\[note (\d+)\]", str(cell.value))
    }
    assert used == set(notes.iloc[:, 0]) and used
    for name in SHEETS[2:]:
        table = table_rows(book, name).astype("str")
        above = " ".join(str(cell.value) for cell in book[name]["A"][:8])
        for mark in SHORTHAND:
            if table.apply(lambda column, mark=mark: column.str.contains(mark, regex=False)).any(axis=None):
                assert f"{mark} = " in above, name


def test_the_cover_leads_to_every_sheet_of_data(book):
    contents = table_rows(book, "Cover")
    assert contents.iloc[:, 0].tolist() == SHEETS[2:]
    links = [cell.hyperlink.location for row in book["Cover"].iter_rows() for cell in row if cell.hyperlink]
    assert links == [f"'{name}'!A1" for name in SHEETS[2:]] or links == [f"{name}!A1" for name in SHEETS[2:]]


def test_findings_stand_gravest_first_with_place_limit_and_request(book):
    table = table_rows(book, "Findings")
    follows = ["stops estimation", "marked", "noted", "noted", "read by a rule"]
    assert table["What follows"].tolist() == follows
    unmapped = table.set_index("Check").loc["Cells that say nothing the contract knows"]
    assert unmapped["File"] == "swindon_dr2_nov22.xlsx" and unmapped["First row"] == 17
    assert unmapped["Column"] == "Gender of child" and unmapped["Return"] == "Nov 2022"
    assert unmapped["How many"] == "[c]" and unmapped["Allowed"] == "10% of rows"
    assert unmapped["What was found"] == "“Gender of child”: fewer than 10 of 1,000 cells say nothing"


def test_a_correction_is_told_with_its_returns_reason_source_and_date(book):
    row = table_rows(book, "Corrections").iloc[0]
    assert row["Correction"] == "swindon-gender" and row["Returns"] == "Nov 2022 and Apr 2023"
    assert row["Why"] == "Other words" and row["Source"] == "E-mail" and row["Date"] == "1 December 2022"
    assert row["Touched"] == "40 cells" and row["What we ask you to do"].startswith("Confirm")


def test_small_counts_of_children_are_hidden_as_on_pages(book):
    table = table_rows(book, "Received")
    assert table["Rows"].tolist() == ["[c]"] and table["Headers in row"].tolist() == [4]


def test_only_what_needs_an_answer_is_asked_for(book):
    asked = table_rows(book, "To send next")
    assert asked["What follows"].tolist() == [
        "stops estimation", "marked", "noted", "corrected by the evaluation",
    ]  # fmt: skip
    assert not asked["What we ask you to do"].str.startswith("Nothing").any()


@pytest.mark.parametrize("sheet", ["Findings", "Corrections"])
def test_whatever_another_sheet_asks_for_is_in_what_to_send_next(sheet: str, tmp_path):
    """A workbook of oddities and corrections alone still has something to send."""
    odd = [found("hidden_sheet", "note", status="info"), *FINDINGS[4:]]
    path = write_accessible(content(odd), tmp_path / "odd.xlsx")
    book = openpyxl.load_workbook(path)
    asked = {text for text in table_rows(book, sheet)["What we ask you to do"] if "Nothing" not in text}
    assert asked and asked <= set(table_rows(book, "To send next")["What we ask you to do"])


def test_published_counts_are_numbers_that_a_spreadsheet_can_add(book):
    shown = table_rows(book, "Findings")["How many"].tolist()
    assert 40 in shown and not [
        value for value in shown if re.fullmatch(r"[\d,]+", str(value)) and value == str(value)
    ]


def test_sheets_without_rows_say_so(tmp_path):
    book = openpyxl.load_workbook(write_accessible(content([]), tmp_path / "none.xlsx"))
    for name in SHEETS[3:]:
        table = table_rows(book, name)
        assert len(table) == 1 and table.iloc[0, 0].startswith("Nothing")


def test_equal_findings_give_equal_bytes(path, tmp_path):
    assert write_accessible(content(), tmp_path / "again.xlsx").read_bytes() == path.read_bytes()


def test_text_from_a_workbook_becomes_no_formula_link_or_note(tmp_path):
    texts = ["=HYPERLINK(X)", "[see](https://example.org)", "Https://example.org", "$$unknown$$"]
    findings = [found("column_unknown", text=text, file=None, sheet=None) for text in texts]
    path = write_accessible(content(findings), tmp_path / "hostile.xlsx")
    page = openpyxl.load_workbook(path)["Findings"]
    cells = [cell for row in page.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    shown = {str(cell.value) for cell in cells}
    assert {"=HYPERLINK(X)", "[see] (https://example.org)", "Https://example.org", "$ $unknown$ $"} <= shown


@pytest.mark.parametrize(
    ("table", "notes", "problem"),
    [
        (pd.DataFrame({"a": ["x", ""]}), {}, "column 'a' has blank cells"),
        (pd.DataFrame({"a": ["x", None]}), {}, "column 'a' has blank cells"),
        (pd.DataFrame({"a": []}), {}, "no rows"),
        (pd.DataFrame({" ": ["x"]}), {}, "heading is blank"),
        (pd.DataFrame({"a": ["x"]}), {"a": "missing"}, "there is no note 'missing'"),
        (pd.DataFrame({"a": ["x"]}), {"b": "n"}, "no column 'b' for a note"),
    ],
)
def test_a_sheet_that_readers_could_not_use_is_refused(table: pd.DataFrame, notes: dict, problem: str):
    with pytest.raises(ParameterError) as caught:
        Workbook("T", "S", "P", (), (Sheet("One", "One", table, notes),), {})
    assert problem in caught.value.text()


SENTINEL = "SENTINEL7731"


@pytest.fixture(scope="module")
def places(tmp_path_factory, repository) -> Places:
    """Swindon's returns read, with a sentinel as identifier and as a cell that no rule explains."""
    folder = tmp_path_factory.mktemp("export")
    rows = referrals(30, gender="Male") + referrals(2, start=50, child_id=SENTINEL, gender=f"x {SENTINEL}")
    cells = {sheet_name("dr2_referrals"): sheet("dr2_referrals", rows)}
    write_workbook(folder / "returns" / "swindon_dr2_nov22.xlsx", cells)
    places = Places(repository / "study.yml", folder / "build", folder / "returns", folder / "published")
    work.read_returns(places, authority="swindon", listing="")
    (places.build / "data_status.json").write_text(json.dumps({"returns": "returns", "published": "x"}))
    return places


def test_no_identifier_or_cell_of_a_return_stands_in_the_workbook(places: Places):
    raw = pd.read_parquet(places.build / "returns" / "swindon" / "dr2_referrals.parquet")
    assert SENTINEL in set(raw["child_id"]), "the sentinel was read"
    path = export_findings(places, "swindon", compared=False)
    words = workbook_text(path)
    assert path == places.build / "findings" / "swindon_findings.xlsx"
    assert "Cells that say nothing the contract knows" in words and SENTINEL not in words
    assert "not compared with those of other authorities" in words


def test_a_workbook_with_an_identifier_is_not_written(places: Places, tmp_path):
    folder = places.build / "returns" / "swindon"
    kept = (folder / "findings.csv").read_bytes()
    target = places.build / "findings" / "swindon_findings.xlsx"
    try:
        write_findings([found("unmapped", text=f"'{SENTINEL}' is no gender")], folder / "findings.csv")
        with pytest.raises(DisclosureError) as caught:
            export_findings(places, "swindon", compared=False)
    finally:
        (folder / "findings.csv").write_bytes(kept)
    assert SENTINEL not in caught.value.text() and not target.exists()


def test_a_workbook_of_the_other_data_status_is_removed(places: Places):
    made_up = places.build / "findings" / "swindon_findings_synthetic.xlsx"
    made_up.parent.mkdir(exist_ok=True)
    made_up.write_bytes(b"")
    export_findings(places, "swindon", compared=False)
    assert [path.name for path in made_up.parent.iterdir()] == ["swindon_findings.xlsx"]


def test_findings_that_name_another_authority_or_none_are_not_passed_on(places: Places):
    folder = places.build / "returns" / "swindon"
    kept = (folder / "findings.csv").read_bytes()
    other = found("file_name", authority=None, file="walsall2.xlsx", text="walsall2.xlsx: whose is it")
    try:
        write_findings([other, found("unmapped")], folder / "findings.csv")
        words = workbook_text(export_findings(places, "swindon", compared=False))
    finally:
        (folder / "findings.csv").write_bytes(kept)
    assert "walsall2" not in words and "40 cells are so" in words
