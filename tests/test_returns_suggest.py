"""Drafts of corrections: each repairs what it was drafted for once filled in, and shows no child's datum."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from return_workbooks import CONTRACTS, referrals, sheet, sheet_name, write_workbook
from ruamel.yaml import YAML

from sfpc_book.contracts.contract import DATA_CONTRACTS
from sfpc_book.errors import ContractError
from sfpc_book.returns.correction import TO_FILL
from sfpc_book.returns.corrections import load_corrections
from sfpc_book.returns.declared import load_declared
from sfpc_book.returns.inventory import read_inventory
from sfpc_book.returns.read import Returns, read_files
from sfpc_book.returns.suggest import Suggestion, suggest, suggestions_text
from sfpc_book.simulate.defects import BY_KIND, kinds
from sfpc_book.simulate.simulate import simulate_returns
from sfpc_book.study.study import load_study

STUDY = load_study()
SCALE = 0.02
NAME = sheet_name("dr2_referrals")
MENDED = tuple(kind for kind in kinds() if BY_KIND[kind].handled_by == "correction")
FILLED = {"why": "The authority confirmed it.", "source": "E-mail of the data officer", "date": "2024-12-03"}


def read(folder: Path, slug: str, **changes: object) -> Returns:
    declared = replace(load_declared(STUDY, folder), **changes)
    return read_files(STUDY, slug, read_inventory(STUDY, folder, declared.corrections), declared)


def drafted(folder: Path, slug: str = "swindon") -> tuple[Suggestion, ...]:
    declared = replace(load_declared(STUDY, folder), corrections=())
    return suggest(STUDY, slug, folder, declared)


def row_of(folder: Path, slug: str = "swindon") -> dict:
    (found,) = drafted(folder, slug)
    return dict(found.row or {})


def filled(text: str, meanings: dict | None = None) -> list[dict]:
    """The rows of a file of drafts as a person fills them in; `meanings` are of words outside code lists."""
    rows = YAML(typ="safe").load(text)["corrections"]
    for row in rows:
        row |= FILLED
        if "values" in row:
            row["values"] = {word: (meanings or {}).get(word, said) for word, said in row["values"].items()}
    return rows


def write_rows(path: Path, rows: list[dict]) -> None:
    with path.open("w", encoding="utf-8") as file:
        YAML().dump({"corrections": rows}, file)


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("spoilt") / "returns"
    return simulate_returns(STUDY, folder, scale=SCALE, defects=MENDED)


@pytest.fixture(scope="module")
def suggested(spoilt) -> Callable[[str], tuple[Suggestion, ...]]:
    return cache(lambda slug: drafted(spoilt, slug))


def placed(folder: Path, kind: str) -> pd.Series:
    key = pd.read_csv(folder / "answer_key.csv").set_index("kind")
    if kind not in key.index:
        pytest.skip(f"nothing to spoil for {kind} in returns of this size")
    return key.loc[kind]


@pytest.mark.parametrize("kind", MENDED)
def test_filled_in_drafts_give_the_tables_that_the_true_corrections_give(spoilt, suggested, tmp_path, kind):
    slug = placed(spoilt, kind)["authority"]
    own = YAML(typ="safe").load((spoilt / "corrections.yml").read_text(encoding="utf-8"))["corrections"]
    meanings = {word: said for row in own for word, said in (row.get("values") or {}).items()}
    text = suggestions_text(suggested(slug), slug)
    path = tmp_path / "corrections.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError, match=TO_FILL):
        load_corrections([path], CONTRACTS, STUDY)
    write_rows(path, filled(text, meanings))
    returns = read(spoilt, slug, corrections=load_corrections([path], CONTRACTS, STUDY))
    true = read(spoilt, slug)
    assert {part.check for part in returns.findings} >= {"correction"}
    for name, table in true.tables.items():
        found = returns.tables[name]
        pd.testing.assert_frame_equal(found.drop(columns="corrections"), table.drop(columns="corrections"))
        assert found["corrections"].isna().equals(table["corrections"].isna()), name


def test_clean_returns_give_no_draft(tmp_path):
    write_workbook(tmp_path / "swindon_dr2_nov21.xlsx", {NAME: sheet("dr2_referrals", referrals(3))})
    assert drafted(tmp_path) == ()
    text = suggestions_text((), "swindon")
    (tmp_path / "drafts.yml").write_text(text, encoding="utf-8")
    assert load_corrections([tmp_path / "drafts.yml"], CONTRACTS, STUDY) == ()
    assert "there may be others" in text


def send(folder: Path, rows: list, file: str = "swindon_dr2_nov21.xlsx", name: str = NAME) -> None:
    write_workbook(folder / file, {name: rows})


def wanting(count: int) -> dict[str, str]:
    """Headers that nobody knows for the last `count` required columns of the referral sheet."""
    names = [column.name for column in CONTRACTS["dr2_referrals"].for_layout("standard") if column.required]
    return {name: f"Zz {number}" for number, name in enumerate(names[-count:])}


def two_columns(cells: tuple[object, object]) -> list[list[object]]:
    """A referral sheet whose first Ethnicity column is joined by a second one."""
    rows = sheet("dr2_referrals", referrals(4, ethnicity=cells[0]))
    return [*rows[:3], [*rows[3], "Ethnicity"], *([*row, cells[1]] for row in rows[4:])]


def junk(rows: list[list[object]]) -> list[list[object]]:
    return [*rows[:4], ["text"] * len(rows[3]), *rows[4:]]


@pytest.mark.parametrize(
    ("rows", "name", "row"),
    [
        (sheet("dr2_referrals", referrals(4), names=wanting(5)), "Odd",
         {"action": "rename_sheet", "sheet": "Odd", "return_month": "nov21"}),
        (sheet("dr2_referrals", referrals(4), header_row=40), NAME,
         {"action": "shift_header", "header_row": 40, "return_month": "nov21"}),
        (sheet("dr2_referrals", referrals(4), names={"disability": "Disbaled status"}), NAME,
         {"action": "rename", "column": "disability", "header": "Disbaled status", "return_month": "nov21"}),
        (two_columns((2015, "WBRI")), NAME,
         {"action": "rename", "column": "ethnicity", "header": "Ethnicity", "occurrence": 2}),
        (two_columns(("WBRI", "WBRI")), NAME,
         {"action": "rename", "column": "ethnicity", "header": "Ethnicity"}),
        (junk(sheet("dr2_referrals", referrals(4))), NAME, {"action": "drop_rows", "return_month": "nov21"}),
    ],
)  # fmt: skip
def test_what_stands_in_the_wrong_place_is_drafted(tmp_path, rows, name, row):
    send(tmp_path, rows, name=name)
    found = row_of(tmp_path)
    assert found["expect"] == 1 and found["table"] == "dr2_referrals" and found["applies_to"] == "real"
    assert {key: found.get(key) for key in row} == row
    assert ("occurrence" in found) == ("occurrence" in row)
    write_rows(tmp_path / "corrections.yml", [{**found, **FILLED}])
    table = read(tmp_path, "swindon").tables["dr2_referrals"]
    assert len(table) == 4 and (name == "Odd" or table["ethnicity"].tolist() == ["WBRI"] * 4)


def test_a_heading_that_is_wrong_in_several_returns_is_drafted_once(tmp_path):
    wrong = {"disability": "Disbaled status"}
    for month, start in (("nov21", 1), ("apr22", 11)):
        rows = sheet("dr2_referrals", referrals(3, start=start), names=wrong)
        send(tmp_path, rows, f"swindon_dr2_{month}.xlsx")
    found = row_of(tmp_path)
    assert "return_month" not in found and found["expect"] == 2


def test_a_spelling_is_drafted_for_the_authority_it_is_near_to_and_for_no_other(tmp_path):
    send(tmp_path, sheet("dr2_referrals", referrals(2)), "swinden_dr2_nov21.xlsx")
    send(tmp_path, sheet("dr2_referrals", referrals(2)))
    found = row_of(tmp_path)
    assert (found["action"], found["spelling"], found["expect"]) == ("alias_authority", "swinden", 1)
    assert drafted(tmp_path, "walsall") == ()


def test_frequent_words_are_named_and_nothing_else_of_the_cells(tmp_path):
    threshold = STUDY.disclosure.threshold
    words = {
        "Lad": threshold, "lad": 2, "Mary Jones": threshold - 1, "2015-03": threshold,
        "12/05/2016": threshold, "20150301": threshold, "44210": threshold,
        "told on the phone by her mother that she would prefer not to say": threshold,
    }  # fmt: skip
    rows, start = [], 1
    for word, count in words.items():
        rows += referrals(count, start=start, gender=word)
        start += count
    send(tmp_path, sheet("dr2_referrals", rows))
    (found,) = drafted(tmp_path)
    assert list(found.row["values"]) == ["Lad"] and found.row["values"]["Lad"].startswith(
        "TO FILL: one of Male"
    )
    assert found.row["expect"] == threshold + 2
    hidden = sum(words.values()) - threshold - 2
    assert f"6 other word(s), in {hidden} cell(s), are not shown" in found.says
    text = suggestions_text([found], "swindon")
    for word in words:
        assert (word in text) == (word == "Lad"), word
    assert not any(
        str(row[name]) in text for row in rows for name in ("child_id", "referral_id", "birth_month")
    )


def test_where_no_word_may_be_named_a_remark_says_so_and_no_row_is_drafted(tmp_path):
    send(tmp_path, sheet("dr2_referrals", referrals(3, gender="Mary Jones")))
    (found,) = drafted(tmp_path)
    text = suggestions_text([found], "swindon")
    assert found.row is None and "Mary" not in text and "1 other word(s), in 3 cell(s)" in text
    assert YAML(typ="safe").load(text) == {"corrections": []}


def test_numbers_inside_text_and_then_their_scale_are_drafted(tmp_path):
    rows = [
        {"month": "Oct 2020", "free_school_meals_share": "Oct 2020: 25.1%", "new_referrals": "3 (estimated)"},
        {"month": "Nov 2020", "free_school_meals_share": "31.1.%", "new_referrals": "2 to 4"},
        {"month": "Dec 2020", "free_school_meals_share": 0.3, "new_referrals": 7},
    ]
    send(tmp_path, sheet("dr1_monthly", rows[:1]), "swindon_dr1_nov20.xlsx", sheet_name("dr1_monthly"))
    assert [part.row["action"] for part in drafted(tmp_path)] == ["extract", "extract"]
    send(tmp_path, sheet("dr1_monthly", rows), "swindon_dr1_nov20.xlsx", sheet_name("dr1_monthly"))
    found = drafted(tmp_path)
    assert {(part.row["action"], part.row["column"], part.row["expect"]) for part in found} == {
        ("extract", "free_school_meals_share", 2), ("extract", "new_referrals", 1),
        ("rescale", "free_school_meals_share", 2),
    }  # fmt: skip
    write_rows(tmp_path / "corrections.yml", filled(suggestions_text(found, "swindon")))
    table = read(tmp_path, "swindon").tables["dr1_monthly"]
    assert table["free_school_meals_share"].tolist() == pytest.approx([0.251, 0.311, 0.3])
    assert table["new_referrals"].fillna(-1).tolist() == [3, -1, 7]  # "2 to 4" is no one number


@pytest.mark.parametrize(
    ("texts", "column", "values"),
    [
        (["0.5.%", "31.1.%"], "free_school_meals_share", [None, None]),  # alone, 0.5 would be one half
        (["5% to 10%", "4%."], "free_school_meals_share", [None, 0.04]),
        (["2 to 4", "about 30"], "new_referrals", [None, 30]),
    ],
)
def test_no_pattern_is_drafted_that_would_misread_a_cell(tmp_path, texts, column, values):
    rows = [
        {"month": f"{month} 2020", column: text} for month, text in zip(("Oct", "Nov"), texts, strict=True)
    ]
    send(tmp_path, sheet("dr1_monthly", rows), "swindon_dr1_nov20.xlsx", sheet_name("dr1_monthly"))
    found = drafted(tmp_path)
    assert bool(found) == any(values)
    write_rows(tmp_path / "corrections.yml", filled(suggestions_text(found, "swindon")))
    table = read(tmp_path, "swindon").tables["dr1_monthly"].set_index("month")[column]
    expected = dict(zip(("2020-10-01", "2020-11-01"), values, strict=True))
    assert {day: table.get(pd.Timestamp(day)) for day in expected if expected[day]} == pytest.approx(
        {day: value for day, value in expected.items() if value}
    )
    assert all(pd.isna(table.get(pd.Timestamp(day))) for day in expected if not expected[day])


def test_inverted_labels_are_drafted_with_a_caution(tmp_path):
    rows = [
        *referrals(40, no_further_action="Y"),
        *referrals(40, start=50, no_further_action=0, assessment_start_date=None),
    ]
    send(tmp_path, sheet("dr2_referrals", rows))
    (found,) = drafted(tmp_path)
    assert found.row["values"] == {"0": "1", "y": "0"} and found.row["expect"] == 80
    assert found.says.startswith("CAUTION") and "The authority must confirm" in found.says
    write_rows(tmp_path / "corrections.yml", [{**found.row, **FILLED}])
    table = read(tmp_path, "swindon").tables["dr2_referrals"]
    assert table["no_further_action"].tolist() == [0] * 40 + [1] * 40


@pytest.mark.parametrize("separator", ["/", "-", " "])
@pytest.mark.parametrize("form", ["{0}{1}{2}", "{2}{1}{0}"])
def test_the_part_of_a_composite_identifier_that_links_is_drafted(tmp_path, separator, form):
    rows = referrals(6)
    send(tmp_path, sheet("dr2_referrals", rows))
    joined = [
        {**row, "child_id": form.format(row["child_id"], separator, 77 + n)} for n, row in enumerate(rows)
    ]
    plain = [{**row, "child_id": row["child_id"]} for row in rows[:2]]
    send(tmp_path, sheet("dr3_cin", [*joined[2:], *plain]), "swindon_dr3_nov24.xlsx", sheet_name("dr3_cin"))
    found = row_of(tmp_path)
    assert (found["action"], found["table"], found["column"]) == ("extract", "dr3_cin", "child_id")
    assert found["expect"] == 4
    write_rows(tmp_path / "corrections.yml", [{**found, **FILLED}])
    table = read(tmp_path, "swindon").tables["dr3_cin"]
    assert set(table["child_id"]) == {row["child_id"] for row in rows}


@pytest.mark.parametrize(
    ("old", "new", "changes", "row"),
    [
        ("keep: first\n", "", {},
         {"action": "drop_duplicate", "table": "dr2_referrals", "expect": 1}),
        ("name: previous_protection_plans, ", 'name: previous_protection_plans, blank_means: "0", ',
         {"previous_protection_plans": None},
         {"action": "fill_blank", "column": "previous_protection_plans", "value": "0", "expect": 3}),
    ],
)  # fmt: skip
def test_what_the_contract_says_of_copies_and_blanks_is_drafted(tmp_path, old, new, changes, row):
    contracts = shutil.copytree(DATA_CONTRACTS, tmp_path / "data_contracts")
    path = contracts / "tables" / "dr2_referrals.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    rows = referrals(3, **changes)
    send(tmp_path / "returns", sheet("dr2_referrals", [*rows, *(rows[:1] if not changes else [])]))
    declared = load_declared(STUDY, tmp_path / "returns", contracts)
    (found,) = suggest(STUDY, "swindon", tmp_path / "returns", declared)
    assert {key: found.row.get(key) for key in row} == row


def test_what_is_corrected_already_is_not_drafted_again(tmp_path):
    send(tmp_path, sheet("dr2_referrals", referrals(12, gender="Lad")))
    (found,) = drafted(tmp_path)
    write_rows(tmp_path / "corrections.yml", filled(suggestions_text([found], "swindon"), {"Lad": "Male"}))
    assert suggest(STUDY, "swindon", tmp_path, load_declared(STUDY, tmp_path)) == ()
