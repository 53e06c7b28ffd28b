"""The door for other data of staggered adoption: a CSV file in, tidy estimates out."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd

from sfpc_book.book.estimate_file import checked_table, named_methods, write_csv
from sfpc_book.estimate.table_faults import role_columns
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
    names = named_methods(methods, STAGGERED_METHODS, every=STAGGERED_METHODS)
    table = checked_table(path, role_columns(roles), partial(staggered_table, roles=roles))
    rows = estimate_staggered(table, names, outcome=roles.outcome, conf_level=conf_level)
    write_csv(rows, out)
    return rows
