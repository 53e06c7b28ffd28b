"""Corrections as data: what is repaired, where, why, on whose word, and how many cells it must touch."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, PositiveInt

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.finding import Finding
from sfpc_book.contracts.source import Part, located, read_yaml, schema_faults
from sfpc_book.errors import ContractError

Action = Literal[
    "alias_authority",  # `spelling` in file names stands for the authority
    "rename_sheet",  # the sheet named `sheet` holds `table`
    "shift_header",  # the header of `table` stands in `header_row`
    "rename",  # the column headed `header` (its n-th `occurrence`) is `column`
    "recode",  # cells of `column` that say a key of `values` say its value; null makes them missing
    "extract",  # of each cell of `column` that matches `pattern`, only its group 1 is kept
    "rescale",  # numbers of `column` (only those above `above`, if given) are multiplied by `factor`
    "fill_blank",  # blank cells of `column` say `value`
    "drop_duplicate",  # of rows of `table` equal in every column, one is kept
    "drop_rows",  # rows of `table` in which no cell but the first can be read are no records
]
NEEDS: Mapping[str, tuple[str, ...]] = {
    "alias_authority": ("spelling",),
    "rename_sheet": ("table", "sheet"),
    "shift_header": ("table", "header_row"),
    "rename": ("table", "column", "header"),
    "recode": ("table", "column", "values"),
    "extract": ("table", "column", "pattern"),
    "rescale": ("table", "column", "factor"),
    "fill_blank": ("table", "column", "value"),
    "drop_duplicate": ("table",),
    "drop_rows": ("table",),
}


class Expected(Part):
    """How many files, sheets, columns, rows or cells a correction must touch."""

    minimum: int = Field(default=1, ge=1)
    maximum: int | None = None

    def holds(self, count: int) -> bool:
        """Whether a count is as expected."""
        return count >= self.minimum and (self.maximum is None or count <= self.maximum)

    def __str__(self) -> str:
        if self.minimum == self.maximum:
            return str(self.minimum)
        return f"{self.minimum} or more" if self.maximum is None else f"{self.minimum} to {self.maximum}"


class Correction(Part):
    """One repair. `return_month`, `layer` and `sheet` narrow where it applies; without them, everywhere."""

    id: str
    applies_to: Literal["any", "real", "synthetic"] = "any"
    authority: str
    action: Action
    layer: Literal["dr1", "dr2", "dr3"] | None = None
    return_month: str | None = None
    table: str | None = None
    sheet: str | None = None
    column: str | None = None
    spelling: str | None = None
    header: str | None = None
    occurrence: int = Field(default=1, ge=1)
    header_row: int | None = Field(default=None, ge=1)
    values: dict[str, str | None] | None = None
    pattern: str | None = None
    factor: float | None = None
    above: float | None = None
    value: str | None = None
    why: str
    source: str
    date: date
    expect: PositiveInt | Expected

    @property
    def expected(self) -> Expected:
        """`expect`, a single number being both bounds."""
        return (
            Expected(minimum=self.expect, maximum=self.expect)
            if isinstance(self.expect, int)
            else self.expect
        )

    def reaches(
        self,
        *,
        layer: str | None = None,
        month: str | None = None,
        sheet: str | None = None,
        table: str | None = None,
    ) -> bool:
        """Whether the correction applies at a place of its authority's returns, as far as it is given."""
        given = ((self.layer, layer), (self.return_month, month), (self.table, table))
        narrowed = all(own in (None, other) or other is None for own, other in given)
        return narrowed and (sheet is None or self.sheet is None or self.sheet.strip() == sheet.strip())


def load_corrections(
    path: Path, contracts: Mapping[str, TableContract], authorities: Iterable[str]
) -> tuple[Correction, ...]:
    """Read a file of corrections, a list under the key `corrections`. A file that is not there holds none.

    Raises
    ------
    ContractError
        With every fault and its line: unknown keys, actions, authorities, tables and columns, missing parts.
    """
    if not path.is_file():
        return ()
    raw = read_yaml(path) or {}
    faults = schema_faults(_File, raw)
    listed = raw.get("corrections") if isinstance(raw, Mapping) else None
    rows = [(n, row) for n, row in enumerate(listed or []) if isinstance(row, Mapping)]
    for number, row in rows:
        faults += [(("corrections", number), text) for text in _row_faults(row, contracts, list(authorities))]
    identifiers = Counter(row.get("id") for _, row in rows)
    faults += [
        (("corrections", n), f"id '{row.get('id')}' is used twice")
        for n, row in rows
        if identifiers[row.get("id")] > 1
    ]
    if faults:
        raise ContractError(f"{path.name} does not declare corrections", located(path, faults))
    return _File.model_validate(raw).corrections


def corrections_for(corrections: Iterable[Correction], *, synthetic: bool) -> tuple[Correction, ...]:
    """Those that apply to synthetic, or to real, returns."""
    kinds = ("any", "synthetic" if synthetic else "real")
    return tuple(part for part in corrections if part.applies_to in kinds)


def settle(corrections: Iterable[Correction], touched: Mapping[str, int]) -> tuple[Finding, ...]:
    """One finding for each correction applied.

    Raises
    ------
    ContractError
        Naming every correction that touched another number of cells than it expects.
    """
    corrections, touched = tuple(corrections), Counter(touched)
    wrong = [
        f"{part.id} ({part.authority}, {part.action}): expects {part.expected}, touched {touched[part.id]}"
        for part in corrections
        if not part.expected.holds(touched[part.id])
    ]
    if wrong:
        advice = "look at the returns again, then change or remove the correction in corrections.yml"
        raise ContractError(f"{len(wrong)} correction(s) no longer match the returns; {advice}", wrong)
    return tuple(_finding(part, touched[part.id]) for part in corrections)


class _File(Part):
    corrections: tuple[Correction, ...] = ()


def _row_faults(
    row: Mapping[str, Any], contracts: Mapping[str, TableContract], authorities: list[str]
) -> list[str]:
    faults = []
    action, table, column = row.get("action"), row.get("table"), row.get("column")
    if row.get("authority") not in authorities:
        faults.append(f"unknown authority '{row.get('authority')}'. Known: {', '.join(authorities)}")
    if action in get_args(Action):
        absent = [name for name in NEEDS[action] if row.get(name) is None]
        faults += [f"action {action} needs the key '{name}'" for name in absent]
    if table is not None and table not in contracts:
        faults.append(f"unknown table '{table}'. Known: {', '.join(contracts)}")
    elif table is not None and column is not None and column not in contracts[table].names:
        faults.append(f"unknown column '{column}' of {table}. Known: {', '.join(contracts[table].names)}")
    return faults + _pattern_faults(row.get("pattern"))


def _pattern_faults(pattern: Any) -> list[str]:
    if pattern is None:
        return []
    try:
        groups = re.compile(str(pattern)).groups
    except re.error as error:
        return [f"pattern '{pattern}' is not a regular expression: {error}"]
    return [] if groups == 1 else [f"pattern '{pattern}' has {groups} groups; it needs one, the part to keep"]


def _finding(part: Correction, count: int) -> Finding:
    where = " ".join(filter(None, (part.return_month, part.table, part.column)))
    text = (
        f"Correction {part.id} ({part.action}{' of ' + where if where else ''}) touched {count}. {part.why}"
    )
    return Finding(
        "correction", part.id, "info", "note", float(count), None, "touched", text, part.authority,
        part.layer, sheet=part.sheet, column=part.column, count=count,
    )  # fmt: skip
