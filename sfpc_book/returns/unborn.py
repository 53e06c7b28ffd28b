"""Children without a birth month of whom another column says that they are not yet born."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.returns.cells import BLANK, PHRASE, UNBORN, ReadColumn
from sfpc_book.returns.locate import Place

UNBORN_MARKED = "unborn by another column"


def mark_unborn(
    read: Mapping[Place, ReadColumn],
    rows: Sequence[Sequence[object]],
    contract: TableContract,
    words: Vocabularies,
) -> dict[Place, ReadColumn]:
    """Columns as read; blank birth months are unborn where a column of `unborn_in` says so in its row."""
    marked = dict(read)
    for column in contract.columns:
        markers = [place.position for place in read if place.column in column.unborn_in]
        for place in (place for place in read if markers and place.column == column.name):
            marked[place] = _marked(read[place], rows, markers, words)
    return marked


def _marked(
    born: ReadColumn, rows: Sequence[Sequence[object]], markers: Sequence[int], words: Vocabularies
) -> ReadColumn:
    absent = np.flatnonzero(np.isin(born.kinds, (BLANK, PHRASE)))
    unborn = [row for row in absent if any(_says_unborn(rows[row][place], words) for place in markers)]
    if not unborn:
        return born
    kinds, numbers = born.kinds.copy(), born.form_numbers.copy()
    kinds[unborn], numbers[unborn] = UNBORN, len(born.form_names)
    return replace(born, kinds=kinds, form_numbers=numbers, form_names=(*born.form_names, UNBORN_MARKED))


def _says_unborn(cell: object, words: Vocabularies) -> bool:
    return isinstance(cell, str) and words.says_unborn(cell)
