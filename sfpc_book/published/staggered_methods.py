"""Every estimator of staggered adoption by name: a row for each term, a status where there is no number."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.estimate import NAN, Estimate, combine, not_estimable
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.two_way import has_within_variation
from sfpc_book.estimate.wedge_rows import Slice, panel_row
from sfpc_book.published import synthetic_weights
from sfpc_book.published.staggered import group_time
from sfpc_book.published.staggered_models import EventStudy, goodman_bacon, imputation, sun_abraham
from sfpc_book.published.staggered_placebo import placebo_rows, synthetic_rows
from sfpc_book.published.staggered_rows import common_facts, curve_rows, empty_row, number_row
from sfpc_book.published.staggered_table import StaggeredTable

NO_NEVER = not_estimable("no unit is never treated; group_time_not_yet takes those not yet treated")
VARYING = not_estimable("weights that change over time; two_way takes them")
DOUBLY_ROBUST = "group_time_doubly_robust"
NO_ERROR = "none: a part of the two-way estimate"
NO_WEIGHTS = not_estimable("takes no weights")
Rows = Iterable[Estimate]
Run = Callable[[StaggeredTable, Slice, str], Rows]


@dataclass(frozen=True)
class StaggeredMethod:
    """How a method is run, whether it takes weights (`any`, `constant` over time, `none`), what it is, and
    the term of its row where it has no number."""

    run: Run
    weights: str
    says: str
    term: str = "overall"


def estimate_staggered(
    table: StaggeredTable, names: Iterable[str], *, outcome: str, conf_level: float = 0.95
) -> pd.DataFrame:
    """Rows of each method named (keys of `STAGGERED_METHODS`), in that order.

    A method that the table cannot carry has one row whose status says why; a term that the design does not
    identify has a row `not_identified`.
    """
    facts = common_facts(table, outcome, conf_level)
    return combine(_told(table, name, row) for name in names for row in _run(table, facts, name))


def without_covariates(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the methods named that do without covariates."""
    return tuple(name for name in names if name != DOUBLY_ROBUST)


def _told(table: StaggeredTable, name: str, row: Estimate) -> Estimate:
    """The row, its reference saying if it does without covariates that were given."""
    if not row.reference or not table.covariates or name == DOUBLY_ROBUST:
        return row
    return dataclasses.replace(row, reference=f"{row.reference}; without covariates")


def _run(table: StaggeredTable, facts: Slice, name: str) -> Rows:
    method = STAGGERED_METHODS[name]
    status = _blocked(table, method)
    if status != "ok":
        return [empty_row(facts, name, method.term, status)]
    try:
        return list(method.run(table, facts, name))
    except EstimationError as error:
        cause = " ".join(("; ".join(error.problems) or error.message).split())
        return [empty_row(facts, name, method.term, not_estimable(cause))]


def _blocked(table: StaggeredTable, method: StaggeredMethod) -> str:
    """`ok`, or why no method of this kind can be run."""
    if table.n_clusters < 2:
        return not_estimable("one cluster")
    if np.ptp(table.panel["outcome"]) == 0:
        return not_estimable("constant outcome")
    if table.weighted and method.weights == "none":
        return NO_WEIGHTS
    if table.weighted and method.weights == "constant" and table.weights_vary_over_time:
        return VARYING
    return "ok"


def _group_time(
    table: StaggeredTable, facts: Slice, name: str, *, control_group: str, adjusted: bool = False
) -> Rows:
    """Effects of each cohort at each time, by time since adoption, and over all treated cells."""
    if adjusted and not table.covariates:
        return [empty_row(facts, name, "overall", not_estimable("no covariates given"))]
    if control_group == "never_treated" and not table.has_never_treated:
        return [empty_row(facts, name, "overall", NO_NEVER)]
    used = table.with_controls()
    if not used.cohorts:
        return [empty_row(facts, name, "overall", "not_identified")]
    fit = group_time(
        used.panel,
        base_period="varying",
        control_group=control_group,
        covariates=used.covariates if adjusted else (),
        weighted=table.weighted,
        clustered=table.clustered,
    )
    years = range(2, len(table.times) + 1)
    times = sorted({year - cohort for cohort in table.cohorts for year in years})
    return [
        *_cell_rows(table, used, facts, name, fit.cells),
        *curve_rows(used, facts, name, fit.event_time, times),
        number_row(used, facts, name, "event_time_average", fit.event_time_average, used.cohorts),
        number_row(used, facts, name, "overall", fit.overall, used.cohorts),
    ]


def _cell_rows(
    table: StaggeredTable, used: StaggeredTable, facts: Slice, name: str, cells: pd.DataFrame
) -> Iterator[Estimate]:
    """Every cohort of the table at every time after the first; `cells` are those that could be compared."""
    found = {(int(row.group), int(row.time)): (row.estimate, row.std_error) for row in cells.itertuples()}
    for cohort in table.cohorts:
        for year in range(2, len(table.times) + 1):
            term = f"group_{table.label(cohort)}_time_{table.times[year - 1]}"
            yield number_row(used, facts, name, term, found.get((cohort, year), (NAN, NAN)), [cohort])


