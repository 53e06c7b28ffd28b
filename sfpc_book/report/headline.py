"""What leads on an effect: the exact interval and p, with the CR2 interval as their model-based companion.

The exact test makes no use of the model's standard error, and the CR2 interval none of the orders. They are
two methods, so each interval is named with its own wherever one is said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sfpc_book.report.estimate_rows import (
    ATTAINABLE,
    CR2,
    PRIMARY_ANALYSIS,
    RANDOMISATION,
    choose,
    has_number,
    uninformative,
)
from sfpc_book.report.formats import is_missing, level_text, percentage
from sfpc_book.report.reliability import doubt_of
from sfpc_book.study.schema import Study

METHODS = {
    PRIMARY_ANALYSIS: "clustered",
    CR2: "CR2",
    RANDOMISATION: "exact",
    ATTAINABLE: "exact",
    "pooled_randomisation": "exact",
}
NO_TWO_ENDS = "no exact interval with two ends"


@dataclass(frozen=True)
class Headline:
    """Rows of one effect: the main model's, that of its interval (CR2 where there is one), the exact test's
    at the level asked for and at its highest level; the last two are None where there is none."""

    main: Any
    companion: Any
    exact: Any
    attainable: Any


def headline_of(rows: pd.DataFrame) -> Headline | None:
    """The rows that lead, from those of one model, outcome, horizon, sample and exposure; None without a
    main row."""
    main = _first(rows, PRIMARY_ANALYSIS)
    if main is None:
        return None
    bias_reduced = _first(rows, CR2)
    usable = bias_reduced is not None and has_number(bias_reduced) and not is_missing(bias_reduced.conf_low)
    companion = bias_reduced if usable else main
    return Headline(main, companion, _first(rows, RANDOMISATION), _first(rows, ATTAINABLE))


def _first(rows: pd.DataFrame, analysis: str) -> Any:
    return next(choose(rows, analysis=analysis, term="exposed").itertuples(), None)


def method_interval(row: Any) -> str:
    """The name of a row's interval with its method and level: `CR2 95% interval`."""
    method = METHODS.get(str(row.analysis), "")
    return f"{method} {level_text(row.conf_level)} interval".strip()


def doubt_about(study: Study, lead: Headline) -> str:
    """Why an effect cannot be read by its main row or by that of its interval, e.g. `the estimate rests on
    too few children`; empty where it can."""
    if doubt := doubt_of(study, lead.main):
        return f"the estimate {doubt}"
    doubt = doubt_of(study, lead.companion)
    return f"the estimate with the CR2 variance {doubt}" if doubt else ""


def exact_interval(study: Study, lead: Headline) -> tuple[Any, str]:
    """The row whose exact interval is said, or None and why there is none; both empty without an exact test.

    The level asked for comes first; where its interval has an open end, the highest level that the orders
    allow, if that level is high enough to say anything.
    """
    tested = [row for row in (lead.exact, lead.attainable) if row is not None and has_number(row)]
    if not tested:
        return None, ""
    two_ended = [row for row in tested if math.isfinite(row.conf_low) and math.isfinite(row.conf_high)]
    if not two_ended:
        return None, NO_TWO_ENDS
    row = two_ended[0]
    if uninformative(row):
        return None, f"no informative exact interval (highest level {percentage(row.conf_level)})"
    if doubt_of(study, row):
        return None, "no exact interval that can be read"
    return row, ""
