"""Tables of methods and sensitivities: exact tests, specifications without a number, other outcomes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sfpc_book.report.disclosure import publish_estimates
from sfpc_book.report.disclosure_near import COUNTS
from sfpc_book.report.estimate_rows import (
    analysis_name,
    effect_text,
    has_number,
    horizon_text,
    outcome_name,
    row_unit,
)
from sfpc_book.report.formats import NOT_APPLICABLE, is_missing, percentage
from sfpc_book.report.method_rows import exact_rows, main_row
from sfpc_book.report.reliability import doubt_of
from sfpc_book.report.sensitivity_rows import (
    Variants,
    change_variants,
    comparable,
    exposure_variants,
    leave_out_variants,
    sample_variants,
)
from sfpc_book.report.sentences import range_words
from sfpc_book.report.sentences_sensitivity import unfinished_cells
from sfpc_book.report.specifications import specification_frame
from sfpc_book.report.table import TableContent
from sfpc_book.report.tables import ESTIMATES_SOURCE, p_text
from sfpc_book.report.terms import WITHOUT, term_words
from sfpc_book.report.words import Words
from sfpc_book.study.schema import Study


def exact_table(
    study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int, caption: str
) -> TableContent | Words:
    """Every exact test of an outcome: its p-value beside the smallest that any result could have had, and the
    set of effects that its orders do not reject.

    Tests with a part left out stand among the sensitivities. Counts stand in the tables of estimates only,
    where those that would give others away are hidden.
    """
    found = exact_rows(study, rows, model, outcome, horizon)
    found = found[~found["term"].str.startswith(WITHOUT)]
    if found.empty:
        return Words("No exact test has been recorded.", "design")
    cells = pd.DataFrame([_exact_cells(study, row) for row in found.itertuples()])
    return TableContent(
        cells=cells,
        caption=caption,
        notes=(
            "Each test counts the orders of go-lives that give a statistic at least as far from zero.",
            "With few orders no result can have a small p-value, and intervals at a high level have no ends.",
        ),
        source=ESTIMATES_SOURCE,
        data=publish_estimates(found, study.disclosure).drop(columns=list(COUNTS)),
    )


def _exact_cells(study: Study, row: Any) -> dict[str, str]:
    words = term_words(str(row.term), study)
    return {
        "Test": f"{analysis_name(study, row.analysis)}{f', {words}' if words else ''}",
        "Estimate (interval)": effect_text(row, doubt=doubt_of(study, row)),
        "Level": percentage(row.conf_level, 1) if has_number(row) else NOT_APPLICABLE,
        "p": p_text(row),
        "Orders": NOT_APPLICABLE if is_missing(row.n_orders) else f"{int(row.n_orders):,}",
    }


def unfinished_table(
    study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int, caption: str
) -> TableContent | Words:
    """The specifications without a number, each with its reason."""
    frame = specification_frame(study, rows, model, outcome, horizon)
    cells = unfinished_cells(study, frame)
    if frame.empty or cells.empty:
        none = "The study file declares no grid of specifications."
        return Words(none if frame.empty else "Every specification of the grid has a number.", "design")
    return TableContent(cells=cells, caption=caption, source=ESTIMATES_SOURCE)


def movements_table(study: Study, rows: pd.DataFrame, model: str, caption: str) -> TableContent | Words:
    """How far the main estimate of each outcome and horizon moves over its sensitivities: one row for each
    that has any."""
    keys = rows.loc[rows["model"] == model, ["outcome", "horizon"]].drop_duplicates()
    parts = [_movement(study, rows, model, str(key.outcome), key.horizon) for key in keys.itertuples()]
    cells = [part for part in parts if part is not None]
    if not cells:
        return Words("No sensitivity of any outcome has been recorded.", "design")
    return TableContent(
        cells=pd.DataFrame(cells),
        caption=caption,
        notes=(
            "The range is that of the estimates, not of their intervals.",
            "Samples, definitions of exposure, parts left out and single changes are counted together.",
        ),
        source=ESTIMATES_SOURCE,
    )


def _movement(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> dict | None:
    main = main_row(rows, model, outcome, horizon)
    if main is None or outcome not in study.outcomes:
        return None
    found = [
        make(study, rows, model, outcome, horizon)
        for make in (sample_variants, exposure_variants, leave_out_variants, change_variants)
    ]
    recorded = [row for variants in found for row in _recorded(variants)]
    if not recorded:
        return None
    known = [row for variants in found for _, row in comparable(variants) if not doubt_of(study, row)]
    values = [row.estimate for row in known]
    unit = row_unit(main)
    return {
        "Outcome": outcome_name(study, outcome),
        "Followed for": horizon_text(main, study),
        "Main estimate (interval)": effect_text(main, doubt=doubt_of(study, main)),
        "Unit": unit.words or NOT_APPLICABLE,
        "Range of the others": range_words(min(values), max(values), unit) if values else NOT_APPLICABLE,
        "With a number": f"{len(known)} of {len(recorded)}",
    }


def _recorded(variants: Variants) -> list[Any]:
    rows = list(variants.rows.itertuples())[1:]
    return [row for row in rows if "no row has been recorded" not in str(row.status)]
