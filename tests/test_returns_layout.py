"""Layout defects: sheet and header are found, or the finding says where to look; lineage stays exact."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from return_workbooks import CONTRACTS, referrals, sheet, sheet_name, write_workbook

from sfpc_book.contracts.finding import findings_frame
from sfpc_book.report.disclosure_returns import publish_findings
from sfpc_book.returns.declared import load_declared
from sfpc_book.returns.inventory import read_inventory
from sfpc_book.returns.read import Returns, read_files, write_returns
from sfpc_book.study.study import load_study

NAME = sheet_name("dr2_referrals")
STUDY = load_study()


def read(folder: Path, slug: str = "swindon") -> Returns:
    declared = load_declared(STUDY, folder)
    return read_files(STUDY, slug, read_inventory(STUDY, folder, declared.corrections), declared)


def one(
    folder: Path, rows: list[list[object]], name: str = NAME, file: str = "swindon_dr2_nov21.xlsx"
) -> Returns:
    write_workbook(folder / file, {name: rows})
    return read(folder)


def checks(returns: Returns) -> set[str]:
    return {finding.check for finding in returns.findings}


def found(returns: Returns, check: str):
    return next(finding for finding in returns.findings if finding.check == check)


def test_an_orderly_workbook_gives_its_rows_and_no_finding(tmp_path):
    returns = one(tmp_path, sheet("dr2_referrals", referrals(5)))
    table = returns.tables["dr2_referrals"]
    assert returns.findings == ()
    assert table["child_id"].tolist() == [f"C{n:04d}" for n in range(1, 6)]
    assert table["source_row"].tolist() == [5, 6, 7, 8, 9]
    assert set(table["source_file"]) == {"swindon_dr2_nov21.xlsx"} and set(table["source_sheet"]) == {NAME}
    assert set(table["authority"]) == {"swindon"} and set(table["return_month"]) == {"nov21"}


def test_canonical_types_are_those_declared(tmp_path):
    table = one(tmp_path, sheet("dr2_referrals", referrals(2))).tables["dr2_referrals"]
    assert str(table["referral_date"].dtype) == str(table["birth_month"].dtype) == "datetime64[ns]"
    assert str(table["no_further_action"].dtype) == str(table["factor_1b"].dtype) == "Int8"
    assert str(table["previous_protection_plans"].dtype) == "Int64"
    assert {str(table[name].dtype) for name in ("child_id", "gender", "factors", "birth_marker")} == {"str"}


def test_tables_not_sent_are_empty_with_the_same_types(tmp_path):
    returns = one(tmp_path, sheet("dr2_referrals", referrals(2)))
    filled = {name for name, table in returns.tables.items() if len(table)}
    assert filled == {"dr2_referrals"}
    assert set(returns.tables) == {name for name, part in CONTRACTS.items() if "standard" in part.sheets}
    assert str(returns.tables["dr3_care"]["care_start"].dtype) == "datetime64[ns]"


@pytest.mark.parametrize("row", [1, 2, 7, 15])
def test_the_header_is_found_wherever_it_stands_and_logged(tmp_path, row):
    returns = one(tmp_path, sheet("dr2_referrals", referrals(3), header_row=row))
    assert set(returns.log["header_row"]) == {row} and set(returns.log["nominal_header_row"]) == {4}
    assert returns.tables["dr2_referrals"]["source_row"].tolist() == [row + 1, row + 2, row + 3]


@pytest.mark.parametrize(
    ("name", "found_by", "check"),
    [
        (NAME, "name", None),
        (NAME + " ", "name", "sheet_name"),
        (NAME.upper(), "name", "sheet_name"),
        ("DR2 - Data - sample population", "other name", "sheet_name"),
        ("Sheet1", "headers", "sheet_name"),
        ("export 2021", "headers", "sheet_name"),
    ],
)
def test_the_sheet_is_found_under_another_name(tmp_path, name, found_by, check):
    returns = one(tmp_path, sheet("dr2_referrals", referrals(3)), name)
    assert len(returns.tables["dr2_referrals"]) == 3
    assert set(returns.log["found_by"]) == {found_by}
    assert checks(returns) == ({check} if check else set())


def test_names_cut_at_31_characters_are_the_same_sheet(tmp_path):
    head = "Child ID|Referral ID|Date period of care commenced|Date episode commenced|Date episode ceased"
    head += "|Date period of care ceased|Placement type|Legal status|Reason for new episode"
    rows = [head.split("|"), ["C1", "R1", "2021-01-01", "2021-01-01", None, None, "U1", "C1", "S"]]
    long_name = "DR3 - Data - Care episode information"
    write_workbook(tmp_path / "norfolk_dr3_nov24.xlsx", {long_name[:31]: rows})
    returns = read(tmp_path, "norfolk")
    assert len(returns.tables["dr3_episodes"]) == 1 and "sheet_name" not in checks(returns)


def test_columns_in_another_order_are_read_by_name(tmp_path):
    rows = sheet("dr2_referrals", referrals(3))
    turned = [row[::-1] if len(row) > 3 else row for row in rows]
    straight, other = one(tmp_path / "a", rows), one(tmp_path / "b", turned)
    pd.testing.assert_frame_equal(straight.tables["dr2_referrals"], other.tables["dr2_referrals"])


def test_a_misspelt_header_is_a_finding_with_its_nearest_column(tmp_path):
    returns = one(tmp_path, sheet("dr2_referrals", referrals(3), names={"referral_date": "Refferal date"}))
    assert "nearest is 'referral_date'" in found(returns, "column_unknown").text
    missing = found(returns, "column_missing")
    assert missing.column == "referral_date" and "Headers allowed: Referral date, " in missing.text
    assert missing.sheet == NAME and missing.file == "swindon_dr2_nov21.xlsx"
    assert returns.tables["dr2_referrals"]["referral_date"].isna().all()


def test_columns_and_sheets_noted_are_published_as_one_and_not_hidden(tmp_path):
    names = {"referral_date": "Refferal date"}
    returns = one(tmp_path, sheet("dr2_referrals", referrals(3), names=names), name="Sheet1")
    frame = publish_findings(findings_frame(returns.findings), STUDY.disclosure).frame.set_index("check")
    for check, unit in (("column_missing", "columns"), ("sheet_name", "sheets")):
        assert frame.loc[check, ["count", "suppressed", "unit"]].tolist() == [1, False, unit]


def test_an_extra_column_is_noted_and_left_alone(tmp_path):
    rows = sheet("dr2_referrals", referrals(3))
    returns = one(tmp_path, [*rows[:3], [*rows[3], "Team"], *([*row, "North"] for row in rows[4:])])
    assert (found(returns, "column_unknown").status, checks(returns)) == ("info", {"column_unknown"})


def test_a_header_that_stands_twice_is_read_once_and_told(tmp_path):
    rows = sheet("dr2_referrals", referrals(2, ethnicity=1987))
    returns = one(tmp_path, [*rows[:3], [*rows[3], "Ethnicity"], *([*row, "WBRI"] for row in rows[4:])])
    assert checks(returns) == {"column_repeated", "unmapped"}
    assert returns.tables["dr2_referrals"]["ethnicity"].tolist() == ["unmapped"] * 2


def test_factors_may_come_as_six_columns(tmp_path):
    flags = {f"factor_{code}": f"{code.upper()}" for code in ("1b", "2b", "3a", "3b", "3c", "4b")}
    plain = sheet("dr2_referrals", referrals(2))
    place = plain[3].index("Factors identified at the end of assessment")
    rows = [[*row[:place], *row[place + 1 :]] for row in plain[3:]]
    rows = [[*rows[0], *flags.values()], [*rows[1], "Y", "N", "N", "N", "N", "Y"], [*rows[2], *[None] * 6]]
    returns = one(tmp_path, rows)
    table = returns.tables["dr2_referrals"]
    assert checks(returns) == {"column_order", "header_row"}
    assert table["factors"].fillna("-").tolist() == ["1B;4B", "-"]
    assert table["factor_2b"].fillna(-1).tolist() == [0, -1]


def test_a_sheet_that_only_says_data_are_missing_is_a_finding(tmp_path):
    returns = one(tmp_path, [["Data for this sheet are to follow"]])
    finding = found(returns, "sheet_says_missing")
    assert (finding.status, finding.severity, finding.sheet) == ("fail", "mark", NAME)
    assert (finding.row, finding.count, finding.file) == (1, 1, "swindon_dr2_nov21.xlsx")
    assert "sheet_without_table" not in checks(returns)


def test_a_second_sheet_of_the_same_table_is_told_and_not_read(tmp_path):
    sheets = {NAME: sheet("dr2_referrals", referrals(3)), "Sheet2": sheet("dr2_referrals", referrals(2, 9))}
    write_workbook(tmp_path / "swindon_dr2_nov21.xlsx", sheets)
    returns = read(tmp_path)
    finding = found(returns, "sheet_repeated")
    assert (finding.status, finding.severity, finding.sheet, finding.count) == ("fail", "mark", "Sheet2", 1)
    assert len(returns.tables["dr2_referrals"]) == 3 and checks(returns) == {"sheet_repeated"}


def test_a_sheet_that_holds_something_else_is_a_finding(tmp_path):
    finding = found(one(tmp_path, [["Summary"], ["Total", 7]]), "sheet_without_table")
    assert (finding.status, finding.severity, finding.sheet, finding.count) == ("fail", "mark", NAME, 3)


def test_a_sheet_without_its_headings_stops_estimation_and_tells_no_cell(tmp_path):
    """Cells of a record can equal headings: "No further action", "UASC". Its other cells would be told as
    names of columns."""
    words = {
        "assessment_outcome": "No further action",
        "asylum_seeker": "UASC",
        "disability": "Disabled status",
    }
    rows = sheet("dr2_referrals", referrals(12, **words))
    del rows[3]
    returns = one(tmp_path, rows)
    finding = found(returns, "sheet_without_table")
    assert (finding.status, finding.severity) == ("fail", "block") and "Put the headings back" in finding.text
    assert returns.tables["dr2_referrals"].empty
    told = " ".join(part.text for part in returns.findings)
    assert not any(str(cell) in told for cell in ("C0001", "R0001", "2015", "WBRI"))


def test_an_unknown_heading_with_a_number_in_it_is_not_shown(tmp_path):
    rows = sheet("dr2_referrals", referrals(3))
    rows[3].append("SWI-1994161")
    finding = found(one(tmp_path, rows), "column_unknown")
    assert "1994161" not in finding.text and "not shown" in finding.text


def test_a_sentence_below_the_header_is_no_record(tmp_path):
    rows = sheet("dr2_referrals", [])
    returns = one(tmp_path, [*rows, ["Data not available for this period; already submitted in April"]])
    finding = found(returns, "sheet_says_missing")
    assert (finding.severity, finding.row, finding.count) == ("mark", 5, 1)
    assert returns.tables["dr2_referrals"].empty and "row_without_key" not in checks(returns)


def test_a_sentence_among_records_is_no_identifier(tmp_path):
    rows = [*sheet("dr2_referrals", referrals(3)), ["Later children were already submitted in April"]]
    returns = one(tmp_path, rows)
    finding = found(returns, "row_without_key")
    assert (finding.row, finding.count, len(returns.tables["dr2_referrals"])) == (8, 1, 3)


def test_a_row_below_the_header_that_is_no_record_is_found_with_its_number(tmp_path):
    rows = sheet("dr2_referrals", referrals(3))
    junk = [
        "text",
        "text",
        "dd/mm/yyyy",
        "1 or 0",
        "date",
        "list",
        "text",
        "number",
        "list",
        "mm/yyyy",
        "code",
        "code",
        "code",
    ]
    returns = one(tmp_path, [*rows[:4], junk, *rows[4:]])
    finding = found(returns, "row_of_no_record")
    assert (finding.count, finding.row, finding.severity) == (1, 5, "mark")
    assert len(returns.tables["dr2_referrals"]) == 4


def test_rows_without_an_identifier_are_left_out_and_counted(tmp_path):
    rows = sheet("dr2_referrals", [*referrals(3), {**referrals(1)[0], "child_id": None}])
    returns = one(tmp_path, [*rows, ["Total", *[None] * 12], [None] * 13])
    assert found(returns, "row_without_key").count == 1
    assert found(returns, "row_without_key").row == 8


def test_one_return_in_three_workbooks_is_read_together(tmp_path):
    for part in range(3):
        rows = sheet("dr2_referrals", referrals(2, start=1 + 2 * part))
        write_workbook(tmp_path / f"swindon_dr2_nov21_part{part + 1}.xlsx", {NAME: rows})
    returns = read(tmp_path)
    assert returns.tables["dr2_referrals"]["child_id"].tolist() == [f"C{n:04d}" for n in range(1, 7)]
    assert checks(returns) == {"file_name_suffix"}


def test_rows_sent_in_two_returns_are_kept_once_and_counted(tmp_path):
    write_workbook(tmp_path / "swindon_dr2_apr21.xlsx", {NAME: sheet("dr2_referrals", referrals(4))})
    write_workbook(tmp_path / "swindon_dr2_nov21.xlsx", {NAME: sheet("dr2_referrals", referrals(4, start=3))})
    returns = read(tmp_path)
    table = returns.tables["dr2_referrals"]
    assert table["child_id"].tolist() == [f"C{n:04d}" for n in range(1, 7)]
    assert table.loc[table["child_id"] == "C0003", "return_month"].item() == "apr21"
    assert (found(returns, "duplicate_rows").count, checks(returns)) == (2, {"duplicate_rows"})


def monthly(month: str, **more: object) -> dict[str, object]:
    names = ["looked_after_at_month_end", "newly_looked_after", "cin_plans_started", "open_cin_cases"]
    names += ["protection_plans_started", "open_protection_plans", "new_referrals"]
    return {"month": month, "looked_after_rate_per_10000": 71.5, **dict.fromkeys(names, 10), **more}


def test_a_later_return_replaces_a_month_and_an_empty_repeat_does_not(tmp_path):
    name = sheet_name("dr1_monthly")
    early = [monthly("Oct 2019", new_referrals=5, free_school_meals_share=0.2), monthly("Nov 2019")]
    late = [monthly("2019-10", new_referrals=6), {"month": "11/2019"}]
    write_workbook(tmp_path / "swindon_dr1_nov20.xlsx", {name: sheet("dr1_monthly", early)})
    write_workbook(tmp_path / "swindon_dr1_apr21.xlsx", {name: sheet("dr1_monthly", late)})
    returns = read(tmp_path)
    table = returns.tables["dr1_monthly"].sort_values("month")
    assert table["month"].tolist() == [pd.Timestamp("2019-10-01"), pd.Timestamp("2019-11-01")]
    assert table["new_referrals"].tolist() == [6, 10]
    assert table["free_school_meals_share"].tolist()[0] == 0.2
    assert {"row_without_values", "row_replaced"} <= checks(returns)


def attendance(terms: dict[str, list[object]], ids: list[str]) -> list[list[object]]:
    rows = [
        ["Child ID", *terms],
        *([name, *cells] for name, *cells in zip(ids, *terms.values(), strict=True)),
    ]
    return [["A note"], *rows]


def test_one_column_per_term_becomes_one_row_per_filled_term(tmp_path):
    terms = {
        "Unauthorised absence summer 2020": [5, "N/A", None],
        "Unauthorised absence (%) Autumn 2020": ["2.5", None, None],
    }
    rows = attendance(terms, ["a", "b", "c"])
    write_workbook(tmp_path / "swindon_dr3_nov24.xlsx", {"Data - school attendance": rows})
    table = read(tmp_path).tables["dr3_attendance"]
    assert table["child_id"].tolist() == ["a", "a", "b", "c"]
    assert table["term"].tolist() == ["2020-summer", "2020-autumn", "2020-summer", "2020-summer"]
    assert table["unauthorised_absence_share"].fillna(-1).tolist() == pytest.approx([0.05, 0.025, -1, -1])
    assert table["source_row"].tolist() == [3, 3, 4, 5]


def test_long_instead_of_wide_says_the_same(tmp_path):
    wide = {"Unauthorised absence summer 2020": [5, 1], "Unauthorised absence autumn 2020": [2, 3]}
    write_workbook(
        tmp_path / "a/swindon_dr3_nov24.xlsx", {"Data - school attendance": attendance(wide, ["a", "b"])}
    )
    head = ["Child ID", "Term", "Unauthorised absence (%)"]
    long = [
        head,
        ["a", "Summer 2020", 5],
        ["a", "Autumn 2020", 2],
        ["b", "Summer 2020", 1],
        ["b", "Autumn 2020", 3],
    ]
    write_workbook(tmp_path / "b/swindon_dr3_nov24.xlsx", {"Data - school attendance": long})
    first, second = read(tmp_path / "a"), read(tmp_path / "b")
    columns = ["child_id", "term", "unauthorised_absence_share"]
    pd.testing.assert_frame_equal(
        first.tables["dr3_attendance"][columns], second.tables["dr3_attendance"][columns]
    )
    assert set(second.log["shape"]) == {"long"}


def test_years_of_activity_become_whole_numbers(tmp_path):
    rows = [
        ["Child ID", "Date left care", "Main activity 2021", "Main activity 2022"],
        ["a", "2020-05-01", "G5", 0],
    ]
    write_workbook(tmp_path / "norfolk_dr3_nov24.xlsx", {"DR3 - Data - NEET status": rows})
    table = read(tmp_path, "norfolk").tables["dr3_neet"]
    assert table["ssda903_year"].tolist() == [2021, 2022] and table["main_activity"].tolist() == ["G5", "0"]


def test_two_tables_of_like_columns_are_told_apart_without_names(tmp_path):
    layout = "no_wrong_door"
    care = sheet("dr3_care", [{"child_id": "a", "care_start": "2021-01-01"}], layout=layout)
    cin = sheet("dr3_cin", [{"child_id": "b", "referral_date": "2021-02-01"}], layout=layout)
    covered = sheet(
        "dr3_coverage", [{"child_id": "c", "covered_from": "2018-04-01", "covered_to": "2024-10-31"}]
    )
    write_workbook(tmp_path / "norfolk_dr3_nov24.xlsx", {"Sheet1": cin, "Sheet2": covered, "Sheet3": care})
    tables = read(tmp_path, "norfolk").tables
    ids = {name: table["child_id"].tolist() for name, table in tables.items() if len(table)}
    assert ids == {"dr3_care": ["a"], "dr3_cin": ["b"], "dr3_coverage": ["c"]}


def test_equal_returns_give_equal_bytes(tmp_path):
    returns = one(tmp_path / "in", sheet("dr2_referrals", referrals(20, gender="x")))
    for name in ("one", "two"):
        write_returns(read(tmp_path / "in") if name == "two" else returns, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert {"findings.csv", "reading_log.csv", "dr2_referrals.parquet", "dr3_care.parquet"} <= set(files)
    assert all(
        (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files
    )


def test_no_cell_of_a_child_reaches_findings_or_log(tmp_path):
    rows = referrals(
        3, gender="SENTINEL-1", factors="SENTINEL-2", birth_month="SENTINEL-3", referral_id="SENTINEL-4"
    )
    returns = one(tmp_path / "in", sheet("dr2_referrals", rows))
    write_returns(returns, tmp_path / "out")
    written = [
        (tmp_path / "out" / name).read_text(encoding="utf-8") for name in ("findings.csv", "reading_log.csv")
    ]
    assert found(returns, "unmapped").status == "fail"
    assert not any("SENTINEL" in text or "C0001" in text for text in written)
