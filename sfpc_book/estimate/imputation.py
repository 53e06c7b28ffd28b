"""Multiple imputation of categorical covariates by chained equations (van Buuren 2007).

Each covariate with missing values is drawn in turn from a model given all others, in which period, authority,
exposure and outcome take part as well: left out, their relation to the covariate would be diluted in the
imputed values. A covariate of K levels is drawn by K - 1 logits, level j against the later ones among those
not yet placed (continuation ratio), with coefficients drawn from their approximate posterior. A weak normal
prior, standard deviation 2.5 on each standardised coefficient (the scale of Gelman and others 2008, whose
prior is a Cauchy), keeps draws finite where a combination predicts perfectly (White, Daniel and Royston
2010). Each data set has a chain of its own. Children alike in all that a model sees are one row of it, with
their number: the same draws, in less time.

Missing is taken to depend on what was observed alone ("missing at random"); nothing in the data can show it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.special import expit

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.alike import alike

MISSING = -1
PRIOR_DEVIATION = 2.5
NEWTON_STEPS = 100
SETTLED = 1e-3  # a Newton step, in posterior standard deviations: far below the spread of the draw
SHRINKING = 0.25  # a curvature is kept while each step is this much shorter than the last; else taken anew
NOISE = 1e-10  # of the log posterior, relative: a fall that small is rounding, not a step too far
CONSTANT = 1e-9  # a spread this small, relative to the column, is rounding
CYCLES = 5  # the default of mice; few covariates miss values, and in few children


@dataclass(frozen=True)
class _Known:
    """What all chains have in common: where each covariate is missing, its number of levels, the fixed
    columns of every kind of child and the kind of each child."""

    absent: Mapping[str, np.ndarray]
    levels: Mapping[str, int]
    fixed: np.ndarray
    kind: np.ndarray

    @classmethod
    def of(cls, covariates: Mapping[str, np.ndarray], fixed: np.ndarray) -> _Known:
        columns = np.column_stack([np.ones(len(fixed)), fixed])
        first, kind = alike(columns.T)
        return cls(
            absent={name: codes == MISSING for name, codes in covariates.items()},
            levels={name: int(codes.max()) + 1 for name, codes in covariates.items()},
            fixed=columns[first],
            kind=kind,
        )


@dataclass(frozen=True)
class _Posterior:
    """The most likely coefficients and a root of the curvature near them: a start for the next search."""

    centre: np.ndarray
    root: np.ndarray


_Starts = dict[tuple[str, int], _Posterior]


def impute(
    covariates: Mapping[str, np.ndarray],
    fixed: np.ndarray,
    rng: np.random.Generator,
    *,
    number: int = 20,
    cycles: int = CYCLES,
) -> Iterator[dict[str, np.ndarray]]:
    """Fill in missing values, `number` times.

    Parameters
    ----------
    covariates
        For each covariate the number of its level, 0 to K - 1, of n children; `MISSING` where unknown.
    fixed
        (n, p) columns known of every child: authority, period, exposure, outcome. An intercept is added.

    Yields
    ------
    For each data set the covariates with every value filled in; observed values are as they were.

    Raises
    ------
    EstimationError
        If a covariate has no observed value, or `fixed` has a value that is not finite.
    """
    _refuse(covariates, fixed)
    known = _Known.of(covariates, fixed)
    fewest_first = sorted(known.absent, key=lambda name: int(known.absent[name].sum()))
    starts: _Starts = {}
    for _ in range(number):
        codes = {name: _drawn_from_observed(values, rng) for name, values in covariates.items()}
        for _ in range(cycles):
            for name in fewest_first:
                if known.absent[name].any():
                    codes[name] = _redrawn(known, codes, name, rng, starts)
        yield dict(codes)


def _refuse(covariates: Mapping[str, np.ndarray], fixed: np.ndarray) -> None:
    problems = [
        f"covariate '{name}' has no observed value" for name, codes in covariates.items() if codes.max() < 0
    ]
    if not np.isfinite(fixed).all():
        problems.append("authority, period, exposure or outcome is missing for some children")
    if problems:
        raise EstimationError("Covariates cannot be imputed:", problems)


def _drawn_from_observed(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The start of a chain: missing values drawn from the observed ones."""
    observed = codes[codes != MISSING]
    return np.where(codes == MISSING, rng.choice(observed, len(codes)), codes)


