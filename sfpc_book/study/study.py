"""Load and validate `study.yml`: all faults at once, each with its line and what was allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from sfpc_book.errors import StudyDefinitionError
from sfpc_book.study.faults import Fault, cross_faults
from sfpc_book.study.located import Where, keys_at, line_of
from sfpc_book.study.schema import Study

__all__ = ["Study", "load_study"]

DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
FILLED_IN = {"slug", "id", "model", "trial_authorities"}


def load_study(path: Path | str = "study.yml") -> Study:
    """Read a study file.

    Returns
    -------
    Study
        Frozen; ids filled in, trial authorities in wedge order (by go-live).

    Raises
    ------
    StudyDefinitionError
        With every fault of the file: line, what is wrong, what was allowed.
    """
    path = Path(path)
    raw = _read(path)
    faults = [*_schema_faults(raw), *cross_faults(raw)]
    if faults:
        lines = sorted({(line_of(raw, fault.where), fault.text) for fault in faults})
        raise StudyDefinitionError(
            f"{path.name} does not define a study: {len(lines)} fault{'s' if len(lines) > 1 else ''}",
            [f"{path.name}, line {line}: {text}" for line, text in lines],
        )
    return _complete(Study.model_validate(_plain(raw)))


def _read(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise StudyDefinitionError(f"There is no study file at {path}. Name one with --study.")
    text = path.read_text(encoding="utf-8")
    try:
        raw = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        problem = f"{path.name}, line {line}: {error.problem}"
        raise StudyDefinitionError(f"{path.name} is not valid YAML", [problem]) from None
    except ValueError:
        raise StudyDefinitionError(
            f"{path.name} has dates that do not exist", _bad_dates(path.name, text)
        ) from None
    if not isinstance(raw, Mapping):
        raise StudyDefinitionError(
            f"{path.name} is not a mapping of keys; it must begin with keys such as 'title'"
        )
    return raw


def _bad_dates(name: str, text: str) -> list[str]:
    problems = []
    for number, line in enumerate(text.splitlines(), start=1):
        for match in DATE.finditer(line.split("#")[0]):
            try:
                date(*map(int, match.groups()))
            except ValueError as error:
                problems.append(f"{name}, line {number}: {match.group()} is not a date ({error})")
    return problems


def _schema_faults(raw: Mapping[str, Any]) -> list[Fault]:
    try:
        Study.model_validate(_plain(raw))
    except ValidationError as error:
        return [_fault(item) for item in error.errors(include_url=False)]
    return []


def _fault(item: Mapping[str, Any]) -> Fault:
    where = tuple(item["loc"])
    key = ".".join(map(str, where))
    if item["type"] == "extra_forbidden":
        allowed = _allowed_keys(where[:-1])
        near = difflib.get_close_matches(str(where[-1]), allowed, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        return Fault(where, f"unknown key '{key}'{hint} Allowed here: {', '.join(allowed)}")
    if item["type"] == "missing":
        return Fault(where[:-1], f"key '{key}' is missing; add it")
    return Fault(where, f"'{key}': {item['msg']} (found {item['input']!r})")


def _allowed_keys(where: Where) -> list[str]:
    """Keys that the part at `where` may have, without those that are filled in from where it stands."""
    return [key for key in keys_at(Study, where) if key not in FILLED_IN]


def _plain(value: Any) -> Any:
    """The same content without the marks of the YAML reader."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value)
    return value


def _complete(study: Study) -> Study:
    """Fill in ids, the model of each authority, and the wedge order."""
    models = {
        key: model.model_copy(update={"id": key, "trial_authorities": _wedge_order(study, model.trial)})
        for key, model in study.models.items()
    }
    member = {
        slug: key for key, model in models.items() for slug in (*model.trial, model.pilot, model.innovator)
    }
    authorities = {
        slug: part.model_copy(update={"slug": slug, "model": member.get(slug, part.left_model)})
        for slug, part in study.authorities.items()
    }
    named = {
        group: {key: part.model_copy(update={"id": key}) for key, part in getattr(study, group).items()}
        for group in ("outcomes", "samples", "exposures", "analyses")
    }
    return study.model_copy(update={"models": models, "authorities": authorities, **named})


def _wedge_order(study: Study, slugs: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(slugs, key=lambda slug: (study.authorities[slug].go_live.date, slugs.index(slug))))
