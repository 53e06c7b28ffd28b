"""The code list of authorities, the dictionary of series, and the ten statistical neighbours."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sfpc_book.published.contract import Source
from sfpc_book.published.geography import Geography
from sfpc_book.published.reading import Log
from sfpc_book.published.values import three_digit

CODE_COLUMNS = ["authority_code", "name", "region", "type"]
NEIGHBOUR_COLUMNS = ["code", "neighbour_code", "rank"]


def read_code_list(path: Path, source: Source, geography: Geography, log: Log) -> pd.DataFrame:
    """Authorities and regions: authority_code, name, region, type, geography; discontinued ones left out."""
    sheet = _sheet(path, source, log)
    names = source.columns
    header = _header_row(sheet, names.values(), log)
    if header is None:
        return pd.DataFrame(columns=[*CODE_COLUMNS, "geography"])
    table = _below(sheet, header).rename(columns={names[key]: key for key in names})
    codes = pd.DataFrame({"authority_code": three_digit(table["code"]), "name": table["name"].str.strip()})
    codes = codes.assign(region=table["region"], type=table["type"]).dropna(subset=["authority_code"])
    codes = codes[~codes["authority_code"].isin(geography.discontinued)]
    doubled = codes["authority_code"].duplicated()
    if doubled.any():
        log.problem(f"codes stand twice: {', '.join(codes.loc[doubled, 'authority_code'])}", names["code"])
    return codes.assign(geography=codes["authority_code"].map(geography.level)).reset_index(drop=True)


def read_neighbours(path: Path, source: Source, log: Log) -> pd.DataFrame:
    """Long table code, neighbour_code, rank (1 = nearest), without authorities the model does not know."""
    sheet = _sheet(path, source, log)
    ranked = {source.columns["neighbour"].format(rank=rank): rank for rank in range(1, source.neighbours + 1)}
    code = source.columns["code"]
    header = _header_row(sheet, [code, *ranked], log)
    if header is None:
        return pd.DataFrame(columns=NEIGHBOUR_COLUMNS)
    table = _below(sheet, header)
    table = table.assign(code=three_digit(table[code])).dropna(subset=["code"])
    long = table.melt(id_vars="code", value_vars=list(ranked), var_name="rank", value_name="cell")
    long = long.assign(
        rank=long["rank"].map(ranked).astype("int64"), neighbour_code=three_digit(long["cell"])
    )
    none = long["cell"].fillna("").astype("str").str.strip().isin(source.none)
    if (long["neighbour_code"].isna() & ~none).any():
        log.problem("cells are neither a code nor a declared blank", source.columns["neighbour"])
    without = sorted(set(long["code"]) - set(long.dropna(subset=["neighbour_code"])["code"]))
    log.find(
        "published_neighbours",
        source.title,
        None,
        f"{len(without)} authorities have no neighbours in this model: {', '.join(without) or 'none'}",
        measured=float(len(without)),
        unit="authorities",
    )
    long = long.dropna(subset=["neighbour_code"]).sort_values(["code", "rank"])
    return long[NEIGHBOUR_COLUMNS].reset_index(drop=True)


def read_dictionary(path: Path, source: Source, log: Log) -> pd.DataFrame:
    """Series, title, unit, method: the publisher's own words on each series."""
    raw = pd.read_csv(path, dtype="str", encoding="utf-8-sig")
    if log.missing_columns(raw.columns, source.columns.values()):
        return pd.DataFrame(columns=list(source.columns))
    table = raw.rename(columns={name: key for key, name in source.columns.items()})
    return (
        table[list(source.columns)].dropna(subset=["series"]).drop_duplicates("series").reset_index(drop=True)
    )


def _sheet(path: Path, source: Source, log: Log) -> pd.DataFrame:
    """All cells of the declared sheet as objects, or an empty frame with a problem."""
    try:
        return pd.read_excel(path, sheet_name=source.sheet, header=None, dtype=object, engine="calamine")
    except Exception as error:  # the engine raises its own classes for a broken workbook
        log.problem(f"sheet {source.sheet!r} cannot be read ({error})")
        return pd.DataFrame()


def _header_row(sheet: pd.DataFrame, wanted: object, log: Log) -> int | None:
    """Index of the first row that holds every wanted name."""
    names = list(wanted)  # type: ignore[call-overload]
    for row in range(min(len(sheet), 20)):
        if set(names) <= set(sheet.iloc[row].dropna().astype("str").str.strip()):
            return row
    if len(sheet):
        log.problem(f"no header row among the first 20 holds all of {', '.join(names)}")
    return None


def _below(sheet: pd.DataFrame, header: int) -> pd.DataFrame:
    names = sheet.iloc[header].astype("str").str.strip()
    table = sheet.iloc[header + 1 :].set_axis(names, axis=1)
    return table.loc[:, ~table.columns.duplicated()].reset_index(drop=True)
