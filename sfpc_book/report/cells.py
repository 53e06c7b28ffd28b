"""Turning a tidy frame into cells a person reads: words for headings, one format per kind of value."""

from __future__ import annotations

import pandas as pd

from sfpc_book.report.formats import NOT_AVAILABLE, date_text, is_missing, number

HEADINGS = {
    "authority": "Local authority",
    "conf_low": "Interval from",
    "conf_high": "Interval to",
    "df": "Degrees of freedom",
    "n": "Number",
    "p_value": "p-value",
    "std_error": "Standard error",
}


def heading(column: str) -> str:
    """The words for a column name: those in `HEADINGS`, else the name with spaces and a capital."""
    words = HEADINGS.get(column, column.replace("_", " "))
    return words[:1].upper() + words[1:]


def readable_cells(frame: pd.DataFrame, places: int = 2) -> pd.DataFrame:
    """The frame as text cells: dates in words, yes and no, numbers with separators, `[x]` where missing."""
    return pd.DataFrame({heading(name): _column(frame[name], places) for name in frame.columns}, dtype=object)


def _column(values: pd.Series, places: int) -> list[str]:
    if pd.api.types.is_bool_dtype(values):
        return [NOT_AVAILABLE if is_missing(value) else "yes" if value else "no" for value in values]
    if pd.api.types.is_datetime64_any_dtype(values):
        return [date_text(value) for value in values]
    if pd.api.types.is_numeric_dtype(values):
        present = values.dropna()
        decimals = 0 if (present == present.round()).all() else places
        return [number(value, decimals, signed=False).replace("[low]", "0") for value in values.astype(float)]
    return [NOT_AVAILABLE if is_missing(value) else str(value) for value in values]
