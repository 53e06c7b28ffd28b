"""Checks of an authority's records against each other: order of dates, identifiers, labels, events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from sfpc_book.contracts.contract import Column, Rule, TableContract
from sfpc_book.contracts.finding import Finding
from sfpc_book.contracts.limits import Limits
from sfpc_book.returns.measure import measure
from sfpc_book.returns.origin import Origin, by_sheet, first_row, of_sheets

Tables = Mapping[str, pd.DataFrame]
# An outcome sheet of so many children in which nothing ever happened is a failed return.
MANY = 30
MONTHS_BEFORE_BIRTH = 10
# Labels of a return are doubted only where it has so many records of each.
EACH_LABEL = 10
# A proportion read as a percentage is never above this.
ONE_PER_CENT = 0.01


def check_records(
    tables: Tables, contracts: Mapping[str, TableContract], limits: Limits, authority: str
) -> Iterator[Finding]:
    """All checks of records of one authority's canonical tables."""
    for name, table in tables.items():
        for rule in contracts[name].rules:
            for origin, records in by_sheet(table, Origin(authority, contracts[name].layer, table=name)):
                yield _rule(records, rule, origin)
        yield from _scale(table, contracts[name], limits, authority)
        yield from _events(table, contracts[name], limits, authority)
    referrals = tables.get("dr2_referrals")
    if referrals is None or referrals.empty:
        return
    yield from _births(referrals, limits, Origin(authority, "dr2", table="dr2_referrals"))
    yield from _labels(referrals, limits, Origin(authority, "dr2", table="dr2_referrals"))
    yield from _care_before_referral(referrals, tables, limits, authority)


def _rule(records: pd.DataFrame, rule: Rule, origin: Origin) -> Finding:
    one, other = records[rule.column], records[rule.other]
    both = one.notna() & other.notna()
    wrong = both & (one < other if rule.rule == "not_before" else one > other)
    count, n = int(wrong.sum()), int(both.sum())
    share = count / n if n else 0.0
    order = "before" if rule.rule == "not_before" else "after"
    text = f"'{rule.column}' is {order} '{rule.other}' in {count} of {n} rows. {rule.reason}"
    return origin.finding(
        "order_of_dates", text, severity=rule.severity, status="fail" if share > rule.limit else "pass",
        measured=share, limit=rule.limit, unit="share of rows", row=first_row(records[wrong]),
        column=rule.column, count=count,
    )  # fmt: skip


def check_keys(tables: Tables, contracts: Mapping[str, TableContract], authority: str) -> Iterator[Finding]:
    """Rows that share their key with a row of another return, after copies were dropped.

    Not asked where the contract lets a later return replace a row. Within a return the key is an expectation.
    """
    for name, table in tables.items():
        contract = contracts[name]
        if contract.replace_key or table.empty:
            continue
        key = list(contract.key)
        keyed = table[table[key].notna().all(axis=1)]
        shared = keyed[keyed.duplicated(key, keep=False)]
        returns = shared.groupby(key)["return_month"].transform("nunique")
        count, n = int((returns > 1).sum()), len(keyed)
        share = count / n if n else 0.0
        text = f"{count} of {n} rows share {' and '.join(key)} with a different row of another return"
        yield Origin(authority, contract.layer, table=name).finding(
            "key_across_returns", text, severity=contract.key_severity,
            status="fail" if share > contract.key_limit else "pass",
            measured=share, limit=contract.key_limit, unit="share of rows", column=" + ".join(key),
            count=count,
        )  # fmt: skip


def check_missing(
    tables: Tables, contracts: Mapping[str, TableContract], limits: Limits, authority: str, *, layout: str
) -> Iterator[Finding]:
    """Shares missing over all returns together; of each return alone they are an expectation.

    Where nothing may be missing, each return says it all.
    """
    for name, table in tables.items():
        if table.empty:
            continue
        origin = Origin(authority, contracts[name].layer, table=name)
        for column in contracts[name].for_layout(layout):
            limit = column.may_miss(limits.missing)
            if not limit:
                continue
            born = column.type == "birth_month"
            absent = (table["birth_marker"] == "missing") if born else table[column.name].isna()
            count, share = int(absent.sum()), float(absent.mean())
            yield origin.finding(
                "missing_over_returns", f"'{column.name}': {count} of {len(table)} cells missing",
                severity=column.severity, status="pass" if share <= limit else "fail", measured=share,
                limit=limit, unit="share of rows", column=column.name, count=count,
            )  # fmt: skip


