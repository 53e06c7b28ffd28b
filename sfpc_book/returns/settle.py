"""Hold every correction against what it touched: one finding each, or an error that names all that misfit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from sfpc_book.contracts.finding import Finding
from sfpc_book.errors import ContractError
from sfpc_book.returns.correction import Correction
from sfpc_book.returns.touched import Touched

# What is published of a correction beside its count, which comes from the finding of the same id.
DECLARED_COLUMNS = (
    "id", "action", "layer", "return_month", "table", "column", "file", "sheet", "why", "source", "date",
)  # fmt: skip


def settle(
    corrections: Iterable[Correction], touched: Touched, tables: Mapping[str, pd.DataFrame]
) -> tuple[Finding, ...]:
    """One finding for each correction of an authority, once its canonical tables are made.

    Raises
    ------
    ContractError
        Naming every correction that touched another number than it expects, and where it is declared.
    """
    corrections = tuple(corrections)
    wrong = [
        _misfit(part, touched) for part in corrections if not part.expected.holds(touched.total(part.id))
    ]
    if wrong:
        advice = "look at the returns again, then change or remove the correction"
        raise ContractError(f"{len(wrong)} correction(s) no longer match the returns; {advice}", wrong)
    carried = carriers(tables)
    return tuple(_finding(part, touched, carried.get(part.id, 0)) for part in corrections)


def carriers(tables: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    """How many records carry each correction in their lineage."""
    parts = [table["corrections"].dropna().str.split("; ").explode() for table in tables.values()]
    return pd.concat(parts).value_counts().to_dict() if parts else {}


def declared_frame(corrections: Iterable[Correction], touched: Touched) -> pd.DataFrame:
    """One row per correction: what it says, and the files and sheets it touched. No counts; all `str`."""
    rows = [
        (
            part.id, part.action, part.layer, part.return_month, part.table, part.column,
            "; ".join(touched.files(part.id)), "; ".join(touched.sheets(part.id)), part.why, part.source,
            part.date.isoformat(),
        )
        for part in corrections
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(DECLARED_COLUMNS), dtype="str")


def _misfit(part: Correction, touched: Touched) -> str:
    files = ", ".join(touched.files(part.id))
    return (
        f"{part.id} ({part.authority}, {part.action}): expects {part.expected}, touched "
        f"{touched.total(part.id)} {part.unit}{f' in {files}' if files else ''}; declared in {part.stands}"
    )


def _finding(part: Correction, touched: Touched, carried: int) -> Finding:
    count = touched.total(part.id)
    files, sheets = "; ".join(touched.files(part.id)), "; ".join(touched.sheets(part.id))
    where = " ".join(filter(None, (part.return_month, part.table, part.column)))
    left = "they are left out" if part.action == "drop_rows" else f"{carried} record(s) carry it"
    text = (
        f"Correction {part.id} ({part.action}{' of ' + where if where else ''}) touched {count} {part.unit}; "
        f"{left}. Why: {part.why} Source: {part.source}, {part.date.isoformat()}"
    )
    return Finding(
        "correction", part.id, "info", "note", float(count), None, part.unit, text, part.authority,
        part.layer, files or None, sheets or None, None, part.column, count,
    )  # fmt: skip
