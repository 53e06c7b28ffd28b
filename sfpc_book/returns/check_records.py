"""Checks of an authority's records against each other: order of dates, identifiers, labels, events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from sfpc_book.contracts.contract import Column, Rule, TableContract
from sfpc_book.contracts.finding import Finding
from sfpc_book.contracts.limits import Limits
from sfpc_book.returns.measure import measure
from sfpc_book.returns.origin import Origin

Tables = Mapping[str, pd.DataFrame]
# An outcome sheet of so many children in which nothing ever happened is a failed return.
MANY = 30
MONTHS_BEFORE_BIRTH = 10
# A proportion read as a percentage is never above this.
ONE_PER_CENT = 0.01


def check_records(
    tables: Tables, contracts: Mapping[str, TableContract], limits: Limits, authority: str
) -> Iterator[Finding]:
    """All checks of records of one authority's canonical tables."""
    for name, table in tables.items():
        for rule in contracts[name].rules:
            yield _rule(table, rule, contracts[name], authority)
        yield from _scale(table, contracts[name], limits, authority)
        yield from _events(table, contracts[name], limits, authority)
    referrals = tables.get("dr2_referrals")
    if referrals is None or referrals.empty:
        return
    yield from _births(referrals, limits, Origin(authority, "dr2", table="dr2_referrals"))
    yield from _labels(referrals, limits, Origin(authority, "dr2", table="dr2_referrals"))
    yield from _care_before_referral(referrals, tables, limits, authority)


def _rule(table: pd.DataFrame, rule: Rule, contract: TableContract, authority: str) -> Finding:
    both = table[rule.column].notna() & table[rule.other].notna()
    wrong = (
        table[rule.column] < table[rule.other]
        if rule.rule == "not_before"
        else table[rule.column] > table[rule.other]
    )
    count, n = int((wrong & both).sum()), int(both.sum())
    share = count / n if n else 0.0
    order = "before" if rule.rule == "not_before" else "after"
    text = f"'{rule.column}' is {order} '{rule.other}' in {count} of {n} rows. {rule.reason}"
    return Origin(authority, contract.layer, table=contract.table).finding(
        "order_of_dates", text, severity=rule.severity, status="fail" if share > rule.limit else "pass",
        measured=share, limit=rule.limit, unit="share of rows", column=rule.column, count=count,
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


def _births(referrals: pd.DataFrame, limits: Limits, origin: Origin) -> Iterator[Finding]:
    dated = referrals["birth_month"].notna() & referrals["referral_date"].notna()
    born = _month_number(referrals.loc[dated, "birth_month"])
    after = born - _month_number(referrals.loc[dated, "referral_date"])
    n = len(after)
    count = int((after >= 0).sum())
    text = f"{count} of {n} dated records: born in the month of the referral or later"
    yield measure(limits, "birth_after_referral", count / n if n else 0.0, text, origin, count=count)
    long = int((after > MONTHS_BEFORE_BIRTH).sum())
    text = f"{long} records: born more than {MONTHS_BEFORE_BIRTH} months after the referral"
    yield measure(limits, "birth_long_after_referral", long, text, origin, count=long)
    births = referrals.dropna(subset=["child_id"]).groupby("child_id")["birth_month"].nunique()
    several = int((births > 1).sum())
    text = f"{several} of {len(births)} identifiers carry more than one month of birth"
    share = several / len(births) if len(births) else 0.0
    yield measure(limits, "identifier_of_two_births", share, text, origin, count=several)


def _month_number(dates: pd.Series) -> np.ndarray:
    return dates.to_numpy(dtype="datetime64[M]").astype(np.int64)


def _labels(referrals: pd.DataFrame, limits: Limits, origin: Origin) -> Iterator[Finding]:
    """Referrals without further action have fewer assessments than the others, if the labels are right."""
    flag, assessed = referrals["no_further_action"], referrals["assessment_start_date"].notna()
    without, with_action = assessed[(flag == 1).fillna(False)], assessed[(flag == 0).fillna(False)]
    if not assessed.any() or min(len(without), len(with_action)) < MANY:
        return
    excess = float(without.mean() - with_action.mean())
    text = f"assessed: {without.mean():.0%} with no further action, {with_action.mean():.0%} of the others"
    yield measure(limits, "flag_inverted", excess, text, origin, column="no_further_action")


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
    origin = Origin(authority, "dr3", table="dr3_care")
    yield measure(limits, "care_before_referral", count / n if n else 0.0, text, origin, count=count)


def _events(
    table: pd.DataFrame, contract: TableContract, limits: Limits, authority: str
) -> Iterator[Finding]:
    """An outcome sheet of many children in which nothing ever happened."""
    if contract.layer != "dr3" or contract.history is None or table.empty:
        return
    for column in contract.history.events:
        children, events = table["child_id"].nunique(), int(table[column].notna().sum())
        failed = events == 0 and children >= MANY
        text = f"{events} events of {children} children"
        origin = Origin(authority, contract.layer, table=contract.table)
        yield measure(limits, "no_event", float(failed), text, origin, column=column, count=events)


def _scale(table: pd.DataFrame, contract: TableContract, limits: Limits, authority: str) -> Iterator[Finding]:
    """Proportions sent as percentages (above 1), and percentages sent as proportions (all at most 1 %)."""
    for column in contract.columns:
        if column.type not in ("share", "percent") or column.name not in table:
            continue
        count, text = _off_scale(table[column.name].dropna(), column)
        origin = Origin(authority, contract.layer, table=contract.table)
        yield measure(limits, "share_scale", float(count > 0), text, origin, column=column.name, count=count)


def _off_scale(values: pd.Series, column: Column) -> tuple[int, str]:
    """How many values look like another scale, in words."""
    positive = values[values > 0]
    if column.type == "percent" and len(positive) >= MANY and (positive <= ONE_PER_CENT).all():
        text = f"'{column.name}': no value is above one per cent; proportions were sent for percentages"
        return len(positive), text
    above = int((values > 1).sum())
    return above, f"'{column.name}': {above} of {len(values)} values are above 1"
