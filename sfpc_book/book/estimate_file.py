"""The door for other data: a CSV file in, tidy estimates out, by the estimators of the book."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import pandas as pd

from sfpc_book.book.files import write_text
from sfpc_book.errors import EstimationError, ParameterError
from sfpc_book.estimate.methods import METHODS, SCALES, estimate_table, methods_of, not_used
from sfpc_book.estimate.table_faults import refuse_columns
from sfpc_book.estimate.trial_table import Roles, trial_table

Table = TypeVar("Table")
ROWS_AT_ONCE = 100_000
CATEGORY = re.compile(r"C\((.+)\)")


def estimate_file(
    path: Path,
    roles: Roles,
    *,
    scale: str,
    methods: str,
    conf_level: float,
    imputations: int,
    out: Path,
) -> pd.DataFrame:
    """Estimate from a table in a file and write the tidy rows to `out`; nothing is written on an error.

    `methods` are names with commas between, or `all` of the scale.

    Raises
    ------
    ParameterError
        For a file that is not there or no CSV, an unknown scale or method.
    EstimationError
        With every fault of the table, naming the file.
    """
    if scale not in (*SCALES, "all"):
        raise ParameterError(f"--scale {scale!r} is not known. Allowed: {', '.join((*SCALES, 'all'))}")
    names = named_methods(methods, METHODS, every=methods_of(scale))
    check = partial(trial_table, roles=roles, imputations=imputations)
    table = checked_table(path, roles.required, check)
    rows = estimate_table(table, names, outcome=roles.outcome, conf_level=conf_level)
    write_csv(rows, out)
    return rows


def named_methods(listed: str, known: Iterable[str], *, every: Iterable[str]) -> tuple[str, ...]:
    """Names of methods with commas between; `all` stands for `every`.

    Raises
    ------
    ParameterError
        With the names that are not `known`, or if there is none.
    """
    names = tuple(every) if listed == "all" else parts(listed)
    unknown = ", ".join(repr(name) for name in names if name not in known)
    if unknown or not names:
        raise ParameterError(f"--methods: {unknown or 'none'} not known. Allowed: all, {', '.join(known)}")
    return names


def parts(listed: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(part for part in map(str.strip, listed.split(",")) if part)


def roles_of(
    outcome: str,
    exposed: str,
    cluster: str,
    period: str,
    *,
    covariates: str = "",
    weights: str | None = None,
    stratum: str | None = None,
) -> Roles:
    """Roles from options; a covariate written `C(age)` counts as a code, not as a number."""
    listed = parts(covariates)
    coded = [match[1].strip() for part in listed if (match := CATEGORY.fullmatch(part))]
    plain = tuple(CATEGORY.sub(r"\1", part).strip() for part in listed)
    return Roles(outcome, exposed, cluster, period, weights, stratum, plain, tuple(coded))


def notes_of(roles: Roles, methods: Iterable[str]) -> tuple[str, ...]:
    """Sentences on options that some methods do not use."""
    return tuple(
        f"--{option} {'is' if option == 'stratum' else 'are'} not used by {', '.join(idle)}."
        for option, idle in not_used(roles, methods).items()
    )


def checked_table(path: Path, columns: Mapping[str, str], check: Callable[[pd.DataFrame], Table]) -> Table:
    """What `check` makes of the columns (role → name) of a file; its errors name the file."""
    try:
        return check(read_table(path, columns))
    except EstimationError as error:
        raise EstimationError(f"{path.name}: {error.message}", error.problems) from None


def read_table(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    """The columns (role → name) of a CSV file of UTF-8 with a row of headers; others are not kept in memory.

    Raises
    ------
    ParameterError
        For a file that is not there, is no CSV, or has a row of more cells than the header.
    EstimationError
        For columns that are not there or stand there twice.
    """
    if not path.is_file():
        raise ParameterError(f"There is no file {path}.")
    try:
        header = pd.read_csv(path, header=None, nrows=1, dtype="str", keep_default_na=False)
        names = [str(name) for name in header.iloc[0]]
        refuse_columns(names, columns)
        return _columns_of(path, names, set(columns.values()))
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
    except pd.errors.ParserWarning:
        reason = "rows have more cells than the header"
    raise ParameterError(f"{path} is no CSV file in UTF-8 with a row of headers: {reason}")


def _columns_of(
    path: Path, names: list[str], wanted: set[str], text: frozenset[int] = frozenset()
) -> pd.DataFrame:
    """The columns wanted, read part by part so that the others never fill the memory.

    A column of numbers in one part and text in another is read again as `text`, each cell as it stands.
    """
    places = [place for place, name in enumerate(names) if name in wanted]
    options = {"header": 0, "names": range(len(names)), "index_col": False, "low_memory": False}
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        readers = pd.read_csv(path, chunksize=ROWS_AT_ONCE, dtype=dict.fromkeys(text, "str"), **options)
        parts = [part[places].copy() for part in readers]
    unlike = {
        place for place in places if len({pd.api.types.is_numeric_dtype(part[place]) for part in parts}) > 1
    }
    if unlike - text:
        return _columns_of(path, names, wanted, text | unlike)
    return pd.concat(parts, ignore_index=True).set_axis([names[place] for place in places], axis=1)


def write_csv(rows: pd.DataFrame, out: Path) -> None:
    """Write tidy rows, whole or not at all."""
    if not out.parent.is_dir():
        raise ParameterError(f"There is no folder {out.parent} to write {out.name} to.")
    write_text(out, rows.to_csv(index=False, lineterminator="\n"))
