"""What was sent against what was asked for: returns, tables, months, dates covered, children linked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

import numpy as np
import pandas as pd

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.finding import Finding
from sfpc_book.contracts.limits import Limits
from sfpc_book.returns.measure import measure
from sfpc_book.returns.names import ReturnFile
from sfpc_book.returns.origin import Origin, first_row, of_sheets
from sfpc_book.study.return_months import first_day
from sfpc_book.study.study import Study
from sfpc_book.study.wedge import wedge_of

Tables = Mapping[str, pd.DataFrame]


def check_sent(
    study: Study,
    tables: Tables,
    contracts: Mapping[str, TableContract],
    files: Iterable[ReturnFile],
    limits: Limits,
    authority: str,
) -> Iterator[Finding]:
    """Which returns and tables are not there."""
    files = list(files)
    for layer, what in (("dr1", "monthly totals"), ("dr2", "children referred")):
        sent = {file.month for file in files if file.layer == layer}
        absent = [month for month in study.returns.months if month not in sent]
        text = f"returns of {what} not sent: {', '.join(absent) or 'none'}"
        yield measure(
            limits, "return_missing", len(absent), text, Origin(authority, layer), count=len(absent)
        )
    outcome = any(file.layer == "dr3" for file in files)
    text = "an outcome return was sent" if outcome else "no outcome return was sent"
    yield measure(limits, "outcome_return_missing", float(not outcome), text, Origin(authority, "dr3"))
    for name, table in tables.items():
        contract = contracts[name]
        status = "fail" if table.empty else "pass"
        text = f"{contract.title}: {len(table)} rows" if len(table) else f"no return holds '{contract.title}'"
        yield Origin(authority, contract.layer, table=name).finding(
            "table_sent",
            text,
            severity=contract.not_sent,
            status=status,
            measured=float(len(table)),
            unit="rows",
        )


def check_span(study: Study, tables: Tables, limits: Limits, authority: str) -> Iterator[Finding]:
    """Which months of the totals, of the trial window and of the dates covered are not there."""
    start, end = trial_window(study, authority)
    totals, referrals = tables.get("dr1_monthly"), tables.get("dr2_referrals")
    coverage = tables.get("dr3_coverage")
    if totals is not None and len(totals):
        # A return covers the months before its own.
        last = first_day(study.returns.months[-1]) - timedelta(days=1)
        yield _gap(
            limits,
            "totals_gap",
            totals["month"],
            study.returns.totals_from,
            last,
            Origin(authority, "dr1"),
            "monthly totals",
        )
    if referrals is not None and len(referrals):
        dates = referrals["referral_date"]
        yield _gap(limits, "referral_gap", dates, start, end, Origin(authority, "dr2"), "the trial window")
    if coverage is not None and len(coverage):
        yield from _covered(study, coverage, limits, Origin(authority, "dr3", table="dr3_coverage"), start)


def check_linkage(study: Study, tables: Tables, limits: Limits, authority: str) -> Iterator[Finding]:
    """Share of the children of the trial (window, ages) that the authority was asked about."""
    referrals, coverage = tables.get("dr2_referrals"), tables.get("dr3_coverage")
    if referrals is None or coverage is None or referrals.empty or coverage.empty:
        return
    model = study.models[study.authorities[authority].model]
    start, end = (np.datetime64(day) for day in trial_window(study, authority))
    dates = referrals["referral_date"]
    years = (dates - referrals["birth_month"]).dt.days / 365.25
    unborn = referrals["birth_marker"] == "unborn"
    of_age = (years < model.age_maximum + 1) & (years >= (-1 if model.include_unborn else model.age_minimum))
    chosen = referrals[(dates >= start) & (dates <= end) & (of_age | (unborn & model.include_unborn))]
    children = pd.Series(chosen["child_id"].dropna().unique(), dtype="str")
    asked = int(children.isin(coverage["child_id"]).sum())
    text = f"{asked} of {len(children)} children of the trial were asked about in the outcome return"
    share = asked / len(children) if len(children) else 0.0
    yield measure(limits, "link_rate", share, text, Origin(authority, "dr3"), count=len(children) - asked)


def trial_window(study: Study, authority: str) -> tuple:
    """First and last day of the trial window of an authority's model."""
    wedge = wedge_of(study, study.authorities[authority].model)
    return wedge.window_start, wedge.window_end


def _gap(
    limits: Limits, check: str, dates: pd.Series, start: object, end: object, origin: Origin, what: str
) -> Finding:
    wanted = pd.period_range(pd.Timestamp(start), pd.Timestamp(end), freq="M")
    absent = wanted.difference(pd.PeriodIndex(dates.dropna().dt.to_period("M").unique(), freq="M"))
    text = f"{len(absent)} of {len(wanted)} months of {what} have no row: {_months(absent) or 'none'}"
    return measure(limits, check, len(absent), text, origin, count=len(absent))


def _months(months: pd.PeriodIndex, shown: int = 6) -> str:
    names = [str(month) for month in months[:shown]]
    return ", ".join(names) + (f" and {len(months) - shown} more" if len(months) > shown else "")


def _covered(
    study: Study, coverage: pd.DataFrame, limits: Limits, origin: Origin, window_start: object
) -> Iterator[Finding]:
    """Earliest last date, and latest first date, of any child against what was asked for."""
    origin = of_sheets(coverage, origin)
    last, first = coverage["covered_to"].min(), coverage["covered_from"].max()
    if pd.notna(last):
        short = max(0, _months_between(last, study.returns.outcomes_to))
        text = f"events are covered to {last:%Y-%m-%d}; asked for to {study.returns.outcomes_to}"
        row = first_row(coverage[coverage["covered_to"] == last])
        yield measure(
            limits, "coverage_short", short, text, origin, row=row, column="covered_to", count=short
        )
    if pd.notna(first):
        late = max(0, _months_between(window_start, first))
        text = f"events are covered from {first:%Y-%m-%d}; the trial window begins {window_start}"
        row = first_row(coverage[coverage["covered_from"] == first])
        yield measure(limits, "coverage_late", late, text, origin, row=row, column="covered_from", count=late)


def _months_between(earlier: object, later: object) -> int:
    """Whole or begun months from one date to a later one; 0 within the same or the last month."""
    early, late = pd.Timestamp(earlier), pd.Timestamp(later)
    if late <= early:
        return 0
    return max(1, (late.year - early.year) * 12 + late.month - early.month)
