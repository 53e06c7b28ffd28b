"""What was read and what the checks found, fit to publish: their counts of records are protected too."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from sfpc_book.report.disclosure import (
    PublishedCounts,
    is_small,
    least_shown,
    protected,
    published,
    rounded,
)
from sfpc_book.report.disclosure_hidden import hide_in_rows
from sfpc_book.report.formats import number
from sfpc_book.study.schema import Disclosure

SHOWN_COLUMNS = [
    "check", "subject", "status", "severity", "measured", "limit", "unit", "text",
    "authority", "layer", "file", "sheet", "column", "count",
]  # fmt: skip
OWNER_COLUMNS = [*SHOWN_COLUMNS, "row"]
# Numbers that count no records: names in quotes, files, dates, places in a sheet, lengths of time, and
# those that the words of a check hold whatever it found.
NOT_A_COUNT = re.compile(
    r"'[^']*'|\S+\.xlsx\S*|\d{4}-\d{2}-\d{2}|\brows? \d+|\b\d+ (?:month|day|year|week)"
    r"|\b[A-Za-z_]+\d+\w*|\d+\.\d+|\b(?:from 1904|above 1|other than 1 and 0|more than \d+ are needed)\b"
)
# In words that a person wrote: years and days of a month count no records either.
NOT_A_COUNT_IN_PROSE = re.compile(
    rf"{NOT_A_COUNT.pattern}|\b(?:19|20)\d{{2}}\b|\b\d{{1,2}}/\d{{1,2}}/\d{{2,4}}"
    r"|\b\d{1,2}(?:st|nd|rd|th)? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
)
REPAIR = "correction"  # the check of findings about declared corrections
UNITS_OF_OTHER_THINGS = ("months", "days", "files", "sheets", "columns", "returns", "tables")
TOTALS_LAYER = "dr1"
# What became of the cells of a column: these add up to its rows.
CELL_KINDS = ["filled", "blank", "says_missing", "unmapped", "unborn"]
# Where a column was found; of the rest of the log, only protected counts are published.
PLACES_IN_LOG = [
    "return_month", "layer", "file", "sheet", "table", "header_row", "column", "level", "header", "position",
]  # fmt: skip
SHEET_IN_LOG = ["layer", "file", "sheet", "header_row"]  # what makes rows of the log one sheet
COUNT = re.compile(r"\d+")


def publish_findings(
    findings: pd.DataFrame, disclosure: Disclosure, columns: Sequence[str] = SHOWN_COLUMNS
) -> PublishedCounts:
    """Findings with small counts of records about children hidden in numbers and in words.

    Row numbers are left out, unless `columns` are those that the authority itself may see.

    Monthly totals hold no children, so their findings stay as they are; what belongs to no layer is
    protected. Shares are rounded, so that they do not give the count behind them.
    """
    about_children = findings["layer"].ne(TOTALS_LAYER).to_numpy()
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
    shares = np.where(measured >= 0.01, np.round(measured, 2), np.round(measured, 3))
    is_share = counts_records & findings["unit"].astype("str").str.startswith("share").to_numpy()
    measured = np.where(counted, safe_count, np.where(is_share, shares, measured))
    measured = np.where(small, np.nan, measured)
    frame = findings.assign(count=safe_count, measured=measured, text=words)[list(columns)]
    return published(frame.assign(suppressed=small), "findings", disclosure)


def publish_repairs(
    declared: pd.DataFrame, findings: pd.DataFrame, disclosure: Disclosure
) -> PublishedCounts:
    """Declared corrections with how much each touched, as `publish_findings` lets it be known.

    `declared` has one row per correction (id, action, layer, return_month, table, column, file, sheet, why,
    source, date) and no count. Numbers in the reason and the source could be counts: they are protected too,
    but for years and dates. Adds unit, count and suppressed.
    """
    found = publish_findings(findings[findings["check"] == REPAIR], disclosure).frame.set_index("subject")
    words = {
        name: [safe_text(str(text), disclosure, NOT_A_COUNT_IN_PROSE) for text in declared[name]]
        for name in ("why", "source")
    }
    counts = {name: declared["id"].map(found[name]) for name in ("unit", "count", "suppressed")}
    return published(declared.assign(**words, **counts), "repairs", disclosure)


def safe_text(text: str, disclosure: Disclosure, spared: re.Pattern[str] = NOT_A_COUNT) -> str:
    """A text with its counts of records rounded, or `fewer than` the threshold; what is `spared` stays."""
    parts, end = [], 0
    for match in spared.finditer(text):
        parts += [COUNT.sub(lambda found: _safe(found[0], disclosure), text[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*parts, COUNT.sub(lambda found: _safe(found[0], disclosure), text[end:])])


def _safe(digits: str, disclosure: Disclosure) -> str:
    value = np.array([float(digits)])
    if is_small(value, disclosure)[0]:
        return f"fewer than {disclosure.threshold}"
    return number(rounded(value, disclosure)[0]) if value[0] else digits


def publish_reading(log: pd.DataFrame, disclosure: Disclosure) -> PublishedCounts:
    """One row per column of a sheet read: where it stood, how many rows it had, what became of its cells.

    In sheets about children the counts are protected, and where one kind of cell is too small to show,
    other kinds are hidden with it: otherwise the rows would give it. Monthly totals hold one row a
    month and no child; their numbers of rows stay. The rows of all sheets of a kind of return are added up
    before they are rounded, unless one is hidden: then it stands as the same number in a sum of published
    ones. Columns: those of `PLACES_IN_LOG` and `CELL_KINDS` that the log has, rows, rows_together (of all
    sheets of the layer), suppressed.
    """
    kinds = [name for name in CELL_KINDS if name in log]
    about_children = log["layer"].ne(TOTALS_LAYER).to_numpy()
    raw = log[["rows", *kinds]].astype("Float64").to_numpy(float, na_value=np.nan)
    hidden = is_small(raw, disclosure) & about_children[:, None]
    hidden[:, 1:] = hide_in_rows(raw[:, 1:], hidden[:, 1:], least_shown(disclosure))
    counts = np.where(about_children[:, None], rounded(raw, disclosure), raw)
    together = log["layer"].map(_rows_together(log, hidden[:, 0], counts[:, 0], disclosure))
    safe = dict(zip(["rows", *kinds], np.where(hidden, np.nan, counts).T, strict=True))
    places = log[[name for name in PLACES_IN_LOG if name in log]]
    return published(
        places.assign(**safe, rows_together=together, suppressed=hidden.any(axis=1)), "reading", disclosure
    )


def _rows_together(
    log: pd.DataFrame, hidden: np.ndarray, counts: np.ndarray, disclosure: Disclosure
) -> dict[str, float]:
    """Rows of the sheets of each layer, by layer; missing where those of every sheet are hidden.

    One rounding where all are shown; otherwise a sum of what is published, which a hidden number does not
    move.
    """
    names = [name for name in SHEET_IN_LOG if name in log]
    sheets = log.assign(hidden=hidden, published=counts).drop_duplicates(names)
    together = {}
    for layer, part in sheets.groupby("layer"):
        if part["hidden"].any():
            rows = part["published"].mask(part["hidden"], disclosure.rounding).sum()
            together[str(layer)] = np.nan if part["hidden"].all() else float(rows)
        else:
            whole = float(part["rows"].sum())
            together[str(layer)] = whole if layer == TOTALS_LAYER else float(rounded(whole, disclosure))
    return together


def publish_followed(observability: pd.DataFrame, disclosure: Disclosure) -> PublishedCounts:
    """How many linked children have been followed for each outcome and horizon, as shares to be published.

    Shares are of rounded counts, and hidden where few children were followed or few were not. Columns
    authority, outcome, horizon, covered_to, fully_observed_from, share, suppressed.
    """
    waiting = observability["n_not_observed"]
    hidden = is_small(observability["n_followed"], disclosure) | is_small(waiting, disclosure)
    seen = rounded(observability["n_followed"], disclosure)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(hidden, np.nan, seen / (seen + rounded(waiting, disclosure)))
    keys = ["authority", "outcome", "horizon", "covered_to", "fully_observed_from"]
    return published(observability[keys].assign(share=share, suppressed=hidden), "followed", disclosure)
