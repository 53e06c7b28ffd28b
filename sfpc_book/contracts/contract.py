"""What each sheet of a data return must hold, as data: `data_contracts/tables/*.yml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from sfpc_book.contracts.finding import Severity
from sfpc_book.contracts.relations import Cardinality, Cross, History, Published, relation_faults
from sfpc_book.contracts.source import Part, Where, located, read_yaml, schema_faults
from sfpc_book.errors import ContractError

DATA_CONTRACTS = Path(__file__).resolve().parents[2] / "data_contracts"
LAYERS = ("dr1", "dr2", "dr3")

ColumnType = Literal[
    "text",
    "date",
    "month",
    "birth_month",
    "integer",
    "number",
    "share",
    "percent",
    "flag",
    "code",
    "factors",
]
Layout = Literal["standard", "no_wrong_door"]
# What Excel does to the name of a sheet.
SHEET_NAME_LENGTH = 31


class Sheet(Part):
    """Where a table stands in a workbook of one layout. `header_row` is nominal: the row is found."""

    name: str
    header_row: int = Field(ge=1)
    aliases: tuple[str, ...] = ()


class Column(Part):
    """One column: its header and other spellings, its type, and the limits of its values.

    `unmapped_as` is what a value outside the code list becomes; without it, a missing value, counted apart.
    `missing_limit` and `unmapped_limit` are shares of rows, 0 to 1; None takes the limit of `checks.yml`.
    `unborn_in` are columns that may say that a child without a birth month is not yet born.
    `alternative_columns` are columns that together say the same; `{level}` in a header stands for a level of
    `wide`.
    """

    name: str
    header: str
    aliases: tuple[str, ...] = ()
    type: ColumnType
    unit: str | None = None
    vocabulary: str | None = None
    required: bool
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    layouts: tuple[Layout, ...] = ("standard", "no_wrong_door")
    alternative_columns: tuple[str, ...] = ()
    unborn_in: tuple[str, ...] = ()
    blank_means: str | None = None
    unmapped_as: str | None = None
    personal: bool = False
    missing_limit: float | None = Field(default=None, ge=0, le=1)
    unmapped_limit: float | None = Field(default=None, ge=0, le=1)
    severity: Severity = "mark"
    reason: str = ""
    description: str

    @property
    def headers(self) -> tuple[str, ...]:
        """The header and its other spellings."""
        return (self.header, *self.aliases)

    def may_miss(self, otherwise: float) -> float | None:
        """The share of rows in which it may be missing, `otherwise` if it says nothing; None: any share.

        Where a blank has a meaning, or the column need not be there, nothing is expected unless a limit is.
        """
        expected = self.required and self.blank_means is None and not self.alternative_columns
        return self.missing_limit if self.missing_limit is not None or not expected else otherwise


class Wide(Part):
    """A sheet with one column per level, stored with one row per level.

    `long_by` and `long_value` are its headers when it is sent with one row per level already.
    """

    column: str
    by: str
    pattern: str
    levels: tuple[str, ...] = Field(min_length=1)
    long_by: tuple[str, ...] = ()
    long_value: tuple[str, ...] = ()


class Rule(Part):
    """A relation of two columns of a record: `column` is (not) before `other`; `limit` is a share."""

    rule: Literal["not_before", "before"]
    column: str
    other: str
    limit: float = Field(default=0.0, ge=0, le=1)
    severity: Severity
    reason: str


class TableContract(Part):
    """One table: where it stands, what a row is, which columns it has, what must hold.

    `key_limit` is the share of rows that may share their key; `not_sent` is what follows if no return has it.
    `keep` says which of several rows that are equal in every column of the sheet stays when returns overlap;
    `replace_key` lets a row of a later return replace one of the same key; its blanks keep the earlier value.
    """

    table: str
    layer: Literal["dr1", "dr2", "dr3"]
    title: str
    grain: str
    key: tuple[str, ...] = Field(min_length=1)
    key_severity: Severity
    key_limit: float = Field(default=0.0, ge=0, le=1)
    not_sent: Severity = "mark"
    keep: Literal["first", "last"] | None = None
    replace_key: bool = False
    shape: Literal["long", "wide"]
    wide: Wide | None = None
    sheets: dict[Layout, Sheet]
    columns: tuple[Column, ...] = Field(min_length=1)
    rules: tuple[Rule, ...] = ()
    cardinality: tuple[Cardinality, ...] = ()
    cross: tuple[Cross, ...] = ()
    history: History | None = None
    published: tuple[Published, ...] = ()

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises
        ------
        KeyError
            If the table has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.table} has no column '{name}'; it has {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, in the order of the file, without the column of levels."""
        return tuple(column.name for column in self.columns)

    def for_layout(self, layout: str) -> tuple[Column, ...]:
        """The columns that a workbook of this layout has."""
        return tuple(column for column in self.columns if layout in column.layouts)


