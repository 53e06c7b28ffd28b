"""Authority-by-period cells of one outcome at one horizon: the data of every wedge estimate, checked once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError

REQUIRED_COLUMNS = (
    "authority", "period", "exposed", "exposure_time", "n_children", "value_mean",
)  # fmt: skip
CELL = ["authority", "period"]
SPLIT_CELL = [*CELL, "exposed"]


@dataclass(frozen=True)
class Cells:
    """The non-empty cells, sorted by authority and period. All arrays have one entry per cell.

    Attributes
    ----------
    authorities
        Names, sorted; `authority` holds positions in it.
    periods
        Period numbers present, sorted; `period` holds the numbers themselves.
    weight
        Children observed in the cell.
    n_empty
        Cells of the panel left out because no child was observed in them.
    wedge_period
        Period of the wedge that decides exposure, where `period` is coarser: periods that share one effect.
        None: `period` itself.
    covariates
        (cells, k) columns that the model holds beside authority and period effects. None: no such column.
    """

    authorities: tuple[str, ...]
    periods: tuple[int, ...]
    authority: np.ndarray
    period: np.ndarray
    exposed: np.ndarray
    exposure_time: np.ndarray
    weight: np.ndarray
    mean: np.ndarray
    n_empty: int
    wedge_period: np.ndarray | None = None
    covariates: np.ndarray | None = None

    @property
    def n_cells(self) -> int:
        return len(self.mean)

    @property
    def n_covariates(self) -> int:
        return 0 if self.covariates is None else self.covariates.shape[1]

    @property
    def decisive_period(self) -> np.ndarray:
        """Period of the wedge by which a cell is exposed or not, under any order."""
        return self.period if self.wedge_period is None else self.wedge_period

    @property
    def several_rows(self) -> bool:
        """Whether an authority has several rows with the same period effect."""
        pairs = np.column_stack([self.authority, self.period])
        return len(np.unique(pairs, axis=0)) < self.n_cells


def cells_of(panel: pd.DataFrame) -> Cells:
    """Check one outcome-by-horizon slice of the panel and keep its non-empty cells.

    Parameters
    ----------
    panel
        One row per authority and period with `REQUIRED_COLUMNS`; empty cells have `n_children` 0.

    Raises
    ------
    EstimationError
        With every fault found: missing columns, repeated cells, an exposure that is not 0 or 1 or goes
        back to 0, a cell without a count of children, a non-empty cell without a mean.
    """
    _require_columns(panel)
    _refuse([*_repeated(panel, CELL), *_exposure_faults(panel), *_way_back(panel), *_value_faults(panel)])
    return _cells(panel)


def split_cells_of(panel: pd.DataFrame) -> Cells:
    """The same where exposure differs from child to child: up to two rows per authority and period.

    An unexposed and an exposed row; the regression on the rows, weighted by children, is the regression on
    the children. Which authority is exposed when is then no longer one date for each authority, so these
    cells carry no statistic that is recomputed under other orders of go-lives (see `cells_by_start`).

    Raises
    ------
    EstimationError
        As `cells_of`, but an authority may be unexposed beside and after being exposed, and only a repeated
        authority, period and exposure is a repeated cell.
    """
    _require_columns(panel)
    _refuse([*_repeated(panel, SPLIT_CELL), *_exposure_faults(panel), *_value_faults(panel)])
    return _cells(panel)


def cells_by_start(rows: pd.DataFrame, start_period: Mapping[str, int], split: Cells) -> Cells:
    """The same children as `split`, by the last start under which they would be exposed: cells that carry
    exposure under every order of go-lives.

    Parameters
    ----------
    rows
        One row per authority, period and `last_start`, with `n_children` and `value_mean`.
    start_period
        First exposed period of each authority that was randomised.

    Raises
    ------
    EstimationError
        When these are not the children of `split`: other numbers, or another exposure.
    """
    missing = [name for name in (*CELL, "last_start", "n_children", "value_mean") if name not in rows]
    if missing:
        raise EstimationError("The panel by last start lacks columns:", missing)
    decisive = rows["last_start"].to_numpy(dtype=int)
    start = rows["authority"].map(dict(start_period)).fillna(np.inf).to_numpy()
    exposed = (decisive >= start).astype(int)
    found = _cells(rows.assign(exposed=exposed, exposure_time=exposed, wedge_period=decisive))
    if not np.allclose(_sums(found), _sums(split), rtol=1e-9, atol=1e-9):
        raise EstimationError(
            "The panel by last start is not of the same children as the panel; make both in one build."
        )
    return found


def _sums(cells: Cells) -> np.ndarray:
    """Children, exposed children, and sums of the outcome of either."""
    columns = np.stack([np.ones(cells.n_cells), cells.exposed])
    return np.concatenate([columns @ cells.weight, columns @ (cells.weight * cells.mean)])


def _cells(panel: pd.DataFrame) -> Cells:
    by = SPLIT_CELL if "wedge_period" not in panel else [*SPLIT_CELL, "wedge_period"]
    kept = panel.loc[panel["n_children"] > 0].sort_values(by)
    authorities = tuple(sorted(kept["authority"].unique()))
    return Cells(
        authorities=authorities,
        periods=tuple(int(p) for p in sorted(kept["period"].unique())),
        authority=pd.Categorical(kept["authority"], categories=list(authorities)).codes.astype(int),
        period=kept["period"].to_numpy(dtype=int),
        exposed=kept["exposed"].to_numpy(dtype=float),
        exposure_time=kept["exposure_time"].to_numpy(dtype=int),
        weight=kept["n_children"].to_numpy(dtype=float),
        mean=kept["value_mean"].to_numpy(dtype=float),
        n_empty=len(panel) - len(kept),
        wedge_period=kept["wedge_period"].to_numpy(dtype=int) if "wedge_period" in kept else None,
    )


def subset(cells: Cells, kept: np.ndarray) -> Cells:
    """The cells where `kept` (boolean, one entry per cell); `n_empty` counts gaps between what remains."""
    members = np.unique(cells.authority[kept])
    periods = tuple(int(period) for period in np.unique(cells.period[kept]))
    pairs = np.column_stack([cells.authority[kept], cells.period[kept]])
    return Cells(
        authorities=tuple(cells.authorities[position] for position in members),
        periods=periods,
        authority=np.searchsorted(members, cells.authority[kept]),
        period=cells.period[kept],
        exposed=cells.exposed[kept],
        exposure_time=cells.exposure_time[kept],
        weight=cells.weight[kept],
        mean=cells.mean[kept],
        n_empty=len(members) * len(periods) - len(np.unique(pairs, axis=0)),
        wedge_period=None if cells.wedge_period is None else cells.wedge_period[kept],
        covariates=None if cells.covariates is None else cells.covariates[kept],
    )


def blocking_cause(cells: Cells) -> str | None:
    """Why no effect can be estimated from these cells, or None. Weights do not matter for this."""
    if cells.n_cells == 0:
        return "no child with an observed outcome"
    if len(cells.authorities) < 2:
        return "one authority"
    if np.ptp(cells.mean) <= 1e-12 * float(np.abs(cells.mean).max()):
        return "constant outcome"
    return None


def _require_columns(panel: pd.DataFrame) -> None:
    missing = [name for name in REQUIRED_COLUMNS if name not in panel.columns]
    if missing:
        raise EstimationError("The panel lacks columns:", missing)


def _refuse(problems: list[str]) -> None:
    if problems:
        raise EstimationError("The panel cannot be estimated:", problems)


def _repeated(panel: pd.DataFrame, key: list[str]) -> list[str]:
    twice = panel.loc[panel.duplicated(key)]
    return [f"cell {a}, period {p} occurs more than once" for a, p in _names(twice)]


def _way_back(panel: pd.DataFrame) -> Iterator[str]:
    for authority, rows in panel.sort_values(CELL).groupby("authority"):
        if (rows["exposed"].diff() < 0).any():
            yield f"{authority} is exposed and later unexposed again; a wedge has no way back"


def _exposure_faults(panel: pd.DataFrame) -> list[str]:
    problems = []
    if not panel["exposed"].isin([0, 1]).all():
        problems.append("exposed has values other than 0 and 1")
    if ((panel["exposure_time"] > 0) != (panel["exposed"] == 1)).any():
        problems.append("exposure_time is positive in an unexposed cell, or 0 in an exposed one")
    return problems


def _value_faults(panel: pd.DataFrame) -> list[str]:
    uncounted = panel.loc[~(panel["n_children"] >= 0)]
    blank = panel.loc[(panel["n_children"] > 0) & ~np.isfinite(panel["value_mean"].astype(float))]
    return [
        *(f"cell {a}, period {p} has no count of children, or one below 0" for a, p in _names(uncounted)),
        *(f"cell {a}, period {p} has children but no finite mean" for a, p in _names(blank)),
    ]


def _names(rows: pd.DataFrame) -> Iterator[tuple[str, int]]:
    return rows[["authority", "period"]].itertuples(index=False)
