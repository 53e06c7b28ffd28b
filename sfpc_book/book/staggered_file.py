"""The door for other data of staggered adoption: a CSV file in, tidy estimates out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sfpc_book.book.estimate_file import read_table, write_csv
from sfpc_book.errors import EstimationError, ParameterError
from sfpc_book.published.staggered_methods import STAGGERED_METHODS, estimate_staggered
from sfpc_book.published.staggered_table import PanelRoles, staggered_table


def staggered_file(
    path: Path, roles: PanelRoles, *, methods: str, conf_level: float, out: Path
) -> pd.DataFrame:
    """Estimate from a panel in a file and write the tidy rows to `out`; nothing is written on an error.

    `methods` are names with commas between, or `all`.

    Raises
    ------
    ParameterError
        For a file that is not there or no CSV, an unknown method.
    EstimationError
        With every fault of the table, naming the file.
    """
    names = list(STAGGERED_METHODS) if methods == "all" else parts(methods)
    unknown = [name for name in names if name not in STAGGERED_METHODS]
    if unknown or not names:
        allowed = ", ".join(("all", *STAGGERED_METHODS))
        raise ParameterError(
            f"--methods: {', '.join(map(repr, unknown)) or 'none'} not known. Allowed: {allowed}"
        )
    frame = read_table(path)
    try:
        table = staggered_table(frame, roles)
    except EstimationError as error:
        raise EstimationError(f"{path.name}: {error.message}", error.problems) from None
    rows = estimate_staggered(table, names, outcome=roles.outcome, conf_level=conf_level)
    write_csv(rows, out)
    return rows


def parts(listed: str) -> list[str]:
    """Names with commas between."""
    return [part for part in map(str.strip, listed.split(",")) if part]
