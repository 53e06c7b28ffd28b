"""A column of cells to canonical values. Distinct cells are read once, then spread over the rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sfpc_book.contracts.contract import Column
from sfpc_book.contracts.vocabulary import Vocabularies, plain_text
from sfpc_book.returns.cell_dates import MONTH_FIRST_FORM, UNBORN_YEAR, is_month_first, read_date
from sfpc_book.returns.cell_values import NO_FACTORS, read_factors, read_integer, read_number, text_of
from sfpc_book.returns.sheet_marks import ErrorCell

# What became of a cell. UNMAPPED is never counted as missing: somebody has to look.
CLEAN, BLANK, PHRASE, UNMAPPED, UNBORN = range(5)
DAYLESS = ("mm/yyyy", "yyyy-mm", "month name")
DATES = ("date", "month", "birth_month")
UNBORN_WORD, UNBORN_OTHER, UNBORN_DATE = "unborn as a word", "unborn as another word", "unborn as a date"
DTYPES = {
    "text": "str", "code": "str", "factors": "str", "flag": "Int8", "integer": "Int64",
    "number": "float64", "share": "float64", "percent": "float64",
    "date": "datetime64[ns]", "month": "datetime64[ns]", "birth_month": "datetime64[ns]",
}  # fmt: skip


class Cell(NamedTuple):
    """What one distinct cell says: its canonical value, what became of it, the name of its form."""

    value: Any
    kind: int
    form: str


@dataclass(frozen=True)
class ReadColumn:
    """Canonical values of a column; of each cell, what became of it (int8) and the number of its form in
    `form_names` (int16, -1 for none)."""

    values: pd.Series
    kinds: np.ndarray
    form_numbers: np.ndarray
    form_names: tuple[str, ...]

    @property
    def forms(self) -> dict[str, int]:
        """How often each form occurs, by name."""
        counts = np.bincount(self.form_numbers + 1, minlength=len(self.form_names) + 1)[1:]
        return {name: int(count) for name, count in zip(self.form_names, counts, strict=True) if count}

    def of_form(self, *forms: str) -> np.ndarray:
        """Which cells are of one of these forms."""
        return np.isin(
            self.form_numbers, [self.form_names.index(form) for form in self.forms if form in forms]
        )

    def take(self, keep: np.ndarray) -> ReadColumn:
        """The cells that a mask keeps."""
        values = self.values[keep].reset_index(drop=True)
        return replace(self, values=values, kinds=self.kinds[keep], form_numbers=self.form_numbers[keep])

    def count(self, kind: int) -> int:
        """Number of cells of which this became."""
        return int(np.count_nonzero(self.kinds == kind))

    def first(self, kind: int) -> int | None:
        """Position of the first such cell."""
        found = np.flatnonzero(self.kinds == kind)
        return int(found[0]) if len(found) else None


def read_column(cells: Sequence[object], column: Column, words: Vocabularies) -> ReadColumn:
    """Read cells as the column's type.

    The result is as long as `cells`: `str`, `Int8` (flag), `Int64`, `float64` or `datetime64[ns]`, missing
    where the cell is blank, says that nothing is known, or is unmapped.
    """
    places: dict[object, int] = {}
    codes = np.fromiter(
        (places.setdefault(cell, len(places)) for cell in cells), dtype=np.int64, count=len(cells)
    )
    read = [_read_cell(cell, column, words) for cell in places]
    names = tuple(sorted({cell.form for cell in read if cell.form}))
    numbers = {name: number for number, name in enumerate(names)}
    forms = np.array([numbers.get(cell.form, -1) for cell in read], dtype=np.int16)
    values = _typed([cell.value for cell in read], column.type).take(codes).reset_index(drop=True)
    kinds = np.array([cell.kind for cell in read], dtype=np.int8)
    return ReadColumn(values, kinds[codes], forms[codes], names)


def is_blank(cell: object) -> bool:
    """Whether a cell holds nothing to see."""
    return cell is None or (isinstance(cell, str) and not cell.strip("\u00a0 \t\r\n"))


def _typed(values: list[Any], kind: str) -> pd.Series:
    dtype = DTYPES[kind]
    if dtype.startswith("datetime"):
        days = ["NaT" if value is None else value.isoformat() for value in values]
        return pd.Series(np.array(days, dtype="datetime64[D]").astype(dtype))
    if dtype == "float64":
        return pd.Series(np.array([np.nan if value is None else value for value in values], dtype=dtype))
    return pd.Series(pd.array(values, dtype=dtype))


def _read_cell(cell: object, column: Column, words: Vocabularies) -> Cell:
    if is_blank(cell):
        return Cell(None, BLANK, "")
    found = None if isinstance(cell, ErrorCell) else READERS[column.type](cell, column, words)
    if found is not None:
        return found
    if isinstance(cell, str) and words.says_missing(cell):
        return Cell(None, PHRASE, "")
    turned = column.type in DATES and is_month_first(cell)
    return Cell(column.unmapped_as, UNMAPPED, MONTH_FIRST_FORM if turned else "")


def _text(cell: object, column: Column, words: Vocabularies) -> Cell | None:
    text = text_of(cell)
    if words.says_missing(text) or (column.pattern and not re.fullmatch(column.pattern, text)):
        return None
    return Cell(text, CLEAN, "text" if isinstance(cell, str) else "number as text")


def _date(cell: object, column: Column, words: Vocabularies) -> Cell | None:
    found = read_date(cell)
    return Cell(found[0], CLEAN, found[1]) if found and found[0].year != UNBORN_YEAR else None


def _month(cell: object, column: Column, words: Vocabularies) -> Cell | None:
    found = _date(cell, column, words)
    return found._replace(value=found.value.replace(day=1)) if found else None


def _birth_month(cell: object, column: Column, words: Vocabularies) -> Cell | None:
    if isinstance(cell, str) and words.says_unborn(cell):
        asked = plain_text(cell) == plain_text(words.unborn_phrases[0])
        return Cell(None, UNBORN, UNBORN_WORD if asked else UNBORN_OTHER)
    found = read_date(cell)
    if found and found[0].isoformat() in words.unborn_dates:
        return Cell(None, UNBORN, UNBORN_DATE)
    return _month(cell, column, words)


def _number(cell: object, column: Column, words: Vocabularies) -> Cell | None:
    found = read_number(cell, column.type)
    return Cell(found[0], CLEAN, found[1]) if found else None


def _integer(cell: object, column: Column, words: Vocabularies) -> Cell | None:
    found = read_integer(cell)
    return Cell(found[0], CLEAN, found[1]) if found else None


def _flag(cell: object, column: Column, words: Vocabularies) -> Cell | None:
    plain = plain_text(text_of(cell))
    return Cell(words.flags[plain], CLEAN, words.flag_pairs[plain]) if plain in words.flags else None


def _coded(cell: object, column: Column, words: Vocabularies) -> Cell | None:
    text = text_of(cell)
    code = words.lookups[column.vocabulary].get(plain_text(text))
    return Cell(code, CLEAN, "code" if text == code else "other spelling") if code is not None else None


def _factors(cell: object, column: Column, words: Vocabularies) -> Cell | None:
    text, unknown = read_factors(cell, column.vocabulary, words)
    if not unknown:
        asked = text_of(cell) == (text or NO_FACTORS)
        return Cell(text, CLEAN, "code" if asked else "other spelling")
    return Cell(text, UNMAPPED, "") if text else None


Reader = Callable[[object, Column, Vocabularies], Cell | None]
READERS: Mapping[str, Reader] = {
    "text": _text, "date": _date, "month": _month, "birth_month": _birth_month, "integer": _integer,
    "number": _number, "share": _number, "percent": _number, "flag": _flag, "code": _coded,
    "factors": _factors,
}  # fmt: skip
