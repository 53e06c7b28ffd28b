"""What every reader of one published file gives back, and the steps they share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sfpc_book.contracts.finding import Finding
from sfpc_book.published.contract import Contracts, Measure, Source
from sfpc_book.published.values import parse_values

ROW_COLUMNS = (
    "authority_code",
    "gss_code",
    "name",
    "geography",
    "year",
    "measure",
    "value",
    "unit",
    "symbol",
    "source",
    "vintage",
)
KEY = ["authority_code", "year", "measure"]


@dataclass(frozen=True)
class Reading:
    """Rows of one source (columns ROW_COLUMNS), what was checked, and what makes the file unusable."""

    rows: pd.DataFrame
    findings: tuple[Finding, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass
class Log:
    """Findings and problems of one file, gathered while it is read."""

    file: str
    findings: list[Finding] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def problem(self, text: str, column: str | None = None) -> None:
        where = f"{self.file}, column {column!r}" if column else self.file
        self.problems.append(f"{where}: {text}")

    def find(
        self,
        check: str,
        subject: str,
        passed: bool | None,
        text: str,
        *,
        measured: float | None = None,
        limit: float | None = None,
        unit: str = "",
        column: str | None = None,
        severity: str = "note",
    ) -> None:
        """Add a finding; `passed` None means it only informs."""
        status = "info" if passed is None else "pass" if passed else "fail"
        self.findings.append(
            Finding(
                check, subject, status, severity, measured, limit, unit, text, file=self.file, column=column
            )
        )

    def missing_columns(self, present: Iterable[str], wanted: Iterable[str]) -> bool:
        """Whether any wanted column is absent; each is a problem naming what the file has."""
        present = list(present)
        absent = [name for name in wanted if name not in present]
        for name in absent:
            self.problem(f"not found; the file has {', '.join(map(str, present))}", column=name)
        return bool(absent)


def find_file(folder: Path, source: Source) -> tuple[Path | None, list[str]]:
    """The one file of a source below `folder`, or None, with problems if there is none or more than one."""
    found = sorted(folder.glob(source.file))
    if len(found) == 1:
        return found[0], []
    if not found:
        text = f"{source.file}: not found in {folder}; it holds {source.title!r}"
        return None, [text] if source.required else []
    names = ", ".join(path.name for path in found)
    return None, [f"{source.file}: more than one file fits ({names}); leave one"]


def vintage_of(path: Path, source: Source, years: pd.Series) -> str:
    """The vintage in words: what the file's name says, or the latest year it holds."""
    if source.vintage is None:
        return ""
    if source.vintage.source == "file_name":
        found = re.search(source.vintage.pattern or "$^", path.name)
        return found.group(1).replace("_", " ") if found else "unknown"
    latest = years.max()
    return "unknown" if pd.isna(latest) else f"release with {int(latest)}"


def measured_rows(
    frame: pd.DataFrame, measure: Measure, column: str, contracts: Contracts, log: Log
) -> pd.DataFrame:
    """`frame` (geography and year columns ready) with value, symbol, measure and unit from `column`."""
    parsed = parse_values(frame[column], contracts.symbols)
    _check_values(parsed, measure, column, log)
    kept = frame.drop(columns=[column]) if column in ROW_COLUMNS else frame
    return kept.assign(
        value=parsed["value"], symbol=parsed["symbol"], measure=measure.measure, unit=measure.unit
    )


def _check_values(parsed: pd.DataFrame, measure: Measure, column: str, log: Log) -> None:
    unknown = parsed.loc[~parsed["known"], "symbol"]
    if len(unknown):
        shown = ", ".join(repr(text) for text in sorted(unknown.unique())[:5])
        log.problem(
            f"{len(unknown)} cells of {measure.measure} are neither a number nor a declared symbol ({shown})",
            column,
        )
    outside = (parsed["value"] < measure.minimum) | (parsed["value"] > measure.maximum)
    log.find(
        "published_range",
        measure.measure,
        not outside.any(),
        f"{int(outside.sum())} values lie outside {measure.minimum:g} to {measure.maximum:g} {measure.unit}",
        measured=float(outside.sum()),
        limit=0.0,
        unit="values",
        column=column,
        severity="mark",
    )


def check_key(rows: pd.DataFrame, log: Log) -> None:
    """A place, year and measure must stand in a file once."""
    doubled = rows[rows.duplicated(KEY, keep=False)]
    if len(doubled):
        first = doubled.iloc[0]
        log.problem(
            f"{len(doubled)} rows repeat a place, year and measure "
            f"(first: {first['authority_code']}, {first['year']}, {first['measure']})"
        )
