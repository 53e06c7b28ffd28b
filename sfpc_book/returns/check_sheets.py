"""Each return against its contracts: one run of Great Expectations per return, on the records as read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import pandas as pd

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.finding import Finding
from sfpc_book.returns.combine import empty_rows, said
from sfpc_book.returns.declared import Declared
from sfpc_book.returns.origin import Origin, of_sheets
from sfpc_book.returns.records import SheetRecords
from sfpc_book.study.return_months import first_day

if TYPE_CHECKING:
    from sfpc_book.contracts.expectations import Expectations, Outcome


def check_sheets(
    sheets: Iterable[SheetRecords], declared: Declared, *, authority: str, layout: str
) -> Iterator[Finding]:
    """Validate the records of every sheet against the contract of its table, return by return.

    Great Expectations is imported here, when it is first run: that costs seconds.
    """
    from sfpc_book.contracts.expectations import Expectations

    expectations = Expectations(declared.words, layout=layout, missing=declared.limits.missing)
    filled = sorted((sheet for sheet in sheets if len(sheet.frame)), key=_return_and_table)
    for _, sheets_of_table in groupby(filled, key=_return_and_table):
        same = list(sheets_of_table)
        yield from _check_table(same, declared.contracts[same[0].table], expectations, authority)


def _return_and_table(sheet: SheetRecords) -> tuple:
    return sheet.table[:3], first_day(sheet.frame["return_month"].iloc[0]), sheet.table


def _check_table(
    sheets: Sequence[SheetRecords], contract: TableContract, expectations: Expectations, authority: str
) -> Iterator[Finding]:
    """The sheets of one table in one return: columns by sheet, the key over all of them."""
    records = [_records(sheet.frame, contract) for sheet in sheets]
    for frame in records:
        if len(frame):
            yield from _findings(frame, contract, authority, expectations.check(frame, contract))
    together = records[0] if len(records) == 1 else _records(pd.concat(records, ignore_index=True), contract)
    if len(together):
        yield from _findings(together, contract, authority, expectations.check_key(together, contract))


def _findings(
    records: pd.DataFrame, contract: TableContract, authority: str, outcomes: Iterable[Outcome]
) -> Iterator[Finding]:
    origin = of_sheets(records, Origin(authority, contract.layer, table=contract.table))
    where = "" if origin.file else f"{contract.layer} return of {records['return_month'].iloc[0]}: "
    for outcome in outcomes:
        position = outcome.position
        yield origin.finding(
            outcome.check, f"{where}{contract.title}, '{outcome.column}': {outcome.text}",
            severity=outcome.severity, status=outcome.status, measured=outcome.measured, limit=outcome.limit,
            unit="share of rows" if outcome.measured is not None else "",
            row=None if position is None else int(records["source_row"].iloc[position]),
            column=outcome.column, count=outcome.count,
        )  # fmt: skip


def _records(frame: pd.DataFrame, contract: TableContract) -> pd.DataFrame:
    """Without rows that are left out when returns are combined, and are told of there: copies, empty rows."""
    left_out = empty_rows(frame, contract)
    keyed = frame[frame.duplicated(list(contract.key), keep=False)]
    left_out[keyed.index[keyed.duplicated(said(frame))]] = True
    return frame[~left_out].reset_index(drop=True) if left_out.any() else frame
