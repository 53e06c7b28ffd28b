"""What a sheet holds besides the values of its cells: what is hidden, computed, or an error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorCell:
    """A cell that shows an error such as #N/A. It is not blank: something was there, and was lost."""

    code: str

    def __str__(self) -> str:
        return self.code


@dataclass(frozen=True)
class SheetMarks:
    """Places in one sheet: rows as in Excel, from 1; columns by position, from 0.

    `hidden_columns` are first and last of each hidden span. `formulas` are all cells with a formula;
    `unsolved` those of them whose result was not saved: they are read as blank.
    """

    hidden_rows: tuple[int, ...] = ()
    hidden_columns: tuple[tuple[int, int], ...] = ()
    formulas: tuple[tuple[int, int], ...] = ()
    unsolved: tuple[tuple[int, int], ...] = ()
    errors: tuple[tuple[int, int, str], ...] = ()

    def hides_column(self, position: int) -> bool:
        """Whether the column at a position is hidden."""
        return any(first <= position <= last for first, last in self.hidden_columns)
