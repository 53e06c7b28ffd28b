"""The synthetic folder of returns: equal bytes, complete files, defects that are there and read away."""

from __future__ import annotations

import json
import math
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sfpc_book.contracts.contract import load_contracts
from sfpc_book.errors import ParameterError, ReturnsError
from sfpc_book.returns.declared import load_declared
from sfpc_book.returns.inventory import read_inventory
from sfpc_book.returns.read import read_authority, read_files
from sfpc_book.returns.workbook import read_workbook
from sfpc_book.simulate.canonical import canonical_returns
from sfpc_book.simulate.children import simulate_children
from sfpc_book.simulate.defects import DEFECTS, kinds
from sfpc_book.simulate.grids import SYNTHETIC_NOTE
from sfpc_book.simulate.placing import claims_of, place_defects
from sfpc_book.simulate.simulate import simulate_returns
from sfpc_book.study.study import Study, load_study

SCALE = 0.03
LINEAGE = ["return_month", "source_file", "source_sheet", "source_row", "corrections"]
# Records are what defects of these kinds change; reading cannot give the clean table back.
CHANGES_RECORDS = tuple(defect.kind for defect in DEFECTS if defect.handled_by == "finding")


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


@pytest.fixture(scope="module")
def small(study) -> Study:
    """One trial of four authorities."""
    return study.model_copy(update={"models": {"no_wrong_door": study.models["no_wrong_door"]}})


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory) -> Path:
    return simulate_returns(study, tmp_path_factory.mktemp("synthetic") / "returns", scale=SCALE)


@pytest.fixture(scope="module")
def key(folder) -> pd.DataFrame:
    return pd.read_csv(folder / "answer_key.csv")


@pytest.fixture(scope="module")
def clean(study) -> dict[str, dict[str, pd.DataFrame]]:
    parts = [canonical_returns(simulate_children(study, model, scale=SCALE)) for model in study.models]
    return {slug: tables for part in parts for slug, tables in part.items()}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_two_runs_give_the_same_bytes(small, tmp_path):
    first = simulate_returns(small, tmp_path / "one", scale=0.005)
    second = simulate_returns(small, tmp_path / "two", scale=0.005)
    other = simulate_returns(small, tmp_path / "three", scale=0.005, seed=7)
    assert contents(first) == contents(second)
    assert contents(first) != contents(other)


def test_every_trial_authority_sends_every_return_but_those_taken_out(study, folder, key):
    taken_out = set(key.loc[key["kind"] == "missing_return", "file"])
    asked = [("dr1", month) for month in study.returns.months] + [
        ("dr2", month) for month in study.returns.months
    ]
    asked.append(("dr3", study.returns.outcome_month))
    for model in study.models.values():
        for slug in model.trial_authorities:
            names = [path.name for path in (folder / slug).glob("*.xlsx")]
            for layer, month in asked:
                sent = any(f"_{layer}_{month}" in name for name in names)
                assert sent is (f"{slug}_{layer}_{month}.xlsx" not in taken_out), (slug, layer, month)


