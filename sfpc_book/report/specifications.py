"""The grid of the specification curve: every combination that the study file declares, with its estimate or
the reason why it has none."""

from __future__ import annotations

from itertools import product
from typing import Any

import pandas as pd

from sfpc_book.report.estimate_rows import (
    PRIMARY_ANALYSIS,
    analysis_name,
    choose,
    ends_of,
    has_number,
    row_unit,
    status_text,
)
from sfpc_book.report.method_rows import effect_of
from sfpc_book.report.reliability import doubt_of
from sfpc_book.report.terms import MAIN_EXPOSURE, MAIN_SAMPLE
from sfpc_book.study.schema import Study

NOT_RECORDED = "no row has been recorded"
COLUMNS = ["analysis", "sample", "exposure", "main", "value", "low", "high", "unit", "reason"]


def specification_frame(
    study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int
) -> pd.DataFrame:
    """One row per specification: its choices by id, `main`, estimate and interval in display units, `unit`
    (words), and `reason` where it has no number to be read.

    Definitions of exposure that the study file limits to some samples are combined with these alone.
    """
    here = choose(rows, model=model, outcome=outcome, horizon=horizon)
    parts = [
        _specification(study, choose(here, sample=sample, exposure=exposure), *names, outcome)
        for names in combinations(study)
        for sample, exposure in [names[1:]]
    ]
    return pd.DataFrame(parts, columns=COLUMNS)


def combinations(study: Study) -> list[tuple[str, str, str]]:
    """Analysis, sample and exposure of every specification of the grid, in the order of the study."""
    grid = study.specifications
    samples = grid.samples if grid.samples is not None else tuple(study.samples)
    exposures = grid.exposures if grid.exposures is not None else tuple(study.exposures)
    return [
        (analysis, sample, exposure)
        for analysis, sample, exposure in product(grid.analyses, samples, exposures)
        if worked_out(study, sample, exposure)
    ]


def worked_out(study: Study, sample: str, exposure: str) -> bool:
    """Whether the study file has a definition of exposure worked out for a sample."""
    part = study.exposures.get(exposure)
    return part is None or part.samples is None or sample in part.samples


def _specification(
    study: Study, here: pd.DataFrame, analysis: str, sample: str, exposure: str, outcome: str
) -> tuple[Any, ...]:
    main = (analysis, sample, exposure) == (PRIMARY_ANALYSIS, MAIN_SAMPLE, MAIN_EXPOSURE)
    row = effect_of(choose(here, analysis=analysis))
    reason = _reason(study, row, sample, outcome)
    if row is None or reason:
        empty = (float("nan"),) * 3
        return (analysis, sample, exposure, main, *empty, "" if row is None else row_unit(row).words, reason)
    unit = row_unit(row)
    numbers = (unit.display(float(number)) for number in (row.estimate, *ends_of(row)))
    return (analysis, sample, exposure, main, *numbers, unit.words, "")


def _reason(study: Study, row: Any | None, sample: str, outcome: str) -> str:
    """Why a specification has no number to be read; empty where it has one."""
    if row is None:
        part = study.samples.get(sample)
        apart = part is not None and outcome in part.without_outcomes
        return "the outcome defines this sample" if apart else NOT_RECORDED
    if not has_number(row):
        return status_text(row)
    doubt = doubt_of(study, row)
    return f"the estimate {doubt}" if doubt else ""


def choice_name(study: Study, kind: str, name: str) -> str:
    """The name of a choice without the words `Main, but` that all but one of its kind begin with."""
    if kind == "analysis":
        words = analysis_name(study, name)
    else:
        known = study.samples if kind == "sample" else study.exposures
        words = known[name].name if name in known else name.replace("_", " ")
    short = words.removeprefix("Main, but ")
    return f"{short[:1].upper()}{short[1:]}"


def choices_words(study: Study, row: Any) -> str:
    """A specification in words: analysis, sample, definition of exposure."""
    return "; ".join(
        choice_name(study, kind, getattr(row, kind)) for kind in ("analysis", "sample", "exposure")
    )
