"""Which child-level rows a study asks for, and all of them for one model's trial.

Main sample, main exposure: every analysis with a rule for missing covariates, on every outcome that its scale
allows, at every horizon. Primary outcome, first horizon: the grid of the specification curve, each analysis
of `study.specifications` on every sample and definition of exposure; its panel models are among the
sensitivities (see `sensitivity`). What the data do not have gets rows whose status says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cell_methods import PANEL_METHODS
from sfpc_book.estimate.child_estimates import (
    Question,
    Settings,
    estimate_children,
    refuse_unknown_methods,
    rows_without_number,
)
from sfpc_book.estimate.child_frames import MAIN_EXPOSURE, as_followed_longest, exposure_column
from sfpc_book.estimate.estimate import combine, not_estimable
from sfpc_book.estimate.wedge_estimates import observable_date
from sfpc_book.study.registries import Analysis
from sfpc_book.study.schema import Study

MAIN = "main"
NOBODY_LEFT = not_estimable("no authority withdrew from this trial")
LEFT_UNUSABLE = not_estimable("an authority that withdrew from the trial has no returns that can be used")
NO_SAMPLE = not_estimable("the data have no such sample")
NO_EXPOSURE = not_estimable("exposure by this definition was not worked out for this sample")

Populations = Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]


@dataclass(frozen=True)
class TrialData:
    """One model's trial: children and outcomes of each population, and `observability`."""

    populations: Populations
    observability: pd.DataFrame


@dataclass(frozen=True)
class Run:
    """Analyses that answer one question."""

    question: Question
    analyses: tuple[Analysis, ...]


def child_analyses(study: Study) -> tuple[Analysis, ...]:
    """The rows of the registry with a rule for missing covariates."""
    return tuple(part for part in study.analyses.values() if part.missing_data is not None)


def main_runs(study: Study, model_id: str) -> Iterator[Run]:
    """Runs on the main sample by the main definition of exposure, outcome by outcome."""
    primary = study.primary(model_id).id
    for name in study.models[model_id].outcomes:
        outcome = study.outcomes[name]
        chosen = [part for part in child_analyses(study) if part.outcomes == "all" or name == primary]
        for horizon in study.horizons if outcome.has_horizon else study.horizons[:1]:
            yield Run(Question(model_id, outcome, horizon), tuple(chosen))


def grid_runs(study: Study, model_id: str) -> Iterator[Run]:
    """The grid of the specification curve. A definition of exposure meets the samples that the study names
    for it."""
    grid = study.specifications
    analyses = tuple(study.analyses[name] for name in grid.analyses)
    for sample in study.samples if grid.samples is None else grid.samples:
        for exposure in study.exposures if grid.exposures is None else grid.exposures:
            worked_out_for = study.exposures[exposure].samples
            if worked_out_for is None or sample in worked_out_for:
                about = (study.primary(model_id), study.horizons[0], sample, exposure)
                yield Run(Question(model_id, *about), analyses)


def estimate_model(study: Study, model_id: str, data: TrialData, *, data_status: str) -> pd.DataFrame:
    """Every child-level row of one model's trial.

    Raises
    ------
    EstimationError
        For rows of the registry that name an estimator which is not among those of children's rows; for a
        grid that names others than those and the panel models; for frames that do not fit together.
    """
    refuse_unknown_methods(child_analyses(study))
    _refuse_grid(study)
    settings = Settings.of(study, data_status)
    runs = [*main_runs(study, model_id)]
    for run in grid_runs(study, model_id):
        if (run.question.sample, run.question.exposure) != (MAIN, MAIN_EXPOSURE):
            runs.append(Run(run.question, tuple(part for part in run.analyses if part.missing_data)))
    return combine(_rows(study, run, data, settings) for run in runs if run.analyses)


def _refuse_grid(study: Study) -> None:
    chosen = [study.analyses[name] for name in study.specifications.analyses]
    problems = [
        f"analysis '{part.id}'; there can be {', '.join(PANEL_METHODS)}, and every row with missing_data"
        for part in chosen
        if part.missing_data is None and part.estimator not in PANEL_METHODS
    ]
    if problems:
        raise EstimationError("The grid of specifications names analyses that it cannot run:", problems)


def _rows(study: Study, run: Run, data: TrialData, settings: Settings) -> pd.DataFrame:
    question = run.question
    due = observable_date(data.observability, question.model, question.outcome.id, question.horizon)
    status, found = _population(study, question, data.populations)
    if found is None:
        return rows_without_number(run.analyses, question, settings, status)
    children, outcomes = found
    own = outcomes[outcomes["outcome"] == question.outcome.id]
    if study.samples[question.sample].followed_longest:
        own, children = as_followed_longest(own), _as_main(children, question.sample)
    asked = own[own["horizon"] == question.horizon]
    return estimate_children(children, asked, run.analyses, question, settings, observable_from=due)


def _as_main(children: pd.DataFrame, sample: str) -> pd.DataFrame:
    """A sample of the main one's children, of whom the outcomes say which are followed."""
    return children.assign(**{f"in_{sample}": children[f"in_{MAIN}"]})


def _population(
    study: Study, question: Question, populations: Populations
) -> tuple[str, tuple[pd.DataFrame, pd.DataFrame] | None]:
    """The population that holds a sample, or the status that says why there is none."""
    chosen = MAIN if study.samples[question.sample].followed_longest else question.sample
    holding = [pair for pair in populations.values() if f"in_{chosen}" in pair[0]]
    if holding and exposure_column(question.exposure, question.horizon) in holding[0][0]:
        return "ok", holding[0]
    if holding:
        return NO_EXPOSURE, None
    if not study.samples[question.sample].with_left:
        return NO_SAMPLE, None
    return (LEFT_UNUSABLE if study.left(question.model) else NOBODY_LEFT), None
