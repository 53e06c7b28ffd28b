"""What a wedge can detect: closed-form variance of the effect, power and minimum detectable effect.

The model is that of Hussey and Hughes (2007), with an optional cell effect (Hooper and others 2016): mean
= period + effect x exposed + authority + cell + error. Its generalised least-squares variance is exact
for the realised cells, of unequal size or missing, and equals their closed form when all cells have one
size.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import optimize, stats

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.two_way import RANK_TOLERANCE


def effect_variance(
    cells: Cells, *, child_variance: float, authority_variance: float, cell_variance: float = 0.0
) -> float:
    """Variance of the effect estimate at the realised cells, all variances known.

    Parameters
    ----------
    child_variance
        Variance of one child's outcome within a cell; p (1 - p) for a 0/1 outcome.
    authority_variance, cell_variance
        Variance between authorities, and between cells of one authority.

    Raises
    ------
    EstimationError
        When the design does not identify the effect.
    """
    periods = (cells.period[:, None] == np.array(cells.periods)).astype(float)
    design = np.column_stack([cells.exposed, periods])
    information = np.zeros((design.shape[1], design.shape[1]))
    for authority in range(len(cells.authorities)):
        rows = cells.authority == authority
        noise = np.diag(child_variance / cells.weight[rows] + cell_variance)
        information += design[rows].T @ np.linalg.solve(noise + authority_variance, design[rows])
    scale = np.sqrt(np.maximum(np.diag(information), np.finfo(float).tiny))
    scaled = information / np.outer(scale, scale)
    if np.linalg.eigvalsh(scaled)[0] <= RANK_TOLERANCE:
        raise EstimationError("The design does not identify the effect: exposure and periods coincide.")
    return float(np.linalg.inv(scaled)[0, 0] / scale[0] ** 2)


def power_of(effect: float, variance: float, *, alpha: float = 0.05, df: float | None = None) -> float:
    """Probability that a two-sided test rejects: normal, or noncentral t with `df` degrees of freedom."""
    shift = abs(effect) / np.sqrt(variance)
    if df is None:
        critical = stats.norm.ppf(1 - alpha / 2)
        return float(stats.norm.sf(critical - shift) + stats.norm.cdf(-critical - shift))
    critical = stats.t.ppf(1 - alpha / 2, df)
    return float(stats.nct.sf(critical, df, shift) + stats.nct.cdf(-critical, df, shift))


def minimum_detectable_effect(
    variance: float, *, power: float = 0.8, alpha: float = 0.05, df: float | None = None
) -> float:
    """Smallest effect found with probability `power`, in the outcome's unit."""
    unit = np.sqrt(variance)

    def shortfall(effect: float) -> float:
        return power_of(effect * unit, variance, alpha=alpha, df=df) - power

    upper = 1.0
    while shortfall(upper) < 0:
        upper *= 2
    return float(optimize.brentq(shortfall, 0.0, upper, xtol=1e-10) * unit)


def detectable_effects(
    cells: Cells,
    *,
    child_variance: float,
    intracluster_correlations: Sequence[float],
    cell_autocorrelation: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Minimum detectable effects at the realised cells under assumed correlations.

    Parameters
    ----------
    intracluster_correlations
        Share of the variance of a child's outcome that lies between authorities and cells.
    cell_autocorrelation
        Correlation between two periods of one authority, of what its children share; 1 means no cell effect.

    Returns
    -------
    DataFrame intracluster_correlation, cell_autocorrelation, std_error, minimum_normal (known variances) and
    minimum_t (t with authorities - 1 d.f., as the panel model is judged).
    """
    rows = []
    for correlation in intracluster_correlations:
        shared = child_variance * correlation / (1 - correlation)
        variance = effect_variance(
            cells,
            child_variance=child_variance,
            authority_variance=shared * cell_autocorrelation,
            cell_variance=shared * (1 - cell_autocorrelation),
        )
        options = {"power": power, "alpha": alpha}
        rows.append(
            {
                "intracluster_correlation": correlation,
                "cell_autocorrelation": cell_autocorrelation,
                "std_error": float(np.sqrt(variance)),
                "minimum_normal": minimum_detectable_effect(variance, **options),
                "minimum_t": minimum_detectable_effect(variance, df=len(cells.authorities) - 1, **options),
            }
        )
    return pd.DataFrame(rows)
