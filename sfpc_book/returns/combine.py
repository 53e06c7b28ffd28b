"""One table of all returns: rows sent twice are kept once, as the contract declares, and counted."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.finding import Finding
from sfpc_book.returns.correction import Correction
from sfpc_book.returns.factors import complete_factors
from sfpc_book.returns.marks import marked, united
from sfpc_book.returns.origin import Origin
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
    if contract.replace_key:
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


def _without_empty_rows(
    table: pd.DataFrame, contract: TableContract, origin: Origin
) -> tuple[pd.DataFrame, list[Finding]]:
    """Leave out rows that hold a key and nothing else."""
    empty = table[[name for name in said(table) if name not in contract.key]].isna().all(axis=1)
    if not empty.any():
        return table, []
    text = f"{empty.sum()} row(s) hold nothing but their key and were left out"
    return table[~empty], [_note(origin, "row_without_values", text, int(empty.sum()), "mark")]


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
    between = _between_returns(table)
    text = f"{count} row(s) are equal to another in every column ({between} of them across returns)"
    if left.any():
        text += f"; {int(left.sum())} of them are kept: declare keep in the contract, or a correction with "
        text += "action drop_duplicate"
        finding = _note(origin, "duplicate_rows", text, count, "mark", "fail")
    else:
        text += f"; the {contract.keep or 'first'} is kept"
        finding = _note(origin, "duplicate_rows", text, count, "note")
    return table[~copies | left], [finding]


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


def _between_returns(table: pd.DataFrame) -> int:
    """How many copies disappear when each return is looked at alone."""
    within = table.duplicated([*said(table), "return_month"]).sum()
    return int(table.duplicated(said(table)).sum() - within)


def _latest_of_each_key(
    table: pd.DataFrame, contract: TableContract, origin: Origin
) -> tuple[pd.DataFrame, list[Finding]]:
    """Keep the row of the latest return for each key; where it is blank, an earlier row's value stands."""
    key = list(contract.key)
    keyed = table[key].notna().all(axis=1)
    older = table.duplicated(key, keep="last") & keyed
    if not older.any():
        return table, []
    text = (
        f"{older.sum()} row(s) were replaced by a later row of the same key; a blank keeps the earlier value"
    )
    values = [name for name in said(table) if name not in key]
    filled = table.groupby(key, sort=False)[values].ffill()
    took = (filled.notna() & table[values].isna()).any(axis=1) & keyed
    table = table.assign(**{name: filled[name].where(keyed, table[name]) for name in values})
    if took.any() and table["corrections"].notna().any():
        of_key = table.groupby(key, sort=False)["corrections"].transform(united)
        table["corrections"] = table["corrections"].mask(took, of_key)
    return table[~older], [_note(origin, "row_replaced", text, int(older.sum()), "note")]


def _note(origin: Origin, check: str, text: str, count: int, severity: str, status: str = "info") -> Finding:
    return origin.finding(
        check, text, severity=severity, status=status, measured=float(count), unit="rows", count=count
    )
