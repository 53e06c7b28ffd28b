"""Counts that lie near another published count: their difference would be a small count."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.report.disclosure import protected
from sfpc_book.report.estimate_rows import PRIMARY_ANALYSIS, choose
from sfpc_book.report.terms import MAIN_EXPOSURE, MAIN_SAMPLE
from sfpc_book.study.schema import Disclosure

COUNTS = ("n_children", "n_events")
SAME = ["model", "outcome", "horizon"]
ALIKE = ["model", "sample", "exposure", "analysis", "term"]  # the same children for several outcomes
NEEDED = [*dict.fromkeys([*SAME, *ALIKE]), *COUNTS]
MAIN = {"analysis": PRIMARY_ANALYSIS, "sample": MAIN_SAMPLE, "exposure": MAIN_EXPOSURE, "term": "exposed"}


def hide_near(rows: pd.DataFrame, reference: pd.DataFrame, disclosure: Disclosure) -> pd.DataFrame:
    """Rows without the counts that differ by too little from others of the same outcome and horizon, among the
    rows themselves and in `reference`.

    An estimate without one authority, or on a sample that lacks few children, has nearly the counts of the
    main estimate, and what is missing can be worked out. Counts are compared as they would be published, so
    that raw and rounded tables give the same; a difference counts as too little below the threshold plus the
    rounding. A count that equals that of the main estimate gives nothing away and is kept: the others are
    hidden beside it. One that is hidden for an outcome and horizon is hidden for all with the same children.
    """
    hidden = rows.copy()
    every = pd.concat([rows[NEEDED], reference[NEEDED]], ignore_index=True)
    for name in COUNTS:
        near, as_main = _near(rows, every, name, disclosure)
        keys = [rows[column].astype(str) for column in ALIKE]
        alike = near.groupby(keys, sort=False).transform("any") if len(rows) else near
        hidden[name] = rows[name].mask(alike & ~as_main)
    return hidden


def _near(
    rows: pd.DataFrame, every: pd.DataFrame, name: str, disclosure: Disclosure
) -> tuple[pd.Series, pd.Series]:
    """Which rows have a count near another, and which that of the main estimate. Boolean, index of `rows`."""
    limit = disclosure.threshold + disclosure.rounding
    others, mains = (_published(part, name, disclosure) for part in (every, choose(every, **MAIN)))
    near, as_main = pd.Series(False, index=rows.index), pd.Series(False, index=rows.index)
    for key, part in rows.groupby(SAME, dropna=False, sort=False):
        place = _key(key)
        values = protected(part[name].astype("Float64").to_numpy(float, na_value=np.nan), disclosure)
        apart = np.abs(values[:, None] - others[place][None, :])
        as_main.loc[part.index] = np.isin(values, mains.get(place, np.array([])))
        near.loc[part.index] = ((apart > 0) & (apart < limit)).any(axis=1)
    return near & ~as_main, as_main


def _published(rows: pd.DataFrame, name: str, disclosure: Disclosure) -> dict[str, np.ndarray]:
    """The distinct counts of each outcome and horizon, as they would be published."""
    found = {}
    for key, part in rows.groupby(SAME, dropna=False, sort=False):
        values = part[name].astype("Float64").dropna().to_numpy(float)
        found[_key(key)] = np.unique(protected(values, disclosure))
    return found


def _key(key: object) -> str:
    """A key that is equal to itself where a horizon is missing."""
    return str(tuple("" if pd.isna(part) else part for part in key))  # type: ignore[attr-defined]
