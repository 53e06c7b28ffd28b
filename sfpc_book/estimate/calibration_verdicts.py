"""What each method said of each simulated trial, and what that comes to: size or power, coverage, bias,
width.

A method that gives no result for a trial has not rejected in it; it is counted, never dropped.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats

VERDICT_COLUMNS = (
    "method", "replication", "status", "estimate", "truth", "p_value", "alpha", "conf_low", "conf_high",
    "covered", "level",
)  # fmt: skip
CALIBRATION_COLUMNS = (
    "model", "scenario", "method", "estimand", "unit", "effect", "truth", "nominal_size", "nominal_coverage",
    "replications", "estimated", "tested", "rejection", "rejection_error", "intervals", "coverage",
    "coverage_error", "bias", "bias_error", "bounded", "width", "width_error", "seed", "data_status",
)  # fmt: skip
TIE = 1e-9  # a p-value that equals the level rejects, whatever rounding did to either


def verdict_frame(
    method: str,
    replication: np.ndarray,
    status: np.ndarray,
    *,
    estimate: np.ndarray,
    truth: np.ndarray,
    p_value: np.ndarray,
    alpha: float,
    conf_low: np.ndarray,
    conf_high: np.ndarray,
    level: float | np.ndarray,
    covered: np.ndarray | None = None,
) -> pd.DataFrame:
    """`VERDICT_COLUMNS` of one method; numbers are NaN where the status is not `ok`.

    `covered` (1, 0 or NaN for no interval) follows from the interval unless it is given.
    """
    if covered is None:
        inside = (conf_low <= truth) & (truth <= conf_high)
        covered = np.where(np.isnan(conf_low + truth), math.nan, inside.astype(float))
    numbers = pd.DataFrame(
        {
            "estimate": estimate,
            "truth": truth,
            "p_value": p_value,
            "conf_low": conf_low,
            "conf_high": conf_high,
            "covered": covered,
        }
    ).astype(float)
    numbers.loc[np.asarray(status) != "ok", [name for name in numbers if name != "truth"]] = math.nan
    facts = numbers.assign(method=method, replication=replication, status=status, alpha=alpha, level=level)
    return facts[list(VERDICT_COLUMNS)]


def t_numbers(
    estimate: np.ndarray, error: np.ndarray, df: np.ndarray | float, conf_level: float
) -> dict[str, np.ndarray | float]:
    """Numbers of a verdict by a t distribution (normal for infinite `df`); all arrays (R,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = 2 * stats.t.sf(np.abs(estimate) / error, df)
        half = stats.t.ppf(0.5 + conf_level / 2, df) * error
    return {
        "estimate": estimate,
        "p_value": p_value,
        "alpha": 1 - conf_level,
        "conf_low": estimate - half,
        "conf_high": estimate + half,
        "level": conf_level,
    }


def summarise(verdicts: pd.DataFrame) -> pd.DataFrame:
    """One row for each method, in the order met.

    Returns
    -------
    DataFrame with these columns, shares between 0 and 1, an `_error` being the Monte Carlo standard error:

    method, nominal_size, nominal_coverage
        The level the test was done at, and the mean level of the intervals.
    replications, estimated, tested, intervals
        Simulated trials, and the shares of them with an estimate, a p-value, an interval.
    rejection
        Share of all replications in which the test rejected; without a result it did not.
    coverage
        Share of the intervals that hold the true value.
    truth, bias
        Mean true value, and mean of estimate less true value where there is an estimate.
    bounded, width
        Share of the intervals that have two ends, and the mean width of those.
    """
    return pd.DataFrame([_summary(str(name), rows) for name, rows in verdicts.groupby("method", sort=False)])


def _summary(method: str, rows: pd.DataFrame) -> dict[str, object]:
    size = len(rows)
    rejected = (rows["p_value"] <= rows["alpha"] + TIE).to_numpy(float)
    covered = rows["covered"].dropna().to_numpy()
    difference = (rows["estimate"] - rows["truth"]).dropna().to_numpy()
    width = (rows["conf_high"] - rows["conf_low"]).dropna().to_numpy()
    bounded = np.isfinite(width)
    return {
        "method": method,
        "truth": float(rows["truth"].mean()),
        "nominal_size": float(rows["alpha"].mean()),
        "nominal_coverage": float(rows["level"].mean()),
        "replications": size,
        "estimated": float(rows["estimate"].notna().mean()),
        "tested": float(rows["p_value"].notna().mean()),
        "rejection": float(rejected.mean()),
        "rejection_error": share_error(float(rejected.mean()), size),
        "intervals": float(rows["covered"].notna().mean()),
        "coverage": _mean(covered),
        "coverage_error": share_error(_mean(covered), len(covered)),
        "bias": _mean(difference),
        "bias_error": _mean_error(difference),
        "bounded": _mean(bounded.astype(float)),
        "width": _mean(width[bounded]),
        "width_error": _mean_error(width[bounded]),
    }


def share_error(share: float, size: int) -> float:
    """Monte Carlo standard error of a share among `size` replications; NaN without any."""
    return math.sqrt(share * (1 - share) / size) if size else math.nan


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan


def _mean_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan
