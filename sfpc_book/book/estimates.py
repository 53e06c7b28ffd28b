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
MAIN_MODEL = "panel_two_way"
# What would happen had time at risk not ended at 18, and averages over other weights than the children.
OTHERWISE = ("risk_to_18", "restricted_mean_to_18", "panel_two_way_unweighted")
AVERAGE = "exposure_time_average"
# Terms, or starts of them, that have a planted effect: it is that on the exposed.
EXPOSED, BY_TIME = ("exposed", "standardised_risk_difference_exposed"), "exposure_time"

FULLY_OBSERVED = "ok"
UNKNOWN = (float("nan"), 0.0)

# Model, outcome, horizon (text), exposure time → planted effect and exposed children.
Truth = Mapping[tuple[str, str, str, int], tuple[float, float]]


def collect(
    build: Path, slugs: Sequence[str], truth_path: Path, authorities: Mapping[str, int] | None = None
) -> Path:
    """Write `results/estimates.csv` from the chapters' results, in the order of the plan.

    Numbers are copied as text, so they are the chapters' own to the last digit. Raises `BookBuildError` when
    a chapter's columns are not the tidy ones. `authorities` is the number of each trial's, by model.
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
        table = with_truth(table, read_truth(truth_path), authorities)
    return write_text(build / "results" / "estimates.csv", table.to_csv(index=False, lineterminator="\n"))


def read_truth(path: Path) -> dict[tuple[str, str, str, int], tuple[float, float]]:
    """Planted effect and number of exposed children by model, outcome, horizon (text) and exposure time (0:
    all exposed children)."""
    frame = pd.read_csv(path, dtype={"horizon": "str"})
    keys = zip(frame["model"], frame["outcome"], frame["horizon"], frame["exposure_time"], strict=True)
    return dict(zip(keys, zip(frame["truth"], frame["n_exposed"], strict=True), strict=True))


def with_truth(
    table: pd.DataFrame, truth: Truth, authorities: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """The estimates (as text) with `truth` filled where it is known for the same children.

    The planted effects are differences in levels on all exposed children of the main sample. An estimate from
    the children observed so far, or from fewer children or authorities than the trial has, is of others and
    gets none; nor does a ratio, a level, an average over other weights, or an estimate without a part of the
    trial.
    """
    rows, most = table.to_dict("records"), authorities or {}
    main = {_outcome_of(row): row for row in rows if row["analysis"] == MAIN_MODEL and _is_main(row)}

    def found(row: Mapping[str, str]) -> str:
        every = str(most.get(row["model"], row["n_clusters"])) == str(row["n_clusters"])
        same = every and _same_estimand(row, main.get(_outcome_of(row), row))
        return _truth_text(row, truth) if same else ""

    return table.assign(truth=[row["truth"] or found(row) for row in rows])


def _outcome_of(row: Mapping[str, str]) -> tuple[str, str, str]:
    return row["model"], row["outcome"], row["horizon"]


def _is_main(row: Mapping[str, str]) -> bool:
    return all(row[name] == value for name, value in MAIN.items())


def _same_estimand(row: Mapping[str, str], main: Mapping[str, str]) -> bool:
    """Whether a row is about the children, the unit and the difference of the main model's row (see
    `OTHERWISE`)."""
    alike = all(row[name] == main[name] for name in ("unit", "n_children"))
    of_the_exposed = row["term"] in EXPOSED or row["term"].startswith(BY_TIME)
    observed = not row["analysis"].startswith(OTHERWISE) and row["status"] == FULLY_OBSERVED
    alike &= not row["unit"].startswith("log")
    return alike and of_the_exposed and observed and _is_main(row)


def _truth_text(row: Mapping[str, str], truth: Truth) -> str:
    key = _outcome_of(row)
    known = [truth.get((*key, time), UNKNOWN) for time in _times(row["term"], key, truth)]
    exposed = sum(number for _, number in known)
    if not exposed > 0 or any(pd.isna(effect) for effect, _ in known):
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
