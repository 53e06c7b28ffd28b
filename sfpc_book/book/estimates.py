"""The one table of every estimate in the book, with the planted truth beside it where there is one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from sfpc_book.book.files import write_text
from sfpc_book.errors import BookBuildError
from sfpc_book.estimate.estimate import TIDY_COLUMNS

ALL_TIMES = 0  # in truth.csv: the mean over all exposed children
MAIN = {"sample": "main", "exposure": "go_live"}
AVERAGE = "exposure_time_average"
MAIN_ANALYSIS = "panel_two_way"

FULLY_OBSERVED = "ok"
UNKNOWN = (float("nan"), 0.0)

# Model, outcome, horizon (text), exposure time → planted effect and exposed children.
Truth = Mapping[tuple[str, str, str, int], tuple[float, float]]


def collect(build: Path, slugs: Sequence[str], truth_path: Path) -> Path:
    """Write `results/estimates.csv` from the chapters' results, in the order of the plan.

    Numbers are copied as text, so they are the chapters' own to the last digit. Raises `BookBuildError` when
    a chapter's columns are not the tidy ones.
    """
    frames = [_read(build / "results" / f"{slug}.csv") for slug in slugs]
    wrong = [
        f"{slug}.csv: {_difference(frame)}"
        for slug, frame in zip(slugs, frames, strict=True)
        if list(frame.columns) != list(TIDY_COLUMNS)
    ]
    if wrong:
        raise BookBuildError("estimates must have the columns of the tidy table, in its order", wrong)
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(TIDY_COLUMNS))
    if truth_path.is_file():
        table = with_truth(table, read_truth(truth_path))
    return write_text(build / "results" / "estimates.csv", table.to_csv(index=False, lineterminator="\n"))


def read_truth(path: Path) -> dict[tuple[str, str, str, int], tuple[float, float]]:
    """Planted effect and number of exposed children by model, outcome, horizon (text) and exposure time (0:
    all exposed children)."""
    frame = pd.read_csv(path, dtype={"horizon": "str"})
    keys = zip(frame["model"], frame["outcome"], frame["horizon"], frame["exposure_time"], strict=True)
    return dict(zip(keys, zip(frame["truth"], frame["n_exposed"], strict=True), strict=True))


def with_truth(table: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    """The estimates (as text) with `truth` filled where it is known for the same children.

    The planted effects are differences in levels on all exposed children of the main sample. An estimate from
    the children observed so far, or from fewer children than the main one, is of others and gets none; nor
    does a ratio, a level, or an estimate without a part of the trial.
    """
    rows = table.to_dict("records")
    children = {_outcome_of(row): row["n_children"] for row in rows if _is_main(row)}
    found = [row["truth"] or _truth_text(row, truth, children) for row in rows]
    return table.assign(truth=found)


def _outcome_of(row: Mapping[str, str]) -> tuple[str, str, str]:
    return row["model"], row["outcome"], row["horizon"]


def _is_main(row: Mapping[str, str]) -> bool:
    return row["analysis"] == MAIN_ANALYSIS and all(row[name] == value for name, value in MAIN.items())


def _is_difference(row: Mapping[str, str]) -> bool:
    """Whether a row is a difference in levels on exposed children, or on those of one time since go-live."""
    term = row["term"]
    return (term == "exposed" or term.startswith("exposure_time")) and not row["unit"].startswith("log ")


def _truth_text(row: Mapping[str, str], truth: Truth, children: Mapping[tuple[str, str, str], str]) -> str:
    key = _outcome_of(row)
    other_sample = any(row[name] != value for name, value in MAIN.items())
    fewer = row["n_children"] != children.get(key, row["n_children"])
    other_children = other_sample or fewer or row["status"] != FULLY_OBSERVED or not _is_difference(row)
    known = [truth.get((*key, time), UNKNOWN) for time in _times(row["term"], key, truth)]
    exposed = sum(number for _, number in known)
    if other_children or not exposed > 0 or any(pd.isna(effect) for effect, _ in known):
        return ""
    return repr(float(sum(effect * number for effect, number in known) / exposed))


def _times(term: str, key: tuple[str, str, str], truth: Truth) -> list[int]:
    """Exposure times whose average, weighted by exposed children, a term estimates; an average that names
    none is over all there are."""
    numbers = [int(number) for number in re.findall(r"_(\d+)(?=_|$)", term)]
    if numbers or not term.startswith(AVERAGE):
        return numbers or [ALL_TIMES]
    return sorted(time for *head, time in truth if tuple(head) == key and time != ALL_TIMES)


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype="str", keep_default_na=False)


def _difference(frame: pd.DataFrame) -> str:
    missing = [name for name in TIDY_COLUMNS if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in TIDY_COLUMNS]
    parts = [
        f"{what}: {', '.join(names)}" for what, names in (("missing", missing), ("unknown", unknown)) if names
    ]
    return "; ".join(parts) or "columns in another order"
