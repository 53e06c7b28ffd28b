"""One correction: what is repaired, where, why, on whose word, and how many cells it must touch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import Field, PositiveInt, PrivateAttr

from sfpc_book.contracts.source import Part

Action = Literal[
    "alias_authority",  # `spelling` in file names stands for the authority
    "rename_sheet",  # the sheet named `sheet` holds `table`
    "shift_header",  # the header of `table` stands in `header_row`
    "rename",  # the column headed `header` (its n-th `occurrence`) is `column`
    "recode",  # cells of `column` that say a key of `values` say its value; null makes them missing
    "extract",  # of each cell of `column` that matches `pattern`, only its group 1 is kept
    "rescale",  # numbers of `column` (only those above `above`, if given) are multiplied by `factor`
    "fill_blank",  # blank cells of `column` say `value`
    "drop_duplicate",  # of rows of `table` equal in every column, one is kept
    "drop_rows",  # rows of `table` in which no cell but the first can be read are no records
]
# The keys that each action needs, those that it may have besides, and those that every correction may have.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "alias_authority": ("spelling",),
    "rename_sheet": ("table", "sheet"),
    "shift_header": ("table", "header_row"),
    "rename": ("table", "column", "header"),
    "recode": ("table", "column", "values"),
    "extract": ("table", "column", "pattern"),
    "rescale": ("table", "column", "factor"),
    "fill_blank": ("table", "column", "value"),
    "drop_duplicate": ("table",),
    "drop_rows": ("table",),
}
MAY_HAVE: Mapping[str, tuple[str, ...]] = {
    "alias_authority": (),
    "rename_sheet": (),
    "rename": ("occurrence", "sheet"),
    "rescale": ("above", "sheet"),
    **dict.fromkeys(("shift_header", "recode", "extract", "fill_blank"), ("sheet",)),
    **dict.fromkeys(("drop_duplicate", "drop_rows"), ("sheet",)),
}
COMMON = (
    "id", "applies_to", "authority", "action", "layer", "return_month", "why", "source", "date", "expect",
)  # fmt: skip
# What the number that a correction touched counts.
UNITS: Mapping[str, str] = {
    "alias_authority": "files",
    "rename_sheet": "sheets",
    "shift_header": "sheets",
    "rename": "columns",
    "drop_duplicate": "rows",
    "drop_rows": "rows",
    **dict.fromkeys(("recode", "extract", "rescale", "fill_blank"), "cells"),
}
# What stands in a drafted correction where a person has to write; nothing that still says so is applied.
TO_FILL = "TO FILL"


class Expected(Part):
    """How many files, sheets, columns, rows or cells a correction must touch."""

    minimum: int = Field(default=1, ge=1)
    maximum: int | None = None

    def holds(self, count: int) -> bool:
        """Whether a count is as expected."""
        return count >= self.minimum and (self.maximum is None or count <= self.maximum)

    def __str__(self) -> str:
        if self.minimum == self.maximum:
            return str(self.minimum)
        return f"{self.minimum} or more" if self.maximum is None else f"{self.minimum} to {self.maximum}"


class Correction(Part):
    """One repair. `return_month`, `layer` and `sheet` narrow where it applies; without them, everywhere."""

    id: str
    applies_to: Literal["any", "real", "synthetic"] = "any"
    authority: str
    action: Action
    layer: Literal["dr1", "dr2", "dr3"] | None = None
    return_month: str | None = None
    table: str | None = None
    sheet: str | None = None
    column: str | None = None
    spelling: str | None = None
    header: str | None = None
    occurrence: int = Field(default=1, ge=1)
    header_row: int | None = Field(default=None, ge=1)
    values: dict[str, str | None] | None = None
    pattern: str | None = None
    factor: float | None = None
    above: float | None = None
    value: str | None = None
    why: str
    source: str
    date: date
    expect: PositiveInt | Expected
    _stands: str = PrivateAttr(default="")

    @property
    def stands(self) -> str:
        """File and line where the correction is declared; empty if it was made in memory."""
        return self._stands

    @property
    def unit(self) -> str:
        """What the number that it touches counts."""
        return UNITS[self.action]

    @property
    def expected(self) -> Expected:
        """`expect`, a single number being both bounds."""
        return (
            Expected(minimum=self.expect, maximum=self.expect)
            if isinstance(self.expect, int)
            else self.expect
        )

    def reaches(
        self,
        *,
        layer: str | None = None,
        month: str | None = None,
        sheet: str | None = None,
        table: str | None = None,
    ) -> bool:
        """Whether the correction applies at a place of its authority's returns, as far as it is given."""
        given = ((self.layer, layer), (self.return_month, month), (self.table, table))
        narrowed = all(own in (None, other) or other is None for own, other in given)
        return narrowed and (sheet is None or self.sheet is None or self.sheet.strip() == sheet.strip())
