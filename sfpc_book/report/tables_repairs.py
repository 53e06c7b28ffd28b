"""Corrections that were applied to the returns: what, where, how much, why, on whose word, when."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pandas as pd

from sfpc_book.report.covariates import spelt
from sfpc_book.report.disclosure import PublishedCounts, require_published
from sfpc_book.report.findings import amount
from sfpc_book.report.findings_text import month_words
from sfpc_book.report.formats import NOT_APPLICABLE, date_text, is_missing
from sfpc_book.report.table import TableContent
from sfpc_book.report.tables_data import LAYERS

REPAIRS = {
    "alias_authority": "Files under another spelling of the authority are its own",
    "rename_sheet": "A sheet under a strange name is read as this table",
    "shift_header": "The headings stand in another row",
    "rename": "A column under a strange heading is read as this one",
    "recode": "Words outside the code list stand for codes",
    "extract": "Of each cell, only a part is kept",
    "rescale": "Numbers are brought to the scale asked for",
    "fill_blank": "A blank cell has a meaning",
    "drop_duplicate": "Of rows equal in every column, one is kept",
    "drop_rows": "Rows without a record are left out",
}


def repairs_table(counts: PublishedCounts, caption: str) -> TableContent | None:
    """One row per correction applied. None if there are none. The CSV file also names files and sheets."""
    rows = require_published(counts, "repairs").frame
    if rows.empty:
        return None
    cells = pd.DataFrame(
        {
            "What": rows["action"].map(REPAIRS),
            "Where": [_where(row) for row in rows.to_dict("records")],
            "Touched": [touched(row) for row in rows.to_dict("records")],
            "Why": rows["why"],
            "Source": rows["source"],
            "Date": [date_text(pd.Timestamp(day)) for day in rows["date"]],
            "Correction": rows["id"],
        }
    )
    return TableContent(cells, caption, (counts.note(),), "File of corrections", rows)


def _where(row: dict[str, object]) -> str:
    """Kind of return, column and return, worded as in the table of findings."""
    words = {"layer": LAYERS.get, "column": spelt, "return_month": month_words}
    parts = [word(str(row[name])) for name, word in words.items() if not is_missing(row[name])]
    return "; ".join(part for part in parts if part) or NOT_APPLICABLE


def touched(row: Mapping[Hashable, object]) -> str:
    """How much a correction touched, with its unit; `[c]` where that is hidden."""
    return amount(row["count"], row["unit"], hidden=True)
