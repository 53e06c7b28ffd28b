"""The command for the large calibration study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sfpc_book.cli_options import BUILD, STUDY, Build, Jobs, Study

Count = Annotated[
    int, typer.Option("--replications", min=1, help="Simulated trials of each scenario, for every method.")
]
Dask = Annotated[
    str | None, typer.Option("--dask", help="Scheduler of a Dask cluster, such as tcp://10.0.0.1:8786.")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="CSV file to write; none: BUILD/calibration/calibration.csv.")
]


def calibrate(
    study: Study = STUDY,
    build: Build = BUILD,
    replications: Count = 1000,
    jobs: Jobs = 0,
    dask: Dask = None,
    out: Out = None,
) -> None:
    """Try the methods out on many simulated trials of each model's design: size, power, coverage, bias,
    width.

    The book shows a small grid; this does the same with more trials of each scenario of `study.yml`. It needs
    a build, for the numbers of children, and nothing of their outcomes. Results do not depend on the number
    of processes. Only what is not there yet is simulated: a run that was stopped goes on, and more
    replications keep those that are there.

        sfpc-book calibrate --replications 2000 --jobs 8 --out calibration.csv
    """
    from sfpc_book.book.calibrate import calibrate_grid

    console = Console()

    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    options = {"replications": replications, "jobs": jobs, "dask": dask, "out": out, "say": say}
    rows, target = calibrate_grid(study, build, **options)
    table = Table("model", "scenario", "method", "rejects", "covers", "failed", box=None)
    for row in rows.to_dict("records"):
        shares = [f"{row[name]:.3f}" if row[name] == row[name] else "" for name in ("rejection", "coverage")]
        table.add_row(row["model"], row["scenario"], row["method"], *shares, f"{1 - row['tested']:.3f}")
    console.print(table)
    say(f"{len(rows)} rows in {target}")
