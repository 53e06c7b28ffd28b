"""Which counts to hide, so that no reader can work a small one out from the totals and counts beside it.

The reader reckoned with knows more than is published: every shown count and every total to the child, and
that a hidden count is not zero, unless a whole row is hidden. A small count is safe when, for all that, it
could be any number from 1 to the threshold less one. Rounding then only adds to the doubt, and tables that
count the same children in other groups give nothing away.

Tables are two-way: rows (authorities, and their sum) by columns (levels), each row with a known total. What a
reader can know of a hidden cell is the range of a linear program (Fischetti and Salazar, 2000, on cell
suppression). Tables that share cells are taken together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

from sfpc_book.errors import DisclosureError


@dataclass(frozen=True)
class TwoWay:
    """Cells of one or more two-way tables; every array has one entry per cell.

    `row` and `column` number the rows and columns (those of different tables differ), `block` the tables that
    share cells, and `same` the cells: two of the same number are one count that stands in both places.
    `is_sum` marks the row that adds up the others. `known` says whether the row's total can be known, `last`
    which cells are to be hidden for another's sake only when nothing else is left.
    """

    values: np.ndarray
    block: np.ndarray
    row: np.ndarray
    column: np.ndarray
    same: np.ndarray
    is_sum: np.ndarray
    known: np.ndarray
    last: np.ndarray


def two_way(
    frame: pd.DataFrame, *, block: list[str], table: list[str], row: str, column: str, summed: str
) -> TwoWay:
    """The cells of a frame with `n`, `known`, `last` and `same`; `block` and `table` are keys of both.

    The column `row` holds `summed` where a row adds up the others.
    """

    def numbered(names: list[str]) -> np.ndarray:
        return frame.groupby(names, sort=False, dropna=False).ngroup().to_numpy()

    return TwoWay(
        values=frame["n"].to_numpy(dtype=float),
        block=numbered(block),
        row=numbered([*table, row]),
        column=numbered([*table, column]),
        same=numbered(["same"]),
        is_sum=frame[row].eq(summed).to_numpy(),
        known=frame["known"].to_numpy(dtype=bool),
        last=frame["last"].to_numpy(dtype=bool),
    )


def hide_in_groups(
    values: np.ndarray, hidden: np.ndarray, group: np.ndarray, least: int, last: np.ndarray | None = None
) -> np.ndarray:
    """Hide more cells until every group whose total is known leaves its small counts in doubt.

    `values`, `hidden` and `group` have one entry per cell; cells of group -1 are left alone. `least` is the
    smallest count that may be shown. A group with m hidden cells needs two of them and a sum of at least
    `least + m - 2`: each can then be any number from 1 to `least - 1`, the others at least 1. The smallest
    of the others is hidden next, those of `last` after all others, zeros only with the whole group.
    """
    result = hidden.copy()
    rank = np.zeros(len(values), dtype=bool) if last is None else last
    for name in np.unique(group[(group >= 0) & hidden]):
        members = np.flatnonzero(group == name)
        while not in_doubt(values[members], result[members], least):
            _hide_next(values, result, members, rank)
    return result


def hide_in_rows(values: np.ndarray, hidden: np.ndarray, least: int) -> np.ndarray:
    """`hide_in_groups` where each row of a matrix is a group. Shape of `values`."""
    rows = np.repeat(np.arange(len(values)), values.shape[1])
    return hide_in_groups(values.ravel(), hidden.ravel(), rows, least).reshape(values.shape)


def hide_in_both(
    first: np.ndarray, second: np.ndarray, hidden: np.ndarray, group: np.ndarray, least: int
) -> np.ndarray:
    """`hide_in_groups` for two counts of every cell that each add up to a known total, such as children with
    and without an event; a cell is hidden in both or in neither.
    """
    while True:
        wanted = hide_in_groups(second, hide_in_groups(first, hidden, group, least), group, least)
        if (wanted == hidden).all():
            return wanted
        hidden = wanted


def in_doubt(values: np.ndarray, hidden: np.ndarray, least: int) -> bool:
    """Whether hidden cells of a group with a known total leave each other in doubt (see `hide_in_groups`)."""
    number = int(hidden.sum())
    if number in (0, len(hidden)):
        return True
    return number >= 2 and bool(values[hidden].sum() >= least + number - 2)


def _hide_next(values: np.ndarray, hidden: np.ndarray, members: np.ndarray, rank: np.ndarray) -> None:
    """Hide the smallest shown cell above zero of a group; where none is left, the whole group."""
    shown = members[~hidden[members] & (values[members] > 0)]
    chosen = shown[np.lexsort((values[shown], rank[shown]))[:1]] if shown.size else members
    hidden[chosen] = True


def hide_in_tables(cells: TwoWay, hidden: np.ndarray, least: int) -> np.ndarray:
    """Hide more cells until no small count of the tables can be narrowed down. Boolean, one per cell.

    Rows are completed by the rule of `hide_in_groups`, columns likewise (an authority's count before the
    sum over authorities); then the linear program asks what can be known of each small count, and where it
    is too much, one more cell of its row or column is hidden.
    """
    result = hidden.copy()
    for _ in range(len(result) + 1):
        before = result.copy()
        rows = np.where(cells.known, cells.row, -1)
        result = hide_in_groups(cells.values, result, rows, least, cells.last)
        _complete_columns(cells, result, least)
        if (before == result).all():
            pinned = known_too_well(cells, result, least)
            if not pinned.size:
                return result
            for position in pinned:
                _loosen(cells, result, position)
    raise DisclosureError("no way was found to keep the small counts of a table in doubt")


def _complete_columns(cells: TwoWay, hidden: np.ndarray, least: int) -> None:
    for name in np.unique(cells.column[hidden]):
        members = np.flatnonzero(cells.column == name)
        parts, whole = members[~cells.is_sum[members]], members[cells.is_sum[members]]
        if not (parts.size and whole.size):
            continue
        while not _column_in_doubt(cells, hidden, parts, whole, least):
            shown = parts[~hidden[parts] & (cells.values[parts] > 0)]
            chosen = shown[np.argmin(cells.values[shown])] if shown.size else whole[0]
            hidden[chosen] = True


def _column_in_doubt(
    cells: TwoWay, hidden: np.ndarray, parts: np.ndarray, whole: np.ndarray, least: int
) -> bool:
    """A hidden sum needs a hidden part; a shown sum needs hidden parts in doubt of each other."""
    if hidden[whole[0]]:
        return bool(hidden[parts].any() or not cells.values[parts].any())
    number = int((hidden[parts] & (cells.values[parts] > 0)).sum())
    total = cells.values[parts][hidden[parts]].sum()
    return number == 0 or (number >= 2 and bool(total >= least + number - 2))


def _loosen(cells: TwoWay, hidden: np.ndarray, position: int) -> None:
    """Hide one more cell of the row or column of a cell that is known too well; at last the whole table."""
    row = np.flatnonzero(cells.row == cells.row[position])
    parts = np.flatnonzero((cells.column == cells.column[position]) & ~cells.is_sum)
    whole = np.flatnonzero((cells.column == cells.column[position]) & cells.is_sum & ~hidden)
    near = np.union1d(row, parts)
    shown = near[~hidden[near] & (cells.values[near] > 0)]
    if shown.size:
        hidden[shown[np.lexsort((cells.values[shown], cells.last[shown]))[0]]] = True
    elif whole.size:
        hidden[whole] = True
    elif not hidden[row].all():
        hidden[row] = True
    else:
        hidden[cells.block == cells.block[position]] = True


def known_too_well(cells: TwoWay, hidden: np.ndarray, least: int) -> np.ndarray:
    """Positions of hidden small counts that could not be every number from 1 to `least - 1`."""
    small = hidden & (cells.values > 0) & (cells.values < least)
    systems = [_system(cells, hidden, small, block) for block in np.unique(cells.block[small])]
    if not systems:
        return np.array([], dtype=int)
    matrix = sparse.block_diag([system[0] for system in systems], format="csr")
    right, lower, target = (np.concatenate([system[place] for system in systems]) for place in (1, 2, 3))
    most = cells.values.sum() + least  # no bound of its own: more than any of them can be
    bounds = np.column_stack([lower, np.full(len(lower), most)])
    low, high = (
        linprog(sign * target, A_eq=matrix, b_eq=right, bounds=bounds, method="highs").x[target > 0]
        for sign in (1, -1)
    )
    asked = np.concatenate([system[4] for system in systems])
    return asked[(low > 1 + 1e-6) | (high < least - 1 - 1e-6)]


def _system(
    cells: TwoWay, hidden: np.ndarray, small: np.ndarray, block: int
) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What is known of one block's hidden cells, once for each small one of them, all in one system.

    Returns the matrix, its right side, the lower bounds, which unknowns are asked for, and their positions.
    """
    places = np.flatnonzero((cells.block == block) & hidden)
    asked = np.flatnonzero((cells.block == block) & small)
    names, unknown = np.unique(cells.same[places], return_inverse=True)
    asked = asked[np.unique(cells.same[asked], return_index=True)[1]]
    sign = np.where(cells.is_sum[places], -1.0, 1.0)
    rows = [cells.row[places] == name for name in np.unique(cells.row[places[cells.known[places]]])]
    columns = [
        (cells.column[places] == name) * sign
        for name in np.unique(cells.column[places])
        if _adds_up(cells, name)
    ]
    lines = np.array([*rows, *columns], dtype=float).reshape(-1, len(places))
    whole = np.array([hidden[cells.row == name].all() for name in cells.row[places]])
    lower = np.zeros(len(names))
    np.maximum.at(lower, unknown, np.where(whole, 0.0, 1.0))
    collected = lines @ (unknown[:, None] == np.arange(len(names)))
    matrix = sparse.kron(sparse.identity(len(asked)), sparse.csr_matrix(collected), format="csr")
    target = (names[None, :] == cells.same[asked][:, None]).astype(float).ravel()
    right, lower = (np.tile(part, len(asked)) for part in (lines @ cells.values[places], lower))
    return matrix, right, lower, target, asked


def _adds_up(cells: TwoWay, column: int) -> bool:
    """Whether a column has both a sum and parts."""
    return len(np.unique(cells.is_sum[cells.column == column])) == 2
