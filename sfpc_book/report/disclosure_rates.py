"""Risks and means by authority and time that may be published: neighbouring periods pooled until large
enough.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sfpc_book.report.disclosure import (
    PublishedCounts,
    complementary,
    is_small,
    protected,
    published,
    require_published,
    rounded,
)
from sfpc_book.study.schema import Disclosure
from sfpc_book.study.wedge import Wedge

SPLIT_FACTOR = 2  # a span is closed at twice the threshold, so that rounding moves its rate little
MISSING_LEVELS = ("missing", "unmapped", "not assessed")
COLUMNS = ["n_children", "n_events", "value_sum"]


def publish_missing(
    missingness: pd.DataFrame, baseline: PublishedCounts, disclosure: Disclosure
) -> PublishedCounts:
    """Share of children whose covariate is missing, by authority and variable, all periods together.

    `missingness` has one row per authority, period and variable with `n_missing` and `n`; `baseline` are
    the published descriptives of the same children. A variable of which the baseline hides how many are
    missing is hidden for every authority, and an authority's number never alone: their sum stands in the
    baseline. Shares are of rounded counts. Returns columns authority, variable, n, total, share, suppressed.
    """
    keys = ["authority", "variable"]
    sums = missingness.groupby(keys, sort=False, as_index=False)[["n_missing", "n"]].sum()
    small = is_small(sums["n_missing"], disclosure) | is_small(sums["n"] - sums["n_missing"], disclosure)
    hidden = small | sums["variable"].isin(_hidden_missing(baseline)).to_numpy()
    hidden = complementary(sums["n_missing"].to_numpy(float), hidden, pd.factorize(sums["variable"])[0])
    missing = np.where(hidden, np.nan, rounded(sums["n_missing"], disclosure))
    total = protected(sums["n"], disclosure)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, missing / total, np.nan)
    frame = sums[keys].assign(n=missing, total=total, share=share)
    return published(frame.assign(suppressed=np.isnan(missing)), "missing", disclosure)


def _hidden_missing(baseline: PublishedCounts) -> list[str]:
    """Variables of which the baseline of all authorities hides a level that stands for missing."""
    levels = require_published(baseline, "descriptives").frame
    absent = levels[(levels["authority"] == "all") & levels["level"].isin(MISSING_LEVELS)]
    return sorted(absent.loc[absent["suppressed"], "variable"].unique())


def publish_cells(panel: pd.DataFrame, disclosure: Disclosure) -> PublishedCounts:
    """Numbers of children by authority, period and linkage state, for one outcome and horizon."""
    columns = ["n_children", "n_not_observed", "n_not_linked", "n_not_applicable"]
    keys = ["authority", "period", "period_start", "exposed"]
    small = np.column_stack([is_small(panel[name], disclosure) for name in columns]).any(axis=1)
    counts = {name: protected(panel[name], disclosure) for name in columns}
    over_periods = panel.groupby("authority")["n_not_linked"].transform("sum")
    counts["n_not_linked_all"] = protected(over_periods, disclosure)
    return published(panel[keys].assign(**counts, suppressed=small), "cells", disclosure)


def publish_rates(panel: pd.DataFrame, wedge: Wedge, disclosure: Disclosure) -> PublishedCounts:
    """Risk (or mean) in spans of time, for one outcome and horizon of the panel.

    Within an authority and before or after its go-live, neighbouring periods are pooled until a span has
    enough children and, for a yes/no outcome, enough children with and without the event. Where even the
    whole time before or after is too small, the rate is hidden. Rates are ratios of the rounded counts.

    Returns columns authority, exposed, span_start, span_end, periods, n_children, n_events, rate, suppressed.
    """
    rows = [
        _row(authority, exposed, span, wedge, disclosure)
        for (authority, exposed), arm in panel.groupby(["authority", "exposed"], sort=False)
        for span in _spans(arm.sort_values("period"), disclosure)
    ]
    frame = pd.DataFrame(rows)
    order = {slug: position for position, slug in enumerate(wedge.authorities)}
    frame = frame.sort_values(
        ["authority", "span_start"],
        key=lambda column: column.map(order) if column.name == "authority" else column,
    )
    return published(frame, "rates", disclosure)


def _spans(arm: pd.DataFrame, disclosure: Disclosure) -> Iterator[pd.DataFrame]:
    """Runs of neighbouring periods, each large enough; a remainder joins the run before it."""
    runs: list[list[int]] = [[]]
    for position in range(len(arm)):
        runs[-1].append(position)
        if _is_enough(arm.iloc[runs[-1]], disclosure, SPLIT_FACTOR):
            runs.append([])
    remainder = runs.pop()
    if remainder and runs:
        runs[-1].extend(remainder)
    elif remainder:
        runs.append(remainder)
    for run in runs:
        yield arm.iloc[run]


def _is_enough(span: pd.DataFrame, disclosure: Disclosure, factor: int = 1) -> bool:
    """Whether a span has `factor` times the threshold of children, with and without the event."""
    least = disclosure.threshold * factor
    children = span["n_children"].sum()
    if children < max(least, 1):
        return False
    if span["n_events"].isna().all():
        return True
    events = span["n_events"].sum()
    return min(events, children - events) >= least


def _row(
    authority: str, exposed: int, span: pd.DataFrame, wedge: Wedge, disclosure: Disclosure
) -> dict[str, object]:
    totals = {name: span[name].sum(min_count=1) for name in COLUMNS}
    binary = bool(span["n_events"].notna().any())
    enough = _is_enough(span, disclosure)
    children, events = (
        rounded(np.array([totals[name]]), disclosure)[0] for name in ("n_children", "n_events")
    )
    mean = events / children if binary else totals["value_sum"] / totals["n_children"]
    return {
        "authority": authority,
        "exposed": int(exposed),
        "span_start": pd.Timestamp(wedge.period_starts[int(span["period"].iloc[0])]),
        "span_end": pd.Timestamp(wedge.period_ends[int(span["period"].iloc[-1])]),
        "periods": len(span),
        "n_children": protected(np.array([totals["n_children"]]), disclosure)[0],
        "n_events": events if enough and binary else np.nan,
        "rate": mean if enough else np.nan,
        "suppressed": not enough,
    }
