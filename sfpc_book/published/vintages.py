"""Findings on where numbers come from: unread files, revised numbers, rates that had to be computed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sfpc_book.contracts.finding import Finding
from sfpc_book.published.combine import derive_rate
from sfpc_book.published.comparison import Derived
from sfpc_book.published.contract import Contracts

AGREEMENT = 1.0  # a rate rounded to a whole number cannot agree better than this with a rounded one


def check_files(folder: Path, paths: dict[str, Path], contracts: Contracts) -> list[Finding]:
    """Optional files that are absent, and files that no contract reads."""
    findings = []
    for key, source in contracts.sources.items():
        if key not in paths:
            text = f"{source.file} is absent, and so are its measures: " + ", ".join(
                measure.measure for measure in source.measures
            )
            findings.append(_info("published_file_absent", source.title, text, None, "", source.file))
    known = {path.resolve() for path in paths.values()}
    for path in sorted(folder.glob("*/*")):
        if path.is_file() and path.resolve() not in known:
            text = f"{path.name} is not read: no contract names it"
            findings.append(_info("published_file_unread", path.name, text, None, "", path.name))
    return findings


def check_revisions(revisions: pd.DataFrame) -> list[Finding]:
    """Per measure: how many numbers two vintages give differently, and by how much at most."""
    findings = []
    for measure, part in revisions.groupby("measure"):
        worst = part.loc[part["difference"].abs().idxmax()]
        text = (
            f"{len(part)} numbers differ between {worst['source_used']} (used) and {worst['source_other']}; "
            f"the largest difference is {worst['difference']:g} ({worst['authority_code']}, {worst['year']})"
        )
        findings.append(_info("published_revision", str(measure), text, float(len(part)), "numbers"))
    return findings


def check_derived(series: pd.DataFrame, rule: Derived) -> Finding:
    """Where a rate is both published and computable: how often the two agree to a whole number."""
    derived = derive_rate(
        series,
        numerator=rule.numerator,
        denominator=rule.denominator,
        lag=rule.lag,
        per=rule.per,
        decimals=rule.decimals,
    )
    published = series[(series["measure"] == rule.measure) & (series["vintage"] != "derived")]
    both = published.merge(derived, on=["authority_code", "year"], suffixes=("", "_derived")).dropna(
        subset=["value"]
    )
    gap = (both["value"] - both["value_derived"]).abs()
    share = float((gap <= AGREEMENT).mean()) if len(gap) else float("nan")
    text = (
        f"{rule.measure} is computed as {rule.formula} where it is not published; where it is, "
        f"{share:.1%} of {len(gap)} published rates agree to within {AGREEMENT:g}, the largest gap "
        f"is {gap.max():g}"
    )
    return _info("published_derived", rule.measure, text, share, "share")


def _info(
    check: str, subject: str, text: str, measured: float | None, unit: str, file: str | None = None
) -> Finding:
    return Finding(check, subject, "info", "note", measured, None, unit, text, file=file)
