"""Two ways to the same numbers, timed on the same data in one run, with the difference of what they found.

A ratio alone would praise a fast wrong answer, so each line of the table carries the largest difference of
the numbers that both sides gave. A peer that is not installed is told and left out; nothing is asserted.
"""

from __future__ import annotations

import csv
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

PEERS = Path(__file__).with_name("peers.R")
NOT_INSTALLED = 3  # exit code of `peers.R` where a package is not there
ABSENT = "not on this machine"

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Side:
    """What one way took and found; without seconds, `note` says why."""

    seconds: float = float("nan")
    numbers: Numbers = field(default_factory=dict)
    note: str = ""


def measured(work: Callable[[], Numbers], repeats: int = 3, *, warm: bool = True) -> Side:
    """Processor seconds, the fewest of several runs, and what was found; where `warm`, a first run is not
    counted. Other work on the machine lengthens these less than it does the time on the clock."""
    if warm:
        work()
    taken, found = [], {}
    for _ in range(repeats):
        start = time.process_time()
        found = work()
        taken.append(time.process_time() - start)
    return Side(min(taken), found)


def by_r(peer: str, frame: pd.DataFrame) -> Side:
    """A peer of `peers.R` on a table: one call of Rscript, timed inside R, packages loaded."""
    if shutil.which("Rscript") is None:
        return Side(note=ABSENT)
    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        table, out = Path(folder, "table.csv"), Path(folder, "numbers.csv")
        frame.to_csv(table, index=False)
        run = subprocess.run(
            ["Rscript", str(PEERS), peer, str(table), str(out)], capture_output=True, text=True, check=False
        )
        if run.returncode:
            return Side(note=ABSENT if run.returncode == NOT_INSTALLED else f"failed: {run.stderr[-200:]}")
        with out.open(encoding="utf-8") as file:
            numbers = {row["name"]: float(row["value"]) for row in csv.DictReader(file)}
    return Side(numbers.pop("seconds"), numbers)


def line(what: str, ours: Side, peer: str = "", theirs: Side | None = None) -> dict[str, object]:
    """One line of the table; names that one side alone has are not compared."""
    theirs = theirs or Side()
    shared = sorted(ours.numbers.keys() & theirs.numbers.keys())
    apart = [abs(ours.numbers[name] - theirs.numbers[name]) for name in shared]
    return {
        "what": what,
        "seconds": ours.seconds,
        "beside": peer if not theirs.note else f"{peer}: {theirs.note}",
        "its seconds": theirs.seconds,
        "ratio": theirs.seconds / ours.seconds,
        "numbers": len(shared) or "",
        "largest difference": max(apart) if shared else float("nan"),
    }


def print_table(lines: list[dict[str, object]]) -> None:
    """The lines under each other, and the machine that they belong to."""
    frame = pd.DataFrame(lines)
    shown = {
        "seconds": "{:.3g}".format,
        "its seconds": "{:.3g}".format,
        "ratio": "{:,.1f}".format,
        "largest difference": "{:.1e}".format,
    }
    for name, words in shown.items():
        frame[name] = [words(value) if np.isfinite(value) else "" for value in frame[name]]
    print(as_text(frame))
    print()
    print(machine())


def as_text(frame: pd.DataFrame) -> str:
    """A table in Markdown."""
    rows = [list(frame.columns), ["---"] * len(frame.columns), *frame.astype(str).to_numpy().tolist()]
    widths = [max(len(row[place]) for row in rows) for place in range(len(frame.columns))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )


def machine() -> str:
    """Where and with what it was measured."""
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "all")
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, linear algebra on {threads} "
        f"of them, load {os.getloadavg()[0]:.1f} when this was printed; Python {platform.python_version()}, "
        f"numpy {np.__version__}, pandas {pd.__version__}. Ratio: its seconds over ours, same data and run. "
        "Seconds are those of the processor, the fewest of several runs; of R, one run. Differences are "
        "absolute. lme4's errors by Laplace are 0.2 to 0.4 % too small (numeric second differences): that is "
        "the difference beside it. MixedLM misses the maximum that lme4 finds."
    )


def use_packages_of(folder: Path | None) -> None:
    """Let peers be imported from a folder of packages that is not the project's; the project's come first."""
    if folder is not None:
        sys.path.append(str(folder))
