"""Every defect planted in synthetic returns is told; what can be undone leaves no trace in the tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from sfpc_book.contracts.finding import Finding
from sfpc_book.returns.check import check_across
from sfpc_book.returns.check_coverage import check_span
from sfpc_book.returns.check_records import check_records
from sfpc_book.returns.declared import Declared, load_declared
from sfpc_book.returns.inventory import Inventory, read_inventory
from sfpc_book.returns.read import Returns, read_authority, read_files
from sfpc_book.simulate.defects import kinds
from sfpc_book.simulate.simulate import simulate_returns
from sfpc_book.study.study import load_study

STUDY = load_study()
SCALE = 0.02
# What tells each kind, with the corrections that come with the returns.
TOLD_BY = {
    "birth_after_referral": "birth_long_after_referral",
    "birth_month_as_text": "cell_forms",
    "care_start_years_too_early": "care_before_referral",
    "columns_in_another_order": "column_order",
    "composite_identifiers": "correction",
    "copy_number_in_file_name": "file_name_suffix",
    "coverage_a_month_short": "coverage_short",
    "dates_as_serial_numbers": "cell_forms",
    "dates_in_mixed_forms": "cell_forms",
    "ethnicity_in_words": "cell_forms",
    "extra_column": "column_unknown",
    "factors_as_words": "cell_forms",
    "factors_with_other_separators": "cell_forms",
    "header_on_another_row": "header_row",
    "junk_row_below_header": "correction",
    "list_letters": "cell_forms",
    "long_instead_of_wide": "sheet_shape",
    "missing_referral_date": "missing",
    "misspelt_column_name": "correction",
    "mixed_case": "cell_forms",
    "one_identifier_two_births": "identifier_of_two_births",
    "outcome_identifiers_without_referral": "identifier_link",
    "percent_for_proportion": "correction",
    "phrases_for_missing": "phrase_for_missing",
    "proportion_for_percent": "correction",
    "repeated_month_rows": "row_without_values",
    "return_split_over_workbooks": "file_name_suffix",
    "reworded_column_name": "column_reworded",
    "rows_sent_twice": "duplicate_rows",
    "same_identifier_in_two_authorities": "identifier_in_two_authorities",
    "same_months_in_two_returns": "duplicate_rows",
    "serials_as_text": "cell_forms",
    "sheet_name_with_trailing_space": "sheet_name",
    "sheet_under_another_name": "sheet_name",
    "sheet_unnamed": "sheet_name",
    "slug_spelt_differently": "correction",
    "unborn_as_1900": "unborn_as_date",
    "year_of_birth_under_ethnicity": "correction",
    "yes_no_variants": "cell_forms",
}
# What tells those that need a correction while nobody has declared one.
TOLD_WITHOUT_CORRECTION = {
    "composite_identifiers": "identifier_link",
    "junk_row_below_header": "row_of_no_record",
    "misspelt_column_name": "column_missing",
    "percent_for_proportion": "share_scale",
    "proportion_for_percent": "share_scale",
    "slug_spelt_differently": "file_name",
    "year_of_birth_under_ethnicity": "column_repeated",
}
TOLD_ELSEWHERE = ("missing_referral_date", "same_identifier_in_two_authorities")


@dataclass(frozen=True)
class Folder:
    """A folder of synthetic returns and what it declares."""

    path: Path
    declared: Declared
    inventory: Inventory

    def read(self, slug: str) -> Returns:
        return read_files(STUDY, slug, self.inventory, self.declared)


def opened(path: Path, *, corrections: bool = True) -> Folder:
    declared = load_declared(STUDY, path)
    declared = declared if corrections else replace(declared, corrections=())
    return Folder(path, declared, read_inventory(STUDY, path, declared.corrections))


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory) -> Folder:
    return opened(simulate_returns(STUDY, tmp_path_factory.mktemp("spoilt") / "returns", scale=SCALE))


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Folder:
    folder = tmp_path_factory.mktemp("clean") / "returns"
    return opened(simulate_returns(STUDY, folder, scale=SCALE, defects=False))


@pytest.fixture(scope="module")
def read_spoilt(spoilt) -> Callable[[str], Returns]:
    return cache(spoilt.read)


@pytest.fixture(scope="module")
def key(spoilt) -> pd.DataFrame:
    return pd.read_csv(spoilt.path / "answer_key.csv").set_index("kind")


def told(returns: Returns, declared: Declared) -> list[Finding]:
    """Findings of reading and of the checks across records and sheets (without the suites)."""
    slug, tables = returns.authority, returns.tables
    records = check_records(tables, declared.contracts, declared.limits, slug)
    return [*returns.findings, *records, *check_span(STUDY, tables, declared.limits, slug)]


def about(findings: list[Finding], check: str, planted: pd.Series) -> list[Finding]:
    """Findings of that check about the table's layer and, where it names one, the column that was spoilt."""
    return [
        part
        for part in findings
        if part.check == check
        and (part.count is None or part.count > 0)
        and part.layer in (None, planted["layer"])
        and (
            part.column is None or pd.isna(planted["column"]) or part.column in planted["column"].split(", ")
        )
    ]


