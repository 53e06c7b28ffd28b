"""Hold what a check found against the answer key of synthetic returns, and show it as a table."""

from __future__ import annotations

import pandas as pd
from rich.console import Console
from rich.table import Table

from sfpc_book.book.check import CheckReport
from sfpc_book.contracts.answer_key import judge, read_answer_key, score
from sfpc_book.errors import ParameterError, ReturnsError

ANSWER_KEY = "answer_key.csv"


def score_findings(report: CheckReport, console: Console) -> None:
    """Print defects planted, found and falsely reported, by kind, with their sums.

    Raises
    ------
    ParameterError
        If the returns have no answer key, or not all authorities were checked.
    ReturnsError
        Naming every place where a planted defect was not found.
    """
    path = report.returns / ANSWER_KEY
    if not path.is_file():
        raise ParameterError(f"--score needs {ANSWER_KEY} in {report.returns}; synthetic returns have one")
    if report.alone:
        raise ParameterError("--score needs all authorities: leave --only out")
    key, findings = read_answer_key(path), pd.concat(report.findings.values(), ignore_index=True)
    console.print(_table(score(key, findings)))
    judged, _ = judge(key, findings)
    problems = [
        f"{row.kind}: {row.told_by} does not tell it, or not exactly: {row.authority} {row.file} {row.sheet}"
        for row in judged[~judged["found"]].itertuples()
    ]
    if problems:
        raise ReturnsError(f"{len(problems)} of {len(judged)} planted defects were not found", problems)


def _table(counts: pd.DataFrame) -> Table:
    names = ("planted", "found", "falsely_reported")
    table = Table("kind", "told by", *(name.replace("_", " ") for name in names), box=None)
    for row in counts.to_dict("records"):
        table.add_row(row["kind"], row["told_by"], *(str(row[name]) for name in names))
    table.add_row("all", "", *(str(counts[name].sum()) for name in names), style="bold")
    return table
