"""The text of a finding in the words of a reader: no identifiers of columns, no short months, no `row(s)`."""

from __future__ import annotations

import re
from collections.abc import Callable

from sfpc_book.report.covariates import covariate_words
from sfpc_book.study.return_months import MONTHS

# What stands in quotes in the texts of these checks is what an authority wrote: it stays as it is.
QUOTING = (
    "column_reworded",
    "column_unknown",
    "column_missing",
    "sheet_name",
    "file_name",
    "file_name_suffix",
)
QUOTED_COLUMN = re.compile(r"'([a-z][a-z0-9_]*)((?: \([^)']*\))?)'")
BARE_COLUMN = re.compile(r"(?<![\w./'])[a-z]+(?:_[a-z0-9]+)+(?![\w./'])")
LEVEL = re.compile(r" ?\{level\}")
MONTH = re.compile(rf"(?<!\w)(?:{'|'.join(MONTHS)})\d{{2}}(?!\w)")
LAYER = re.compile(r"(?<!\w)dr[123](?!\w)", re.IGNORECASE)
# A number, its noun that may be one or many, and the rest of the clause.
ONE_OR_MANY = re.compile(r"(?P<number>\d[\d,]*|fewer than \d+) (?P<noun>(?:\w+ )?\w+)\(s\)(?P<rest>[^;.]*)")
OF_ONE = {
    "are formulas": "is a formula", "are": "is", "were": "was", "hold": "holds", "say": "says",
    "name": "names", "show": "shows", "carry": "carries", "their": "its",
}  # fmt: skip
OF_ONE_WORD = re.compile(rf"\b({'|'.join(OF_ONE)})\b")


def month_words(month: str) -> str:
    """The month of a return in words: `nov22` is `Nov 2022`."""
    return f"{month[:3].capitalize()} 20{month[3:]}"


def reader_text(text: str, check: str, column_words: Callable[[str], str] = covariate_words) -> str:
    """A finding's text for a reader; `column_words` says a column of the contracts in words.

    Levels that a header of the contracts leaves open are an ellipsis.
    """
    text = LEVEL.sub(" …", text)
    if check not in QUOTING:
        text = QUOTED_COLUMN.sub(lambda found: f"“{column_words(found[1])}{found[2]}”", text)
        text = BARE_COLUMN.sub(lambda found: f"“{column_words(found[0])}”", text)
        text = MONTH.sub(lambda found: month_words(found[0]), text)
        text = LAYER.sub(lambda found: found[0].upper(), text)
    return ONE_OR_MANY.sub(_one_or_many, text)


def _one_or_many(found: re.Match[str]) -> str:
    """A clause in the singular where the number is one."""
    if found["number"] != "1":
        return f"{found['number']} {found['noun']}s{found['rest']}"
    first, *others = OF_ONE_WORD.split(found["rest"])
    rest = "".join(OF_ONE.get(word, word) for word in others)
    return f"1 {found['noun']}{first}{rest}"
