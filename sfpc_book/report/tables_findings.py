"""Tables of what the checks found in one authority's returns, and of what was read by a rule."""

from __future__ import annotations

import pandas as pd

from sfpc_book.contracts.check_words import CheckWords
from sfpc_book.report.covariates import spelt
from sfpc_book.report.disclosure import PublishedCounts, require_published
from sfpc_book.report.findings import (
    FOLLOWS,
    failed_rows,
    oddities,
    on_one_line,
)
from sfpc_book.report.formats import NOT_APPLICABLE, is_missing
from sfpc_book.report.table import TableContent
from sfpc_book.report.tables_data import LAYERS

CHECKS_SOURCE = "Checks declared in the data contracts"


def findings_table(counts: PublishedCounts, words: CheckWords, caption: str) -> TableContent | None:
    """Checks that found something, gravest first, one line for the same check in many returns. None if there
    are none.
    """
    rows = failed_rows(counts)
    if rows.empty:
        return None
    lines = on_one_line(rows, words)
    cells = _where_and_what(lines).assign(
        **{
            "Measured": lines["measured"],
            "Allowed": lines["limit"],
            "What follows": lines["severity"].map(FOLLOWS),
        }
    )
    return TableContent(cells, caption, (counts.note(),), CHECKS_SOURCE, rows)


def oddities_table(counts: PublishedCounts, words: CheckWords, caption: str) -> TableContent | None:
    """What the reading met and dealt with by a rule, one line for the same in many returns."""
    rows = oddities(require_published(counts, "findings").frame)
    if rows.empty:
        return None
    cells = _where_and_what(on_one_line(rows, words)).rename(columns={"Check": "Oddity"})
    return TableContent(cells, caption, (counts.note(),), CHECKS_SOURCE, rows)


def _where_and_what(lines: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"Check": lines["name"], "Where": _places(lines), "What was found": lines["text"]})


def _places(lines: pd.DataFrame) -> list[str]:
    """The layer, column and returns of each line in one cell: more columns would leave no room for words."""
    return [
        "; ".join([layer, *([] if is_missing(column) else [spelt(column)]), returns])
        for layer, column, returns in zip(
            _layers(lines["layer"]), lines["column"], lines["returns"], strict=True
        )
    ]


def _layers(layers: pd.Series) -> pd.Series:
    return layers.map(LAYERS).fillna(layers).fillna(NOT_APPLICABLE)