def planted_row(key: pd.DataFrame, kind: str) -> pd.Series:
    if kind not in key.index:
        pytest.skip(f"nothing to spoil for {kind} in returns of this size")
    return key.loc[kind]


def test_every_kind_has_its_telling_finding():
    assert set(TOLD_BY) == set(kinds())


def test_nearly_every_kind_is_planted(key):
    assert len(key) >= len(kinds()) - 3


@pytest.mark.parametrize("kind", [kind for kind in TOLD_BY if kind not in TOLD_ELSEWHERE])
def test_a_planted_defect_is_told(spoilt, read_spoilt, key, kind):
    row = planted_row(key, kind)
    returns = read_spoilt(row["authority"])
    found = about(told(returns, spoilt.declared), TOLD_BY[kind], row)
    if TOLD_BY[kind] == "correction":
        found = [part for part in found if part.subject == f"synthetic_{kind}"]
    assert found, f"{TOLD_BY[kind]} does not tell of {kind}"
    if row["handled_by"] == "finding":
        assert {part.status for part in found} <= {"fail", "pass"} and max(part.count for part in found) >= 1


def test_missing_referral_dates_are_told_by_the_suite(spoilt, key):
    row = planted_row(key, "missing_referral_date")
    returns = read_authority(STUDY, row["authority"], spoilt.path)
    found = next(
        part for part in returns.findings if (part.check, part.column) == ("missing", "referral_date")
    )
    assert (found.status, found.count) == ("fail", row["count"])


def test_identifiers_of_two_authorities_are_told(spoilt, read_spoilt, key):
    row = planted_row(key, "same_identifier_in_two_authorities")
    tables = {slug: read_spoilt(slug).tables for slug in STUDY.models["no_wrong_door"].trial_authorities}
    found = {part.authority: part for part in check_across(tables, spoilt.declared.limits)}
    assert found[row["authority"]].count >= row["count"]


@pytest.mark.parametrize("kind", TOLD_WITHOUT_CORRECTION)
def test_without_its_correction_a_defect_is_told_and_not_repaired(spoilt, key, kind):
    row = planted_row(key, kind)
    raw = opened(spoilt.path, corrections=False)
    findings = told(raw.read(row["authority"]), raw.declared)
    row = row.copy()
    row["column"] = None if kind == "slug_spelt_differently" else row["column"]
    row["layer"] = None if kind == "slug_spelt_differently" else row["layer"]
    found = about(findings, TOLD_WITHOUT_CORRECTION[kind], row)
    assert {part.status for part in found} == {"fail"}
    assert kind not in ("slug_spelt_differently", "composite_identifiers") or found[0].severity == "block"


def test_what_can_be_undone_leaves_no_trace_in_the_tables(clean, read_spoilt, key):
    lineage = ["return_month", "source_file", "source_sheet", "source_row", "corrections"]
    everyone = {slug for model in STUDY.models.values() for slug in model.trial_authorities}
    undone = sorted(everyone - set(key.loc[key["handled_by"] == "finding", "authority"]))
    assert len(undone) >= 5
    for slug in undone:
        for name, table in clean.read(slug).tables.items():
            found = read_spoilt(slug).tables[name].drop(columns=lineage)
            pd.testing.assert_frame_equal(found, table.drop(columns=lineage), obj=f"{slug} {name}")


def test_clean_returns_give_no_findings_of_reading(clean):
    assert [part.text for part in clean.read("walsall").findings] == []
