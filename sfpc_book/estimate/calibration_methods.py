"""Methods that are fitted to every simulated trial anew, in the code that the chapters use.

| cost | what |
|---|---|
| `refitted` | one or a few linear solutions each |
| `iterated` | a search for a maximum in each |

A family shares one fit: the mixed model judged by the normal and by Satterthwaite's degrees of freedom. A
logit is fitted to cells as groups of children, which is the likelihood of their own rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from sfpc_book.estimate.calibration_design import Design
from sfpc_book.estimate.calibration_draw import Draws, exposed_average
from sfpc_book.estimate.calibration_verdicts import TIE, verdict_frame
from sfpc_book.estimate.cells import Cells, blocking_cause
from sfpc_book.estimate.child_models import Children, Term, fixed_effects_logit, mixed_logit
from sfpc_book.estimate.estimate import NAN, not_estimable
from sfpc_book.estimate.exact_test import exact_status, exact_test
from sfpc_book.estimate.exposure_time import average_effect
from sfpc_book.estimate.hussey_hughes import binary_squares, fit_hussey_hughes
from sfpc_book.estimate.panel_models import design_status, t_interval
from sfpc_book.estimate.two_way import two_way_influence
from sfpc_book.estimate.wild_bootstrap import bootstrap_p_values
from sfpc_book.study.wedge import Wedge

NO_ERROR = not_estimable("no variance between authorities to judge by")


@dataclass(frozen=True)
class Trial:
    """One simulated trial. `truth` is the mean over the exposed children of what exposure did to their risk,
    `by_cell` what it did in each cell, (cells,); `log_odds` the same mean of log odds."""

    cells: Cells
    wedge: Wedge
    truth: float
    by_cell: np.ndarray
    log_odds: float
    conf_level: float

    @property
    def alpha(self) -> float:
        return 1 - self.conf_level

    def children(self) -> Children:
        """Cells as rows of children that are alike, without covariates."""
        cells = self.cells
        none = np.zeros((cells.n_cells, 0))
        return Children(cells.mean, cells.exposed, cells.authority, cells.period, cells.weight, none)


@dataclass(frozen=True)
class Verdict:
    """What one method says of one trial; NaN for what it does not say. `covered` None: by the interval."""

    method: str
    status: str
    truth: float
    level: float
    alpha: float
    estimate: float = NAN
    p_value: float = NAN
    conf_low: float = NAN
    conf_high: float = NAN
    covered: float | None = None


@dataclass(frozen=True)
class Family:
    """Methods that share a fit: names, cost, and what they estimate in which unit."""

    names: tuple[str, ...]
    cost: str
    run: Callable[[Trial], Iterator[Verdict]]
    estimand: str = "exposed"
    unit: str = "proportion"


def family_verdicts(family: Family, design: Design, draws: Draws, conf_level: float) -> pd.DataFrame:
    """One row for each method of the family and trial (see `verdict_frame`)."""
    found = [verdict for trial in trials(design, draws, conf_level) for verdict in family.run(trial)]
    parts = [[verdict for verdict in found if verdict.method == name] for name in family.names]
    return pd.concat([_frame(name, rows) for name, rows in zip(family.names, parts, strict=True)])


def trials(design: Design, draws: Draws, conf_level: float) -> Iterator[Trial]:
    """The simulated trials one by one."""
    exposed, weight = design.exposed[draws.order], design.cells.weight
    truth = exposed_average(draws.difference, exposed, weight)
    log_odds = exposed_average(draws.log_odds, exposed, weight)
    for place, order in enumerate(draws.order.tolist()):
        cells = design.under(order, draws.mean[place])
        by_cell = draws.difference[place]
        wedge = design.wedge_of(order)
        yield Trial(cells, wedge, float(truth[place]), by_cell, float(log_odds[place]), conf_level)


def _frame(name: str, rows: list[Verdict]) -> pd.DataFrame:
    fields = ("estimate", "truth", "p_value", "conf_low", "conf_high", "level", "alpha")
    columns = {field: np.array([getattr(row, field) for row in rows], dtype=float) for field in fields}
    given = None
    if any(row.covered is not None for row in rows):
        given = np.array([NAN if row.covered is None else row.covered for row in rows])
    status = np.array([row.status for row in rows], dtype=object)
    return verdict_frame(name, np.arange(len(rows)), status, covered=given, **columns)


def _exact(trial: Trial, *, statistic: str) -> Iterator[Verdict]:
    name = f"randomisation_{statistic}"
    status = exact_status(trial.cells, statistic=statistic)
    facts = {"status": status, "truth": trial.truth}
    if status != "ok":
        yield Verdict(name, **facts, level=trial.conf_level, alpha=trial.alpha)
        return
    test = exact_test(trial.cells, trial.wedge, statistic=statistic, conf_level=trial.conf_level)
    estimate = test.estimate
    yield Verdict(
        name, **facts, level=trial.conf_level, alpha=trial.alpha,
        estimate=estimate, p_value=test.p_value, conf_low=test.conf_low, conf_high=test.conf_high,
    )  # fmt: skip


def _bootstrap(trial: Trial, *, kind: str) -> Iterator[Verdict]:
    name, status = f"wild_bootstrap_{kind}", design_status(trial.cells)
    facts = {"status": status, "truth": trial.truth, "level": trial.conf_level, "alpha": trial.alpha}
    if status != "ok":
        yield Verdict(name, **facts)
        return
    none, true = bootstrap_p_values(trial.cells, [0.0, trial.truth], kind=kind)
    influence = two_way_influence(trial.cells, trial.cells.weight)(trial.cells.exposed[None])[0]
    estimate = float(influence @ trial.cells.mean)
    yield Verdict(name, **facts, estimate=estimate, p_value=none, covered=float(true > trial.alpha + TIE))


def _mixed(trial: Trial, *, names: dict[str, str], cell_effects: bool = False) -> Iterator[Verdict]:
    """The mixed model; `names` maps a reference distribution to the method's name. The normal one shares the
    fit of the first of the others."""
    cause = blocking_cause(trial.cells)
    if cause:
        for name in names.values():
            yield Verdict(name, not_estimable(cause), trial.truth, trial.conf_level, trial.alpha)
        return
    inference = next(inference for inference in names if inference != "normal")
    found = fit_hussey_hughes(
        trial.cells,
        within_squares=binary_squares(trial.cells),
        cell_effects=cell_effects,
        inference=inference,
        conf_level=trial.conf_level,
    )
    for reference, name in names.items():
        if not found.ok:
            yield Verdict(name, found.status, trial.truth, trial.conf_level, trial.alpha)
        else:
            df = math.inf if reference == "normal" else found.df
            yield _by_t(name, found.estimate, found.std_error, df, trial.truth, trial)


def _average(trial: Trial) -> Iterator[Verdict]:
    """The average over identified times, held against the true average over the children at those times."""
    facts = {"level": trial.conf_level, "alpha": trial.alpha}
    name, cause = "exposure_time_average", blocking_cause(trial.cells)
    if cause:
        yield Verdict(name, not_estimable(cause), trial.truth, **facts)
        return
    found = average_effect(trial.cells)
    at_times = np.isin(trial.cells.exposure_time, found.times).astype(float)
    truth = float(exposed_average(trial.by_cell[None], at_times[None], trial.cells.weight)[0])
    if not found.identified:
        yield Verdict(name, "not_identified", trial.truth, **facts)
        return
    yield _by_t(name, found.estimate, found.std_error, found.df, truth, trial)


def _fixed_logit(trial: Trial) -> Iterator[Verdict]:
    terms = {term.term: term for term in fixed_effects_logit(trial.children())}
    yield _of_term("fixed_effects_logit_cr2", terms["standardised_risk_difference"], trial.truth, trial)


def _mixed_logit(trial: Trial, *, by_period: bool) -> Iterator[Verdict]:
    name = "mixed_logit_cells" if by_period else "mixed_logit"
    yield _of_term(name, mixed_logit(trial.children(), by_period=by_period)[0], trial.log_odds, trial)


def _of_term(name: str, term: Term, truth: float, trial: Trial) -> Verdict:
    if term.status != "ok":
        return Verdict(name, term.status, truth, trial.conf_level, trial.alpha)
    return _by_t(name, term.estimate, term.std_error, term.df, truth, trial)


def _by_t(name: str, estimate: float, error: float, df: float, truth: float, trial: Trial) -> Verdict:
    facts = {"truth": truth, "level": trial.conf_level, "alpha": trial.alpha, "estimate": estimate}
    if not (error > 0 and df > 0 and math.isfinite(error)):
        return Verdict(name, NO_ERROR, **facts)
    numbers = t_interval(estimate, error, df, trial.conf_level)
    kept = {field: numbers[field] for field in ("p_value", "conf_low", "conf_high")}
    return Verdict(name, "ok", **facts, **kept)


REFITTED, ITERATED = "refitted", "iterated"
STATISTICS = ("studentised", "vertical", "crossover")
FAMILIES = (
    *(Family((f"randomisation_{name}",), REFITTED, partial(_exact, statistic=name)) for name in STATISTICS),
    *(Family((f"wild_bootstrap_{kind}",), REFITTED, partial(_bootstrap, kind=kind))
      for kind in ("webb", "rademacher")),
    Family(("exposure_time_average",), REFITTED, _average, estimand="exposed_identified"),
    Family(("hussey_hughes_normal", "hussey_hughes"), REFITTED,
           partial(_mixed, names={"normal": "hussey_hughes_normal", "satterthwaite": "hussey_hughes"})),
    Family(("fixed_effects_logit_cr2",), REFITTED, _fixed_logit),
    Family(("hussey_hughes_kenward_roger",), ITERATED,
           partial(_mixed, names={"kenward_roger": "hussey_hughes_kenward_roger"})),
    Family(("hussey_hughes_cells",), ITERATED,
           partial(_mixed, names={"satterthwaite": "hussey_hughes_cells"}, cell_effects=True)),
    Family(("mixed_logit",), ITERATED, partial(_mixed_logit, by_period=False), "log_odds", "log odds ratio"),
    Family(("mixed_logit_cells",), ITERATED, partial(_mixed_logit, by_period=True), "log_odds",
           "log odds ratio"),
)  # fmt: skip
