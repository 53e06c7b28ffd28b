"""What a folder of published statistics must hold, as data: `data_contracts/published/*.yml`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from sfpc_book.errors import ContractError

CONTRACTS = Path(__file__).resolve().parents[2] / "data_contracts"
NOT_SOURCES = ("symbols", "geography", "comparison")

Part = TypeVar("Part", bound=BaseModel)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Measure(_Frozen):
    """One measure a source gives: where it stands and what values are possible."""

    measure: str
    unit: str
    minimum: float
    maximum: float
    description: str
    series: str | None = None
    column: str | None = None
    where: dict[str, str] = {}
    years: Literal["ending", "academic", "financial"] | None = None


class Vintage(_Frozen):
    """How the vintage is known: written in the file's name, or the latest year it holds."""

    source: Literal["file_name", "latest_year"]
    pattern: str | None = None


class Source(_Frozen):
    """One file of the folder."""

    source: str
    title: str
    publisher: str
    licence: str
    citation: str
    kind: Literal["lait", "ees", "dictionary", "code_list", "neighbours"]
    file: str
    required: bool
    columns: dict[str, str]
    vintage: Vintage | None = None
    precedence: int = 0
    levels: dict[str, Literal["england", "region", "authority"]] = {}
    years: Literal["ending", "academic", "financial"] = "ending"
    measures: tuple[Measure, ...] = ()
    sheet: str | None = None
    neighbours: int = 10
    none: tuple[str, ...] = ()


class Contracts(_Frozen):
    """All declared sources by id, and the symbols that stand for missing values."""

    sources: dict[str, Source]
    symbols: dict[str, str]

    def of_kind(self, kind: str) -> tuple[Source, ...]:
        return tuple(source for source in self.sources.values() if source.kind == kind)

    def measures(self) -> Iterator[tuple[Source, Measure]]:
        for source in self.sources.values():
            for measure in source.measures:
                yield source, measure

    def units(self) -> dict[str, str]:
        return {measure.measure: measure.unit for _, measure in self.measures()}

    def descriptions(self) -> dict[str, str]:
        return {measure.measure: measure.description for _, measure in self.measures()}


def load_contracts(folder: Path = CONTRACTS) -> Contracts:
    """Read every contract of published sources below `folder`.

    Raises
    ------
    ContractError
        With every fault of every file.
    """
    problems: list[str] = []
    sources: dict[str, Source] = {}
    for path in sorted((folder / "published").glob("*.yml")):
        if path.stem in NOT_SOURCES:
            continue
        raw = read_yaml(path)
        raw["vintage"] = _vintage(raw.get("vintage"))
        source = parse(Source, raw, path.name, problems)
        if source is not None:
            sources[source.source] = source
    symbols = read_yaml(folder / "published" / "symbols.yml")["symbols"]
    contracts = Contracts(sources=sources, symbols=symbols)
    problems += _disagreements(contracts)
    if problems:
        raise ContractError("The contracts of published statistics are not valid", problems)
    return contracts


def read_yaml(path: Path) -> dict[str, Any]:
    """The content of a YAML file that must be a mapping."""
    if not path.is_file():
        raise ContractError(f"There is no contract at {path}")
    try:
        raw = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        raise ContractError(f"{path.name} is not valid YAML: {error.problem}") from None
    if not isinstance(raw, dict):
        raise ContractError(f"{path.name} must be a mapping of keys")
    return raw


def parse(kind: type[Part], raw: dict[str, Any], name: str, problems: list[str]) -> Part | None:
    """The validated part, or None with one problem per fault added."""
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            problems.append(f"{name}: {'.'.join(map(str, item['loc']))}: {item['msg']}")
    return None


def _vintage(raw: dict[str, Any] | None) -> dict[str, Any] | None:
    # `from` is a word of Python, so the field has another name.
    return None if raw is None else {"source": raw.get("from"), "pattern": raw.get("pattern")}


def _disagreements(contracts: Contracts) -> list[str]:
    """One measure must mean the same wherever it comes from."""
    problems = []
    first: dict[str, tuple[str, str]] = {}
    for source, measure in contracts.measures():
        name, unit = first.setdefault(measure.measure, (source.source, measure.unit))
        if unit != measure.unit:
            problems.append(
                f"{measure.measure} is in {unit!r} in {name} but {measure.unit!r} in {source.source}"
            )
        if (measure.series is None) == (measure.column is None):
            problems.append(f"{source.source}: {measure.measure} needs a series or a column, and not both")
    return problems
