"""Methods whose estimate is a sum of cell means: every simulated trial of one order is judged at once.

The coefficient of the two-way model is L'y with L known from the design. So are the cluster sums of its
sandwich variances: with v_g = A_g' X_g B c of `cluster_variance`, the variance is the sum of squares of
p_g'y, p_g = (I - H)_{.g} v_g, and the Satterthwaite degrees of freedom are (sum_g p_g'p_g)^2 / sum_gh
(p_g'p_h)^2. An order's L and p_g are worked out once; thousands of trials are then two products of matrices.
The exact test shares the L of all orders in the same way.

Tested against `fit_two_way`, `cluster_variance` and `exact_test`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sfpc_book.estimate.calibration_design import Design
from sfpc_book.estimate.calibration_draw import Draws, exposed_average
from sfpc_book.estimate.calibration_verdicts import t_numbers, verdict_frame
from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.estimate import not_estimable
from sfpc_book.estimate.inverse_root import Diminished
from sfpc_book.estimate.panel_models import ROUNDING
from sfpc_book.estimate.randomisation import (
    LINEAR_STATISTICS,
    OrderEffects,
    order_effects,
    orders_of,
    randomisation_test,
)
from sfpc_book.estimate.randomisation import ROUNDING as STATISTIC_ROUNDING
from sfpc_book.estimate.two_way import effects_design, two_way_influence

KINDS = ("CR1", "CR2", "CR3")
NORMAL, PANEL, CR2, CR3 = ("panel_two_way_normal", "panel_two_way", "panel_two_way_cr2", "panel_two_way_cr3")
EXACT, ATTAINABLE = "randomisation", "randomisation_attainable"
LINEAR = (NORMAL, PANEL, CR2, CR3, EXACT, ATTAINABLE)


@dataclass(frozen=True)
class TwoWayForm:
    """The two-way model under one order: `influence` (cells,) gives the estimate; for each kind of `KINDS`,
    `scores` (clusters, cells) whose squares sum to the variance, and Satterthwaite degrees of freedom."""

    influence: np.ndarray
    scores: dict[str, np.ndarray]
    df: dict[str, float]

    @property
    def identified(self) -> bool:
        return bool(self.influence.any())

    def std_error(self, mean: np.ndarray, kind: str) -> np.ndarray:
        """Of each trial in `mean` (R, cells)."""
        return np.sqrt(((mean @ self.scores[kind].T) ** 2).sum(axis=1))


def two_way_form(cells: Cells) -> TwoWayForm:
    """Influence and scores under the cells' exposure, weighted by children."""
    influence = two_way_influence(cells, cells.weight)(cells.exposed[None, :])[0]
    root = np.sqrt(cells.weight)
    x = np.column_stack([cells.exposed, effects_design(cells)]) * root[:, None]
    bread = np.linalg.pinv(x.T @ x, hermitian=True)
    left = np.eye(cells.n_cells) - x @ bread @ x.T
    clusters = range(len(cells.authorities))
    scaled = {
        kind: np.vstack([_adjusted(x, bread, cells.authority == g, kind) @ left for g in clusters])
        for kind in ("CR0", "CR2", "CR3")
    }
    n, groups = cells.n_cells, len(cells.authorities)
    free = n - 1 - len(cells.periods)
    scaled["CR1"] = scaled.pop("CR0") * math.sqrt(groups / (groups - 1) * (n - 1) / max(free, 1))
    return TwoWayForm(
        influence=influence,
        scores={kind: rows * root for kind, rows in scaled.items()},
        df={kind: _degrees(rows) for kind, rows in scaled.items()},
    )


def _adjusted(x: np.ndarray, bread: np.ndarray, members: np.ndarray, kind: str) -> np.ndarray:
    """v_g of the module's text in the places of one cluster's cells, 0 elsewhere. (cells,)"""
    wanted = x[members] @ bread[:, :1]
    if kind != "CR0":
        around = Diminished.of(np.ones(int(members.sum())), x[members], bread)
        wanted = around.inverse_root(wanted) if kind == "CR2" else around.inverse(wanted)
    row = np.zeros(len(x))
    row[members] = wanted[:, 0]
    return row


def _degrees(rows: np.ndarray) -> float:
    products = rows @ rows.T
    squares = float((products**2).sum())
    return float(np.trace(products) ** 2 / squares) if squares > 0 else math.nan


