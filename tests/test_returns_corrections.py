"""Corrections: each repairs what it names and nothing else, is told, and fails when it no longer fits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from return_workbooks import CONTRACTS, referrals, sheet, sheet_name, write_workbook
from ruamel.yaml import YAML

from sfpc_book.contracts.contract import DATA_CONTRACTS
from sfpc_book.errors import ContractError
from sfpc_book.returns.corrections import load_corrections
from sfpc_book.returns.declared import load_declared
from sfpc_book.returns.inventory import read_inventory
from sfpc_book.returns.read import Returns, read_files
from sfpc_book.study.study import load_study

STUDY = load_study()
NAME = sheet_name("dr2_referrals")
INNOVATOR = next(slug for slug, part in STUDY.authorities.items() if part.role == "innovator")
BASE = {"authority": "swindon", "why": "The authority said so.", "source": "e-mail", "date": "2022-05-01"}


def correct(folder: Path, **correction: object) -> None:
    row = {"id": "c1", "expect": {"minimum": 1}, **BASE, **correction}
    with (folder / "corrections.yml").open("w", encoding="utf-8") as file:
        YAML().dump({"corrections": [row]}, file)


def read(folder: Path, slug: str = "swindon") -> Returns:
    declared = load_declared(STUDY, folder)
    return read_files(STUDY, slug, read_inventory(STUDY, folder, declared.corrections), declared)


def send(
    folder: Path, rows: list[list[object]], file: str = "swindon_dr2_nov21.xlsx", name: str = NAME
) -> None:
    write_workbook(folder / file, {name: rows})


def checks(returns: Returns) -> set[str]:
    return {finding.check for finding in returns.findings}


def applied(returns: Returns):
    return next(finding for finding in returns.findings if finding.check == "correction")


def test_the_committed_corrections_are_valid():
    load_corrections([DATA_CONTRACTS / "corrections.yml"], CONTRACTS, STUDY)


def test_recode_changes_the_cells_it_names_and_is_told(tmp_path):
    send(
        tmp_path,
        sheet("dr2_referrals", [*referrals(2, gender="Lad"), *referrals(2, start=3, gender="Female")]),
    )
    assert "unmapped" in checks(read(tmp_path))
    correct(
        tmp_path, action="recode", table="dr2_referrals", column="gender", values={"lad": "Male"}, expect=2
    )
    returns = read(tmp_path)
    assert returns.tables["dr2_referrals"]["gender"].tolist() == ["Male", "Male", "Female", "Female"]
    assert checks(returns) == {"correction"} and applied(returns).count == 2
    assert "The authority said so." in applied(returns).text
    log = returns.log.set_index("column")["corrections"]
    assert log["gender"] == "c1" and log["ethnicity"] == ""


def test_recode_can_exchange_labels_and_can_make_missing(tmp_path):
    rows = [*referrals(2, no_further_action=0), *referrals(1, start=3, no_further_action=1)]
    send(tmp_path, sheet("dr2_referrals", rows))
    correct(
        tmp_path,
        action="recode",
        table="dr2_referrals",
        column="no_further_action",
        values={"0": "1", "1": "0"},
    )
    assert read(tmp_path).tables["dr2_referrals"]["no_further_action"].tolist() == [1, 1, 0]
    correct(tmp_path, action="recode", table="dr2_referrals", column="no_further_action", values={"1": None})
    assert read(tmp_path).tables["dr2_referrals"]["no_further_action"].fillna(9).tolist() == [0, 0, 9]


def test_extract_keeps_the_part_it_names(tmp_path):
    send(
        tmp_path,
        sheet("dr2_referrals", [{**row, "child_id": f"{row['child_id']}/77"} for row in referrals(2)]),
    )
    correct(
        tmp_path, action="extract", table="dr2_referrals", column="child_id", pattern="^([^/]+)/", expect=2
    )
    assert read(tmp_path).tables["dr2_referrals"]["child_id"].tolist() == ["C0001", "C0002"]


def test_a_number_inside_text_is_read_only_after_a_correction(tmp_path):
    row = {"month": "Oct 2020", "free_school_meals_share": "Oct 2020: 25.1%", "new_referrals": 3}
    send(tmp_path, sheet("dr1_monthly", [row]), "swindon_dr1_nov20.xlsx", sheet_name("dr1_monthly"))
    assert "unmapped" in checks(read(tmp_path))
    correct(
        tmp_path,
        action="extract",
        table="dr1_monthly",
        column="free_school_meals_share",
        pattern=r"([\d.]+%)",
    )
    assert read(tmp_path).tables["dr1_monthly"]["free_school_meals_share"].tolist() == pytest.approx([0.251])


@pytest.mark.parametrize(("above", "expected", "count"), [(None, [0.0025, 0.25], 2), (1, [0.25, 0.25], 1)])
def test_rescale_reaches_all_numbers_or_those_above_a_bound(tmp_path, above, expected, count):
    rows = [
        {"month": "Oct 2020", "free_school_meals_share": 0.25},
        {"month": "Nov 2020", "free_school_meals_share": 25},
    ]
    send(tmp_path, sheet("dr1_monthly", rows), "swindon_dr1_nov20.xlsx", sheet_name("dr1_monthly"))
    place = {"table": "dr1_monthly", "column": "free_school_meals_share"}
    correct(tmp_path, action="rescale", **place, factor=0.01, above=above, expect=count)
    assert read(tmp_path).tables["dr1_monthly"]["free_school_meals_share"].tolist() == pytest.approx(expected)


def test_rename_gives_a_misspelt_header_its_column(tmp_path):
    send(tmp_path, sheet("dr2_referrals", referrals(2), names={"referral_date": "Refferal date"}))
    correct(
        tmp_path,
        action="rename",
        table="dr2_referrals",
        column="referral_date",
        header="refferal date",
        expect=1,
    )
    returns = read(tmp_path)
    assert returns.tables["dr2_referrals"]["referral_date"].notna().all()
    assert checks(returns) == {"correction", "column_reworded"}


def test_rename_can_choose_the_second_of_two_equal_headers(tmp_path):
    rows = sheet("dr2_referrals", referrals(2, ethnicity=1987))
    send(tmp_path, [*rows[:3], [*rows[3], "Ethnicity"], *([*row, "WBRI"] for row in rows[4:])])
    correct(
        tmp_path, action="rename", table="dr2_referrals", column="ethnicity", header="Ethnicity", occurrence=2
    )
    returns = read(tmp_path)
    assert returns.tables["dr2_referrals"]["ethnicity"].tolist() == ["WBRI", "WBRI"]
    assert checks(returns) == {"correction", "column_order"}


def test_rename_sheet_and_shift_header_say_where_to_look(tmp_path):
    rows = [["Child ID", "Referral date", "these are examples"], *sheet("dr2_referrals", referrals(2))]
    send(tmp_path, rows, name="Odd")
    correct(tmp_path, action="rename_sheet", table="dr2_referrals", sheet="Odd", expect=1)
    assert set(read(tmp_path).log["found_by"]) == {"correction"}
    send(tmp_path, rows)
    correct(tmp_path, action="shift_header", table="dr2_referrals", header_row=5, expect=1)
    assert set(read(tmp_path).log["header_row"]) == {5}


def test_a_sheet_of_that_name_in_a_workbook_of_another_layer_is_left_alone(tmp_path):
    send(tmp_path, sheet("dr2_referrals", referrals(2)), name="Sheet1")
    totals = sheet("dr1_monthly", [{"month": "Oct 2020", "new_referrals": 3}])
    send(tmp_path, totals, "swindon_dr1_nov21.xlsx", "Sheet1")
    correct(tmp_path, action="rename_sheet", table="dr2_referrals", sheet="Sheet1", expect=1)
    tables = read(tmp_path).tables
    assert len(tables["dr2_referrals"]) == 2 and tables["dr1_monthly"]["new_referrals"].tolist() == [3]


def test_an_alias_gives_only_files_of_the_layer_and_return_it_names(tmp_path):
    send(tmp_path, sheet("dr2_referrals", referrals(2)), "telford_wrekin_dr2_nov21.xlsx")
    send(tmp_path, sheet("dr2_referrals", referrals(2)), "telford_wrekin_dr2_apr22.xlsx")
    alias = {"action": "alias_authority", "authority": "telford_and_wrekin", "spelling": "telford_wrekin"}
    correct(tmp_path, **alias, return_month="nov21", layer="dr2", expect=1)
    returns = read(tmp_path, "telford_and_wrekin")
    assert set(returns.tables["dr2_referrals"]["source_file"]) == {"telford_wrekin_dr2_nov21.xlsx"}
    left = [found for found in returns.findings if found.check == "file_name"]
    assert [found.file for found in left] == ["telford_wrekin_dr2_apr22.xlsx"]


def test_fill_blank_says_what_a_blank_means_for_one_authority(tmp_path):
    send(tmp_path, sheet("dr2_referrals", [*referrals(1), *referrals(1, 2, previous_protection_plans=None)]))
    correct(
        tmp_path,
        action="fill_blank",
        table="dr2_referrals",
        column="previous_protection_plans",
        value="0",
        expect=1,
    )
    assert read(tmp_path).tables["dr2_referrals"]["previous_protection_plans"].tolist() == [0, 0]


def test_drop_rows_takes_out_rows_that_are_no_records(tmp_path):
    rows = sheet("dr2_referrals", referrals(3))
    junk = ["text"] * len(rows[3])
    send(tmp_path, [*rows[:4], junk, *rows[4:]])
    correct(tmp_path, action="drop_rows", table="dr2_referrals", expect=1)
    returns = read(tmp_path)
    assert returns.tables["dr2_referrals"]["source_row"].tolist() == [6, 7, 8] and checks(returns) == {
        "correction"
    }


def test_alias_authority_gives_files_under_another_spelling_to_their_authority(tmp_path):
    send(tmp_path, sheet("dr2_referrals", referrals(2)), "telford_wrekin_dr2_nov21.xlsx")
    send(tmp_path, sheet("dr2_referrals", referrals(2)))
    correct(
        tmp_path,
        action="alias_authority",
        authority="telford_and_wrekin",
        spelling="telford_wrekin",
        expect=1,
    )
    returns = read(tmp_path, "telford_and_wrekin")
    assert len(returns.tables["dr2_referrals"]) == 2 and checks(returns) == {"correction"}
    assert checks(read(tmp_path)) == set()


def test_a_correction_reaches_only_the_return_it_names(tmp_path):
    send(tmp_path, sheet("dr2_referrals", referrals(2, gender="Lad")))
    send(tmp_path, sheet("dr2_referrals", referrals(2, start=3, gender="Lad")), "swindon_dr2_apr22.xlsx")
    place = {"table": "dr2_referrals", "column": "gender", "return_month": "apr22"}
    correct(tmp_path, action="recode", **place, values={"Lad": "Male"}, expect=2)
    table = read(tmp_path).tables["dr2_referrals"]
    assert table["gender"].tolist() == ["unmapped", "unmapped", "Male", "Male"]


@pytest.mark.parametrize("expect", [3, {"minimum": 3}, {"minimum": 1, "maximum": 1}])
def test_a_correction_that_no_longer_fits_fails_and_says_so(tmp_path, expect):
    send(tmp_path, sheet("dr2_referrals", referrals(2, gender="Lad")))
    correct(
        tmp_path,
        action="recode",
        table="dr2_referrals",
        column="gender",
        values={"Lad": "Male"},
        expect=expect,
    )
    with pytest.raises(ContractError, match="no longer match the returns") as caught:
        read(tmp_path)
    assert "touched 2" in caught.value.problems[0] and caught.value.problems[0].startswith(
        "c1 (swindon, recode)"
    )


def test_a_correction_of_what_was_not_sent_fails(tmp_path):
    send(tmp_path, sheet("dr2_referrals", referrals(2)))
    correct(tmp_path, action="rename", table="dr3_care", column="care_start", header="Start")
    with pytest.raises(ContractError, match="expects 1 or more, touched 0"):
        read(tmp_path)


@pytest.mark.parametrize(("synthetic", "kind"), [(True, "real"), (False, "synthetic")])
def test_corrections_of_synthetic_and_real_returns_never_meet(tmp_path, synthetic, kind):
    send(tmp_path, sheet("dr2_referrals", referrals(2, gender="Lad")))
    (tmp_path / "manifest.json").write_text(json.dumps({"synthetic": synthetic}))
    correct(
        tmp_path,
        action="recode",
        table="dr2_referrals",
        column="gender",
        values={"Lad": "Male"},
        applies_to=kind,
    )
    assert "correction" not in checks(read(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"action": "mend"}, "'corrections.0.action'"),
        ({"authority": "swinden"}, "unknown authority 'swinden'. Known: "),
        ({"table": "dr2_referal"}, "unknown table 'dr2_referal'. Known: dr1_monthly"),
        ({"column": "sex"}, "unknown column 'sex' of dr2_referrals. Known: child_id"),
        ({"action": "rescale"}, "action rescale needs the key 'factor'"),
        ({"action": "extract", "pattern": "("}, "is not a regular expression"),
        ({"action": "extract", "pattern": "x"}, "has 0 groups; it needs one"),
        ({"expext": 1}, "unknown key 'corrections.0.expext'"),
        ({"authority": INNOVATOR}, f"returns of '{INNOVATOR}' are not read"),
        ({"return_month": "2021-11"}, "return_month '2021-11' is not of the form nov22"),
        ({"return_month": "oct21"}, "a return of dr2 of oct21 was not asked for. Asked for: nov20"),
        ({"layer": "dr3"}, "layer dr3 does not agree with table dr2_referrals, which is of dr2"),
        ({"factor": 100}, "action recode does not use the key 'factor'. It uses: table, column, values"),
        ({"action": "drop_rows"}, "action drop_rows does not use the key 'column'"),
        ({"sheet": "A name that is longer than Excel lets one be"}, "longer than the 31 characters"),
        ({"why": "TO FILL: the reason"}, "'why' still says 'TO FILL'"),
        ({"source": "TO FILL: who"}, "'source' still says 'TO FILL'"),
        ({"date": "TO FILL: the day"}, "'date' still says 'TO FILL'"),
        ({"values": {"Lad": "TO FILL: a code"}}, "'values' still says 'TO FILL'"),
        ({"expect": 0}, "corrections.0.expect"),
    ],
)
def test_a_faulty_correction_is_refused_with_its_line(tmp_path, change, message):
    values = {"values": {"a": "b"}, "table": "dr2_referrals", "column": "gender", "action": "recode"}
    correct(tmp_path, **{**values, **change})
    with pytest.raises(ContractError) as caught:
        load_corrections([tmp_path / "corrections.yml"], CONTRACTS, STUDY)
    assert message in str(caught.value) and "corrections.yml, line " in str(caught.value)


GENDER = {"table": "dr2_referrals", "column": "gender"}
PLANS = {"table": "dr2_referrals", "column": "previous_protection_plans"}
SHARE = {"table": "dr1_monthly", "column": "free_school_meals_share"}


def declare(path: Path, *rows: dict) -> tuple:
    with path.open("w", encoding="utf-8") as file:
        YAML().dump({"corrections": [{"expect": 1, **BASE, **row} for row in rows]}, file)
    return load_corrections([path], CONTRACTS, STUDY)


def starts(path: Path) -> list[int]:
    """Lines on which rows of a file of corrections begin."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, start=1) if line.startswith("- ")]


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        ({"action": "recode", **GENDER, "values": {"Lad": "M"}},
         {"action": "recode", **GENDER, "values": {"M": "Female"}}, "their order decides"),
        ({"action": "recode", **GENDER, "values": {"Lad": "Male"}},
         {"action": "recode", **GENDER, "values": {"LAD": "Female"}}, "their order decides"),
        ({"action": "recode", **PLANS, "values": {"x": None}},
         {"action": "fill_blank", **PLANS, "value": "0"}, "their order decides"),
        ({"action": "extract", **PLANS, "pattern": r"(\d)"},
         {"action": "extract", **PLANS, "pattern": r"(\d\d)"}, "their order decides"),
        ({"action": "rescale", **SHARE, "factor": 0.01, "above": 1},
         {"action": "rescale", **SHARE, "factor": 100}, "their order decides"),
        ({"action": "rename", **GENDER, "header": "Sexe"},
         {"action": "rename", **GENDER, "header": "Gendre"}, "one column two headings"),
        ({"action": "rename", **GENDER, "header": "Sexe"},
         {"action": "rename", **PLANS, "header": "sexe"}, "one heading to two columns"),
        ({"action": "shift_header", "table": "dr2_referrals", "header_row": 5},
         {"action": "shift_header", "table": "dr2_referrals", "header_row": 6}, "both say shift_header"),
        ({"action": "rename_sheet", "table": "dr2_referrals", "sheet": "Odd"},
         {"action": "rename_sheet", "table": "dr2_plans", "sheet": "odd "}, "about the same sheet"),
        ({"action": "alias_authority", "spelling": "swinden"},
         {"action": "alias_authority", "spelling": "swinden", "authority": "walsall"}, "same spelling"),
    ],
)  # fmt: skip
def test_two_corrections_whose_order_would_decide_are_told(tmp_path, one, two, said):
    with pytest.raises(ContractError) as caught:
        declare(tmp_path / "corrections.yml", {"id": "a", **one}, {"id": "b", **two})
    (problem,) = caught.value.problems
    assert said in problem and "'b' and 'a'" in problem
    first, second = starts(tmp_path / "corrections.yml")
    assert f"corrections.yml, line {second}: " in problem and f"corrections.yml, line {first})" in problem
    for key, first, second in (("return_month", "nov21", "apr22"), ("applies_to", "synthetic", "real")):
        path = tmp_path / "corrections.yml"
        assert len(declare(path, {"id": "a", **one, key: first}, {"id": "b", **two, key: second})) == 2


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"action": "recode", **GENDER, "values": {"Lad": "Male"}},
         {"action": "recode", **GENDER, "values": {"Lass": "Female"}}),
        ({"action": "recode", **GENDER, "values": {"Lad": "Male"}},
         {"action": "recode", **PLANS, "values": {"Lad": "0"}}),
        ({"action": "recode", **PLANS, "values": {"none": "0"}},
         {"action": "fill_blank", **PLANS, "value": "0"}),
        ({"action": "rescale", **SHARE, "factor": 0.1}, {"action": "rescale", **SHARE, "factor": 0.1}),
    ],
)  # fmt: skip
def test_two_corrections_whose_order_does_not_matter_stand_together(tmp_path, one, two):
    assert len(declare(tmp_path / "corrections.yml", {"id": "a", **one}, {"id": "b", **two})) == 2


