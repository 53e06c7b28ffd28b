"""Tables about data and design: checks, flow, baseline, coverage, outcomes, analyses, costs."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sfpc_book.report.cells import readable_cells
from sfpc_book.report.covariates import spelt
from sfpc_book.report.disclosure import PublishedCounts, require_published
from sfpc_book.report.disclosure_returns import CELL_KINDS, SHEET_IN_LOG
from sfpc_book.report.estimate_rows import span_text
from sfpc_book.report.formats import (
    NOT_APPLICABLE,
    SUPPRESSED,
    count,
    date_text,
    number,
    p_value,
    whole_percentage,
)
from sfpc_book.report.table import TableContent
from sfpc_book.study.schema import Study

FAMILY_NOTE = (
    "The primary outcome stands outside the family. Romano-Wolf (step-down max-T) uses how outcomes go "
    "together under the same orders; Holm does not."
)
SEVERITY_SHORT = {"block": "stopping estimation", "mark": "marked", "note": "noted"}
LAYERS = {"dr1": "Monthly totals", "dr2": "Children referred", "dr3": "Outcomes"}
RETURNS_SOURCE = "Data returns"


def returns_asked(study: Study) -> dict[str, int]:
    """How many returns of each layer an authority was asked for."""
    monthly = len(study.returns.months)
    return {"dr1": monthly, "dr2": monthly, "dr3": 1}


def sent_table(
    reading: PublishedCounts, findings: PublishedCounts, study: Study, caption: str
) -> TableContent:
    """One row per kind of return: how many were asked for and read, sheets, rows, and what the checks found.

    The CSV file holds the log of reading, sheet by sheet and column by column.
    """
    log = require_published(reading, "reading").frame
    failed = require_published(findings, "findings").frame.query("status == 'fail'")
    sheets = log.drop_duplicates(SHEET_IN_LOG)
    rows = [
        {
            "Return": LAYERS[layer],
            "Asked for": str(number_asked),
            "Read": str(sheets.loc[sheets["layer"] == layer, "return_month"].nunique()),
            "Sheets": str((sheets["layer"] == layer).sum()),
            "Rows": count(_rows_read(sheets[sheets["layer"] == layer])),
            "Checks that found something": _by_severity(failed[failed["layer"] == layer]),
        }
        for layer, number_asked in returns_asked(study).items()
    ]
    notes = (
        "Rows of all sheets together; monthly totals have one row a month. The CSV file lists every sheet "
        "and column as it was read.",
        reading.note(),
    )
    return TableContent(
        pd.DataFrame(rows), caption, notes, "Log of reading and findings of the checks", _log_file(log)
    )


def _log_file(log: pd.DataFrame) -> pd.DataFrame:
    """The log with whole numbers, and `[c]` where disclosure control hides one."""
    counts = log[["rows", *(name for name in CELL_KINDS if name in log)]]
    hidden = counts.isna().mul(log["suppressed"], axis="index")
    whole = counts.astype("Int64").astype("object").mask(hidden, SUPPRESSED)
    return log.drop(columns="rows_together").assign(**whole)


def _rows_read(sheets: pd.DataFrame) -> float:
    return float(sheets["rows_together"].iloc[0]) if len(sheets) else 0.0


def _by_severity(failed: pd.DataFrame) -> str:
    numbers = failed["severity"].value_counts()
    parts = [
        f"{numbers[severity]} {words}" for severity, words in SEVERITY_SHORT.items() if severity in numbers
    ]
    return ", ".join(parts) or "none"


def observability_table(study: Study, observability: pd.DataFrame, caption: str) -> TableContent:
    """By outcome and horizon over all authorities: share followed, date for all, and why not all."""
    rows = []
    for (outcome, horizon), part in observability.groupby(["outcome", "horizon"], sort=False):
        known = study.outcomes[str(outcome)]
        if not known.has_horizon and int(horizon) != study.horizons[0]:
            continue  # measured over fixed terms: the same numbers at every horizon
        seen, waiting = part["n_followed"].sum(), part["n_not_observed"].sum()
        rows.append(
            {
                "Outcome": known.name,
                "Followed for": span_text(known, int(horizon)),
                "Followed so far": whole_percentage(
                    seen / (seen + waiting) if seen + waiting else float("nan")
                ),
                "All can be followed from": date_text(pd.to_datetime(part["fully_observed_from"]).max()),
                "Authorities with nobody followed": number((part["n_followed"] == 0).sum()),
                "Why not all": _why_not_all(part),
            }
        )
    # Two decimals: more digits of a share would tell how few children are missing from it.
    data = observability.drop(columns=[name for name in observability if str(name).startswith("n_")])
    data = data.assign(observed_share=data["observed_share"].round(2))
    return TableContent(
        cells=pd.DataFrame(rows),
        caption=caption,
        notes=(
            "The share is of linked children. A child counts as followed when the outcome is observed, or "
            "found not to apply, such as placements of a child who never entered care.",
        ),
        source=RETURNS_SOURCE,
        data=data,
    )


def _why_not_all(part: pd.DataFrame) -> str:
    """Whether the others wait for a date, sit in returns that end too early, or have no value recorded."""
    due = pd.to_datetime(part["fully_observed_from"])
    waiting = part["n_not_observed"].gt(0)
    late = waiting & pd.to_datetime(part["covered_to"]).lt(due)
    reasons = []
    if late.any():
        reasons.append(f"open until {date_text(due.max())}")
    if (waiting & ~late).any():
        reasons.append("the returns that would show it end before that date")
    if "n_value_missing" in part and part["n_value_missing"].sum():
        reasons.append("some values were not recorded")
    return "; ".join(reasons) or NOT_APPLICABLE


def samples_table(study: Study, flows: Mapping[str, PublishedCounts], caption: str) -> TableContent | None:
    """One row per practice model: records sent, children in the sample, children linked to outcomes."""
    rows = []
    for model, counts in flows.items():
        flow = require_published(counts, "flow").frame
        kept = flow[(flow["authority"] == "all") & (flow["kind"] == "kept")]
        if len(kept):
            first = {"Practice model": study.models[model].name}
            rows.append(first | {spelt(row.box): count(row.n) for row in kept.iloc[[0, -2, -1]].itertuples()})
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
            "p adjusted (Romano-Wolf)": [p_value(value) for value in family["p_max_t"]],
            "Smallest within reach (Romano-Wolf)": [p_value(value) for value in family["p_minimum_max_t"]],
            "p adjusted (Holm)": [p_value(value) for value in family["p_holm"]],
            "Smallest within reach (Holm)": [p_value(value) for value in family["p_minimum_holm"]],
        }
    )
    notes = tuple(filter(None, (FAMILY_NOTE, _floor_note(family), _outside_note(study, family))))
    return TableContent(cells, caption, notes, "Exact randomisation distribution", family)


def _floor_note(family: pd.DataFrame) -> str:
    """What the possible orders of go-lives can give at best, in numbers."""
    inside = family[family["in_family"]]
    if inside.empty:
        return ""
    orders, size = (int(inside[name].iloc[0]) for name in ("n_orders", "n_family"))
    alone, holm = (float(inside[name].min()) for name in ("p_minimum_max_t", "p_minimum_holm"))
    return (
        f"At best, {orders:,} possible orders give one outcome p = {p_value(alone)}. Romano-Wolf can still "
        f"reach that for an outcome among {size}; Holm, which multiplies it, cannot go below {p_value(holm)}."
    )


def _outside_note(study: Study, family: pd.DataFrame) -> str:
    names = [study.outcomes[str(name)].name for name in family.loc[~family["in_family"], "outcome"]]
    return f"Not in the family, because there is no estimate: {'; '.join(names)}." if names else ""


def plain_table(
    frame: pd.DataFrame, caption: str, *, source: str = "", notes: tuple[str, ...] = ()
) -> TableContent:
    """Any small frame without counts of children, formatted for reading."""
    return TableContent(readable_cells(frame), caption, notes, source, frame)
