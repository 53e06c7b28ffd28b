"""Two-way panel models by linearmodels. The only file that imports it.

The authority-by-period means are regressed on exposure with authority and period effects, weighted by
children. Because exposure does not vary within a cell, this equals the same regression on the children's own
rows.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from linearmodels.panel import PanelOLS
from linearmodels.shared.exceptions import MissingValueWarning
from scipy import stats

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells, blocking_cause, cells_of
from sfpc_book.estimate.estimate import NAN, not_estimable
from sfpc_book.estimate.two_way import has_within_variation, period_basis, residual_maker, weights_of

# Errors below this share of the outcome's range are rounding, the root of a variance's: two clusters, one of
# them exposed, have scores of zero.
ROUNDING = 1e-7
EXACT_FIT = 1e-20  # residual sum of squares relative to the total; below it nothing is left to judge by


@dataclass(frozen=True)
class PanelFit:
    """A fitted two-way model, or the reason why there is none (`status`; then every number is NaN)."""

    status: str
    weights: str
    conf_level: float
    n_children: int
    n_clusters: int
    n_periods: int
    n_cells: int
    n_cells_empty: int
    estimate: float = NAN
    std_error: float = NAN
    df: float = NAN
    statistic: float = NAN
    p_value: float = NAN
    conf_low: float = NAN
    conf_high: float = NAN

    @property
    def ok(self) -> bool:
        return self.status == "ok"


def fit_two_way(
    panel: pd.DataFrame | Cells,
    *,
    weights: str = "children",
    conf_level: float = 0.95,
    clusters: np.ndarray | None = None,
) -> PanelFit:
    """Effect of exposure with authority and period effects, clustered by authority, t on G - 1.

    The clustered variance is that of linearmodels (entity effects, nested in the clusters, are not counted),
    times G / (G - 1) and (N - 1) / (N - K), where N counts the rows and K the exposure, the period effects
    and the covariates; this is the small-sample factor of fixest. Without it the test of a five-authority
    wedge rejects a true null in 8 rather than 6 of 100 samples. linearmodels' own interval uses residual
    degrees of freedom: not used.

    Parameters
    ----------
    panel
        One outcome-by-horizon slice (see `cells_of`), or cells already checked.
    weights
        `children` or `equal`: averages over children, or over authority-periods.
    clusters
        Of each cell, (cells,) int, where authorities lie in larger clusters; G is then their number.

    Returns
    -------
    PanelFit with status `ok`, `not_identified` (exposure without variation within authorities and periods) or
    `not_estimable: <cause>`.

    Raises
    ------
    EstimationError
        For a panel that breaks its rules, unknown `weights`, or if linearmodels would drop a row.
    """
    cells = panel if isinstance(panel, Cells) else cells_of(panel)
    clusters = cells.authority if clusters is None else clusters
    facts = _facts(cells, weights, conf_level) | {"n_clusters": len(np.unique(clusters))}
    status = design_status(cells, weights)
    if status == "ok" and facts["n_clusters"] < 2:
        status = not_estimable("one cluster")
    if status != "ok":
        return PanelFit(status=status, **facts)
    estimate, std_error = _fit(cells, weights_of(cells, weights), clusters)
    if not std_error > ROUNDING * np.ptp(cells.mean):
        return PanelFit(status=not_estimable("too few clusters for a variance"), **facts)
    numbers = t_interval(estimate, std_error, facts["n_clusters"] - 1, conf_level)
    return PanelFit(status="ok", estimate=estimate, std_error=std_error, **numbers, **facts)


def design_status(cells: Cells, weights: str = "children") -> str:
    """`ok`, `not_identified` or `not_estimable: <cause>`, decided from the cells before a model is fitted."""
    weight = weights_of(cells, weights)
    cause = blocking_cause(cells)
    if cause:
        return not_estimable(cause)
    if not has_within_variation(cells, weight):
        return "not_identified"
    if _is_exact_fit(cells, weight):
        return not_estimable("no variation left around the model")
    return "ok"


def t_interval(estimate: float, std_error: float, df: float, conf_level: float) -> dict[str, float]:
    """Statistic, two-sided p-value and interval by a t distribution with `df` degrees of freedom."""
    statistic = estimate / std_error
    half = float(stats.t.ppf(0.5 + conf_level / 2, df)) * std_error
    return {
        "df": float(df),
        "statistic": statistic,
        "p_value": max(float(2 * stats.t.sf(abs(statistic), df)), math.ulp(0.0)),
        "conf_low": estimate - half,
        "conf_high": estimate + half,
    }


def _fit(cells: Cells, weight: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """Coefficient and clustered standard error.

    Authorities enter as entity effects. Periods and covariates enter as columns, in an orthonormal basis of
    what authority effects leave of them, so that an authority may have several rows with one period effect.
    """
    basis = period_basis(cells, weight) / np.sqrt(weight)[:, None]
    index = pd.MultiIndex.from_arrays([cells.authority, np.arange(cells.n_cells)], names=["authority", "row"])
    columns = pd.DataFrame(basis, index=index).add_prefix("effect_")
    columns.insert(0, "exposed", cells.exposed)
    with warnings.catch_warnings():
        warnings.simplefilter("error", MissingValueWarning)
        try:
            fitted = PanelOLS(
                pd.Series(cells.mean, index=index, name="mean"),
                columns,
                weights=pd.Series(weight, index=index, name="weight"),
                entity_effects=True,
            ).fit(
                cov_type="clustered",
                clusters=pd.Series(clusters, index=index, name="cluster"),
                group_debias=True,
                auto_df=False,
                count_effects=False,
            )
        except MissingValueWarning as warning:
            raise EstimationError(f"The panel model would have dropped rows: {warning}") from warning
    if fitted.nobs != cells.n_cells:
        raise EstimationError(f"The panel model used {fitted.nobs} of {cells.n_cells} cells.")
    # linearmodels counts the columns it was given; a basis may have fewer than there are coefficients
    counted = math.sqrt((cells.n_cells - columns.shape[1]) / (cells.n_cells - _counted(cells)))
    # scores of two clusters can be zero, and rounding then gives a variance below it
    variance = max(float(fitted.cov.loc["exposed", "exposed"]), 0.0)
    return float(fitted.params["exposed"]), math.sqrt(variance) * counted


def _counted(cells: Cells) -> int:
    """Coefficients that the small-sample factor counts: exposure, period effects, covariates."""
    return 1 + len(cells.periods) + cells.n_covariates


def _is_exact_fit(cells: Cells, weight: np.ndarray) -> bool:
    if cells.n_cells <= _counted(cells):
        return True
    outcome = cells.mean - np.average(cells.mean, weights=weight)
    left, exposed = residual_maker(cells, weight)(np.stack([outcome, cells.exposed]))
    left = left - exposed * ((weight * exposed) @ left) / ((weight * exposed) @ exposed)
    return float(weight @ left**2) <= EXACT_FIT * float(weight @ outcome**2)


def _facts(cells: Cells, weights: str, conf_level: float) -> dict[str, object]:
    return {
        "weights": weights,
        "conf_level": conf_level,
        "n_children": int(cells.weight.sum()),
        "n_periods": len(cells.periods),
        "n_cells": cells.n_cells,
        "n_cells_empty": cells.n_empty,
    }
