"""Apply to the cells of one sheet the corrections that reach it, and count what each touched."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sfpc_book.contracts.vocabulary import plain_text
from sfpc_book.returns.cell_values import DIGITS, text_of
from sfpc_book.returns.cells import is_blank
from sfpc_book.returns.corrections import Correction

TO_CELLS = ("recode", "extract", "fill_blank")


@dataclass(frozen=True)
class Repairs:
    """Corrections that reach one sheet; `touched` counts, by id, over all sheets of the authority."""

    corrections: Sequence[Correction] = ()
    touched: Counter[str] = field(default_factory=Counter)

    def of(self, column: str | None, *actions: str) -> list[Correction]:
        """The corrections of a column (None: of the whole table) with one of these actions."""
        return [part for part in self.corrections if part.action in actions and part.column == column]


def repair_cells(cells: list[object], column: str, repairs: Repairs) -> list[object]:
    """Cells as they should have been sent. The list given is not changed."""
    for part in repairs.of(column, *TO_CELLS):
        changed = [_repaired(cell, part) for cell in cells]
        repairs.touched[part.id] += sum(new is not old for new, old in zip(changed, cells, strict=True))
        cells = changed
    return cells


def repair_numbers(values: pd.Series, column: str, repairs: Repairs) -> pd.Series:
    """Numbers at the scale of the contract."""
    for part in repairs.of(column, "rescale"):
        chosen = values.notna() if part.above is None else (values > part.above).fillna(False)
        repairs.touched[part.id] += int(np.count_nonzero(chosen))
        values = values.where(~chosen, (values * part.factor).round(DIGITS))
    return values


def drops_rows(repairs: Repairs, count: int) -> bool:
    """Whether a correction says that the rows which hold no record go; notes that it touched `count`."""
    parts = repairs.of(None, "drop_rows")
    for part in parts:
        repairs.touched[part.id] += count
    return bool(parts)


def _repaired(cell: object, part: Correction) -> object:
    if part.action == "fill_blank":
        return part.value if is_blank(cell) else cell
    if is_blank(cell):
        return cell
    if part.action == "extract":
        match = re.search(part.pattern, text_of(cell))
        return match[1] if match else cell
    said = plain_text(text_of(cell))
    for old, new in part.values.items():
        if plain_text(old) == said:
            return "" if new is None else new
    return cell
