"""A model for each outcome's scale, the survival view of times, and monthly totals, as tidy rows.

Which rows there are is the registry's: an analysis with `scales` runs for outcomes of those scales by its
`method` (`poisson`, `logit`); one whose method is in `SURVIVAL` runs on the cells of the Kaplan-Meier curves;
one of method `totals_poisson` on monthly totals. Two-way models on the curves' cells read them as they read
means: weighted by children, t on clusters less one, CR2, or the exact test, for which the cells' values are
fixed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sfpc_book.estimate.cells import Cells, cells_of
from sfpc_book.estimate.child_models import Children, Term
from sfpc_book.estimate.estimate import NAN, Estimate, combine, not_estimable
from sfpc_book.estimate.exact_test import exact_status, exact_test
from sfpc_book.estimate.panel_models import fit_two_way, t_interval
from sfpc_book.estimate.scale_models import logit_shares, poisson_rates
from sfpc_book.estimate.wedge_rows import Slice, cr2_row, panel_row, randomisation_rows
from sfpc_book.study.registries import Analysis, Outcome
from sfpc_book.study.schema import Study
from sfpc_book.study.wedge import Wedge

MODELS = {"poisson": poisson_rates, "logit": logit_shares}
# Method: rule of censoring, quantity of the curve. The suffix of a method says how it is tested.
SURVIVAL = {
    "restricted_mean": ("records", "restricted_mean"),
    "risk_while_followed": ("records", "risk"),
    "restricted_mean_to_18": ("records_or_18", "restricted_mean"),
    "risk_to_18": ("records_or_18", "risk"),
}
TOTALS = "totals_poisson"
CR2, EXACT = "_cr2", "_randomisation"
SATTERTHWAITE = "t, Satterthwaite d.f."
REFERENCES = {CR2: SATTERTHWAITE, EXACT: "exact randomisation"}
PER = 10_000
TOTAL_UNIT = "per 10,000 children"


@dataclass(frozen=True)
class ScaleData:
    """What the rows are made from: the cohort's tables `panel`, `survival`, `totals` and `observability` of
    one model, and whether they are synthetic."""

    panel: pd.DataFrame
    survival: pd.DataFrame
    totals: pd.DataFrame
    observability: pd.DataFrame
    data_status: str = "synthetic"


def scale_estimates(study: Study, wedge: Wedge, data: ScaleData) -> pd.DataFrame:
    """Every row of one model's trial, at both horizons, main sample and exposure; tidy columns.

    An analysis that cannot be made has one row, whose status says why.
    """
    return combine(
        [
            *(row for slot in _slots(study, wedge) for row in _outcome_rows(study, wedge, data, *slot)),
            *_totals_rows(study, wedge, data),
        ]
    )


def _slots(study: Study, wedge: Wedge) -> Iterator[tuple[Outcome, int]]:
    """Outcomes and horizons; an outcome over fixed terms has one horizon, the first."""
    for name in study.models[wedge.model_id].outcomes:
        outcome = study.outcomes[name]
        for horizon in study.horizons if outcome.has_horizon else study.horizons[:1]:
            yield outcome, horizon


def _outcome_rows(
    study: Study, wedge: Wedge, data: ScaleData, outcome: Outcome, horizon: int
) -> Iterator[Estimate]:
    main = {"outcome": outcome.id, "horizon": horizon, "sample": "main", "exposure": "go_live"}
    panel = _where(data.panel, **main)
    cells = cells_of(panel)
    facts = _facts(study, wedge, data, panel, cells, outcome, horizon)
    for analysis in study.analyses.values():
        method = analysis.estimator
        if outcome.scale in analysis.scales and method in MODELS:
            yield from _model_rows(facts, analysis, cells, panel)
        base, suffix = _split(method)
        if base in SURVIVAL:
            rule, quantity = SURVIVAL[base]
            rows = _where(data.survival, **main, rule=rule, quantity=quantity)
            if len(rows):
                curve = _facts(study, wedge, data, rows, cells_of(rows), outcome, horizon)
                unit = "days" if quantity == "restricted_mean" else outcome.unit
                seen = "partly_observed" if rows["n_censored"].sum() > 0 else curve.status_with_number
                curve = replace(curve, unit=unit, status_with_number=seen)
                yield _survival_row(study, wedge, curve, analysis.id, suffix, rows)


def _facts(
    study: Study, wedge: Wedge, data: ScaleData, panel: pd.DataFrame, cells: Cells, outcome: Outcome,
    horizon: int,
) -> Slice:  # fmt: skip
    seen = _where(data.observability, outcome=outcome.id, horizon=horizon)
    latest = pd.to_datetime(seen["fully_observed_from"]).max()
    return Slice.of(
        panel,
        [cells],
        model=wedge.model_id,
        outcome=outcome.id,
        horizon=horizon,
        sample="main",
        exposure="go_live",
        unit=outcome.unit,
        conf_level=study.conf_level,
        data_status=data.data_status,
        observable_from=None if pd.isna(latest) else latest,
    )


def _where(table: pd.DataFrame, **values: object) -> pd.DataFrame:
    keep = np.ones(len(table), dtype=bool)
    for name, value in values.items():
        keep &= (table[name] == value).to_numpy(dtype=bool)
    return table[keep]


def _split(method: str) -> tuple[str, str]:
    for suffix in (CR2, EXACT):
        if method.endswith(suffix):
            return method.removesuffix(suffix), suffix
    return method, ""


def _not_observed(cells: Cells, panel: pd.DataFrame) -> bool:
    return cells.n_cells == 0 and panel["n_not_observed"].sum() > 0


def _model_rows(facts: Slice, analysis: Analysis, cells: Cells, panel: pd.DataFrame) -> Iterator[Estimate]:
    if _not_observed(cells, panel):
        yield _empty(facts, analysis.id, "not_observed")
        return
    for term in MODELS[analysis.estimator](children_of(cells), facts.unit):
        yield term_row(facts, analysis.id, term)


def children_of(cells: Cells) -> Children:
    """Cells as rows that stand for several children alike, with their mean as outcome."""
    names = np.array(cells.authorities)
    return Children(
        outcome=cells.mean,
        exposed=cells.exposed,
        cluster=names[cells.authority] if len(names) else cells.authority,
        period=cells.period,
        weight=cells.weight,
        covariates=np.empty((cells.n_cells, 0)),
    )


def term_row(facts: Slice, analysis: str, term: Term) -> Estimate:
    """A term as a row, with its interval where it has an error."""
    if term.status != "ok":
        return _empty(facts, analysis, term.status, term.term, term.unit)
    numbers = {"estimate": term.estimate, "std_error": NAN}
    if term.std_error > 0 and term.df > 0:
        numbers |= {"std_error": term.std_error}
        numbers |= t_interval(term.estimate, term.std_error, term.df, facts.conf_level)
    return facts.row(analysis, term=term.term, unit=term.unit, reference=SATTERTHWAITE, **numbers)


def _empty(
    facts: Slice, analysis: str, status: str, term: str = "exposed", unit: str | None = None
) -> Estimate:
    values = {"term": term, "status": status, "identified": status != "not_identified", "reference": ""}
    return facts.row(analysis, unit=facts.unit if unit is None else unit, **values)


def _survival_row(
    study: Study, wedge: Wedge, facts: Slice, name: str, suffix: str, rows: pd.DataFrame
) -> Estimate:
    """The two-way model on cells of the curves, by t, CR2 or the exact test."""
    cells = cells_of(rows)
    if _not_observed(cells, rows):
        return _empty(facts, name, "not_observed")
    fit = fit_two_way(cells, conf_level=facts.conf_level)
    status = exact_status(cells, statistic=study.statistic) if suffix == EXACT else fit.status
    if status != "ok":
        return _empty(facts, name, status)
    if suffix == EXACT:
        orders = wedge.among(rows["authority"].unique())
        test = exact_test(cells, orders, statistic=study.statistic, conf_level=facts.conf_level)
        return replace(randomisation_rows(facts, test)[0], analysis=name)
    row = cr2_row(facts, cells, fit) if suffix == CR2 else panel_row(facts, "panel_two_way", fit)
    return replace(row, analysis=name)


def _totals_rows(study: Study, wedge: Wedge, data: ScaleData) -> Iterator[Estimate]:
    for analysis in study.analyses.values():
        if analysis.estimator == TOTALS:
            for outcome in study.totals:
                yield from totals_rows(study, wedge, data, analysis.id, outcome)


def totals_rows(
    study: Study, wedge: Wedge, data: ScaleData, analysis: str, outcome: str
) -> Iterator[Estimate]:
    """Rate ratio and rate difference of one monthly total, authority and month effects, population as offset.

    Months without a total or a population are left out; an authority without any makes no row unsound, but
    its absence shows in the number of authorities.
    """
    sent = _where(data.totals, outcome=outcome)
    rows = sent[sent["count"].notna() & (sent["population"] > 0)]
    facts = _totals_facts(study, wedge, data, outcome, rows)
    children = Children(
        outcome=rows["count"].to_numpy(dtype=float),
        exposed=rows["exposed"].to_numpy(dtype=float),
        cluster=rows["authority"].to_numpy(dtype=str),
        period=pd.to_datetime(rows["month"]).dt.strftime("%Y-%m").to_numpy(dtype=str),
        weight=np.ones(len(rows)),
        covariates=np.empty((len(rows), 0)),
    )
    if rows.empty:
        yield _empty(facts, analysis, not_estimable("no monthly total with a population was returned"))
        return
    size = rows["population"].to_numpy(dtype=float)
    for term in poisson_rates(children, TOTAL_UNIT, size=size, per=PER):
        yield term_row(facts, analysis, term)


def _totals_facts(study: Study, wedge: Wedge, data: ScaleData, outcome: str, rows: pd.DataFrame) -> Slice:
    return Slice(
        model=wedge.model_id,
        outcome=outcome,
        horizon=None,
        sample="main",
        exposure="go_live",
        unit=TOTAL_UNIT,
        conf_level=study.conf_level,
        data_status=data.data_status,
        n_children=None,
        n_events=None,
        n_clusters=rows["authority"].nunique(),
        n_periods=rows["month"].nunique(),
        observed_share=NAN,
        observable_from=None,
        status_with_number="ok",
    )
