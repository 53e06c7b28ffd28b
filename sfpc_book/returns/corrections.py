"""Corrections as data: read the files that declare them, refuse what cannot be meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.source import Part, located, read_yaml, schema_faults
from sfpc_book.errors import ContractError
from sfpc_book.returns.correction import Correction
from sfpc_book.returns.correction_clashes import clashes
from sfpc_book.returns.correction_faults import row_faults
from sfpc_book.study.located import Where, line_of
from sfpc_book.study.schema import Study


def load_corrections(
    paths: Iterable[Path], contracts: Mapping[str, TableContract], study: Study
) -> tuple[Correction, ...]:
    """Read files of corrections, each a list under the key `corrections`. A file that is absent holds none.

    Raises
    ------
    ContractError
        With every fault and its line: unknown keys, actions, authorities, tables, columns and returns,
        missing parts and parts that the action does not use, drafts that nobody has filled in, corrections
        whose order would decide what comes out.
    """
    problems: list[str] = []
    loaded: list[Correction] = []
    for path in filter(Path.is_file, paths):
        raw = read_yaml(path) or {}
        faults = [*schema_faults(_File, raw), *_faults(raw, contracts, study)]
        problems += located(path, faults)
        loaded += _valid(path, raw, {where[1] for where, _ in faults if len(where) > 1}, contracts)
    problems += clashes(loaded)
    if problems:
        raise ContractError("corrections.yml does not declare corrections", problems)
    return tuple(loaded)


def corrections_for(corrections: Iterable[Correction], *, synthetic: bool) -> tuple[Correction, ...]:
    """Those that apply to synthetic, or to real, returns."""
    kinds = ("any", "synthetic" if synthetic else "real")
    return tuple(part for part in corrections if part.applies_to in kinds)


class _File(Part):
    corrections: tuple[Correction, ...] = ()


def _rows(raw: Any) -> list[tuple[int, Mapping[str, Any]]]:
    listed = raw.get("corrections") if isinstance(raw, Mapping) else None
    return [(n, row) for n, row in enumerate(listed or []) if isinstance(row, Mapping)]


def _faults(raw: Any, contracts: Mapping[str, TableContract], study: Study) -> list[tuple[Where, str]]:
    rows = _rows(raw)
    used = Counter(row.get("id") for _, row in rows)
    return [
        (("corrections", number), text)
        for number, row in rows
        for text in (
            *row_faults(row, contracts, study),
            *([f"id '{row.get('id')}' is used twice"] if used[row.get("id")] > 1 else []),
        )
    ]


def _valid(
    path: Path, raw: Any, faulty: set[str | int], contracts: Mapping[str, TableContract]
) -> list[Correction]:
    """The corrections without a fault, each with its layer and with where it stands."""
    rows = [(number, row) for number, row in _rows(raw) if number not in faulty]
    marked = YAML(typ="rt").load(path.read_text(encoding="utf-8")) if rows else None
    found = []
    for number, row in rows:
        part = Correction.model_validate(row)
        part = part.model_copy(update={"layer": contracts[part.table].layer}) if part.table else part
        line = line_of(marked, ("corrections", number))
        part._stands = f"{path.parent.name}/{path.name}, line {line}"
        found.append(part)
    return found
