"""`check --score`: defects planted, found and falsely reported as a table; an error for what was missed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from sfpc_book.book.check import CheckReport
from sfpc_book.book.score import score_findings
from sfpc_book.contracts.finding import Finding, findings_frame
from sfpc_book.errors import ParameterError, ReturnsError
from sfpc_book.simulate.planting import Planted
from sfpc_book.simulate.spoiling import answer_key

PLANTED = Planted(
    kind="list_letters", group="cell", authority="swindon", layer="dr2", return_month="nov20", file="f.xlsx",
    sheet="s", row=5, column="gender", count=3, handled_by="reader", told_by="cell_forms",
    told_untreated="cell_forms", scope="sheet", also_told="", also_untreated="", correction="", says="",
)  # fmt: skip


def report(folder: Path, count: int, *, alone: bool = False) -> CheckReport:
    answer_key([PLANTED]).to_csv(folder / "answer_key.csv", index=False)
    found = [
        Finding(check, "t", "info", "note", None, None, "", "text", "swindon", "dr2", "f.xlsx", "s", 5,
                "gender", count)
        for check in ("cell_forms", "range")
    ]  # fmt: skip
    findings_frame(found).to_csv(folder / "findings.csv", index=False)
    return CheckReport({"swindon": pd.read_csv(folder / "findings.csv", dtype="str")}, folder, folder, alone)


def test_the_table_says_what_was_planted_found_and_falsely_reported(tmp_path, capsys):
    score_findings(report(tmp_path, 3), Console(width=100))
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["list_letters", "cell_forms", "1", "1", "0"] in rows
    assert ["nothing", "planted", "range", "0", "0", "1"] in rows
    assert ["all", "1", "1", "1"] in rows


def test_what_was_not_found_exactly_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ReturnsError, match="1 of 1 planted defects were not found") as error:
        score_findings(report(tmp_path, 2), Console(width=100))
    assert "list_letters: cell_forms does not tell it" in error.value.text()
    assert "swindon f.xlsx s" in error.value.text()


def test_only_whole_synthetic_returns_can_be_scored(tmp_path):
    with pytest.raises(ParameterError, match="leave --only out"):
        score_findings(report(tmp_path, 3, alone=True), Console())
    (tmp_path / "answer_key.csv").unlink()
    real = CheckReport({}, tmp_path, tmp_path, False)
    with pytest.raises(ParameterError, match="synthetic returns have one"):
        score_findings(real, Console())