class LinearJudge:
    """Judges the simulated trials of a design by the linear methods; what depends on an order alone is
    kept."""

    def __init__(self, design: Design, *, statistic: str = "two_way", conf_level: float = 0.95) -> None:
        self.design, self.statistic, self.conf_level = design, statistic, conf_level
        self._forms: dict[int, TwoWayForm] = {}
        self._templates: dict[int, tuple[OrderEffects, np.ndarray]] = {}
        influence = LINEAR_STATISTICS[statistic](design.cells, design.cells.weight)
        self.influence = influence(design.exposed)
        self.place = {tuple(order): index for index, order in enumerate(design.orders.tolist())}

    def form(self, order: int) -> TwoWayForm:
        """The two-way model under an order."""
        if order not in self._forms:
            self._forms[order] = two_way_form(self.design.under(order, np.zeros(self.design.cells.n_cells)))
        return self._forms[order]

    def exact(self, order: int, mean: np.ndarray) -> OrderEffects:
        """The exact test's statistic under every order when `order` was drawn, for one trial (cells,)."""
        template, listing = self._template(order)
        effect = (self.influence @ mean)[listing]
        kept = np.abs(effect) > STATISTIC_ROUNDING * float(np.ptp(mean))
        return replace(template, effect=np.where(kept, effect, 0.0))

    @property
    def attainable(self) -> float:
        """The smallest level at which the exact test can reject whatever order is drawn."""
        return max(float(self._template(order)[0].always.mean()) for order in range(len(self.design.orders)))

    def _template(self, order: int) -> tuple[OrderEffects, np.ndarray]:
        if order not in self._templates:
            wedge = self.design.wedge_of(order)
            empty = self.design.under(order, np.zeros(self.design.cells.n_cells))
            listing = np.array([self.place[tuple(row)] for row in orders_of(wedge)[0].tolist()], dtype=int)
            self._templates[order] = order_effects(empty, wedge, statistic=self.statistic), listing
        return self._templates[order]

    def verdicts(self, draws: Draws) -> pd.DataFrame:
        """One row for each method of `LINEAR` and trial (see `verdict_frame`)."""
        exposed = self.design.exposed[draws.order]
        truth = exposed_average(draws.difference, exposed, self.design.cells.weight)
        return pd.concat([*self._two_way(draws, truth), *self._exact(draws, truth)], ignore_index=True)

    def _two_way(self, draws: Draws, truth: np.ndarray) -> Iterator[pd.DataFrame]:
        size = len(draws)
        estimate, identified = np.zeros(size), np.zeros(size, dtype=bool)
        error, df = ({kind: np.full(size, np.nan) for kind in KINDS} for _ in range(2))
        for order in np.unique(draws.order).tolist():
            rows = np.flatnonzero(draws.order == order)
            form, mean = self.form(order), draws.mean[rows]
            estimate[rows], identified[rows] = mean @ form.influence, form.identified
            for kind in KINDS:
                error[kind][rows], df[kind][rows] = form.std_error(mean, kind), form.df[kind]
        last = np.full(size, len(self.design.cells.authorities) - 1.0)
        spread = np.ptp(draws.mean, axis=1)
        for method, kind, freedom in (
            (NORMAL, "CR1", np.full(size, np.inf)),
            (PANEL, "CR1", last),
            (CR2, "CR2", df["CR2"]),
            (CR3, "CR3", df["CR3"]),
        ):
            sound = (error[kind] > ROUNDING * spread) & (freedom > 0)
            status = np.where(sound, "ok", not_estimable("too few clusters for a variance"))
            status = np.where(identified, status, "not_identified")
            numbers = t_numbers(estimate, error[kind], freedom, self.conf_level)
            yield verdict_frame(method, np.arange(size), status, truth=truth, **numbers)

    def _exact(self, draws: Draws, truth: np.ndarray) -> Iterator[pd.DataFrame]:
        found = [
            randomisation_test(self.exact(int(order), mean), conf_level=self.conf_level)
            for order, mean in zip(draws.order, draws.mean, strict=True)
        ]
        shared = {
            "estimate": np.array([test.estimate for test in found]),
            "p_value": np.array([test.p_value for test in found]),
            "truth": truth,
        }
        rows = np.arange(len(draws))
        ends = np.array([(test.conf_low, test.conf_high, *test.attainable) for test in found])
        status = np.where(self.influence[draws.order].any(axis=1), "ok", "not_identified")
        asked = {"conf_low": ends[:, 0], "conf_high": ends[:, 1], "level": self.conf_level}
        yield verdict_frame(EXACT, rows, status, alpha=1 - self.conf_level, **shared, **asked)
        level = np.array([test.level_maximum for test in found])
        within = {"conf_low": ends[:, 2], "conf_high": ends[:, 3], "level": level}
        yield verdict_frame(ATTAINABLE, rows, status, alpha=self.attainable, **shared, **within)
