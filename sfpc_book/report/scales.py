"""Outcomes by a model for their scale: table, sentences; and the survival view of times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from sfpc_book.report.disclosure import publish_estimates
from sfpc_book.report.estimate_rows import (
    analysis_name,
    choose,
    effect_text,
    followed_text,
    has_number,
    horizon_text,
    row_unit,
    status_text,
)
from sfpc_book.report.formats import (
    NOT_APPLICABLE,
    UNRELIABLE,
    count,
    is_missing,
    level_text,
    number,
    whole_percentage,
)
from sfpc_book.report.reliability import doubt_of
from sfpc_book.report.scale_rows import (
    CURVES,
    pairs,
    ratio_text,
    row_name,
    totals_pairs,
)
from sfpc_book.report.sentences import amount, range_words
from sfpc_book.report.table import TableContent
from sfpc_book.report.tables import ESTIMATES_SOURCE, p_text
from sfpc_book.report.words import bullets
from sfpc_book.study.schema import Study

SAME_CHILDREN = (
    "Differences and ratios compare everybody exposed with nobody exposed, averaged over the same children."
)
RATIOS = "Ratios say nothing about how common an outcome is: read the difference first."


def scales_table(
    study: Study, rows: pd.DataFrame, model: str, horizon: int, caption: str
) -> TableContent | None:
    """One row per outcome: difference, then ratio, by a model for its scale; share followed."""
    published = publish_estimates(rows, study.disclosure)
    found = list(pairs(study, published, model, horizon))
    return _table(study, found, caption, _of(published, found), SAME_CHILDREN)


def totals_table(study: Study, rows: pd.DataFrame, model: str, caption: str) -> TableContent | None:
    """The same for the monthly totals of whole authorities."""
    published = publish_estimates(rows, study.disclosure)
    found = list(totals_pairs(published, model))
    note = "Totals hold every child of the authority, at all ages, not the children of the trial alone."
    return _table(study, found, caption, _of(published, found), note)


def _of(rows: pd.DataFrame, found: Iterable[tuple[Any, Any]]) -> pd.DataFrame:
    places = sorted({row.Index for pair in found for row in pair if row is not None})
    return rows.loc[places]


def _table(
    study: Study, found: list[tuple[Any, Any]], caption: str, data: pd.DataFrame, *notes: str
) -> TableContent | None:
    if not found:
        return None
    cells = pd.DataFrame([_cells(study, difference, ratio) for difference, ratio in found])
    return TableContent(cells, caption, (*notes, RATIOS), ESTIMATES_SOURCE, data)


def _cells(study: Study, difference: Any, ratio: Any) -> dict[str, str]:
    doubt = doubt_of(study, difference)
    return {
        "Outcome": row_name(study, difference),
        "Followed for": horizon_text(difference, study),
        "Model": analysis_name(study, difference.analysis),
        "Difference (interval)": effect_text(difference, doubt=doubt),
        "Unit": row_unit(difference).words if has_number(difference) else NOT_APPLICABLE,
        "Ratio (interval)": UNRELIABLE if doubt else ratio_text(ratio),
        "df": NOT_APPLICABLE if is_missing(difference.df) else number(difference.df, 1),
        "p": p_text(difference),
        "Children": NOT_APPLICABLE if is_missing(difference.horizon) else count(difference.n_children),
        "Followed so far": _followed(difference),
    }


def _followed(row: Any) -> str:
    """Share of children followed; `[z]` for totals of authorities."""
    return NOT_APPLICABLE if is_missing(row.observed_share) else whole_percentage(row.observed_share)


def scales_sentences(study: Study, rows: pd.DataFrame, model: str, horizon: int) -> str:
    """One list item per outcome: the difference with its interval, then the ratio, or why there is none."""
    items = [_item(study, *pair) for pair in pairs(study, rows, model, horizon)]
    return bullets(items) if items else "No estimate has been recorded."


def _item(study: Study, difference: Any, ratio: Any) -> str:
    name = f"**{row_name(study, difference)}**"
    if not has_number(difference):
        return f"{name}: {status_text(difference)}."
    if doubt := doubt_of(study, difference):
        return f"{name}: the estimate {doubt}."
    unit = row_unit(difference)
    ends = range_words(difference.conf_low, difference.conf_high, unit)
    parts = [f"{level_text(difference.conf_level)} interval {ends}", followed_text(difference)]
    said = f"{name}: {amount(difference.estimate, unit)} ({'; '.join(filter(None, parts))})"
    relative = f"; as a ratio {ratio_text(ratio)}" if ratio is not None and has_number(ratio) else ""
    return f"{said}{relative}."


def curves_table(study: Study, rows: pd.DataFrame, model: str, caption: str) -> TableContent | None:
    """The survival view: each outcome and horizon by each curve's quantity, t and exact p beside."""
    published = publish_estimates(rows, study.disclosure)
    chosen = choose(published, model=model, analysis=CURVES)
    if chosen.empty:
        return None
    cells = pd.DataFrame([_curve_cells(study, published, row) for row in chosen.itertuples()])
    notes = (
        "Children whose records stop before the horizon count for as long as they are followed, as if they "
        "had gone on as those who are still followed. An authority and period counts only if its curve "
        "reaches the end with enough children.",
        "“Counted” is the share of children whose authority and period counts.",
        "Days are days without the event, at most to the end: more days means later or rarer.",
    )
    return TableContent(cells, caption, notes, ESTIMATES_SOURCE, chosen)


def _curve_cells(study: Study, rows: pd.DataFrame, row: Any) -> dict[str, str]:
    same = {"model": row.model, "outcome": row.outcome, "horizon": row.horizon}
    exact = next(choose(rows, analysis=f"{row.analysis}_randomisation", **same).itertuples(), None)
    return {
        "Outcome": row_name(study, row),
        "Followed for": horizon_text(row, study),
        "Analysis": analysis_name(study, row.analysis),
        "Estimate (interval)": effect_text(row, doubt=doubt_of(study, row)),
        "Unit": row_unit(row).words if has_number(row) else NOT_APPLICABLE,
        "df": NOT_APPLICABLE if is_missing(row.df) else number(row.df, 1),
        "p": p_text(row),
        "Exact p": NOT_APPLICABLE if exact is None else p_text(exact),
        "Children": count(row.n_children),
        "Counted": _followed(row),
    }


def joined(
    estimates: pd.DataFrame, rows: pd.DataFrame, horizon: int, *, totals: bool = False
) -> pd.DataFrame:
    """A chapter's estimates with the rows of `rows` at a horizon below them, and those of monthly totals,
    which have no horizon, if asked for."""
    at_horizon = rows["horizon"].eq(horizon).fillna(False).astype(bool)
    chosen = at_horizon | (rows["horizon"].isna() if totals else False)
    return pd.concat([estimates, rows[chosen]], ignore_index=True)
