"""The exact test pooled over the trials, on simulated trials of all of them at once.

One replication takes one simulated trial of every model, as its own calibration draws it, and pools their
exact tests as the report does. The true value is the mean of the trials' true values with the weights of the
pooled estimate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.calibration import Plan, calibration_rows
from sfpc_book.estimate.calibration_draw import CHUNK, Draws, exposed_average
from sfpc_book.estimate.calibration_linear import LinearJudge
from sfpc_book.estimate.calibration_verdicts import verdict_frame
from sfpc_book.estimate.pooled import ALL_MODELS, pooled_effects
from sfpc_book.estimate.randomisation import OrderEffects, RandomisationResult, randomisation_test
from sfpc_book.study.calibration import Replications

POOLED, POOLED_ATTAINABLE = "pooled_randomisation", "pooled_randomisation_attainable"


@dataclass(frozen=True)
class _Replication:
    """One pooled test and what is true."""

    test: RandomisationResult
    truth: float


def calibrate_pooled(
    plans: Mapping[str, Plan],
    judges: Mapping[str, LinearJudge],
    *,
    replications: Replications | None = None,
) -> pd.DataFrame:
    """`CALIBRATION_COLUMNS` of the pooled test in every scenario, at the study's level and at the smallest
    one.

    The test goes through all combinations of orders in every replication, so it has as many as the `refitted`
    methods.
    """
    if not plans:
        raise EstimationError("There is no trial to pool.")
    first = next(iter(plans.values()))
    size = (replications or first.settings.replications).refitted
    parts = []
    for scenario in first.settings.scenarios:
        chunks = range(math.ceil(size / CHUNK))
        verdicts = [pooled_verdicts(plans, judges, scenario, chunk, size) for chunk in chunks]
        parts.append(pooled_rows(first, scenario, pd.concat(verdicts, ignore_index=True)))
    return pd.concat(parts, ignore_index=True)


def pooled_rows(plan: Plan, scenario: str, verdicts: pd.DataFrame) -> pd.DataFrame:
    """`CALIBRATION_COLUMNS` of one scenario; the smallest level is that at which every replication can
    reject."""
    at_least = verdicts["method"] == POOLED_ATTAINABLE
    smallest = verdicts.loc[at_least, "alpha"].max()
    levelled = verdicts.assign(alpha=verdicts["alpha"].mask(at_least, smallest))
    return calibration_rows(plan, scenario, levelled).assign(model=ALL_MODELS)


def pooled_verdicts(
    plans: Mapping[str, Plan], judges: Mapping[str, LinearJudge], scenario: str, chunk: int, size: int
) -> pd.DataFrame:
    """Verdicts on one chunk's trials, as far as `size` replications reach."""
    first = next(iter(plans.values()))
    kept = max(0, min(size - chunk * CHUNK, CHUNK))
    draws = {
        model: plan.draws(judges[model].design, scenario, chunk).first(kept) for model, plan in plans.items()
    }
    found = list(_replications(judges, draws, first.conf_level))
    tests = [replication.test for replication in found]
    shared = {
        "estimate": np.array([test.estimate for test in tests]),
        "truth": np.array([replication.truth for replication in found]),
        "p_value": np.array([test.p_value for test in tests]),
    }
    asked = np.array([(test.conf_low, test.conf_high) for test in tests]).reshape(-1, 2)
    within = np.array([test.attainable for test in tests]).reshape(-1, 2)
    level = np.array([test.level_maximum for test in tests])
    smallest = np.array([test.p_minimum for test in tests])
    rows, status = np.arange(kept) + chunk * CHUNK, np.full(kept, "ok")
    return pd.concat(
        [
            verdict_frame(name, rows, status, alpha=alpha, conf_low=ends[:, 0], conf_high=ends[:, 1],
            level=at,
                          **shared)
            for name, alpha, ends, at in (
                (POOLED, 1 - first.conf_level, asked, first.conf_level),
                (POOLED_ATTAINABLE, smallest, within, level),
            )
        ],
        ignore_index=True,
    )  # fmt: skip


def _replications(
    judges: Mapping[str, LinearJudge], draws: Mapping[str, Draws], conf_level: float
) -> Iterator[_Replication]:
    truths = {
        model: exposed_average(
            drawn.difference, judges[model].design.exposed[drawn.order], judges[model].design.cells.weight
        )
        for model, drawn in draws.items()
    }
    for row in range(len(next(iter(draws.values())))):
        trials: list[OrderEffects] = [
            judges[model].exact(int(drawn.order[row]), drawn.mean[row]) for model, drawn in draws.items()
        ]
        information = np.array([trial.information.mean() for trial in trials])
        truth = np.array([truths[model][row] for model in draws]) @ information / information.sum()
        test = randomisation_test(pooled_effects(trials), conf_level=conf_level)
        yield _Replication(test, float(truth))
