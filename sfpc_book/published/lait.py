"""The Local Authority Interactive Tool's long file: one row per series, place and year, values as text."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sfpc_book.published.contract import Contracts, Measure, Source
from sfpc_book.published.geography import Geography
from sfpc_book.published.reading import ROW_COLUMNS, Log, Reading, check_key, measured_rows, vintage_of
from sfpc_book.published.values import three_digit, years_ending


def read_lait(path: Path, source: Source, contracts: Contracts, geography: Geography) -> Reading:
    """Read the declared series of a LAIT file."""
    log = Log(path.name)
    try:
        raw = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        log.problem(f"cannot be read as parquet ({error})")
        return Reading(pd.DataFrame(columns=list(ROW_COLUMNS)), problems=tuple(log.problems))
    names = source.columns
    if log.missing_columns(raw.columns, names.values()):
        return Reading(pd.DataFrame(columns=list(ROW_COLUMNS)), problems=tuple(log.problems))
    vintage = vintage_of(path, source, pd.Series(dtype="Int64"))
    places = _places(raw, source, geography, log)
    wanted = places[places[names["series"]].isin([measure.series for measure in source.measures])]
    parts = [_series(wanted, measure, source, contracts, log) for measure in source.measures]
    rows = pd.concat(parts, ignore_index=True).assign(source=source.source, vintage=vintage, gss_code=pd.NA)
    check_key(rows, log)
    log.find(
        "published_series_read",
        source.title,
        None,
        f"{len(source.measures)} of {raw[names['series']].nunique()} series read, vintage {vintage}",
        measured=float(len(source.measures)),
        unit="series",
    )
    return Reading(rows[list(ROW_COLUMNS)], tuple(log.findings), tuple(log.problems))


def _places(raw: pd.DataFrame, source: Source, geography: Geography, log: Log) -> pd.DataFrame:
    """`raw` with authority_code, name and geography; rows without a code are a problem."""
    names = source.columns
    code = three_digit(raw[names["code"]])
    if code.isna().any():
        log.problem(f"{int(code.isna().sum())} rows have no three-digit code", names["code"])
    levels = {item: geography.level(item) for item in code.dropna().unique()}
    return raw.assign(authority_code=code, name=raw[names["name"]].str.strip(), geography=code.map(levels))


def _series(
    wanted: pd.DataFrame, measure: Measure, source: Source, contracts: Contracts, log: Log
) -> pd.DataFrame:
    names = source.columns
    part = wanted[wanted[names["series"]] == measure.series]
    if part.empty:
        log.problem(f"series {measure.series!r} ({measure.description}) not found", names["series"])
        return pd.DataFrame(columns=[*ROW_COLUMNS])
    year = years_ending(part[names["year"]], measure.years or source.years)
    if year.isna().any():
        odd = sorted(part.loc[year.isna(), names["year"]].unique())
        log.problem(
            f"years of {measure.series} not understood: {', '.join(map(repr, odd[:5]))}", names["year"]
        )
    part = part.assign(year=year).dropna(subset=["year"])
    return measured_rows(part, measure, names["value"], contracts, log)
