"""What goes back to an authority as a workbook: what was received, found and corrected, and what to send
next.

The workbook is for the authority alone, and may be mailed: its counts go through the same disclosure control
as the pages. It names files, sheets, rows and columns of the authority's own workbooks, and holds no cell of
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pandas as pd

from sfpc_book.contracts.check_words import CheckWords
from sfpc_book.report.covariates import spelt
from sfpc_book.report.disclosure import PublishedCounts, require_published
from sfpc_book.report.disclosure_returns import REPAIR
from sfpc_book.report.findings import (
    FOLLOWS,
    READ_BY_RULE,
    allowed,
    failed_rows,
    finding_text,
    how_many,
    oddities,
    repair_rows,
    return_words,
    returns_words,
)
from sfpc_book.report.formats import NOT_APPLICABLE, count, counted, date_text, is_missing
from sfpc_book.report.markup import SYNTHETIC_MARK
from sfpc_book.report.tables_data import LAYERS, returns_asked
from sfpc_book.report.tables_repairs import REPAIRS, touched
from sfpc_book.report.workbook import Sheet, Workbook
from sfpc_book.study.schema import Authority, Study

NOTHING, CORRECTED_HERE = "Nothing", "corrected by the evaluation"
RECEIVED, FOUND, CORRECTED, NEXT = "Received", "Findings", "Corrections", "To send next"
NOTES = {
    "counts": "Counts and shares follow the rules of the published report, for a workbook may be passed on. "
    "{disclosure}",
    "row": "The first row concerned, counted as the spreadsheet counts; [z] where no single row is meant.",
    "column": "The header as it stands in your workbook; where several sheets are read together, the name of "
    "the column in the data dictionary of the report.",
    "follows": "“Stops estimation”: the authority is left out of every estimate until it is resolved. "
    "“Marked”: its data are used, and the report says so. “Noted”: nothing follows for the estimates. "
    "“Read by a rule”: the contracts of the evaluation say how this is read. “Corrected by the evaluation”: "
    "as the sheet of corrections says; to be confirmed.",
}


@dataclass(frozen=True)
class OwnFindings:
    """What one authority's workbook is made from. `compared`: whether identifiers were compared across
    authorities.
    """

    authority: Authority
    findings: PublishedCounts
    reading: PublishedCounts
    repairs: PublishedCounts
    status: str
    compared: bool = True


def findings_workbook(
    study: Study, own: OwnFindings, words: CheckWords, titles: Mapping[str, str]
) -> Workbook:
    """The workbook of one authority. `titles` are those of the tables of the contracts, by id."""
    sheets = (
        Sheet(RECEIVED, "What was received and read", received(own, titles), {"Rows": "counts"}),
        Sheet(
            FOUND,
            "What the checks found, most serious first",
            found(own, words),
            {"First row": "row", "Column": "column", "How many": "counts", "What follows": "follows"},
        ),
        Sheet(
            CORRECTED, "Corrections applied by the evaluation", corrected(own, words), {"Touched": "counts"}
        ),
        Sheet(NEXT, "What to send next", to_send(study, own, words), {"What follows": "follows"}),
    )
    return Workbook(
        title=f"Data returns of {own.authority.name}: what was found",
        subject=study.title,
        publisher=study.publisher,
        introduction=_introduction(study, own),
        sheets=sheets,
        notes={name: text.format(disclosure=own.findings.note()) for name, text in NOTES.items()},
        mark=SYNTHETIC_MARK if own.status == "synthetic" else "",
    )


def _oddities(own: OwnFindings) -> pd.DataFrame:
    return oddities(require_published(own.findings, "findings").frame)


def _introduction(study: Study, own: OwnFindings) -> tuple[str, ...]:
    contact = f" Questions to: {study.contact}." if study.contact else ""
    compared = "" if own.compared else " Identifiers were not compared with those of other authorities."
    name = own.authority.name
    return (
        f"To the data owner of {name}, from the evaluation “{study.title}”.{contact}",
        f"The sheet “{FOUND}” lists {counted(len(failed_rows(own.findings)), 'finding')} of checks, and "
        f"{counted(len(_oddities(own)), 'oddity', 'oddities')} read by a rule, with what we ask you "
        f"to do. “{NEXT}” sums up what we need.{compared}",
        "A check says where to look. One that found nothing does not make a record right.",
        "The workbook names places in your own workbooks. It holds no cell of them and no identifier of a "
        "child. It is for the authority alone and is not published with the report.",
        "No cell is blank: [z] stands where something does not apply. Shorthands are explained above tables.",
    )


def received(own: OwnFindings, titles: Mapping[str, str]) -> pd.DataFrame:
    """One row per table of a sheet that was read."""
    log = require_published(own.reading, "reading").frame
    log = log if "table" in log else log.assign(table=pd.NA)
    rows = [
        {
            "Return": return_words(str(file)),
            "Kind of return": LAYERS[str(layer)],
            "File": file,
            "Sheet": sheet,
            "Read as": titles.get(str(table), LAYERS[str(layer)]),
            "Headers in row": int(header_row),
            "Columns read": len(part),
            "Rows": _counted(count(part["rows"].iloc[0])),
        }
        for (layer, file, sheet, table, header_row), part in log.groupby(
            ["layer", "file", "sheet", "table", "header_row"], sort=False, dropna=False
        )
    ]
    columns = (
        "Return", "Kind of return", "File", "Sheet", "Read as", "Headers in row", "Columns read", "Rows",
    )  # fmt: skip
    return _rows(rows, columns, f"{NOTHING} was read")


def found(own: OwnFindings, words: CheckWords) -> pd.DataFrame:
    """One row per finding that failed, gravest first, then what was read by a rule."""
    headers = _headers(own.reading)
    both = pd.concat([failed_rows(own.findings), _oddities(own)])
    both = both.assign(follows=_follows(both))
    rows = [
        {
            "Check": words.of(row["check"]).name,
            **_place(row, headers),
            "What was found": finding_text(row, partial(_header, row, headers)),
            "How many": _counted(how_many(row)),
            "Allowed": allowed(row),
            "What follows": row["follows"],
            "What we ask you to do": words.of(row["check"]).ask,
        }
        for _, row in both.iterrows()
    ]
    columns = (
        "Check", "Return", "Kind of return", "File", "Sheet", "First row", "Column", "What was found",
        "How many", "Allowed", "What follows", "What we ask you to do",
    )  # fmt: skip
    return _rows(rows, columns, f"{NOTHING} was found by the checks made")


def corrected(own: OwnFindings, words: CheckWords) -> pd.DataFrame:
    """One row per correction that was applied: what, where, how much, why, on whose word."""
    rows = [
        {
            "What": REPAIRS[row["action"]],
            "Returns": returns_words([row["file"]]),
            "Files": _or_none(row["file"]),
            "Sheets": _or_none(row["sheet"]),
            "Column": NOT_APPLICABLE if is_missing(row["column"]) else spelt(row["column"]),
            "Touched": touched(row),
            "Why": row["why"],
            "Source": row["source"],
            "Date": date_text(row["date"]),
            "What we ask you to do": words.of(REPAIR).ask,
            "Correction": row["id"],
        }
        for row in require_published(own.repairs, "repairs").frame.to_dict("records")
    ]
    columns = (
        "What", "Returns", "Files", "Sheets", "Column", "Touched", "Why", "Source", "Date",
        "What we ask you to do", "Correction",
    )  # fmt: skip
    return _rows(rows, columns, f"{NOTHING} was corrected")


def to_send(study: Study, own: OwnFindings, words: CheckWords) -> pd.DataFrame:
    """One row per request: what is asked for, of which returns, and what follows until it is sent."""
    groups = (failed_rows(own.findings), _oddities(own), repair_rows(own.findings))
    every = pd.concat([part.assign(follows=_follows(part)) for part in groups])
    asked = every[every["check"].map(lambda check: words.of(check).is_request).astype(bool)]
    rows = [
        {
            "What we ask you to do": words.of(str(check)).ask,
            "Why": words.of(str(check)).name,
            "Kind of return": _layer(layer),
            "Returns": returns_words(part["file"]),
            "Findings": len(part),
            "What follows": follows,
        }
        for (follows, check, layer), part in asked.groupby(
            ["follows", "check", "layer"], sort=False, dropna=False
        )
    ]
    columns = ("What we ask you to do", "Why", "Kind of return", "Returns", "Findings", "What follows")
    returns = sum(returns_asked(study).values())
    return _rows(rows, columns, f"{NOTHING} beyond the {returns} returns asked for")


def _follows(rows: pd.DataFrame) -> pd.Series:
    """What follows from each finding, in words."""
    by_rule = rows["check"].map({REPAIR: CORRECTED_HERE}).fillna(READ_BY_RULE)
    return rows["severity"].map(FOLLOWS).where(rows["status"] == "fail", by_rule)


def _counted(text: str) -> int | str:
    """A published count as a number that a spreadsheet can add; a shorthand stays a word."""
    digits = text.replace(",", "")
    return int(digits) if digits.isdecimal() else text


def _rows(rows: list[dict[str, object]], columns: tuple[str, ...], nothing: str) -> pd.DataFrame:
    """The rows as a table; a single one says so where there is none, for no sheet is empty."""
    if not rows:
        rows = [{name: NOT_APPLICABLE for name in columns} | {columns[0]: nothing}]
    return pd.DataFrame(rows, columns=list(columns))


def _place(row: pd.Series, headers: Mapping[tuple[str, str, str], str]) -> dict[str, object]:
    file, sheet, column = (_or_none(row[name]) for name in ("file", "sheet", "column"))
    header = column if column == NOT_APPLICABLE else _header(row, headers, column)
    return {
        "Return": returns_words([row["file"]]),
        "Kind of return": _layer(row["layer"]),
        "File": file,
        "Sheet": sheet,
        "First row": NOT_APPLICABLE if is_missing(row["row"]) else int(row["row"]),
        "Column": header,
    }


def _header(row: pd.Series, headers: Mapping[tuple[str, str, str], str], column: str) -> str:
    """A column as the sheet of a finding heads it, or else its name in words."""
    return headers.get((_or_none(row["file"]), _or_none(row["sheet"]), column), spelt(column))


def _headers(reading: PublishedCounts) -> dict[tuple[str, str, str], str]:
    """The header of each column by file, sheet and column, where it stands in one column of a sheet."""
    log = require_published(reading, "reading").frame
    if "header" not in log:
        return {}
    places = log.drop_duplicates(["file", "sheet", "column"], keep=False).dropna(subset=["header"])
    return {(row.file, row.sheet, row.column): str(row.header) for row in places.itertuples()}


def _or_none(text: object) -> str:
    return NOT_APPLICABLE if is_missing(text) else str(text)


def _layer(layer: object) -> str:
    return NOT_APPLICABLE if is_missing(layer) else LAYERS.get(str(layer), str(layer))