def _births(referrals: pd.DataFrame, limits: Limits, origin: Origin) -> Iterator[Finding]:
    dated = referrals.dropna(subset=["birth_month", "referral_date"])
    after = pd.Series(
        _month_number(dated["birth_month"]) - _month_number(dated["referral_date"]), index=dated.index
    )
    n, count = len(after), int((after >= 0).sum())
    text = f"{count} of {n} dated records: born in the month of the referral or later"
    share = count / n if n else 0.0
    yield measure(limits, "birth_after_referral", share, text, origin, column="birth_month", count=count)
    for place, records in by_sheet(dated, origin):
        late = records[after[records.index] > MONTHS_BEFORE_BIRTH]
        text = f"{len(late)} records: born more than {MONTHS_BEFORE_BIRTH} months after the referral"
        yield measure(limits, "birth_long_after_referral", len(late), text, place, row=first_row(late),
                      column="birth_month", count=len(late))  # fmt: skip
    births = referrals.dropna(subset=["child_id"]).groupby("child_id")["birth_month"].nunique()
    several = int((births > 1).sum())
    text = f"{several} of {len(births)} identifiers carry more than one month of birth"
    share = several / len(births) if len(births) else 0.0
    yield measure(limits, "identifier_of_two_births", share, text, origin, column="child_id", count=several)


def _month_number(dates: pd.Series) -> np.ndarray:
    return dates.to_numpy(dtype="datetime64[M]").astype(np.int64)


def _labels(referrals: pd.DataFrame, limits: Limits, origin: Origin) -> Iterator[Finding]:
    """Referrals without further action have fewer assessments than the others, if the labels are right.

    Looked at return by return: one with inverted labels is outweighed by the others. What is measured is the
    excess of the share assessed over twice its standard error, so that chance does not block an authority.
    """
    for place, records in by_sheet(referrals, origin):
        flag, assessed = records["no_further_action"], records["assessment_start_date"].notna()
        without, others = assessed[(flag == 1).fillna(False)], assessed[(flag == 0).fillna(False)]
        if not assessed.any() or min(len(without), len(others)) < EACH_LABEL:
            continue
        share, n = assessed.mean(), len(without) + len(others)
        error = np.sqrt(share * (1 - share) * (1 / len(without) + 1 / len(others)))
        excess = float(without.mean() - others.mean() - 2 * error)
        text = f"assessed: {without.mean():.0%} with no further action, {others.mean():.0%} of the others"
        yield measure(limits, "flag_inverted", excess, text, place, column="no_further_action", count=n)


def _care_before_referral(
    referrals: pd.DataFrame, tables: Tables, limits: Limits, authority: str
) -> Iterator[Finding]:
    care = tables.get("dr3_care")
    if care is None or care.empty:
        return
    first = referrals.groupby("child_id")["referral_date"].min()
    started = care.groupby("child_id")["care_start"].min().dropna()
    both = started.to_frame("start").join(first.rename("referral"), how="inner").dropna()
    count, n = int((both["start"] < both["referral"]).sum()), len(both)
    text = f"{count} of {n} children with care: it began before their first referral"
    origin = of_sheets(care, Origin(authority, "dr3", table="dr3_care"))
    share = count / n if n else 0.0
    yield measure(limits, "care_before_referral", share, text, origin, column="care_start", count=count)


def _events(
    table: pd.DataFrame, contract: TableContract, limits: Limits, authority: str
) -> Iterator[Finding]:
    """An outcome sheet of many children in which nothing ever happened."""
    if contract.layer != "dr3" or contract.history is None or table.empty:
        return
    origin = of_sheets(table, Origin(authority, contract.layer, table=contract.table))
    for column in contract.history.events:
        children, events = table["child_id"].nunique(), int(table[column].notna().sum())
        failed = events == 0 and children >= MANY
        text = f"{events} events of {children} children"
        count = children if failed else 0
        yield measure(limits, "no_event", float(failed), text, origin, column=column, count=count)


def _scale(table: pd.DataFrame, contract: TableContract, limits: Limits, authority: str) -> Iterator[Finding]:
    """Proportions sent as percentages (above 1), and percentages sent as proportions (all at most 1 %)."""
    for column in contract.columns:
        if column.type not in ("share", "percent") or column.name not in table:
            continue
        for origin, records in by_sheet(table, Origin(authority, contract.layer, table=contract.table)):
            off, text = _off_scale(records[column.name].dropna(), column)
            row, count = first_row(records.loc[off.index[off]]), int(off.sum())
            yield measure(limits, "share_scale", float(count > 0), text, origin, row=row, column=column.name,
                          count=count)  # fmt: skip


def _off_scale(values: pd.Series, column: Column) -> tuple[pd.Series, str]:
    """Which values look like another scale, and that in words."""
    positive = values[values > 0]
    if column.type == "percent" and len(positive) >= MANY and (positive <= ONE_PER_CENT).all():
        text = f"'{column.name}': no value is above one per cent; proportions were sent for percentages"
        return pd.Series(True, index=values.index), text
    above = values > 1
    return above, f"'{column.name}': {above.sum()} of {len(values)} values are above 1"
