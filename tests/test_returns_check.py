"""Checks across columns, sheets and authorities: each defect of records is found, and good returns pass."""

from __future__ import annotations

import pandas as pd
import pytest
from return_workbooks import CONTRACTS, referrals, sheet, sheet_name, write_workbook

from sfpc_book.contracts.limits import load_limits
from sfpc_book.returns.check import check_across
from sfpc_book.returns.check_coverage import check_linkage, check_sent, check_span
from sfpc_book.returns.check_records import check_missing, check_records
from sfpc_book.returns.check_relations import check_relations
from sfpc_book.returns.inventory import read_inventory
from sfpc_book.returns.measure import measure
from sfpc_book.returns.origin import Origin
from sfpc_book.returns.read import read_authority
from sfpc_book.returns.records import empty_records
from sfpc_book.study.study import load_study

STUDY = load_study()
LIMITS = load_limits()


def table(name: str, **columns: object) -> pd.DataFrame:
    empty = empty_records(CONTRACTS[name])
    n = max(len(values) for values in columns.values() if isinstance(values, list))
    filled = empty.reindex(range(n)).assign(**columns)
    kinds = {key: kind for key, kind in empty.dtypes.items() if not key.startswith("source_")}
    return filled.astype(kinds)


def good() -> dict[str, pd.DataFrame]:
    """Forty children without a fault, twenty of whom were in care."""
    n = 40
    ids = [f"c{number}" for number in range(n)]
    dates = pd.to_datetime("2020-03-10") + pd.to_timedelta([25 * number for number in range(n)], unit="D")
    action = [number % 4 == 0 for number in range(n)]
    care = [day + pd.Timedelta(days=60) if number % 2 else None for number, day in enumerate(dates)]
    return {
        "dr2_referrals": table(
            "dr2_referrals", child_id=ids, referral_id=ids, referral_date=list(dates), birth_marker="dated",
            birth_month=[pd.Timestamp("2015-05-01")] * n, no_further_action=[int(flag) for flag in action],
            assessment_start_date=[None if flag else day for flag, day in zip(action, dates, strict=True)],
        ),
        "dr3_care": table("dr3_care", child_id=ids, care_start=care),
        "dr3_coverage": table(
            "dr3_coverage", child_id=ids, covered_from=[pd.Timestamp("2018-04-01")] * n,
            covered_to=[pd.Timestamp("2024-10-31")] * n,
        ),
    }  # fmt: skip


def results(tables: dict[str, pd.DataFrame]) -> dict[tuple[str, str], object]:
    found = [
        *check_records(tables, CONTRACTS, LIMITS, "swindon"),
        *check_relations(tables, CONTRACTS, LIMITS, "swindon", comparable=True),
        *check_span(STUDY, tables, LIMITS, "swindon"),
        *check_linkage(STUDY, tables, LIMITS, "swindon"),
    ]
    return {(finding.check, finding.subject.split(".")[0]): finding for finding in found}


def failing(tables: dict[str, pd.DataFrame]) -> set[str]:
    return {check for (check, _), finding in results(tables).items() if finding.status == "fail"}


def change(
    tables: dict[str, pd.DataFrame], name: str, rows: slice, **values: object
) -> dict[str, pd.DataFrame]:
    changed = tables[name].copy()
    for column, value in values.items():
        changed.loc[changed.index[rows], column] = value
    return {**tables, name: changed}


def test_good_returns_pass_every_check():
    assert failing(good()) == set()
    assert len(results(good())) == 19


@pytest.mark.parametrize(
    ("name", "rows", "values", "check"),
    [
        ("dr2_referrals", slice(0, 10), {"birth_month": pd.Timestamp("2023-01-01")}, "birth_after_referral"),
        ("dr2_referrals", slice(0, 1), {"birth_month": pd.Timestamp("2024-05-01")},
         "birth_long_after_referral"),
        ("dr2_referrals", slice(0, 2), {"child_id": "c9", "birth_month": pd.Timestamp("2011-01-01")},
         "identifier_of_two_births"),
        ("dr2_referrals", slice(0, 40), {"referral_date": pd.Timestamp("2020-03-10")}, "referral_gap"),
        ("dr2_referrals", slice(20, 22), {"referral_date": pd.NaT}, "referral_gap"),
        ("dr3_care", slice(0, 40), {"care_start": pd.Timestamp("2019-01-01")}, "care_before_referral"),
        ("dr3_care", slice(1, 2), {"care_end": pd.Timestamp("2019-01-01")}, "order_of_dates"),
        ("dr3_care", slice(0, 40), {"care_start": pd.NaT}, "no_event"),
        ("dr3_care", slice(0, 3), {"child_id": ["x1", "x2", "x3"]}, "identifier_link"),
        ("dr3_coverage", slice(0, 10), {"child_id": "x1"}, "link_rate"),
        ("dr3_coverage", slice(0, 2), {"child_id": "c9"}, "cardinality"),
        ("dr2_referrals", slice(0, 40), {"referral_id": "r1"}, "cardinality"),
        ("dr3_care", slice(1, 2), {"care_start": pd.Timestamp("2024-11-01")}, "care_outside_coverage"),
        ("dr3_care", slice(1, 2), {"care_start": pd.Timestamp("2018-03-31")}, "care_outside_coverage"),
        ("dr3_coverage", slice(0, 1), {"covered_to": pd.Timestamp("2024-09-30")}, "coverage_short"),
        ("dr3_coverage", slice(0, 1), {"covered_from": pd.Timestamp("2020-04-02")}, "coverage_late"),
    ],
)  # fmt: skip
def test_a_defect_of_records_is_found(name, rows, values, check):
    assert check in failing(change(good(), name, rows, **values))


