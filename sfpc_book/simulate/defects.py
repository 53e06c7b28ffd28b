"""The registry of defects: every kind that can be planted, declared once, where it stands."""

from __future__ import annotations

from collections.abc import Sequence

from sfpc_book.errors import ParameterError
from sfpc_book.simulate.defects_cells import CELL_DEFECTS
from sfpc_book.simulate.defects_codes import CODE_DEFECTS
from sfpc_book.simulate.defects_facts import FACT_DEFECTS
from sfpc_book.simulate.defects_files import FILE_DEFECTS
from sfpc_book.simulate.defects_layout import LAYOUT_DEFECTS
from sfpc_book.simulate.defects_marks import MARK_DEFECTS
from sfpc_book.simulate.defects_records import RECORD_DEFECTS
from sfpc_book.simulate.planting import Defect

# In the order in which they are planted: what is sent, then how it is written, then where it stands.
DEFECTS: tuple[Defect, ...] = (
    *RECORD_DEFECTS, *FACT_DEFECTS, *CELL_DEFECTS, *CODE_DEFECTS, *MARK_DEFECTS, *LAYOUT_DEFECTS,
    *FILE_DEFECTS,
)  # fmt: skip
BY_KIND = {defect.kind: defect for defect in DEFECTS}


def kinds() -> tuple[str, ...]:
    """Every kind of defect."""
    return tuple(BY_KIND)


def chosen_defects(chosen: bool | Sequence[str]) -> tuple[Defect, ...]:
    """The defects of the kinds named; of True all that leave the estimates near the truth.

    Raises
    ------
    ParameterError
        For a kind that is not in the registry.
    """
    if chosen is True:
        return tuple(defect for defect in DEFECTS if not defect.distorts)
    names = tuple(chosen or ())
    unknown = [name for name in names if name not in BY_KIND]
    if unknown:
        raise ParameterError(f"Unknown defects: {', '.join(unknown)}. Allowed: {', '.join(kinds())}")
    return tuple(defect for defect in DEFECTS if defect.kind in names)
