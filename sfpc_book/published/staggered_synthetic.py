"""Rows of synthetic difference-in-differences and synthetic control, with placebo inference."""

from __future__ import annotations

import numpy as np

from sfpc_book.estimate.estimate import Estimate, not_estimable
from sfpc_book.estimate.wedge_rows import Slice
from sfpc_book.published import synthetic_weights
from sfpc_book.published.effects import Placebo
from sfpc_book.published.staggered_rows import empty_row, estimand_of
from sfpc_book.published.staggered_table import NEVER, StaggeredTable

FEWEST_YEARS_BEFORE = 3  # with fewer, weights that match the past match its noise


def synthetic_rows(
    table: StaggeredTable, facts: Slice, name: str, *, estimator: synthetic_weights.Estimator
) -> list[Estimate]:
    """The average over all times after adoption, with placebo inference among the never treated."""
    status = _synthetic_status(table)
    if status != "ok":
        return [empty_row(facts, name, "overall", status)]
    outcome = table.panel.pivot(index="unit", columns="year", values="outcome").to_numpy()
    treated = table.panel.groupby("unit")["first_year"].first().to_numpy() > NEVER
    before = table.cohorts[0] - 1
    controls = int((~treated).sum())
    if controls <= treated.sum() + 1:
        numbers = {
            "estimate": estimator(outcome[treated], outcome[~treated], before),
            "reference": "none: too few never-treated units for a placebo",
        }
    else:
        found = synthetic_weights.placebo(estimator, outcome[treated], outcome[~treated], before)
        numbers = _placebo(found, facts.conf_level)
    return [facts.row(name, term="overall", estimand=estimand_of("overall"), **numbers)]


def _synthetic_status(table: StaggeredTable) -> str:
    cohorts = table.cohorts
    before = cohorts[0] - 1
    never = table.panel.loc[table.panel["first_year"] == NEVER, "unit"].nunique()
    if len(cohorts) > 1:
        return not_estimable(f"{len(cohorts)} dates of adoption; it takes one")
    if before < FEWEST_YEARS_BEFORE:
        return not_estimable(f"{before} times before adoption; it takes {FEWEST_YEARS_BEFORE} or more")
    if never < 2:
        return not_estimable(f"{never} units never treated; it takes 2 or more")
    if table.clustered:
        return not_estimable("clusters larger than units; its placebos are units")
    return "ok"


def _placebo(found: Placebo, conf_level: float) -> dict[str, object]:
    """Numbers of placebo inference; unbounded where so few placebos reject at no such level."""
    smallest = 1 / (1 + len(found.draws))
    low, high = found.interval(conf_level) if smallest <= 1 - conf_level else (-np.inf, np.inf)
    return {
        "estimate": found.estimate,
        "std_error": found.std_error,
        "p_value": found.p_value,
        "conf_low": low,
        "conf_high": high,
        "reference": "placebo units",
        "n_orders": len(found.draws),
        "p_minimum": smallest,
    }
