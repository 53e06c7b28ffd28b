"""Read the returns as a build does, and show what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from sfpc_book.book.places import DataSources, data_folders
from sfpc_book.book.plan import FINDINGS_TABLE, WORKBOOKS, authority_slice
from sfpc_book.book.step import Places, Step
from sfpc_book.book.steps import COMPARING, data_steps, findings_step_name, findings_steps, trial_authorities
from sfpc_book.book.tasks import Watch, run_steps
from sfpc_book.errors import ContractError, ParameterError, ReturnsError
from sfpc_book.study.schema import Study
from sfpc_book.study.study import load_study

STYLES = {"block": "bold red", "mark": "yellow", "note": "default"}


@dataclass(frozen=True)
class CheckReport:
    """The findings of each authority, with the columns of `findings.csv`; `alone`: without comparisons."""

    findings: dict[str, pd.DataFrame]
    returns: Path
    build: Path
    alone: bool

    @property
    def place(self) -> Path:
        """Where the files of findings are."""
        return _findings_file(self.build, "<authority>", alone=self.alone)


def check_returns(
    study_path: Path,
    build: Path,
    sources: DataSources,
    only: Sequence[str],
    *,
    jobs: int,
    say: Callable[[str], None],
) -> CheckReport:
    """Read the workbooks that have changed, collect all findings, and write a workbook of them per authority.

    Raises `ParameterError` for an unknown authority, `ReturnsError` listing every authority that cannot be
    read, `ContractError` where a contract or a correction is at fault.
    """
    study = load_study(study_path)
    slugs = _chosen(study, only)
    places = data_folders(study, study_path.resolve(), build.resolve(), sources, say)
    alone = bool(only)
    outcomes = run_steps(_steps(study, places, slugs, alone=alone), places, jobs=jobs or 2, watch=Watch())
    problems = [f"{outcome.name}: {outcome.cause}" for outcome in outcomes if outcome.status == "failed"]
    if problems:
        of_contracts = any(outcome.exit_code == ContractError.exit_code for outcome in outcomes)
        kind = ContractError if of_contracts else ReturnsError
        raise kind("some returns cannot be checked or reported", problems)
    findings = {slug: _findings(places.build, slug, alone=alone) for slug in slugs}
    return CheckReport(findings, places.returns, places.build, alone)


def _steps(study: Study, places: Places, slugs: Sequence[str], *, alone: bool) -> list[Step]:
    """Read, compare unless authorities are looked at alone, and write each one's workbook of findings."""
    names = {"data status", *(f"read {slug}" for slug in slugs), *(() if alone else COMPARING)}
    wanted = {findings_step_name(slug) for slug in slugs}
    writing = [step for step in findings_steps(study, places, compared=not alone) if step.name in wanted]
    return [*(step for step in data_steps(study, places) if step.name in names), *writing]


def _findings(build: Path, slug: str, *, alone: bool) -> pd.DataFrame:
    return pd.read_csv(_findings_file(build, slug, alone=alone), dtype="str")


def _findings_file(build: Path, slug: str, *, alone: bool) -> Path:
    """What was found in one authority's returns, with what comparisons found unless it was read alone."""
    path = f"returns/{slug}"
    return build / (path if alone else authority_slice(slug, path)) / FINDINGS_TABLE


def findings_of_build(study: Study, build: Path) -> dict[str, pd.DataFrame]:
    """What the last build found in the returns of each trial authority."""
    return {slug: _findings(build, slug, alone=False) for slug in trial_authorities(study)}


def raise_for_blocked(findings: Mapping[str, pd.DataFrame]) -> None:
    """Raise `ReturnsError` naming what keeps an authority out of the estimates, for every authority."""
    problems = [
        f"{slug}: {row.text}"
        for slug, table in findings.items()
        for row in table[(table["status"] == "fail") & (table["severity"] == "block")].itertuples()
    ]
    if problems:
        raise ReturnsError(
            "returns of these authorities cannot be used; they stay out of the estimates, and pages say so",
            problems,
        )


def print_findings(report: CheckReport, console: Console) -> None:
    """One table per authority of what failed, then how many findings there are of each kind."""
    for slug, findings in report.findings.items():
        failed = findings[findings["status"] == "fail"]
        console.print(
            _table(slug, failed) if len(failed) else f"[bold]{slug}[/bold]  no check found anything"
        )
        ruled = findings[(findings["status"] == "info") & (findings["check"] != "correction")]
        if len(ruled):
            kinds = ", ".join(f"{name} {number}" for name, number in ruled["check"].value_counts().items())
            console.print(f"odd, and read by a rule: {kinds}", highlight=False)
    everything = pd.concat(report.findings.values(), ignore_index=True)
    counts = everything[everything["status"] == "fail"]["severity"].value_counts()
    words = ", ".join(f"{counts.get(name, 0)} {name}" for name in STYLES)
    console.print(f"{words}; details in {report.place}", highlight=False)
    console.print(f"workbooks for the authorities: {report.build / WORKBOOKS}", highlight=False)


def _table(slug: str, failed: pd.DataFrame) -> Table:
    table = Table("severity", "check", "where", "what", title=slug, title_justify="left", box=None)
    order = failed.assign(rank=failed["severity"].map(list(STYLES).index)).sort_values("rank", kind="stable")
    for row in order.fillna("").to_dict("records"):
        where = " ".join(filter(None, (row.get("file", ""), row.get("sheet", ""), row.get("column", ""))))
        style = STYLES.get(row["severity"], "default")
        table.add_row(row["severity"], row["check"], where, row["text"], style=style)
    return table


def _chosen(study: Study, only: Sequence[str]) -> tuple[str, ...]:
    known = trial_authorities(study)
    unknown = [slug for slug in only if slug not in known]
    if unknown:
        allowed = ", ".join(known)
        raise ParameterError(
            f"no trial authority is called {', '.join(map(repr, unknown))}. Allowed: {allowed}"
        )
    return tuple(slug for slug in known if not only or slug in only)
