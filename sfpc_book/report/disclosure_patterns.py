"""Which covariates are missing together, fit to publish."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from sfpc_book.report.disclosure import PublishedCounts, is_small, least_shown, published, rounded
from sfpc_book.study.schema import Disclosure

SEPARATOR = "; "
OTHERS = "any other combination"


def publish_patterns(patterns: pd.DataFrame, disclosure: Disclosure) -> PublishedCounts:
    """Children by combination of missing covariates, all authorities of a model together.

    `patterns` has one row per authority and combination: `pattern` (names joined by `; `, empty where nothing
    is missing), `n`. A combination of too few children is not named; those stand together as `OTHERS`. How
    many lack each covariate, and how many children there are, is known: where that would say too much of a
    combination that is not named, the smallest named one that shares a covariate joins them. Returns columns
    pattern, n, share, suppressed, most frequent first, `OTHERS` last where there are any.
    """
    sums = patterns.assign(pattern=patterns["pattern"].fillna("")).groupby("pattern")["n"].sum()
    counts = sums[sums > 0].sort_values(ascending=False, kind="stable")
    unnamed = unnamed_patterns(counts, disclosure)
    rows = counts[~unnamed].to_dict()
    if unnamed.any():
        rows[OTHERS] = counts[unnamed].sum()
    frame = pd.DataFrame({"pattern": list(rows), "true": list(rows.values())})
    hidden = is_small(frame["true"], disclosure)
    n = np.where(hidden, np.nan, rounded(frame["true"], disclosure))
    share = n / rounded([counts.sum()], disclosure)[0] if len(frame) else n
    return published(frame[["pattern"]].assign(n=n, share=share, suppressed=hidden), "patterns", disclosure)


def unnamed_patterns(counts: pd.Series, disclosure: Disclosure) -> np.ndarray:
    """Which combinations are not named. `counts` by pattern; boolean, one per pattern."""
    least = least_shown(disclosure)
    unnamed = is_small(counts, disclosure)
    sets = [frozenset(pattern.split(SEPARATOR)) - {""} for pattern in counts.index]
    while True:
        known = _known_too_well(counts.to_numpy(float), sets, unnamed, least)
        if known is None:
            return unnamed
        left = [place for place in range(len(sets)) if not unnamed[place]]
        if not left:
            return unnamed
        sharing = [place for place in left if sets[place] & sets[known]]
        unnamed = unnamed.copy()
        unnamed[min(sharing or left, key=lambda place: counts.iloc[place])] = True


def _known_too_well(
    values: np.ndarray, sets: list[frozenset[str]], unnamed: np.ndarray, least: int
) -> int | None:
    """The first unnamed small combination that could not hold every number from 1 to `least - 1`.

    The reader knows the named counts, the number of children, and for each covariate how many lack it unless
    that number is itself too small to show; any combination that is not named may have any number.
    """
    small = [place for place in np.flatnonzero(unnamed) if 0 < values[place] < least]
    if not small:
        return None
    items = sorted(frozenset().union(*sets))
    lacking = {item: sum(values[i] for i, part in enumerate(sets) if item in part) for item in items}
    known = [item for item in items if lacking[item] >= least]
    named = {sets[place] for place in np.flatnonzero(~unnamed)}
    every = (frozenset(part) for size in range(len(items) + 1) for part in combinations(items, size))
    possible = [part for part in every if part not in named]
    lines = np.array([[1.0] * len(possible), *([float(item in part) for part in possible] for item in known)])
    truth = dict(zip(sets, values, strict=True))
    right = lines @ np.array([truth.get(part, 0.0) for part in possible])
    for place in small:
        target = np.array([float(part == sets[place]) for part in possible])
        low, high = (
            target @ linprog(sign * target, A_eq=lines, b_eq=right, method="highs").x for sign in (1, -1)
        )
        if low > 1 + 1e-6 or high < least - 1 - 1e-6:
            return int(place)
    return None
