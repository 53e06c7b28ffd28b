"""Periods joined with their neighbours, without blurring who is exposed.

Every boundary between periods is a go-live. Where two periods are joined, the authority that went live at
their boundary has children of both kinds in the joined period. They stay apart: the model has one effect for
the joined period and, for that authority, an unexposed and an exposed row, which is the regression on the
children. For the exact test the rows stay as fine as the periods of the wedge, so that exposure under every
other order is decided where it was before; only the period effects are shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from sfpc_book.estimate.cells import Cells
from sfpc_book.study.wedge import Wedge


def recut_periods(
    wedge: Wedge, periods: Sequence[int], authorities: Iterable[str], days: int
) -> dict[int, int]:
    """For each period, the first of the block that it belongs to when none shall be shorter than `days`.

    The shortest block, the earlier of two alike, joins a neighbour until none is too short or one is left:
    the neighbour from which no go-live of `authorities` divides it, else the shorter, else the earlier.
    """
    spans = zip(wedge.period_starts, wedge.period_ends, strict=True)
    length = [(end - start).days + 1 for start, end in spans]
    go_lives = {wedge.start_period[slug] for slug in authorities if slug in wedge.start_period}
    blocks = [[period] for period in periods]
    while len(blocks) > 1:
        sizes = [sum(length[period] for period in block) for block in blocks]
        shortest = int(np.argmin(sizes))
        if sizes[shortest] >= days:
            break
        neighbours = [place for place in (shortest - 1, shortest + 1) if 0 <= place < len(blocks)]

        def order(place: int) -> tuple[bool, int, int]:
            later = blocks[max(place, shortest)]  # noqa: B023  # used within this turn of the loop only
            return later[0] in go_lives, sizes[place], place  # noqa: B023

        chosen = min(neighbours, key=order)
        first, second = sorted((shortest, chosen))
        blocks[first : second + 1] = [blocks[first] + blocks[second]]
    return {period: block[0] for block in blocks for period in block}


def recut(cells: Cells, blocks: Mapping[int, int]) -> tuple[Cells, Cells]:
    """Rows for the panel model, and rows for the exact test, with the period effects of the blocks.

    The first: one row per authority, block and exposure, with the children of all its cells. The second: the
    cells as they are, with `wedge_period` beside the period of the block.
    """
    block = np.array([blocks[int(period)] for period in cells.period], dtype=int)
    present = tuple(int(period) for period in np.unique(block))
    pairs = len(np.unique(np.column_stack([cells.authority, block]), axis=0))
    tested = replace(
        cells,
        periods=present,
        period=block,
        wedge_period=cells.decisive_period,
        n_empty=len(cells.authorities) * len(present) - pairs,
    )
    key = np.column_stack([cells.authority, block, cells.exposed.astype(int)])
    _, first, row = np.unique(key, axis=0, return_index=True, return_inverse=True)
    row = row.reshape(-1)
    weight = np.bincount(row, cells.weight)
    fitted = replace(
        tested,
        authority=cells.authority[first],
        period=block[first],
        exposed=cells.exposed[first],
        exposure_time=cells.exposure_time[first],
        weight=weight,
        mean=np.bincount(row, cells.weight * cells.mean) / weight,
        wedge_period=None,
    )
    return fitted, tested
