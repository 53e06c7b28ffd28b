"""Which corrections each record carries in its lineage: a column `corrections`, ids joined by "; "."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from sfpc_book.returns.locate import Place
from sfpc_book.returns.repair import Changed, Repairs

JOINT = "; "


def corrections_of_records(
    repairs: Repairs, changed: Mapping[Place, Changed], position: np.ndarray, level: np.ndarray | None
) -> pd.Series:
    """Ids that each record of a sheet carries: those of the sheet, then those that changed one of its cells.

    `changed` says by column which rows of the sheet each correction changed; `position` is the row of each
    record, `level` (of a sheet sent wide) the number of its level. Type `str`, missing where none.
    """
    marks = {name: np.ones(len(position), dtype=bool) for name in repairs.of_sheet}
    levelled = [place for place in changed if place.level is not None]
    for place, parts in changed.items():
        own = True if place.level is None or level is None else level == levelled.index(place)
        for name, rows in parts.items():
            marks[name] = marks.get(name, False) | (rows[position] & own)
    return marked(no_corrections(len(position)), marks)


def no_corrections(n: int) -> pd.Series:
    """The lineage of `n` records that no correction touched: `str`, all missing."""
    return pd.Series(pd.array([None], dtype="str").take(np.zeros(n, dtype=int)))


def marked(texts: pd.Series, marks: Mapping[str, np.ndarray]) -> pd.Series:
    """Lineage with the ids added whose mark is set. `marks[id]`: boolean, one per record."""
    if not any(rows.any() for rows in marks.values()):
        return texts
    said = texts.fillna("").to_numpy(dtype=object, copy=True)
    for name, rows in marks.items():
        said[rows] = [f"{text}{JOINT}{name}" if text else name for text in said[rows]]
    return pd.Series(pd.array([text or None for text in said], dtype="str"), index=texts.index)


def united(texts: Iterable[str]) -> str | None:
    """All ids of several records, each once, in order; None if there are none."""
    names = dict.fromkeys(name for text in texts if isinstance(text, str) for name in text.split(JOINT))
    return JOINT.join(names) or None
