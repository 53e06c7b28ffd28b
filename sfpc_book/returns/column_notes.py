"""What is noted about each column read: findings, and one row of the reading log."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sfpc_book.contracts.contract import Column
from sfpc_book.contracts.finding import Finding
from sfpc_book.returns.cells import BLANK, CLEAN, DAYLESS, PHRASE, UNBORN, UNMAPPED, ReadColumn
from sfpc_book.returns.locate import Located, Place
from sfpc_book.returns.origin import Origin
from sfpc_book.returns.repair import Repairs

LOG_COLUMNS = (
    "return_month", "layer", "file", "sheet", "table", "found_by", "shape", "nominal_header_row",
    "header_row", "column", "level", "header", "position", "rows", "filled", "blank", "says_missing",
    "unmapped", "unborn", "forms", "corrections",
)  # fmt: skip

# The form that each type of column is asked for in.
ASKED_FORMS = {
    "date": "date cell", "month": "date cell", "birth_month": "date cell", "integer": "number",
    "number": "number", "share": "number", "percent": "number", "code": "code", "factors": "code",
}  # fmt: skip
# Yes and no may be said in any pair of words, but in one; where there are several, this is the one asked for.
ASKED_PAIR = "1/0"


def column_findings(
    column: ReadColumn, declared: Column, place: Place, numbers: np.ndarray, origin: Origin
) -> list[Finding]:
    """Findings about the cells of one column: unmapped values, dates without a day, mixed forms."""
    findings = []
    n, unmapped = len(column.kinds), column.count(UNMAPPED)
    name = f"{place.column} ({place.level})" if place.level else place.column
    if unmapped:
        allowed = declared.unmapped_limit or 0.0
        text = f"'{name}': {unmapped} of {n} cells say nothing that the contract knows; none was guessed"
        findings.append(
            origin.finding(
                "unmapped",
                text,
                severity=declared.severity,
                status="fail" if unmapped / n > allowed else "pass",
                measured=unmapped / n,
                limit=allowed,
                unit="share of cells",
                row=int(numbers[column.first(UNMAPPED)]),
                column=place.column,
                count=unmapped,
            )
        )
    return [*findings, *_form_findings(column, declared, name, origin)]


def _form_findings(column: ReadColumn, declared: Column, name: str, origin: Origin) -> Iterator[Finding]:
    """What was read although it was not in the form asked for."""
    place = {"severity": "note", "status": "info", "column": declared.name}
    phrases, unborn_dates = column.count(PHRASE), column.forms.get("unborn as a date", 0)
    if phrases:
        text = f"'{name}': {phrases} cell(s) say in words that nothing is known; read as missing"
        yield origin.finding("phrase_for_missing", text, count=phrases, **place)
    if unborn_dates:
        text = f"'{name}': {unborn_dates} cell(s) hold the date that stands for an unborn child"
        yield origin.finding("unborn_as_date", text, count=unborn_dates, **place)
    other_words = column.forms.get("unborn as another word", 0)
    if other_words:
        text = f"'{name}': {other_words} cell(s) say in other words than asked for that a child is unborn"
        yield origin.finding("unborn_as_phrase", text, count=other_words, **place)
    dayless = sum(count for form, count in column.forms.items() if form in DAYLESS)
    if declared.type == "date" and dayless:
        text = f"'{name}': {dayless} date(s) name a month only; read as its first day"
        yield origin.finding("date_without_day", text, severity="mark", column=declared.name, count=dayless)
    forms = {form: count for form, count in column.forms.items() if not form.startswith("unborn")}
    asked = ASKED_FORMS.get(declared.type)
    if len(forms) > 1 or (asked and set(forms) - {asked}):
        other = sum(count for form, count in forms.items() if form != (asked or ASKED_PAIR))
        text = f"'{name}': read from {_forms(column)}"
        yield origin.finding("cell_forms", text, count=other, **place)


def log_row(
    located: Located, place: Place, column: ReadColumn, repairs: Repairs, origin: Origin
) -> dict[str, object]:
    """One row of the reading log: where the column stood and what became of its cells."""
    applied = [part.id for part in repairs.corrections if part.column in (None, place.column)]
    counts = (column.count(kind) for kind in (CLEAN, BLANK, PHRASE, UNMAPPED, UNBORN))
    values = (
        origin.month, origin.layer, origin.file, origin.sheet, located.table, located.found_by, located.shape,
        located.nominal_row, located.header_row, place.column, place.level, place.header, place.position + 1,
        len(column.kinds), *counts, _forms(column), "; ".join(applied),
    )  # fmt: skip
    return dict(zip(LOG_COLUMNS, values, strict=True))


def _forms(column: ReadColumn) -> str:
    return "; ".join(f"{form}: {count}" for form, count in column.forms.items())
