"""Counts that lie near another published count: their difference would be a small count."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from sfpc_book.study.schema import Disclosure

COUNTS = ("n_children", "n_events")
SAME = ["model", "outcome", "horizon"]


def hide_near(rows: pd.DataFrame, reference: pd.DataFrame, disclosure: Disclosure) -> pd.DataFrame:
    """Rows without the counts that differ by too little from those of the same outcome in `reference`.

    An estimate without one authority, or on a sample that lacks few children, has nearly the counts of the
    main estimate, and what is missing can be worked out. `reference` may hold rounded counts, so a difference
    counts as too little below the threshold plus the rounding. Equal counts give nothing away.
    """
    limit = disclosure.threshold + disclosure.rounding
    hidden = rows.copy()
    groups = {key: part for key, part in reference.groupby(SAME, dropna=False, sort=False)}
    for key, part in rows.groupby(SAME, dropna=False, sort=False):
        for name in COUNTS if key in groups else ():
            others = groups[key][name].dropna().astype(float).unique()
            near = [_is_near(value, others, limit) for value in part[name].astype("Float64")]
            hidden.loc[part.index[near], name] = pd.NA
    return hidden


def _is_near(value: object, others: Iterable[float], limit: int) -> bool:
    return not pd.isna(value) and any(0 < abs(float(value) - other) < limit for other in others)  # type: ignore
