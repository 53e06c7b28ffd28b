"""Every sensitivity of the panel model of one trial, from the registry of the study, as one tidy table.

Three kinds of row. The main analyses on every sample and definition of exposure that the study names. The
rows of the registry that change the main model in one respect (`changes.py`) or put another estimator in its
place (`cell_methods.py`), on the main sample. And the main estimate without one authority or period in turn.
Whatever cannot be estimated has its row, with the reason as its status.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sfpc_book.estimate.cell_methods import LEAVE_OUT, PANEL_METHODS, Task, run
from sfpc_book.estimate.cells import cells_by_start, cells_of, split_cells_of
from sfpc_book.estimate.changes import CHANGES, Changed, Trial
from sfpc_book.estimate.estimate import Estimate, combine, not_estimable
from sfpc_book.estimate.leave_out import parts_without
from sfpc_book.estimate.sensitivity_registry import panel_sensitivities
from sfpc_book.estimate.wedge_estimates import observable_date
from sfpc_book.estimate.wedge_rows import Slice
from sfpc_book.study.registries import Analysis, Exposure, Outcome, Sample
from sfpc_book.study.schema import Study
from sfpc_book.study.wedge import Wedge, wedge_of

MAIN, GO_LIVE = "main", "go_live"
EXACT = "randomisation"
BY_CHILD = not_estimable(
    "exposure under other orders depends on the dates of each child, which the panel does not hold"
)
KEY = ["sample", "exposure", "outcome", "horizon"]
NO_DAYS = 0  # for changes that count none


@dataclass(frozen=True)
class Trials:
    """One model's panel by sample, exposure, outcome and horizon, and what all of its rows share."""

    study: Study
    wedge: Wedge
    slices: Mapping[tuple[str, str, str, int], pd.DataFrame]
    by_start: Mapping[tuple[str, str, str, int], pd.DataFrame]
    observability: pd.DataFrame | None
    data_status: str

    def rows_of(self, sample: str, exposure: str, outcome: Outcome, horizon: int) -> pd.DataFrame | None:
        return self.slices.get((sample, exposure, outcome.id, horizon))

    def facts(self, sample: str, exposure: str, outcome: Outcome, horizon: int) -> dict[str, object]:
        """What a row says of its slice, apart from counts."""
        model = self.wedge.model_id
        return {
            "model": model,
            "outcome": outcome.id,
            "horizon": horizon,
            "sample": sample,
            "exposure": exposure,
            "unit": outcome.unit,
            "conf_level": self.study.conf_level,
            "data_status": self.data_status,
            "observable_from": observable_date(self.observability, model, outcome.id, horizon),
        }


def sensitivity_rows(
    study: Study,
    model_id: str,
    panel: pd.DataFrame,
    *,
    by_start: pd.DataFrame | None = None,
    absent: Mapping[str, str] | None = None,
    observability: pd.DataFrame | None = None,
    data_status: str = "synthetic",
) -> pd.DataFrame:
    """All sensitivities of the panel models of one trial.

    Parameters
    ----------
    panel
        The cohort's panel of the model, all samples and definitions of exposure.
    by_start
        The same by the last start under which children would be exposed (`panel_by_start` of the cohort), for
        definitions of exposure that differ from child to child; without it these have no exact test.
    absent
        Samples that the panel cannot hold, each with the reason in words that may be published.
    observability
        The cohort's table of that name.

    Raises
    ------
    StudyDefinitionError
        When a row of the registry asks for something that does not exist; nothing is estimated then.
    EstimationError
        For a panel that breaks its rules.
    """
    registered = panel_sensitivities(study)
    slices = _slices(panel.loc[panel["model"] == model_id])
    starts = {} if by_start is None else _slices(by_start)
    trials = Trials(study, wedge_of(study, model_id), slices, starts, observability, data_status)
    return combine(
        [*_main_analyses(trials, absent or {}), *(row for part in registered for row in _rows(trials, part))]
    )


def _slices(panel: pd.DataFrame) -> dict[tuple[str, str, str, int], pd.DataFrame]:
    grouped = panel.groupby(KEY, sort=False, observed=True)
    return {key: rows.reset_index(drop=True) for key, rows in grouped}


def _measured(trials: Trials, primary: bool) -> Iterator[tuple[Outcome, int]]:
    """Outcomes and horizons; an outcome that runs to no horizon stands under the first."""
    study, model = trials.study, trials.wedge.model_id
    for name in study.models[model].outcomes:
        outcome = study.outcomes[name]
        if not primary or name == study.primary(model).id:
            for horizon in study.horizons if outcome.has_horizon else study.horizons[:1]:
                yield outcome, horizon


def _main_analyses(trials: Trials, absent: Mapping[str, str]) -> Iterator[Estimate]:
    """The main analyses of the registry on every sample and every definition worked out for it."""
    analyses = [name for name in PANEL_METHODS if name in trials.study.analyses]
    for sample in trials.study.samples.values():
        for exposure in trials.study.exposures.values():
            if exposure.samples is not None and sample.id not in exposure.samples:
                continue
            for outcome, horizon in _measured(trials, primary=False):
                rows = trials.rows_of(sample.id, exposure.id, outcome, horizon)
                status = _why_absent(sample, exposure, outcome, rows, absent)
                facts = trials.facts(sample.id, exposure.id, outcome, horizon)
                if rows is None or status:
                    yield from (_nothing(facts, name, status) for name in analyses)
                else:
                    yield from _main(trials, rows, facts, analyses)


