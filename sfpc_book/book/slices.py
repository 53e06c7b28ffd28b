"""What each authority's chapter may read, in a folder of its own, so that the chapter hangs on nothing
else."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sfpc_book.book.files import write_bytes
from sfpc_book.book.plan import COHORT_TABLES, RETURNS_TABLES, authority_slice
from sfpc_book.contracts.finding import Finding, findings_frame, read_findings

COLUMN = "authority"


def write_returns_slice(build: Path, slug: str, across: Sequence[Finding]) -> None:
    """Copy the checks and sums of one authority's returns; findings across authorities join its own."""
    folder = _empty(build / authority_slice(slug, f"returns/{slug}"))
    for name in RETURNS_TABLES:
        source = build / "returns" / slug / name
        content = source.read_bytes()
        if name == "findings.csv" and across:
            both = pd.concat([read_findings(source), findings_frame(across)], ignore_index=True)
            content = both.to_csv(index=False, lineterminator="\n").encode()
        write_bytes(folder / name, content)


def write_slices(build: Path, model: str, slugs: Sequence[str]) -> None:
    """Write the rows of every cohort table that belong to one authority, for each authority of the model."""
    folders = {slug: _empty(build / authority_slice(slug, f"cohort/{model}")) for slug in slugs}
    for name in COHORT_TABLES:
        frame = _read(build / "cohort" / model / name)
        for slug, folder in folders.items():
            rows = frame[frame[COLUMN] == slug].reset_index(drop=True)
            write_bytes(folder / name, _bytes(rows, name))


def _empty(folder: Path) -> Path:
    """The folder without files of earlier builds."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, dtype="str", keep_default_na=False)  # text in, the same text out


def _bytes(frame: pd.DataFrame, name: str) -> bytes:
    if name.endswith(".csv"):
        return frame.to_csv(index=False, lineterminator="\n").encode()
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()
