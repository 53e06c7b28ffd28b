"""Estimates of several imputed data sets as one (Rubin 1987), with small-sample degrees of freedom.

With m estimates q_j, their mean q, mean variance u and variance between data sets b, the total variance is
t = u + (1 + 1/m) b. Let l = (1 + 1/m) b / t be the share of it that missing data cause. With n the degrees of
freedom of the complete data (few, with few authorities) those of the pooled estimate are, by Barnard and
Rubin (1999),

    1 / df = 1 / d1 + 1 / d2,   d1 = (m - 1) / l^2,   d2 = (1 - l) n (n + 1) / (n + 3),

always below n. The usual n, infinite, would make an interval as if the authorities were many. The fraction of
missing information is (r + 2 / (df + 3)) / (r + 1) with r = (1 + 1/m) b / u.

Tested against mice (R).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfpc_book.errors import EstimationError


@dataclass(frozen=True)
class Pooled:
    """A pooled estimate; `missing_information` is a share, 0 to 1."""

    estimate: float
    std_error: float
    df: float
    missing_information: float
    n_imputations: int


def pool(estimates: np.ndarray, std_errors: np.ndarray, df: float) -> Pooled:
    """Pool one quantity. Arrays (m,), m at least 2; `df` those of the complete data, infinite allowed.

    Raises
    ------
    EstimationError
        For fewer than two data sets, or a number that is missing or not finite.
    """
    estimates, variances = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float) ** 2
    number = len(estimates)
    if number < 2 or not (np.isfinite(estimates).all() and np.isfinite(variances).all()):
        raise EstimationError(
            f"Pooling needs an estimate and a standard error of each of at least two imputed data sets; "
            f"{number} were given, {int(np.isfinite(estimates * variances).sum())} of them with both"
        )
    within, between = float(variances.mean()), float(estimates.var(ddof=1)) * (1 + 1 / number)
    total = within + between
    pooled_df = _degrees_of_freedom(between / total, number, df)
    ratio = between / within
    return Pooled(
        estimate=float(estimates.mean()),
        std_error=float(np.sqrt(total)),
        df=pooled_df,
        missing_information=(ratio + 2 / (pooled_df + 3)) / (ratio + 1),
        n_imputations=number,
    )


def _degrees_of_freedom(share: float, number: int, complete: float) -> float:
    """Barnard and Rubin's; without any variance between data sets, only their second term."""
    observed = np.inf if np.isinf(complete) else (1 - share) * complete * (complete + 1) / (complete + 3)
    inverse = share**2 / (number - 1) + 1 / observed
    return float(1 / inverse) if inverse > 0 else np.inf
