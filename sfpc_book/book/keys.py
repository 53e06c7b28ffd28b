"""Why a step runs again: its key, part by part, as it was at its last success and as it is now."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from sfpc_book.book.code_used import code_of_function, code_of_template, digest
from sfpc_book.book.files import write_text
from sfpc_book.book.step import Places, Step

PARTS = ("data", "template", "parameters", "code", "environment")
DRAFTS = "suggested_corrections.yml"


@dataclass(frozen=True)
class Key:
    """Everything that decides what a step leaves: digests by name, in five parts."""

    data: Mapping[str, str]
    template: Mapping[str, str]
    parameters: Mapping[str, str]
    code: Mapping[str, str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was: in which part, its name, and `changed`, `new` or `gone`."""

    part: str
    name: str
    how: str


def key_of(step: Step, places: Places) -> Key:
    """The key of a step as things stand; inputs that are not there are left out."""
    return Key(
        data=dict(_files(step.inputs, places)),
        template=dict(_files([step.template], places)) if step.template else {},
        parameters={name: repr(value) for name, value in step.arguments},
        code=code_of(step),
        environment=environment(places.home),
    )


def code_of(step: Step) -> dict[str, str]:
    """Digests of the code a step uses: its function's, and its template's if that is a notebook."""
    found = _code_of_function(step.function)
    if step.template is not None and step.template.suffix == ".ipynb" and step.template.is_file():
        found = {**found, **code_of_template(step.template)}
    return found


_code_of_function = cache(code_of_function)


@cache
def environment(home: Path) -> dict[str, str]:
    """Versions of Python and of everything installed, and the digest of the lock file."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for item in metadata.distributions():
        found[item.metadata["Name"].lower()] = item.version
    lock = home / "requirements.txt"
    if lock.is_file():
        found["requirements.txt"] = digest(lock.read_bytes())
    found.pop("sfpc-book", None)  # its code has a part of its own
    return dict(sorted(found.items()))


def changes(before: Key, now: Key) -> tuple[Change, ...]:
    """What differs between two keys, in the order of the parts."""
    return tuple(
        change for part in PARTS for change in _part_changes(part, getattr(before, part), getattr(now, part))
    )


def _part_changes(part: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted(before.keys() | now.keys()):
        if name not in before:
            yield Change(part, name, "new")
        elif name not in now:
            yield Change(part, name, "gone")
        elif before[name] != now[name]:
            yield Change(part, name, "changed")


def record_key(step: Step, places: Places, seconds: float) -> None:
    """Write down the key of a step that has just succeeded, and how long it took."""
    record = {"key": asdict(key_of(step, places)), "seconds": round(seconds, 2)}
    write_text(_record(step.name, places), json.dumps(record, indent=1, sort_keys=True) + "\n")


def recorded_key(name: str, places: Places) -> tuple[Key, float] | None:
    """Key and duration (seconds) of a step's last success, or None."""
    path = _record(name, places)
    if not path.is_file():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    return Key(**record["key"]), float(record["seconds"])


def _record(name: str, places: Places) -> Path:
    return places.records / "keys" / f"{name}.json"


def _files(paths: tuple[Path, ...] | list[Path], places: Places) -> Iterator[tuple[str, str]]:
    for path in paths:
        for file in files_below(path):
            yield shown_name(file, places), file_digest(file)


def file_digest(path: Path) -> str:
    """Digest of a file's content; read again only when its size or time of change is another."""
    facts = path.stat()
    return _file_digest(path, facts.st_mtime_ns, facts.st_size)


@cache
def _file_digest(path: Path, changed: int, size: int) -> str:
    return digest(path.read_bytes())


def files_below(path: Path) -> list[Path]:
    """The file itself, or all files of a folder, sorted; none if it does not exist. Hidden ones and drafts,
    which no step makes or reads, do not count."""
    if path.is_file():
        return [path]
    found = (item for item in sorted(path.rglob("*")) if item.is_file())
    counted = (item for item in found if item.name != DRAFTS)
    return [
        item for item in counted if not any(part.startswith(".") for part in item.relative_to(path).parts)
    ]


def shown_name(path: Path, places: Places) -> str:
    """A path as a reader knows it: below the build folder or beside the study file where it lies there."""
    for name, folder in (("build", places.build), ("", places.home)):
        if path.is_relative_to(folder):
            return (Path(name) / path.relative_to(folder)).as_posix()
    return path.as_posix()
