"""Rows with placebo inference: never-treated units are called treated, at the same times as the treated were.

With few adopters this, not a clustered error, says what chance does.
"""

from __future__ import annotations

import numpy as np

from sfpc_book.estimate.estimate import Estimate, not_estimable
from sfpc_book.estimate.wedge_rows import Slice
from sfpc_book.published import effects, synthetic_weights
from sfpc_book.published.effects import Placebo
from sfpc_book.published.staggered_rows import empty_row, estimand_of
from sfpc_book.published.staggered_table import NEVER, StaggeredTable
from sfpc_book.published.synthetic_weights import DRAWS, SEED

UNITS_ONLY = "clusters larger than units; its placebos are units"
FEWEST_YEARS_BEFORE = 3  # with fewer, weights that match the past match its noise


def synthetic_rows(
    table: StaggeredTable, facts: Slice, name: str, *, estimator: synthetic_weights.Estimator
) -> list[Estimate]:
    """The average over all times after adoption, with placebo inference among the never treated."""
    status = _synthetic_status(table)
    if status != "ok":
        return [empty_row(facts, name, "overall", status)]
    outcome, first = table.matrix()
    treated = first > NEVER
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


def placebo_rows(table: StaggeredTable, facts: Slice, name: str, *, two_way: bool) -> list[Estimate]:
    """The two-way effect, or group-time effects on average and by time since adoption.

    Closed forms of a balanced panel (see `effects`): every time is compared with the one before adoption.
    """
    term = "exposed" if two_way else "overall"
    status = _pool_status(table)
    if status != "ok":
        return [empty_row(facts, name, term, status)]
    outcome, first = table.matrix()
    treated = np.flatnonzero(first > NEVER)
    treated = treated[np.argsort(first[treated], kind="stable")]
    columns, pool = first[treated] - 1, outcome[first == NEVER]
    every = {year - cohort for cohort in table.cohorts for year in range(1, len(table.times) + 1)}
    times = [] if two_way else sorted(every - {-1})
    sizes = np.unique(columns, return_counts=True)[1].tolist()
    draws = np.array(
        [
            effects.statistics(pool[chosen], columns, np.delete(pool, chosen, axis=0), times)
            for chosen in effects.allocations(len(pool), sizes, most=DRAWS, seed=SEED)
        ]
    )
    observed = effects.statistics(outcome[treated], columns, pool, times)
    terms = {term: int(two_way)} | {f"event_time_{time}": place for place, time in enumerate(times, start=2)}
    return [
        facts.row(
            name,
            term=named,
            estimand="immediate" if two_way else estimand_of(named),
            **_placebo(Placebo(float(observed[place]), draws[:, place]), facts.conf_level),
        )
        for named, place in terms.items()
    ]


def _pool_status(table: StaggeredTable) -> str:
    _, first = table.matrix()
    treated, never = int((first > NEVER).sum()), int((first == NEVER).sum())
    if never < treated + 2:
        return not_estimable(f"{never} units never treated; it takes {treated + 2} or more")
    return "ok" if not table.clustered else not_estimable(UNITS_ONLY)


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
        return not_estimable(UNITS_ONLY)
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