def _redrawn(
    known: _Known, codes: Mapping[str, np.ndarray], name: str, rng: np.random.Generator, starts: _Starts
) -> np.ndarray:
    """New values of one covariate where it is missing, given the present values of all others."""
    design, kind = _design(known, {other: values for other, values in codes.items() if other != name})
    absent, last = known.absent[name], known.levels[name] - 1
    observed, of_observed, of_absent = codes[name][~absent], kind[~absent], kind[absent]
    drawn = np.full(len(of_absent), last)
    open_ = np.ones(len(of_absent), dtype=bool)
    for level in range(last):
        among = observed >= level
        if not among.any():
            break
        children = np.bincount(of_observed[among], minlength=len(design)).astype(float)
        events = np.bincount(of_observed[observed == level], minlength=len(design)).astype(float)
        seen = children > 0
        found = _posterior(design[seen], events[seen], children[seen], starts.get((name, level)))
        starts[name, level] = found
        noise = rng.standard_normal(len(found.centre))
        beta = found.centre + linalg.solve_triangular(found.root, noise, lower=True, trans="T")
        hit = open_ & (rng.random(len(of_absent)) < expit(design @ beta)[of_absent])
        drawn[hit], open_ = level, open_ & ~hit
    filled = codes[name].copy()
    filled[absent] = drawn
    return filled


def _design(known: _Known, others: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Fixed columns and dummies of the covariates given, of each kind of child; the kind of each child."""
    first, kind = alike([known.kind, *others.values()])
    dummies = [
        (codes[first, None] == np.arange(1, known.levels[name])).astype(float)
        for name, codes in others.items()
    ]
    return np.hstack([known.fixed[known.kind[first]], *dummies]), kind


def _posterior(
    design: np.ndarray, events: np.ndarray, children: np.ndarray, start: _Posterior | None
) -> _Posterior:
    """The normal approximation of the coefficients' posterior, by Newton steps.

    The log posterior is concave: a step along which it falls is halved. Its curvature is the costly part:
    that of the start serves as long as steps shrink quickly, and at the end it is taken anew.
    """
    precision = _precision(design, children)
    beta = np.zeros(design.shape[1]) if start is None else start.centre
    root = None if start is None else start.root
    highest, last, move = -np.inf, np.inf, np.zeros(0)
    for _ in range(NEWTON_STEPS):
        eta = design @ beta
        height = float(events @ eta - children @ np.logaddexp(0, eta) - precision @ beta**2 / 2)
        if height < highest - NOISE * (1 + abs(highest)):
            move, root, last = move / 2, None, np.inf
            beta = beta - move
            continue
        mean = expit(eta)
        slope = design.T @ (events - children * mean) - precision * beta
        root = _curvature(design, children, mean, precision) if root is None else root
        step = linalg.solve_triangular(root, slope, lower=True)
        highest, size = height, float(np.linalg.norm(step))
        if size < SETTLED:
            return _Posterior(beta, _curvature(design, children, mean, precision))
        move = linalg.solve_triangular(root, step, lower=True, trans="T")
        beta = beta + move
        root, last = (None if size > SHRINKING * last else root), size
    raise EstimationError(f"A model for missing covariates did not settle in {NEWTON_STEPS} steps")


def _precision(design: np.ndarray, children: np.ndarray) -> np.ndarray:
    """Of the normal prior of each coefficient, from the spread of its column over the children."""
    share = children / children.sum()
    spread = np.sqrt(share @ (design - share @ design) ** 2)
    precision = (spread / PRIOR_DEVIATION) ** 2
    constant = spread <= CONSTANT * np.abs(design).max(axis=0)
    precision[constant] = PRIOR_DEVIATION**-2 / 16  # the intercept, and levels that do not occur: 10
    return precision


def _curvature(
    design: np.ndarray, children: np.ndarray, mean: np.ndarray, precision: np.ndarray
) -> np.ndarray:
    """Lower root of minus the second derivatives of the log posterior."""
    weighted = design * np.sqrt(children * mean * (1 - mean))[:, None]
    return linalg.cholesky(weighted.T @ weighted + np.diag(precision), lower=True)
