"""Any balanced panel of staggered adoption as the estimators take it, checked before anything is estimated.

Every fault of the table is found first, and all are told at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.table_faults import (
    dates,
    numbers,
    order_faults,
    refuse_columns,
    role_columns,
    told,
)

NEVER = 0  # first_year of a unit that is never treated
NEVER_WORDS = ("", "never")


@dataclass(frozen=True)
class PanelRoles:
    """Which column of a table plays which role; None where there is none."""

    outcome: str
    unit: str
    time: str
    first_treated: str
    weights: str | None = None
    cluster: str | None = None
    covariates: tuple[str, ...] = ()


@dataclass(frozen=True)
class StaggeredTable:
    """A checked panel.

    Attributes
    ----------
    panel : DataFrame
        unit, year, outcome, first_year (0 for never treated), weight (mean 1), cluster, and the covariates;
        sorted by unit and year. Years count the times of the table from 1; units and clusters from 0.
    times : tuple
        The times as the table writes them, in order: `times[0]` is year 1.
    covariates : tuple
        Columns of `panel` that doubly robust estimation adjusts for.
    weighted, clustered : bool
        Whether the table brought weights, and clusters larger than units.
    """

    panel: pd.DataFrame
    times: tuple[str, ...]
    covariates: tuple[str, ...]
    weighted: bool
    clustered: bool

    @property
    def n_clusters(self) -> int:
        return self.panel["cluster"].nunique()

    @property
    def has_never_treated(self) -> bool:
        return bool((self.panel["first_year"] == NEVER).any())

    @property
    def cohorts(self) -> tuple[int, ...]:
        """First years of the treated, in order."""
        first = self.panel["first_year"]
        return tuple(int(year) for year in sorted(first[first > NEVER].unique()))

    @property
    def weights_vary_over_time(self) -> bool:
        weights = self.panel.groupby("unit")["weight"]
        return bool((weights.max() > weights.min()).any())

    def clusters_in(self, first_year: int) -> int:
        """Clusters among the units that are first treated in a year, or never (0)."""
        return self.panel.loc[self.panel["first_year"] == first_year, "cluster"].nunique()

    def label(self, first_year: int) -> str:
        """A first year as the table writes it, or `never`."""
        return "never" if first_year == NEVER else self.times[first_year - 1]

    def exposed(self) -> np.ndarray:
        """0/1 for each row of `panel`."""
        first = self.panel["first_year"]
        return ((first > NEVER) & (self.panel["year"] >= first)).to_numpy(dtype=float)

    def cells(self) -> Cells:
        """The panel as cells of a two-way model; `children` weights are those of the table."""
        exposed, first = self.exposed(), self.panel["first_year"].to_numpy()
        return Cells(
            authorities=tuple(str(unit) for unit in self.panel["unit"].unique()),
            periods=tuple(range(1, len(self.times) + 1)),
            authority=self.panel["unit"].to_numpy(),
            period=self.panel["year"].to_numpy(),
            exposed=exposed,
            exposure_time=np.where(exposed > 0, self.panel["year"] - first + 1, 0).astype(int),
            weight=self.panel["weight"].to_numpy(),
            mean=self.panel["outcome"].to_numpy(),
            n_empty=0,
        )

    def matrix(self) -> tuple[np.ndarray, np.ndarray]:
        """Outcomes (units, years), and the first year of each unit."""
        outcome = self.panel["outcome"].to_numpy().reshape(-1, len(self.times))
        return outcome, self.panel["first_year"].to_numpy()[:: len(self.times)]

    def with_controls(self) -> StaggeredTable:
        """The table itself if it has never-treated units; otherwise its times before the last adoption, in
        which the last adopters are untreated throughout (Sun and Abraham 2021, section 4.1)."""
        if self.has_never_treated:
            return self
        last = self.cohorts[-1]
        before = self.panel[self.panel["year"] < last]
        first = before["first_year"].where(before["first_year"] < last, NEVER)
        weight = before["weight"] / before["weight"].mean()
        panel = before.assign(first_year=first, weight=weight).reset_index(drop=True)
        return replace(self, panel=panel, times=self.times[: last - 1])


def staggered_table(frame: pd.DataFrame, roles: PanelRoles) -> StaggeredTable:
    """Check a table and number its times, units and clusters.

    Parameters
    ----------
    frame
        One row for each unit and time, every unit at every time. Times are numbers or dates (YYYY-MM-DD) and
        count in their order. The first treated time of a unit is one of the times after the first; 0, blank
        or `never` for a unit that is never treated. Weights are above 0; a cluster holds whole units.

    Raises
    ------
    EstimationError
        With every fault: columns that are not there, cells of another type, times that are missing or twice,
        starts that vary or lie outside, with rows.
    """
    columns = role_columns(roles)
    refuse_columns(frame.columns, columns)
    problems = list(_cell_faults(frame, roles, columns))
    if not problems:
        problems = [*_panel_faults(frame, roles), *_start_faults(frame, roles)]
    if problems:
        raise EstimationError(f"The table has {len(problems)} fault(s):", problems)
    return _table(frame, roles)


def _cell_faults(frame: pd.DataFrame, roles: PanelRoles, columns: dict[str, str]) -> Iterator[str]:
    """Cells that are blank or of a type that is not allowed."""
    if frame.empty:
        yield "it has no rows"
        return
    for role, column in columns.items():
        if role != "first_treated":
            yield from told(frame[column].isna(), f"column '{column}' ({role}) is blank", "fill it")
    for name in (roles.outcome, *roles.covariates):
        wrong = ~np.isfinite(numbers(frame[name])) & frame[name].notna()
        yield from told(wrong, f"'{name}' is not a finite number")
    if roles.weights:
        weight = numbers(frame[roles.weights])
        wrong = ~((weight > 0) & np.isfinite(weight)) & frame[roles.weights].notna()
        yield from told(wrong, f"'{roles.weights}' is not a number above 0", "leave rows without weight out")
    yield from order_faults(frame[roles.time].dropna(), roles.time)
    wrong = ~_is_never(frame[roles.first_treated]) & _first(frame, roles).isna()
    allowed = f"allowed: a time written as in '{roles.time}', or 0, blank or never"
    yield from told(wrong, f"'{roles.first_treated}' is no time", allowed)


def _panel_faults(frame: pd.DataFrame, roles: PanelRoles) -> Iterator[str]:
    """Rows that are twice or not there, and what varies within a unit that must not."""
    time, unit = _time(frame, roles), frame[roles.unit].astype(str)
    keys = pd.DataFrame({"unit": unit, "time": time})
    yield from told(
        keys.duplicated(keep=False), f"the same '{roles.unit}' and '{roles.time}' stand more than once"
    )
    expected = time.nunique()
    if expected < 2:
        yield f"'{roles.time}' has one value only; a panel needs at least two times"
    short = keys.groupby("unit")["time"].transform("nunique") < expected
    advice = "give every unit a row at every time, or leave it out"
    yield from told(short, f"the panel is not balanced: units without some of {expected} times", advice)
    for role, column in (("first_treated", roles.first_treated), ("cluster", roles.cluster)):
        if column is not None:
            values = _first(frame, roles) if role == "first_treated" else frame[column].astype(str)
            varies = values.groupby(unit).transform(lambda own: own.nunique(dropna=False)) > 1
            yield from told(varies, f"'{column}' ({role}) varies within a unit")


def _start_faults(frame: pd.DataFrame, roles: PanelRoles) -> Iterator[str]:
    """Starts that no estimator can use."""
    time, first, name = _time(frame, roles), _first(frame, roles), roles.first_treated
    times = sorted(time.unique())
    span = f"times run from {_label(times[0])} to {_label(times[-1])}"
    if 0 in times[1:] and (numbers(frame[name]) == 0).any():
        yield f"'{name}' 0 means never treated, but 0 is one of the times: number the times from 1"
    if first.isna().all():
        yield f"no unit is treated: '{name}' is never after the first time"
    yield from told(
        first <= times[0],
        f"'{name}': treated from the first time on",
        f"{span}; leave units out that have no time before treatment",
    )
    advice = f"{span}; leave such units out, or write never if they count as untreated"
    yield from told(first > times[-1], f"'{name}' lies after the last time", advice)
    between = (first > times[0]) & (first < times[-1]) & ~first.isin(times)
    yield from told(between, f"'{name}' is none of the times of '{roles.time}'")


def _time(frame: pd.DataFrame, roles: PanelRoles) -> pd.Series:
    values = numbers(frame[roles.time])
    return values if values.notna().all() else dates(frame[roles.time])


def _first(frame: pd.DataFrame, roles: PanelRoles) -> pd.Series:
    """First treated times, of the type of the times; missing for never, and where a cell is no such time."""
    values = frame[roles.first_treated]
    dated = numbers(frame[roles.time]).isna().any()
    found = dates(values) if dated else numbers(values)
    return found.mask(_is_never(values))


def _is_never(values: pd.Series) -> pd.Series:
    words = values.astype("str").str.strip().str.lower()
    return values.isna() | words.isin(NEVER_WORDS) | (numbers(values) == 0)


def _label(time: float | pd.Timestamp) -> str:
    if isinstance(time, pd.Timestamp):
        return time.date().isoformat()
    return str(int(time)) if float(time).is_integer() else str(time)


def _table(frame: pd.DataFrame, roles: PanelRoles) -> StaggeredTable:
    time, first = _time(frame, roles), _first(frame, roles)
    times = sorted(time.unique())
    year = {value: number for number, value in enumerate(times, start=1)}
    unit = pd.factorize(frame[roles.unit].astype(str), sort=True)[0]
    cluster = unit if roles.cluster is None else pd.factorize(frame[roles.cluster].astype(str), sort=True)[0]
    panel = pd.DataFrame(
        {
            "unit": unit,
            "year": time.map(year).to_numpy(dtype=int),
            "outcome": numbers(frame[roles.outcome]).to_numpy(dtype=float),
            "first_year": first.map(year).fillna(NEVER).to_numpy(dtype=int),
            "weight": _weight(frame, roles),
            "cluster": cluster,
            **{f"covariate_{name}": numbers(frame[name]).to_numpy(dtype=float) for name in roles.covariates},
        }
    )
    return StaggeredTable(
        panel=panel.sort_values(["unit", "year"], ignore_index=True),
        times=tuple(_label(value) for value in times),
        covariates=tuple(f"covariate_{name}" for name in roles.covariates),
        weighted=roles.weights is not None,
        clustered=roles.cluster is not None,
    )


def _weight(frame: pd.DataFrame, roles: PanelRoles) -> np.ndarray:
    """Weights with mean 1, on which no estimate depends."""
    if roles.weights is None:
        return np.ones(len(frame))
    weight = numbers(frame[roles.weights]).to_numpy(dtype=float)
    return weight / weight.mean()
