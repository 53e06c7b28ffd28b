"""Hold every chapter's parameters against its template before any kernel starts.

A notebook runner alone only warns of an unknown parameter and then runs on the default; here it is an
error, and so is a parameter that is not given or has another type than the template says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sfpc_book.book.plan import Chapter, Scalar
from sfpc_book.errors import ParameterError

TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


@dataclass(frozen=True)
class TemplateParameter:
    """One line of a template's parameters cell; `type_name` is empty where the line has no type."""

    name: str
    type_name: str
    default: str
    help: str


def check_parameters(
    chapters: Iterable[Chapter], declared: Mapping[str, Mapping[str, TemplateParameter]]
) -> None:
    """Raise `ParameterError` listing everything wrong with every chapter; `declared` is by template."""
    problems = [
        f"{chapter.slug}: {problem}"
        for chapter in chapters
        if chapter.is_notebook
        for problem in parameter_problems(dict(chapter.parameters), declared[chapter.template])
    ]
    if problems:
        raise ParameterError("the plan does not fit its templates; nothing was run", problems)


def parameter_problems(given: Mapping[str, Scalar], declared: Mapping[str, TemplateParameter]) -> list[str]:
    """What is wrong with the parameters given to one template."""
    allowed = ", ".join(declared) or "none"
    unknown = [f"unknown parameter '{name}'. Allowed: {allowed}" for name in given if name not in declared]
    missing = [f"parameter '{name}' is not given" for name in declared if name not in given]
    ill_typed = [
        text
        for name, value in given.items()
        if name in declared and (text := _type_problem(declared[name], value))
    ]
    return unknown + missing + ill_typed


def _type_problem(parameter: TemplateParameter, value: Scalar) -> str:
    wanted = TYPES.get(parameter.type_name)
    if wanted is None:
        allowed = ", ".join(TYPES)
        return f"parameter '{parameter.name}' needs a type in the template. Allowed: {allowed}"
    fits = isinstance(value, wanted) and not (isinstance(value, bool) and wanted is not bool)
    if fits or (wanted is float and type(value) is int):
        return ""
    found = type(value).__name__
    return f"parameter '{parameter.name}' must be {parameter.type_name}, found {found} {value!r}"
