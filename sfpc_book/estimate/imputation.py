"""Multiple imputation of categorical covariates by chained equations (van Buuren 2007).

Each covariate with missing values is drawn in turn from a model given all others, in which period, authority,
exposure and outcome take part as well: left out, their relation to the covariate would be diluted in the
imputed values. A covariate of K levels is drawn by K - 1 logits, level j against the later ones among those
not yet placed (continuation ratio), with coefficients drawn from their approximate posterior. A weak normal
prior, standard deviation 2.5 on each standardised coefficient (Gelman and others 2008), keeps draws finite
where a combination predicts perfectly (White, Daniel and Royston 2010). Each data set has a chain of its own.

Missing is taken to depend on what was observed alone ("missing at random"); nothing in the data can show it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.special import expit

from sfpc_book.errors import EstimationError

MISSING = -1
PRIOR_DEVIATION = 2.5
NEWTON_STEPS = 100
SETTLED = 1e-3  # a Newton step, in posterior standard deviations: far below the spread of the draw
SHORT = 0.3  # in the same unit: over such a step the curvature hardly changes
NOISE = 1e-10  # of the log posterior, relative: a fall that small is rounding, not a step too far
CYCLES = 5  # the default of mice; few covariates miss values, and in few children


@dataclass
class _Chain:
    """The state of one chain: codes of each covariate, filled; where each was missing; the design of all."""

    codes: dict[str, np.ndarray]
    absent: Mapping[str, np.ndarray]
    levels: Mapping[str, int]
    fixed: np.ndarray

    def design(self, leave_out: str) -> np.ndarray:
        """Fixed columns and dummies of every covariate but one."""
        dummies = [
            (codes[:, None] == np.arange(1, self.levels[name])).astype(float)
            for name, codes in self.codes.items()
            if name != leave_out
        ]
        return np.hstack([self.fixed, *dummies])


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
    absent = {name: codes == MISSING for name, codes in covariates.items()}
    levels = {name: int(codes.max()) + 1 for name, codes in covariates.items()}
    columns = np.column_stack([np.ones(len(fixed)), fixed])
    starts: dict[tuple[str, int], np.ndarray] = {}
    for _ in range(number):
        codes = {name: _drawn_from_observed(values, rng) for name, values in covariates.items()}
        chain = _Chain(codes, absent, levels, columns)
        for _ in range(cycles):
            for name in sorted(absent, key=lambda name: int(absent[name].sum())):
                if absent[name].any():
                    chain.codes[name] = _redrawn(chain, name, rng, starts)
        yield dict(chain.codes)


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
    chain: _Chain, name: str, rng: np.random.Generator, starts: dict[tuple[str, int], np.ndarray]
) -> np.ndarray:
    """New values of one covariate where it is missing, given the present values of all others."""
    design, absent, codes = chain.design(name), chain.absent[name], chain.codes[name].copy()
    known, unknown = design[~absent], design[absent]
    observed = codes[~absent]
    drawn = np.full(len(unknown), chain.levels[name] - 1)
    open_ = np.ones(len(unknown), dtype=bool)
    for level in range(chain.levels[name] - 1):
        among = observed >= level
        if not among.any():
            break
        event = (observed[among] == level).astype(float)
        beta, starts[name, level] = _posterior_draw(known[among], event, starts.get((name, level)), rng)
        hit = open_ & (rng.random(len(unknown)) < expit(unknown @ beta))
        drawn[hit], open_ = level, open_ & ~hit
    codes[absent] = drawn
    return codes


def _posterior_draw(
    design: np.ndarray, event: np.ndarray, start: np.ndarray | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """One draw of the coefficients from their normal approximation, and its centre to start the next from.

    The log posterior is concave: a step along which it falls is halved. Its curvature is the costly part, and
    once a step is short that of the place it set out from serves the steps after it, and the draw.
    """
    precision = _precision(design)
    beta = np.zeros(design.shape[1]) if start is None else start
    highest, factor, length, move = -np.inf, None, np.inf, np.zeros(0)
    for _ in range(NEWTON_STEPS):
        eta = design @ beta
        height = float(event @ eta - np.logaddexp(0, eta).sum() - precision @ beta**2 / 2)
        if height < highest - NOISE * (1 + abs(highest)):
            move, factor = move / 2, None
            beta = beta - move
            continue
        mean = expit(eta)
        slope = design.T @ (event - mean) - precision * beta
        if factor is None or length > SHORT:
            factor = _curvature_root(design, mean, precision)
        step = linalg.solve_triangular(factor, slope, lower=True)
        highest, length = height, float(np.linalg.norm(step))
        if length < SETTLED:
            noise = rng.standard_normal(len(beta))
            return beta + linalg.solve_triangular(factor, noise, lower=True, trans="T"), beta
        move = linalg.solve_triangular(factor, step, lower=True, trans="T")
        beta = beta + move
    raise EstimationError(f"A model for missing covariates did not settle in {NEWTON_STEPS} steps")


def _precision(design: np.ndarray) -> np.ndarray:
    """Of the normal prior of each coefficient."""
    spread = design.std(axis=0)
    weak = PRIOR_DEVIATION**-2 / 16  # the intercept, and levels that do not occur: a deviation of 10
    return np.where(spread == 0, weak, (spread / PRIOR_DEVIATION) ** 2)


def _curvature_root(design: np.ndarray, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Lower Cholesky factor of the negative second derivative of the log posterior."""
    scaled = design * np.sqrt(mean * (1 - mean))[:, None]
    return linalg.cholesky(scaled.T @ scaled + np.diag(precision), lower=True)
