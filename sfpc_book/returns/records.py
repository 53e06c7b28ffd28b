"""From a located sheet to canonical records with their lineage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sfpc_book.contracts.contract import Column, TableContract
from sfpc_book.contracts.finding import Finding
from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.returns.cell_dates import from_1904
from sfpc_book.returns.cells import (
    BLANK,
    CLEAN,
    DATES,
    DTYPES,
    PHRASE,
    UNBORN,
    UNMAPPED,
    ReadColumn,
    is_blank,
    read_column,
)
from sfpc_book.returns.column_notes import column_findings, log_row
from sfpc_book.returns.locate import Located, Place
from sfpc_book.returns.marks import corrections_of_records, no_corrections
from sfpc_book.returns.origin import Origin
from sfpc_book.returns.repair import Changed, Repairs, drops_rows, repair_cells, repair_numbers
from sfpc_book.returns.unborn import mark_unborn

LINEAGE = ("authority", "return_month", "source_file", "source_sheet", "source_row", "corrections")
MARKERS = {UNBORN: "unborn", CLEAN: "dated"}
LEVEL_TYPES = {"ssda903_year": "Int64"}


@dataclass(frozen=True)
class SheetRecords:
    """Records of one sheet (the contract's columns and lineage), what was odd, one log row per column."""

    table: str
    frame: pd.DataFrame
    findings: tuple[Finding, ...]
    log: tuple[dict[str, object], ...]


@dataclass(frozen=True)
class Returns:
    """What one authority sent: canonical tables by name, the records of each sheet as read, findings, one log
    row per column of a sheet, and one row per correction that was applied."""

    authority: str
    tables: Mapping[str, pd.DataFrame]
    sheets: tuple[SheetRecords, ...]
    findings: tuple[Finding, ...]
    log: pd.DataFrame
    corrections: pd.DataFrame


def read_records(
    located: Located, contract: TableContract, words: Vocabularies, repairs: Repairs, origin: Origin
) -> SheetRecords:
    """Read the rows below the header of a located sheet."""
    origin = origin.at(located.sheet.name, located.table)
    numbers, rows = _filled_rows(located)
    calendar = located.sheet.date_1904
    both = {place: _read_place(place, rows, contract, words, repairs, calendar) for place in located.places}
    read = mark_unborn({place: column for place, (column, _) in both.items()}, rows, contract, words)
    keep, findings = _records_only(read, contract, numbers, repairs, origin)
    numbers = numbers[keep]
    kept = read if keep.all() else {place: column.take(keep) for place, column in read.items()}
    for place, column in kept.items():
        declared = _declared(contract, place)
        if declared is not None:
            findings += column_findings(column, declared, place, numbers, origin)
    log = tuple(log_row(located, place, column, repairs, origin) for place, column in kept.items())
    if located.shape == "wide":
        frame, position, level = _wide(contract, kept)
    else:
        frame, position, level = _long(contract, kept), np.arange(len(numbers)), None
        if contract.wide and len(frame):
            position = np.flatnonzero(_filled_levels(contract, kept))
            frame = frame.take(position).reset_index(drop=True)
    changed = {
        place: {name: part[keep] for name, part in parts.items()} for place, (_, parts) in both.items()
    }
    carried = corrections_of_records(repairs, changed, position, level)
    frame = _with_lineage(frame, origin, numbers[position], carried)
    return SheetRecords(located.table, frame, tuple(findings), log)


def empty_records(contract: TableContract) -> pd.DataFrame:
    """A table without rows, with the columns and types that a filled one has."""
    frame = _long(contract, {})
    return _with_lineage(frame, Origin(""), np.array([], dtype=np.int64), no_corrections(0))


def _filled_rows(located: Located) -> tuple[np.ndarray, list[list[object]]]:
    """Rows below the header with anything in a column that is read, and their numbers in Excel."""
    positions = [place.position for place in located.places]
    numbered = [
        (number, row)
        for number, row in enumerate(located.sheet.rows[located.header_row :], start=located.header_row + 1)
        if not all(is_blank(row[position]) for position in positions)
    ]
    return np.array([number for number, _ in numbered], dtype=np.int64), [row for _, row in numbered]


def _declared(contract: TableContract, place: Place) -> Column | None:
    """The contract's column of a place; None for the column of levels of a sheet sent long."""
    return contract.column(place.column) if place.column in contract.names else None


def _read_place(
    place: Place,
    rows: list[list[object]],
    contract: TableContract,
    words: Vocabularies,
    repairs: Repairs,
    date_1904: bool,
) -> tuple[ReadColumn, Changed]:
    cells, changed = repair_cells([row[place.position] for row in rows], place.column, repairs)
    declared = _declared(contract, place) or _level_column(contract)
    if date_1904 and declared.type in DATES:
        cells = [from_1904(cell) for cell in cells]
    column = read_column(cells, declared, words)
    if DTYPES[declared.type] in ("float64", "Int64"):
        values, rescaled = repair_numbers(column.values, place.column, repairs)
        column, changed = replace(column, values=values), {**changed, **rescaled}
    return column, changed


def _level_column(contract: TableContract) -> Column:
    return Column(
        name=contract.wide.by, header=contract.wide.by, type="text", required=True, description="level"
    )


def _records_only(
    read: Mapping[Place, ReadColumn],
    contract: TableContract,
    numbers: np.ndarray,
    repairs: Repairs,
    origin: Origin,
) -> tuple[np.ndarray, list[Finding]]:
    """Which rows are records: not those without an identifier, nor those a correction says are none."""
    findings = []
    keep = np.ones(len(numbers), dtype=bool)
    typed = [
        column.kinds
        for place, column in read.items()
        if (part := _declared(contract, place)) and part.type != "text"
    ]
    if typed and len(numbers):
        kinds = np.vstack(typed)
        junk = ((kinds == UNMAPPED).sum(axis=0) >= 2) & ((kinds == UNMAPPED) | (kinds == BLANK)).all(axis=0)
        dropped = drops_rows(repairs, int(junk.sum()))
        if junk.any() and not dropped:
            text = f"{junk.sum()} row(s) in which no typed cell can be read; if no records, declare drop_rows"
            findings.append(_rows_finding(origin, "row_of_no_record", text, junk, numbers))
        keep &= ~junk | (not dropped)
    for place, column in read.items():
        if place.column == contract.key[0]:
            absent = (column.kinds != CLEAN) & (column.kinds != UNMAPPED) & keep
            keep &= ~absent
            said = absent & (column.kinds == PHRASE)
            if said.any() and not keep.any():
                text = f"{said.sum()} row(s) say that the data are missing, and there is no record"
                findings.append(_rows_finding(origin, "sheet_says_missing", text, said, numbers))
            elif absent.any():
                text = f"{absent.sum()} row(s) without '{place.column}' are no records and were left out"
                findings.append(_rows_finding(origin, "row_without_key", text, absent, numbers))
    return keep, findings


def _rows_finding(origin: Origin, check: str, text: str, rows: np.ndarray, numbers: np.ndarray) -> Finding:
    count, first = int(rows.sum()), int(numbers[np.flatnonzero(rows)[0]])
    return origin.finding(
        check, text, severity="mark", measured=float(count), limit=0.0, unit="rows", row=first, count=count
    )


def _long(contract: TableContract, read: Mapping[Place, ReadColumn]) -> pd.DataFrame:
    """Columns in the contract's order; those not sent are missing."""
    by_name = {place.column: column for place, column in read.items()}
    n = len(next(iter(by_name.values())).values) if by_name else 0
    columns: dict[str, pd.Series] = {}
    for column in contract.columns:
        sent = by_name.get(column.name)
        columns[column.name] = sent.values if sent else _absent(n, DTYPES[column.type])
        if column.type == "birth_month":
            kinds = sent.kinds if sent else np.full(n, BLANK)
            columns["birth_marker"] = pd.Series(
                pd.array([MARKERS.get(kind, "missing") for kind in kinds], dtype="str")
            )
    if contract.wide:
        levels = by_name.get(contract.wide.by)
        columns[contract.wide.by] = _levels(levels.values if levels else _absent(n, "str"), contract)
    return pd.DataFrame(columns)


def _absent(n: int, dtype: str) -> pd.Series:
    return pd.Series([None] * n, dtype=dtype)


def _filled_levels(contract: TableContract, read: Mapping[Place, ReadColumn]) -> np.ndarray:
    """Of a sheet sent long: rows with a value, and of a record without any its first row."""
    by_name = {place.column: column for place, column in read.items()}
    if contract.wide.column not in by_name or contract.key[0] not in by_name:
        return np.ones(len(next(iter(by_name.values())).values), dtype=bool)
    filled = pd.Series(by_name[contract.wide.column].kinds != BLANK)
    record = by_name[contract.key[0]].values
    none, first = ~filled.groupby(record).transform("any"), ~record.duplicated()
    return (filled | (none & first)).to_numpy(dtype=bool)


def _wide(
    contract: TableContract, read: Mapping[Place, ReadColumn]
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """One row per record and filled level, in the order of the sheet; a record without any keeps its first.

    The other results are, of each row, the position in the sheet and the number of the level.
    """
    levelled = {place: column for place, column in read.items() if place.level is not None}
    once = _long(contract, {place: column for place, column in read.items() if place.level is None})
    filled = np.column_stack([column.kinds != BLANK for column in levelled.values()])
    filled[:, 0] |= ~filled.any(axis=1)
    row, level = np.nonzero(filled)
    stacked = pd.concat([column.values for column in levelled.values()], ignore_index=True)
    names = pd.Series([place.level for place in levelled], dtype="str").take(level).reset_index(drop=True)
    said = {
        contract.wide.column: stacked.take(level * len(filled) + row).reset_index(drop=True),
        contract.wide.by: _levels(names, contract),
    }
    return once.take(row).reset_index(drop=True).assign(**said), row, level


def _levels(values: pd.Series, contract: TableContract) -> pd.Series:
    """Levels as stored: `summer 2020` is the term `2020-summer`; a year is a whole number."""
    distinct = pd.Series(values.dropna().unique(), dtype="str")
    found = distinct.str.casefold().str.extract(contract.wide.pattern)
    if contract.wide.by in LEVEL_TYPES:
        stored, dtype = pd.to_numeric(found[0]), LEVEL_TYPES[contract.wide.by]
    else:
        stored, dtype = found[1] + "-" + found[0], "str"
    return values.map(dict(zip(distinct, stored, strict=True))).astype(dtype)


def _with_lineage(
    frame: pd.DataFrame, origin: Origin, rows: np.ndarray, corrections: pd.Series
) -> pd.DataFrame:
    texts = (origin.authority, origin.month, origin.file, origin.sheet)
    lineage = {
        name: pd.Series(pd.array([text], dtype="str").take(np.zeros(len(frame), dtype=int)))
        for name, text in zip(LINEAGE, texts, strict=False)
    }
    return frame.assign(**lineage, source_row=rows, corrections=corrections)
