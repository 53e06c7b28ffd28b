"""A column of cells to canonical values. Distinct cells are read once, then spread over the rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sfpc_book.contracts.contract import Column
from sfpc_book.contracts.vocabulary import Vocabularies, plain_text
from sfpc_book.returns.cell_dates import UNBORN_YEAR, read_date
from sfpc_book.returns.cell_values import NO_FACTORS, read_factors, read_integer, read_number, text_of
from sfpc_book.returns.sheet_marks import ErrorCell

# What became of a cell. UNMAPPED is never counted as missing: somebody has to look.
CLEAN, BLANK, PHRASE, UNMAPPED, UNBORN = range(5)
DAYLESS = ("mm/yyyy", "yyyy-mm", "month name")
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
    """Canonical values of a column, what became of each cell (int8), and how often each form occurs."""

    values: pd.Series
    kinds: np.ndarray
    forms: Mapping[str, int]

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
    counts = np.bincount(codes, minlength=len(read))
    forms: Counter[str] = Counter()
    for cell, number in zip(read, counts, strict=True):
        if cell.form:
            forms[cell.form] += int(number)
    values = _typed([cell.value for cell in read], column.type).take(codes).reset_index(drop=True)
    kinds = np.array([cell.kind for cell in read], dtype=np.int8)
    return ReadColumn(values, kinds[codes], dict(sorted(forms.items())))


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
    if isinstance(cell, str) and _says_nothing_known(plain_text(cell), column, words):
        return Cell(None, PHRASE, "")
    return Cell(column.unmapped_as, UNMAPPED, "")


def _says_nothing_known(text: str, column: Column, words: Vocabularies) -> bool:
    """Whether a cell is a phrase for missing, or a sentence around one of several words.

    Identifiers are free text: there a phrase counts only if it is all that the cell says.
    """
    if text in words.missing:
        return True
    return column.type != "text" and words.missing_within(text)


def _text(cell: object, column: Column, words: Vocabularies) -> Cell | None:
    text = text_of(cell)
    if plain_text(text) in words.missing or (column.pattern and not re.fullmatch(column.pattern, text)):
        return None
    return Cell(text, CLEAN, "text" if isinstance(cell, str) else "number as text")


def _date(cell: object, column: Column, words: Vocabularies) -> Cell | None:
    found = read_date(cell)
    return Cell(found[0], CLEAN, found[1]) if found and found[0].year != UNBORN_YEAR else None


def _month(cell: object, column: Column, words: Vocabularies) -> Cell | None:
    found = _date(cell, column, words)
    return found._replace(value=found.value.replace(day=1)) if found else None


def _birth_month(cell: object, column: Column, words: Vocabularies) -> Cell | None:
    if isinstance(cell, str) and plain_text(cell) in words.unborn:
        asked = plain_text(cell) == plain_text(words.unborn_phrases[0])
        return Cell(None, UNBORN, "unborn as a word" if asked else "unborn as another word")
    found = read_date(cell)
    if found and found[0].isoformat() in words.unborn_dates:
        return Cell(None, UNBORN, "unborn as a date")
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
