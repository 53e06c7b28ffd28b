"""Cohorts and canonical tables as files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pandas as pd

from sfpc_book.cohort.build import ChildTables, Cohort
from sfpc_book.errors import ReturnsError

PARQUET = ("children", "outcomes", "times", "panel")
POPULATIONS = "populations"
MAIN_POPULATION = "main"


def load_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """The canonical tables of one authority, by table id, from `<table>.parquet` files.

    Raises
    ------
    ReturnsError
        When there is no such folder.
    """
    if not folder.is_dir():
        raise ReturnsError(
            f"There is no folder of read returns at {folder}; read the workbooks first (check)"
        )
    return {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}


def load_returns(folder: Path) -> dict[str, dict[str, pd.DataFrame]]:
    """The canonical tables of every authority: `folder/<slug>/<table>.parquet`. Raises ReturnsError without
    folder."""
    if not folder.is_dir():
        raise ReturnsError(
            f"There is no folder of read returns at {folder}; read the workbooks first (check)"
        )
    return {path.name: load_tables(path) for path in sorted(folder.iterdir()) if path.is_dir()}


def blocked_authorities(findings_of: Mapping[str, Path]) -> dict[str, str]:
    """Authorities that may not be estimated, with the first reason, from each one's file of findings.

    An authority is blocked by a finding of severity `block` and status `fail`.
    """
    blocked = {}
    for slug, path in findings_of.items():
        findings = pd.read_csv(path, dtype="str")
        failed = findings[(findings["severity"] == "block") & (findings["status"] == "fail")]
        if len(failed):
            blocked[slug] = str(failed["text"].iloc[0])
    return blocked


def marked_authorities(findings_of: Mapping[str, Path]) -> pd.DataFrame:
    """Authorities that are estimated and marked: one row each, with the checks that marked them.

    A finding of severity `mark` and status `fail` marks; whom another blocks, is not estimated. Columns
    authority, checks (ids, joined by "; "), n_findings.
    """
    rows = []
    for slug, path in findings_of.items():
        findings = pd.read_csv(path, dtype="str")
        failed = findings[findings["status"] == "fail"]
        marking = failed[failed["severity"] == "mark"]
        if len(marking) and not (failed["severity"] == "block").any():
            rows.append((slug, "; ".join(sorted(marking["check"].unique())), len(marking)))
    return pd.DataFrame(rows, columns=["authority", "checks", "n_findings"])


def write_cohort(cohort: Cohort, folder: Path) -> None:
    """Write each table of a cohort: those by child and the panel as Parquet, the other aggregates as CSV.

    Children of another population and their outcomes go into a folder of its name below `populations`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / POPULATIONS, ignore_errors=True)
    (folder / POPULATIONS).mkdir()
    for name, other in cohort.others.items():
        (folder / POPULATIONS / name).mkdir()
        for kind in ("children", "outcomes"):
            getattr(other, kind).to_parquet(folder / POPULATIONS / name / f"{kind}.parquet", index=False)
    for field in fields(cohort):
        table = getattr(cohort, field.name)
        if field.name in PARQUET:
            table.to_parquet(folder / f"{field.name}.parquet", index=False)
        elif isinstance(table, pd.DataFrame):
            table.to_csv(
                folder / f"{field.name}.csv", index=False, lineterminator="\n", date_format="%Y-%m-%d"
            )


def load_children(folder: Path) -> dict[str, ChildTables]:
    """The children of every population of a written cohort, `main` first, and their outcomes.

    For the step that fits models to children's rows; no chapter reads them.
    """
    others = sorted(path for path in (folder / POPULATIONS).glob("*") if path.is_dir())
    places = {MAIN_POPULATION: folder, **{path.name: path for path in others}}
    return {
        name: ChildTables(*(pd.read_parquet(path / f"{kind}.parquet") for kind in ("children", "outcomes")))
        for name, path in places.items()
    }
