"""Contracts as Great Expectations suites. The only user of great_expectations.

A validation result holds raw values of children's records. Only named fields of it (success, counts,
positions of rows) are copied into an `Outcome`; nothing else leaves this file.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")

import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.compatibility.pydantic import PrivateAttr
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from sfpc_book.contracts.contract import Column, TableContract
from sfpc_book.contracts.finding import Severity, Status
from sfpc_book.contracts.vocabulary import Vocabularies

# How Great Expectations names the types that canonical tables have.
TYPES = {
    "text": "str", "code": "str", "factors": "str", "flag": "int8", "integer": "int64",
    "number": "float64", "share": "float64", "percent": "float64",
    "date": "datetime64", "month": "datetime64", "birth_month": "datetime64",
}  # fmt: skip
BORN_OR_UNBORN = ["dated", "unborn"]
# A return of few rows can miss more than the share allowed by chance; over all returns the share is held.
STANDARD_ERRORS = 3
BASIC = {"result_format": "BASIC", "partial_unexpected_count": 0}
POSITIONS = {"result_format": "COMPLETE", "partial_unexpected_count": 0}


class _Settled:
    """An expectation that does not change once made. In one run Great Expectations asks each for its
    configuration some seventy times and makes it anew from the model: half of the time of a run."""

    _settled: ExpectationConfiguration | None

    @property
    def configuration(self) -> ExpectationConfiguration:
        """As that of the parent class; a new object each time, as its arguments are changed in a run."""
        if self._settled is None:
            self._settled = super().configuration
        made = self._settled
        return ExpectationConfiguration(
            type=made.type, kwargs=dict(made.kwargs), meta=dict(made.meta or {}), severity=made.severity
        )


class ExpectType(_Settled, gxe.ExpectColumnValuesToBeOfType):
    """Cells are of the type."""

    _settled: Any = PrivateAttr(default=None)


class ExpectPresent(_Settled, gxe.ExpectColumnValuesToNotBeNull):
    """Cells are not missing."""

    _settled: Any = PrivateAttr(default=None)


class ExpectRange(_Settled, gxe.ExpectColumnValuesToBeBetween):
    """Cells lie between two numbers."""

    _settled: Any = PrivateAttr(default=None)


class ExpectCode(_Settled, gxe.ExpectColumnValuesToBeInSet):
    """Cells are codes of a list."""

    _settled: Any = PrivateAttr(default=None)


@dataclass(frozen=True)
class Outcome:
    """How one expectation came out. `position` is the first row, from 0, that is not as expected."""

    check: str
    column: str
    status: Status
    severity: Severity
    text: str
    measured: float | None = None
    limit: float | None = None
    count: int | None = None
    position: int | None = None


class Expectations:
    """The expectations of all tables in one layout: each suite is made once and run on many returns.

    `missing` is the share of missing values allowed in a required column that says nothing else.
    """

    def __init__(self, words: Vocabularies, *, layout: str, missing: float) -> None:
        self._words, self._layout, self._missing = words, layout, missing
        self._suites: dict[tuple[str, str], gx.ExpectationSuite] = {}
        self._types: dict[tuple, tuple[Outcome, ...]] = {}

    def check(self, records: pd.DataFrame, contract: TableContract) -> tuple[Outcome, ...]:
        """Run the expectations of a sheet; one outcome each, in a fixed order.

        What fails is run a second time for the positions of its rows. An expectation that raised is a failing
        outcome `expectation_raised`, never a pass.
        """
        found = (*self._check_types(records, contract), *self._run(records, contract, "values"))
        return tuple(sorted(found, key=lambda outcome: (outcome.column, outcome.check)))

    def check_key(self, records: pd.DataFrame, contract: TableContract) -> tuple[Outcome, ...]:
        """Run the expectation of a table's key on all records of one return."""
        return self._run(records, contract, "key")

    def _check_types(self, records: pd.DataFrame, contract: TableContract) -> tuple[Outcome, ...]:
        """Equal types have equal outcomes, as no column of a canonical table mixes types."""
        types = (contract.table, *records.dtypes.items())
        if types not in self._types:
            self._types[types] = self._run(records, contract, "types")
        return self._types[types]

    def _run(self, records: pd.DataFrame, contract: TableContract, part: str) -> tuple[Outcome, ...]:
        batch = _batches(contract.table).get_batch({"dataframe": records})
        results = batch.validate(self._suite(contract, part), result_format=BASIC).results
        failed = [item.expectation_config.to_domain_obj() for item in results if not item.success]
        again = gx.ExpectationSuite(name=contract.table, expectations=failed)
        placed = batch.validate(again, result_format=POSITIONS).results if failed else []
        first = {_identity(item): _first_position(item) for item in placed}
        return tuple(_outcome(item, first.get(_identity(item))) for item in results)

    def _suite(self, contract: TableContract, part: str) -> gx.ExpectationSuite:
        if (contract.table, part) not in self._suites:
            columns = contract.for_layout(self._layout)
            expected = {
                "types": lambda: [_type(column) for column in columns],
                "values": lambda: [
                    each for column in columns for each in _values(column, self._words, self._missing)
                ],
                "key": lambda: [_key(contract)],
            }[part]()
            self._suites[contract.table, part] = gx.ExpectationSuite(contract.table, expected)
        return self._suites[contract.table, part]


