"""Write everything the chapters read of published statistics."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sfpc_book.contracts.finding import findings_frame
from sfpc_book.published.compare import compare
from sfpc_book.published.comparison import load_comparison
from sfpc_book.published.contract import CONTRACTS
from sfpc_book.published.geography import load_geography
from sfpc_book.published.profile import profiles
from sfpc_book.published.sources import read_published
from sfpc_book.study.study import Study


@dataclass(frozen=True)
class PublishedBuild:
    """What was written: the folder, the files by name, and whether the numbers are real."""

    folder: Path
    files: tuple[str, ...]
    data_status: str


def build_published(
    study: Study, folder: Path | str, out: Path | str, contracts_folder: Path = CONTRACTS
) -> PublishedBuild:
    """Read the folder, make profiles and comparisons, and write them below `out`.

    Files: series.parquet, neighbours.parquet, profile.parquet, profile_neighbours.csv, matched.csv (tidy
    estimates), matches.csv (comparators of each adopter), left_out.csv (who is no comparator, and why),
    revisions.csv (numbers on which two vintages differ), sources.csv (citations and vintages), findings.csv,
    status.json.

    Raises
    ------
    PublishedDataError
        If the folder cannot be used; nothing is written then.
    """
    published = read_published(study, folder, contracts_folder)
    geography, comparison = load_geography(contracts_folder), load_comparison(contracts_folder)
    compared = compare(study, published, comparison, geography)
    models = {
        part.la_code: part.model or ""
        for part in study.authorities.values()
        if part.role in ("trial", "pilot")
    }
    codes = [part.la_code for part in study.authorities.values()]
    profile, lists = profiles(published.series, published.neighbours, codes, models)
    status = {"data_status": published.data_status, "synthetic": published.data_status == "synthetic"}
    frames = {
        "series.parquet": published.series,
        "neighbours.parquet": published.neighbours,
        "profile.parquet": profile.assign(data_status=published.data_status),
        "profile_neighbours.csv": lists,
        "matched.csv": compared.estimates,
        "matches.csv": compared.matches,
        "left_out.csv": compared.left_out,
        "revisions.csv": published.revisions,
        "sources.csv": published.sources,
        "findings.csv": findings_frame([*published.findings, *compared.findings]),
    }
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        _write(frame, out / name)
    text = json.dumps(status, indent=2, sort_keys=True) + "\n"
    (out / "status.json").write_text(text, encoding="utf-8", newline="\n")
    return PublishedBuild(out, (*frames, "status.json"), published.data_status)


def _write(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
