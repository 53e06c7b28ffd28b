"""Small workbooks of data returns written by hand, for the tests of reading."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

import xlsxwriter

from sfpc_book.contracts.contract import TableContract, load_contracts

CONTRACTS = load_contracts()
Cells = Sequence[Sequence[object]]
Sheets = Mapping[str, Cells]

DR2_DEFAULTS = {
    "no_further_action": 0, "assessment_start_date": dt.date(2021, 3, 12), "factors": "1B;3B",
    "assessment_outcome": "No further action", "previous_protection_plans": 0, "gender": "Male",
    "birth_month": dt.date(2015, 6, 1),
    "ethnicity": "WBRI", "disability": "Not disabled", "asylum_seeker": "Not UASC",
}  # fmt: skip


def headers(table: str, layout: str = "standard", *, without: Sequence[str] = ()) -> dict[str, str]:
    """Column → header, in the order of the contract; of a wide table without its levels."""
    contract = CONTRACTS[table]
    left_out = {*without, *(["dummy"] if contract.wide is None else [contract.wide.column])}
    return {
        column.name: column.header
        for column in contract.for_layout(layout)
        if column.name not in left_out and not column.name.startswith("factor_")
    }


def sheet(
    table: str,
    rows: Sequence[Mapping[str, object]],
    *,
    header_row: int | None = None,
    layout: str = "standard",
    names: Mapping[str, str] | None = None,
) -> list[list[object]]:
    """A sheet with notes above its header; `rows` map columns to cells; `names` replaces headers."""
    contract = CONTRACTS[table]
    row = contract.sheets[layout].header_row if header_row is None else header_row
    shown = {**headers(table, layout), **(names or {})}
    above = [[f"Note {number} for the analyst"] for number in range(1, row)]
    return [*above, list(shown.values()), *([cells.get(name) for name in shown] for cells in rows)]


def referrals(n: int = 6, start: int = 1, **changes: object) -> list[dict[str, object]]:
    """`n` ordinary referral rows, one child each."""
    day = dt.date(2021, 3, 10)
    return [
        {
            "child_id": f"C{number:04d}", "referral_id": f"R{number:04d}",
            "referral_date": day + dt.timedelta(days=number), **DR2_DEFAULTS, **changes,
        }
        for number in range(start, start + n)
    ]  # fmt: skip


def sheet_name(table: str, layout: str = "standard") -> str:
    """Name of a table's sheet."""
    contract: TableContract = CONTRACTS[table]
    return contract.sheets[layout].name


def write_workbook(path: Path, sheets: Sheets) -> Path:
    """Write sheets of cells; dates become date cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "dd/mm/yyyy"})
    for name, rows in sheets.items():
        page = book.add_worksheet(name)
        for number, row in enumerate(rows):
            for position, cell in enumerate(row):
                if isinstance(cell, dt.date):
                    page.write_datetime(number, position, dt.datetime.combine(cell, dt.time()))
                elif cell is not None:
                    page.write(number, position, cell)
    book.close()
    return path
