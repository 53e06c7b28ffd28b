"""Any table of a stepped-wedge trial as the estimators take it: children's rows, or cells of several.

Every fault of the table is found before anything is estimated, and all are told at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.child_models import Children
from sfpc_book.estimate.imputation import impute
from sfpc_book.estimate.table_faults import (
    dates,
    not_finite,
    numbers,
    order_faults,
    refuse_columns,
    role_columns,
    stray_text_faults,
    told,
)
from sfpc_book.estimate.trial_cells import Starts, cluster_periods, no_cells, wedge_of
from sfpc_book.study.wedge import Wedge

MOST_LEVELS = 50  # a covariate of text with more is an identifier, or a number written as text
IMPUTATION_SEED = 20_200_301
SMALL_SPREAD = 1e-3
WHOLE = 1e-6  # a number of events this near to a whole one, relative to it, is it


@dataclass(frozen=True)
class Roles:
    """Which column of a table plays which role; None where there is none. A covariate in `categories` counts
    as a code even where it is a number."""

    outcome: str
    exposed: str
    cluster: str
    period: str
    weights: str | None = None
    stratum: str | None = None
    covariates: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def required(self) -> dict[str, str]:
        """Role → column of those named."""
        return role_columns(self)


@dataclass(frozen=True)
class TrialTable:
    """A checked table. `cells` and `wedge` are None where exposure is not that of a wedge; then methods that
    need one say why not (`no_cells`); `no_starts` says why the periods in which clusters were first exposed
    are not known. `binary`: the outcome lies between 0 and 1. `imputed` are data sets in which blank
    covariates are filled in, one row for children alike; without any, `children` are complete and `kinds` are
    they, one row for those alike."""

    children: Children
    cells: Cells | None
    wedge: Wedge | None
    binary: bool
    n_events: int | None
    imputed: tuple[Children, ...] = ()
    kinds: Children | None = None
    no_cells: str = ""
    no_starts: str = ""


def trial_table(
    frame: pd.DataFrame, roles: Roles, *, imputations: int = 0, seed: int = IMPUTATION_SEED
) -> TrialTable:
    """Check a table and turn it into arrays.

    Parameters
    ----------
    frame
        One row for each child, or for children alike (`weights` their number, the outcome their mean).
        Exposure is 0 or 1; periods are numbers or dates (YYYY-MM-DD) and count in their order; a stratum is
        one for each cluster; covariates are numbers, or codes of at most 50 levels, of which the first is
        the reference.
    imputations
        Data sets in which blank codes are filled in (see `imputation`); 0: blanks are faults.

    Raises
    ------
    EstimationError
        With every fault: columns that are not there, cells that are missing or of another type, with rows.
    """
    refuse_columns(frame.columns, roles.required)
    problems = list(_faults(frame, roles, imputations))
    if problems:
        raise EstimationError(f"The table has {len(problems)} fault(s):", problems)
    children = _children(frame, roles)
    binary = bool((children.outcome >= 0).all() and (children.outcome <= 1).all())
    made = tuple(_imputed(frame, roles, children, imputations, seed)) if imputations else ()
    kinds = None if made else children.distinct()
    table = TrialTable(children, None, None, binary, _events(children) if binary else None, made, kinds)
    cause = no_cells(children)
    if cause:
        return replace(table, no_cells=cause)
    starts = Starts.of(children)
    cells = cluster_periods(children, starts)
    wedge = wedge_of(cells, starts, _strata(frame, roles))
    return replace(table, cells=cells, wedge=wedge, no_starts=starts.unknown)


def _near_zero(outcome: np.ndarray) -> np.ndarray:
    """The outcome, its mean taken out where it varies little beside its level.

    No effect depends on the level; rounding would.
    """
    level, spread = float(np.abs(outcome).max()), float(np.ptp(outcome))
    return outcome - outcome.mean() if level > 1 and 0 < spread < SMALL_SPREAD * level else outcome


def _events(children: Children) -> int | None:
    """Number of events, if every row has a whole number of them but for rounding."""
    events = children.outcome * children.weight
    return round(float(events.sum())) if np.allclose(events, np.round(events), rtol=WHOLE, atol=0) else None


def _strata(frame: pd.DataFrame, roles: Roles) -> Mapping[str, str]:
    names = frame[roles.cluster].astype(str)
    if roles.stratum is None:
        return dict.fromkeys(names.unique(), "all")
    return frame[roles.stratum].astype(str).groupby(names).first().to_dict()


def _faults(frame: pd.DataFrame, roles: Roles, imputations: int) -> Iterator[str]:
    if frame.empty:
        yield "it has no rows"
        return
    if imputations == 1 or (imputations and roles.weights):
        yield "imputation takes rows of single children, without weights, and at least two data sets"
    filled = [name for name in roles.covariates if imputations and _is_code(frame[name], roles)]
    for role, column in roles.required.items():
        if column not in filled:
            what = f"column '{column}' ({role}) is blank"
            yield from told(frame[column].isna(), what, "fill or leave them out")
    exposed = numbers(frame[roles.exposed])
    yield from told(not_finite(frame[roles.outcome]), f"'{roles.outcome}' is not a finite number")
    wrong = ~exposed.isin([0, 1]) & frame[roles.exposed].notna()
    yield from told(wrong, f"'{roles.exposed}' is neither 0 nor 1")
    if roles.weights:
        weight, named = numbers(frame[roles.weights]), frame[roles.weights].notna()
        wrong = named & ~((weight >= 0) & np.isfinite(weight.astype(float)))
        yield from told(wrong, f"'{roles.weights}' is not a finite number of at least 0")
    yield from order_faults(frame[roles.period].dropna(), roles.period)
    if roles.stratum:
        several = frame.groupby(roles.cluster)[roles.stratum].nunique()
        for cluster in several.index[several > 1]:
            yield f"cluster '{cluster}' has several values of '{roles.stratum}'; it has one stratum"
    yield from _covariate_faults(frame, roles)


def _covariate_faults(frame: pd.DataFrame, roles: Roles) -> Iterator[str]:
    for name in roles.covariates:
        if name not in roles.categories:
            yield from stray_text_faults(frame[name], name)
        if not _is_code(frame[name], roles):
            yield from told(not_finite(frame[name]), f"covariate '{name}' is not a finite number")
        levels = frame[name].nunique()
        if _is_code(frame[name], roles) and levels > MOST_LEVELS:
            yield f"covariate '{name}' is a code of {levels} levels; at most {MOST_LEVELS} are allowed"


def _children(frame: pd.DataFrame, roles: Roles) -> Children:
    period = numbers(frame[roles.period])
    period = period if period.notna().all() else dates(frame[roles.period])
    columns = [_covariate(frame[name], _is_code(frame[name], roles)) for name in roles.covariates]
    weight = np.ones(len(frame)) if roles.weights is None else numbers(frame[roles.weights]).to_numpy(float)
    return Children(
        outcome=_near_zero(numbers(frame[roles.outcome]).to_numpy(float)),
        exposed=numbers(frame[roles.exposed]).to_numpy(float),
        cluster=frame[roles.cluster].astype(str).to_numpy(dtype=object),
        period=np.unique(period.to_numpy(), return_inverse=True)[1],
        weight=weight,
        covariates=_beside(columns, len(frame)),
    )


def _imputed(
    frame: pd.DataFrame, roles: Roles, children: Children, number: int, seed: int
) -> Iterator[Children]:
    """The children with blank codes filled in, `number` times; outcome, exposure, cluster and period are in
    the models that fill them in."""
    coded = {name: frame[name].astype(object) for name in roles.covariates if _is_code(frame[name], roles)}
    levels = {name: sorted(values.dropna().astype(str).unique()) for name, values in coded.items()}
    codes = {
        name: pd.Categorical(values.where(values.isna(), values.astype(str)), levels[name]).codes.astype(int)
        for name, values in coded.items()
    }
    complete = [frame[name].to_numpy(float) for name in roles.covariates if name not in coded]
    labels = pd.get_dummies(
        pd.DataFrame({"cluster": children.cluster, "period": children.period.astype(str)}), drop_first=True
    )
    fixed = np.column_stack([labels.to_numpy(float), children.exposed, children.outcome, *complete])
    for filled in impute(codes, fixed, np.random.default_rng(seed), number=number):
        columns = [
            (filled[name][:, None] == np.arange(1, len(levels[name]))).astype(float)
            if name in filled
            else frame[name].to_numpy(float)[:, None]
            for name in roles.covariates
        ]
        yield replace(children, covariates=_beside(columns, len(frame))).distinct()


def _beside(parts: list[np.ndarray], n: int) -> np.ndarray:
    """Parts of n rows beside each other, each column in one piece of memory."""
    joined = np.empty((n, sum(part.shape[1] for part in parts)), order="F")
    start = 0
    for part in parts:
        joined[:, start : start + part.shape[1]] = part
        start += part.shape[1]
    return joined


def _is_code(values: pd.Series, roles: Roles) -> bool:
    return values.name in roles.categories or not pd.api.types.is_numeric_dtype(values)


def _covariate(values: pd.Series, is_code: bool) -> np.ndarray:
    """A number as it is; a code as dummies without its first level in order."""
    if not is_code:
        return values.to_numpy(float)[:, None]
    return pd.get_dummies(values.astype(str), drop_first=True).to_numpy(float)