def test_the_manifest_says_synthetic_and_lists_every_other_file(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["synthetic"] is True
    assert (manifest["seed"], manifest["scale"], manifest["effect"]) == (20240401, SCALE, "growing")
    assert set(manifest["files"]) == set(contents(folder)) - {"manifest.json"}


def test_every_sheet_and_the_properties_of_every_workbook_say_synthetic(folder):
    for path in sorted((folder / "warrington").glob("*.xlsx")) + sorted((folder / "solihull").glob("*.xlsx")):
        with zipfile.ZipFile(path) as archive:
            assert SYNTHETIC_NOTE in archive.read("docProps/core.xml").decode()
            drawn = "".join(archive.read(name).decode() for name in archive.namelist() if "/drawing" in name)
        for sheet in read_workbook(path).sheets:
            above = [cell for row in sheet.rows[:8] for cell in row]
            assert SYNTHETIC_NOTE in above or SYNTHETIC_NOTE in drawn, (path.name, sheet.name)


def test_sheets_are_those_of_the_layout(folder):
    names = {
        sheet.name.strip() for sheet in read_workbook(folder / "walsall" / "walsall_dr3_nov24.xlsx").sheets
    }
    contracts = load_contracts()
    wanted = {
        part.sheets["standard"].name
        for part in contracts.values()
        if part.layer == "dr3" and "standard" in part.sheets
    }
    assert names == wanted


def test_every_usual_kind_is_planted(key):
    assert set(key["kind"]) == {defect.kind for defect in DEFECTS if not defect.distorts}
    assert set(key["group"]) == {"layout", "cell", "record"}
    assert (key["count"] > 0).all()


def test_kinds_and_words_of_the_registry_are_in_order():
    assert len(kinds()) == len(set(kinds())) == len(DEFECTS) >= 60
    assert {defect.told_untreated != "" for defect in DEFECTS if defect.handled_by == "correction"} == {True}
    assert {defect.told_by for defect in DEFECTS if defect.handled_by == "correction"} == {"correction"}


@pytest.mark.parametrize("rate", [None, 0.5])
def test_no_two_defects_claim_the_same_part_of_the_returns(study, rate):
    plans = place_defects(study, load_contracts(), DEFECTS, 3, rate)
    claims = [(plan, slug, claim) for plan in plans for slug, parts in claims_of(study, plan).items()
              for claim in parts]  # fmt: skip
    met = [
        (one.defect.kind, other.defect.kind)
        for number, (one, slug, claim) in enumerate(claims)
        for other, their_slug, theirs in claims[:number]
        if one is not other and slug == their_slug and claim.meets(theirs)
    ]
    assert not met
    sheets = Counter((plan.authority, plan.table, plan.month) for plan in plans)
    assert max(sheets.values()) > 1


@pytest.mark.parametrize(("rate", "share"), [(0.0, 0.0), (0.3, 0.5), (1.0, 1.0)])
def test_a_kind_takes_its_rate_of_the_places_and_its_share_of_the_cells(small, tmp_path, rate, share):
    folder = simulate_returns(
        small, tmp_path / "returns", scale=0.005, defects=["percent_signs"], rate=rate, share=share
    )
    key = pd.read_csv(folder / "answer_key.csv")
    places = 4 * len(small.returns.months)
    assert len(key) == max(1, math.ceil(rate * places))
    months = {13, 5, 7, 6}  # months of a return; each has one figure
    assert set(key["count"]) <= {max(1, round(share * n)) for n in months}


@pytest.mark.parametrize("shares", [{"rate": 1.5}, {"share": -0.1}])
def test_a_rate_or_share_that_is_none_is_refused(small, tmp_path, shares):
    with pytest.raises(ParameterError, match="must be from 0 to 1"):
        simulate_returns(small, tmp_path / "returns", **shares)
    assert not (tmp_path / "returns").exists()


@pytest.fixture(scope="module")
def read(study, folder, key, clean) -> dict[str, dict[str, pd.DataFrame]]:
    """What the reader makes of every authority, corrections applied, checks aside."""
    declared = load_declared(study, folder)
    inventory = read_inventory(study, folder, declared.corrections)
    return {
        slug: dict(read_files(study, slug, inventory, declared).tables)
        for slug in sorted(set(key["authority"]) & set(clean))
    }


def test_reading_with_the_corrections_gives_the_clean_tables_back(key, clean, read):
    spoilt = key[key["kind"].isin(CHANGES_RECORDS)]
    whole = spoilt.loc[spoilt["kind"].str.contains("identifier"), "authority"].tolist()
    compared = 0
    for slug, tables in read.items():
        layers = [] if slug in whole else ["dr1", "dr2", "dr3"]
        layers = [
            layer
            for layer in layers
            if not ((spoilt["authority"] == slug) & (spoilt["layer"] == layer)).any()
        ]
        for name, table in tables.items():
            if name[:3] in layers:
                assert_says_the_same(table, clean[slug][name], f"{slug} {name}")
                compared += 1
    assert compared > 40


def assert_says_the_same(read: pd.DataFrame, clean: pd.DataFrame, what: str) -> None:
    """Equal in all but lineage and in blank rows of sheets sent wide."""
    wide = next((name for name in ("unauthorised_absence_share", "main_activity") if name in clean), None)
    frames = [frame.dropna(subset=[wide]) if wide else frame for frame in (read, clean)]
    # Six yes/no columns cannot say the other factors.
    drop = [*LINEAGE, "factors"]
    one, two = (frame.drop(columns=[name for name in drop if name in frame]) for frame in frames)
    order = list(two.columns)
    one, two = (frame[order].sort_values(order).reset_index(drop=True) for frame in (one, two))
    assert len(one) == len(two), what
    for name in order:
        if one[name].dtype.kind == "f":
            assert np.allclose(one[name], two[name], rtol=1e-9, atol=1e-12, equal_nan=True), (what, name)
        else:
            equal = (one[name] == two[name]).fillna(False) | (one[name].isna() & two[name].isna())
            assert equal.all(), (what, name)


def test_dates_that_were_taken_out_are_missing_where_the_key_says(folder, key, read, clean):
    row = key.set_index("kind").loc["missing_referral_date"]
    table = read[row["authority"]]["dr2_referrals"]
    gone = table["referral_date"].isna() & (table["return_month"] == row["return_month"])
    assert gone.sum() == row["count"]
    assert clean[row["authority"]]["dr2_referrals"]["referral_date"].notna().all()


def test_identifiers_shared_with_another_authority_are_as_many_as_the_key_says(study, key, read):
    row = key[key["file"].notna()].set_index("kind").loc["same_identifier_in_two_authorities"]
    model = study.models[study.authorities[row["authority"]].model]
    own = set(read[row["authority"]]["dr2_referrals"]["child_id"])
    others = [set(read[slug]["dr2_referrals"]["child_id"]) for slug in model.trial_authorities
              if slug != row["authority"] and slug in read]  # fmt: skip
    assert len(own & set().union(*others)) == row["count"]


def test_without_defects_there_is_nothing_to_correct(small, tmp_path):
    folder = simulate_returns(small, tmp_path / "clean", scale=0.005, defects=False)
    assert pd.read_csv(folder / "answer_key.csv").empty
    assert "corrections: []" in (folder / "corrections.yml").read_text(encoding="utf-8")
    assert not list(folder.rglob("*(3)*"))


def test_defects_can_be_named_one_by_one(small, tmp_path):
    folder = simulate_returns(small, tmp_path / "one", scale=0.005, defects=["list_letters"])
    assert pd.read_csv(folder / "answer_key.csv")["kind"].tolist() == ["list_letters"]
    with pytest.raises(ParameterError, match="Unknown defects: gremlins"):
        simulate_returns(small, tmp_path / "two", scale=0.005, defects=["gremlins"])
    assert not (tmp_path / "two").exists()


def test_a_folder_that_is_not_synthetic_is_left_alone(small, tmp_path):
    (tmp_path / "returns").mkdir()
    (tmp_path / "returns" / "walsall_dr1_nov20.xlsx").write_bytes(b"real")
    with pytest.raises(ReturnsError, match="not a folder of synthetic returns"):
        simulate_returns(small, tmp_path / "returns", scale=0.005)
    assert [path.name for path in tmp_path.rglob("*.xlsx")] == ["walsall_dr1_nov20.xlsx"]


def test_an_earlier_synthetic_folder_is_replaced_whole(small, tmp_path):
    folder = simulate_returns(small, tmp_path / "returns", scale=0.005, defects=False)
    (folder / "stray.txt").write_text("old", encoding="utf-8")
    simulate_returns(small, folder, scale=0.005, defects=False)
    assert not (folder / "stray.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["returns"]


@pytest.mark.slow
def test_no_planted_defect_keeps_an_authority_from_being_estimated(study, folder):
    slugs = [slug for model in study.models.values() for slug in model.trial_authorities]
    blocked = [
        (slug, finding.check)
        for slug in slugs
        for finding in read_authority(study, slug, folder).findings
        if finding.severity == "block" and finding.status == "fail"
    ]
    assert not blocked


@pytest.mark.slow
def test_several_processes_write_the_same_bytes_as_one(small, tmp_path):
    one = simulate_returns(small, tmp_path / "one", scale=0.01)
    two = simulate_returns(small, tmp_path / "two", scale=0.01, jobs=2)
    assert contents(one) == contents(two)
