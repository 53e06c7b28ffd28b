"""Each authority's own rows of a cohort's aggregates, so that its chapter hangs on them alone."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sfpc_book.book.files import write_bytes
from sfpc_book.book.plan import COHORT_TABLES, authority_slice

COLUMN = "authority"


def write_slices(build: Path, model: str, slugs: Sequence[str]) -> None:
    """Write the rows of every cohort table that belong to one authority, for each authority of the model."""
    for slug in slugs:
        shutil.rmtree(build / "authorities" / slug, ignore_errors=True)
    for name in COHORT_TABLES:
        path = f"cohort/{model}/{name}"
        frame = _read(build / path)
        for slug in slugs:
            rows = frame[frame[COLUMN] == slug].reset_index(drop=True)
            write_bytes(build / authority_slice(slug, path), _bytes(rows, name))


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