@cache
def _batches(table: str) -> BatchDefinition:
    """Where data frames of a table are given to Great Expectations, made once in a process."""
    asset = _source().add_dataframe_asset(table)
    return asset.add_batch_definition_whole_dataframe("whole")


@cache
def _source() -> Any:
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    return context.data_sources.add_pandas("returns")


def _type(column: Column) -> gxe.Expectation:
    meta = _meta("type", column.severity, 0.0, "cells of another type")
    return ExpectType(column=column.name, type_=TYPES[column.type], meta=meta)


def _values(column: Column, words: Vocabularies, missing: float) -> Iterator[gxe.Expectation]:
    name = column.name
    yield from _not_missing(column, missing)
    if column.minimum is not None or column.maximum is not None:
        text = f"cells outside {_bound(column.minimum)} to {_bound(column.maximum)}"
        meta = _meta("range", column.severity, 0.0, text)
        yield ExpectRange(column=name, min_value=column.minimum, max_value=column.maximum, meta=meta)
    if column.type == "code":
        allowed = column.unmapped_limit or 0.0
        meta = _meta("code_list", column.severity, allowed, "cells outside the code list")
        codes = list(words.code_sets[column.vocabulary])
        yield ExpectCode(column=name, value_set=codes, mostly=1 - allowed, meta=meta)
    if column.type == "flag":
        meta = _meta("code_list", column.severity, 0.0, "cells other than 1 and 0")
        yield ExpectCode(column=name, value_set=[0, 1], meta=meta)
    if column.pattern:
        meta = _meta("pattern", column.severity, 0.0, "cells of another form")
        yield gxe.ExpectColumnValuesToMatchRegex(column=name, regex=f"^(?:{column.pattern})$", meta=meta)


def _not_missing(column: Column, missing: float) -> Iterator[gxe.Expectation]:
    limit = column.may_miss(missing)
    if limit is None:
        return
    meta = _meta("missing", column.severity, limit, "cells missing")
    if column.type == "birth_month":
        yield ExpectCode(
            column="birth_marker",
            value_set=BORN_OR_UNBORN,
            mostly=1 - limit,
            meta={**meta, "column": column.name},
        )
    else:
        yield ExpectPresent(column=column.name, mostly=1 - limit, meta=meta)


def _key(contract: TableContract) -> gxe.Expectation:
    key, limit = list(contract.key), contract.key_limit
    meta = _meta("key", contract.key_severity, limit, f"rows that share {' and '.join(key)} with another")
    meta["column"] = " + ".join(key)
    if len(key) == 1:
        return gxe.ExpectColumnValuesToBeUnique(column=key[0], mostly=1 - limit, meta=meta)
    return gxe.ExpectCompoundColumnsToBeUnique(
        column_list=key, mostly=1 - limit, ignore_row_if="any_value_is_missing", meta=meta
    )


def _meta(check: str, severity: Severity, limit: float, what: str) -> dict[str, Any]:
    return {"check": check, "severity": severity, "limit": limit, "what": what}


def _bound(value: float | None) -> str:
    return "any" if value is None else f"{value:g}"


def _outcome(item: ExpectationValidationResult, position: int | None) -> Outcome:
    """Copy success, counts and a position; no other field, since others hold values."""
    meta = item.expectation_config.meta
    check, column = _identity(item)
    if item.exception_info.get("raised_exception") or "exception_info" in item.exception_info:
        text = f"the expectation '{check}' could not be evaluated"
        return Outcome("expectation_raised", column, "fail", "mark", text)
    count, share = _counts(item)
    text = f"{meta['what']}: {count}"
    by_chance = check == "missing" and not item.success and count <= _chance_allows(item, meta["limit"])
    if by_chance:
        text += ", no more than chance can give where the limit is kept"
    status = "pass" if item.success or by_chance else "fail"
    return Outcome(check, column, status, meta["severity"], text, share, meta["limit"], count, position)


def _identity(item: ExpectationValidationResult) -> tuple[str, str]:
    config = item.expectation_config
    return config.meta["check"], config.meta.get("column", config.kwargs.get("column"))


def _first_position(item: ExpectationValidationResult) -> int | None:
    positions = item.result.get("unexpected_index_list") or ()
    return min(map(int, positions), default=None)


def _chance_allows(item: ExpectationValidationResult, limit: float) -> float:
    """The largest number of cells that says nothing against a share of `limit` in a return of that size."""
    n = int(item.result["element_count"])
    return n * limit + STANDARD_ERRORS * (n * limit * (1 - limit)) ** 0.5


def _counts(item: ExpectationValidationResult) -> tuple[int, float]:
    """How many cells are not as expected, and their share of those that were looked at."""
    result = item.result
    if "element_count" not in result:
        return (0, 0.0) if item.success else (1, 1.0)
    count = int(result["unexpected_count"] or 0)
    looked_at = int(result["element_count"]) - int(result.get("missing_count") or 0)
    return count, count / looked_at if looked_at else 0.0
