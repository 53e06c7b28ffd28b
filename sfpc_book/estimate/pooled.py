"""One exact test over several trials: orders are exchanged within model and stratum, never between models.

The statistic is the mean of the trials' coefficients, weighted by each trial's information averaged over
its admissible orders. The weights depend on the design and the children in the cells, never on the
outcomes, so the mean is an effect in the outcome's own unit and can be inverted to an interval. With 12,
4 and 120 orders there are 5,760 combinations, and no single trial's few orders limit the p-value.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells, cells_of
from sfpc_book.estimate.estimate import combine
from sfpc_book.estimate.exact_test import exact_status
from sfpc_book.estimate.panel_models import design_status
from sfpc_book.estimate.randomisation import (
    MONTE_CARLO_DRAWS,
    MONTE_CARLO_SEED,
    OrderEffects,
    order_effects,
    randomisation_test,
)
from sfpc_book.estimate.wedge_rows import Slice, pooled_row, row_without_number
from sfpc_book.study.wedge import MAXIMUM_ORDERS, Wedge

ALL_MODELS = "all"
ANALYSIS = "pooled_randomisation"


def pooled_effects(trials: Sequence[OrderEffects], *, seed: int = MONTE_CARLO_SEED) -> OrderEffects:
    """The weighted mean coefficient under every combination of the trials' orders, the observed one first.

    Beyond 100,000 combinations: the observed one and 99,999 drawn at random, each trial's order uniformly.

    Raises
    ------
    EstimationError
        When no trial is given.
    """
    if not trials:
        raise EstimationError("There is no trial to pool.")
    exact = math.prod(trial.n_orders for trial in trials) <= MAXIMUM_ORDERS
    chosen = _combinations([trial.n_orders for trial in trials], exact, seed)
    share = information_shares(trials)
    parts = list(zip(trials, chosen.T, share, strict=True))
    sign = np.array([trial.sign[order] for trial, order, _ in parts])
    return OrderEffects(
        effect=sum(weight * trial.effect[order] for trial, order, weight in parts),
        of_exposure=sum(weight * trial.of_exposure[order] for trial, order, weight in parts),
        information=sum(trial.information[order] for trial, order, _ in parts),
        sign=np.where((sign == sign[0]).all(axis=0), sign[0], 0),
        defined=np.all([trial.defined[order] for trial, order, _ in parts], axis=0),
        exact=exact and all(trial.exact for trial in trials),
    )


def information_shares(trials: Sequence[OrderEffects]) -> np.ndarray:
    """Weight of each trial in the mean: its information averaged over its orders, as a share of all. Sums to
    one; shape (trials,).
    """
    information = np.array([trial.information.mean() for trial in trials])
    return information / information.sum()


def pooled_weights(
    panels: Mapping[str, pd.DataFrame], wedges: Mapping[str, Wedge], *, statistic: str = "two_way"
) -> dict[str, float]:
    """The weight in the pooled mean of each model that can be estimated, by model id; panels and statistic as
    for `estimate_pooled`.
    """
    cells = {model: cells_of(panel) for model, panel in panels.items()}
    trials = _trials(cells, panels, wedges, statistic)
    if not trials:
        return {}
    shares = information_shares(list(trials.values()))
    return dict(zip(trials, map(float, shares), strict=True))


def _trials(
    cells: Mapping[str, Cells],
    panels: Mapping[str, pd.DataFrame],
    wedges: Mapping[str, Wedge],
    statistic: str,
) -> dict[str, OrderEffects]:
    """The statistic under every order of each model that can be estimated."""
    usable = [
        model
        for model, found in cells.items()
        if design_status(found) == exact_status(found, statistic=statistic) == "ok"
    ]
    remaining = {model: wedges[model].among(panels[model]["authority"].unique()) for model in usable}
    return {model: order_effects(cells[model], remaining[model], statistic=statistic) for model in usable}


def estimate_pooled(
    panels: Mapping[str, pd.DataFrame],
    wedges: Mapping[str, Wedge],
    *,
    outcome: str,
    horizon: int | None,
    sample: str = "main",
    exposure: str = "go_live",
    statistic: str = "two_way",
    unit: str = "",
    conf_level: float = 0.95,
    data_status: str = "synthetic",
) -> pd.DataFrame:
    """One tidy row: the effect pooled over models with its exact p-value and interval.

    Parameters
    ----------
    panels
        The slice of this outcome and horizon for each model id, as for `estimate_outcome`.
    statistic
        A linear one (`LINEAR_STATISTICS`).

    A model whose slice cannot be estimated is left out; `reference` names those pooled and the status is then
    `partly_observed`. Without any, the row carries no number.
    """
    cells = {model: cells_of(panel) for model, panel in panels.items()}
    trials = _trials(cells, panels, wedges, statistic)
    usable = list(trials)
    everything = pd.concat(list(panels.values()))
    complete = len(usable) == len(panels) and everything["n_not_observed"].sum() == 0
    facts = Slice.of(
        everything,
        [cells[model] for model in usable],
        model=ALL_MODELS,
        outcome=outcome,
        horizon=horizon,
        sample=sample,
        exposure=exposure,
        unit=unit,
        conf_level=conf_level,
        data_status=data_status,
        status_with_number="ok" if complete else "partly_observed",
    )
    if not usable:
        return combine([row_without_number(facts, ANALYSIS, _status_without_any(everything, cells))])
    effects = pooled_effects(list(trials.values()))
    return combine([pooled_row(facts, randomisation_test(effects, conf_level=conf_level), usable)])


def _status_without_any(panel: pd.DataFrame, cells: Mapping[str, Cells]) -> str:
    nothing = panel["n_children"].sum() == 0 and panel["n_not_observed"].sum() > 0
    return "not_observed" if nothing else design_status(next(iter(cells.values())))


def _combinations(sizes: Sequence[int], exact: bool, seed: int) -> np.ndarray:
    """One index of an order for each trial. Shape (combinations, trials); the first row is all zeros."""
    if exact:
        return np.array(list(itertools.product(*(range(size) for size in sizes))), dtype=int)
    drawn = np.random.default_rng(seed).integers(0, sizes, size=(MONTE_CARLO_DRAWS + 1, len(sizes)))
    drawn[0] = 0
    return drawn
