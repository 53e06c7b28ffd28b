"""Estimates in and out of a chapter: reading the tidy CSV, and the record that the runner collects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sfpc_book.errors import ParameterError

RESULTS_MIME = "application/vnd.sfpc-book.results+json"
TEXT = (
    "model",
    "outcome",
    "sample",
    "exposure",
    "estimand",
    "analysis",
    "term",
    "status",
    "unit",
    "reference",
)
WHOLE = ("horizon", "n_children", "n_events", "n_clusters", "n_periods", "n_orders")
TIDY = (
    "model", "outcome", "horizon", "sample", "exposure", "estimand", "analysis", "term", "estimate",
    "std_error", "df", "statistic", "p_value", "conf_low", "conf_high", "conf_level", "n_children",
    "n_events", "n_clusters", "n_periods", "identified", "status", "unit", "reference",
    "n_orders", "p_minimum", "level_maximum", "missing_information", "observed_share", "observable_from",
    "truth", "data_status",
)  # fmt: skip


@dataclass(frozen=True)
class Record:
    """Estimates handed to the book, as CSV in the tidy columns. Shown to nobody: its cell is removed."""

    csv: str
    rows: int

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return {RESULTS_MIME: {"csv": self.csv}, "text/plain": f"{self.rows} estimates recorded"}


def record_of(estimates: pd.DataFrame) -> Record:
    """The record of a tidy frame. Raises `ParameterError` naming missing and unknown columns."""
    missing = [f"missing column {name}" for name in TIDY if name not in estimates]
    unknown = [f"unknown column {name}" for name in estimates if name not in TIDY]
    if missing or unknown:
        raise ParameterError("estimates to record need exactly the tidy columns", [*missing, *unknown])
    table = estimates[list(TIDY)]
    csv = table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return Record(csv, len(table))


def read_estimates(path: Path) -> pd.DataFrame:
    """Tidy estimates from CSV: text, whole numbers (`Int64`), dates, `identified` as bool, the rest float."""
    frame = pd.read_csv(path, dtype="str", keep_default_na=False)
    typed = {}
    for name in frame.columns:
        values = frame[name].where(frame[name] != "")
        if name in TEXT or name == "data_status":
            typed[name] = frame[name]
        elif name in WHOLE:
            typed[name] = pd.to_numeric(values).astype("Float64").astype("Int64")
        elif name == "observable_from":
            typed[name] = pd.to_datetime(values).astype("datetime64[ns]")
        elif name == "identified":
            typed[name] = frame[name].str.lower().eq("true")
        else:
            typed[name] = pd.to_numeric(values).astype("float64")
    return pd.DataFrame(typed)
