"""Every estimator by name, for a table that somebody brings: one row for each term, in the tidy columns.

The same functions that the book's chapters call. Names are those of the book's registry of analyses where it
has them; the others are sensitivities and are said to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate import child_models
from sfpc_book.estimate.child_models import Children, Term
from sfpc_book.estimate.child_rows import term_row
from sfpc_book.estimate.crossover import crossover_estimate
from sfpc_book.estimate.estimate import Estimate, combine, not_estimable
from sfpc_book.estimate.exact_test import exact_status, exact_test
from sfpc_book.estimate.exposure_time import average_effect, exposure_time_effects
from sfpc_book.estimate.hussey_hughes import binary_squares, fit_hussey_hughes
from sfpc_book.estimate.leave_out import leave_out
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.trial_table import Roles, TrialTable
from sfpc_book.estimate.vertical import vertical_estimate
from sfpc_book.estimate.wedge_rows import Slice, exposure_row, panel_row, randomisation_rows
from sfpc_book.estimate.wild_bootstrap import wild_bootstrap

SCALES = ("linear", "logit")
Rows = Iterable[Estimate]
Run = Callable[[TrialTable, Slice, str], Rows]


@dataclass(frozen=True)
class Method:
    """One estimator: the scale of its effect, whether it works on cluster-period cells of a wedge, how it is
    run, what it is in words, whether it needs each cluster's start, and whether it exchanges starts."""

    scale: str
    on_cells: bool
    run: Run
    says: str
    needs_starts: bool = False
    exchanges: bool = False


def estimate_table(
    table: TrialTable, names: Iterable[str], *, outcome: str, conf_level: float = 0.95
) -> pd.DataFrame:
    """Rows of each method named, in that order.

    A method that the table cannot carry has one row whose status says why.

    Raises
    ------
    EstimationError
        For names that are not in `METHODS`, all of them.
    """
    names = list(names)
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        raise EstimationError(f"Unknown methods: {', '.join(unknown)}. Allowed: {', '.join(METHODS)}.")
    facts = _facts(table, outcome, conf_level)
    return combine(_told(table, name, row) for name in names for row in _run(table, facts, name))


def methods_of(scale: str) -> tuple[str, ...]:
    """Names of the methods of a scale; `all` gives both scales'."""
    return tuple(name for name, method in METHODS.items() if scale in ("all", method.scale))


def _told(table: TrialTable, name: str, row: Estimate) -> Estimate:
    """The row, its reference saying if it does without covariates that were given."""
    without = METHODS[name].on_cells and table.children.covariates.shape[1]
    return (
        replace(row, reference=f"{row.reference}; without covariates") if row.reference and without else row
    )


