"""Where something was read: carried by every finding and every record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from sfpc_book.contracts.finding import Finding, Severity, Status


@dataclass(frozen=True)
class Origin:
    """A place in an authority's returns, as exact as is known."""

    authority: str
    layer: str | None = None
    month: str | None = None
    file: str | None = None
    sheet: str | None = None
    table: str | None = None

    def at(self, sheet: str, table: str) -> Origin:
        """The same file, in a sheet that holds a table."""
        return replace(self, sheet=sheet, table=table)

    def finding(
        self,
        check: str,
        text: str,
        *,
        severity: Severity,
        status: Status = "fail",
        measured: float | None = None,
        limit: float | None = None,
        unit: str = "",
        row: int | None = None,
        column: str | None = None,
        count: int | None = None,
    ) -> Finding:
        """A finding about this place; the subject is the table, sheet, file or authority, as far as known."""
        subject = self.table or self.sheet or self.file or self.layer or self.authority
        subject = f"{subject}.{column}" if column else subject
        where = ", ".join(filter(None, (self.file, f"sheet '{self.sheet}'" if self.sheet else None)))
        return Finding(
            check, subject, status, severity, measured, limit, unit, f"{where}: {text}" if where else text,
            self.authority, self.layer, self.file, self.sheet, row, column, count,
        )  # fmt: skip


def by_sheet(table: pd.DataFrame, origin: Origin) -> Iterator[tuple[Origin, pd.DataFrame]]:
    """The records of each sheet in the order of the table, each with the origin at that sheet."""
    for place, records in table.groupby(["source_file", "source_sheet"], sort=False, dropna=False):
        file, sheet = (part if isinstance(part, str) else None for part in place)
        yield replace(origin, file=file, sheet=sheet), records


def of_sheets(table: pd.DataFrame, origin: Origin) -> Origin:
    """The origin at the sheet that all records are from; the origin as it is if they are from several."""
    sheets = [place for place, _ in by_sheet(table, origin)]
    return sheets[0] if len(sheets) == 1 else origin


def first_row(records: pd.DataFrame) -> int | None:
    """Row in Excel of the first record; None if there is none, or it is not known."""
    rows = records["source_row"].head(1).dropna()
    return int(rows.iloc[0]) if len(rows) else None