def _event_study(
    table: StaggeredTable, facts: Slice, name: str, *, fit: Callable[..., EventStudy], before: bool
) -> Rows:
    """Effects by time since adoption (and before it, if `before`), and over all treated cells."""
    used = table.with_controls()
    if not used.cohorts:
        return [empty_row(facts, name, "overall", "not_identified")]
    found = fit(used.panel, weighted=table.weighted, clustered=table.clustered)
    every = {year - cohort for cohort in table.cohorts for year in range(1, len(table.times) + 1)}
    times = sorted(time for time in every if time >= 0 or (before and time != -1))
    overall = number_row(used, facts, name, "overall", found.overall, used.cohorts)
    return [*curve_rows(used, facts, name, found.event_time, times), overall]


def _two_way(table: StaggeredTable, facts: Slice, name: str) -> Rows:
    """One constant effect, by linearmodels."""
    fit = fit_two_way(
        table.cells(),
        weights="children" if table.weighted else "equal",
        conf_level=facts.conf_level,
        clusters=table.panel["cluster"].to_numpy(),
    )
    if fit.ok and sum(table.clusters_in(cohort) for cohort in table.cohorts) < 2:
        return [facts.row(name, estimate=fit.estimate, reference="none: one treated cluster")]
    return [dataclasses.replace(panel_row(facts, name, fit), reference="t" if fit.ok else "")]


def _bacon(table: StaggeredTable, facts: Slice, name: str) -> Rows:
    """Each comparison's estimate and weight, those of each kind, and the weight on forbidden comparisons."""
    cells = table.cells()
    if not has_within_variation(cells, cells.weight):
        return [empty_row(facts, name, "two_way", "not_identified")]
    found = goodman_bacon(table.panel)
    singles = [
        (f"{table.label(row.treated)}_vs_{table.label(row.control)}", row.estimate, row.weight)
        for row in found.comparisons.itertuples()
    ]
    kinds = [(str(kind), row["estimate"], row["weight"]) for kind, row in found.by_kind().iterrows()]
    rows = []
    for term, estimate, weight in (*singles, *kinds):
        rows.append(
            facts.row(name, term=term, estimate=estimate, estimand="two_way_comparison", reference=NO_ERROR)
        )
        rows.append(_share(facts, name, f"weight_{term}", weight))
    forbidden = _share(facts, name, "weight_forbidden", found.forbidden_weight)
    total = facts.row(name, term="two_way", estimate=found.two_way, reference="none: see two_way")
    return [*rows, forbidden, total]


def _share(facts: Slice, name: str, term: str, weight: float) -> Estimate:
    values = {"estimate": weight, "unit": "share of weight", "reference": NO_ERROR}
    return facts.row(name, term=term, estimand="two_way_weight", **values)


STAGGERED_METHODS: Mapping[str, StaggeredMethod] = {
    "group_time": StaggeredMethod(
        partial(_group_time, control_group="never_treated"), "constant",
        "group-time effects against never-treated units"),
    "group_time_not_yet": StaggeredMethod(
        partial(_group_time, control_group="not_yet_treated"), "constant",
        "the same against all that are not yet treated"),
    DOUBLY_ROBUST: StaggeredMethod(
        partial(_group_time, control_group="never_treated", adjusted=True), "constant",
        "group_time with covariates before adoption, doubly robust"),
    "group_time_placebo": StaggeredMethod(
        partial(placebo_rows, two_way=False), "none", "the same against units called treated"),
    "imputation": StaggeredMethod(
        partial(_event_study, fit=imputation, before=False), "constant",
        "outcomes imputed from untreated rows"),
    "sun_abraham": StaggeredMethod(
        partial(_event_study, fit=sun_abraham, before=True), "constant",
        "cohort-by-time interactions, averaged by shares of cohorts"),
    "two_way": StaggeredMethod(_two_way, "any", "one constant effect with unit and time effects", "exposed"),
    "two_way_placebo": StaggeredMethod(
        partial(placebo_rows, two_way=True), "none", "the same against units called treated", "exposed"),
    "goodman_bacon": StaggeredMethod(
        _bacon, "none", "what the unweighted two-way effect is a mean of", "two_way"),
    "synthetic_did": StaggeredMethod(
        partial(synthetic_rows, estimator=synthetic_weights.synthetic_did), "none",
        "weighted units and times, one date of adoption"),
    "synthetic_control": StaggeredMethod(
        partial(synthetic_rows, estimator=synthetic_weights.synthetic_control), "none",
        "weighted units that match the times before, one date of adoption"),
}  # fmt: skip
