"""Read a YAML file that people edit, and say the line of everything that is wrong in it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from sfpc_book.errors import ContractError
from sfpc_book.study.located import Where, keys_at, line_of


class Part(BaseModel):
    """Base of everything declared in `data_contracts`: frozen, and no key that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read_yaml(path: Path) -> Any:
    """Content of a YAML file; strings stay strings, no date is guessed.

    Raises
    ------
    ContractError
        If there is no such file, or it is not YAML; names the line.
    """
    if not path.is_file():
        raise ContractError(
            f"There is no file {path}. It is one of the files of data_contracts; put it back."
        )
    try:
        return _content(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise ContractError(f"{path.name}, line {line}: not valid YAML: {error.problem}") from None


@lru_cache(maxsize=64)
def _content(text: str) -> Any:
    """Parsing is slow and files are read again and again; nobody changes what is returned."""
    return YAML(typ="safe").load(text)


def schema_faults(model: type[BaseModel], raw: Any) -> list[tuple[Where, str]]:
    """What of `raw` the model rejects: (path of keys, text) for each fault."""
    try:
        model.model_validate(raw)
    except ValidationError as error:
        return [_fault(model, item) for item in error.errors(include_url=False)]
    return []


def located(path: Path, faults: Iterable[tuple[Where, str]]) -> list[str]:
    """Each fault as `file, line n: text`, in the order of the file. Reads the file again for its lines."""
    marked = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    lines = sorted({(line_of(marked, where), text) for where, text in faults})
    return [f"{path.name}, line {line}: {text}" for line, text in lines]


def _fault(model: type[BaseModel], item: Mapping[str, Any]) -> tuple[Where, str]:
    where = tuple(item["loc"])
    key = ".".join(map(str, where)) or "the file"
    if item["type"] == "extra_forbidden":
        allowed = keys_at(model, where[:-1])
        near = difflib.get_close_matches(str(where[-1]), allowed, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return where, f"unknown key '{key}'.{hint} Allowed here: {', '.join(allowed)}"
    if item["type"] == "missing":
        return where[:-1], f"key '{key}' is missing; add it"
    return where, f"'{key}': {item['msg']} (found {item['input']!r})"
