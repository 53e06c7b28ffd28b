"""What cannot be meant in one row of a file of corrections. Tolerates what the schema rejects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from sfpc_book.contracts.contract import SHEET_NAME_LENGTH, TableContract
from sfpc_book.returns.correction import COMMON, MAY_HAVE, NEEDS, TO_FILL, Action, Correction
from sfpc_book.returns.inventory import ROLES_READ
from sfpc_book.returns.names import MONTHS, asked_months
from sfpc_book.study.schema import Study

RETURN_MONTH = re.compile(rf"(?:{'|'.join(MONTHS)})\d\d")


def row_faults(row: Mapping[str, Any], contracts: Mapping[str, TableContract], study: Study) -> list[str]:
    """All faults of a row that its schema does not show."""
    return [
        *_authority_faults(row, study),
        *_key_faults(row),
        *_table_faults(row, contracts),
        *_month_faults(row, contracts, study),
        *_sheet_faults(row.get("sheet")),
        *_pattern_faults(row.get("pattern")),
        *_blank_faults(row),
    ]


def _authority_faults(row: Mapping[str, Any], study: Study) -> Iterator[str]:
    slug = row.get("authority")
    if slug not in study.authorities:
        yield f"unknown authority '{slug}'. Known: {', '.join(study.authorities)}"
    elif study.authorities[slug].role not in ROLES_READ:
        role = study.authorities[slug].role
        yield f"returns of '{slug}' are not read (its role is '{role}'); remove the correction"


def _key_faults(row: Mapping[str, Any]) -> Iterator[str]:
    """Keys that the action needs and the row has not, and keys that the action would leave unused."""
    action = row.get("action")
    if action not in get_args(Action):
        return
    yield from (f"action {action} needs the key '{name}'" for name in NEEDS[action] if row.get(name) is None)
    allowed = (*NEEDS[action], *MAY_HAVE[action], *COMMON)
    for name in row:
        if name in Correction.model_fields and name not in allowed and row[name] is not None:
            yield f"action {action} does not use the key '{name}'. It uses: {', '.join(allowed)}"


def _table_faults(row: Mapping[str, Any], contracts: Mapping[str, TableContract]) -> Iterator[str]:
    table, column, layer = row.get("table"), row.get("column"), row.get("layer")
    if table is None:
        return
    if table not in contracts:
        yield f"unknown table '{table}'. Known: {', '.join(contracts)}"
        return
    if column is not None and column not in contracts[table].names:
        yield f"unknown column '{column}' of {table}. Known: {', '.join(contracts[table].names)}"
    if layer is not None and layer != contracts[table].layer:
        yield f"layer {layer} does not agree with table {table}, which is of {contracts[table].layer}"


def _month_faults(
    row: Mapping[str, Any], contracts: Mapping[str, TableContract], study: Study
) -> Iterator[str]:
    month = row.get("return_month")
    if month is None:
        return
    if not RETURN_MONTH.fullmatch(str(month)):
        yield f"return_month '{month}' is not of the form nov22"
        return
    contract = contracts.get(str(row.get("table")))
    asked = asked_months(study)
    layer = contract.layer if contract else row.get("layer")
    months = asked.get(str(layer)) or tuple(
        dict.fromkeys(part for listed in asked.values() for part in listed)
    )
    if month not in months:
        what = f" of {layer}" if layer in asked else ""
        yield f"a return{what} of {month} was not asked for. Asked for: {', '.join(months)}"


def _sheet_faults(sheet: Any) -> Iterator[str]:
    if sheet is not None and len(str(sheet)) > SHEET_NAME_LENGTH:
        yield f"sheet '{sheet}' is longer than the {SHEET_NAME_LENGTH} characters that Excel keeps of a name"


def _pattern_faults(pattern: Any) -> Iterator[str]:
    if pattern is None:
        return
    try:
        groups = re.compile(str(pattern)).groups
    except re.error as error:
        yield f"pattern '{pattern}' is not a regular expression: {error}"
        return
    if groups != 1:
        yield f"pattern '{pattern}' has {groups} groups; it needs one, the part to keep"


def _blank_faults(row: Mapping[str, Any]) -> Iterator[str]:
    """Parts of a draft that a person has still to write."""
    for name, value in row.items():
        said = value.values() if isinstance(value, Mapping) else [value]
        if any(isinstance(part, str) and TO_FILL in part for part in said):
            yield f"'{name}' still says '{TO_FILL}': a draft is applied only when filled in"
