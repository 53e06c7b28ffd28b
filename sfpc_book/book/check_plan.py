"""Check the plan against its templates once, and again only when either has changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sfpc_book.book.code_used import digest
from sfpc_book.book.files import write_text
from sfpc_book.book.parameters import check_parameters
from sfpc_book.book.plan import Chapter
from sfpc_book.errors import ParameterError


def check_plan(chapters: Sequence[Chapter], home: Path, build: Path) -> None:
    """Raise `ParameterError` unless every template exists, has a parameters cell, and fits its chapters."""
    templates = sorted({chapter.template for chapter in chapters if chapter.is_notebook})
    _check_files(chapters, home)
    seen = digest(repr(tuple(chapters)).encode() + b"".join((home / name).read_bytes() for name in templates))
    note = build / ".tasks" / "plan_checked"
    if note.is_file() and note.read_text(encoding="utf-8") == seen:
        return
    check_parameters(chapters, _declared(templates, home))
    write_text(note, seen)


def _check_files(chapters: Sequence[Chapter], home: Path) -> None:
    needed: dict[str, list[str]] = {}
    for chapter in chapters:
        if chapter.kind != "generated" and not (home / chapter.template).is_file():
            needed.setdefault(chapter.template, []).append(chapter.slug)
    if needed:
        problems = [f"{template}, for {_some(slugs)}" for template, slugs in needed.items()]
        raise ParameterError(f"the plan names templates that do not exist in {home}", problems)


def _some(slugs: Sequence[str]) -> str:
    return slugs[0] if len(slugs) == 1 else f"{slugs[0]} and {len(slugs) - 1} more"


def _declared(templates: Sequence[str], home: Path) -> dict:
    from sfpc_book.book.run import template_parameters  # imports papermill, which costs a second

    declared, problems = {}, []
    for name in templates:
        try:
            declared[name] = template_parameters(home / name)
        except ParameterError as error:
            problems.append(error.message)
    if problems:
        raise ParameterError("some templates cannot be used", problems)
    return declared
