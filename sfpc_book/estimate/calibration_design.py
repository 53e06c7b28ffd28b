"""The design on which trials are simulated: the realised cells of one model under every admissible order.

Children stay where they are; what changes from one simulated trial to the next is which authority received
which go-live, drawn among the orders that randomisation could have given, and the outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells, cells_of
from sfpc_book.estimate.randomisation import orders_of
from sfpc_book.study.schema import CovidBand
from sfpc_book.study.wedge import MAXIMUM_ORDERS, Wedge

MONTH = 365.25 / 12  # days
SIZE_COLUMNS = ("authority", "period", "n_children")


@dataclass(frozen=True)
class Design:
    """One trial's cells and orders. The first order is the one that was drawn.

    Attributes
    ----------
    cells
        As realised; the means are not outcomes but 0, to be filled in.
    orders
        First exposed period of each authority of `wedge.authorities`, shape (orders, authorities).
    exposed, months
        Of each cell under each order, (orders, cells): exposure, and months from go-live to the middle of the
        period, 0 where unexposed.
    lockdown
        Share of the days of a cell's period that lay under lockdown, (cells,).
    years
        Years from the middle of the window to the middle of a cell's period, (cells,).
    """

    cells: Cells
    wedge: Wedge
    orders: np.ndarray
    exposed: np.ndarray
    months: np.ndarray
    lockdown: np.ndarray
    years: np.ndarray

    def under(self, order: int, mean: np.ndarray) -> Cells:
        """The cells of a simulated trial: exposure under an order, and its outcomes."""
        exposed = self.exposed[order]
        start = self.orders[order][self._column()]
        time = np.where(exposed == 1, self.cells.period - start + 1, 0)
        return replace(self.cells, exposed=exposed, exposure_time=time, mean=mean)

    def wedge_of(self, order: int) -> Wedge:
        """The wedge in which that order is the one drawn."""
        starts = zip(self.wedge.authorities, self.orders[order].tolist(), strict=True)
        return replace(self.wedge, go_live={slug: self.wedge.period_starts[start] for slug, start in starts})

    def _column(self) -> np.ndarray:
        """Place in `wedge.authorities` of each cell's authority."""
        places = [self.wedge.authorities.index(name) for name in self.cells.authorities]
        return np.array(places, dtype=int)[self.cells.authority]


def design_of(sizes: pd.DataFrame, wedge: Wedge, bands: Sequence[CovidBand] = ()) -> Design:
    """The design from the number of children of each cell.

    Parameters
    ----------
    sizes
        Columns `SIZE_COLUMNS`; authorities that are not in it have no part in the trial.
    bands
        Pandemic restrictions; lockdowns count.

    Raises
    ------
    EstimationError
        For missing columns, authorities that the wedge does not know, or an `obstacle`.
    """
    missing = [name for name in SIZE_COLUMNS if name not in sizes.columns]
    unknown = [] if missing else sorted(set(sizes["authority"]) - set(wedge.authorities))
    problems = [f"there is no column {name}" for name in missing]
    problems += [
        f"'{slug}' is not in the wedge; known are {', '.join(wedge.authorities)}" for slug in unknown
    ]
    if not problems and (cause := obstacle(sizes, wedge)):
        problems.append(cause)
    if problems:
        raise EstimationError(f"No trial can be simulated on the cells of '{wedge.model_id}':", problems)
    wedge = wedge.among(_with_children(sizes))
    cells = _cells(sizes, wedge)
    orders = orders_of(wedge)[0]
    start, middle = _days(wedge)
    empty = np.zeros(0)
    bare = Design(cells, wedge, orders, empty, empty, _lockdown(wedge, bands)[cells.period], empty)
    starts = orders[:, bare._column()]
    exposed = (cells.period >= starts).astype(float)
    centre = (middle[0] + middle[-1]) / 2
    return replace(
        bare,
        exposed=exposed,
        months=np.where(exposed == 1, middle[cells.period] - np.append(start, np.inf)[starts], 0.0),
        years=(middle[cells.period] - centre) / 12,
    )


def obstacle(sizes: pd.DataFrame, wedge: Wedge) -> str | None:
    """Why no trial can be simulated on these cells, or None."""
    known = _with_children(sizes)
    if len(known) < 2:
        return "fewer than two authorities have children"
    orders = wedge.among(known).n_orders
    return f"{orders:,} orders are more than can be listed" if orders > MAXIMUM_ORDERS else None


def _with_children(sizes: pd.DataFrame) -> set[str]:
    return set(sizes.loc[sizes["n_children"] > 0, "authority"])


def _cells(sizes: pd.DataFrame, wedge: Wedge) -> Cells:
    design = wedge.design_table()[["authority", "period", "exposed", "exposure_time"]]
    kept = sizes.loc[sizes["authority"].isin(wedge.authorities), list(SIZE_COLUMNS)]
    return cells_of(kept.merge(design, on=["authority", "period"], how="left").assign(value_mean=0.0))


def _days(wedge: Wedge) -> tuple[np.ndarray, np.ndarray]:
    """Start and middle of each period, in months since the window's start."""
    first = wedge.window_start
    start = np.array([(day - first).days for day in wedge.period_starts], dtype=float)
    end = np.array([(day - first).days + 1 for day in wedge.period_ends], dtype=float)
    return start / MONTH, (start + end) / 2 / MONTH


def _lockdown(wedge: Wedge, bands: Sequence[CovidBand]) -> np.ndarray:
    """Share of each period's days that lay under lockdown. (periods,)"""
    shares = []
    for start, end in zip(wedge.period_starts, wedge.period_ends, strict=True):
        days = sum(
            max(0, (min(end, band.end) - max(start, band.start)).days + 1)
            for band in bands
            if band.kind == "lockdown"
        )
        shares.append(days / ((end - start).days + 1))
    return np.array(shares)
