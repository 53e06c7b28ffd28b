"""Read a folder of published statistics as it is, found by contract; all problems are told at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sfpc_book.contracts.finding import Finding
from sfpc_book.errors import PublishedDataError
from sfpc_book.published.checks import check_gaps, check_geography, check_study
from sfpc_book.published.combine import add_derived, combine, derive_rate
from sfpc_book.published.comparison import Comparison, load_comparison
from sfpc_book.published.contract import CONTRACTS, Contracts, Source, load_contracts
from sfpc_book.published.ees import read_ees
from sfpc_book.published.geography import Geography, canonical_gss, load_geography
from sfpc_book.published.lait import read_lait
from sfpc_book.published.lists import read_code_list, read_dictionary, read_neighbours
from sfpc_book.published.reading import Log, Reading, find_file
from sfpc_book.published.vintages import check_derived, check_files, check_revisions
from sfpc_book.study.study import Study


@dataclass(frozen=True)
class Published:
    """Everything a folder of published statistics says, in one shape.

    `series`: authority_code, gss_code, name, geography, year (ending 31 March), measure, value, unit, symbol,
    source, vintage. `neighbours`: code, neighbour_code, rank. `codes`: the code list. `revisions`: numbers on
    which two vintages differ. `sources`: title, publisher, licence, citation, file and vintage of each.
    """

    series: pd.DataFrame
    neighbours: pd.DataFrame
    codes: pd.DataFrame
    revisions: pd.DataFrame
    sources: pd.DataFrame
    findings: tuple[Finding, ...]
    data_status: str
    truth: dict[str, float]


def read_published(study: Study, folder: Path | str, contracts_folder: Path = CONTRACTS) -> Published:
    """Read every declared file below `folder`.

    Raises
    ------
    PublishedDataError
        With every problem of every file: missing or doubled files, missing columns, unreadable cells.
    """
    folder = Path(folder)
    contracts, geography = load_contracts(contracts_folder), load_geography(contracts_folder)
    comparison = load_comparison(contracts_folder)
    manifest = _manifest(folder)
    paths, problems = _find_all(folder, contracts)
    codes, neighbours, list_log = _lists(paths, contracts, geography)
    readings = _readings(paths, contracts, geography)
    problems += [*list_log.problems, *(text for reading in readings.values() for text in reading.problems)]
    if problems:
        raise PublishedDataError(f"The published statistics in {folder} cannot be used", problems)
    rows = pd.concat([reading.rows for reading in readings.values()], ignore_index=True)
    series, revisions = combine(rows, contracts)
    series = _with_derived(_named(series, codes, rows, geography), comparison)
    findings = [*list_log.findings, *(item for reading in readings.values() for item in reading.findings)]
    findings += check_files(folder, paths, contracts)
    findings += check_revisions(revisions)
    findings += [check_derived(series, rule) for rule in comparison.derived]
    findings += check_geography(rows, codes, geography)
    findings += check_study(study, codes, series, geography)
    findings += check_gaps(study, series, contracts)
    return Published(
        series=series,
        neighbours=neighbours,
        codes=codes,
        revisions=revisions,
        sources=_sources(paths, rows, contracts, comparison),
        findings=tuple(findings),
        data_status="synthetic" if manifest.get("synthetic") else "published",
        truth={key: float(value) for key, value in manifest.get("truth", {}).items()},
    )


def _manifest(folder: Path) -> dict:
    if not folder.is_dir():
        raise PublishedDataError(f"There is no folder of published statistics at {folder}")
    path = folder / "manifest.json"
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise PublishedDataError(f"{path} is not valid JSON: {error}") from None


def _find_all(folder: Path, contracts: Contracts) -> tuple[dict[str, Path], list[str]]:
    paths, problems = {}, []
    for key, source in contracts.sources.items():
        path, faults = find_file(folder, source)
        problems += faults
        if path is not None:
            paths[key] = path
    return paths, problems


def _lists(
    paths: dict[str, Path], contracts: Contracts, geography: Geography
) -> tuple[pd.DataFrame, pd.DataFrame, Log]:
    """Code list, neighbours and one log of both and of the dictionary's agreement with the contract."""
    logs, tables = [], {"code_list": pd.DataFrame(), "neighbours": pd.DataFrame()}
    for kind in ("code_list", "neighbours", "dictionary"):
        for source in contracts.of_kind(kind):
            if source.source not in paths:
                continue
            path, log = paths[source.source], Log(paths[source.source].name)
            if kind == "code_list":
                tables[kind] = read_code_list(path, source, geography, log)
            elif kind == "neighbours":
                tables[kind] = read_neighbours(path, source, log)
            else:
                _check_dictionary(path, source, contracts, log)
            logs.append(log)
    together = Log("")
    for log in logs:
        together.findings += log.findings
        together.problems += log.problems
    return tables["code_list"], tables["neighbours"], together


def _check_dictionary(path: Path, source: Source, contracts: Contracts, log: Log) -> None:
    known = set(read_dictionary(path, source, log)["series"])
    for lait in contracts.of_kind("lait"):
        for measure in lait.measures:
            log.find(
                "published_series_defined",
                measure.measure,
                measure.series in known,
                f"series {measure.series} is {'' if measure.series in known else 'not '}in the dictionary",
                column=source.columns["series"],
            )


def _readings(paths: dict[str, Path], contracts: Contracts, geography: Geography) -> dict[str, Reading]:
    readers = {"lait": read_lait, "ees": read_ees}
    return {
        key: readers[source.kind](paths[key], source, contracts, geography)
        for key, source in contracts.sources.items()
        if source.kind in readers and key in paths
    }


def _named(
    series: pd.DataFrame, codes: pd.DataFrame, rows: pd.DataFrame, geography: Geography
) -> pd.DataFrame:
    """One name and one ONS code for each three-digit code, whatever the files wrote in that year."""
    gss = canonical_gss(rows[["authority_code", "gss_code", "year"]], geography)
    names = dict(zip(codes["authority_code"], codes["name"], strict=True))
    names |= {place.code: place.names[0] for place in geography.places()}
    return series.assign(
        gss_code=series["authority_code"].map(gss).astype("str"),
        name=series["authority_code"].map(names).fillna(series["name"]),
    )


def _with_derived(series: pd.DataFrame, comparison: Comparison) -> pd.DataFrame:
    for rule in comparison.derived:
        derived = derive_rate(
            series,
            numerator=rule.numerator,
            denominator=rule.denominator,
            lag=rule.lag,
            per=rule.per,
            decimals=rule.decimals,
        )
        series = add_derived(series, derived, measure=rule.measure, unit=rule.unit, formula=rule.formula)
    return series


def _sources(
    paths: dict[str, Path], rows: pd.DataFrame, contracts: Contracts, comparison: Comparison
) -> pd.DataFrame:
    vintages = dict(rows.drop_duplicates("source")[["source", "vintage"]].itertuples(index=False, name=None))
    return pd.DataFrame(
        [
            {
                "source": key,
                "title": source.title,
                "publisher": source.publisher,
                "licence": source.licence,
                "citation": source.citation,
                "file": paths[key].name if key in paths else "",
                "vintage": vintages.get(key, ""),
                "measures": "; ".join(measure.measure for measure in source.measures),
            }
            for key, source in contracts.sources.items()
        ]
    )
