"""Apply to the cells of one sheet the corrections that reach it, and count what each touched."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sfpc_book.contracts.vocabulary import plain_text
from sfpc_book.errors import ContractError
from sfpc_book.returns.cell_values import DIGITS, text_of
from sfpc_book.returns.cells import is_blank
from sfpc_book.returns.correction import Correction
from sfpc_book.returns.touched import Touched

TO_CELLS = ("recode", "extract", "fill_blank")
# By id of a correction: which cells of a column it changed.
Changed = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Repairs:
    """Corrections that reach one sheet.

    `touched` counts what they touch there. `of_sheet` are the ids of those without which the sheet would not
    have been found, or a column not read: they mark all its records.
    """

    corrections: Sequence[Correction] = ()
    touched: Touched = field(default_factory=Touched)
    of_sheet: tuple[str, ...] = ()

    def of(self, column: str | None, *actions: str) -> list[Correction]:
        """The corrections of a column (None: of the whole table) with one of these actions."""
        return [part for part in self.corrections if part.action in actions and part.column == column]


def repair_cells(cells: list[object], column: str, repairs: Repairs) -> tuple[list[object], Changed]:
    """Cells as they should have been sent, and which of them each correction changed.

    The list given is not changed.

    Raises
    ------
    ContractError
        If the corrections of the column, taken in the other order, would give other cells.
    """
    parts = repairs.of(column, *TO_CELLS)
    _refuse_order(cells, column, parts)
    changes: dict[str, np.ndarray] = {}
    for part in parts:
        new = [repaired(cell, part) for cell in cells]
        changes[part.id] = _noted(np.array([one is not two for one, two in zip(new, cells, strict=True)]),
                                  part, repairs)  # fmt: skip
        cells = new
    return cells, changes


def repair_numbers(values: pd.Series, column: str, repairs: Repairs) -> tuple[pd.Series, Changed]:
    """Numbers at the scale of the contract, and which of them each correction changed."""
    changes: dict[str, np.ndarray] = {}
    for part in repairs.of(column, "rescale"):
        chosen = values.notna() if part.above is None else (values > part.above).fillna(False)
        changes[part.id] = _noted(chosen.to_numpy(dtype=bool), part, repairs)
        values = values.where(~chosen, (values * part.factor).round(DIGITS))
    return values, changes


def drops_rows(repairs: Repairs, count: int) -> bool:
    """Whether a correction says that the rows which hold no record go; notes that it touched `count`."""
    parts = repairs.of(None, "drop_rows")
    for part in parts:
        repairs.touched.add(part.id, count)
    return bool(parts)


def repaired(cell: object, part: Correction) -> object:
    """A cell as a correction has it: the very same object where the correction does not change it."""
    found = _said(cell, part)
    same = found is None or (not is_blank(cell) and found == text_of(cell))
    return cell if same else found


def _said(cell: object, part: Correction) -> str | None:
    """What the correction says instead of the cell; None if it says nothing about it."""
    if is_blank(cell):
        return part.value if part.action == "fill_blank" else None
    if part.action == "extract":
        match = re.search(str(part.pattern), text_of(cell))
        return match[1] if match else None
    said = plain_text(text_of(cell))
    named = (new or "" for old, new in (part.values or {}).items() if plain_text(old) == said)
    return next(named, None)


def _noted(changed: np.ndarray, part: Correction, repairs: Repairs) -> np.ndarray:
    repairs.touched.add(part.id, int(np.count_nonzero(changed)))
    return changed


def _refuse_order(cells: list[object], column: str, parts: Sequence[Correction]) -> None:
    """Refuse corrections of which one is a pattern if their order decides; the others are compared when
    loaded."""
    if len(parts) < 2 or all(part.action != "extract" for part in parts):
        return
    forth, back = list(cells), list(cells)
    for part in parts:
        forth = [repaired(cell, part) for cell in forth]
    for part in reversed(parts):
        back = [repaired(cell, part) for cell in back]
    differ = sum(one != two for one, two in zip(forth, back, strict=True))
    if differ:
        names = " and ".join(f"'{part.id}' ({part.stands})" for part in parts)
        raise ContractError(
            f"corrections {names} touch the same cells of '{column}', and in {differ} of them their order "
            "decides what comes out; say it in one correction, or let return_month or sheet keep them apart"
        )
