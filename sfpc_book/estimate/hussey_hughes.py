"""Hussey and Hughes' mixed model: period effects, one effect of exposure, a random authority intercept.

Hussey and Hughes (2007); with a random effect of each cell besides (Hooper and others 2016) where asked
for. Fitted by REML or ML over the variance ratios alone (`mixed_likelihood.py`), equal to lme4's `lmer` on
the children's own rows. Shown because it is known, not because it leads: with a handful of authorities and
outcomes correlated over time its tests reject a true null too often.

Degrees of freedom (`mixed_inference.py`) describe the model's own variances; they do not repair a wrong
covariance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells, blocking_cause
from sfpc_book.estimate.estimate import NAN, not_estimable
from sfpc_book.estimate.mixed_inference import kenward_roger, satterthwaite
from sfpc_book.estimate.mixed_likelihood import MixedData, MixedState, mixed_state
from sfpc_book.estimate.mixed_search import variance_ratios
from sfpc_book.estimate.panel_models import EXACT_FIT, t_interval
from sfpc_book.estimate.two_way import WEIGHTS, column_basis, weights_of

METHODS = ("REML", "ML")
INFERENCES = ("normal", "satterthwaite", "kenward_roger")
COMPONENTS = ("authority", "cell")


@dataclass(frozen=True)
class MixedFit:
    """A fitted mixed model, or the reason why there is none (`status`; then every number is NaN).

    `boundary` names the variances estimated as 0. `cell_variance` is 0 where it was not asked for.
    """

    status: str
    method: str
    inference: str
    conf_level: float
    boundary: tuple[str, ...] = ()
    estimate: float = NAN
    std_error: float = NAN
    df: float = NAN
    statistic: float = NAN
    p_value: float = NAN
    conf_low: float = NAN
    conf_high: float = NAN
    authority_variance: float = NAN
    cell_variance: float = NAN
    residual_variance: float = NAN
    deviance: float = NAN

    @property
    def ok(self) -> bool:
        return self.status == "ok"


def fit_hussey_hughes(
    cells: Cells,
    *,
    within_squares: np.ndarray | None = None,
    cell_effects: bool = False,
    weights: str = "children",
    method: str = "REML",
    inference: str = "satterthwaite",
    conf_level: float = 0.95,
) -> MixedFit:
    """Effect of exposure with random authority effects.

    Parameters
    ----------
    within_squares
        Sum over the children of a cell of (outcome - cell mean)^2, shape (cells,): then the model is that of
        the children's rows; for a 0/1 outcome n p (1 - p) (`binary_squares`). Without, the cell means are
        the data, with variance proportional to 1 / weight.
    cell_effects
        Also a random effect of each cell; needs `within_squares`.
    method
        `REML` or `ML`.
    inference
        `normal`, `satterthwaite` or `kenward_roger` (REML only).

    Returns
    -------
    MixedFit with status `ok`, `not_identified` (exposure and periods coincide) or `not_estimable: <cause>`,
    such as `not_estimable: not converged`.
    """
    _check(cells, within_squares, cell_effects, weights, method, inference)
    facts = {"method": method, "inference": inference, "conf_level": conf_level}
    data = _data(cells, within_squares, weights, method)
    status = _status(cells, data, cell_effects)
    if status != "ok":
        return MixedFit(status, **facts)
    free = np.array([True, cell_effects])
    ratios, converged = variance_ratios(data, free)
    if not converged:
        return MixedFit(not_estimable("not converged"), **facts)
    state = mixed_state(data, ratios)
    error, df = _error(data, state, ratios, free, inference)
    variances = ratios * state.residual_variance
    estimate = float(state.coefficients[0])
    return MixedFit(
        status="ok",
        boundary=tuple(n for n, r, f in zip(COMPONENTS, ratios, free, strict=True) if f and r == 0),
        estimate=estimate,
        std_error=error,
        **(t_interval(estimate, error, df, conf_level) | {"df": df if math.isfinite(df) else NAN}),
        authority_variance=float(variances[0]),
        cell_variance=float(variances[1]),
        residual_variance=state.residual_variance,
        deviance=state.deviance,
        **facts,
    )


def binary_squares(cells: Cells) -> np.ndarray:
    """Sum of squares within each cell of a 0/1 outcome, n p (1 - p)."""
    if ((cells.mean < 0) | (cells.mean > 1)).any():
        raise EstimationError("The means of a 0/1 outcome lie between 0 and 1; these do not.")
    return cells.weight * cells.mean * (1 - cells.mean)


def _check(
    cells: Cells,
    within_squares: np.ndarray | None,
    cell_effects: bool,
    weights: str,
    method: str,
    inference: str,
) -> None:
    problems = []
    if method not in METHODS:
        problems.append(f"unknown method '{method}'; allowed: {', '.join(METHODS)}")
    if inference not in INFERENCES:
        problems.append(f"unknown inference '{inference}'; allowed: {', '.join(INFERENCES)}")
    if inference == "kenward_roger" and method == "ML":
        problems.append("kenward_roger is defined for REML")
    if weights not in WEIGHTS:
        problems.append(f"unknown weights '{weights}'; allowed: {', '.join(WEIGHTS)}")
    if cell_effects and within_squares is None:
        problems.append("cell_effects cannot be told from the residual without within_squares")
    if within_squares is not None and weights != "children":
        problems.append("within_squares are those of children; weights must be 'children'")
    if within_squares is not None and (
        np.shape(within_squares) != (cells.n_cells,) or not np.all(np.asarray(within_squares) >= 0)
    ):
        problems.append(f"within_squares must be {cells.n_cells} numbers of at least 0, one for each cell")
    if problems:
        raise EstimationError("The mixed model cannot be fitted as asked:", problems)


def _data(cells: Cells, within_squares: np.ndarray | None, weights: str, method: str) -> MixedData:
    periods = (cells.period[:, None] == np.array(cells.periods, dtype=int)).astype(float)
    by_child = within_squares is not None
    return MixedData(
        design=np.column_stack([cells.exposed, periods]),
        outcome=cells.mean,
        inverse_weight=1 / weights_of(cells, weights),
        cluster=cells.authority,
        within=float(np.sum(within_squares)) if by_child else 0.0,
        n_rows=int(cells.weight.sum()) if by_child else cells.n_cells,
        log_sizes=float(np.log(cells.weight).sum()) if by_child else 0.0,
        reml=method == "REML",
    )


def _status(cells: Cells, data: MixedData, cell_effects: bool) -> str:
    cause = blocking_cause(cells)
    if cause:
        return not_estimable(cause)
    rank = column_basis(data.design).shape[1]
    if rank < data.design.shape[1]:
        return "not_identified"
    basis = column_basis(np.hstack([data.design, data.membership.T]))
    left = cells.mean - basis @ (basis.T @ cells.mean)
    saturated = basis.shape[1] >= cells.n_cells
    exact = saturated or float(left @ left) <= EXACT_FIT * float(cells.mean @ cells.mean)
    if (data.within == 0 and exact) or (cell_effects and saturated):
        return not_estimable("no variation left around the model")
    return "ok"


def _error(
    data: MixedData, state: MixedState, ratios: np.ndarray, free: np.ndarray, inference: str
) -> tuple[float, float]:
    """Standard error and degrees of freedom of the effect (infinite for the normal)."""
    if inference == "kenward_roger":
        return kenward_roger(data, ratios, free, state.residual_variance)
    error = math.sqrt(state.residual_variance * state.covariance[0, 0])
    return error, math.inf if inference == "normal" else satterthwaite(data, state, ratios)
