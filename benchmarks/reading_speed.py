"""How long the workbooks of an authority take to open, and how much memory: our reader, calamine, openpyxl.

Run from the top folder: `python benchmarks/reading_speed.py [--returns FOLDER] [--authority SLUG]`. Without a
folder of returns, a synthetic one at the size of the protocols is made first. Each reader opens the same
workbooks in a process of its own and gives all their rows; rounds alternate between readers. Prints a table
with ratios to the first line; asserts nothing but that all readers see as many filled cells, because times
belong to the machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
Rows = Iterable[Iterable[object]]


def package(path: Path) -> Iterable[Rows]:
    """As the book reads: every part inspected first, then calamine."""
    from sfpc_book.returns.workbook import read_workbook

    return (sheet.rows for sheet in read_workbook(path).sheets)


def calamine(path: Path) -> Iterable[Rows]:
    """Calamine alone, without looking at what is hidden, computed or unsafe."""
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(path)
    return (book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names)


def openpyxl(path: Path) -> Iterable[Rows]:
    """openpyxl in its read-only mode, saved results of formulas."""
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=True)
    return (list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets)


READERS: dict[str, Callable[[Path], Iterable[Rows]]] = {
    reader.__name__: reader for reader in (package, calamine, openpyxl)
}


def main() -> None:
    """Time each reader in turn and print the table, or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--returns", type=Path, default=None, help="folder with one folder per authority")
    parser.add_argument("--authority", default="walsall")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reader", choices=list(READERS), default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        print(json.dumps(opened(READERS[options.reader], options.returns / options.authority)))
        return
    with tempfile.TemporaryDirectory(prefix="reading-speed-") as folder:
        returns = options.returns or simulated(Path(folder) / "returns")
        runs = [
            (name, in_own_process(name, returns, options.authority))
            for _ in range(options.rounds)
            for name in READERS
        ]
    print_table(runs, options.authority)


def simulated(folder: Path) -> Path:
    """Synthetic returns at the size of the protocols."""
    from sfpc_book.simulate.simulate import simulate_returns
    from sfpc_book.study.study import load_study

    return simulate_returns(load_study(HOME / "study.yml"), folder, scale=1.0)


def opened(reader: Callable[[Path], Iterable[Rows]], folder: Path) -> dict[str, float]:
    """Seconds of the processor, peak memory (bytes) above that of the start, and filled cells."""
    paths = sorted(folder.glob("*.xlsx"))
    if not paths:
        raise SystemExit(f"there is no workbook in {folder}")
    for _ in reader(paths[0]):
        break
    before, started, cells = peak_memory(), time.process_time(), 0
    for path in paths:
        for rows in reader(path):
            cells += sum(cell is not None and cell != "" for row in rows for cell in row)
    return {"seconds": time.process_time() - started, "memory": peak_memory() - before, "cells": cells}


def peak_memory() -> int:
    """Highest resident memory of this process so far, in bytes; macOS counts in bytes, Linux in kilobytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def in_own_process(name: str, returns: Path, authority: str) -> dict[str, float]:
    """What one reader says of itself."""
    command = [
        sys.executable,
        __file__,
        "--reader",
        name,
        "--returns",
        str(returns),
        "--authority",
        authority,
    ]
    run = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def print_table(runs: list[tuple[str, dict[str, float]]], authority: str) -> None:
    """The best round of each reader, with ratios to the first."""
    best = {
        name: {part: min(run[part] for who, run in runs if who == name) for part in ("seconds", "memory")}
        for name in READERS
    }
    cells = {run["cells"] for _, run in runs}
    if len(cells) > 1:
        raise SystemExit(f"the readers do not see equally many filled cells: {sorted(cells)}")
    first = best[next(iter(READERS))]
    print(
        f"workbooks of {authority}: {cells.pop():,.0f} filled cells; best of {len(runs) // len(best)} rounds"
    )
    print(f"{'reader':<12}{'cpu seconds':>12}{'ratio':>8}{'peak MB':>10}{'ratio':>8}")
    for name, found in best.items():
        ratios = {part: found[part] / first[part] for part in found}
        line = f"{name:<12}{found['seconds']:>12.2f}{ratios['seconds']:>8.2f}"
        print(f"{line}{found['memory'] / 1e6:>10.0f}{ratios['memory']:>8.2f}")


if __name__ == "__main__":
    main()
