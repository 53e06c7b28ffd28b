"""From a term of a child-level model to a row of the tidy table."""

from __future__ import annotations

import math

from sfpc_book.estimate.child_models import ON_THE_EXPOSED, PROPORTION, RISKS, Term
from sfpc_book.estimate.estimate import NAN, Estimate
from sfpc_book.estimate.panel_models import t_interval
from sfpc_book.estimate.wedge_rows import Slice

NEARLY_NORMAL = 1000.0  # degrees of freedom beyond which a t distribution is written as the normal one
ESTIMANDS = {**dict.fromkeys(RISKS, "risk"), ON_THE_EXPOSED: "on_the_exposed"}


def term_row(facts: Slice, analysis: str, term: Term) -> Estimate:
    """A term as a row; its unit is the outcome's own where the term is on the outcome's scale.

    A risk has an interval and no test: that it is 0 is no hypothesis.
    """
    unit = facts.unit if term.unit == PROPORTION else term.unit
    common = {"term": term.term, "estimand": ESTIMANDS.get(term.term, "immediate"), "unit": unit}
    if term.status != "ok":
        identified = term.status != "not_identified"
        return facts.row(analysis, status=term.status, identified=identified, reference="", **common)
    numbers = {name: getattr(term, name) for name in ("estimate", "std_error", "missing_information")}
    if term.std_error > 0:
        df = math.inf if term.df > NEARLY_NORMAL else term.df
        numbers |= t_interval(term.estimate, term.std_error, df, facts.conf_level)
    if term.term in RISKS:
        numbers |= {"statistic": NAN, "p_value": NAN}
    return facts.row(analysis, reference=_reference(term), **numbers, **common)


def _reference(term: Term) -> str:
    pooled = ", pooled over imputations" if not math.isnan(term.missing_information) else ""
    note = f"; {term.note}" if term.note else ""
    if term.df > NEARLY_NORMAL:
        return f"normal{pooled}{note}"
    return f"t{pooled or ', Satterthwaite d.f.'}{note}"
