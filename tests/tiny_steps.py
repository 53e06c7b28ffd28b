"""Steps that count how often they run: functions that worker processes can import."""

from __future__ import annotations

import os
import time
from pathlib import Path

from sfpc_book.book.step import Places, Step


def count(places: Places, name: str) -> None:
    """Note one run of a step, safely from several processes."""
    with (places.home / "log").open("a", encoding="utf-8") as log:
        log.write(f"{name}\n")


def join(places: Places, *, name: str, source: tuple[str, ...], target: str, word: str = "") -> None:
    """Write the sources' texts, in capital letters, and a word."""
    count(places, name)
    text = "".join((places.build / path).read_text(encoding="utf-8") for path in source)
    (places.build / target).write_text(text.upper() + word, encoding="utf-8")


def many(places: Places, *, name: str, source: str, target: str) -> None:
    """Write one file per line of the source into a folder."""
    count(places, name)
    folder = places.build / target
    folder.mkdir(exist_ok=True)
    for line in (places.build / source).read_text(encoding="utf-8").split():
        (folder / line).write_text(line, encoding="utf-8")


def listing(places: Places, *, name: str, source: str, target: str) -> None:
    """Write the names of a folder's files."""
    count(places, name)
    names = sorted(path.name for path in (places.build / source).iterdir())
    (places.build / target).write_text(",".join(names), encoding="utf-8")


def fail(places: Places, *, name: str, target: str) -> None:
    """Fail with a value of the data in the message, unless a file `mended` is there."""
    count(places, name)
    if not (places.home / "mended").exists():
        raise KeyError("child 4711")
    (places.build / target).write_text("well", encoding="utf-8")


def die(places: Places, *, name: str, target: str) -> None:
    """End the worker process the first time."""
    count(places, name)
    if (places.home / "log").read_text(encoding="utf-8").split().count(name) == 1:
        os._exit(9)
    (places.build / target).write_text("alive", encoding="utf-8")


def slow(places: Places, *, name: str, target: str) -> None:
    """Take long if a file `slow` is there."""
    count(places, name)
    if (places.home / "slow").exists():
        time.sleep(60)
    (places.build / target).write_text("done", encoding="utf-8")


def tiny_places(folder: Path) -> Places:
    build = folder / "build"
    build.mkdir(exist_ok=True)
    return Places(folder / "study.yml", build, folder / "returns", folder / "published")


def join_step(places: Places, name: str, *source: str, **arguments) -> Step:
    """A step `name` that joins sources in the build folder into `name`.txt."""
    given = {"name": name, "source": source, "target": f"{name}.txt", **arguments}
    return Step(
        name=name,
        stage="Joining",
        function=join,
        arguments=tuple(given.items()),
        inputs=tuple(places.build / path for path in source),
        outputs=(places.build / f"{name}.txt",),
    )


def runs(places: Places) -> list[str]:
    """Names of the steps that ran since the last call, sorted."""
    log = places.home / "log"
    names = sorted(log.read_text(encoding="utf-8").split()) if log.exists() else []
    log.unlink(missing_ok=True)
    return names
