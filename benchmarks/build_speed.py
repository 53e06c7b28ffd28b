"""How long builds take and how much memory they need: cold, unchanged, after one changed cell.

Run from the top folder: `python benchmarks/build_speed.py [--scale small] [--folder FOLDER]`. Prints a table;
asserts nothing, because times belong to the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import psutil

HOME = Path(__file__).resolve().parents[1]
CHANGED = ("swindon", "dr2")


def main() -> None:
    """Time three builds of one book and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", default="small")
    parser.add_argument("--published", default="")
    parser.add_argument("--jobs", default="0")
    parser.add_argument(
        "--folder", type=Path, default=None, help="where to build (default: a temporary folder)"
    )
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="build-speed-"))
    arguments = ["--build", str(folder), "--scale", options.scale, "--jobs", options.jobs]
    arguments += ["--published", options.published] if options.published else []
    rows = [timed("cold", arguments, folder), timed("unchanged", arguments, folder)]
    change_one_cell(folder / "synthetic" / "returns")
    rows.append(timed("one cell changed", arguments, folder))
    print(f"{'build':<18}{'seconds':>8}{'peak MB':>9}{'steps run':>11}  chapters run")
    for name, seconds, memory, steps in rows:
        chapters = sorted(step.removeprefix("chapter ") for step in steps if step.startswith("chapter "))
        shown = f"{len(chapters)}" if len(chapters) > 15 else ", ".join(chapters)
        print(f"{name:<18}{seconds:>8.1f}{memory / 1e6:>9.0f}{len(steps):>11}  {shown}")
    if options.folder is None:
        shutil.rmtree(folder)


def timed(name: str, arguments: list[str], folder: Path) -> tuple[str, float, int, list[str]]:
    """Run one build; its name, seconds, peak memory of all its processes (bytes), and the steps that ran."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "sfpc_book", "build", *arguments], cwd=HOME, env=environment()
    )
    peak = Peak(process.pid)
    code = process.wait()
    seconds = time.monotonic() - started
    peak.stop()
    if code:
        print(f"the {name} build ended with code {code}")
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return name, seconds, peak.highest, [step["step"] for step in facts["steps"] if step["status"] == "done"]


class Peak:
    """What a process and all below it used: the highest sum of proportional memory, looked at four times a
    second, and the seconds that they kept processors busy."""

    def __init__(self, process: int) -> None:
        self.highest = 0
        self._busy: dict[int, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(psutil.Process(process),), daemon=True)
        self._thread.start()

    def _watch(self, top: psutil.Process) -> None:
        while not self._over.wait(0.25):
            processes = family(top)
            self.highest = max(self.highest, sum(map(memory_of, processes)))
            self._busy |= {process.pid: busy for process in processes if (busy := busy_seconds(process))}

    @property
    def busy(self) -> float:
        return sum(self._busy.values())

    def stop(self) -> None:
        self._over.set()
        self._thread.join()


def family(top: psutil.Process) -> list[psutil.Process]:
    """A process and everything below it, as far as it still lives."""
    try:
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def memory_of(process: psutil.Process) -> int:
    """Proportional set size: memory shared between forked processes counts once. Resident size elsewhere."""
    try:
        full = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
    return getattr(full, "pss", full.rss)


def busy_seconds(process: psutil.Process) -> float:
    """Seconds of processors that a process alone used so far; 0 if it has ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def environment() -> dict[str, str]:
    """Compiled files are written, as on a reader's machine."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def change_one_cell(returns: Path) -> None:
    """Make the first cell that says Male say Female, in one workbook of one authority."""
    authority, layer = CHANGED
    for path in sorted((returns / authority).glob(f"*_{layer}_*.xlsx")):
        with zipfile.ZipFile(path) as book:
            parts = {name: book.read(name) for name in book.namelist()}
        texts = re.findall(rb"<si>.*?</si>", parts["xl/sharedStrings.xml"], flags=re.DOTALL)
        words = [re.sub(rb"<[^>]*>", b"", text).strip().lower() for text in texts]
        if b"male" not in words or b"female" not in words:
            continue
        male, female = (b"<v>%d</v>" % words.index(word) for word in (b"male", b"female"))
        for name, part in parts.items():
            if name.startswith("xl/worksheets/") and b't="s">' + male in part:
                parts[name] = part.replace(b't="s">' + male, b't="s">' + female, 1)
                with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
                    for item, content in parts.items():
                        book.writestr(item, content)
                return
    raise SystemExit(f"no cell to change was found in the workbooks of {authority}")


if __name__ == "__main__":
    main()