def load_contracts(folder: Path | str = DATA_CONTRACTS) -> dict[str, TableContract]:
    """Read every `tables/*.yml` of a folder of data contracts.

    Returns
    -------
    dict
        Table name → contract, in the order of layer and name.

    Raises
    ------
    ContractError
        With every fault of every file: file, line, what is wrong, what was allowed.
    """
    folder = Path(folder)
    paths = sorted((folder / "tables").glob("*.yml"))
    if not paths:
        raise ContractError(
            f"There are no contracts in {folder / 'tables'}; it must hold one .yml for each table"
        )
    codes = (read_yaml(folder / "vocabularies.yml") or {}).get("codes") or {}
    raw = {path: read_yaml(path) for path in paths}
    columns = {path.stem: _known_names(content) for path, content in raw.items()}
    problems: list[str] = []
    for path, content in raw.items():
        faults = [*schema_faults(TableContract, content), *_cross_faults(content, codes, path.stem)]
        faults += relation_faults(content, columns) if isinstance(content, Mapping) else []
        problems += located(path, faults) if faults else []
    if problems:
        raise ContractError(f"The data contracts in {folder} have {len(problems)} fault(s)", problems)
    contracts = (TableContract.model_validate(content) for content in raw.values())
    return {contract.table: contract for contract in contracts}


def _known_names(raw: Any) -> list[str]:
    """Names of the columns of a raw contract, with that of levels; tolerates what the schema rejects."""
    listed = raw.get("columns") if isinstance(raw, Mapping) else None
    columns = listed if isinstance(listed, list) else []
    names = [str(column["name"]) for column in columns if isinstance(column, Mapping) and "name" in column]
    wide = raw.get("wide") if isinstance(raw, Mapping) else None
    return [*names, str(wide["by"])] if isinstance(wide, Mapping) and "by" in wide else names


def _cross_faults(raw: Any, codes: Iterable[str], stem: str) -> list[tuple[Where, str]]:
    """Faults between parts of one contract; tolerates what the schema rejects."""
    if not isinstance(raw, Mapping):
        return []
    listed = raw.get("columns")
    columns = [
        column for column in (listed if isinstance(listed, list) else []) if isinstance(column, Mapping)
    ]
    names = [str(column.get("name")) for column in columns]
    wide = raw.get("wide") if isinstance(raw.get("wide"), Mapping) else {}
    faults: list[tuple[Where, str]] = []
    if raw.get("table") != stem:
        faults.append((("table",), f"table '{raw.get('table')}' stands in {stem}.yml; name both alike"))
    if (raw.get("shape") == "wide") != bool(wide):
        faults.append((("shape",), "a table of shape 'wide' has a key 'wide', and no other table has one"))
    faults += _unknown_names(raw, wide, names)
    faults += _repeated(columns, names)
    faults += _vocabulary_faults(columns, codes)
    return faults + _sheet_faults(raw)


def _unknown_names(raw: Mapping, wide: Mapping, names: list[str]) -> list[tuple[Where, str]]:
    known = [*names, *([str(wide["by"])] if "by" in wide else [])]
    used: list[tuple[Where, Any]] = [(("key", i), name) for i, name in enumerate(raw.get("key") or [])]
    if "column" in wide:
        used.append((("wide", "column"), wide["column"]))
    for index, rule in enumerate(raw.get("rules") or []):
        used += [(("rules", index, end), rule[end]) for end in ("column", "other") if end in rule]
    for index, column in enumerate(raw.get("columns") or []):
        if isinstance(column, Mapping):
            others = ("alternative_columns", "unborn_in")
            used += [(("columns", index), name) for key in others for name in column.get(key) or []]
    text = "unknown column '{}'. Columns of this table: " + ", ".join(known)
    return [(where, text.format(name)) for where, name in used if name not in known]


def _repeated(columns: list[Mapping], names: list[str]) -> list[tuple[Where, str]]:
    faults: list[tuple[Where, str]] = []
    seen: dict[str, str] = {}
    for index, column in enumerate(columns):
        if names[index] in names[:index]:
            faults.append((("columns", index), f"column '{names[index]}' is declared twice; keep one"))
        for header in dict.fromkeys([column.get("header"), *(column.get("aliases") or [])]):
            other = seen.setdefault(str(header).casefold(), names[index])
            if other != names[index]:
                text = f"header '{header}' stands for both '{other}' and '{names[index]}'; keep one"
                faults.append((("columns", index), text))
    return faults


def _vocabulary_faults(columns: list[Mapping], codes: Iterable[str]) -> list[tuple[Where, str]]:
    faults: list[tuple[Where, str]] = []
    for index, column in enumerate(columns):
        name, kind, listed = column.get("name"), column.get("type"), column.get("vocabulary")
        if kind in ("code", "factors") and listed is None:
            faults.append((("columns", index), f"column '{name}' of type {kind} needs a vocabulary"))
        elif listed is not None and listed not in codes:
            text = f"unknown vocabulary '{listed}' of column '{name}'. Known: {', '.join(map(str, codes))}"
            faults.append((("columns", index), text))
    return faults


def _sheet_faults(raw: Mapping) -> list[tuple[Where, str]]:
    sheets = raw.get("sheets") if isinstance(raw.get("sheets"), Mapping) else {}
    return [
        (
            ("sheets", layout),
            f"sheet name '{sheet['name']}' is longer than the {SHEET_NAME_LENGTH} characters Excel keeps",
        )
        for layout, sheet in sheets.items()
        if isinstance(sheet, Mapping) and len(str(sheet.get("name", ""))) > SHEET_NAME_LENGTH
    ]
