"""How the rows of a table relate to children, other tables and their return, as the contracts declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.finding import Finding
from sfpc_book.contracts.limits import Limits
from sfpc_book.contracts.relations import Cardinality, Cross
from sfpc_book.returns.measure import measure
from sfpc_book.returns.origin import Origin, first_row, of_sheets
from sfpc_book.returns.records import SheetRecords
from sfpc_book.study.return_months import spans
from sfpc_book.study.study import Study

Tables = Mapping[str, pd.DataFrame]
# "123-45" or "123/45": an identifier of the child with one of the referral behind it.
COMPOSITE = r"^(.+?)[-/_|: ].+$"


def check_relations(
    tables: Tables,
    contracts: Mapping[str, TableContract],
    limits: Limits,
    authority: str,
    *,
    comparable: bool,
) -> Iterator[Finding]:
    """Cardinality and relations between tables. `comparable`: referrals and totals are of one scale."""
    for name, table in tables.items():
        if table.empty:
            continue
        origin = of_sheets(table, Origin(authority, contracts[name].layer, table=name))
        for part in contracts[name].cardinality:
            yield _cardinality(table, part, origin)
        for cross in contracts[name].cross:
            other = tables.get(cross.table or "")
            if other is None or other.empty:
                continue
            if cross.rule == "referred":
                yield _referred(table, other, cross, limits, origin)
            elif cross.rule == "within_coverage":
                yield _within_coverage(table, other, cross, limits, origin)
            elif cross.rule == "count_agrees" and comparable:
                yield _count_agrees(table, other, cross, limits, origin)
            elif cross.rule == "count_agrees":
                text = (
                    "synthetic totals are of the whole authority, whatever the number of children simulated"
                )
                yield not_comparable("totals_disagree", text, origin, cross.column)


def check_months(
    study: Study, sheets: tuple[SheetRecords, ...], contracts: Mapping[str, TableContract], limits: Limits
) -> Iterator[Finding]:
    """Months of a sheet of monthly totals that its return was not asked for."""
    asked = spans(study.returns.months, study.returns.totals_from)
    for sheet in sheets:
        for cross in contracts[sheet.table].cross:
            if cross.rule == "months_in_return" and len(sheet.frame):
                yield _months_in_return(sheet, cross, asked, limits)


def not_comparable(check: str, why: str, origin: Origin, column: str | None = None) -> Finding:
    """A comparison that was declared and not made, with the reason."""
    return origin.finding(
        check, f"not compared: {why}", severity="note", status="not_applicable", column=column
    )


def _cardinality(table: pd.DataFrame, part: Cardinality, origin: Origin) -> Finding:
    per = list(part.per)
    groups = table.dropna(subset=per).groupby(per)
    most = 1 if part.rows == "one" else part.at_most
    rows = groups.size()
    wrong = rows > most if most else pd.Series(False, index=rows.index)
    for column in part.same:
        wrong |= groups[column].nunique().gt(1)
    count, n = int(wrong.sum()), len(rows)
    share = count / n if n else 0.0
    said = [f"more than {most} row{'s' if most > 1 else ''}"] if most else []
    said += [f"more than one '{column}'" for column in part.same]
    text = f"{count} of {n} of {' and '.join(per)} have {' or '.join(said)}"
    holds = share <= part.limit
    return origin.finding(
        "cardinality", text if holds else f"{text}. {part.reason}", severity=part.severity,
        status="pass" if holds else "fail", measured=share, limit=part.limit, unit="share of identifiers",
        column=" + ".join(per), count=count,
    )  # fmt: skip


def _referred(
    table: pd.DataFrame, referrals: pd.DataFrame, cross: Cross, limits: Limits, origin: Origin
) -> Finding:
    """Share of the identifiers of a sheet that some referral has."""
    known = pd.Index(referrals[cross.column].dropna().unique())
    here = pd.Series(table[cross.column].dropna().unique(), dtype="str")
    unknown = here[~here.isin(known)]
    text = f"{len(unknown)} of {len(here)} identifiers link to no referral"
    if len(unknown):
        parts = unknown.str.extract(COMPOSITE)[0]
        composite = int(parts.isin(known).sum())
        if composite:
            text += f"; {composite} would if only what stands before a separator were the identifier"
    share = 1 - len(unknown) / len(here) if len(here) else 1.0
    row = first_row(table[table[cross.column].isin(unknown)])
    return measure(
        limits, "identifier_link", share, text, origin, row=row, column=cross.column, count=len(unknown)
    )


def _within_coverage(
    table: pd.DataFrame, coverage: pd.DataFrame, cross: Cross, limits: Limits, origin: Origin
) -> Finding:
    """Dates of a child outside the dates that the outcome return covers for that child."""
    spans_of = coverage.drop_duplicates(cross.by).set_index(cross.by)[[cross.start, cross.end]]
    dated = table.dropna(subset=[cross.by, cross.column]).join(spans_of, on=cross.by, how="inner")
    outside = (dated[cross.column] < dated[cross.start]) | (dated[cross.column] > dated[cross.end])
    count, n = int(outside.sum()), len(dated)
    text = f"{count} of {n} dates lie outside {cross.start} to {cross.end} of their child"
    share = count / n if n else 0.0
    row = first_row(dated[outside])
    return measure(
        limits, "care_outside_coverage", share, text, origin, row=row, column=cross.column, count=count
    )


def _count_agrees(
    table: pd.DataFrame, totals: pd.DataFrame, cross: Cross, limits: Limits, origin: Origin
) -> Finding:
    """Months in which the rows of a table and the total that was sent differ by more than the factor."""
    limit = limits.checks["totals_disagree"]
    listed = table[cross.column].dropna().dt.to_period("M").value_counts()
    told = totals.dropna(subset=[cross.by, cross.total])
    told = told.set_index(told[cross.by].dt.to_period("M"))[cross.total].astype("float64")
    both = pd.concat([listed.rename("listed"), told.rename("told")], axis=1, join="inner").sort_index()
    both = both[both.max(axis=1) >= limit.minimum]
    apart = np.maximum(both["listed"], 1) / np.maximum(both["told"], 1)
    months = both.index[np.maximum(apart, 1 / apart) > limit.factor]
    named = ", ".join(map(str, months)) or "none"
    text = (
        f"in {len(months)} of {len(both)} months that both cover, rows and '{cross.total}' differ more than "
        f"{limit.factor:g} times: {named}"
    )
    return measure(
        limits, "totals_disagree", len(months), text, origin, column=cross.column, count=len(months)
    )


def _months_in_return(
    sheet: SheetRecords, cross: Cross, asked: Mapping[str, tuple], limits: Limits
) -> Finding:
    frame, layer = sheet.frame, sheet.table[:3]
    month = str(frame["return_month"].iloc[0])
    origin = of_sheets(frame, Origin(str(frame["authority"].iloc[0]), layer, month, table=sheet.table))
    if month not in asked:
        return not_comparable("months_outside_return", f"no {layer} return of {month} was asked for", origin)
    start, end = (pd.Timestamp(day) for day in asked[month])
    months = frame[cross.column].dropna()
    outside = months[(months < start.replace(day=1)) | (months > end)].drop_duplicates().sort_values()
    named = ", ".join(outside.dt.strftime("%Y-%m")) or "none"
    text = f"months other than {start:%Y-%m} to {end:%Y-%m}: {named}"
    return measure(
        limits, "months_outside_return", len(outside), text, origin,
        row=first_row(frame.loc[outside.index]), column=cross.column, count=len(outside),
    )  # fmt: skip
