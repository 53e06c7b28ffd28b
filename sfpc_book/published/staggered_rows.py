"""Tidy rows of staggered estimators: an estimate with its error, a gap where the design identifies nothing.

Clustered errors go with t on clusters - 1 throughout: a normal interval from few clusters is too short. Where
a cohort or the control group is one cluster the analytic variance leaves its own noise out, so there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from sfpc_book.estimate.estimate import NAN, Estimate
from sfpc_book.estimate.panel_models import ROUNDING, t_interval
from sfpc_book.estimate.wedge_rows import Slice
from sfpc_book.published.staggered_table import NEVER, StaggeredTable

LONE = "none: a cohort or the controls are one cluster"
ESTIMANDS = {
    "event_time_average": "event_time_average",
    "event_time": "event_time_effect",
    "group": "group_time_effect",
}  # by how a term begins


def common_facts(table: StaggeredTable, outcome: str, conf_level: float) -> Slice:
    """What all rows of a table have in common."""
    return Slice.of_table(
        outcome,
        unit="unit of the outcome",
        conf_level=conf_level,
        n_children=None,
        n_events=None,
        n_clusters=table.n_clusters,
        n_periods=len(table.times),
    )


def empty_row(facts: Slice, name: str, term: str, status: str) -> Estimate:
    """Row without a number; `status` says why."""
    return facts.row(
        name, term=term, status=status, identified=status != "not_identified", estimand=estimand_of(term)
    )


def estimand_of(term: str) -> str:
    """What a term estimates; terms are named after it."""
    named = (kind for start, kind in ESTIMANDS.items() if term.startswith(start))
    return next(named, "average_effect_on_adopters")


def number_row(
    used: StaggeredTable, facts: Slice, name: str, term: str, found: Sequence[float], cohorts: Sequence[int]
) -> Estimate:
    """Row of an estimate and its standard error, with t on clusters - 1; no error where one of the `cohorts`
    that contribute, or the never treated, is a single cluster, or where rounding is all there is of it."""
    estimate, std_error = map(float, found)
    if not np.isfinite(estimate):
        return empty_row(facts, name, term, "not_identified")
    lone = any(used.clusters_in(cohort) < 2 for cohort in (NEVER, *cohorts))
    if lone or not std_error > ROUNDING * np.ptp(used.panel["outcome"]):
        reference = LONE if lone else "none: no variance left"
        return facts.row(name, term=term, estimate=estimate, reference=reference, estimand=estimand_of(term))
    numbers = {"estimate": estimate, "std_error": std_error}
    numbers |= t_interval(estimate, std_error, facts.n_clusters - 1, facts.conf_level)
    return facts.row(name, term=term, reference="t", estimand=estimand_of(term), **numbers)


def curve_rows(
    used: StaggeredTable, facts: Slice, name: str, effects: pd.DataFrame, times: Sequence[int]
) -> Iterator[Estimate]:
    """Effects (event_time, estimate, std_error) at each of `times`, `not_identified` where there is none."""
    found = {int(row.event_time): (row.estimate, row.std_error) for row in effects.itertuples()}
    for time in times:
        cohorts = [cohort for cohort in used.cohorts if 1 <= cohort + time <= len(used.times)]
        pair = found.get(time, (NAN, NAN))
        yield number_row(used, facts, name, f"event_time_{time}", pair, cohorts)