def test_a_pattern_and_a_recoding_whose_order_decides_are_told_when_the_cells_are_there(tmp_path):
    send(tmp_path, sheet("dr2_referrals", referrals(2, gender="code Lad")))
    place = {"id": "a", "action": "extract", **GENDER, "pattern": r"code (\w+)", "expect": 2}
    declare(
        tmp_path / "corrections.yml",
        place,
        {"id": "b", "action": "recode", **GENDER, "values": {"Lad": "Male"}},
    )
    with pytest.raises(ContractError, match="in 2 of them their order decides"):
        read(tmp_path)


def test_one_id_in_two_files_is_told(tmp_path):
    paths = [tmp_path / name / "corrections.yml" for name in ("data_contracts", "returns")]
    for path in paths:
        path.parent.mkdir()
        declare(path, {"id": "a", "action": "drop_rows", "table": "dr2_referrals"})
    with pytest.raises(ContractError, match=r"'a' and 'a'.*have the same id") as caught:
        load_corrections(paths, CONTRACTS, STUDY)
    assert caught.value.problems[0].startswith("returns/corrections.yml, line 2: ")


def test_all_corrections_that_no_longer_match_are_told_at_once_with_where_they_stand(tmp_path):
    send(tmp_path, sheet("dr2_referrals", referrals(2, gender="Lad")))
    declare(
        tmp_path / "corrections.yml",
        {"id": "a", "action": "recode", **GENDER, "values": {"Lad": "Male"}, "expect": 3},
        {"id": "b", "action": "fill_blank", **PLANS, "value": "0"},
        {"id": "c", "action": "recode", **GENDER, "values": {"Lass": "Female"}},
    )
    with pytest.raises(ContractError) as caught:
        read(tmp_path)
    where = [
        f"declared in {tmp_path.name}/corrections.yml, line {n}" for n in starts(tmp_path / "corrections.yml")
    ]
    assert caught.value.problems == (
        f"a (swindon, recode): expects 3, touched 2 cells in swindon_dr2_nov21.xlsx; {where[0]}",
        f"b (swindon, fill_blank): expects 1, touched 0 cells; {where[1]}",
        f"c (swindon, recode): expects 1, touched 0 cells; {where[2]}",
    )


