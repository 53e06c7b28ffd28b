"""From the name of a workbook to authority, layer and month: `swindon_dr2_nov22.xlsx`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sfpc_book.study.return_months import MONTHS, first_day
from sfpc_book.study.schema import Study

SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
PATTERN = re.compile(
    r"^(?P<place>.+?)[\s_-]+dr\s*(?P<layer>\d)[\s_-]+(?P<month>[a-z]{3})[a-z]*[\s_-]?(?P<year>(?:20)?\d{2})(?P<rest>.*)$"
)
FORM = "<authority>_dr<1|2|3>_<month and year>.xlsx, such as swindon_dr2_nov22.xlsx"
SEPARATORS = re.compile(r"[\s_\-.,&']+")


@dataclass(frozen=True)
class ReturnFile:
    """One workbook of one authority. `rest` is what its name says after the month, such as ` (3)`."""

    path: Path
    slug: str
    layer: str
    month: str
    rest: str = ""
    alias: str | None = None

    @property
    def order(self) -> tuple[date, str]:
        """Sorts workbooks of an authority by the month of the return, then by name."""
        return (first_day(self.month), self.path.name)


@dataclass(frozen=True)
class UnreadName:
    """A workbook whose name says no authority, layer or month that the study knows.

    `spelt` is what stands in the place of the authority, where only that is unknown.
    """

    path: Path
    text: str
    nearest: str | None = None
    spelt: str | None = None


def asked_months(study: Study) -> dict[str, tuple[str, ...]]:
    """For each layer: the months of the returns that were asked for."""
    months = study.returns.months
    return {"dr1": months, "dr2": months, "dr3": (study.returns.outcome_month,)}


def read_name(path: Path, slugs: Iterable[str], aliases: Mapping[str, str]) -> ReturnFile | UnreadName:
    """What a file's name says. `aliases` are other spellings of a slug, each declared as a correction."""
    match = PATTERN.match(path.stem.lower())
    if not match or match["month"] not in MONTHS:
        return UnreadName(path, f"the name is not of the form {FORM}")
    if match["layer"] not in "123":
        return UnreadName(path, f"the name says layer dr{match['layer']}; there are dr1, dr2 and dr3")
    spelt = match["place"]
    known = sorted(slugs)
    slug = spelt if spelt in known else aliases.get(spelt)
    if slug is None:
        near = nearest_slug(spelt, known)
        hint = f"; nearest is '{near}'" if near else ""
        text = f"unknown authority '{spelt}'{hint}. Allowed: {', '.join(known)}. "
        text += "Rename the file, or declare the spelling as a correction with action alias_authority"
        return UnreadName(path, text, near, spelt)
    month = f"{match['month']}{match['year'][-2:]}"
    return ReturnFile(
        path, slug, f"dr{match['layer']}", month, match["rest"], None if spelt == slug else spelt
    )


def nearest_slug(spelt: str, slugs: Iterable[str]) -> str | None:
    """The known slug that a spelling most resembles, or None if it resembles none."""
    plain = {SEPARATORS.sub("", slug): slug for slug in slugs}
    found = difflib.get_close_matches(SEPARATORS.sub("", spelt), plain, n=1, cutoff=0.6)
    return plain[found[0]] if found else None
