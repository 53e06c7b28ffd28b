"""Rows that are alike in every column, found in one pass: models of children need each kind only once.

Children are described by a few codes, so tens of thousands of them are some thousand different rows. A model
with the number of children as weight and their mean outcome gives the numbers of the children's own rows.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

# Constant and shift of splitmix64 (Steele, Lea and Flood 2014): every bit of a value moves the mark.
MULTIPLIER, SHIFT = np.uint64(0xBF58476D1CE4E5B9), np.uint64(29)


def alike(columns: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Number the different rows of a table of columns, each (n,) of numbers.

    Returns
    -------
    The place of the first row of each kind, (kinds,), in order of appearance, and the kind of each row, (n,).
    Rows count as alike only if they are, value by value; two that merely share a mark are told apart.
    """
    columns = [np.asarray(column) for column in columns]
    if not columns:
        raise ValueError("rows without columns have no kinds")
    kind = pd.factorize(_marks(columns))[0]
    first = _first(kind)
    if all(np.array_equal(column, column[first][kind]) for column in columns):
        return first, kind
    kind = np.zeros(len(columns[0]), dtype=np.int64)  # two kinds share a mark: hardly ever
    for column in columns:
        kind = pd.factorize(kind * (len(kind) + 1) + pd.factorize(column)[0])[0]
    return _first(kind), kind


def _marks(columns: list[np.ndarray]) -> np.ndarray:
    """One number for each row, equal for equal rows and hardly ever for others."""
    mark = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        mark ^= (column + 0.0).view(np.uint64)  # -0 becomes 0
        mark ^= mark >> SHIFT
        mark *= MULTIPLIER
    return mark


def _first(kind: np.ndarray) -> np.ndarray:
    """Where each number first occurs, for numbers that appear in order."""
    first = np.empty(int(kind.max(initial=-1)) + 1, dtype=np.int64)
    first[kind[::-1]] = np.arange(len(kind) - 1, -1, -1)
    return first
