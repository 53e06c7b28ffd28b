"""What a contract declares of rows beyond their own columns: how many, in which sheets, months and totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from sfpc_book.contracts.finding import Severity
from sfpc_book.contracts.source import Part, Where


class Cardinality(Part):
    """How many rows `per` columns may have: `one`, or `many` up to `at_most`; `same` columns say one thing.

    `limit` is the share of the distinct values of `per` that may have more rows, or say several things.
    """

    per: tuple[str, ...] = Field(min_length=1)
    rows: Literal["one", "many"]
    at_most: int | None = Field(default=None, ge=2)
    same: tuple[str, ...] = ()
    limit: float = Field(default=0.0, ge=0, le=1)
    severity: Severity
    reason: str


class Cross(Part):
    """A relation of `column` with another table, or with the return it came in. Limits stand in `checks.yml`.

    `referred`: every value of `column` is also in that column of `table` (check `identifier_link`).
    `within_coverage`: a date lies from `start` to `end` in the row of `table` with the same `by` (check
    `care_outside_coverage`).
    `months_in_return`: a month is one that its return was asked for (check `months_outside_return`).
    `count_agrees`: rows by month of `column` are as many as `total` says in the row of `table` that has the
    month in `by` (check `totals_disagree`).
    """

    rule: Literal["referred", "within_coverage", "months_in_return", "count_agrees"]
    column: str
    table: str | None = None
    by: str | None = None
    start: str | None = None
    end: str | None = None
    total: str | None = None
    reason: str


class History(Part):
    """What is compared with the authority's own other months or returns (check `out_of_line_with_history`).

    By month: the `values`. By return: `rows` a month that it was asked for, the share `missing` of columns,
    and the share of rows with `events` (a date is there, or a flag is 1).
    """

    by: Literal["month", "return"]
    values: tuple[str, ...] = ()
    rows: bool = False
    missing: tuple[str, ...] = ()
    events: tuple[str, ...] = ()


class Published(Part):
    """A column beside a published measure: its value in March, or its sum of the year ending 31 March (check
    `out_of_line_with_published`)."""

    column: str
    measure: str
    over: Literal["march", "year"]


# Keys that a relation needs besides those every relation has.
NEEDS = {
    "referred": ("table",),
    "within_coverage": ("table", "by", "start", "end"),
    "months_in_return": (),
    "count_agrees": ("table", "by", "total"),
}
# Of the keys of a relation: those that name columns of the other table.
OF_OTHER_TABLE = {
    "referred": ("column",),
    "within_coverage": ("by", "start", "end"),
    "count_agrees": ("by", "total"),
}
OPTIONAL = ("table", "by", "start", "end", "total")


def relation_faults(raw: Mapping, columns: Mapping[str, list[str]]) -> Iterator[tuple[Where, str]]:
    """Faults of the relations of one raw contract; `columns` are those of every table, by its name."""
    own = columns.get(str(raw.get("table")), [])
    for where, name in _own_columns(raw):
        if name not in own:
            yield where, f"unknown column '{name}'. Columns of this table: {', '.join(own)}"
    for index, cross in _listed(raw, "cross"):
        where = ("cross", index)
        rule = cross.get("rule")
        if rule not in NEEDS:
            continue
        for key in NEEDS[rule]:
            if cross.get(key) is None:
                yield where, f"a rule '{rule}' needs the key '{key}'; add it"
        for key in OPTIONAL:
            if cross.get(key) is not None and key not in NEEDS[rule]:
                yield (
                    (*where, key),
                    f"a rule '{rule}' has no key '{key}'. It has: {', '.join(NEEDS[rule]) or 'none'}",
                )
        yield from _other_table_faults(where, cross, columns)


def _other_table_faults(
    where: Where, cross: Mapping, columns: Mapping[str, list[str]]
) -> Iterator[tuple[Where, str]]:
    table = cross.get("table")
    if table is None:
        return
    if table not in columns:
        yield (*where, "table"), f"unknown table '{table}'. Tables: {', '.join(columns)}"
        return
    for key in OF_OTHER_TABLE.get(cross["rule"], ()):
        name = cross.get(key)
        if name is not None and name not in columns[table]:
            text = f"unknown column '{name}' of {table}. Its columns: {', '.join(columns[table])}"
            yield (*where, key), text


def _own_columns(raw: Mapping) -> Iterator[tuple[Where, Any]]:
    """Every place of a raw contract that names one of its own columns in a relation."""
    for index, part in _listed(raw, "cardinality"):
        for key in ("per", "same"):
            yield from ((("cardinality", index, key), name) for name in part.get(key) or ())
    for index, part in _listed(raw, "cross"):
        names = [part.get("column"), part.get("by") if part.get("rule") == "within_coverage" else None]
        yield from ((("cross", index), name) for name in names if name is not None)
    for index, part in _listed(raw, "published"):
        yield ("published", index, "column"), part.get("column")
    history = raw.get("history")
    for key in ("values", "missing", "events"):
        named = history.get(key) if isinstance(history, Mapping) else None
        yield from ((("history", key), name) for name in named or ())


def _listed(raw: Mapping, key: str) -> Iterator[tuple[int, Mapping]]:
    parts = raw.get(key)
    for index, part in enumerate(parts if isinstance(parts, list) else ()):
        if isinstance(part, Mapping):
            yield index, part
