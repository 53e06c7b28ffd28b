"""One series from several vintages: the newer source where it has a value, every difference recorded."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.published.contract import Contracts
from sfpc_book.published.reading import KEY, ROW_COLUMNS

REVISION_COLUMNS = [*KEY, "source_used", "value_used", "source_other", "value_other", "difference"]


def combine(rows: pd.DataFrame, contracts: Contracts) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Choose one row per place, year and measure.

    A number goes before a symbol, then the source with the higher precedence goes before the lower.

    Returns
    -------
    series, revisions
        `series` has ROW_COLUMNS; `revisions` one row per number that another source gives differently.
    """
    precedence = rows["source"].map({key: source.precedence for key, source in contracts.sources.items()})
    ordered = rows.assign(_has=rows["value"].notna(), _precedence=precedence)
    ordered = ordered.sort_values(
        [*KEY, "_has", "_precedence"], ascending=[True] * 3 + [False] * 2, kind="stable"
    )
    chosen = ordered.drop_duplicates(KEY)
    series = chosen[list(ROW_COLUMNS)].astype({"year": "int64"}).reset_index(drop=True)
    return series, _revisions(ordered, chosen)


def _revisions(ordered: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    others = ordered.loc[~ordered.index.isin(chosen.index), [*KEY, "source", "value"]]
    pairs = chosen[[*KEY, "source", "value"]].merge(others, on=KEY, suffixes=("_used", "_other"))
    pairs = pairs.assign(difference=pairs["value_used"] - pairs["value_other"])
    differ = pairs["difference"].abs() > 1e-9
    return pairs.loc[differ, REVISION_COLUMNS].reset_index(drop=True)


def derive_rate(
    series: pd.DataFrame, *, numerator: str, denominator: str, lag: int, per: float, decimals: int
) -> pd.DataFrame:
    """`numerator` of a year over `denominator` of `lag` years before, times `per`, rounded as published.

    Returns
    -------
    DataFrame
        authority_code, year, value, for every place and year where both have a value.
    """
    top = series.loc[series["measure"] == numerator, ["authority_code", "year", "value"]]
    bottom = series.loc[series["measure"] == denominator, ["authority_code", "year", "value"]]
    bottom = bottom.assign(year=bottom["year"] + lag)
    both = top.merge(bottom, on=["authority_code", "year"], suffixes=("", "_below")).dropna()
    value = np.round(per * both["value"] / both["value_below"], decimals)
    return both.assign(value=value)[["authority_code", "year", "value"]].reset_index(drop=True)


def add_derived(
    series: pd.DataFrame, derived: pd.DataFrame, *, measure: str, unit: str, formula: str
) -> pd.DataFrame:
    """`series` with derived rows where the measure has no row at all; a published symbol is left standing."""
    published = series.loc[series["measure"] == measure, ["authority_code", "year"]]
    new = derived.merge(published, on=["authority_code", "year"], how="left", indicator=True)
    new = new[new["_merge"] == "left_only"].drop(columns="_merge")
    places = series.drop_duplicates("authority_code")[["authority_code", "gss_code", "name", "geography"]]
    new = new.merge(places, on="authority_code")
    new = new.assign(measure=measure, unit=unit, symbol="", source=f"derived: {formula}", vintage="derived")
    together = pd.concat([series, new[list(ROW_COLUMNS)]], ignore_index=True)
    return together.sort_values(["measure", "authority_code", "year"], kind="stable").reset_index(drop=True)
