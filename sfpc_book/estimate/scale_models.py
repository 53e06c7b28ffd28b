"""A model for the scale of an outcome, on cells of authority and period: counts, shares, yes or no.

Each function takes `Children`, rows of children or of several alike, and gives terms: the coefficient of
exposure on the model's own scale, and the difference standardised over the children, in the outcome's unit.
Clustered CR2 errors with Satterthwaite degrees of freedom throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sfpc_book.estimate.child_models import Children, Term, fixed_effects_logit
from sfpc_book.estimate.cluster_variance import model_variance
from sfpc_book.estimate.estimate import NAN, not_estimable
from sfpc_book.estimate.logit import SEPARATION
from sfpc_book.estimate.poisson import RANK_TOLERANCE, fit_poisson

LOG_RATIO = "log rate ratio"
RATE_DIFFERENCE = "standardised_rate_difference"
RISK_DIFFERENCE = "standardised_risk_difference"
SHARE_TERMS = ("exposed", RISK_DIFFERENCE, "standardised_log_risk_ratio")
ONE_SIDED = "an authority or a period has no event, or only events"
APART = "exposure, authority and period together set the children with events apart"


@dataclass(frozen=True)
class StandardisedRates:
    """Mean rates with everybody exposed and nobody, their difference, and its gradient (k,)."""

    exposed: float
    unexposed: float
    difference: float
    gradient: np.ndarray


def standardise_rates(
    design: np.ndarray, coefficients: np.ndarray, exposure: int, share: np.ndarray
) -> StandardisedRates:
    """Average exp(x'b) with exposure set to 1 and to 0 over children.

    `share` (n,) are the rows' numbers of children; column `exposure` of the design holds exposure. With
    r_e = sum share exp(x_e'b) / sum share, the gradient of r_1 - r_0 is that of r_1 less that of r_0, each
    sum share exp(x_e'b) x_e / sum share.
    """
    share = share / share.sum()
    rates, gradients = [], []
    for value in (1.0, 0.0):
        changed = design.copy()
        changed[:, exposure] = value
        rate = share * np.exp(changed @ coefficients)
        rates.append(float(rate.sum()))
        gradients.append(rate @ changed)
    return StandardisedRates(rates[0], rates[1], rates[0] - rates[1], gradients[0] - gradients[1])


def poisson_rates(
    rows: Children, unit: str, *, size: np.ndarray | None = None, kind: str = "CR2", per: float = 1.0
) -> tuple[Term, ...]:
    """Log rate ratio, and the rate difference standardised over the children, in `unit`.

    Parameters
    ----------
    rows
        Outcomes are counts or days of children, or their means with `weight` children each; with `size` they
        are sums over `size` children, of weight 1.
    per
        Children that a rate is said of: the difference is multiplied by it.

    A term that cannot be had carries `not_identified` or `not_estimable: <cause>` and no number.
    """
    units = {"exposed": LOG_RATIO, RATE_DIFFERENCE: unit}
    design = rows.fixed_effects()
    status = _status(rows, design)
    if status != "ok":
        return tuple(Term(name, text, status) for name, text in units.items())
    fit = fit_poisson(design, rows.outcome, weight=rows.weight, size=size)
    if fit.status != "ok":
        return tuple(Term(name, text, fit.status) for name, text in units.items())
    rates = standardise_rates(design, fit.coefficients, 0, rows.weight if size is None else size)
    contrasts = np.vstack([np.eye(1, design.shape[1]), per * rates.gradient])
    found = model_variance(
        design, rows.outcome, fit.mean, fit.mean, rows.weight, rows.cluster, contrasts, kind=kind
    )
    values = (float(fit.coefficients[0]), per * rates.difference)
    numbers = zip(units.items(), values, found.std_error, found.df, strict=True)
    return tuple(
        Term(name, text, "ok", value, float(error), float(df)) for (name, text), value, error, df in numbers
    )


def logit_shares(rows: Children, unit: str, *, kind: str = "CR2") -> tuple[Term, ...]:
    """Log odds ratio, difference and log ratio standardised over the children, of risks or mean shares.

    For shares the equations are those of the logit, which need the mean alone to be right: fractional logit
    (Papke and Wooldridge 1996). The difference is in `unit`.
    """
    outside = (rows.weight > 0) & ((rows.outcome < 0) | (rows.outcome > 1))
    if outside.any():
        return without_numbers(SHARE_TERMS, unit, not_estimable("shares outside 0 to 1"))
    found = {term.term: _in_unit(term, unit) for term in fixed_effects_logit(rows, kind=kind)}
    if found["exposed"].status == SEPARATION:
        return without_numbers(SHARE_TERMS, unit, _set_apart(rows))
    return tuple(found[name] for name in SHARE_TERMS)


def _set_apart(rows: Children) -> str:
    """What separates events from none where the model has no covariates: an authority or a period, or their
    combination with exposure.
    """
    used = rows.weight > 0
    events = rows.outcome[used]
    for labels in (np.asarray(rows.cluster)[used], np.asarray(rows.period)[used]):
        for label in np.unique(labels):
            own = events[labels == label]
            if (own == 0).all() or (own == 1).all():
                return not_estimable(ONE_SIDED)
    return not_estimable(APART)


def _in_unit(term: Term, unit: str) -> Term:
    if term.term != RISK_DIFFERENCE:
        return term
    return Term(term.term, unit, term.status, term.estimate, term.std_error, term.df)


def _status(rows: Children, design: np.ndarray) -> str:
    """Why no rate ratio can be had, named for its authority or period where there is one; else `ok`."""
    used = rows.weight > 0
    events = rows.outcome[used]
    if not used.any():
        return not_estimable("no child with an observed outcome")
    if not events.any():
        return not_estimable("no events")
    clusters, periods = np.asarray(rows.cluster)[used], np.asarray(rows.period)[used]
    if len(np.unique(clusters)) < 2:
        return not_estimable("one authority")
    quiet = [
        *_without_events("authority", clusters, events),
        *_without_events("period", periods, events),
    ]
    if quiet:
        return not_estimable(f"no event in {', '.join(quiet)}")
    within = np.delete(design[used], 0, axis=1)
    return "ok" if _rank(design[used]) > _rank(within) else "not_identified"


def _without_events(what: str, labels: np.ndarray, events: np.ndarray) -> Sequence[str]:
    return [f"{what} {label}" for label in np.unique(labels) if not events[labels == label].any()]


def _rank(matrix: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(matrix, tol=RANK_TOLERANCE * np.linalg.norm(matrix)))


def without_numbers(terms: Sequence[str], unit: str, status: str) -> tuple[Term, ...]:
    """Terms that have no number, with the reason."""
    return tuple(Term(name, unit, status, NAN) for name in terms)
