"""What is noted about where a table was found: sheet, header row, columns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sfpc_book.contracts.finding import Finding
from sfpc_book.returns.locate import Headers, Located, header_text
from sfpc_book.returns.origin import Origin

LONGEST_HEADER_SHOWN = 60
SEVERAL_DIGITS = re.compile(r"\d{3}")


def place_findings(found: Located, headers: Headers, layout: str, origin: Origin) -> Iterator[Finding]:
    """Findings about one located table: first the sheet, then its columns."""
    place = origin.at(found.sheet.name, found.table)
    yield from _sheet_findings(found, headers, layout, place)
    yield from _unknown_columns(found, place)
    yield from _missing_columns(found, headers, place)


def _sheet_findings(found: Located, headers: Headers, layout: str, place: Origin) -> Iterator[Finding]:
    note = {"severity": "note", "status": "info", "unit": "sheets", "row": found.header_row, "count": 1}
    declared = headers.contract.sheets[layout].name
    if found.found_by == "headers":
        text = f"taken for {found.table} by its headers; no contract knows this sheet name"
        yield place.finding("sheet_name", text, **note)
    elif found.sheet.name != declared:
        yield place.finding("sheet_name", f"the sheet's name is '{declared}' in the contract", **note)
    if found.header_row != found.nominal_row:
        text = f"the headers stand in row {found.header_row}, not in row {found.nominal_row}"
        yield place.finding("header_row", text, **note)
    if headers.wide and found.shape == "long":
        text = f"sent with one row per {headers.wide.by}, not one column"
        yield place.finding("sheet_shape", text, **note)
    expected = [name for name in headers.contract.names if name in found.columns]
    order = list(dict.fromkeys(part.column for part in found.places if part.column in expected))
    if order != expected:
        yield place.finding("column_order", "the columns stand in another order than asked for", **note)


def _unknown_columns(found: Located, place: Origin) -> Iterator[Finding]:
    for header, near in found.unknown:
        hint = (
            f"; nearest is '{near}': declare a correction with action rename if it is meant" if near else ""
        )
        text = f"{_shown(header)} is in no contract and was not read{hint}"
        status = "fail" if near and near not in found.columns else "info"
        yield place.finding(
            "column_unknown", text, severity="note", status=status, row=found.header_row, count=1
        )
    for name in found.repeated:
        text = f"'{name}' stands in more than one column; the first was read"
        yield place.finding(
            "column_repeated", text, severity="mark", unit="columns", row=found.header_row, column=name,
            count=1,
        )  # fmt: skip


def _shown(header: str) -> str:
    """An unknown heading as it may be told: one with a number in it may be a value in a wrong place."""
    if SEVERAL_DIGITS.search(header):
        return "a column whose heading holds a number (not shown)"
    return f"column '{header[:LONGEST_HEADER_SHOWN]}'"


def _missing_columns(found: Located, headers: Headers, place: Origin) -> Iterator[Finding]:
    for column in headers.required:
        if column.name not in found.columns and not set(column.alternative_columns) & found.columns:
            text = f"column '{column.header}' is missing. Headers allowed: {', '.join(column.headers)}"
            yield place.finding(
                "column_missing", text, severity=column.severity, unit="columns", row=found.header_row,
                column=column.name, count=1,
            )  # fmt: skip
    for part in found.places:
        declared = headers.contract.column(part.column) if part.column in headers.contract.names else None
        if declared and not part.level and header_text(part.header) != header_text(declared.header):
            text = f"'{part.header[:LONGEST_HEADER_SHOWN]}' was read as '{declared.header}'"
            yield place.finding(
                "column_reworded", text, severity="note", status="info", unit="columns",
                row=found.header_row, column=part.column, count=1,
            )  # fmt: skip
    asked = {level.casefold() for level in headers.wide.levels} if headers.wide else set()
    for level in sorted({part.level for part in found.places if part.level and part.level not in asked}):
        text = f"'{level}' is no {headers.wide.by} that was asked for; it was read"
        yield place.finding(
            "level_unknown", text, severity="note", status="info", row=found.header_row, count=1
        )
