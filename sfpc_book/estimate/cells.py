"""Authority-by-period cells of one outcome at one horizon: the data of every wedge estimate, checked once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError

REQUIRED_COLUMNS = (
    "authority", "period", "exposed", "exposure_time", "n_children", "value_mean",
)  # fmt: skip


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

    @property
    def n_cells(self) -> int:
        return len(self.mean)


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
    missing = [name for name in REQUIRED_COLUMNS if name not in panel.columns]
    if missing:
        raise EstimationError("The panel lacks columns:", missing)
    problems = [*_repeated(panel), *_exposure_faults(panel), *_value_faults(panel)]
    if problems:
        raise EstimationError("The panel cannot be estimated:", problems)
    kept = panel.loc[panel["n_children"] > 0].sort_values(["authority", "period"])
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
    )


def subset(cells: Cells, kept: np.ndarray) -> Cells:
    """The cells where `kept` (boolean, one entry per cell); `n_empty` counts gaps between what remains."""
    members = np.unique(cells.authority[kept])
    periods = tuple(int(period) for period in np.unique(cells.period[kept]))
    return Cells(
        authorities=tuple(cells.authorities[position] for position in members),
        periods=periods,
        authority=np.searchsorted(members, cells.authority[kept]),
        period=cells.period[kept],
        exposed=cells.exposed[kept],
        exposure_time=cells.exposure_time[kept],
        weight=cells.weight[kept],
        mean=cells.mean[kept],
        n_empty=len(members) * len(periods) - int(kept.sum()),
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


def _repeated(panel: pd.DataFrame) -> list[str]:
    twice = panel.loc[panel.duplicated(["authority", "period"])]
    return [f"cell {a}, period {p} occurs more than once" for a, p in _names(twice)]


def _exposure_faults(panel: pd.DataFrame) -> list[str]:
    problems = []
    if not panel["exposed"].isin([0, 1]).all():
        problems.append("exposed has values other than 0 and 1")
    ordered = panel.sort_values(["authority", "period"])
    for authority, rows in ordered.groupby("authority"):
        if (rows["exposed"].diff() < 0).any():
            problems.append(f"{authority} is exposed and later unexposed again; a wedge has no way back")
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
