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
    """Rows without the counts that differ by too little from others of the same outcome and horizon, in the
    rows themselves or in `reference`.

    An estimate without one authority, or on a sample that lacks few children, has nearly the counts of the
    main estimate, and what is missing can be worked out. Counts are compared as they would be published, so
    that raw and rounded tables give the same; a difference counts as too little below the threshold plus the
    rounding. A count that equals that of the main estimate gives nothing away and is kept: the others are
    hidden beside it. One that is hidden for an outcome and horizon is hidden for all with the same children.
    """
    hidden = rows.copy()
    every = pd.concat([rows[NEEDED], reference[NEEDED]], ignore_index=True)
    keys = [every[column].astype(str) for column in ALIKE]
    for name in COUNTS:
        near, as_main = _near(every, name, disclosure)
        alike = near.groupby(keys, sort=False).transform("any") if len(every) else near
        hidden[name] = rows[name].mask((alike & ~as_main).to_numpy(bool)[: len(rows)])
    return hidden


def _near(every: pd.DataFrame, name: str, disclosure: Disclosure) -> tuple[pd.Series, pd.Series]:
    """Which rows have a count near another, which that of the main estimate. Boolean, index of `every`."""
    limit = disclosure.threshold + disclosure.rounding
    near, as_main = pd.Series(False, index=every.index), pd.Series(False, index=every.index)
    for _, part in every.groupby(SAME, dropna=False, sort=False):
        values = _shown(part, name, disclosure)
        apart = np.abs(values[:, None] - np.unique(values[~np.isnan(values)])[None, :])
        as_main.loc[part.index] = np.isin(values, _shown(choose(part, **MAIN), name, disclosure))
        near.loc[part.index] = ((apart > 0) & (apart < limit)).any(axis=1)
    return near & ~as_main, as_main


def _shown(rows: pd.DataFrame, name: str, disclosure: Disclosure) -> np.ndarray:
    return protected(rows[name].astype("Float64").to_numpy(float, na_value=np.nan), disclosure)
