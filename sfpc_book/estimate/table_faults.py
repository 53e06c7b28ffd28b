"""What can be wrong with a table that somebody brings, whatever is estimated from it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import fields

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError

ROWS_NAMED = 5


def role_columns(roles: object) -> dict[str, str]:
    """Role → column of those that a dataclass of roles names, its `covariates` among them."""
    single = {field.name: getattr(roles, field.name) for field in fields(roles)}
    named = {role: column for role, column in single.items() if isinstance(column, str)}
    return named | {f"covariate {name}": name for name in single.get("covariates", ())}


def refuse_missing_columns(frame: pd.DataFrame, columns: Mapping[str, str]) -> None:
    """Say which columns (role → name) a table lacks, with the nearest name that it has.

    Raises
    ------
    EstimationError
        With one problem for each column that is not there.
    """
    absent = {role: column for role, column in columns.items() if column not in frame.columns}
    if not absent:
        return
    problems = []
    for role, column in absent.items():
        near = difflib.get_close_matches(column, [str(name) for name in frame.columns], n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        problems.append(f"no column '{column}' for {role}{hint}")
    known = ", ".join(str(name) for name in frame.columns)
    raise EstimationError(f"The table lacks columns. It has: {known}.", problems)


def told(wrong: pd.Series, what: str, advice: str = "") -> Iterator[str]:
    """One fault for all rows in which something is wrong; rows count from 1 below the header."""
    if wrong.any():
        rows = [str(number + 1) for number in np.flatnonzero(wrong)[:ROWS_NAMED]]
        more = f" and {int(wrong.sum()) - ROWS_NAMED} more" if wrong.sum() > ROWS_NAMED else ""
        yield f"{what} in row(s) {', '.join(rows)}{more}{'; ' + advice if advice else ''}"


def numbers(values: pd.Series) -> pd.Series:
    """Numbers, missing where a cell is none."""
    return pd.to_numeric(values, errors="coerce")


def dates(values: pd.Series) -> pd.Series:
    """Dates written YYYY-MM-DD, missing where a cell is none."""
    return pd.to_datetime(values.astype(str), errors="coerce", format="ISO8601")


def order_faults(values: pd.Series, name: str) -> Iterator[str]:
    """A fault where values have no order of their own: neither all numbers nor all dates."""
    if numbers(values).isna().any() and dates(values).isna().any():
        yield (
            f"'{name}' must hold numbers, or dates as YYYY-MM-DD, so that periods have an order; "
            "text would be put in that of the alphabet"
        )
