"""Say in words why a step would be run again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from sfpc_book.book.build import build_facts
from sfpc_book.book.keys import changes, key_of, recorded_key
from sfpc_book.book.places import DataSources, existing_folders
from sfpc_book.book.plan import plan
from sfpc_book.book.step import Places, Step, ancestors, makers
from sfpc_book.book.steps import book_steps, chapter_step_name, chapter_steps, data_steps
from sfpc_book.errors import ParameterError
from sfpc_book.study.study import load_study


def explain(slug: str, study_path: Path, build: Path, sources: DataSources) -> Iterator[str]:
    """Lines that say what of a step's key has changed since its last success, and what would change before
    it.

    Raises `ParameterError` for a name that no chapter and no step has.
    """
    study = load_study(study_path)
    chapters = plan(study)
    places = existing_folders(study, study_path, build, sources)
    steps = (
        *data_steps(study, places),
        *chapter_steps(chapters, places, {}),
        *book_steps(chapters, places, build_facts(places, {}), {}),
    )
    step = _named(slug, steps)
    yield from _own(step, places)
    yield from _before(reversed(ancestors(step, makers(steps))), places)


def _named(name: str, steps: tuple[Step, ...]) -> Step:
    by_name = {step.name: step for step in steps}
    step = by_name.get(chapter_step_name(name), by_name.get(name))
    if step is None:
        prefix = chapter_step_name("")
        known = ", ".join(step.name.removeprefix(prefix) for step in steps)
        raise ParameterError(f"no chapter or step is called '{name}'. Allowed: {known}")
    return step


def _own(step: Step, places: Places) -> Iterator[str]:
    lines = tuple(_changes(step, places))
    yield f"{step.name}: {'would be run again' if lines else 'is up to date'}"
    yield from lines


def _before(needed: Iterable[Step], places: Places) -> Iterator[str]:
    """What will run before it; steps with the same changes are named together."""
    same: dict[tuple[str, ...], list[str]] = {}
    for step in needed:
        same.setdefault(tuple(_changes(step, places)), []).append(step.name)
    for lines, names in same.items():
        if lines:
            yield f"needed before, and would be run again: {', '.join(names)}"
            yield from lines


def _changes(step: Step, places: Places) -> Iterator[str]:
    cause = _last_cause(step, places)
    if cause:
        yield f"  it failed in the last build: {cause}"
    recorded = recorded_key(step.name, places)
    if recorded is None:
        yield "  it has never been finished"
        return
    for change in changes(recorded[0], key_of(step, places)):
        yield f"  {change.part}: {change.name} ({change.how})"
    for path in step.products:
        if not path.exists():
            yield f"  output: {path.relative_to(places.build)} (gone)"


def _last_cause(step: Step, places: Places) -> str:
    """Why this step failed in the last build; empty if it did not."""
    path = places.build / "run.json"
    if not path.is_file():
        return ""
    facts = json.loads(path.read_text(encoding="utf-8"))
    causes = {chapter_step_name(slug): cause for slug, cause in facts["failed_chapters"].items()}
    return {**causes, **facts["failed_steps"]}.get(step.name, "")
