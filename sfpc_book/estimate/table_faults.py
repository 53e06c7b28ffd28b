"""What can be wrong with a table that somebody brings, whatever is estimated from it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError

ROWS_NAMED = 5
MOST_CODED_NUMBERS = 10
SHARED_ROLES = ("stratum", "weights")


def role_columns(roles: object) -> dict[str, str]:
    """Role → column of those that a dataclass of roles names, its `covariates` among them."""
    single = {field.name: getattr(roles, field.name) for field in fields(roles)}
    named = {role: column for role, column in single.items() if isinstance(column, str)}
    listed = single.get("covariates", ())
    again = [name for place, name in enumerate(listed) if name in listed[:place]]
    return named | {f"covariate {name}": name for name in listed} | {f"{name} again": name for name in again}


def refuse_columns(names: Iterable[object], columns: Mapping[str, str]) -> None:
    """Say which columns (role → name) a table lacks, with the nearest name that it has, which it has twice,
    and which were given several roles.

    Raises
    ------
    EstimationError
        With one problem for each column.
    """
    known = [str(name) for name in names]
    problems = [*_absent(known, columns), *_twice(known, columns), *_several_roles(columns)]
    if problems:
        raise EstimationError(f"The columns do not fit. The table has: {', '.join(known)}.", problems)


def _absent(known: list[str], columns: Mapping[str, str]) -> Iterator[str]:
    for role, column in columns.items():
        if column not in known:
            near = difflib.get_close_matches(column, known, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            yield f"no column '{column}' for {role}{hint}"


def _twice(known: list[str], columns: Mapping[str, str]) -> Iterator[str]:
    for column in dict.fromkeys(columns.values()):
        if known.count(column) > 1:
            yield f"{known.count(column)} columns are called '{column}'; rename or leave out all but one"


def _several_roles(columns: Mapping[str, str]) -> Iterator[str]:
    """A stratum or weights may be what another column is, but what is estimated cannot."""
    for column in dict.fromkeys(columns.values()):
        roles = [role for role, name in columns.items() if name == column and role not in SHARED_ROLES]
        if len(roles) > 1:
            yield f"column '{column}' is given as {' and '.join(roles)}; it can be one of them"


def told(wrong: pd.Series, what: str, advice: str = "") -> Iterator[str]:
    """One fault for all rows in which something is wrong; rows count from 1 below the header."""
    if wrong.any():
        rows = [str(number + 1) for number in np.flatnonzero(wrong)[:ROWS_NAMED]]
        more = f" and {int(wrong.sum()) - ROWS_NAMED} more" if wrong.sum() > ROWS_NAMED else ""
        yield f"{what} in row(s) {', '.join(rows)}{more}{'; ' + advice if advice else ''}"


def numbers(values: pd.Series) -> pd.Series:
    """Numbers, missing where a cell is none."""
    if pd.api.types.is_numeric_dtype(values):
        return values
    return _read_once(values, lambda texts: pd.to_numeric(texts, errors="coerce").astype(float))


def not_finite(values: pd.Series) -> pd.Series:
    """Cells that hold something, but no finite number."""
    return ~np.isfinite(numbers(values).astype(float)) & values.notna()


def stray_text_faults(values: pd.Series, name: str) -> Iterator[str]:
    """A fault where a column of many numbers holds text too: as a code its numbers would lose their order.

    A few numbers with text, such as 0, 1, 2 and `3+`, are levels of a code.
    """
    if pd.api.types.is_numeric_dtype(values):
        return
    read = numbers(values)
    stray = read.isna() & values.notna()
    if stray.any() and read.nunique() > MOST_CODED_NUMBERS:
        advice = f"mend them, or write C({name}) if it is a code"
        yield from told(stray, f"covariate '{name}' holds numbers but for text", advice)


def dates(values: pd.Series) -> pd.Series:
    """Dates written YYYY-MM-DD, missing where a cell is none."""
    return _read_once(
        values, lambda texts: pd.to_datetime(texts.astype(str), errors="coerce", format="ISO8601")
    )


def _read_once(values: pd.Series, read: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """What `read` makes of a column, each different cell read once; missing where the cell is."""
    kind, texts = pd.factorize(values)
    return read(pd.Series(texts, dtype=object)).reindex(kind).set_axis(values.index)


def order_faults(values: pd.Series, name: str) -> Iterator[str]:
    """A fault where values have no order of their own: neither all numbers nor all dates."""
    if numbers(values).isna().any() and dates(values).isna().any():
        yield (
            f"'{name}' must hold numbers, or dates as YYYY-MM-DD, so that periods have an order; "
            "text would be put in that of the alphabet"
        )
