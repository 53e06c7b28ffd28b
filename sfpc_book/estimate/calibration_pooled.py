"""The exact test pooled over the trials, on simulated trials of all of them at once.

One replication draws one order of every trial. The statistic under every combination of orders is a weighted mean of
the trials' own (`pooled.py`), so with a trial's statistics of all orders at hand, (orders, R), a combination costs
one sum. An effect of t taken out of the data lowers each statistic by t times that of the exposure; whether the true
value is in the confidence set is the same test at the true value.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.calibration import Plan, calibration_rows
from sfpc_book.estimate.calibration_draw import CHUNK, Draws, exposed_average
from sfpc_book.estimate.calibration_linear import LinearJudge
from sfpc_book.estimate.calibration_verdicts import TIE, verdict_frame
from sfpc_book.estimate.pooled import ALL_MODELS
from sfpc_book.estimate.randomisation import TIE_TOLERANCE
from sfpc_book.study.wedge import MAXIMUM_ORDERS

POOLED, POOLED_ATTAINABLE = "pooled_randomisation", "pooled_randomisation_attainable"


def calibrate_pooled(plans: Mapping[str, Plan], judges: Mapping[str, LinearJudge]) -> pd.DataFrame:
    """`CALIBRATION_COLUMNS` of the pooled test in every scenario, at the study's level and at the smallest one.

    Raises
    ------
    EstimationError
        Without a trial, or where the trials' orders have more than 100,000 combinations.
    """
    if not plans:
        raise EstimationError("There is no trial to pool.")
    first = next(iter(plans.values()))
    parts = []
    for scenario in first.settings.scenarios:
        chunks = range(math.ceil(first.settings.replications.linear / CHUNK))
        verdicts = pd.concat([pooled_verdicts(plans, judges, scenario, chunk) for chunk in chunks])
        kept = verdicts[verdicts["replication"] < first.settings.replications.linear]
        parts.append(calibration_rows(first, scenario, kept).assign(model=ALL_MODELS))
    return pd.concat(parts, ignore_index=True)


def pooled_verdicts(
    plans: Mapping[str, Plan], judges: Mapping[str, LinearJudge], scenario: str, chunk: int
) -> pd.DataFrame:
    """Verdicts of the pooled test on one chunk; each trial's outcomes are those of its own calibration."""
    draws = {model: plan.draws(judges[model].design, scenario, chunk) for model, plan in plans.items()}
    used = list(judges.values())
    share = _shares(used)
    combined = _combinations([len(judge.design.orders) for judge in used])
    # under the order drawn, a trial's own statistic of its exposure is 1, so the pooled one of an effect t is t
    effect, of_exposure = _pooled(used, list(draws.values()), share, combined)
    estimate = sum(
        weight * judge.influence[drawn.order[row]] @ drawn.mean[row]
        for row in range(0)
        for judge, drawn, weight in zip(used, draws.values(), share, strict=True)
    ) if False else _observed(used, list(draws.values()), share)
    truth = _truth(used, list(draws.values()), share)
    size = {0: _p_value(effect, of_exposure, estimate, np.zeros(CHUNK))}
    at_truth = _p_value(effect, of_exposure, estimate, truth)
    alpha, smallest = 1 - next(iter(plans.values())).conf_level, _smallest(used)
    rows = [
        verdict_frame(
            method,
            np.arange(CHUNK) + chunk * CHUNK,
            np.full(CHUNK, "ok"),
            estimate=estimate,
            truth=truth,
            p_value=size[0],
            alpha=level,
            conf_low=np.full(CHUNK, np.nan),
            conf_high=np.full(CHUNK, np.nan),
            level=1 - level,
            covered=(at_truth > level + TIE).astype(float),
        )
        for method, level in ((POOLED, alpha), (POOLED_ATTAINABLE, smallest))
    ]
    return pd.concat(rows, ignore_index=True)