def not_used(roles: Roles, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Option given → those of the methods named that do not use it; without options that all use."""
    names = [name for name in names if name in METHODS]
    users = {"covariates": lambda method: not method.on_cells, "stratum": lambda method: method.exchanges}
    given = {"covariates": bool(roles.covariates), "stratum": roles.stratum is not None}
    left = {
        option: tuple(name for name in names if not uses(METHODS[name]))
        for option, uses in users.items()
        if given[option]
    }
    return {option: idle for option, idle in left.items() if idle}


def _run(table: TrialTable, facts: Slice, name: str) -> Rows:
    method = METHODS[name]
    if method.on_cells and table.no_cells:
        return [_empty(facts, name, not_estimable(table.no_cells))]
    if method.needs_starts and table.no_starts:
        return [_empty(facts, name, not_estimable(table.no_starts))]
    if method.scale == "logit" and not table.binary:
        return [_empty(facts, name, not_estimable("the outcome is not between 0 and 1"))]
    return list(method.run(table, facts, name))


def _facts(table: TrialTable, outcome: str, conf_level: float) -> Slice:
    children = table.children
    counted = children.weight > 0
    return Slice.of_table(
        outcome,
        unit="proportion" if table.binary else "unit of the outcome",
        conf_level=conf_level,
        n_children=round(float(children.weight.sum())),
        n_events=table.n_events,
        n_clusters=len(set(children.cluster[counted])),
        n_periods=len(set(children.period[counted])),
    )


def _empty(facts: Slice, name: str, status: str, term: str = "exposed") -> Estimate:
    return facts.row(name, term=term, status=status, identified=status != "not_identified", reference="")


def _two_way(table: TrialTable, facts: Slice, name: str, *, weights: str) -> Rows:
    return [panel_row(facts, name, fit_two_way(table.cells, weights=weights, conf_level=facts.conf_level))]


def _of_children(
    table: TrialTable, facts: Slice, name: str, *, model: Callable[[Children], tuple[Term, ...]]
):
    terms = child_models.pooled_terms(model, table.imputed) if table.imputed else model(table.kinds)
    return [term_row(facts, name, term) for term in terms]


def _exact(table: TrialTable, facts: Slice, name: str, *, statistic: str) -> Rows:
    status = exact_status(table.cells, statistic=statistic)
    if status != "ok":
        return [_empty(facts, name, status)]
    test = exact_test(table.cells, table.wedge, statistic=statistic, conf_level=facts.conf_level)
    asked, attainable = randomisation_rows(facts, test)
    return [_named(asked, name), _named(attainable, f"{name}_attainable")]


def _named(row: Estimate, name: str) -> Estimate:
    return Estimate(**(vars(row) | {"analysis": name}))


def _leave_out(table: TrialTable, facts: Slice, name: str) -> Iterator[Estimate]:
    """The two-way estimate, and its exact test, without each cluster and each period in turn."""
    for part in leave_out(table.cells, table.wedge, conf_level=facts.conf_level):
        term = f"without_{part.kind.replace('authority', 'cluster')}_{part.left_out}"
        yield replace(panel_row(facts, name, part.fit), term=term)
        if part.test is None:
            yield _empty(facts, f"{name}_randomisation", part.test_status, term)
        else:
            exact = randomisation_rows(facts, part.test)[0]
            yield replace(_named(exact, f"{name}_randomisation"), term=term)


def _curve(table: TrialTable, facts: Slice, name: str) -> Rows:
    status = exact_status(table.cells)
    if status.startswith("not_estimable"):
        return [_empty(facts, name, status)]
    effects = exposure_time_effects(table.cells)
    return [exposure_row(facts, name, effect) for effect in effects] or [
        _empty(facts, name, "not_identified")
    ]


def _average(table: TrialTable, facts: Slice, name: str) -> Rows:
    status = exact_status(table.cells)
    if status.startswith("not_estimable"):
        return [_empty(facts, name, status)]
    return [exposure_row(facts, name, average_effect(table.cells))]


def _contrast(table: TrialTable, facts: Slice, name: str, *, estimate: Callable) -> Rows:
    found = estimate(table.cells)
    if found.status != "ok":
        return [_empty(facts, name, found.status)]
    return [facts.row(name, estimate=found.estimate, reference="none: see the exact test by this statistic")]


def _mixed(table: TrialTable, facts: Slice, name: str, *, cell_effects: bool) -> Rows:
    squares = _within_squares(table)
    if cell_effects and squares is None:
        return [_empty(facts, name, not_estimable("effects of cells need the rows of single children"))]
    found = fit_hussey_hughes(
        table.cells, within_squares=squares, cell_effects=cell_effects, conf_level=facts.conf_level
    )
    if not found.ok:
        return [_empty(facts, name, found.status)]
    fields = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")
    numbers = {field: getattr(found, field) for field in fields}
    return [facts.row(name, reference="t, Satterthwaite d.f. of the model's variances", **numbers)]


def _within_squares(table: TrialTable) -> np.ndarray | None:
    """Sum over the children of each cell of (outcome - mean)^2; None where only their mean is known."""
    if table.n_events is not None:
        return binary_squares(table.cells)
    children, cells = table.children, table.cells
    if not np.isin(children.weight, (0, 1)).all():
        return None
    counted = children.weight > 0
    rows = {name: getattr(children, name)[counted] for name in ("cluster", "period", "outcome")}
    groups = pd.DataFrame(rows).groupby(["cluster", "period"], sort=True)["outcome"]
    return (groups.var(ddof=0) * cells.weight).to_numpy()


def _bootstrap(table: TrialTable, facts: Slice, name: str, *, kind: str) -> Rows:
    found = wild_bootstrap(table.cells, kind=kind, conf_level=facts.conf_level)
    if found.status != "ok":
        return [_empty(facts, name, found.status)]
    fields = ("estimate", "statistic", "p_value", "conf_low", "conf_high", "p_minimum", "level_maximum")
    numbers = {field: getattr(found, field) for field in fields}
    return [facts.row(name, reference=f"wild cluster bootstrap, {found.n_patterns} patterns", **numbers)]


def _tests() -> Iterator[tuple[str, Method]]:
    says = {
        "": ("two_way", "exact test by the two-way coefficient, orders exchanged within strata"),
        "_studentised": ("studentised", "the same by the coefficient over its clustered error"),
        "_vertical": ("vertical", "the same by the within-period difference"),
        "_crossover": ("crossover", "the same by the change at go-live"),
    }
    for ending, (statistic, words) in says.items():
        run = partial(_exact, statistic=statistic)
        yield f"randomisation{ending}", Method("linear", True, run, words, needs_starts=True, exchanges=True)


def _child(scale: str, model: Callable, says: str) -> Method:
    return Method(scale, False, partial(_of_children, model=model), says)


METHODS: Mapping[str, Method] = {
    "panel_two_way": Method("linear", True, partial(_two_way, weights="children"),
                            "two-way panel model of cells weighted by children, clustered, t on G - 1"),
    "panel_two_way_unweighted": Method("linear", True, partial(_two_way, weights="equal"),
                                       "the same, every cell alike"),
    "linear_cr2": _child("linear", child_models.linear_probability,
                         "least squares on the rows with covariates, CR2"),
    "linear_cr3": _child("linear", partial(child_models.linear_probability, kind="CR3"), "the same, CR3"),
    **dict(_tests()),
    "exposure_time": Method("linear", True, _curve, "effect at each time since exposure began, CR2",
                            needs_starts=True),
    "exposure_time_average": Method("linear", True, _average, "average over the identified times",
                                    needs_starts=True),
    "leave_out": Method("linear", True, _leave_out,
                        "the two-way model and its exact test without each cluster and period",
                        needs_starts=True, exchanges=True),
    "vertical": Method("linear", True, partial(_contrast, estimate=vertical_estimate),
                       "within-period difference, no model of periods"),
    "crossover": Method("linear", True, partial(_contrast, estimate=crossover_estimate),
                        "change at go-live against clusters that do not change", needs_starts=True),
    "hussey_hughes": Method("linear", True, partial(_mixed, cell_effects=False),
                            "mixed model, random cluster intercept, REML"),
    "hussey_hughes_cells": Method("linear", True, partial(_mixed, cell_effects=True),
                                  "the same with a random effect of each cluster and period"),
    "wild_bootstrap_webb": Method("linear", True, partial(_bootstrap, kind="webb"),
                                  "sensitivity: wild cluster bootstrap-t, six-point weights"),
    "wild_bootstrap_rademacher": Method("linear", True, partial(_bootstrap, kind="rademacher"),
                                        "sensitivity: the same, all sign patterns"),
    "fixed_effects_logit_cr2": _child("logit", child_models.fixed_effects_logit,
                                      "logit with cluster and period effects, CR2; standardised risks"),
    "fixed_effects_logit_cr3": _child("logit", partial(child_models.fixed_effects_logit, kind="CR3"),
                                      "the same, CR3"),
    "mixed_logit": _child("logit", child_models.mixed_logit,
                          "mixed logit, random cluster intercept, Laplace"),
    "mixed_logit_quadrature": _child("logit", partial(child_models.mixed_logit,
                                                      nodes=child_models.QUADRATURE_NODES),
                                     "the same by adaptive quadrature, 15 points"),
    "mixed_logit_cells": _child("logit", partial(child_models.mixed_logit, by_period=True),
                                "the same with a random intercept of each cluster and period, Laplace"),
}  # fmt: skip
