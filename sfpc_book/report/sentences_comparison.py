"""Sentences about the matched comparison on published statistics: triangulation, and called so."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sfpc_book.report.comparison_words import MEASURES, TREATED, comparators_of
from sfpc_book.report.estimate_rows import choose, has_number, row_unit, status_text
from sfpc_book.report.formats import is_missing, p_value, percentage
from sfpc_book.report.sentences import amount, range_words
from sfpc_book.report.words import bullets, paragraph

PLANNED = "matched_did"
OTHERS = {
    "matched_did": "Two-way model",
    "group_time_placebo": "Group-time average, interval from placebo authorities",
}


def averages_of(estimates: pd.DataFrame) -> pd.DataFrame:
    """Rows of average effects for all models together."""
    return choose(estimates, model="all", term="adopted")


def comparison_sentences(estimates: pd.DataFrame, outcome: str, *, treated: str, exposure: str) -> str:
    """The planned row first (two-way, all never-adopters), then every other, and whether they agree."""
    rows = choose(averages_of(estimates), outcome=outcome, exposure=exposure)
    rows = rows[rows["sample"].str.startswith(f"{treated} vs ")]
    planned = rows["analysis"].eq(PLANNED) & rows["sample"].eq(f"{treated} vs never_adopters")
    lead = next(rows[planned].itertuples(), None)
    others = [
        f"**{OTHERS[row.analysis]}, against {comparators_of(row.sample)[1]}**: {_in_short(row)}."
        for row in rows[~planned & rows["analysis"].isin(OTHERS)].itertuples()
    ]
    first = "No average effect was estimated." if lead is None else _lead(lead, outcome, treated)
    shown = rows[planned | rows["analysis"].isin(OTHERS)]
    return "\n\n".join(part for part in (first, bullets(others) if others else "", _agreement(shown)) if part)


def _agreement(rows: pd.DataFrame) -> str:
    """How many of the numbers point each way: a choice among them would be a choice of answer."""
    values = rows["estimate"].dropna()
    below, above = int((values < 0).sum()), int((values > 0).sum())
    if not below or not above:
        return ""
    counts = f"{below} lie below zero and {above} above"
    return f"Of these {len(values)} numbers {counts}: the method decides the sign."


def _lead(row: Any, outcome: str, treated: str) -> str:
    words = MEASURES.get(outcome, outcome.replace("_", " "))
    if not has_number(row):
        return f"The {words} of {TREATED[treated]}: {status_text(row)}."
    unit = row_unit(row)
    low, high = row.conf_low, row.conf_high
    zero = "includes zero" if low <= 0 <= high else "leaves out zero"
    return paragraph(
        [
            f"After adoption, the {words} of {TREATED[treated]} stood {amount(row.estimate, unit)} "
            "relative to authorities that never adopted.",
            f"The {percentage(row.conf_level, 0)} interval, clustered by authority, runs from "
            f"{range_words(low, high, unit)}; it {zero} ({_p(row)}).",
            "This is triangulation on public data: it rests on both moving in parallel without the "
            "programme.",
        ]
    )


def _p(row: Any) -> str:
    least = "" if is_missing(row.p_minimum) else f", smallest attainable {p_value(row.p_minimum)}"
    return f"p = {p_value(row.p_value)}{least}"


def _in_short(row: Any) -> str:
    if not has_number(row):
        return status_text(row)
    unit = row_unit(row)
    ends = range_words(row.conf_low, row.conf_high, unit)
    return f"{amount(row.estimate, unit)} ({percentage(row.conf_level, 0)} interval {ends})"
