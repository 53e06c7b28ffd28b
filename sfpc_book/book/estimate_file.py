"""The door for other data: a CSV file in, tidy estimates out, by the estimators of the book."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import pandas as pd

from sfpc_book.book.files import write_text
from sfpc_book.errors import EstimationError, ParameterError
from sfpc_book.estimate.methods import METHODS, SCALES, estimate_table, methods_of
from sfpc_book.estimate.trial_table import Roles, trial_table

Table = TypeVar("Table")
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
    table = checked_table(path, lambda frame: trial_table(frame, roles, imputations=imputations))
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


def checked_table(path: Path, check: Callable[[pd.DataFrame], Table]) -> Table:
    """What `check` makes of the table in a file; its errors name the file."""
    frame = read_table(path)
    try:
        return check(frame)
    except EstimationError as error:
        raise EstimationError(f"{path.name}: {error.message}", error.problems) from None


def read_table(path: Path) -> pd.DataFrame:
    """A CSV file of UTF-8 with a row of headers; a number written in quotes stays what it says."""
    if not path.is_file():
        raise ParameterError(f"There is no file {path}.")
    try:
        return pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise ParameterError(f"{path} is no CSV file in UTF-8 with a row of headers: {reason}") from None


def write_csv(rows: pd.DataFrame, out: Path) -> None:
    """Write tidy rows, whole or not at all."""
    if not out.parent.is_dir():
        raise ParameterError(f"There is no folder {out.parent} to write {out.name} to.")
    write_text(out, rows.to_csv(index=False, lineterminator="\n"))
