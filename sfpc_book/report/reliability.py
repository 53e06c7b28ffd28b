"""Which estimates rest on too little to be read, by the limits that the study file sets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sfpc_book.report.disclosure import protected
from sfpc_book.report.estimate_rows import ends_of, has_number
from sfpc_book.report.formats import count, is_missing
from sfpc_book.study.schema import Disclosure, Study

WIDEST = 1.0  # a proportion lies between 0 and 1


def doubt_of(study: Study, row: Any) -> str:
    """Why a row cannot be read, to follow “the estimate”; empty for a row that can.

    Judged on counts as they are published, so that chapters and the table of all estimates agree. A count
    too small to be shown is below every limit. Rows on published statistics have no such counts. Give rows
    before `hide_near`, or of the main estimate: in what chapters recorded, other counts can be hidden though
    they are large.
    """
    if not has_number(row) or getattr(row, "outcome", None) not in study.outcomes:
        return ""
    exposure = study.exposures.get(str(getattr(row, "exposure", "")))
    if exposure is not None and exposure.until_care:
        return "rests on an exposure that the outcome itself decides, and cannot be read as an effect"
    limits, binary = study.reliability, study.outcomes[row.outcome].scale == "binary"
    children, events = (_shown(value, study.disclosure) for value in (row.n_children, row.n_events))
    if not children >= limits.minimum_children:
        return f"rests on too few children ({_said(children, study.disclosure)}) to be read"
    if binary and not events >= limits.minimum_events:
        return f"rests on too few events ({_said(events, study.disclosure)}) to be read"
    low, high = ends_of(row)
    if str(row.unit).startswith("proportion") and math.isfinite(high - low) and high - low > WIDEST:
        return "has an interval wider than a proportion can be, and cannot be read"
    return ""


def _shown(value: object, disclosure: Disclosure) -> float:
    number = math.nan if is_missing(value) else float(value)  # type: ignore[arg-type]
    return float(protected(np.array([number]), disclosure)[0])


def _said(value: float, disclosure: Disclosure) -> str:
    return f"fewer than {disclosure.threshold}" if math.isnan(value) else count(value)
