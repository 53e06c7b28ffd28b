"""Explore Education Statistics files: wide CSV, one row per place, year and category."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sfpc_book.published.contract import Contracts, Measure, Source
from sfpc_book.published.geography import Geography
from sfpc_book.published.reading import ROW_COLUMNS, Log, Reading, check_key, measured_rows, vintage_of
from sfpc_book.published.values import years_ending


def read_ees(path: Path, source: Source, contracts: Contracts, geography: Geography) -> Reading:
    """Read the declared measures of one EES file. UTF-8 with or without a byte-order mark."""
    log = Log(path.name)
    empty = pd.DataFrame(columns=list(ROW_COLUMNS))
    try:
        raw = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        log.problem(f"cannot be read as CSV in UTF-8 ({error})")
        return Reading(empty, problems=tuple(log.problems))
    if log.missing_columns(raw.columns, _wanted_columns(source)):
        return Reading(empty, problems=tuple(log.problems))
    places = _years(_places(raw, source, geography, log), source, log)
    vintage = vintage_of(path, source, places["year"])
    parts = [_measure(places, measure, contracts, log) for measure in source.measures]
    rows = pd.concat(parts, ignore_index=True).assign(source=source.source, vintage=vintage)
    check_key(rows, log)
    log.find(
        "published_file_read",
        source.title,
        None,
        f"{len(source.measures)} measures for {rows['year'].nunique()} years read, {vintage}",
        measured=float(len(rows)),
        unit="rows",
    )
    return Reading(rows[list(ROW_COLUMNS)], tuple(log.findings), tuple(log.problems))


def _wanted_columns(source: Source) -> list[str]:
    filters = [column for measure in source.measures for column in measure.where]
    values = [measure.column for measure in source.measures if measure.column]
    return list(dict.fromkeys([*source.columns.values(), *filters, *values]))


def _places(raw: pd.DataFrame, source: Source, geography: Geography, log: Log) -> pd.DataFrame:
    """`raw` with authority_code, gss_code, name, geography; every row must be a known kind of place."""
    names = source.columns
    level = raw[names["level"]].map(source.levels)
    if level.isna().any():
        odd = sorted(raw.loc[level.isna(), names["level"]].unique())
        log.problem(f"{', '.join(map(repr, odd))} unknown; known: {', '.join(source.levels)}", names["level"])
    region_code = raw[names["region_gss"]].map({region.gss: region.code for region in geography.regions})
    code = raw[names["code"]].where(level == "authority", region_code)
    code = code.mask(level == "england", geography.england.code)
    gss = raw[names["gss"]].where(level == "authority", raw[names["region_gss"]])
    name = raw[names["name"]].where(level == "authority", raw[names["region"]])
    placed = raw.assign(
        authority_code=code,
        gss_code=gss.mask(level == "england", geography.england.gss),
        name=name.mask(level == "england", geography.england.names[0]),
        geography=level,
    )
    lost = level.notna() & ~code.fillna("").str.fullmatch(r"\d{3}")
    if lost.any():
        log.problem(f"{int(lost.sum())} rows have no three-digit code", names["code"])
    return placed[level.notna() & ~lost]


def _years(placed: pd.DataFrame, source: Source, log: Log) -> pd.DataFrame:
    column = source.columns["year"]
    year = years_ending(placed[column], source.years)
    if year.isna().any():
        odd = sorted(placed.loc[year.isna(), column].unique())
        log.problem(f"years not understood: {', '.join(map(repr, odd[:5]))}", column)
    return placed.assign(year=year).dropna(subset=["year"])


def _measure(placed: pd.DataFrame, measure: Measure, contracts: Contracts, log: Log) -> pd.DataFrame:
    part = placed
    for column, level in measure.where.items():
        if level not in set(part[column]):
            present = ", ".join(map(repr, sorted(part[column].unique())[:8]))
            log.problem(f"{level!r} not found for {measure.measure}; the file has {present}", column)
        part = part[part[column] == level]
    return measured_rows(part, measure, str(measure.column), contracts, log)
