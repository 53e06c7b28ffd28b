"""Tables that compare the authorities of one model in data quality."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sfpc_book.contracts.check_words import CheckWords
from sfpc_book.report.disclosure import PublishedCounts
from sfpc_book.report.findings import FOLLOWS, READ_BY_RULE
from sfpc_book.report.formats import NOT_AVAILABLE, SUPPRESSED, is_missing, number, percentage
from sfpc_book.report.quality import RANKING, empty_places, kinds_cells, kinds_frame, quality_frame
from sfpc_book.report.table import TableContent
from sfpc_book.report.tables_findings import CHECKS_SOURCE

KINDS = {**FOLLOWS, "rule": READ_BY_RULE}
COLUMNS = (
    "“Stop”, “Mark” and “Note” are numbers of checks, by what follows. “Not linked” is the share of the "
    "trial's children who are not in the outcome return. “Missing” and “Unmapped” are shares in the worst "
    "column. Months missing are those of the trial window; repairs are the corrections applied."
)
SEVERITIES = {
    "block": "The authority is left out of every estimate of the trial, which then rests on one authority "
    "fewer; the chapters of results name it.",
    "mark": "The data are used, and whoever reads an estimate made of them should know of the finding.",
    "note": "No estimate changes. The data owner is told.",
    "rule": "The contracts say how this is read; nothing is guessed, and no estimate changes for it.",
}


def ranking_table(
    findings: PublishedCounts, missing: PublishedCounts, names: Mapping[str, str], caption: str
) -> TableContent:
    """The authorities of `names` (by slug, in wedge order), what needs attention first.

    Columns: distinct checks by what follows, shares of children and of cells, months of the trial window,
    returns, corrections.
    """
    frame = quality_frame(findings, missing, list(names))
    cells = pd.DataFrame(
        {
            "Local authority": frame["authority"].map(names),
            "Stop": frame["block"].astype(str),
            "Mark": frame["mark"].astype(str),
            "Note": frame["note"].astype(str),
            "Not linked": _shares(frame, "not_linked"),
            "Missing": _shares(frame, "missing"),
            "Unmapped": _shares(frame, "unmapped"),
            "Months missing": [number(value) for value in frame["months_missing"]],
            "Returns missing": [number(value) for value in frame["returns_missing"]],
            "Repairs": frame["corrections"].astype(str),
        }
    )
    notes = (*RANKING, COLUMNS, findings.note())
    return TableContent(cells, caption, notes, CHECKS_SOURCE, frame)


def kinds_table(
    findings: PublishedCounts, names: Mapping[str, str], words: CheckWords, caption: str
) -> TableContent | None:
    """Which check found something where: checks gravest first (rows), authorities (columns). None if none
    did.
    """
    kinds = kinds_frame(findings, list(names))
    if kinds.empty:
        return None
    empty = empty_places(findings, list(dict.fromkeys(kinds["check"])), list(names))
    cells = kinds_cells(kinds, names, words, KINDS, empty)
    notes = ("“none” stands where the check found nothing, [x] where it was not made for want of data.",)
    return TableContent(cells, caption, notes, CHECKS_SOURCE, kinds)


def severities_table(findings: PublishedCounts, names: Mapping[str, str], caption: str) -> TableContent:
    """What follows from each severity for the estimates, and in how many authorities it occurs."""
    kinds = kinds_frame(findings, list(names))
    found_in = [kinds.loc[kinds["kind"] == kind, "authority"].nunique() for kind in SEVERITIES]
    cells = pd.DataFrame(
        {
            "What follows": [KINDS[kind].capitalize() for kind in SEVERITIES],
            "What it means for the estimates": list(SEVERITIES.values()),
            "Authorities": [f"{found} of {len(names)}" for found in found_in],
        }
    )
    return TableContent(cells, caption, (), CHECKS_SOURCE)


def _shares(frame: pd.DataFrame, name: str) -> list[str]:
    hidden = frame[f"{name}_hidden"]
    return [
        (SUPPRESSED if flag else NOT_AVAILABLE) if is_missing(share) else percentage(share, 0)
        for share, flag in zip(frame[name], hidden, strict=True)
    ]
