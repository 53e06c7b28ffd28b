"""Every estimator that works on the cells of one wedge, by the name that a row of the registry gives it.

Each takes what is estimated (`Task`) and gives rows in the tidy columns; one that cannot be carried out has a
row whose status says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from sfpc_book.estimate.changes import Changed
from sfpc_book.estimate.crossover import crossover_estimate
from sfpc_book.estimate.estimate import Estimate, not_estimable
from sfpc_book.estimate.exact_test import exact_status, exact_test
from sfpc_book.estimate.hussey_hughes import binary_squares, fit_hussey_hughes
from sfpc_book.estimate.panel_models import PanelFit, design_status, fit_two_way
from sfpc_book.estimate.several_effects import several_effects
from sfpc_book.estimate.vertical import vertical_estimate
from sfpc_book.estimate.wedge_rows import (
    Slice,
    cr2_row,
    exposure_row,
    panel_row,
    randomisation_rows,
    row_without_number,
)
from sfpc_book.estimate.wild_bootstrap import wild_bootstrap
from sfpc_book.study.wedge import Wedge

WITH_PERIODS = ("two_way", "studentised")  # statistics that take periods and covariates as the model does
# Why a term is not identified, where it is not for want of authorities without the model.
HELD, NOBODY = "authority and period effects hold it already", "no authority was exposed in it"
MIXED_NUMBERS = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")
BOOTSTRAP_NUMBERS = (
    "estimate", "statistic", "p_value", "conf_low", "conf_high", "p_minimum", "level_maximum",
)  # fmt: skip
COMPONENT_WORDS = {"authority": "authorities", "cell": "authorities by period"}
MIXED = {"satterthwaite": "Satterthwaite", "kenward_roger": "Kenward-Roger"}


@dataclass(frozen=True)
class Task:
    """What one row of the registry estimates on one slice of the panel.

    `wedge` is that of the authorities in the cells, `statistic` that of the study's exact tests. `facts` are
    the counts of the cells that are estimated.
    """

    analysis: str
    facts: Slice
    changed: Changed
    wedge: Wedge
    statistic: str

    def without_number(self, status: str, term: str = "exposed", *, why: str = "") -> Estimate:
        row = row_without_number(self.facts, "panel_two_way", status)
        return replace(row, analysis=self.analysis, term=term, reference=f"none: {why}" if why else "")

    def named(self, row: Estimate) -> Estimate:
        return replace(row, analysis=self.analysis)


Rows = Iterable[Estimate]
Run = Callable[[Task], Rows]


def run(task: Task, method: str) -> list[Estimate]:
    """Rows of one method of `METHODS`."""
    changed = task.changed
    if changed.status != "ok":
        why = HELD if changed.status == "not_identified" else ""
        return [task.without_number(changed.status, changed.term, why=why)]
    return list(METHODS[method](task))


@lru_cache(maxsize=8)
def _fit(changed: Changed, weights: str, conf_level: float) -> PanelFit:
    """The panel model, fitted once for the rows that share it."""
    return fit_two_way(changed.fitted, weights=weights, conf_level=conf_level)


def _two_way(task: Task, *, weights: str) -> Rows:
    fit = _fit(task.changed, weights, task.facts.conf_level)
    return [task.named(panel_row(task.facts, "panel_two_way", fit))]


def _cr2(task: Task) -> Rows:
    if task.changed.exposures or task.changed.absent:
        return _several(task)
    fit = _fit(task.changed, "children", task.facts.conf_level)
    if not fit.ok:
        return [task.without_number(fit.status)]
    return [task.named(cr2_row(task.facts, task.changed.fitted, fit))]


def _several(task: Task) -> Iterator[Estimate]:
    """Effects of several exposures; those without any contrast are not identified."""
    changed = task.changed
    status = design_status(changed.fitted)
    if status != "ok":
        yield task.without_number(status)
        return
    for term in changed.absent:
        yield task.without_number("not_identified", term, why=NOBODY)
    for effect in several_effects(changed.fitted, changed.exposures, changed.differences):
        if effect.identified:
            yield task.named(exposure_row(task.facts, "panel_two_way_cr2", effect))
        else:
            yield task.without_number("not_identified", effect.term, why=HELD)


def _exact(task: Task, *, statistic: str | None = None) -> Rows:
    statistic, cells = statistic or task.statistic, task.changed.tested
    status = exact_status(cells, statistic=statistic)
    if status == "ok":
        status = design_status(task.changed.fitted)
    recut = cells.wedge_period is not None or cells.n_covariates > 0
    if status == "ok" and recut and statistic not in WITH_PERIODS:
        status = not_estimable(
            f"the statistic '{statistic}' takes one row per authority and period, and no covariates"
        )
    if status == "ok" and statistic == "studentised":
        status = fit_two_way(cells).status
    if status != "ok":
        return [task.without_number(status)]
    test = exact_test(cells, task.wedge, statistic=statistic, conf_level=task.facts.conf_level)
    return [task.named(randomisation_rows(task.facts, test)[0])]


def _contrast(task: Task, *, estimate: Callable, period_weights: str) -> Rows:
    found = estimate(task.changed.fitted, period_weights=period_weights)
    if found.status != "ok":
        return [task.without_number(found.status)]
    reference = "none: see the exact test by this statistic"
    return [task.facts.row(task.analysis, estimate=found.estimate, reference=reference)]


def _mixed(task: Task, *, cell_effects: bool, inference: str) -> Rows:
    """Of the children's own rows for a 0/1 outcome; of the cells' means for others, whose panel does not say
    how much children of a cell differ."""
    cells = task.changed.fitted
    binary = task.facts.n_events is not None and cells.n_cells > 0
    if cell_effects and not binary:
        return [task.without_number(not_estimable("the panel holds no variation within cells"))]
    squares = binary_squares(cells) if binary else None
    options = {"cell_effects": cell_effects, "inference": inference, "conf_level": task.facts.conf_level}
    found = fit_hussey_hughes(cells, within_squares=squares, **options)
    if not found.ok:
        return [task.without_number(found.status)]
    at_zero = "".join(
        f"; the variance of {COMPONENT_WORDS[name]} is estimated as 0" for name in found.boundary
    )
    reference = f"t, {MIXED[inference]} d.f. of the model's variances{at_zero}"
    return [task.facts.row(task.analysis, reference=reference, **_numbers(found, MIXED_NUMBERS))]


def _bootstrap(task: Task, *, kind: str) -> Rows:
    found = wild_bootstrap(task.changed.fitted, kind=kind, conf_level=task.facts.conf_level)
    if found.status != "ok":
        return [task.without_number(found.status)]
    patterns = f"{found.n_patterns:,} {'patterns' if found.exact else 'patterns drawn'}"
    reference = f"wild cluster bootstrap, {patterns} of {len(task.changed.fitted.authorities)} clusters"
    return [task.facts.row(task.analysis, reference=reference, **_numbers(found, BOOTSTRAP_NUMBERS))]


def _numbers(found: object, names: Iterable[str]) -> dict[str, float]:
    return {name: getattr(found, name) for name in names}


PANEL_METHODS: Mapping[str, Run] = {
    "panel_two_way": partial(_two_way, weights="children"),
    "panel_two_way_unweighted": partial(_two_way, weights="equal"),
    "panel_two_way_cr2": _cr2,
    "randomisation": _exact,
}  # what a change can be carried out with
DESIGN_METHODS: Mapping[str, Run] = {
    "randomisation_studentised": partial(_exact, statistic="studentised"),
    "randomisation_vertical": partial(_exact, statistic="vertical"),
    "randomisation_vertical_precision": partial(_exact, statistic="vertical_precision"),
    "randomisation_crossover": partial(_exact, statistic="crossover"),
    "randomisation_crossover_precision": partial(_exact, statistic="crossover_precision"),
    "vertical": partial(_contrast, estimate=vertical_estimate, period_weights="equal"),
    "vertical_precision": partial(_contrast, estimate=vertical_estimate, period_weights="precision"),
    "crossover": partial(_contrast, estimate=crossover_estimate, period_weights="equal"),
    "crossover_precision": partial(_contrast, estimate=crossover_estimate, period_weights="precision"),
    "hussey_hughes": partial(_mixed, cell_effects=False, inference="satterthwaite"),
    "hussey_hughes_kenward_roger": partial(_mixed, cell_effects=False, inference="kenward_roger"),
    "hussey_hughes_cells": partial(_mixed, cell_effects=True, inference="satterthwaite"),
    "hussey_hughes_cells_kenward_roger": partial(_mixed, cell_effects=True, inference="kenward_roger"),
    "wild_bootstrap_webb": partial(_bootstrap, kind="webb"),
    "wild_bootstrap_rademacher": partial(_bootstrap, kind="rademacher"),
}  # of the main sample, without a change
METHODS: Mapping[str, Run] = PANEL_METHODS | DESIGN_METHODS
LEAVE_OUT = ("leave_out", "leave_out_randomisation")
