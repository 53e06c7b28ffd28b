"""Write an authority's workbook of findings into the build folder, from what its chapter may read.

It is no part of the site: it goes to the authority alone. Yet it may be mailed, so it is held to the rules of
published files, and read for identifiers before it is put in its place.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pandas as pd

from sfpc_book.book.leaks import scan_workbook
from sfpc_book.book.plan import DATA_STATUS, WORKBOOKS, authority_slice
from sfpc_book.book.step import Places
from sfpc_book.contracts.check_words import load_check_words
from sfpc_book.contracts.contract import load_contracts
from sfpc_book.contracts.finding import read_findings
from sfpc_book.report.disclosure_returns import (
    OWNER_COLUMNS,
    publish_findings,
    publish_reading,
    publish_repairs,
)
from sfpc_book.report.findings_name import workbook_name
from sfpc_book.report.findings_workbook import OwnFindings, findings_workbook
from sfpc_book.report.workbook import write_workbook
from sfpc_book.study.study import load_study


def export_findings(places: Places, authority: str, *, compared: bool) -> Path:
    """Write `findings/<authority>_findings.xlsx` (`_findings_synthetic` where the data are).

    A workbook of the other data status is removed. Raises `DisclosureError` if an identifier of a child
    stands in the workbook; it is not written then.
    """
    study, contracts = load_study(places.study_path), places.home / "data_contracts"
    own = _own_findings(places, authority, compared)
    titles = {name: contract.title for name, contract in load_contracts(contracts).items()}
    workbook = findings_workbook(study, own, load_check_words(contracts), titles)
    target = places.build / WORKBOOKS / workbook_name(authority, own.status)
    target.parent.mkdir(parents=True, exist_ok=True)
    for status in ("returns", "synthetic"):
        (target.parent / workbook_name(authority, status)).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = write_workbook(workbook, Path(folder) / target.name)
        scan_workbook(made, places.build / "returns" / authority)
        return made.replace(target)


def _own_findings(places: Places, authority: str, compared: bool) -> OwnFindings:
    study = load_study(places.study_path)
    path = f"returns/{authority}"
    folder = places.build / (authority_slice(authority, path) if compared else path)
    status = json.loads((places.build / DATA_STATUS).read_text(encoding="utf-8"))["returns"]
    findings = read_findings(folder / "findings.csv")
    findings = findings[findings["authority"] == authority]  # what names no authority may be another's
    return OwnFindings(
        authority=study.authorities[authority],
        findings=publish_findings(findings, study.disclosure, OWNER_COLUMNS),
        repairs=publish_repairs(pd.read_csv(folder / "corrections.csv"), findings, study.disclosure),
        reading=publish_reading(pd.read_csv(folder / "reading_log.csv"), study.disclosure),
        status=status,
        compared=compared,
    )
