"""Tables of the matched comparison on published statistics, and of where those come from."""

from __future__ import annotations

import pandas as pd

from sfpc_book.report.comparison_words import (
    ANALYSES,
    COMPARISON_SOURCE,
    MEASURES,
    comparators_of,
)
from sfpc_book.report.estimate_rows import effect_text, row_unit
from sfpc_book.report.formats import NOT_APPLICABLE, NOT_AVAILABLE
from sfpc_book.report.table import TableContent
from sfpc_book.report.tables import p_text, size_text


def comparison_table(estimates: pd.DataFrame, caption: str) -> TableContent:
    """Rows of the matched comparison: which rate, who with whom, how, and with which reference."""
    rows = [
        {
            "Outcome": _measure(str(row.outcome)),
            "Adopters": comparators_of(str(row.sample))[0],
            "Comparators": comparators_of(str(row.sample))[1],
            "First exposed year": str(row.exposure).replace("_", " "),
            "Analysis": ANALYSES.get(str(row.analysis), str(row.analysis).replace("_", " ")),
            "Difference (interval)": effect_text(row),
            "Unit": row_unit(row).words,
            "p": p_text(row),
            "Reference": str(row.reference) or NOT_APPLICABLE,
            "Authorities": size_text(row.n_clusters),
        }
        for row in estimates.itertuples()
    ]
    return TableContent(
        cells=pd.DataFrame(rows),
        caption=caption,
        notes=(
            "Published statistics cover all children of an authority. This is triangulation, not the trial.",
        ),
        source=COMPARISON_SOURCE,
        data=estimates,
    )


def _measure(outcome: str) -> str:
    words = MEASURES.get(outcome, outcome.replace("_", " "))
    return f"{words[:1].upper()}{words[1:]}"


def left_out_table(left_out: pd.DataFrame, caption: str) -> TableContent:
    """How many authorities cannot serve as comparators, by reason."""
    reason = left_out["reason"].astype(str).str.partition(":")[0].str.partition(" (")[0]
    reason = reason.str[:1].str.upper() + reason.str[1:]
    counts = left_out.assign(reason=reason).groupby("reason", sort=True)["authority_code"].nunique()
    cells = pd.DataFrame({"Reason": counts.index, "Authorities": counts.astype(str).to_numpy()})
    return TableContent(cells, caption, (), COMPARISON_SOURCE, left_out)


def sources_table(sources: pd.DataFrame, caption: str, data_status: str) -> TableContent:
    """Title, citation, vintage and licence of each published source; invented files have no licence."""
    licence = sources["licence"].fillna(NOT_AVAILABLE)
    if data_status == "synthetic":
        licence = "none: the numbers are invented"
    cells = pd.DataFrame(
        {
            "Source": sources["title"],
            "Cited as": sources["citation"],
            "Vintage": sources["vintage"].fillna(NOT_AVAILABLE),
            "Used for": sources["measures"].fillna("codes and names").str.replace("_", " "),
            "Licence": licence,
        }
    ).replace("", NOT_APPLICABLE)
    return TableContent(cells, caption, (), "Folder of published statistics", sources)
