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
    number,
    p_value,
    percentage,
)
from sfpc_book.report.table import TableContent
from sfpc_book.study.schema import Study

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
    linked = frame.groupby("authority")["n_not_linked_all"].first()
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


def samples_table(study: Study, flows: Mapping[str, PublishedCounts], caption: str) -> TableContent | None:
    """One row per practice model: records sent, children in the sample, children linked to outcomes."""
    rows = []
    for model, counts in flows.items():
        flow = require_published(counts, "flow").frame
        kept = flow[(flow["authority"] == "all") & (flow["kind"] == "kept")]
        if len(kept):
            first = {"Practice model": study.models[model].name}
            rows.append(
                first | {_words(row.box): count(row.n) for row in kept.iloc[[0, -2, -1]].itertuples()}
            )
    if not rows:
        return None
    notes = (next(iter(flows.values())).note(),)
    return TableContent(pd.DataFrame(rows), caption, notes, RETURNS_SOURCE)


def family_table(study: Study, family: pd.DataFrame, caption: str) -> TableContent:
    """Secondary outcomes with p-values adjusted for being several, under the same orders of go-lives."""
    cells = pd.DataFrame(
        {
            "Outcome": [study.outcomes[str(outcome)].name for outcome in family["outcome"]],
            "p alone": [p_value(value) for value in family["p_value"]],
            "p adjusted (max-T)": [p_value(value) for value in family["p_max_t"]],
            "Smallest within reach (max-T)": [p_value(value) for value in family["p_minimum_max_t"]],
            "p adjusted (Holm)": [p_value(value) for value in family["p_holm"]],
            "Smallest within reach (Holm)": [p_value(value) for value in family["p_minimum_holm"]],
        }
    )
    notes = (
        "With few possible orders, adjusted p-values have a high floor; the smallest attainable is listed.",
    )
    return TableContent(cells, caption, notes, "Exact randomisation distribution", family)


def plain_table(
    frame: pd.DataFrame, caption: str, *, source: str = "", notes: tuple[str, ...] = ()
) -> TableContent:
    """Any small frame without counts of children, formatted for reading."""
    return TableContent(readable_cells(frame), caption, notes, source, frame)
