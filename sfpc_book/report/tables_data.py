"""Tables about data and design: checks, flow, baseline, coverage, outcomes, analyses, costs."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sfpc_book.report.cells import readable_cells
from sfpc_book.report.disclosure import PublishedCounts, require_published, shown
from sfpc_book.report.formats import (
    NOT_APPLICABLE,
    NOT_AVAILABLE,
    SUPPRESSED,
    count,
    date_text,
    is_missing,
    listed,
    number,
    p_value,
    percentage,
)
from sfpc_book.report.table import TableContent
from sfpc_book.study.schema import Study
from sfpc_book.study.wedge import Wedge

SEVERITY = {"block": "stops estimation", "mark": "marked", "note": "noted"}
LAYERS = {"dr1": "Monthly totals", "dr2": "Children referred", "dr3": "Outcomes"}
RETURNS_SOURCE = "Data returns"


def findings_table(findings: pd.DataFrame, caption: str) -> TableContent | None:
    """Checks that found something, worst first: what, where, how much, and what was allowed. None if all
    passed.

    A finding holds kinds, counts of cells and row numbers, never a value of a child's record.
    """
    order = {severity: place for place, severity in enumerate(SEVERITY)}
    failed = findings[findings["status"] == "fail"]
    if failed.empty:
        return None
    failed = failed.sort_values("severity", key=lambda values: values.map(order), kind="stable")
    cells = pd.DataFrame(
        {
            "Check": failed["check"].str.replace("_", " ").str.capitalize(),
            "Layer": failed["layer"].map(LAYERS).fillna(failed["layer"]).fillna(NOT_APPLICABLE),
            "Where": [_where(row) for row in failed.itertuples()],
            "What was found": failed["text"],
            "Measured": [_measured(row.measured, row.unit) for row in failed.itertuples()],
            "Limit": [_measured(row.limit, row.unit) for row in failed.itertuples()],
            "What follows": failed["severity"].map(SEVERITY),
        }
    )
    return TableContent(
        cells=cells, caption=caption, source="Checks declared in the data contracts", data=failed
    )


def _where(row: object) -> str:
    parts = [str(getattr(row, name)) for name in ("sheet", "column") if not is_missing(getattr(row, name))]
    return ", ".join(parts) or str(getattr(row, "subject", "")) or NOT_APPLICABLE


def _measured(value: object, unit: object) -> str:
    if is_missing(value):
        return NOT_APPLICABLE
    text = number(float(value), 0 if float(value).is_integer() else 3)  # type: ignore[arg-type]
    return (
        text.replace("[low]", "0")
        if is_missing(unit) or not str(unit)
        else f"{text.replace('[low]', '0')} {unit}"
    )


def baseline_table(counts: PublishedCounts, authority: str, caption: str) -> TableContent:
    """Children before and after go-live at each level of each covariate: numbers and shares."""
    frame = require_published(counts, "descriptives").frame
    rows = frame[frame["authority"] == authority]
    before, after = (rows[rows["exposed"] == exposed].reset_index(drop=True) for exposed in (0, 1))
    cells = pd.DataFrame(
        {
            "Level": [f"{_words(row.variable)}: {_words(row.level)}" for row in before.itertuples()],
            "Before go-live": shown(before["n"]),
            "Share before": _shares(before["share"], before["suppressed"]),
            "After go-live": shown(after["n"]),
            "Share after": _shares(after["share"], after["suppressed"]),
        }
    )
    totals = [count(part["total"].iloc[0]) if len(part) else NOT_AVAILABLE for part in (before, after)]
    return TableContent(
        cells=cells,
        caption=caption,
        notes=(f"Children before go-live: {totals[0]}; after: {totals[1]}.", counts.note()),
        source=RETURNS_SOURCE,
        data=rows,
    )


def _words(text: object) -> str:
    words = str(text).replace("_", " ")
    return words[:1].upper() + words[1:]


def _shares(shares: pd.Series, hidden: pd.Series) -> list[str]:
    return [SUPPRESSED if flag else percentage(share) for share, flag in zip(shares, hidden, strict=True)]


def cell_sizes_table(counts: PublishedCounts, study: Study, caption: str) -> TableContent:
    """Children observed by authority (rows) and period (columns), with those not linked."""
    frame = require_published(counts, "cells").frame
    cells: dict[str, list[str]] = {}
    authorities = list(dict.fromkeys(frame["authority"]))
    cells["Local authority"] = [study.authorities[slug].name for slug in authorities]
    for period, part in frame.groupby("period", sort=True):
        by_authority = part.set_index("authority")["n_children"].reindex(authorities)
        cells[f"Period {period} from {part['period_start'].iloc[0]:%b %Y}"] = shown(by_authority)
    linked = frame.groupby("authority")["n_not_linked"].apply(lambda values: values.sum(skipna=False))
    cells["Not linked, all periods"] = shown(linked.reindex(authorities))
    return TableContent(
        cells=pd.DataFrame(cells), caption=caption, notes=(counts.note(),), source=RETURNS_SOURCE, data=frame
    )


def observability_table(study: Study, observability: pd.DataFrame, caption: str) -> TableContent:
    """By outcome and horizon over all authorities: share observed and the date from which all can be."""
    rows = []
    for (outcome, horizon), part in observability.groupby(["outcome", "horizon"], sort=False):
        seen, waiting = part["n_observed"].sum(), part["n_not_observed"].sum()
        share = seen / (seen + waiting) if seen + waiting else float("nan")
        rows.append(
            {
                "Outcome": study.outcomes[str(outcome)].name,
                "Followed for": f"{int(horizon)} months",
                "Observed so far": percentage(share),
                "All observable from": date_text(pd.to_datetime(part["fully_observed_from"]).max()),
                "Authorities with nothing observed": number((part["n_observed"] == 0).sum()),
            }
        )
    data = observability.drop(columns=[name for name in observability if str(name).startswith("n_")])
    return TableContent(
        cells=pd.DataFrame(rows),
        caption=caption,
        notes=("The share is of linked children to whom the outcome applies.",),
        source=RETURNS_SOURCE,
        data=data,
    )


def outcomes_table(study: Study, model: str, caption: str) -> TableContent:
    """The outcomes of a model: name, role, measure, unit."""
    first = study.primary(model).id
    chosen = [study.outcomes[outcome] for outcome in study.models[model].outcomes]
    cells = pd.DataFrame(
        {
            "Outcome": [outcome.name for outcome in chosen],
            "Role": ["primary" if outcome.id == first else "secondary" for outcome in chosen],
            "Measure": [outcome.measure for outcome in chosen],
            "Unit of the effect": [outcome.unit for outcome in chosen],
        }
    )
    return TableContent(cells=cells, caption=caption, source="Study file")


def analyses_table(study: Study, caption: str) -> TableContent:
    """The registry of analyses: plan status, estimand, model, variance, reference."""
    parts = list(study.analyses.values())
    cells = pd.DataFrame(
        {
            "Analysis": [part.name for part in parts],
            "Plan": [part.plan_status for part in parts],
            "Estimand": [part.estimand for part in parts],
            "Variance": [part.variance for part in parts],
            "Reference": [part.reference for part in parts],
        }
    )
    notes = tuple(f"Not done: {part.analysis}. {part.because}." for part in study.not_done)
    return TableContent(cells=cells, caption=caption, notes=notes, source="Study file")


def designs_table(study: Study, wedges: Mapping[str, Wedge], caption: str) -> TableContent:
    """One row per trial: window, periods, strata, orders, the smallest p-value within reach, planned size."""
    rows = [
        {
            "Practice model": study.models[model].name,
            "Authorities": number(len(wedge.authorities)),
            "Window": f"{date_text(wedge.window_start)} to {date_text(wedge.window_end)}",
            "Periods": number(wedge.n_periods),
            "Randomised within": _strata(wedge),
            "Possible orders": number(wedge.n_orders),
            "Smallest exact p": p_value(wedge.attainable_minimum_p),
            "Children planned": number(study.models[model].protocol_children),
        }
        for model, wedge in wedges.items()
    ]
    return TableContent(cells=pd.DataFrame(rows), caption=caption, source="Study file")


def _strata(wedge: Wedge) -> str:
    names = list(dict.fromkeys(wedge.stratum.values()))
    return "no strata on record" if names == ["all"] else f"readiness: {listed(names)}"


def go_lives_table(study: Study, caption: str) -> TableContent:
    """Every adopter with its role, go-live, how well the date is known, and on whose word."""
    rows = []
    for authority in study.adopters():
        day = authority.go_live
        rows.append(
            {
                "Local authority": authority.name,
                "Code": authority.gss_code,
                "Practice model": study.models[authority.model].name if authority.model else NOT_APPLICABLE,
                "Role": authority.role,
                "Go-live": date_text(day.date) if day else NOT_APPLICABLE,
                "Date is": day.status if day else NOT_APPLICABLE,
                "Readiness stratum": authority.stratum or NOT_APPLICABLE,
                "Source of the date": day.source if day else NOT_APPLICABLE,
            }
        )
    return TableContent(cells=pd.DataFrame(rows), caption=caption, source="Study file")


def plain_table(
    frame: pd.DataFrame, caption: str, *, source: str = "", notes: tuple[str, ...] = ()
) -> TableContent:
    """Any small frame without counts of children, formatted for reading."""
    return TableContent(readable_cells(frame), caption, notes, source, frame)
