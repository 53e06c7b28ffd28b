"""How long the checks of a protocol-scale set of returns take, and how much memory they need.

Run from the top folder: `python benchmarks/check_speed.py [--returns FOLDER] [--jobs 2]`. Without a folder, a
synthetic one at the scale of the protocols is made first, which takes minutes and is not counted. Prints a
table; asserts nothing, because times belong to the machine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from build_speed import HOME, Peak, environment

PACKAGE = HOME / "sfpc_book"


def main() -> None:
    """Check one folder of returns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--returns", type=Path, default=None, help="folder of workbooks (default: simulated)")
    parser.add_argument("--jobs", default="2")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="check-speed-") as folder:
        returns = options.returns or simulated(Path(folder))
        seconds, peak = timed(returns, Path(folder) / "build", options.jobs)
        rows = {
            "seconds": f"{seconds:.1f}",
            "processor seconds": f"{peak.busy:.1f}",
            "peak MB": f"{peak.highest / 1e6:.0f}",
            **counted(Path(folder) / "build"),
        }
    rows |= {
        "lines of contracts (YAML)": lines(HOME / "data_contracts", "*.yml", below=("tables", ".")),
        "lines of code in contracts/": lines(PACKAGE / "contracts", "*.py"),
        "lines of code in returns/": lines(PACKAGE / "returns", "*.py"),
    }
    for name, value in rows.items():
        print(f"{name:<30}{value:>12}")


def simulated(folder: Path) -> Path:
    """Returns of the size of the protocols, with every kind of defect."""
    call("simulate", "--build", str(folder), "--scale", "protocol")
    return folder / "synthetic" / "returns"


def timed(returns: Path, build: Path, jobs: str) -> tuple[float, Peak]:
    """Seconds of one check from workbooks to findings, and what its processes used."""
    started = time.monotonic()
    command = ["check", "--returns", str(returns), "--build", str(build), "--jobs", jobs]
    process = subprocess.Popen(
        [sys.executable, "-m", "sfpc_book", *command], cwd=HOME, env=environment(), stdout=subprocess.DEVNULL
    )
    peak = Peak(process.pid)
    code = process.wait()
    seconds = time.monotonic() - started
    peak.stop()
    if code not in (0, 4):  # 4: an authority is kept out, as the planted defects may do
        raise SystemExit(f"the check ended with code {code}")
    return seconds, peak


def counted(build: Path) -> dict[str, int]:
    """What was checked and what came of it."""
    read = [folder for folder in (build / "returns").iterdir() if folder.is_dir()]
    findings = pd.concat(pd.read_csv(path) for path in build.glob("authorities/*/returns/*/findings.csv"))
    logs = [pd.read_csv(folder / "reading_log.csv", dtype="str") for folder in read]
    children = [pd.read_parquet(folder / "dr2_referrals.parquet", columns=["child_id"]) for folder in read]
    return {
        "authorities": len(read),
        "returns": sum(len(log[["layer", "return_month"]].drop_duplicates()) for log in logs),
        "children": sum(frame["child_id"].nunique() for frame in children),
        "findings": len(findings),
        "findings that failed": int((findings["status"] == "fail").sum()),
    }


def lines(folder: Path, pattern: str, below: tuple[str, ...] = (".",)) -> int:
    """Lines that are neither blank nor comments of the files of a folder."""
    paths = [path for name in below for path in (folder / name).glob(pattern)]
    texts = [line.strip() for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return sum(bool(line) and not line.startswith("#") for line in texts)


def call(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "sfpc_book", *arguments], cwd=HOME, env=environment(), check=True)


if __name__ == "__main__":
    main()
