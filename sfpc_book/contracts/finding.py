"""The one shape of every check: what was looked at, what was measured, what was allowed.

A finding never holds a value of a child's record: only kinds, counts, column names and row numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

Status = Literal["pass", "fail", "info", "not_applicable"]
Severity = Literal["block", "mark", "note"]


@dataclass(frozen=True)
class Finding:
    """One check of one subject.

    `status` says how it came out, `severity` what follows from a failure: `block` (the authority or model
    cannot be estimated), `mark` (estimated, marked on the page), `note`. `measured` and `limit` are in
    `unit`.
    """

    check: str
    subject: str
    status: Status
    severity: Severity
    measured: float | None
    limit: float | None
    unit: str
    text: str
    authority: str | None = None
    layer: str | None = None
    file: str | None = None
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    count: int | None = None

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("status", self.status, get_args(Status)),
            ("severity", self.severity, get_args(Severity)),
        ):
            if value not in allowed:
                raise ValueError(
                    f"{name} of finding '{self.check}' is '{value}'; allowed: {', '.join(allowed)}"
                )


FINDING_COLUMNS = tuple(field.name for field in fields(Finding))
NUMBER_COLUMNS = {"measured": "float64", "limit": "float64", "row": "Int64", "count": "Int64"}


def findings_frame(findings: Iterable[Finding]) -> pd.DataFrame:
    """One row per finding, columns in the order of `Finding`; texts are `str`, row and count `Int64`."""
    rows = [[getattr(finding, name) for name in FINDING_COLUMNS] for finding in findings]
    return _typed(pd.DataFrame(rows, columns=list(FINDING_COLUMNS), dtype=object))


def write_findings(findings: Iterable[Finding], path: Path) -> None:
    """Write findings as CSV, in the order given."""
    findings_frame(findings).to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def read_findings(path: Path) -> pd.DataFrame:
    """Read what `write_findings` wrote, with the types of `findings_frame`."""
    frame = _typed(pd.read_csv(path, dtype=object, keep_default_na=False, na_values=[""]))
    return frame.assign(unit=frame["unit"].fillna(""))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    texts = {name: "str" for name in FINDING_COLUMNS if name not in NUMBER_COLUMNS}
    numbers = {name: pd.to_numeric(frame[name]).astype(kind) for name, kind in NUMBER_COLUMNS.items()}
    return frame.assign(**numbers).astype(texts)
