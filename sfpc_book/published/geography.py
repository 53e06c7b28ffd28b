"""Places: constant three-digit codes, changed ONS codes, reorganised areas and spellings, all as data."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pydantic import Field

from sfpc_book.errors import ContractError
from sfpc_book.published.contract import CONTRACTS, _Frozen, parse, read_yaml


class Place(_Frozen):
    """England or a region: the three-digit pseudo-code, the ONS code, and every spelling."""

    code: str
    gss: str
    names: tuple[str, ...]


class Reorganised(_Frozen):
    """Areas that were replaced by others on 1 April of `year`."""

    year: int
    before: tuple[str, ...] = Field(alias="from")
    after: tuple[str, ...] = Field(alias="to")
    reason: str


class ChangedCode(_Frozen):
    """The same area and three-digit code under another ONS code since `year`."""

    code: str
    before: str = Field(alias="from")
    after: str = Field(alias="to")
    year: int
    reason: str


class Geography(_Frozen):
    """Everything `geography.yml` says."""

    england: Place
    regions: tuple[Place, ...]
    discontinued: tuple[str, ...]
    reorganised: tuple[Reorganised, ...]
    changed_codes: tuple[ChangedCode, ...]
    spellings: dict[str, tuple[str, ...]]
    too_small: dict[str, str]

    def places(self) -> tuple[Place, ...]:
        return (self.england, *self.regions)

    def level(self, code: str) -> str:
        """ "england", "region" or "authority"."""
        if code == self.england.code:
            return "england"
        return "region" if code in {region.code for region in self.regions} else "authority"

    def reorganised_codes(self) -> dict[str, str]:
        """Three-digit code of every predecessor and successor, with the reason."""
        return {code: part.reason for part in self.reorganised for code in (*part.before, *part.after)}


def load_geography(folder: Path = CONTRACTS) -> Geography:
    """Read `geography.yml`.

    Raises
    ------
    ContractError
        With every fault of the file.
    """
    problems: list[str] = []
    raw = read_yaml(folder / "published" / "geography.yml")
    geography = parse(Geography, raw, "geography.yml", problems)
    if geography is None:
        raise ContractError("geography.yml is not valid", problems)
    return geography


def canonical_gss(pairs: pd.DataFrame, geography: Geography) -> dict[str, str]:
    """One ONS code for each three-digit code: the latest, as declared where it changed.

    `pairs` has `authority_code`, `gss_code`, `year`, as the files give them.
    """
    newest = pairs.dropna().sort_values(["authority_code", "year", "gss_code"])
    latest = dict(newest.groupby("authority_code")["gss_code"].last())
    latest.update({change.code: change.after for change in geography.changed_codes if change.code in latest})
    latest.update({place.code: place.gss for place in geography.places()})
    return latest


def undeclared_codes(pairs: pd.DataFrame, geography: Geography) -> list[tuple[str, str, str]]:
    """(three-digit code, ONS code found, ONS code in force) where the change is not declared."""
    latest = canonical_gss(pairs, geography)
    declared = {(change.code, change.before) for change in geography.changed_codes}
    seen = pairs[["authority_code", "gss_code"]].dropna().drop_duplicates().itertuples(index=False)
    return sorted(
        (code, gss, latest[code]) for code, gss in seen if gss != latest[code] and (code, gss) not in declared
    )


def undeclared_spellings(names: pd.DataFrame, code_list: pd.DataFrame, geography: Geography) -> pd.DataFrame:
    """Rows of `names` (authority_code, name, source) whose name is neither in the code list nor declared."""
    known = dict(zip(code_list["authority_code"], code_list["name"], strict=True))
    spellings = {place.code: set(place.names) for place in geography.places()}
    spellings |= {code: set(part) for code, part in geography.spellings.items()}
    seen = names[["authority_code", "name", "source"]].drop_duplicates()
    odd = [
        known.get(code) != name and name not in spellings.get(code, set())
        for code, name in zip(seen["authority_code"], seen["name"], strict=True)
    ]
    return seen[odd].reset_index(drop=True)
