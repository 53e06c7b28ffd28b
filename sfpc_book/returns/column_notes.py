"""What is noted about each column read: findings, and one row of the reading log."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sfpc_book.contracts.contract import Column
from sfpc_book.contracts.finding import Finding, Severity
from sfpc_book.returns.cell_dates import DAY_FIRST_FORMS, MONTH_FIRST_FORM, may_be_month_first
from sfpc_book.returns.cells import (
    BLANK,
    CLEAN,
    DATES,
    DAYLESS,
    PHRASE,
    UNBORN,
    UNBORN_DATE,
    UNBORN_OTHER,
    UNMAPPED,
    ReadColumn,
)
from sfpc_book.returns.locate import Located, Place
from sfpc_book.returns.origin import Origin
from sfpc_book.returns.repair import Repairs
from sfpc_book.returns.unborn import UNBORN_MARKED

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
    return [*findings, *_form_findings(column, declared, name, numbers, origin)]


def _form_findings(
    column: ReadColumn, declared: Column, name: str, numbers: np.ndarray, origin: Origin
) -> Iterator[Finding]:
    """What was read although it was not in the form asked for, with the row of the first such cell."""
    for check, cells, text, severity in (*_missing_and_unborn(column), *_dates(column, declared)):
        if cells.any():
            count, row = int(np.count_nonzero(cells)), int(numbers[np.argmax(cells)])
            status = "info" if severity == "note" else "fail"
            yield origin.finding(
                check, f"'{name}': {count} {text}", severity=severity, status=status, row=row,
                column=declared.name, count=count,
            )  # fmt: skip
    forms = [form for form in column.forms if not form.startswith("unborn") and form != MONTH_FIRST_FORM]
    asked = ASKED_FORMS.get(declared.type)
    if len(forms) > 1 or (asked and set(forms) - {asked}):
        other = column.of_form(*(form for form in forms if form != (asked or ASKED_PAIR)))
        yield origin.finding(
            "cell_forms", f"'{name}': read from {_forms(column)}", severity="note", status="info",
            row=int(numbers[np.argmax(other)]), column=declared.name, count=int(np.count_nonzero(other)),
        )  # fmt: skip


Noted = tuple[str, np.ndarray, str, Severity]


def _missing_and_unborn(column: ReadColumn) -> Iterator[Noted]:
    text = "cell(s) say in words that nothing is known; read as missing"
    yield "phrase_for_missing", column.kinds == PHRASE, text, "note"
    text = "cell(s) hold the date that stands for an unborn child"
    yield "unborn_as_date", column.of_form(UNBORN_DATE), text, "note"
    text = "cell(s) say in other words than asked for that a child is unborn"
    yield "unborn_as_phrase", column.of_form(UNBORN_OTHER), text, "note"
    text = "cell(s) say nothing, but another column says that the child is unborn; read so"
    yield "unborn_by_marker", column.of_form(UNBORN_MARKED), text, "note"


def _dates(column: ReadColumn, declared: Column) -> Iterator[Noted]:
    if declared.type == "date":
        text = "date(s) name a month only; read as its first day"
        yield "date_without_day", column.of_form(*DAYLESS), text, "mark"
    if declared.type in DATES:
        read = column.values[column.of_form(*DAY_FIRST_FORMS)]
        doubtful = sum(may_be_month_first(day) for day in read)
        text = "date(s) can only have the month before the day; days come first, so they are unmapped. "
        text += f"{doubtful} other(s) would be another day if the month came first: ask which is meant"
        yield "date_month_first", column.of_form(MONTH_FIRST_FORM), text, "mark"


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
