"""Kaplan-Meier by authority and period: restricted mean time, risk at the horizon, Greenwood variances.

Kaplan and Meier (1958); restricted mean as the area under the curve to the horizon (Royston and Parmar 2013)
with the variance that Greenwood's formula gives it. Both take censoring as independent of the event within an
authority and period: a child whose records stop would have gone on as those who are still followed.

The cells are the survival view's panel: estimators read them as they read the panel of means.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.cohort.panel import cell_grid
from sfpc_book.study.registries import Outcome
from sfpc_book.study.wedge import Wedge

RESTRICTED_MEAN, RISK = "restricted_mean", "risk"
# A curve that censoring cuts into is read at its end only if so many children are still followed there.
MINIMUM_AT_END = 10
SURVIVAL_COLUMNS = [
    "model", "sample", "exposure", "authority", "period", "period_start", "exposed", "exposure_time",
    "outcome", "horizon", "rule", "quantity", "n_children", "n_events", "n_censored", "n_at_end",
    "n_not_observed", "n_followed", "value_mean", "std_error",
]  # fmt: skip


@dataclass(frozen=True)
class KaplanMeier:
    """One curve read at its end. Times in days; unless `ok`, nothing but the counts is known.

    `n_censored` are children whose follow-up stops before the end without the event; `n_at_end` those
    followed to the end without it.
    """

    n_children: int
    n_events: int
    n_censored: int
    n_at_end: int
    ok: bool
    restricted_mean: float = math.nan
    restricted_mean_error: float = math.nan
    risk: float = math.nan
    risk_error: float = math.nan


def kaplan_meier(days: np.ndarray, event: np.ndarray, end: float) -> KaplanMeier:
    """Read the Kaplan-Meier curve of n children at `end`.

    Parameters
    ----------
    days
        (n,) days followed, from 0 to `end`; an event on the same day as a censoring comes first.
    event
        (n,) bool, whether an event ended them.

    Notes
    -----
    With d events among n at risk at each time t: S = prod (1 - d / n); the restricted mean is the integral of
    S from 0 to `end`; its variance is the sum of A(t)^2 d / (n (n - d)), A(t) the integral of S from t on;
    that of the risk 1 - S is S^2 times the sum of d / (n (n - d)). Terms in which nobody is left are 0.
    A curve can be read (`ok`) if nobody is censored before the end, or at least `MINIMUM_AT_END` are followed
    to it.
    """
    days, event = np.asarray(days, dtype=float), np.asarray(event, dtype=bool)
    at_end, censored = int((~event & (days >= end)).sum()), int((~event & (days < end)).sum())
    counts = (len(days), int(event.sum()), censored, at_end)
    if not len(days) or (censored and at_end < MINIMUM_AT_END):
        return KaplanMeier(*counts, ok=False)
    times, dead = np.unique(days[event], return_counts=True)
    at_risk = len(days) - np.searchsorted(np.sort(days), times)
    survival = np.cumprod(1 - dead / at_risk)
    area = np.append(1.0, survival) * np.diff(np.concatenate([[0.0], times, [end]]))
    left = at_risk * (at_risk - dead)
    hazard = np.divide(dead, left, out=np.zeros(len(times)), where=left > 0)
    beyond = np.cumsum(area[:0:-1])[::-1]
    last = float(survival[-1]) if len(times) else 1.0
    return KaplanMeier(
        *counts,
        ok=True,
        restricted_mean=float(area.sum()),
        restricted_mean_error=math.sqrt(float(hazard @ beyond**2)),
        risk=1 - last,
        risk_error=last * math.sqrt(float(hazard.sum())),
    )


def survival_table(
    times: pd.DataFrame, wedge: Wedge, authorities: Sequence[str], measures: Sequence[Outcome]
) -> pd.DataFrame:
    """Restricted means, and risks of 0/1 outcomes, of every authority and period of the main sample.

    Columns `SURVIVAL_COLUMNS`. A cell whose curve cannot be read has `n_children` 0, its children in
    `n_not_observed` and no value; `n_censored` counts those whose follow-up stops before the end.
    """
    binary = {measure.id for measure in measures if measure.scale == "binary"}
    parts = []
    for (outcome, horizon, rule), rows in times.groupby(["outcome", "horizon", "rule"], sort=False):
        quantities = [RISK, RESTRICTED_MEAN] if outcome in binary else [RESTRICTED_MEAN]
        cells = pd.DataFrame(_cells(rows, wedge, authorities, quantities))
        parts.append(cells.assign(outcome=outcome, horizon=horizon, rule=rule))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=SURVIVAL_COLUMNS)
    return table.assign(model=wedge.model_id, sample="main", exposure="go_live")[SURVIVAL_COLUMNS]


def _cells(
    rows: pd.DataFrame, wedge: Wedge, authorities: Sequence[str], quantities: Sequence[str]
) -> Iterator[dict[str, object]]:
    keys = [rows["authority"].astype("str"), rows["period"]]
    groups = {key: part for key, part in rows.groupby(keys)}
    grid = cell_grid(wedge, authorities).to_dict("records")
    curves = [_curve(groups.get((cell["authority"], cell["period"]), rows.iloc[:0])) for cell in grid]
    for quantity in quantities:
        for cell, curve in zip(grid, curves, strict=True):
            used = curve.n_children if curve.ok else 0
            yield cell | {
                "quantity": quantity,
                "n_children": used,
                "n_events": curve.n_events if RISK in quantities else math.nan,
                "n_censored": curve.n_censored,
                "n_at_end": curve.n_at_end,
                "n_not_observed": curve.n_children - used,
                "n_followed": used,
                "value_mean": getattr(curve, quantity),
                "std_error": getattr(curve, f"{quantity}_error"),
            }


def _curve(rows: pd.DataFrame) -> KaplanMeier:
    end = float(rows["end"].iloc[0]) if len(rows) else 0.0
    return kaplan_meier(rows["days"].to_numpy(), rows["event"].to_numpy(dtype=bool), end)
