"""Who the children are, fit to publish: counts of levels by exposure and authority, and how far they differ.

Standardised differences are computed from all digits of the counts, and only from what the published table
shows: a level that is hidden before or after go-live has none of its own, and in the difference of its
whole covariate the hidden levels count as one, whose size follows from those shown. A reader who knew every
shown count to the child could compute each of them, so they tell nothing of a hidden one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.errors import DisclosureError
from sfpc_book.report.disclosure import PublishedCounts, is_small, least_shown, published, rounded
from sfpc_book.report.disclosure_hidden import hide_in_tables, two_way
from sfpc_book.study.schema import Disclosure

ALL = "all"
# Shared by several covariates, which would give it back: never hidden for the sake of another level.
SHARED_LEVEL = "not assessed"
ABSENT_LEVELS = ("missing", "unmapped", SHARED_LEVEL)
SMALLEST_BASE = 2  # thresholds: a share of fewer children is not shown
ARM = ["authority", "exposed"]
LINKED = "linked"  # no trait of a child: its counts follow the flow
WHOLE = "whole covariate"


def with_hidden(descriptives: pd.DataFrame, disclosure: Disclosure) -> pd.DataFrame:
    """The descriptives with `hidden` and `hidden_total` (boolean): which counts and totals may not be shown.

    `descriptives` are those of all authorities of a model and of `all`, which adds them up: what must be
    hidden of one depends on the others. Columns model, authority, exposed, variable, level, n, total.
    Raises `DisclosureError` where `all` is missing.
    """
    if ALL not in set(descriptives["authority"]):
        raise DisclosureError(
            "which counts of an authority are hidden depends on the other authorities of its model; "
            "pass the descriptives of all of them, with their sum, or rows that already say what is hidden"
        )
    totals = descriptives.drop_duplicates(ARM)[[*ARM, "total"]].rename(columns={"total": "n"})
    marked = descriptives.join(_hidden_sums(totals, disclosure).rename("hidden_total"), on=ARM)
    traits = marked[marked["variable"] != LINKED]
    hidden = pd.concat([_hidden_levels(traits, disclosure), _hidden_linked(marked, disclosure)])
    return marked.assign(hidden=hidden)


def _hidden_levels(marked: pd.DataFrame, disclosure: Disclosure) -> pd.Series:
    """Which counts of levels are hidden. A level that covariates share is hidden in all or in none."""
    shared = marked["level"].eq(SHARED_LEVEL)
    cells = _with_shared(marked.assign(known=~marked["hidden_total"], last=shared), shared)
    keys = {"block": ["exposed", "block"], "table": ["exposed", "variable"]}
    tables = two_way(cells, **keys, row="authority", column="level", summed=ALL)
    hidden = is_small(marked["n"], disclosure) | marked["hidden_total"].to_numpy()
    if marked["hidden_total"].any():  # sums of levels over authorities would together tell of the total
        hidden = hidden | marked["authority"].eq(ALL).to_numpy()
    while True:
        wanted = hide_in_tables(tables, hidden, least_shown(disclosure))
        same = marked[shared].assign(hidden=wanted[shared]).groupby(ARM)["hidden"].transform("any")
        hidden = wanted.copy()
        hidden[shared] = same
        if (hidden == wanted).all():
            return pd.Series(hidden, marked.index)


def _hidden_linked(marked: pd.DataFrame, disclosure: Disclosure) -> pd.Series:
    """Which numbers of linked children are hidden: the flow says how many of an authority are not linked."""
    rows = marked[marked["variable"] == LINKED]
    unlinked = rows[rows["level"] == "no"]
    hidden = rows[ARM].join(_hidden_sums(unlinked, disclosure), on=ARM)["hidden"]
    return (hidden | rows["hidden_total"]).astype(bool)


def _with_shared(cells: pd.DataFrame, shared: pd.Series) -> pd.DataFrame:
    """Which covariates share a level of the same children: `block`, and `same`, which numbers the counts."""
    equal = cells[shared].groupby(ARM)["n"].nunique().le(1).all()
    together = cells["variable"].isin(cells.loc[shared, "variable"]) & equal
    number = np.arange(len(cells))
    first = cells[shared].assign(first=number[shared]).groupby(ARM)["first"].transform("min")
    same = pd.Series(number, cells.index).mask(shared & equal, first)
    return cells.assign(block=cells["variable"].mask(together, SHARED_LEVEL), same=same)


def _hidden_sums(arms: pd.DataFrame, disclosure: Disclosure) -> pd.Series:
    """Which numbers of children before or after go-live (`n`) are hidden, by authority and exposure.

    Before and after together, an authority's number stands in its flow. The flow of all sums with a stand-in,
    so it tells the number of all only where no authority's is hidden; where one is, both its sides are, so
    that of all both can be hidden, or the table of samples would give one from the other.
    """
    together = arms.groupby("authority")["n"].transform("sum")
    small, whole = is_small(together, disclosure), arms["authority"].eq(ALL).to_numpy()
    known = ~small & (~whole | ~small[~whole].any())
    cells = arms.assign(known=known, last=False, table=0, same=np.arange(len(arms)))
    tables = two_way(cells, block=["table"], table=["table"], row="authority", column="exposed", summed=ALL)
    hidden = hide_in_tables(tables, is_small(arms["n"], disclosure) | small, least_shown(disclosure))
    hidden = hidden | (whole & hidden[whole].any())
    return arms.assign(hidden=hidden).set_index(ARM)["hidden"]


def publish_descriptives(descriptives: pd.DataFrame, disclosure: Disclosure) -> PublishedCounts:
    """Counts of levels within variables, with totals and `share`, of the rounded counts.

    Where the rows do not say what is hidden, see `with_hidden`. A share of fewer children than twice the
    threshold is missing. Columns model, authority, exposed, variable, level, n, total, share, suppressed.
    """
    marked = _marked(descriptives, disclosure)
    n = np.where(marked["hidden"], np.nan, rounded(marked["n"], disclosure))
    total = np.where(marked["hidden_total"], np.nan, rounded(marked["total"], disclosure))
    enough = total >= max(SMALLEST_BASE * least_shown(disclosure), 1)
    share = np.divide(n, total, out=np.full(len(n), np.nan), where=enough)
    frame = marked.drop(columns=["hidden", "hidden_total"])
    frame = frame.assign(n=n, total=total, share=share, suppressed=marked["hidden"])
    return published(frame, "descriptives", disclosure)


def _marked(descriptives: pd.DataFrame, disclosure: Disclosure) -> pd.DataFrame:
    return descriptives if "hidden" in descriptives else with_hidden(descriptives, disclosure)


def standardised_difference(before: np.ndarray, after: np.ndarray) -> float:
    """How far two groups differ in a covariate, in standard deviations; from counts at each of its levels.

    With shares t (after) and c (before) of all levels but one,

        d = sqrt((t - c)' S^-1 (t - c)),   S = (diag(t) - tt' + diag(c) - cc') / 2

    (Yang and Dalton 2012, "A unified approach to measuring the effect size between two groups using SAS").
    It is not negative and does not depend on the level left out; for two levels it is the size of
    `signed_difference`. Missing where a group is empty or the groups share no level.
    """
    counts = np.array([before, after], dtype=float)
    counts = counts[:, counts.sum(axis=0) > 0]
    if not counts.sum(axis=1).all() or not counts.all(axis=0).any():
        return float("nan")
    control, treated = (counts / counts.sum(axis=1, keepdims=True))[:, 1:]
    spread = sum(np.diag(share) - np.outer(share, share) for share in (control, treated)) / 2
    gap = treated - control
    return float(np.sqrt(gap @ np.linalg.solve(spread, gap))) if gap.size else 0.0


def signed_difference(before: float, all_before: float, after: float, all_after: float) -> float:
    """Difference of two shares, after less before, in standard deviations; from counts.

        d = (t - c) / sqrt((t (1 - t) + c (1 - c)) / 2)

    Missing where a group is empty, or where nobody varies (both shares 0, or both 1, or one of each).
    """
    if not (all_before > 0 and all_after > 0):
        return float("nan")
    control, treated = before / all_before, after / all_after
    spread = (treated * (1 - treated) + control * (1 - control)) / 2
    return float((treated - control) / np.sqrt(spread)) if spread > 0 else float("nan")


def publish_differences(descriptives: pd.DataFrame, disclosure: Disclosure) -> PublishedCounts:
    """Standardised differences, after go-live less before, by authority, covariate and level.

    One row per level that some child has, and one per covariate (`level` is `WHOLE`), whose difference has
    no sign. Two decimals. A level hidden on either side is missing and `suppressed`; in the covariate's own
    difference such levels count as one, and where all are hidden it is missing too. Columns model,
    authority, variable, level, difference, suppressed, merged (number of levels counted as one).
    """
    marked = _marked(descriptives, disclosure)
    marked = marked[marked["variable"] != LINKED]
    parts = [
        _differences(part, disclosure) for _, part in marked.groupby(["authority", "variable"], sort=False)
    ]
    return published(pd.concat(parts, ignore_index=True), "differences", disclosure)


def _differences(part: pd.DataFrame, disclosure: Disclosure) -> pd.DataFrame:
    """The differences of one covariate in one authority."""
    wide = part.pivot_table(index="level", columns="exposed", values=["n", "total", "hidden"], sort=False)
    n, total = wide["n"].reindex(columns=[0, 1]), wide["total"].reindex(columns=[0, 1])
    hidden = wide["hidden"].astype(bool).any(axis=1).to_numpy()
    seen = hidden | n.gt(0).any(axis=1).to_numpy()
    few = bool((total.iloc[0] < SMALLEST_BASE * least_shown(disclosure)).any())
    sizes = np.column_stack([n[0], total[0], n[1], total[1]])
    levels = [signed_difference(*row) for row in sizes]
    merged = np.vstack([sizes[~hidden], sizes[hidden].sum(axis=0)]) if hidden.any() else sizes
    whole = np.nan if hidden[seen].all() else standardised_difference(merged[:, 0], merged[:, 2])
    frame = pd.DataFrame(
        {
            "level": [*wide.index[seen], WHOLE],
            "difference": np.round([*np.where(hidden, np.nan, levels)[seen], whole], 2),
            "suppressed": [*(hidden[seen] | few), bool(hidden[seen].all()) or few],
            "merged": [*np.zeros(int(seen.sum()), dtype=int), int(hidden.sum())],
        }
    )
    frame["difference"] = frame["difference"].mask(frame["suppressed"])
    first = part.iloc[0]
    keys = {name: first[name] for name in ("model", "authority", "variable")}
    return frame.assign(**keys)[[*keys, "level", "difference", "suppressed", "merged"]]
