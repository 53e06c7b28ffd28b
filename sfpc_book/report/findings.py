"""Findings put in order for a reader: gravest first, the same check in many returns on one line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import pandas as pd

from sfpc_book.contracts.check_words import CheckWords
from sfpc_book.report.covariates import covariate_words
from sfpc_book.report.disclosure import PublishedCounts, require_published
from sfpc_book.report.disclosure_returns import REPAIR
from sfpc_book.report.findings_text import month_words, reader_text
from sfpc_book.report.formats import (
    LOW,
    MINUS,
    NOT_APPLICABLE,
    SUPPRESSED,
    count,
    is_missing,
    listed,
    number,
)

GRAVITY = {"block": 0, "mark": 1, "note": 2}
FOLLOWS = {"block": "stops estimation", "mark": "marked", "note": "noted"}
READ_BY_RULE = "read by a rule"
REWORDED, COLUMNS_REPAIRED = "column_reworded", "columns"
SAME_LINE = ["severity", "check", "layer", "column"]
RETURN_OF_FILE = re.compile(r"_dr\d_(?P<month>[a-z]{3})(?P<year>\d{2})(?![a-z0-9])", re.IGNORECASE)
TOGETHER = "all returns together"


def failed_rows(counts: PublishedCounts) -> pd.DataFrame:
    """Findings that failed, gravest first and otherwise in their order."""
    rows = require_published(counts, "findings").frame
    return _by_gravity(rows[rows["status"] == "fail"])


def oddities(rows: pd.DataFrame) -> pd.DataFrame:
    """What the reading met and dealt with by a rule, among the rows of findings; repairs are apart.

    A column under a reworded header is no oddity where a declared correction says which column it is.
    """
    place = ["authority", "file", "sheet", "column"]
    named = rows.loc[(rows["check"] == REPAIR) & (rows["unit"] == COLUMNS_REPAIRED), place]
    odd = rows[(rows["status"] == "info") & (rows["check"] != REPAIR)]
    explained = pd.MultiIndex.from_frame(odd[place]).isin(pd.MultiIndex.from_frame(named))
    return odd[~((odd["check"] == REWORDED).to_numpy() & explained)]


def repair_rows(counts: PublishedCounts) -> pd.DataFrame:
    """Declared corrections that were applied."""
    rows = require_published(counts, "findings").frame
    return rows[rows["check"] == REPAIR]


def on_one_line(rows: pd.DataFrame, words: CheckWords) -> pd.DataFrame:
    """One row for each check, kind of return, column and severity, in the order of its first finding.

    Columns check, name, severity, layer, column, returns, text, measured, limit: words ready for a page.
    `measured` is the furthest from the limit; `text` that finding's, without the place it begins with.
    """
    lines = []
    for (severity, check, layer, column), part in rows.groupby(SAME_LINE, sort=False, dropna=False):
        gravest = part.loc[_furthest(part)]
        lines.append(
            {
                "check": check,
                "name": words.of(str(check)).name,
                "severity": severity,
                "layer": layer,
                "column": column,
                "returns": returns_words(part["file"]),
                "text": _text(part, gravest),
                "measured": amount(gravest["measured"], gravest["unit"], hidden=gravest["suppressed"]),
                "limit": allowed(gravest),
            }
        )
    names = ["check", "name", "severity", "layer", "column", "returns", "text", "measured", "limit"]
    return pd.DataFrame(lines, columns=names)


def gravest_severity(failed: pd.DataFrame) -> pd.DataFrame:
    """The gravest severity of each check that failed, by authority: columns authority, check, severity."""
    return _by_gravity(failed).drop_duplicates(["authority", "check"])[["authority", "check", "severity"]]


def returns_words(files: Iterable[object]) -> str:
    """The returns that files belong to, each once and in order; what names no file is about all of them.

    One entry can name several files, joined by `; `.
    """
    single = [name for file in files if not is_missing(file) for name in str(file).split("; ")]
    named = list(dict.fromkeys(return_words(name) for name in single))
    return listed(named) if named else TOGETHER


def return_words(file: str) -> str:
    """The month of a return by its file name, such as `Nov 2022`; the name itself where it says none."""
    found = RETURN_OF_FILE.search(file)
    return month_words(f"{found['month']}{found['year']}") if found else file


def without_place(text: str, file: object, sheet: object) -> str:
    """The text of a finding without the file and sheet that it begins with, as a sentence begins."""
    for place in (f"{file}, sheet '{sheet}': ", f"{file}: "):
        if text.startswith(place):
            text = text.removeprefix(place)
    return text[:1].upper() + text[1:]


def finding_text(row: pd.Series, column_words: Callable[[str], str] = covariate_words) -> str:
    """What a finding says, for readers, without the place it begins with; see `reader_text`."""
    text = without_place(row["text"], row["file"], row["sheet"])
    return reader_text(text, row["check"], column_words)


def amount(value: object, unit: object, *, hidden: bool = False) -> str:
    """A measurement in words: a share as a percentage of its unit, anything else with its unit."""
    if is_missing(value):
        return SUPPRESSED if hidden else NOT_APPLICABLE
    unit = "" if is_missing(unit) else str(unit)
    if unit.startswith("share"):
        return f"{_percent(float(value))} {unit.removeprefix('share').strip()}".strip()  # type: ignore[arg-type]
    places = 0 if float(value).is_integer() else 3  # type: ignore[arg-type]
    text = number(float(value), places).replace(LOW, "0")  # type: ignore[arg-type]
    return f"{text} {unit.removesuffix('s') if value == 1 else unit}".strip()


def allowed(row: pd.Series) -> str:
    """The limit of a finding with its direction, which is known where the measurement is shown."""
    if is_missing(row["limit"]):
        return NOT_APPLICABLE
    limit = amount(row["limit"], row["unit"])
    if is_missing(row["measured"]) or row["status"] != "fail":
        return limit
    return f"at {'most' if row['measured'] > row['limit'] else 'least'} {limit}"


def how_many(row: pd.Series) -> str:
    """The count of a finding; `[c]` where it is hidden, `[z]` where nothing was counted."""
    return NOT_APPLICABLE if is_missing(row["count"]) and not row["suppressed"] else count(row["count"])


def _percent(share: float) -> str:
    return f"{share * 100:.3g}%".replace("-", MINUS)


def _by_gravity(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("severity", key=lambda values: values.map(GRAVITY), kind="stable")


def _furthest(part: pd.DataFrame) -> object:
    """Label of the finding furthest from its limit, or with the highest count; else the first."""
    distance = (part["measured"] - part["limit"]).abs()
    for values in (distance, part["count"]):
        if values.notna().any():
            return values.idxmax()
    return part.index[0]


def _text(part: pd.DataFrame, gravest: pd.Series) -> str:
    texts = {finding_text(row) for _, row in part.iterrows()}
    text = finding_text(gravest)
    if len(texts) == 1:
        return text
    return f"{text} (the largest of {len(part)} places; the data file lists each)"