def _why_absent(
    sample: Sample,
    exposure: Exposure,
    outcome: Outcome,
    rows: pd.DataFrame | None,
    absent: Mapping[str, str],
) -> str:
    """The status of a slice that the panel does not hold; empty where it does."""
    if rows is not None:
        return ""
    if sample.id in absent:
        return not_estimable(absent[sample.id])
    if outcome.id in sample.without_outcomes:
        return not_estimable("the rule of the sample gives this outcome")
    return not_estimable(f"the panel holds no rows of '{sample.id}' by '{exposure.id}'")


def _nothing(facts: Mapping[str, object], analysis: str, status: str) -> Estimate:
    counts = {"n_children": None, "n_events": None, "n_clusters": None, "n_periods": None}
    return Estimate(analysis=analysis, status=status, **(dict(facts) | counts))


def _main(
    trials: Trials, rows: pd.DataFrame, facts: Mapping[str, object], analyses: Sequence[str]
) -> Iterator[Estimate]:
    """The main analyses on one slice."""
    split = facts["exposure"] != GO_LIVE
    cells = split_cells_of(rows) if split else cells_of(rows)
    starts = trials.by_start.get(tuple(facts[name] for name in KEY)) if split else None
    tested = cells if starts is None else cells_by_start(starts, _wedge(trials, rows).start_period, cells)
    whole = _task(trials, rows, facts, "", Changed(cells, tested))
    for name in analyses:
        task = replace(whole, analysis=name)
        if _unobserved(rows):
            yield task.without_number("not_observed")
        elif split and starts is None and name == EXACT:
            yield task.without_number(BY_CHILD)
        else:
            yield from run(task, name)


def _rows(trials: Trials, row: Analysis) -> Iterator[Estimate]:
    """Rows of one sensitivity on the main sample, for each outcome and horizon it is run for."""
    for outcome, horizon in _measured(trials, primary=row.outcomes == "primary"):
        rows = trials.rows_of(MAIN, GO_LIVE, outcome, horizon)
        facts = trials.facts(MAIN, GO_LIVE, outcome, horizon)
        if rows is None:
            yield _nothing(facts, row.id, not_estimable("the panel holds no rows of the main sample"))
        elif _unobserved(rows):
            cells = cells_of(rows)
            yield _task(trials, rows, facts, row.id, Changed(cells, cells)).without_number("not_observed")
        elif row.estimator in LEAVE_OUT:
            yield from _leave_out(trials, rows, facts, row)
        else:
            yield from run(_changed(trials, rows, facts, row), row.estimator)


def _changed(trials: Trials, rows: pd.DataFrame, facts: Mapping[str, object], row: Analysis) -> Task:
    cells = cells_of(rows)
    if row.change is None:
        return _task(trials, rows, facts, row.id, Changed(cells, cells))
    wedge = _wedge(trials, rows)
    lockdowns = tuple((band.start, band.end) for band in trials.study.covid if band.kind == "lockdown")
    changed = CHANGES[row.change](Trial(cells, wedge, lockdowns), row.days or NO_DAYS)
    gone = set(cells.decisive_period) - set(changed.tested.decisive_period)
    return _task(trials, rows[~rows["period"].isin(gone)], facts, row.id, changed)


def _leave_out(
    trials: Trials, rows: pd.DataFrame, facts: Mapping[str, object], row: Analysis
) -> Iterator[Estimate]:
    cells = cells_of(rows)
    method = EXACT if row.estimator == LEAVE_OUT[1] else "panel_two_way"
    for kind, left_out, left, wedge in parts_without(cells, _wedge(trials, rows)):
        kept = rows[rows[kind].astype("str") != left_out]
        task = _task(trials, kept, facts, row.id, Changed(left, left))
        term = f"without_{left_out}" if kind == "authority" else f"without_period_{left_out}"
        yield replace(run(replace(task, wedge=wedge), method)[0], term=term)


def _task(
    trials: Trials, rows: pd.DataFrame, facts: Mapping[str, object], analysis: str, changed: Changed
) -> Task:
    counted = Slice.of(rows, [changed.fitted], **facts)
    return Task(analysis, counted, changed, _wedge(trials, rows), trials.study.statistic)


def _wedge(trials: Trials, rows: pd.DataFrame) -> Wedge:
    """The wedge of the authorities that the panel holds; those that withdrew are never exposed."""
    left = trials.study.left(trials.wedge.model_id)
    return replace(trials.wedge, never_exposed=left).among(rows["authority"].unique())


def _unobserved(rows: pd.DataFrame) -> bool:
    """Whether nothing of the outcome is observed yet."""
    return not np.any(rows["n_children"]) and bool(rows["n_not_observed"].sum() > 0)