@pytest.mark.parametrize(("missing", "status"), [(4, "pass"), (5, "fail")])
def test_the_share_missing_is_held_over_all_returns(missing, status):
    tables = change(good(), "dr2_referrals", slice(0, missing), birth_marker="missing")
    parts = check_missing(tables, CONTRACTS, LIMITS, "swindon", layout="standard")
    found = {part.column: part for part in parts if part.subject.startswith("dr2_referrals")}
    assert (found["birth_month"].status, found["birth_month"].count) == (status, missing)
    assert not {"referral_date", "factors"} & set(found)


def test_inverted_labels_of_no_further_action_block():
    tables = good()
    many = pd.concat([tables["dr2_referrals"]] * 4, ignore_index=True)
    upright = {**tables, "dr2_referrals": many}
    turned = {**tables, "dr2_referrals": many.assign(no_further_action=1 - many["no_further_action"])}
    assert results(upright)["flag_inverted", "dr2_referrals"].status == "pass"
    finding = results(turned)["flag_inverted", "dr2_referrals"]
    assert (finding.status, finding.severity) == ("fail", "block")


def test_unborn_children_are_of_the_trial_and_not_born_too_late():
    tables = change(good(), "dr2_referrals", slice(0, 3), birth_month=pd.NaT, birth_marker="unborn")
    assert failing(tables) == set()


def test_composite_identifiers_are_recognised():
    tables = good()
    composite = tables["dr3_care"].assign(child_id=tables["dr3_care"]["child_id"] + "-9001")
    finding = results({**tables, "dr3_care": composite})["identifier_link", "dr3_care"]
    assert (finding.status, finding.severity, finding.count) == ("fail", "block", 40)
    assert "40 would if only what stands before a separator" in finding.text


@pytest.mark.parametrize(("value", "status"), [(0.03, "pass"), (0.0003, "fail"), (3.0, "fail")])
def test_the_scale_of_a_percentage_is_doubted_when_all_are_tiny_or_one_is_above_one(value, status):
    shares = table(
        "dr3_attendance", child_id=[f"c{n}" for n in range(40)], unauthorised_absence_share=[value] * 40
    )
    finding = results({"dr3_attendance": shares})["share_scale", "dr3_attendance"]
    assert finding.status == status


def test_months_without_totals_are_counted():
    months = pd.date_range("2019-10-01", "2024-03-01", freq="MS")
    totals = table(
        "dr1_monthly", month=[month for number, month in enumerate(months) if number not in (5, 6)]
    )
    finding = results({"dr1_monthly": totals})["totals_gap", "dr1"]
    assert (finding.status, finding.count) == ("fail", 2) and "2020-03, 2020-04" in finding.text


def test_an_outcome_return_that_was_not_sent_blocks(tmp_path):
    for month in STUDY.returns.months:
        for layer in ("dr1", "dr2"):
            (tmp_path / f"swindon_{layer}_{month}.xlsx").touch()
    (tmp_path / "swindon_dr2_nov22.xlsx").unlink()
    files = read_inventory(STUDY, tmp_path).of("swindon")
    tables = {**good(), "dr3_care": empty_records(CONTRACTS["dr3_care"])}
    found = check_sent(STUDY, tables, CONTRACTS, files, LIMITS, "swindon")
    findings = {(finding.check, finding.subject): finding for finding in found}
    assert findings["outcome_return_missing", "dr3"].severity == "block"
    assert findings["return_missing", "dr1"].status == "pass"
    assert "nov22" in findings["return_missing", "dr2"].text
    assert findings["table_sent", "dr3_care"].severity == "block"
    assert findings["table_sent", "dr3_coverage"].status == "pass"


def test_an_identifier_used_by_two_authorities_is_counted_for_both():
    other = change(good(), "dr2_referrals", slice(2, 40), child_id="own")
    found = {part.authority: part for part in check_across({"swindon": good(), "walsall": other}, LIMITS)}
    assert {slug: part.count for slug, part in found.items()} == {"swindon": 2, "walsall": 2}
    assert {part.status for part in check_across({"swindon": good()}, LIMITS)} == {"pass"}


def test_a_check_without_a_limit_is_an_error():
    with pytest.raises(Exception, match=r"checks.yml has no check 'luck'\. It has: "):
        measure(LIMITS, "luck", 1, "", Origin("swindon"))


def test_read_authority_reads_and_checks(tmp_path):
    rows = sheet("dr2_referrals", referrals(40, ethnicity="1987"))
    write_workbook(tmp_path / "swindon_dr2_nov21.xlsx", {sheet_name("dr2_referrals"): rows})
    returns = read_authority(STUDY, "swindon", tmp_path)
    failed = {(part.check, part.column) for part in returns.findings if part.status == "fail"}
    assert {("unmapped", "ethnicity"), ("code_list", "ethnicity"), ("outcome_return_missing", None)} <= failed
    assert all(part.authority == "swindon" for part in returns.findings)


def test_findings_come_in_the_same_order_each_time(tmp_path):
    rows = sheet("dr2_referrals", referrals(5, gender="x"))
    write_workbook(tmp_path / "swindon_dr2_nov21.xlsx", {sheet_name("dr2_referrals"): rows})
    assert (
        read_authority(STUDY, "swindon", tmp_path).findings
        == read_authority(STUDY, "swindon", tmp_path).findings
    )
