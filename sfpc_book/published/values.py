"""Numbers and years as published files write them; a symbol is a typed state, never a number."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

YEAR = re.compile(r"^(?P<start>\d{4})(?:[-/](?P<end>\d{2}))?(?:\s*\((?P<mark>[A-Za-z]+)\))?$")
ACADEMIC = re.compile(r"^(?P<start>\d{4})(?P<end>\d{2})$")
OUTTURN = "OT"


def parse_values(text: pd.Series, symbols: Mapping[str, str]) -> pd.DataFrame:
    """Split what stands in a number column into value and symbol.

    Returns
    -------
    DataFrame
        Index of `text`; `value` (float, NaN where a symbol stands), `symbol` (str, "" where a number
        stands, "blank" for an empty cell), `known` (bool: number or declared symbol).
    """
    stripped = text.astype("str").fillna("").str.strip()
    value = pd.to_numeric(stripped.str.replace(",", "", regex=False), errors="coerce").astype("float64")
    finite = np.isfinite(value)
    symbol = stripped.where(~finite, "")
    known = finite | symbol.isin(list(symbols))
    symbol = symbol.mask(~finite & (stripped == ""), "blank")
    return pd.DataFrame({"value": value.where(finite), "symbol": symbol.astype("str"), "known": known})


def year_ending(label: str, form: str) -> int | None:
    """Calendar year in which the period ends, or None if the label is not of this form.

    `ending`: "2023" is the year ending 31 March 2023. `financial`: "2022-23" or "2022-23 (OT)", outturn,
    is the year ending 31 March 2023. `academic`: "202223" is the academic year ending in 2023.
    A label marked provisional or revised is refused: it must be declared before it is used.
    """
    found = (ACADEMIC if form == "academic" else YEAR).match(label.strip())
    if found is None:
        return None
    start, end = int(found["start"]), found["end"]
    if form == "ending":
        return start if end is None and found["mark"] is None else None
    if end is None or int(end) != (start + 1) % 100:
        return None
    if form == "financial" and found["mark"] not in (None, OUTTURN):
        return None
    return start + 1


def years_ending(labels: pd.Series, form: str) -> pd.Series:
    """`year_ending` for a column; Int64, NA where the label is not of the form."""
    distinct = {label: year_ending(str(label), form) for label in labels.unique()}
    return labels.map(distinct).astype("Int64")


def three_digit(code: pd.Series) -> pd.Series:
    """Authority codes as text: 301.0, "301" and 301 are "301"; what is not a number stays missing."""
    number = pd.to_numeric(code, errors="coerce")
    return number.map(lambda item: f"{int(item):03d}", na_action="ignore").astype("str")
