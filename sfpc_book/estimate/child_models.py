"""Models of children's rows, with covariates: logit and linear probability with CR2, and the mixed logit.

Every function takes `Children` and gives terms; with covariates imputed several times, `pooled_terms` runs it
on each data set and pools. A term that cannot be had carries its cause and no number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sfpc_book.estimate.alike import alike
from sfpc_book.estimate.cluster_variance import cluster_variance, logit_variance
from sfpc_book.estimate.estimate import NAN, not_estimable
from sfpc_book.estimate.logit import fit_logit, rank
from sfpc_book.estimate.mixed_logit import fit_mixed_logit
from sfpc_book.estimate.pooling import pool
from sfpc_book.estimate.standardise import CONTRASTS, standardise

LOG_ODDS, PROPORTION = "log odds ratio", "proportion"
UNITS = {"risk_difference": PROPORTION, "log_risk_ratio": "log risk ratio", "log_odds_ratio": LOG_ODDS}
RISKS = ("standardised_risk_unexposed", "standardised_risk_exposed")
ON_THE_EXPOSED = "standardised_risk_difference_exposed"
LOGIT_TERMS = {
    "exposed": LOG_ODDS,
    **dict.fromkeys(RISKS, PROPORTION),
    **{f"standardised_{name}": UNITS[name] for name in CONTRASTS},
    ON_THE_EXPOSED: PROPORTION,
}
QUADRATURE_NODES = 15
NO_DEVIATION = 1e-4  # a standard deviation on the logit scale this small is the boundary
CONSTANT = 1e-12  # a covariate with a spread this small beside its level does not vary
EXACT_FIT = (
    1e-20  # residual sum of squares relative to the outcome's own; below it nothing is left to judge by
)
NOTHING_LEFT = not_estimable("no variation left around the model")


@dataclass(frozen=True)
class Children:
    """Rows of children, or of several alike (`weight`, outcome their mean). Arrays (n,); covariates (n, c).

    `cluster` and `period` are labels; `covariates` are columns of numbers, dummies included, without an
    intercept.
    """

    outcome: np.ndarray
    exposed: np.ndarray
    cluster: np.ndarray
    period: np.ndarray
    weight: np.ndarray
    covariates: np.ndarray

    def distinct(self) -> Children:
        """Those counted, one row for children alike but for the outcome, covariates on a scale of 0 to 1.

        Every model gives the same terms.
        """
        counted = self.weight > 0
        if not counted.any():
            return self
        labels = [pd.factorize(column)[0] for column in (self.cluster, self.period)]
        first, kind = alike([counted, self.exposed, *labels, *self.covariates.T])
        total = np.bincount(kind, weights=self.weight)
        sums = np.bincount(kind, weights=self.weight * self.outcome)
        used = total > 0  # those who do not count are kinds of their own
        alone = {name: getattr(self, name)[first[used]] for name in ("exposed", "cluster", "period")}
        covariates = _scaled(self.covariates[first[used]])
        return Children(outcome=sums[used] / total[used], weight=total[used], covariates=covariates, **alone)

    def fixed_effects(self) -> np.ndarray:
        """Exposure, a dummy of every cluster, of every period but the first, covariates."""
        return np.column_stack(
            [self.exposed, _dummies(self.cluster), _dummies(self.period)[:, 1:], self.covariates]
        ).astype(float)

    def random_intercept(self) -> np.ndarray:
        """Intercept, exposure, a dummy of every period but the first, covariates."""
        ones = np.ones(len(self.outcome))
        return np.column_stack([ones, self.exposed, _dummies(self.period)[:, 1:], self.covariates]).astype(
            float
        )


@dataclass(frozen=True)
class Term:
    """One quantity of a model. `df` is infinite for a normal reference; `missing_information` is NaN unless
    pooled; `note` says what else a reader of the number must know."""

    term: str
    unit: str
    status: str = "ok"
    estimate: float = NAN
    std_error: float = NAN
    df: float = NAN
    missing_information: float = NAN
    note: str = ""


Model = Callable[[Children], tuple[Term, ...]]


def fixed_effects_logit(children: Children, *, kind: str = "CR2") -> tuple[Term, ...]:
    """The terms of `LOGIT_TERMS`, with clustered errors and Satterthwaite degrees of freedom.

    The conditional log odds ratio; the two risks standardised over all children and their contrasts; and the
    risk difference standardised over the exposed children alone, which is the effect on the exposed.
    """
    children = children.distinct()
    design = children.fixed_effects()
    status = design_status(children, design)
    if status != "ok":
        return _without_numbers(LOGIT_TERMS, status)
    fit = fit_logit(design, children.outcome, weight=children.weight)
    if fit.status != "ok":
        return _without_numbers(LOGIT_TERMS, fit.status)
    every = standardise(design, fit.coefficients, 0, weight=children.weight)
    exposed = standardise(design, fit.coefficients, 0, weight=children.weight, members=children.exposed == 1)
    contrasts = np.vstack(
        [np.eye(1, design.shape[1]), every.risk_gradients, every.gradients, exposed.gradients[:1]]
    )
    found = logit_variance(
        design, children.outcome, fit.mean, children.weight, children.cluster, contrasts, kind=kind
    )
    risks = (every.risk_unexposed, every.risk_exposed)
    values = [fit.coefficients[0], *risks, *every.contrasts, exposed.contrasts[0]]
    return _terms(LOGIT_TERMS, values, found.std_error, found.df)


def linear_probability(children: Children, *, kind: str = "CR2") -> tuple[Term, ...]:
    """The risk difference by least squares, with clustered errors and Satterthwaite degrees of freedom."""
    children = children.distinct()
    terms, design = {"exposed": PROPORTION}, children.fixed_effects()
    status = design_status(children, design)
    if status != "ok":
        return _without_numbers(terms, status)
    root = np.sqrt(children.weight)
    scaled = design * root[:, None]
    coefficients = np.linalg.lstsq(scaled, children.outcome * root, rcond=None)[0]
    left = children.outcome * root - scaled @ coefficients
    spread = root * (children.outcome - np.average(children.outcome, weights=children.weight))
    if left @ left <= EXACT_FIT * (spread @ spread):
        return _without_numbers(terms, NOTHING_LEFT)
    contrast = np.eye(1, design.shape[1])
    found = cluster_variance(design, children.outcome, children.weight, children.cluster, contrast, kind=kind)
    return _terms(terms, [coefficients[0]], found.std_error, found.df)


def mixed_logit(children: Children, *, by_period: bool = False, nodes: int = 1) -> tuple[Term, ...]:
    """The log odds ratio given the authority, by a mixed logit; normal reference, as its users print it."""
    children = children.distinct()
    groups = [np.asarray(children.cluster)]
    if by_period:
        labels = [np.unique(labels, return_inverse=True)[1] for labels in (children.cluster, children.period)]
        groups.append(labels[0] * (labels[1].max() + 1) + labels[1])
    design = children.random_intercept()
    terms = {"exposed": LOG_ODDS}
    status = design_status(children, design[:, [1, 0, *range(2, design.shape[1])]])
    if status != "ok":
        return _without_numbers(terms, status)
    fit = fit_mixed_logit(design, children.outcome, tuple(groups), weight=children.weight, nodes=nodes)
    if fit.status != "ok":
        return _without_numbers(terms, fit.status)
    (found,) = _terms(terms, [fit.coefficients[1]], [math.sqrt(fit.covariance[1, 1])], [math.inf])
    return (replace(found, note=_of_no_variance(fit.deviations)),)


def _of_no_variance(deviations: np.ndarray) -> str:
    """Which random intercepts are estimated not to vary: without them the model is another."""
    groups = ("authorities", "an authority's periods")
    still = [name for name, value in zip(groups, deviations, strict=False) if value < NO_DEVIATION]
    return f"variance between {' and '.join(still)} estimated as zero" if still else ""


def pooled_terms(model: Model, imputed: Sequence[Children]) -> tuple[Term, ...]:
    """Run a model on each imputed data set and pool term by term (see `pooling`).

    A term that one data set cannot give is not pooled from the others: it takes that data set's status. The
    share of missing information is that of large samples: the few degrees of freedom of few authorities would
    add to it where nothing is missing.
    """
    runs = [model(children) for children in imputed]
    return tuple(_pooled(terms) for terms in zip(*runs, strict=True))


def _pooled(terms: Sequence[Term]) -> Term:
    failed = next((term for term in terms if term.status != "ok"), None)
    if failed:
        return failed
    estimates, errors = (
        np.array([getattr(term, name) for term in terms]) for name in ("estimate", "std_error")
    )
    found = pool(estimates, errors, float(np.mean([term.df for term in terms])))
    return replace(
        terms[0],
        estimate=found.estimate,
        std_error=found.std_error,
        df=found.df,
        missing_information=pool(estimates, errors, math.inf).missing_information,
    )


def design_status(children: Children, design: np.ndarray) -> str:
    """`ok`, `not_identified` or `not_estimable: <cause>` before a model is fitted; exposure is the first
    column of the design."""
    counted = children.weight > 0
    outcome, used = children.outcome[counted], design[counted]
    if not len(outcome):
        return not_estimable("no child with an observed outcome")
    if len(np.unique(children.cluster[counted])) < 2:
        return not_estimable("one authority")
    if np.ptp(outcome) == 0:
        return not_estimable("constant outcome")
    if rank(used) < used.shape[1]:
        known = rank(used) > rank(used[:, 1:])
        return not_estimable("covariates that say the same as others") if known else "not_identified"
    return "ok"


def _scaled(covariates: np.ndarray) -> np.ndarray:
    """Covariates that reach from 0 to 1; terms of exposure do not depend on unit or origin, rounding does."""
    least, spread = covariates.min(axis=0), np.ptp(covariates, axis=0)
    varies = spread > CONSTANT * np.abs(covariates).max(axis=0)
    return np.where(
        varies, (covariates - least) / np.where(varies, spread, 1.0), np.where(least == 0, 0.0, 1.0)
    )


def _terms(
    names: dict[str, str], values: Sequence[float], errors: Sequence[float], dfs: Sequence[float]
) -> tuple[Term, ...]:
    rows = zip(names.items(), values, errors, dfs, strict=True)
    return tuple(
        Term(name, unit, "ok", float(value), float(error), float(df))
        for (name, unit), value, error, df in rows
    )


def _without_numbers(terms: dict[str, str], status: str) -> tuple[Term, ...]:
    return tuple(Term(name, unit, status) for name, unit in terms.items())


def _dummies(labels: np.ndarray) -> np.ndarray:
    return (np.asarray(labels)[:, None] == np.unique(labels)).astype(float)
