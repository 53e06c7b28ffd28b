"""Numbers in prose: taken by id from the tidy rows, and a linter that finds those typed by hand."""

from __future__ import annotations

import re

import pandas as pd

from sfpc_book.errors import DisclosureError, ParameterError
from sfpc_book.report.disclosure import publish_estimates
from sfpc_book.report.estimate_rows import effect_text, has_number, one_row, row_unit, status_text
from sfpc_book.report.formats import count, date_text, interval, is_missing, number, p_value
from sfpc_book.report.words import Words
from sfpc_book.study.schema import Disclosure

FIELDS = (
    "effect", "estimate", "interval", "p_value", "p_minimum", "df", "n_children", "n_events", "n_clusters",
    "n_orders", "observable_from",
)  # fmt: skip

COUNT_FIELDS = ("n_children", "n_events")


def claim(
    estimates: pd.DataFrame,
    *,
    model: str,
    outcome: str,
    horizon: int,
    analysis: str = "panel_two_way",
    term: str = "exposed",
    field: str = "effect",
    sample: str = "main",
    exposure: str = "go_live",
    disclosure: Disclosure | None = None,
) -> Words:
    """One number for a sentence, worded by its kind. Says why, where the row holds no number.

    Numbers of children and events need the study's `disclosure`, under which they are worded.

    Raises `ParameterError` for an unknown field, or when not exactly one row matches (it lists what there
    is).
    """
    if field not in FIELDS:
        raise ParameterError(f"a claim has no field {field!r}; fields are {', '.join(FIELDS)}")
    row = one_row(
        estimates,
        model=model,
        outcome=outcome,
        horizon=horizon,
        analysis=analysis,
        term=term,
        sample=sample,
        exposure=exposure,
    )
    if field in COUNT_FIELDS:
        if disclosure is None:
            raise DisclosureError(f"a claim of {field} needs the disclosure rules; pass study.disclosure")
        row = publish_estimates(row.to_frame().T, disclosure).iloc[0]
    return Words(_worded(row, field), str(row["data_status"]))


def _worded(row: pd.Series, field: str) -> str:
    if field == "observable_from":
        return date_text(row[field])
    if not has_number(row) and field in ("effect", "estimate", "interval"):
        return status_text(row)
    unit = row_unit(row)
    if field == "effect":
        return f"{effect_text(row)} {unit.words}".strip()
    if field == "estimate":
        return f"{unit.show(row['estimate'], signed=True)} {unit.words}".strip()
    if field == "interval":
        return f"{interval(row['conf_low'], row['conf_high'], unit)} {unit.words}".strip()
    if field in ("p_value", "p_minimum"):
        return p_value(row[field])
    if field == "df":
        return number(row[field], 1)
    return "[x]" if is_missing(row[field]) and field == "n_clusters" else count(row[field])


# What may hold digits in prose: code, links, comments, headings of lists, and names that contain a digit.
IGNORED = (
    re.compile(r"```.*?```", re.DOTALL),
    re.compile(r"`[^`]*`"),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"<[^>]+>"),
    re.compile(r"\]\([^)]*\)"),
    re.compile(r"https?://\S+"),
    re.compile(r"^\s*\|.*\|\s*$", re.MULTILINE),
    re.compile(r"^\s*\d+\.\s", re.MULTILINE),
    re.compile(r"^---\n.*?\n---\n", re.DOTALL),
)
NAME_WITH_DIGIT = re.compile(
    r"[A-Za-z][\w/-]*\d[\w.-]*|\b\d+[A-Z]\b|\b(?:WCAG|Python|version|Version|step|Typst) \d[\d.]*"
)
NUMBER = re.compile(r"(?<![\w.])[£+−-]?\d[\d,]*(?:\.\d+)?%?(?!\w)")


def numbers_in_prose(text: str) -> list[str]:
    """Literal numbers typed in Markdown prose, in order. Names such as COVID-19, DR1 or 1B are not numbers.

    Code, links, HTML tags, table rows, list markers and front matter are left out of account.
    """
    for pattern in IGNORED:
        text = pattern.sub(" ", text)
    return NUMBER.findall(NAME_WITH_DIGIT.sub(" ", text))
