"""Contracts as Great Expectations suites. The only user of great_expectations.

A validation result holds raw values of children's records. Only named fields of it (success, counts) are
copied into a `Finding`; nothing else leaves this file.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")

import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.data_context.types.base import ProgressBarsConfig

from sfpc_book.contracts.contract import Column, TableContract
from sfpc_book.contracts.finding import Finding, Severity
from sfpc_book.contracts.vocabulary import Vocabularies

# How Great Expectations names the types that canonical tables have.
TYPES = {
    "text": "str", "code": "str", "factors": "str", "flag": "int8", "integer": "int64",
    "number": "float64", "share": "float64", "percent": "float64",
    "date": "datetime64", "month": "datetime64", "birth_month": "datetime64",
}  # fmt: skip
BORN_OR_UNBORN = ["dated", "unborn"]
BASIC = {"result_format": "BASIC", "partial_unexpected_count": 0}


def suite_of(
    contract: TableContract, words: Vocabularies, *, layout: str, missing: float
) -> gx.ExpectationSuite:
    """The expectations of one table: columns, types, not null, range, code list, pattern, key.

    `missing` is the share of missing values allowed in a required column that says nothing else.
    """
    suite = gx.ExpectationSuite(name=contract.table)
    for column in contract.for_layout(layout):
        for expectation in _of_column(column, words, missing):
            suite.add_expectation(expectation)
    suite.add_expectation(_key(contract))
    return suite


def validate(
    tables: Mapping[str, pd.DataFrame],
    contracts: Mapping[str, TableContract],
    words: Vocabularies,
    *,
    authority: str,
    layout: str,
    missing: float,
) -> tuple[Finding, ...]:
    """Validate each filled table of one authority against its contract; one finding per expectation.

    An expectation that raised is a failing finding `expectation_raised`, never a pass.
    """
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    assets = context.data_sources.add_pandas("returns")
    findings: list[Finding] = []
    for name, table in tables.items():
        if table.empty:
            continue
        contract = contracts[name]
        whole = assets.add_dataframe_asset(name).add_batch_definition_whole_dataframe("whole")
        suite = suite_of(contract, words, layout=layout, missing=missing)
        result = whole.get_batch({"dataframe": table}).validate(suite, result_format=BASIC)
        found = [_finding(item, contract, authority) for item in result.results]
        findings += sorted(found, key=lambda finding: (finding.subject, finding.check))
    return tuple(findings)


def _of_column(column: Column, words: Vocabularies, missing: float) -> Iterator[gxe.Expectation]:
    name, strict = column.name, _meta("type", column.severity, 0.0, "cells of another type")
    yield gxe.ExpectColumnValuesToBeOfType(column=name, type_=TYPES[column.type], meta=strict)
    yield from _not_missing(column, missing)
    if column.minimum is not None or column.maximum is not None:
        text = f"cells outside {_bound(column.minimum)} to {_bound(column.maximum)}"
        meta = _meta("range", column.severity, 0.0, text)
        yield gxe.ExpectColumnValuesToBeBetween(
            column=name, min_value=column.minimum, max_value=column.maximum, meta=meta
        )
    if column.type == "code":
        allowed = column.unmapped_limit or 0.0
        meta = _meta("code_list", column.severity, allowed, "cells outside the code list")
        codes = list(words.code_sets[column.vocabulary])
        yield gxe.ExpectColumnValuesToBeInSet(column=name, value_set=codes, mostly=1 - allowed, meta=meta)
    if column.type == "flag":
        meta = _meta("code_list", column.severity, 0.0, "cells other than 1 and 0")
        yield gxe.ExpectColumnValuesToBeInSet(column=name, value_set=[0, 1], meta=meta)
    if column.pattern:
        meta = _meta("pattern", column.severity, 0.0, "cells of another form")
        yield gxe.ExpectColumnValuesToMatchRegex(column=name, regex=f"^(?:{column.pattern})$", meta=meta)


def _not_missing(column: Column, missing: float) -> Iterator[gxe.Expectation]:
    """Where a blank has a meaning, or the column need not be there, nothing is expected unless a limit is."""
    expected = column.required and column.blank_means is None and not column.alternative_columns
    if column.missing_limit is None and not expected:
        return
    limit = missing if column.missing_limit is None else column.missing_limit
    meta = _meta("missing", column.severity, limit, "cells missing")
    if column.type == "birth_month":
        yield gxe.ExpectColumnValuesToBeInSet(
            column="birth_marker",
            value_set=BORN_OR_UNBORN,
            mostly=1 - limit,
            meta={**meta, "column": column.name},
        )
    else:
        yield gxe.ExpectColumnValuesToNotBeNull(column=column.name, mostly=1 - limit, meta=meta)


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


def _finding(item: ExpectationValidationResult, contract: TableContract, authority: str) -> Finding:
    """Copy success and counts; no other field, since others hold values."""
    config = item.expectation_config
    meta = config.meta
    column = meta.get("column", config.kwargs.get("column"))
    subject = f"{contract.table}.{column}"
    if item.exception_info.get("raised_exception") or "exception_info" in item.exception_info:
        text = f"{contract.title}: the expectation on '{column}' could not be evaluated"
        return Finding(
            "expectation_raised",
            subject,
            "fail",
            "mark",
            None,
            None,
            "",
            text,
            authority,
            contract.layer,
            column=column,
        )
    count, share = _counts(item)
    text = f"{contract.title}, '{column}': {meta['what']}: {count}"
    return Finding(
        meta["check"], subject, "pass" if item.success else "fail", meta["severity"], share, meta["limit"],
        "share of rows", text, authority, contract.layer, column=column, count=count,
    )  # fmt: skip


def _counts(item: ExpectationValidationResult) -> tuple[int, float]:
    """How many cells are not as expected, and their share of those that were looked at."""
    result = item.result
    if "element_count" not in result:
        return (0, 0.0) if item.success else (1, 1.0)
    count = int(result["unexpected_count"] or 0)
    looked_at = int(result["element_count"]) - int(result.get("missing_count") or 0)
    return count, count / looked_at if looked_at else 0.0
