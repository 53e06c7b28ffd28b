"""The one table of every estimate in the book."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sfpc_book.book.files import write_text
from sfpc_book.errors import BookBuildError
from sfpc_book.estimate.estimate import TIDY_COLUMNS


def collect(build: Path, slugs: Sequence[str], returns: Path) -> Path:
    """Write `results/estimates.csv` from the chapters' results, in the order of the plan.

    Numbers are copied as text, so they are the chapters' own to the last digit. Raises `BookBuildError`
    when a chapter's columns are not the tidy ones.
    """
    frames = [_read(build / "results" / f"{slug}.csv") for slug in slugs]
    wrong = [
        f"{slug}.csv: {_difference(frame)}"
        for slug, frame in zip(slugs, frames, strict=True)
        if list(frame.columns) != list(TIDY_COLUMNS)
    ]
    if wrong:
        raise BookBuildError("estimates must have the columns of the tidy table, in its order", wrong)
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=TIDY_COLUMNS)
    return write_text(build / "results" / "estimates.csv", table.to_csv(index=False, lineterminator="\n"))


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype="str", keep_default_na=False)


def _difference(frame: pd.DataFrame) -> str:
    missing = [name for name in TIDY_COLUMNS if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in TIDY_COLUMNS]
    parts = [
        f"{what}: {', '.join(names)}" for what, names in (("missing", missing), ("unknown", unknown)) if names
    ]
    return "; ".join(parts) or "columns in another order"
