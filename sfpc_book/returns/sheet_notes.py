"""What is noted about a workbook or sheet besides its values: hidden, computed, errors, another calendar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from sfpc_book.contracts.finding import Finding
from sfpc_book.returns.cells import is_blank
from sfpc_book.returns.locate import Located
from sfpc_book.returns.origin import Origin
from sfpc_book.returns.workbook import Workbook


def workbook_findings(book: Workbook, origin: Origin) -> Iterator[Finding]:
    """Findings about a whole workbook.

    The calendar is a note: it is read rightly. A format that cannot be inspected is a mark: in it, errors and
    results never worked out cannot be told from blank cells.
    """
    if book.date_1904:
        text = "days are counted from 1904 in this workbook; date cells and serial numbers are read by that"
        yield origin.finding("date_system_1904", text, severity="note", status="info", unit="files", count=1)
    if not book.inspected:
        text = (
            "hidden rows and columns, formulas, errors and the calendar of serial numbers cannot be seen in "
        )
        text += "this format; errors would be read as blank. Ask for the workbook as .xlsx"
        yield origin.finding("format_not_inspected", text, severity="mark", unit="files", count=1)


def mark_findings(found: Located, origin: Origin) -> Iterator[Finding]:
    """Findings about what a located sheet hides, computes, or shows as an error.

    Hidden rows are a mark: they are read as records, and may have been filtered away on purpose. A hidden
    sheet or column was asked for, so it is a note. So are formulas, whose saved results are read. Results
    never worked out and errors are marks: values are lost.
    """
    place = origin.at(found.sheet.name, found.table)
    note = {"severity": "note", "status": "info"}
    if found.sheet.hidden:
        text = "the sheet is hidden; it is read"
        yield place.finding("hidden_sheet", text, row=found.header_row, unit="sheets", count=1, **note)
    yield from _hidden_rows(found, place)
    yield from _hidden_columns(found, place)
    marks = found.sheet.marks
    text = "'{column}': {count} cell(s) are formulas; their saved results are read"
    yield from _by_column(found, marks.formulas, place, "formulas", text, **note)
    text = "'{column}': {count} formula(s) without a saved result are read as blank; open the workbook in "
    text += "Excel, let it calculate, and save"
    yield from _by_column(found, marks.unsolved, place, "formula_without_value", text, severity="mark")
    text = "'{column}': {count} cell(s) show an error such as #N/A; they are unmapped, not missing"
    errors = [(row, position) for row, position, _ in marks.errors]
    yield from _by_column(found, errors, place, "cell_errors", text, severity="mark")


def _hidden_rows(found: Located, place: Origin) -> Iterator[Finding]:
    """Hidden rows below the header that hold anything in a column that is read."""
    rows, positions = found.sheet.rows, [part.position for part in found.places]
    hidden = [
        row
        for row in found.sheet.marks.hidden_rows
        if found.header_row < row <= len(rows)
        and not all(is_blank(rows[row - 1][position]) for position in positions)
    ]
    if hidden:
        text = (
            f"{len(hidden)} hidden row(s) hold records; they are read. Ask whether they were meant to be sent"
        )
        yield place.finding("hidden_rows", text, severity="mark", row=min(hidden), count=len(hidden))


def _hidden_columns(found: Located, place: Origin) -> Iterator[Finding]:
    """Hidden columns that are read, one finding each."""
    for part in found.places:
        if found.sheet.marks.hides_column(part.position):
            text = f"the column of '{part.column}' is hidden; it is read"
            row = found.header_row
            yield place.finding(
                "hidden_columns", text, severity="note", status="info", unit="columns", row=row,
                column=part.column, count=1,
            )  # fmt: skip


def _by_column(
    found: Located, cells: Iterable[tuple[int, int]], place: Origin, check: str, text: str, **how: str
) -> Iterator[Finding]:
    """One finding for each column that is read and has such cells below the header."""
    below = [(row, position) for row, position in cells if row > found.header_row]
    counts = Counter(position for _, position in below)
    for part in found.places:
        count = counts[part.position]
        if count:
            first = min(row for row, position in below if position == part.position)
            name = f"{part.column} ({part.level})" if part.level else part.column
            words = text.format(column=name, count=count)
            yield place.finding(check, words, row=first, column=part.column, count=count, **how)
