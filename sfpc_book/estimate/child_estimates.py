"""Child-level models with covariates, as rows of the registry ask for them: tidy rows from frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate import child_models
from sfpc_book.estimate.child_frames import ChildSlice, Prepared, child_slice, prepare
from sfpc_book.estimate.child_models import Children, Term
from sfpc_book.estimate.child_rows import term_row
from sfpc_book.estimate.estimate import Estimate, combine
from sfpc_book.estimate.wedge_rows import Slice
from sfpc_book.study.registries import Analysis, Imputation, Outcome
from sfpc_book.study.schema import Study

CONDITIONAL = {"exposed": child_models.LOG_ODDS}
DIFFERENCE = {"exposed": child_models.PROPORTION}


@dataclass(frozen=True)
class ChildMethod:
    """An estimator of children's rows: whether for yes-or-no outcomes alone, and its terms with units."""

    binary_only: bool
    run: Callable[[Children], tuple[Term, ...]]
    terms: Mapping[str, str]


CHILD_METHODS: Mapping[str, ChildMethod] = {
    "mixed_logit": ChildMethod(True, child_models.mixed_logit, CONDITIONAL),
    "mixed_logit_quadrature": ChildMethod(
        True, partial(child_models.mixed_logit, nodes=child_models.QUADRATURE_NODES), CONDITIONAL
    ),
    "mixed_logit_cells": ChildMethod(True, partial(child_models.mixed_logit, by_period=True), CONDITIONAL),
    "fixed_effects_logit_cr2": ChildMethod(
        True, child_models.fixed_effects_logit, child_models.LOGIT_TERMS
    ),
    "fixed_effects_logit_cr3": ChildMethod(
        True, partial(child_models.fixed_effects_logit, kind="CR3"), child_models.LOGIT_TERMS
    ),
    "linear_cr2": ChildMethod(False, child_models.linear_probability, DIFFERENCE),
    "linear_cr3": ChildMethod(False, partial(child_models.linear_probability, kind="CR3"), DIFFERENCE),
}  # fmt: skip


@dataclass(frozen=True)
class Question:
    """What rows are about: one outcome at one horizon, of one sample, by one definition of exposure."""

    model: str
    outcome: Outcome
    horizon: int
    sample: str = "main"
    exposure: str = "go_live"


@dataclass(frozen=True)
class Settings:
    """What all child-level rows of a study share. `rare_level_minimum` is explained in `covariates`."""

    covariates: tuple[str, ...]
    imputation: Imputation
    rare_level_minimum: int
    conf_level: float
    data_status: str

    @classmethod
    def of(cls, study: Study, data_status: str) -> Settings:
        """Those of a study."""
        return cls(
            study.covariates, study.imputation, study.rare_level_minimum, study.conf_level, data_status
        )


def refuse_unknown_methods(analyses: Sequence[Analysis]) -> None:
    """Raises EstimationError naming rows whose estimator is not one of children's rows, or without a rule for
    missing covariates."""
    known = ", ".join(CHILD_METHODS)
    problems = [
        f"analysis '{part.id}': method '{part.estimator}' is not one of {known}"
        for part in analyses
        if part.estimator not in CHILD_METHODS
    ]
    problems += [
        f"analysis '{part.id}' has no missing_data; give complete_case, missing_indicator or "
        "multiple_imputation"
        for part in analyses
        if part.missing_data is None
    ]
    if problems:
        raise EstimationError("The registry asks for child-level models that cannot be run:", problems)


def estimate_children(
    children: pd.DataFrame,
    outcomes: pd.DataFrame,
    analyses: Sequence[Analysis],
    question: Question,
    settings: Settings,
    *,
    observable_from: pd.Timestamp | None = None,
) -> pd.DataFrame:
    """Rows of each analysis that the outcome's scale allows, in their order.

    Parameters
    ----------
    children, outcomes
        See `child_slice`.
    analyses
        Rows of the registry with `missing_data`; the estimator is `method`, or the row's id.
    observable_from
        Date from which the outcome can be fully observed at this horizon, if known.

    Returns
    -------
    Tidy rows, one for each term of each estimator. `n_children` counts those used under the row's rule for
    missing covariates. Without a number every term has a row whose status says why.

    Raises
    ------
    EstimationError
        For frames that do not fit together, unknown covariates or estimators, with every fault.
    """
    refuse_unknown_methods(analyses)
    binary = question.outcome.scale == "binary"
    part = child_slice(
        children, outcomes, sample=question.sample, exposure=question.exposure, horizon=question.horizon,
        covariates=settings.covariates, binary=binary,
    )  # fmt: skip
    made: dict[str, Prepared] = {}
    rows: list[Estimate] = []
    for analysis in analyses:
        method = CHILD_METHODS[analysis.estimator]
        if method.binary_only and not binary:
            continue
        rule = analysis.missing_data
        if rule not in made:
            made[rule] = prepare(
                part, settings.covariates, rule, fewest=settings.rare_level_minimum,
                imputation=settings.imputation,
            )  # fmt: skip
        facts = facts_of(part, made[rule], question, settings, observable_from)
        rows += [term_row(facts, analysis.id, term) for term in _terms(method, part, made[rule])]
    return combine(rows)


def rows_without_number(
    analyses: Sequence[Analysis], question: Question, settings: Settings, status: str
) -> pd.DataFrame:
    """A row for each term of each analysis that the outcome's scale allows, with a status that says why there
    is no number."""
    nobody = ChildSlice(pd.DataFrame(columns=["value"]), 0, 0, question.outcome.scale == "binary")
    facts = facts_of(nobody, Prepared(status), question, settings, None)
    return combine(
        term_row(facts, analysis.id, term)
        for analysis in analyses
        for term in _empty(CHILD_METHODS[analysis.estimator], status)
        if nobody.binary or not CHILD_METHODS[analysis.estimator].binary_only
    )


def _terms(method: ChildMethod, part: ChildSlice, prepared: Prepared) -> Sequence[Term]:
    if part.frame.empty and part.n_not_observed:
        return list(_empty(method, "not_observed"))
    if prepared.status != "ok":
        return list(_empty(method, prepared.status))
    if len(prepared.sets) > 1:
        return child_models.pooled_terms(method.run, prepared.sets)
    return method.run(prepared.sets[0])


def _empty(method: ChildMethod, status: str) -> Iterator[Term]:
    return (Term(name, unit, status) for name, unit in method.terms.items())


def facts_of(
    part: ChildSlice,
    prepared: Prepared,
    question: Question,
    settings: Settings,
    observable_from: pd.Timestamp | None,
) -> Slice:
    """What the rows of one rule for missing covariates share: the children it uses, counted."""
    used = prepared.sets[0] if prepared.sets else None
    events = None if used is None or not part.binary else round(float(used.outcome @ used.weight))
    return Slice(
        model=question.model,
        outcome=question.outcome.id,
        horizon=question.horizon,
        sample=question.sample,
        exposure=question.exposure,
        unit=question.outcome.unit,
        conf_level=settings.conf_level,
        data_status=settings.data_status,
        n_children=0 if used is None else len(used.outcome),
        n_events=events,
        n_clusters=0 if used is None else len(set(used.cluster)),
        n_periods=0 if used is None else len(set(used.period)),
        observed_share=part.observed_share,
        observable_from=observable_from,
        status_with_number="partly_observed" if part.n_not_observed else "ok",
    )
