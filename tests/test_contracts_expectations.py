"""Suites: what a contract declares is what is validated, and no value of a record leaves the result."""

from __future__ import annotations

import pandas as pd
import pytest

from sfpc_book.contracts import expectations
from sfpc_book.contracts.contract import DATA_CONTRACTS, load_contracts
from sfpc_book.contracts.expectations import Expectations
from sfpc_book.contracts.vocabulary import load_vocabularies
from sfpc_book.returns.records import empty_records

SENTINEL = "SENTINEL-4711"


@pytest.fixture(scope="module")
def contracts():
    return load_contracts()


@pytest.fixture(scope="module")
def words():
    return load_vocabularies(DATA_CONTRACTS / "vocabularies.yml")


def care(contracts, rows: int = 10, **columns) -> pd.DataFrame:
    table = empty_records(contracts["dr3_care"]).reindex(range(rows))
    filled = {
        "child_id": [f"c{n}" for n in range(rows)],
        "care_start": pd.Timestamp("2021-01-01"),
        "placement_type": "U1",
        **columns,
    }
    kinds = empty_records(contracts["dr3_care"]).dtypes.to_dict()
    return table.assign(**filled).astype(kinds | {"source_row": "float64"})


def checked(table, contract, words):
    expectations = Expectations(words, layout="standard", missing=0.1)
    return (*expectations.check(table, contract), *expectations.check_key(table, contract))


def outcome(table, contracts, words, check: str, column: str):
    outcomes = checked(table, contracts["dr3_care"], words)
    found = {(outcome.check, outcome.column): outcome for outcome in outcomes}
    return found[check, column], outcomes


def test_a_table_as_declared_passes_every_expectation(contracts, words):
    _, findings = outcome(care(contracts), contracts, words, "type", "child_id")
    assert {finding.status for finding in findings} == {"pass"}
    assert {finding.check for finding in findings} == {"type", "missing", "code_list", "key"}


@pytest.mark.parametrize(
    ("check", "column", "change", "count", "position"),
    [
        ("code_list", "placement_type", {"placement_type": ["U1"] * 8 + ["zz", "yy"]}, 2, 8),
        ("missing", "child_id", {"child_id": ["c1", "c2", "c3", *[None] * 7]}, 7, 3),
        ("key", "child_id + care_start", {"child_id": ["c1", "c1", *[f"c{n}" for n in range(2, 10)]]}, 2, 0),
    ],
)
def test_a_defect_is_found_counted_and_placed(contracts, words, check, column, change, count, position):
    finding, _ = outcome(care(contracts, **change), contracts, words, check, column)
    assert (finding.status, finding.count, finding.position) == ("fail", count, position)


def test_a_wrong_type_fails(contracts, words):
    table = care(contracts).astype({"care_start": "str"})
    finding, _ = outcome(table, contracts, words, "type", "care_start")
    assert finding.status == "fail"


@pytest.mark.parametrize(("value", "status"), [(0.4, "pass"), (40.0, "fail")])
def test_a_range_is_the_contracts(contracts, words, value, status):
    table = empty_records(contracts["dr3_attendance"]).reindex(range(3))
    table = table.assign(child_id=["a", "b", "c"], unauthorised_absence_share=value, term="2020-summer")
    outcomes = checked(table, contracts["dr3_attendance"], words)
    ranges = [finding for finding in outcomes if finding.check == "range"]
    assert [finding.status for finding in ranges] == [status]


def test_unborn_children_do_not_count_as_missing_births(contracts, words):
    table = empty_records(contracts["dr2_referrals"]).reindex(range(4))
    table = table.assign(birth_marker=["unborn", "unborn", "dated", "missing"])
    outcomes = checked(table, contracts["dr2_referrals"], words)
    births = next(part for part in outcomes if (part.check, part.column) == ("missing", "birth_month"))
    assert (births.count, births.position) == (1, 3)


@pytest.mark.parametrize(
    ("column", "n", "missing", "status"),
    [("gender", 40, 6, "pass"), ("gender", 40, 12, "fail"), ("gender", 400, 60, "fail"),
     ("referral_date", 400, 1, "fail")],
)  # fmt: skip
def test_few_rows_may_miss_more_by_chance_but_not_where_nothing_may_be_missing(
    contracts, words, column, n, missing, status
):
    table = empty_records(contracts["dr2_referrals"]).reindex(range(n))
    table = table.assign(gender="Male", referral_date=pd.Timestamp("2021-01-01"))
    table.loc[table.index[:missing], column] = None
    outcomes = checked(table, contracts["dr2_referrals"], words)
    (found,) = [part for part in outcomes if (part.check, part.column) == ("missing", column)]
    assert (found.status, found.count) == (status, missing)


def test_an_expectation_that_raises_fails_and_is_told_apart(contracts, words):
    table = care(contracts).drop(columns="placement_type")
    _, findings = outcome(table, contracts, words, "type", "child_id")
    raised = [finding for finding in findings if finding.check == "expectation_raised"]
    assert raised and {finding.status for finding in raised} == {"fail"}


def test_no_value_of_a_record_reaches_an_outcome(contracts, words):
    table = care(contracts, child_id=[SENTINEL] * 10, placement_type=[SENTINEL] * 10)
    _, outcomes = outcome(table, contracts, words, "type", "child_id")
    failed = {part.check: part for part in outcomes if part.status == "fail"}
    assert set(failed) == {"key", "code_list"}
    assert SENTINEL not in repr(outcomes)
    kinds = {type(value) for part in outcomes for value in vars(part).values()}
    assert kinds == {str, int, float, type(None)}  # a value of Great Expectations' own would hold records


def test_validation_writes_nothing_to_the_screen(contracts, words, capfd):
    outcome(care(contracts), contracts, words, "type", "child_id")
    assert capfd.readouterr() == ("", "")
    assert expectations.os.environ["GX_ANALYTICS_ENABLED"] == "False"
