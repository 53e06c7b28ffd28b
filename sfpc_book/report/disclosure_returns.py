"""What was read and what the checks found, fit to publish: their counts of records are protected too."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from sfpc_book.report.disclosure import PublishedCounts, is_small, protected, published, rounded
from sfpc_book.report.formats import number
from sfpc_book.study.schema import Disclosure

CHILD_LAYERS = ("dr2", "dr3")
SHOWN_COLUMNS = [
    "check", "subject", "status", "severity", "measured", "limit", "unit", "text",
    "layer", "sheet", "column", "count",
]  # fmt: skip
# Numbers that count no records: names in quotes, files, dates, places in a sheet, lengths of time.
NOT_A_COUNT = re.compile(
    r"'[^']*'|\S+\.xlsx\S*|\d{4}-\d{2}-\d{2}|\brows? \d+|\b\d+ (?:month|day|year|week)"
    r"|\b[A-Za-z_]+\d+\w*|\d+\.\d+"
)
UNITS_OF_OTHER_THINGS = ("months", "days", "files", "sheets", "columns")
COUNT = re.compile(r"\d+")


def publish_findings(findings: pd.DataFrame, disclosure: Disclosure) -> PublishedCounts:
    """Findings without row numbers; small counts of records about children hidden in numbers and in words.

    Monthly totals hold no children, so their findings stay as they are.
    """
    about_children = findings["layer"].isin(CHILD_LAYERS).to_numpy()
    count = findings["count"].astype("Float64").to_numpy(float, na_value=np.nan)
    counts_records = about_children & ~findings["unit"].isin(UNITS_OF_OTHER_THINGS).to_numpy()
    small = is_small(count, disclosure) & counts_records
    safe_count = np.where(counts_records, protected(count, disclosure), count)
    words = [
        safe_text(str(text), disclosure) if flag else str(text)
        for text, flag in zip(findings["text"], counts_records, strict=True)
    ]
    measured = findings["measured"].to_numpy(float)
    counted = counts_records & (measured == count)
    measured = np.where(small, np.nan, np.where(counted, safe_count, measured))
    frame = findings.assign(count=safe_count, measured=measured, text=words)[SHOWN_COLUMNS]
    return published(frame.assign(suppressed=small), "findings", disclosure)


def safe_text(text: str, disclosure: Disclosure) -> str:
    """The text of a finding with its counts of records rounded, or `fewer than` the threshold."""
    parts, end = [], 0
    for match in NOT_A_COUNT.finditer(text):
        parts += [COUNT.sub(lambda found: _safe(found[0], disclosure), text[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*parts, COUNT.sub(lambda found: _safe(found[0], disclosure), text[end:])])


def _safe(digits: str, disclosure: Disclosure) -> str:
    value = np.array([float(digits)])
    if is_small(value, disclosure)[0]:
        return f"fewer than {disclosure.threshold}"
    return number(rounded(value, disclosure)[0]) if value[0] else digits


def publish_reading(log: pd.DataFrame, disclosure: Disclosure) -> PublishedCounts:
    """One row per sheet read: where its headers stood, how many columns were read, how many rows it had."""
    keys = ["return_month", "layer", "file", "sheet", "header_row"]
    sheets = log.groupby(keys, sort=False, dropna=False).agg(
        columns=("column", "nunique"), rows=("rows", "max")
    )
    sheets = sheets.reset_index()
    about_children = sheets["layer"].isin(CHILD_LAYERS)
    hidden = protected(sheets["rows"], disclosure)
    rows = np.where(about_children, hidden, sheets["rows"].astype(float))
    return published(sheets.assign(rows=rows, suppressed=np.isnan(rows)), "reading", disclosure)
