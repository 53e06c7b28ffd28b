"""An authority's own published series against its ten statistical neighbours and England."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from sfpc_book.errors import PublishedDataError
from sfpc_book.published.checks import PROFILE_MEASURES

ENGLAND = "970"
PROFILE_COLUMNS = [
    "authority_code",
    "measure",
    "year",
    "value",
    "symbol",
    "neighbour_median",
    "neighbour_low",
    "neighbour_high",
    "n_neighbours",
    "england",
    "unit",
    "source",
    "vintage",
]


@dataclass(frozen=True)
class AuthorityProfile:
    """Frames for one authority's chapter.

    `series`: PROFILE_COLUMNS, one row per measure and year; a year the authority has no number for stays,
    with its symbol. `latest`: the last year with a number, per measure. `neighbours`: rank, code, name,
    adopter.
    """

    code: str
    name: str
    series: pd.DataFrame
    latest: pd.DataFrame
    neighbours: pd.DataFrame


def authority_profile(
    series: pd.DataFrame,
    neighbours: pd.DataFrame,
    code: str,
    measures: Iterable[str] = PROFILE_MEASURES,
    adopters: Mapping[str, str] | None = None,
) -> AuthorityProfile:
    """The profile of one authority.

    Parameters
    ----------
    series : DataFrame
        As in `Published.series`.
    neighbours : DataFrame
        code, neighbour_code, rank.
    code : str
        Three-digit code.
    adopters : mapping, optional
        Three-digit code to practice model, to say which neighbours adopted one themselves.

    Raises
    ------
    PublishedDataError
        If the authority has no row at all.
    """
    own = series[series["authority_code"] == code]
    if own.empty:
        known = series.loc[series["geography"] == "authority", "authority_code"].nunique()
        raise PublishedDataError(f"No published series for authority code {code}; {known} codes have one")
    nearest = _neighbour_list(series, neighbours, code, adopters or {})
    parts = [_measure(series, own, nearest["code"], measure) for measure in measures]
    profile = pd.concat(parts, ignore_index=True)
    return AuthorityProfile(code, str(own["name"].iloc[0]), profile, _latest(profile), nearest)


def profiles(
    series: pd.DataFrame, neighbours: pd.DataFrame, codes: Iterable[str], adopters: Mapping[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Profile series and neighbour lists of several authorities, one below the other."""
    series = series[series["measure"].isin(PROFILE_MEASURES)]
    made = [authority_profile(series, neighbours, code, adopters=adopters) for code in codes]
    lists = [profile.neighbours.assign(authority_code=profile.code) for profile in made]
    return (
        pd.concat([profile.series for profile in made], ignore_index=True),
        pd.concat(lists, ignore_index=True)[["authority_code", "rank", "code", "name", "adopter"]],
    )


def _neighbour_list(
    series: pd.DataFrame, neighbours: pd.DataFrame, code: str, adopters: Mapping[str, str]
) -> pd.DataFrame:
    own = neighbours[neighbours["code"] == code].sort_values("rank")
    names = dict(
        series.drop_duplicates("authority_code")[["authority_code", "name"]].itertuples(
            index=False, name=None
        )
    )
    return pd.DataFrame(
        {
            "rank": own["rank"].to_numpy(),
            "code": own["neighbour_code"].to_numpy(),
            "name": [names.get(item, item) for item in own["neighbour_code"]],
            "adopter": [adopters.get(item, "") for item in own["neighbour_code"]],
        }
    )


def _measure(series: pd.DataFrame, own: pd.DataFrame, nearest: pd.Series, measure: str) -> pd.DataFrame:
    part = series[series["measure"] == measure]
    mine = own[own["measure"] == measure].set_index("year")
    years = sorted(part["year"].unique())
    others = part[part["authority_code"].isin(nearest)].groupby("year")["value"]
    england = part[part["authority_code"] == ENGLAND].set_index("year")["value"]
    frame = pd.DataFrame(
        {
            "value": mine["value"].reindex(years),
            "symbol": mine["symbol"].reindex(years).fillna("no row"),
            "neighbour_median": others.median().reindex(years),
            "neighbour_low": others.min().reindex(years),
            "neighbour_high": others.max().reindex(years),
            "n_neighbours": others.count().reindex(years).fillna(0).astype("int64"),
            "england": england.reindex(years),
            "source": mine["source"].reindex(years).fillna(""),
            "vintage": mine["vintage"].reindex(years).fillna(""),
        }
    ).rename_axis("year")
    unit = part["unit"].iloc[0] if len(part) else ""
    frame = frame.reset_index().assign(
        authority_code=str(own["authority_code"].iloc[0]), measure=measure, unit=unit
    )
    return frame[PROFILE_COLUMNS]


def _latest(profile: pd.DataFrame) -> pd.DataFrame:
    """Per measure the last year with a number: value, neighbours' median, England, change over the series."""
    known = profile.dropna(subset=["value"]).sort_values("year")
    last = known.groupby("measure", sort=False).last()
    first = known.groupby("measure", sort=False).first()
    table = last[["year", "value", "neighbour_median", "england", "unit", "source"]].assign(
        first_year=first["year"], first_value=first["value"], change=last["value"] - first["value"]
    )
    return table.reset_index()
