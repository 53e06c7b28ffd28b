"""Lineage of corrections: each record carries those that touched it, and no other record does."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from cohort_frames import referrals as canonical_referrals
from cohort_frames import returns as canonical_returns
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from return_workbooks import CONTRACTS, referrals, sheet, sheet_name, write_workbook

from sfpc_book.cohort.build import build_cohort
from sfpc_book.contracts.contract import DATA_CONTRACTS
from sfpc_book.contracts.vocabulary import load_vocabularies
from sfpc_book.returns.combine import combine
from sfpc_book.returns.correction import Correction
from sfpc_book.returns.declared import load_declared
from sfpc_book.returns.inventory import read_inventory
from sfpc_book.returns.locate import Headers, locate
from sfpc_book.returns.origin import Origin
from sfpc_book.returns.read import read_files
from sfpc_book.returns.records import read_records
from sfpc_book.returns.repair import Repairs
from sfpc_book.returns.settle import settle
from sfpc_book.returns.touched import Touched
from sfpc_book.returns.workbook import RawSheet
from sfpc_book.study.study import load_study

STUDY = load_study()
WORDS = load_vocabularies(DATA_CONTRACTS / "vocabularies.yml")
SAID = {"authority": "swindon", "why": "It said so.", "source": "e-mail", "date": "2022-05-01"}
# Of each action on cells: its keys, the cell that it changes, and one that it leaves alone.
ON_CELLS: Mapping[str, tuple[dict, object, object]] = {
    "recode": ({"column": "gender", "values": {"Lad": "Male"}}, "Lad", "Male"),
    "extract": ({"column": "child_id", "pattern": r"^([^/]+)/\d+$"}, "{}/7", "{}"),
    "fill_blank": ({"column": "previous_protection_plans", "value": "0"}, None, 1),
    "rescale": ({"column": "previous_protection_plans", "factor": 0.1, "above": 5}, 10, 1),
}


def correction(action: str, expect: object = 1, **keys: object) -> Correction:
    parts = {"id": "c1", "table": "dr2_referrals", **SAID, **keys}
    return Correction.model_validate({"action": action, "expect": expect, **parts})


def records_of(table: str, cells: list[list[object]], parts: Sequence[Correction], touched: Touched):
    """Read a sheet that stands in memory, as the reader does."""
    contract = CONTRACTS[table]
    raw = RawSheet(sheet_name(table), [[cell if cell is not None else "" for cell in row] for row in cells])
    located = locate(raw, Headers(contract, "standard"), "name", contract.sheets["standard"].header_row)
    return read_records(located, contract, WORDS, Repairs(parts, touched), Origin("swindon", "dr2", "nov21"))


@pytest.mark.parametrize("action", ON_CELLS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoilt=st.lists(st.booleans(), min_size=1, max_size=12))
def test_a_correction_that_touches_k_cells_is_carried_by_exactly_those_k_records(action, spoilt):
    keys, wrong, right = ON_CELLS[action]
    rows = referrals(len(spoilt))
    for row, bad in zip(rows, spoilt, strict=True):
        cell = wrong if bad else right
        row[keys["column"]] = cell.format(row["child_id"]) if isinstance(cell, str) else cell
    touched, k = Touched(), sum(spoilt)
    part = correction(action, expect=max(k, 1), **keys)
    read = records_of("dr2_referrals", sheet("dr2_referrals", rows), [part], touched)
    assert (read.frame["corrections"] == "c1").tolist() == spoilt
    assert read.frame["corrections"].isna().tolist() == [not bad for bad in spoilt]
    assert touched.total("c1") == k
    if k:
        (finding,) = settle([part], touched, {"dr2_referrals": read.frame})
        assert (finding.count, finding.measured) == (k, k) and f"{k} record(s) carry it" in finding.text


def test_of_a_sheet_sent_wide_only_the_level_that_was_changed_carries_the_correction():
    wide = ["Child ID", "Unauthorised absence autumn 2020", "Unauthorised absence spring 2021"]
    cells = [[], [], [], wide, ["C1", 2, 250], ["C2", 350, 3], ["C3", 4, None]]
    header = CONTRACTS["dr3_attendance"].sheets["standard"].header_row
    cells = [[""] * 3 for _ in range(header - 1)] + cells[3:]
    keys = {"table": "dr3_attendance", "column": "unauthorised_absence_share", "factor": 0.01, "above": 1.0}
    touched = Touched()
    frame = records_of("dr3_attendance", cells, [correction("rescale", 2, **keys)], touched).frame
    carried = frame[frame["corrections"] == "c1"]
    assert list(zip(carried["child_id"], carried["term"], strict=True)) == [
        ("C1", "2021-spring"), ("C2", "2020-autumn"),
    ]  # fmt: skip
    assert len(frame) == 5 and touched.total("c1") == 2


def test_two_corrections_of_one_record_are_both_named():
    parts = [
        correction("recode", id="first", column="gender", values={"Lad": "Male"}),
        correction("fill_blank", id="second", column="previous_protection_plans", value="0"),
    ]
    rows = [*referrals(1, gender="Lad", previous_protection_plans=None), *referrals(1, 2, gender="Lad")]
    frame = records_of("dr2_referrals", sheet("dr2_referrals", rows), parts, Touched()).frame
    assert sorted(frame["corrections"].tolist()[0].split("; ")) == ["first", "second"]
    assert frame["corrections"].tolist()[1] == "first"


@pytest.mark.parametrize(
    ("file", "name", "headers", "keys"),
    [
        ("telford_wrekin_dr2_nov21.xlsx", None, {},
         {"action": "alias_authority", "spelling": "telford_wrekin", "table": None}),
        ("telford_and_wrekin_dr2_nov21.xlsx", "Odd", {}, {"action": "rename_sheet", "sheet": "odd"}),
        ("telford_and_wrekin_dr2_nov21.xlsx", None, {},
         {"action": "shift_header", "header_row": 4, "return_month": "nov21"}),
        ("telford_and_wrekin_dr2_nov21.xlsx", None, {"gender": "Gendre"},
         {"action": "rename", "column": "gender", "header": "Gendre"}),
    ],
)  # fmt: skip
def test_corrections_of_a_file_or_sheet_mark_all_its_records_and_no_others(
    tmp_path, file, name, headers, keys
):
    own = sheet("dr2_referrals", referrals(3), names=headers)
    other = sheet("dr2_referrals", referrals(2, start=9))
    write_workbook(tmp_path / file, {name or sheet_name("dr2_referrals"): own})
    write_workbook(tmp_path / "telford_and_wrekin_dr2_apr22.xlsx", {sheet_name("dr2_referrals"): other})
    part = correction(**{**keys, "authority": "telford_and_wrekin"})
    returns = read_with(tmp_path, "telford_and_wrekin", [part])
    table = returns.tables["dr2_referrals"]
    assert table["corrections"].fillna("").tolist() == ["c1"] * 3 + [""] * 2
    (finding,) = [found for found in returns.findings if found.check == "correction"]
    assert (finding.file, finding.count) == (file, 1) and "3 record(s) carry it" in finding.text


def read_with(folder: Path, slug: str, parts: Sequence[Correction], data_contracts: Path = DATA_CONTRACTS):
    declared = replace(load_declared(STUDY, folder, data_contracts), corrections=tuple(parts))
    return read_files(STUDY, slug, read_inventory(STUDY, folder, parts), declared)


def test_lineage_of_corrections_makes_no_two_rows_unequal(tmp_path):
    name = sheet_name("dr2_referrals")
    sent = sheet("dr2_referrals", referrals(4, gender="Lad"))
    write_workbook(tmp_path / "swindon_dr2_nov21.xlsx", {name: sent})
    write_workbook(tmp_path / "swindon_dr2_apr22.xlsx", {name: sheet("dr2_referrals", referrals(4))})
    part = correction("recode", 4, column="gender", values={"Lad": "Male"}, return_month="nov21")
    table = read_with(tmp_path, "swindon", [part]).tables["dr2_referrals"]
    assert table["return_month"].tolist() == ["nov21"] * 4 and table["corrections"].tolist() == ["c1"] * 4


def test_of_rows_dropped_as_copies_the_one_that_is_kept_carries_the_correction(tmp_path):
    contracts = tmp_path / "data_contracts"
    shutil.copytree(DATA_CONTRACTS, contracts)
    path = contracts / "tables" / "dr2_referrals.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("keep: first\n", ""), encoding="utf-8")
    folder = tmp_path / "returns"
    own = referrals(3)
    sheets = {sheet_name("dr2_referrals"): sheet("dr2_referrals", [own[0], own[0], own[1], own[0], own[2]])}
    write_workbook(folder / "swindon_dr2_nov21.xlsx", sheets)
    write_workbook(folder / "swindon_dr2_apr22.xlsx",
                   {sheet_name("dr2_referrals"): sheet("dr2_referrals", [own[2]])})  # fmt: skip
    without = read_with(folder, "swindon", [], contracts)
    assert len(without.tables["dr2_referrals"]) == 6
    part = correction("drop_duplicate", 2, return_month="nov21")
    returns = read_with(folder, "swindon", [part], contracts)
    table = returns.tables["dr2_referrals"]
    assert table["corrections"].fillna("").tolist() == ["c1", "", "", ""]
    assert table["child_id"].tolist() == ["C0001", "C0002", "C0003", "C0003"]
    left = [found for found in returns.findings if found.check == "duplicate_rows"]
    assert left[0].status == "fail" and "1 of them are kept" in left[0].text


def test_a_later_row_that_keeps_an_earlier_value_carries_its_correction():
    contract = CONTRACTS["dr1_monthly"]
    columns = {name: [None, None, None] for name in contract.names}
    frame = pd.DataFrame(
        {
            **columns, "month": pd.to_datetime(["2020-10-01", "2020-11-01", "2020-10-01"]),
            "free_school_meals_share": [0.2, 0.3, None], "new_referrals": [5, 6, 7],
            "authority": "swindon", "return_month": ["nov20", "nov20", "apr21"], "source_file": "f",
            "source_sheet": "s", "source_row": [1, 2, 3],
            "corrections": pd.array(["c1", "c1", None], dtype="str"),
        }
    )  # fmt: skip
    table, _ = combine([frame], contract, Repairs(), Origin("swindon", "dr1", table="dr1_monthly"))
    assert table["free_school_meals_share"].tolist() == [0.3, 0.2]
    assert table["corrections"].tolist() == ["c1", "c1"]
    full = frame.assign(free_school_meals_share=[0.2, 0.3, 0.4])
    table, _ = combine([full], contract, Repairs(), Origin("swindon", "dr1", table="dr1_monthly"))
    assert table["corrections"].fillna("").tolist() == ["c1", ""]


def test_rows_left_out_by_a_correction_leave_no_record_and_the_finding_says_so(tmp_path):
    rows = sheet("dr2_referrals", referrals(2))
    junk = ["text"] * len(rows[3])
    write_workbook(
        tmp_path / "swindon_dr2_nov21.xlsx", {sheet_name("dr2_referrals"): [*rows[:4], junk, *rows[4:]]}
    )
    returns = read_with(tmp_path, "swindon", [correction("drop_rows")])
    assert returns.tables["dr2_referrals"]["corrections"].isna().all()
    (finding,) = [found for found in returns.findings if found.check == "correction"]
    assert (finding.count, finding.unit) == (1, "rows") and "they are left out" in finding.text


def test_a_child_keeps_the_corrections_of_the_referral_it_rests_on():
    rows = [
        {"child_id": "c1", "corrections": "first; second"},
        {"child_id": "c1", "referral_date": "2021-09-01", "corrections": "later"},
        {"child_id": "c2", "corrections": None},
    ]
    built = build_cohort(
        STUDY, "family_safeguarding", {"walsall": canonical_returns(canonical_referrals(rows))}
    )
    children = built.children.set_index("child_id")["corrections"]
    assert children["c1"] == "first; second" and pd.isna(children["c2"])
    for name in ("panel", "flow", "descriptives", "missingness", "monthly", "linkage", "observability"):
        assert "corrections" not in getattr(built, name).columns
