"""One step of a build as data: what it calls, what it reads and what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DESCENT = "Two steps make {path}: {first} and {second}"


@dataclass(frozen=True)
class Places:
    """Where a build happens. Part of no key: the same build in another folder is the same build."""

    study_path: Path
    build: Path
    returns: Path
    published: Path

    @property
    def home(self) -> Path:
        """The folder of the study file: templates and contracts lie beside it."""
        return self.study_path.parent

    @property
    def records(self) -> Path:
        """Folder of the build's own books: the task graph's state, keys of last successes, hashes."""
        return self.build / ".tasks"


@dataclass(frozen=True)
class Step:
    """One task of the graph.

    `function` is called as `function(places, **arguments)` in a worker process. `inputs` and `outputs` are
    files or folders (a folder stands for everything in it); a step runs again when an input, its template,
    an argument, the code it uses or the environment is not what it was, or when an output is gone or has
    been changed.
    """

    name: str
    stage: str
    function: Callable[..., None]
    arguments: tuple[tuple[str, Any], ...] = ()
    inputs: tuple[Path, ...] = ()
    outputs: tuple[Path, ...] = ()
    output_folders: tuple[Path, ...] = ()
    template: Path | None = None
    in_place_of_failed: bool = False

    @property
    def products(self) -> tuple[Path, ...]:
        return (*self.outputs, *self.output_folders)


def makers(steps: Iterable[Step]) -> dict[Path, Step]:
    """Which step makes which file or folder."""
    found: dict[Path, Step] = {}
    for step in steps:
        for path in step.products:
            if path in found:
                raise ValueError(DESCENT.format(path=path.name, first=found[path].name, second=step.name))
            found[path] = step
    return found


def ancestors(step: Step, made_by: dict[Path, Step]) -> tuple[Step, ...]:
    """All steps that `step` needs, nearest first, each once."""
    found: dict[str, Step] = {}
    waiting = [step]
    while waiting:
        for path in waiting.pop(0).inputs:
            maker = made_by.get(path)
            if maker is not None and maker.name not in found:
                found[maker.name] = maker
                waiting.append(maker)
    return tuple(found.values())


def needed_for(names: Iterable[str], steps: Iterable[Step]) -> tuple[Step, ...]:
    """The named steps and all that they need, in the order given."""
    steps = tuple(steps)
    made_by = makers(steps)
    wanted = set(names)
    for step in steps:
        if step.name in wanted:
            wanted |= {needed.name for needed in ancestors(step, made_by)}
    return tuple(step for step in steps if step.name in wanted)
