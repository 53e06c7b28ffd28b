"""Numbers of children by authority and period that may be published: how many, how many observed, and of
how many a covariate is missing.

The same children stand in the table of who they are (the baseline), before and after go-live. What is hidden
there is hidden here in every period it is made of; what is shown there is a known total here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.report.disclosure import (
    PublishedCounts,
    is_small,
    least_shown,
    less_others,
    not_observed,
    published,
    require_published,
    rounded,
)
from sfpc_book.report.disclosure_baseline import ABSENT_LEVELS, ALL, ARM, SMALLEST_BASE
from sfpc_book.report.disclosure_hidden import hide_in_both, hide_in_groups
from sfpc_book.study.schema import Disclosure


def publish_cells(panel: pd.DataFrame, baseline: PublishedCounts, disclosure: Disclosure) -> PublishedCounts:
    """Children of the sample by authority and period, and those of them whose outcome is observed.

    `panel` has one row per authority and period, for one outcome and horizon; `baseline` are the published
    descriptives of the same children. The observed are the children shown less the others, whose number
    stands as the same one wherever it is small: so the two columns do not give it. Returns columns authority,
    period, period_start, exposed, n_sample, n_children, suppressed.
    """
    others = not_observed(panel)
    sample = panel["n_children"] + others
    rows = panel[["authority", "period", "period_start", "exposed"]].reset_index(drop=True)
    hidden = hidden_sizes(rows.assign(n=sample.to_numpy()), baseline, disclosure)
    observed = less_others(sample, others, disclosure)
    low = is_small(observed, disclosure) | (observed == 0)
    unknown = hidden | (low & panel["n_children"].gt(0).to_numpy())
    counts = {
        "n_sample": np.where(hidden, np.nan, rounded(sample, disclosure)),
        "n_children": np.where(unknown, np.nan, np.where(panel["n_children"].gt(0), observed, 0.0)),
    }
    return published(rows.assign(**counts, suppressed=hidden | unknown), "cells", disclosure)


def hidden_sizes(rows: pd.DataFrame, baseline: PublishedCounts, disclosure: Disclosure) -> np.ndarray:
    """Which numbers of children by authority and period (`n`) are hidden. Boolean, one per row."""
    levels = require_published(baseline, "descriptives").frame
    shown = levels[levels["total"].notna()].drop_duplicates(ARM)[ARM]
    arm_shown = pd.MultiIndex.from_frame(rows[ARM]).isin(pd.MultiIndex.from_frame(shown))
    group = rows.groupby(ARM, sort=False).ngroup().to_numpy()
    start = is_small(rows["n"], disclosure) | ~arm_shown
    return hide_in_groups(rows["n"].to_numpy(dtype=float), start, group, least_shown(disclosure))


def publish_missing(
    missingness: pd.DataFrame, baseline: PublishedCounts, disclosure: Disclosure
) -> PublishedCounts:
    """Children whose covariate is missing, by authority and variable, all periods together.

    `missingness` has one row per authority, period and variable with `n_missing` and `n`; `baseline` are
    the published descriptives of the same children. A number is shown where the baseline shows every level
    that it adds up; where it does not, the number would give the level. Returns columns authority, variable,
    n, total, share, suppressed.
    """
    keys = ["authority", "variable"]
    sums = missingness.groupby(keys, sort=False, as_index=False)[["n_missing", "n"]].sum()
    withheld = _withheld(baseline).groupby(keys)["withheld"].any().rename("withheld")
    hidden = sums.join(withheld, on=keys)["withheld"].eq(True).to_numpy()
    hidden = hidden | is_small(sums["n_missing"], disclosure)
    no_size = is_small(sums["n"], disclosure)
    return _missing(sums, keys, hidden | no_size, no_size, "missing", disclosure)


def publish_missing_periods(
    missingness: pd.DataFrame, design: pd.DataFrame, baseline: PublishedCounts, disclosure: Disclosure
) -> PublishedCounts:
    """Children whose covariate is missing, by authority, period and variable.

    `design` says which authority is `exposed` in which `period` (0 or 1). Returns columns authority, period,
    period_start, exposed, variable, n, total, share, suppressed.
    """
    rows = missingness.merge(design[[*ARM, "period", "period_start"]], on=["authority", "period"], how="left")
    sizes = rows[["authority", "period", "exposed", "n"]].drop_duplicates(["authority", "period"])
    sizes = sizes.assign(no_size=hidden_sizes(sizes, baseline, disclosure))
    rows = rows.merge(sizes[["authority", "period", "no_size"]], on=["authority", "period"], how="left")
    keys = [*ARM, "variable"]
    rows = rows.join(_withheld(baseline).set_index(keys)["withheld"], on=keys)
    values, present = rows["n_missing"].to_numpy(float), (rows["n"] - rows["n_missing"]).to_numpy(float)
    hidden = is_small(values, disclosure) | is_small(present, disclosure)
    hidden = hidden | rows["no_size"].to_numpy(bool) | rows["withheld"].eq(True).to_numpy()
    group = rows.groupby(keys, sort=False).ngroup().to_numpy()
    hidden = hide_in_both(values, present, hidden, group, least_shown(disclosure))
    shown = ["authority", "period", "period_start", "exposed", "variable"]
    return _missing(rows, shown, hidden, rows["no_size"].to_numpy(bool), "missing by period", disclosure)


def _withheld(baseline: PublishedCounts) -> pd.DataFrame:
    """Whether the baseline hides how many are missing: columns authority, exposed, variable, withheld."""
    levels = require_published(baseline, "descriptives").frame
    absent = levels[levels["level"].isin(ABSENT_LEVELS) & levels["authority"].ne(ALL)]
    return absent.groupby([*ARM, "variable"], as_index=False).agg(withheld=("suppressed", "any"))


def _missing(
    rows: pd.DataFrame,
    keys: list[str],
    hidden: np.ndarray,
    no_size: np.ndarray,
    kind: str,
    disclosure: Disclosure,
) -> PublishedCounts:
    n = np.where(hidden, np.nan, rounded(rows["n_missing"], disclosure))
    total = np.where(no_size, np.nan, rounded(rows["n"], disclosure))
    enough = total >= max(SMALLEST_BASE * least_shown(disclosure), 1)
    share = np.divide(n, total, out=np.full(len(rows), np.nan), where=enough)
    return published(rows[keys].assign(n=n, total=total, share=share, suppressed=hidden), kind, disclosure)
