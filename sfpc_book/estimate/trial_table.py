"""Any table of a stepped-wedge trial as the estimators take it: children's rows, or cells of several.

Every fault of the table is found before anything is estimated, and all are told at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells, cells_of
from sfpc_book.estimate.child_models import Children
from sfpc_book.estimate.imputation import impute
from sfpc_book.estimate.table_faults import (
    dates,
    numbers,
    order_faults,
    refuse_missing_columns,
    role_columns,
    told,
)
from sfpc_book.study.wedge import Wedge

MOST_LEVELS = 50  # a covariate of text with more is an identifier, or a number written as text
# A wedge is dated; one that comes as period numbers is given days, of which only the order is used.
FIRST_DAY = date(2000, 1, 1).toordinal()
IMPUTATION_SEED = 20_200_301
NOT_A_WEDGE = "exposure is not one date for each cluster, kept from then on"


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
    need one say so. `binary`: the outcome lies between 0 and 1. `imputed` are data sets in which blank
    covariates are filled in; without any, `children` are complete."""

    children: Children
    cells: Cells | None
    wedge: Wedge | None
    binary: bool
    n_events: int | None
    imputed: tuple[Children, ...] = ()


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
    refuse_missing_columns(frame, roles.required)
    problems = list(_faults(frame, roles, imputations))
    if problems:
        raise EstimationError(f"The table has {len(problems)} fault(s):", problems)
    children = _children(frame, roles)
    cells = _cells(children)
    binary = bool((children.outcome >= 0).all() and (children.outcome <= 1).all())
    whole = binary and np.isin(children.outcome * children.weight % 1, [0]).all()
    events = round(float(children.outcome @ children.weight)) if whole else None
    wedge = None if cells is None else _wedge(cells, frame, roles)
    made = _imputed(frame, roles, children, imputations, seed) if imputations else ()
    return TrialTable(children, cells, wedge, binary, events, tuple(made))


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
    outcome, exposed = numbers(frame[roles.outcome]), numbers(frame[roles.exposed])
    yield from told(outcome.isna() & frame[roles.outcome].notna(), f"'{roles.outcome}' is not a number")
    wrong = ~exposed.isin([0, 1]) & frame[roles.exposed].notna()
    yield from told(wrong, f"'{roles.exposed}' is neither 0 nor 1")
    if roles.weights:
        weight = numbers(frame[roles.weights])
        yield from told(~(weight >= 0), f"'{roles.weights}' is not a number of at least 0")
    yield from order_faults(frame[roles.period].dropna(), roles.period)
    if roles.stratum:
        several = frame.groupby(roles.cluster)[roles.stratum].nunique()
        for cluster in several.index[several > 1]:
            yield f"cluster '{cluster}' has several values of '{roles.stratum}'; it has one stratum"
    for name in roles.covariates:
        levels = frame[name].nunique()
        if _is_code(frame[name], roles) and levels > MOST_LEVELS:
            yield f"covariate '{name}' is a code of {levels} levels; at most {MOST_LEVELS} are allowed"


def _children(frame: pd.DataFrame, roles: Roles) -> Children:
    period = numbers(frame[roles.period])
    period = period if period.notna().all() else dates(frame[roles.period])
    columns = [_covariate(frame[name], _is_code(frame[name], roles)) for name in roles.covariates]
    weight = np.ones(len(frame)) if roles.weights is None else numbers(frame[roles.weights]).to_numpy(float)
    return Children(
        outcome=numbers(frame[roles.outcome]).to_numpy(float),
        exposed=numbers(frame[roles.exposed]).to_numpy(float),
        cluster=frame[roles.cluster].astype(str).to_numpy(dtype=object),
        period=np.unique(period.to_numpy(), return_inverse=True)[1],
        weight=weight,
        covariates=np.column_stack(columns) if columns else np.zeros((len(frame), 0)),
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
        yield replace(children, covariates=np.hstack(columns))


def _is_code(values: pd.Series, roles: Roles) -> bool:
    return values.name in roles.categories or not pd.api.types.is_numeric_dtype(values)


def _covariate(values: pd.Series, is_code: bool) -> np.ndarray:
    """A number as it is; a code as dummies without its first level in order."""
    if not is_code:
        return values.to_numpy(float)[:, None]
    return pd.get_dummies(values.astype(str), drop_first=True).to_numpy(float)


def _cells(children: Children) -> Cells | None:
    """Cluster-period means, or None where a cell holds both exposures or exposure goes back."""
    frame = pd.DataFrame(
        {name: getattr(children, name) for name in ("cluster", "period", "exposed", "weight")}
    )
    frame = frame.assign(sum=children.outcome * children.weight).loc[children.weight > 0]
    grouped = frame.groupby(["cluster", "period"], sort=True)
    if frame.empty or (grouped["exposed"].min() != grouped["exposed"].max()).any():
        return None
    means = grouped.agg(exposed=("exposed", "first"), n_children=("weight", "sum"), total=("sum", "sum"))
    panel = means.reset_index().rename(columns={"cluster": "authority"})
    if (panel.groupby("authority")["exposed"].diff() < 0).any():
        return None
    start = panel.loc[panel["exposed"] == 1].groupby("authority")["period"].min()
    time = panel["period"] - panel["authority"].map(start).fillna(np.inf) + 1
    return cells_of(
        panel.assign(
            exposed=panel["exposed"].astype(int),
            value_mean=panel["total"] / panel["n_children"],
            exposure_time=time.where(panel["exposed"] == 1, 0).astype(int),
        )
    )


def _wedge(cells: Cells, frame: pd.DataFrame, roles: Roles) -> Wedge:
    """The design that the cells show: each cluster's first exposed period, exchanged within strata.

    A cluster that is never exposed starts after the last period.
    """
    periods = int(max(cells.periods)) + 1
    days = tuple(date.fromordinal(FIRST_DAY + period) for period in range(periods + 1))
    start = {
        name: int(min(cells.period[(cells.authority == place) & (cells.exposed == 1)], default=periods))
        for place, name in enumerate(cells.authorities)
    }
    stratum = dict.fromkeys(cells.authorities, "all")
    if roles.stratum:
        labels = frame[roles.stratum].astype(str).groupby(frame[roles.cluster].astype(str)).first()
        stratum = {name: labels[name] for name in cells.authorities}
    return Wedge(
        model_id="table",
        authorities=cells.authorities,
        go_live={name: days[period] for name, period in start.items()},
        stratum=stratum,
        window_start=days[0],
        window_end=days[-1],
        period_starts=days,
    )
