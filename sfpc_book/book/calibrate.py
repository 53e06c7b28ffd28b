"""The large calibration grid: planned in chunks, run by the build's task engine, kept until its inputs
change."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from sfpc_book.book.calibration_steps import SIZES, chunk_steps, estimates_file
from sfpc_book.book.dask_workers import dask_workers
from sfpc_book.book.step import Places
from sfpc_book.book.tasks import Watch, run_steps
from sfpc_book.book.work_calibration import sizes_files
from sfpc_book.errors import BookBuildError, ParameterError
from sfpc_book.study.study import load_study

FOLDER = "calibration"  # below the build folder; has task records of its own


def calibrate_grid(
    study_path: Path,
    build: Path,
    *,
    replications: int,
    jobs: int = 0,
    dask: str | None = None,
    out: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[pd.DataFrame, Path]:
    """The rows of every model and of the pooled test, and the file that holds them.

    A run that was stopped goes on where it stopped; one with the same inputs is read from its file.

    Raises
    ------
    ParameterError
        When the sizes of cells are not there yet, or the folder to write to is not.
    BookBuildError
        When a chunk failed, with the cause.
    """
    study_path, build = study_path.resolve(), build.resolve()
    study = load_study(study_path)
    target = (out or build / FOLDER / "calibration.csv").resolve()
    if out is not None and not target.parent.is_dir():
        raise ParameterError(f"There is no folder {target.parent} to write {target.name} to.")
    lacking = [
        estimates_file(model, SIZES)
        for model in study.models
        if not (build / estimates_file(model, SIZES)).is_file()
    ]
    if lacking:
        raise ParameterError(
            f"The sizes of cells are not in {build.name} yet; run `sfpc-book build` first", lacking
        )
    sizes = sizes_files(study, build)
    if not sizes:
        raise ParameterError("No model has children in two authorities; there is no trial to simulate.")
    places = Places(study_path, build / FOLDER, build, build)
    steps = chunk_steps(study, places, sizes, replications=replications, out=target)
    say(f"{len(steps) - 1} chunks of trials")
    with dask_workers(dask) as cluster:
        processes = cluster.processes if cluster else jobs or os.cpu_count() or 1
        executor = cluster.executor if cluster else None
        outcomes = run_steps(steps, places, jobs=processes, watch=Watch(), executor=executor)
    failed = [f"{outcome.name}: {outcome.cause}" for outcome in outcomes if outcome.status == "failed"]
    if failed:
        raise BookBuildError("some simulated trials could not be judged", failed)
    done = sum(outcome.status == "done" and outcome.name != "collect" for outcome in outcomes)
    say(f"{done} simulated now, the others were there")
    return pd.read_csv(target), target
