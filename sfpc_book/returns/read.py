"""Read an authority's workbooks into canonical tables, with findings and a log of what was read where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sfpc_book.contracts.contract import DATA_CONTRACTS, TableContract
from sfpc_book.contracts.finding import Finding, write_findings
from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.errors import ReturnsError
from sfpc_book.returns.check import check_authority
from sfpc_book.returns.column_notes import LOG_COLUMNS
from sfpc_book.returns.combine import combine
from sfpc_book.returns.correction import Correction
from sfpc_book.returns.declared import Declared, layout_of, load_declared
from sfpc_book.returns.inventory import Inventory, read_inventory
from sfpc_book.returns.names import ReturnFile
from sfpc_book.returns.origin import Origin
from sfpc_book.returns.records import Returns, SheetRecords, read_records
from sfpc_book.returns.repair import Repairs
from sfpc_book.returns.settle import declared_frame, settle
from sfpc_book.returns.sheet_notes import workbook_findings
from sfpc_book.returns.sheets import Search, find_tables
from sfpc_book.returns.touched import Touched
from sfpc_book.returns.workbook import read_workbook
from sfpc_book.study.study import Study


def read_authority(study: Study, slug: str, folder: Path, data_contracts: Path = DATA_CONTRACTS) -> Returns:
    """Read and check all workbooks of one authority of the study below a folder.

    A workbook that cannot be read, or a return that is not there, is a finding of severity `block` or `mark`.

    Raises
    ------
    ReturnsError
        If the folder is missing or holds no workbook, or the study does not know the authority.
    ContractError
        If a contract is at fault, or a correction no longer matches the returns.
    """
    declared = load_declared(study, folder, data_contracts)
    inventory = read_inventory(study, folder, declared.corrections)
    returns = read_files(study, slug, inventory, declared)
    checked = check_authority(study, returns, inventory.of(slug), declared)
    return replace(returns, findings=(*returns.findings, *checked))


def read_files(study: Study, slug: str, inventory: Inventory, declared: Declared) -> Returns:
    """Read the workbooks that an inventory gives to one authority.

    Raises
    ------
    ContractError
        If a correction no longer matches the returns.
    """
    returns, touched = read_unsettled(study, slug, inventory, declared)
    applied = [part for part in declared.corrections if part.authority == slug]
    found = settle(applied, touched, returns.tables)
    listed = declared_frame(applied, touched)
    return replace(returns, findings=(*returns.findings, *found), corrections=listed)


def read_unsettled(
    study: Study, slug: str, inventory: Inventory, declared: Declared
) -> tuple[Returns, Touched]:
    """Read without holding the corrections against what they expect; also what they touched."""
    layout = layout_of(study, slug)
    corrections = [part for part in declared.corrections if part.authority == slug]
    files, touched = inventory.of(slug), Touched()
    contracts = [part for part in declared.contracts.values() if layout in part.sheets]
    sheets: list[SheetRecords] = []
    findings = list(inventory.findings_of(slug))
    for file in files:
        reaching = [part for part in corrections if part.reaches(layer=file.layer, month=file.month)]
        here = touched.at(file.path.name)
        read, found = _read_file(file, contracts, layout, declared.words, reaching, here)
        sheets, findings = sheets + read, findings + found
    tables = {}
    for contract in contracts:
        frames = [records.frame for records in sheets if records.table == contract.table]
        repairs = Repairs([part for part in corrections if part.table == contract.table], touched)
        origin = Origin(slug, contract.layer, table=contract.table)
        tables[contract.table], found = combine(frames, contract, repairs, origin)
        findings += found
    findings += [finding for records in sheets for finding in records.findings]
    listed = declared_frame((), touched)
    return Returns(slug, tables, tuple(sheets), tuple(findings), _log(sheets), listed), touched


def write_returns(returns: Returns, folder: Path) -> None:
    """Write `<table>.parquet`, `findings.csv`, `reading_log.csv` and `corrections.csv`; equal returns give
    equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in sorted(returns.tables.items()):
        table.to_parquet(folder / f"{name}.parquet", index=False)
    write_findings(returns.findings, folder / "findings.csv")
    for name, table in (("reading_log", returns.log), ("corrections", returns.corrections)):
        table.to_csv(folder / f"{name}.csv", index=False, encoding="utf-8", lineterminator="\n")


def _naming(file: ReturnFile, corrections: Iterable[Correction]) -> list[str]:
    """Ids of the corrections by which a file is its authority's; none or one."""
    return [part.id for part in corrections if file.alias is not None and part.spelling == file.alias]


def _read_file(
    file: ReturnFile,
    contracts: Sequence[TableContract],
    layout: str,
    words: Vocabularies,
    corrections: Sequence[Correction],
    touched: Touched,
) -> tuple[list[SheetRecords], list[Finding]]:
    origin = Origin(file.slug, file.layer, file.month, file.path.name)
    named = _naming(file, corrections)
    for name in named:
        touched.add(name, 1)
    try:
        book = read_workbook(file.path)
    except ReturnsError as error:
        return [], [origin.finding("workbook_unreadable", error.message, severity="block", count=1)]
    of_layer = [part for part in contracts if part.layer == file.layer]
    found = find_tables(book.sheets, Search(of_layer, layout, corrections, touched, words), origin)
    by_table = {part.table: part for part in of_layer}
    read = []
    for located in found.tables:
        here = [part for part in corrections if part.reaches(sheet=located.sheet.name, table=located.table)]
        there = touched.at(file.path.name, located.sheet.name)
        repairs = Repairs(here, there, (*named, *located.corrections))
        read.append(read_records(located, by_table[located.table], words, repairs, origin))
    return read, [*workbook_findings(book, origin), *found.findings]


def _log(sheets: Iterable[SheetRecords]) -> pd.DataFrame:
    rows = [row for records in sheets for row in records.log]
    return pd.DataFrame(rows, columns=list(LOG_COLUMNS))
