"""Risks and means by authority and time that may be published: neighbouring periods pooled until large
enough.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sfpc_book.report.disclosure import (
    PublishedCounts,
    is_small,
    least_shown,
    less_others,
    not_observed,
    published,
    rounded,
)
from sfpc_book.report.disclosure_hidden import hide_in_both, hide_in_groups
from sfpc_book.study.schema import Disclosure
from sfpc_book.study.wedge import Wedge

SPLIT_FACTOR = 2  # a span is closed at twice the threshold, so that rounding moves its rate little
COLUMNS = ["n_children", "n_events", "value_sum"]


def publish_rates(panel: pd.DataFrame, wedge: Wedge, disclosure: Disclosure) -> PublishedCounts:
    """Risk (or mean) in spans of time, for one outcome and horizon of the panel.

    Within an authority and before or after its go-live, neighbouring periods are pooled until a span has
    enough children and, for a yes/no outcome, enough children with and without the event. Where even the
    whole time before or after is too small, the rate is hidden, and so are as many others as leave it in
    doubt: the events of all authorities together stand among the estimates. Rates are ratios of the counts
    shown, means have four digits. The children are those of the sample less those without an observed outcome
    (see `less_others`), because the sample stands in another table.

    Returns columns authority, exposed, span_start, span_end, periods, n_children, n_events, rate, suppressed.
    """
    rows = [
        _row(authority, exposed, span, wedge)
        for (authority, exposed), arm in panel.groupby(["authority", "exposed"], sort=False)
        for span in _spans(arm.sort_values("period"), disclosure)
    ]
    order = {slug: position for position, slug in enumerate(wedge.authorities)}
    frame = pd.DataFrame(rows).sort_values(
        ["authority", "span_start"],
        key=lambda column: column.map(order) if column.name == "authority" else column,
    )
    return published(_protected_rates(frame, disclosure), "rates", disclosure)


def _protected_rates(frame: pd.DataFrame, disclosure: Disclosure) -> pd.DataFrame:
    """Rows with true counts to rows with published ones."""
    children, events = (frame[name].to_numpy(dtype=float) for name in ("n_children", "n_events"))
    binary, least = not np.isnan(events).all(), least_shown(disclosure)
    hidden = ~np.array([_enough(*pair, least) for pair in zip(children, events, strict=True)])
    together = np.zeros(len(frame), dtype=int)
    if binary:
        hidden = hide_in_both(events, children - events, hidden, together, least)
    others = frame["n_others"].to_numpy(dtype=float)
    size = less_others(children + others, others, disclosure)
    start = is_small(children, disclosure) | is_small(size, disclosure) | ((size == 0) & (children > 0))
    few = hide_in_groups(children, start, pd.factorize(frame["authority"])[0], least)
    size, happened = (np.where(few, np.nan, values) for values in (size, rounded(events, disclosure)))
    mean = (frame["value_sum"] / frame["n_children"]).map(lambda value: float(f"{value:.4g}"))
    level = np.divide(happened, size, out=np.full(len(size), np.nan), where=size > 0) if binary else mean
    return frame.drop(columns=["value_sum", "n_others"]).assign(
        n_children=size,
        n_events=np.where(hidden, np.nan, happened),
        rate=np.where(hidden | few, np.nan, level),
        suppressed=hidden | few,
    )


def _spans(arm: pd.DataFrame, disclosure: Disclosure) -> Iterator[pd.DataFrame]:
    """Runs of neighbouring periods, each large enough; a remainder joins the run before it."""
    runs: list[list[int]] = [[]]
    for position in range(len(arm)):
        runs[-1].append(position)
        if _is_enough(arm.iloc[runs[-1]], disclosure):
            runs.append([])
    remainder = runs.pop()
    if remainder and runs:
        runs[-1].extend(remainder)
    elif remainder:
        runs.append(remainder)
    for run in runs:
        yield arm.iloc[run]


def _is_enough(span: pd.DataFrame, disclosure: Disclosure) -> bool:
    """Whether a span has `SPLIT_FACTOR` times the threshold of children, with and without the event."""
    least = least_shown(disclosure) * SPLIT_FACTOR
    return _enough(span["n_children"].sum(), span["n_events"].sum(min_count=1), least)


def _enough(children: float, events: float, least: int) -> bool:
    if children < least:
        return False
    return bool(np.isnan(events)) or min(events, children - events) >= least


def _row(authority: str, exposed: int, span: pd.DataFrame, wedge: Wedge) -> dict[str, object]:
    totals = {name: span[name].sum(min_count=1) for name in COLUMNS}
    return {
        "authority": authority,
        "exposed": int(exposed),
        "span_start": pd.Timestamp(wedge.period_starts[int(span["period"].iloc[0])]),
        "span_end": pd.Timestamp(wedge.period_ends[int(span["period"].iloc[-1])]),
        "periods": len(span),
        **totals,
        "n_others": not_observed(span).sum(),
    }