def test_an_applied_correction_is_a_finding_with_its_places_reason_and_word(tmp_path):
    rows = [sheet("dr2_referrals", referrals(2, start=start, gender="Lad")) for start in (1, 3)]
    send(tmp_path, rows[0])
    send(tmp_path, rows[1], "swindon_dr2_apr22.xlsx")
    correct(tmp_path, action="recode", **GENDER, values={"Lad": "Male"}, expect=4)
    returns = read(tmp_path)
    found = applied(returns)
    assert (found.count, found.unit, found.layer, found.sheet) == (4, "cells", "dr2", NAME)
    assert found.file == "swindon_dr2_nov21.xlsx; swindon_dr2_apr22.xlsx"
    for said in ("4 record(s) carry it", "Why: The authority said so.", "Source: e-mail, 2022-05-01"):
        assert said in found.text
    (row,) = returns.corrections.to_dict("records")
    assert (row["id"], row["why"], row["source"], row["date"]) == ("c1", BASE["why"], "e-mail", "2022-05-01")
    assert not {"count", "expect", "values", "touched"} & set(row)


def test_a_cell_that_already_says_what_a_correction_says_is_not_counted(tmp_path):
    send(tmp_path, sheet("dr2_referrals", [*referrals(1, gender="Lad"), *referrals(1, 2, gender="Male")]))
    correct(tmp_path, action="recode", **GENDER, values={"Lad": "Male", "Male": "Male"}, expect=1)
    assert applied(read(tmp_path)).count == 1
