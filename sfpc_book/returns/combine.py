"""One table of all returns: rows sent twice are kept once, as the contract declares, and counted."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.finding import Finding, Severity, Status
from sfpc_book.returns.correction import Correction
from sfpc_book.returns.factors import complete_factors
from sfpc_book.returns.marks import marked, united
from sfpc_book.returns.origin import Origin, by_sheet, first_row
from sfpc_book.returns.records import LINEAGE, empty_records
from sfpc_book.returns.repair import Repairs


def combine(
    frames: Sequence[pd.DataFrame], contract: TableContract, repairs: Repairs, origin: Origin
) -> tuple[pd.DataFrame, list[Finding]]:
    """Put records of several sheets together, in the order given (by month of return, then file)."""
    filled = [frame for frame in frames if len(frame)]
    table = pd.concat(filled, ignore_index=True) if filled else empty_records(contract)
    if "factors" in table:
        table = complete_factors(table)
    findings: list[Finding] = []
    table, found = _without_empty_rows(table, contract, origin)
    findings += found
    table, found = _without_copies(table, contract, repairs, origin)
    findings += found
    if contract.replace_key:
        table, found = _latest_of_each_key(table, contract, origin)
        findings += found
    return table.reset_index(drop=True), findings


def said(table: pd.DataFrame) -> list[str]:
    """The columns that say something, without lineage."""
    return [name for name in table if name not in LINEAGE]


def empty_rows(table: pd.DataFrame, contract: TableContract) -> pd.Series:
    """Which rows hold a key and nothing else, and so are no records where a key replaces another."""
    if not contract.replace_key:
        return pd.Series(False, index=table.index)
    return table[[name for name in said(table) if name not in contract.key]].isna().all(axis=1)


def _without_empty_rows(
    table: pd.DataFrame, contract: TableContract, origin: Origin
) -> tuple[pd.DataFrame, list[Finding]]:
    empty = empty_rows(table, contract)
    if not empty.any():
        return table, []
    text = "row(s) hold nothing but their key and were left out"
    return table[~empty], _notes(table[empty], origin, "row_without_values", text, "mark")


def _without_copies(
    table: pd.DataFrame, contract: TableContract, repairs: Repairs, origin: Origin
) -> tuple[pd.DataFrame, list[Finding]]:
    """Keep one of rows that are equal in every column, if the contract or a correction says so."""
    copies = table.duplicated(said(table), keep=contract.keep or "first")
    count = int(copies.sum())
    if not count:
        return table, []
    table, declared = _drops_declared(table, copies, repairs)
    left = copies & ~declared if contract.keep is None else copies & False
    again = table[table.duplicated(said(table))]  # whatever is kept, a later row is one that was sent again
    text = "row(s) are equal to an earlier one in every column"
    if left.any():
        text += f"; {int(left.sum())} of them are kept: declare keep in the contract, or a correction with "
        text += "action drop_duplicate"
        notes = _notes(again, origin, "duplicate_rows", text, "mark", "fail")
    else:
        kept = f"{text}; the {contract.keep or 'first'} is kept"
        notes = _notes(again, origin, "duplicate_rows", kept, "note")
    return table[~copies | left], notes


def _drops_declared(
    table: pd.DataFrame, copies: pd.Series, repairs: Repairs
) -> tuple[pd.DataFrame, pd.Series]:
    """Which copies corrections drop; the rows that stay in their place carry the corrections."""
    parts = repairs.of(None, "drop_duplicate")
    dropped = copies & False
    if not parts:
        return table, dropped
    alike = table[table.duplicated(said(table), keep=False)]
    group = alike.groupby(said(table), dropna=False, sort=False).ngroup().reindex(table.index, fill_value=-1)
    marks = {}
    for part in parts:
        reached = copies & _reached(table, part)
        places = table[reached].groupby(["source_file", "source_sheet"], sort=False).size()
        for (file, sheet), count in places.items():
            repairs.touched.at(file, sheet).add(part.id, int(count))
        marks[part.id] = (~copies & group.isin(group[reached])).to_numpy()
        dropped |= reached
    return table.assign(corrections=marked(table["corrections"], marks)), dropped


def _reached(table: pd.DataFrame, part: Correction) -> pd.Series:
    """The rows of the return and sheet that a correction names; all where it names none."""
    inside = pd.Series(True, index=table.index)
    if part.return_month:
        inside &= table["return_month"] == part.return_month
    if part.sheet:
        inside &= table["source_sheet"].str.strip() == part.sheet.strip()
    return inside


def _latest_of_each_key(
    table: pd.DataFrame, contract: TableContract, origin: Origin
) -> tuple[pd.DataFrame, list[Finding]]:
    """Keep the row of the latest return for each key; where it is blank, an earlier row's value stands."""
    key = list(contract.key)
    keyed = table[key].notna().all(axis=1)
    older = table.duplicated(key, keep="last") & keyed
    if not older.any():
        return table, []
    text = "row(s) were replaced by a later row of the same key; a blank keeps the earlier value"
    values = [name for name in said(table) if name not in key]
    filled = table.groupby(key, sort=False)[values].ffill()
    took = (filled.notna() & table[values].isna()).any(axis=1) & keyed
    table = table.assign(**{name: filled[name].where(keyed, table[name]) for name in values})
    if took.any() and table["corrections"].notna().any():
        of_key = table.groupby(key, sort=False)["corrections"].transform(united)
        table["corrections"] = table["corrections"].mask(took, of_key)
    return table[~older], _notes(table[older], origin, "row_replaced", text, "note")


def _notes(
    rows: pd.DataFrame, origin: Origin, check: str, text: str, severity: Severity, status: Status = "info"
) -> list[Finding]:
    """One finding for each sheet that the rows are from."""
    return [
        place.finding(
            check, f"{len(records)} {text}", severity=severity, status=status, measured=float(len(records)),
            unit="rows", row=first_row(records), count=len(records),
        )
        for place, records in by_sheet(rows, origin)
    ]  # fmt: skip
