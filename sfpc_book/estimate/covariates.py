"""Covariates at typed levels as columns of a design, by rules that look at no level's outcome.

1. *Rare levels.* A level counts with the one before it in the covariate's order (three or more earlier plans
   with two) unless enough children have it; the first level, if rare, with the next. Enough: the overall risk
   among the children analysed lets one expect `fewest` events and `fewest` others among them. For an outcome
   that is not yes or no, `fewest` children. A level without events would make a logit perfect for its
   children and leave it without a maximum; the rule is decided by numbers of children and the overall risk
   alone. Ten events for each coefficient is the rule of thumb of Peduzzi and others (1996).
2. *Dummies.* One column for each level that remains but the first.
3. *Columns that say the same.* A dummy that authorities, periods and the dummies before it add up to is
   dropped: when factors are recorded together, "not assessed" is one column and not six. Exposure takes no
   part: a covariate that says what exposure says leaves exposure not identified, which is a status.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.imputation import MISSING

MISSING_LEVEL = "missing"
DEPENDENT = 1e-9  # of a column's squared length: what is left of it when the columns before are taken out


@dataclass(frozen=True)
class Covariate:
    """Codes (n,) of levels, 0 to K - 1, `MISSING` where not known; `levels` names K of them."""

    codes: np.ndarray
    levels: tuple[str, ...]

    def dummies(self) -> np.ndarray:
        """(n, K - 1) columns of every level but the first; a missing value is in none."""
        return (self.codes[:, None] == np.arange(1, len(self.levels))).astype(float)


def covariates_of(
    frame: pd.DataFrame, names: Sequence[str], *, missing_is_a_level: bool
) -> dict[str, Covariate]:
    """The covariates of a frame, levels in the order of their categories.

    Blank and the level `missing` are the same: a level of its own, or not known. Every other level, `not
    assessed` and `unmapped` (a code outside the list) among them, is a level like any.

    Raises
    ------
    EstimationError
        With the names that are not among the columns.
    """
    unknown = [name for name in names if name not in frame]
    if unknown:
        known = ", ".join(map(str, frame.columns))
        raise EstimationError(
            "Children have no such covariates:", [f"{n}; there are {known}" for n in unknown]
        )
    return {name: _covariate(frame[name], missing_is_a_level) for name in names}


def _covariate(values: pd.Series, missing_is_a_level: bool) -> Covariate:
    typed = values.astype("category")
    levels = [str(level) for level in typed.cat.categories]
    codes = typed.cat.codes.to_numpy(dtype=int)
    if missing_is_a_level and (codes == MISSING).any():
        levels = [*levels, *([] if MISSING_LEVEL in levels else [MISSING_LEVEL])]
        codes = np.where(codes == MISSING, levels.index(MISSING_LEVEL), codes)
    if not missing_is_a_level and MISSING_LEVEL in levels:
        place = levels.index(MISSING_LEVEL)
        codes = np.where(codes == place, MISSING, codes - (codes > place))
        levels.remove(MISSING_LEVEL)
    return Covariate(codes, tuple(levels))


def enough_children(outcome: np.ndarray, *, binary: bool, fewest: int) -> float:
    """Children that a level must have to be told apart (see the module's text); infinite for an outcome
    without variation."""
    if not binary:
        return float(fewest)
    risk = float(outcome.mean()) if len(outcome) else 0.0
    rarer = min(risk, 1 - risk)
    return fewest / rarer if rarer > 0 else math.inf


def join_rare(covariate: Covariate, enough: float) -> Covariate:
    """The covariate with every level that fewer than `enough` children have joined to its neighbour."""
    if not covariate.levels:
        return covariate
    known = covariate.codes[covariate.codes != MISSING]
    count = np.bincount(known, minlength=len(covariate.levels)).astype(float)
    home = np.arange(len(covariate.levels))
    for level in range(len(home) - 1, 0, -1):
        if count[level] < enough:
            home[home == level] = level - 1
            count[level - 1] += count[level]
    kept = np.unique(home)
    if len(kept) > 1 and count[kept[0]] < enough:
        home[home == kept[0]] = kept[1]
        kept = kept[1:]
    names = tuple(_joined_name(covariate, home, level, known) for level in kept)
    codes = np.searchsorted(kept, home[covariate.codes])
    return Covariate(np.where(covariate.codes == MISSING, MISSING, codes), names)


def _joined_name(covariate: Covariate, home: np.ndarray, level: int, known: np.ndarray) -> str:
    """Names of the levels joined at one, those that occur."""
    members = [
        name for place, name in enumerate(covariate.levels) if home[place] == level and (known == place).any()
    ]
    return " or ".join(members) or covariate.levels[level]


def columns_of(covariates: Mapping[str, Covariate], n: int) -> np.ndarray:
    """Dummies of all covariates beside each other, (n, c)."""
    parts = [covariate.dummies() for covariate in covariates.values()]
    return np.hstack([np.zeros((n, 0)), *parts])


def independent(before: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Which columns the ones before them, `before` first, do not add up to. Boolean (columns,).

    By elimination on the matrix of products, which is exact for dummies: their sums are whole numbers.
    """
    design = np.hstack([before, columns])
    left = design.T @ design
    size, kept = np.diag(left).copy(), np.zeros(design.shape[1], dtype=bool)
    for place in range(len(size)):
        if left[place, place] > DEPENDENT * size[place]:
            kept[place] = True
            left = left - np.outer(left[:, place], left[place]) / left[place, place]
    return kept[before.shape[1] :]
