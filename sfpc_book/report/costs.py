"""How the first cost calculation is shown: results with their ranges, inputs with source and grade, in
words.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from sfpc_book.report.formats import (
    NOT_APPLICABLE,
    NOT_AVAILABLE,
    is_missing,
    listed,
    money,
    number,
    whole_percentage,
)
from sfpc_book.report.table import TableContent
from sfpc_book.report.words import bullets, paragraph
from sfpc_book.study.schema import Study

POUND_LINES = ("saving", "delivery", "net")
COSTS_SOURCE = "Estimates of this report and the unit costs named beside each input"


def cost_results_table(lines: pd.DataFrame, caption: str) -> TableContent:
    """Results per 1,000 children first referred at each horizon, with the ends of their range."""
    rows = lines[lines["kind"].isin(["fiscal", "wider"])]
    cells = pd.DataFrame(
        {
            "Line": rows["text"],
            "Followed for": [_followed(row) for row in rows.itertuples()],
            "Value": [_value(row.value, row) for row in rows.itertuples()],
            "From": [_end(row.low, row) for row in rows.itertuples()],
            "To": [_end(row.high, row) for row in rows.itertuples()],
            "Unit": [str(row.unit) or NOT_APPLICABLE for row in rows.itertuples()],
            "Rests on assumed inputs": ["yes" if flag else "no" for flag in rows["assumed"]],
            "Grade": rows["grade"],
        }
    )
    notes = (
        "The range of a result is the interval of the effect alone: it does not carry the doubt about prices "
        "and delivery. The range of delivery and of the break-even effect is that of their inputs.",
        "Where only some children are followed so far, results of that horizon rest on those alone.",
        "Grades run from A (published, exact) to E (placeholder); a result has the grade of its "
        "weakest input.",
    )
    return TableContent(cells, caption, notes, COSTS_SOURCE, rows)


def cost_inputs_table(lines: pd.DataFrame, caption: str) -> TableContent:
    """Every input with its plausible range, grade and source; assumed ones are called so."""
    rows = lines[lines["kind"] == "input"]
    spans = rows.groupby(["line", "value"], sort=False)["horizon"].agg(lambda values: listed(list(values)))
    rows = rows.drop_duplicates(["line", "value"])
    cells = pd.DataFrame(
        {
            "Input": rows["text"],
            "Followed for": [f"{spans[(row.line, row.value)]} months" for row in rows.itertuples()],
            "Value": [_value(row.value, row) for row in rows.itertuples()],
            "From": [_end(row.low, row) for row in rows.itertuples()],
            "To": [_end(row.high, row) for row in rows.itertuples()],
            "Unit": rows["unit"],
            "Assumed": ["yes" if flag else "no" for flag in rows["assumed"]],
            "Grade": rows["grade"],
            "Source": rows["source"],
        }
    )
    return TableContent(cells, caption, (), COSTS_SOURCE, rows)


def cost_rows(lines: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """The lines in pounds at one horizon in the form that a forest draws: estimate, ends, unit, status."""
    rows = lines[(lines["horizon"] == horizon) & lines["line"].isin(POUND_LINES)]
    return pd.DataFrame(
        {
            "line": rows["line"],
            "text": rows["text"],
            "estimate": rows["value"],
            "conf_low": rows["low"],
            "conf_high": rows["high"],
            "conf_level": float("nan"),
            "truth": float("nan"),
            "unit": rows["unit"],
            "status": rows["status"],
            "identified": True,
            "observable_from": pd.NaT,
        }
    ).reset_index(drop=True)


def cost_sentences(study: Study, lines: pd.DataFrame, model: str, horizon: int) -> str:
    """Care not paid for, delivery and the difference, per 1,000 children, and how much of it is assumed."""
    rows = {str(row.line): row for row in lines[lines["horizon"] == horizon].itertuples()}
    net, inputs = rows.get("net"), lines[(lines["horizon"] == horizon) & (lines["kind"] == "input")]
    assumed = int(inputs["assumed"].sum())
    caution = (
        f"Of {len(inputs)} inputs, {assumed} are assumed, so this is a calculation to be filled in, "
        f"not a result."
        if assumed
        else "No input is assumed."
    )
    if net is None or is_missing(net.value):
        cause = "it was not computed" if net is None else _cause(net)
        return f"No cost can be set against the effect of {study.models[model].name}: {cause}. {caution}"
    kept = "less than delivery costs" if net.value < 0 else "more than delivery costs"
    return paragraph(
        [
            f"Per 1,000 children followed for {horizon} months, care worth "
            f"{about_money(rows['saving'].value)} is not paid "
            f"for, against {about_money(rows['delivery'].value)} for delivery.",
            f"That is {about_money(abs(net.value))} {kept}; the interval of the effect alone gives "
            f"{about_money(net.low)} to "
            f"{about_money(net.high)}. That range does not carry the doubt about prices or delivery.",
            _observed_caution(net),
            caution,
        ]
    )


def _observed_caution(row: Any) -> str:
    if not _partly(row):
        return ""
    return (
        f"Observed so far: only {whole_percentage(row.observed_share)} of children. The effect on the others "
        "is not known, and this amount need not hold for them."
    )


def _partly(row: Any) -> bool:
    return not is_missing(row.observed_share) and row.observed_share < 0.9995


def _followed(row: Any) -> str:
    so_far = f" ({whole_percentage(row.observed_share)} of children so far)" if _partly(row) else ""
    return f"{int(row.horizon)} months{so_far}"


def _cause(row: Any) -> str:
    status = str(row.status)
    if status.startswith("not_estimable"):
        return status.partition(":")[2].strip()
    if status == "not_observed":
        return "the outcome is not observed at this horizon yet"
    return status.replace("_", " ")


def _value(value: float, row: Any) -> str:
    return _cause(row) if is_missing(value) else _shown(value, str(row.unit))


def _end(value: float, row: Any) -> str:
    return NOT_AVAILABLE if is_missing(value) else _shown(value, str(row.unit))


def _shown(value: float, unit: str) -> str:
    if unit.startswith("pounds"):
        return about_money(value)
    places = 0 if abs(value) >= 100 else 3 if abs(value) < 1 else 1
    return number(value, places)


def about_money(value: float) -> str:
    """Pounds without false precision: from £10,000 on to the nearest £1,000."""
    return money(round(value, -3) if abs(value) >= 10_000 else value)


def assumed_inputs(lines: pd.DataFrame) -> str:
    """The inputs that are assumed, by name."""
    texts = lines[(lines["kind"] == "input") & lines["assumed"]]["text"].drop_duplicates()
    return (
        bullets([f"Assumed: {text.rstrip('.')}." for text in texts]) if len(texts) else "No input is assumed."
    )
