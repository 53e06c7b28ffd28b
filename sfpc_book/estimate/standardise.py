"""Counterfactual standardisation (g-computation): the risk if nobody, and if everybody, were exposed.

From a fitted logit every child's risk is predicted twice, with exposure set to 0 and to 1 and all else as it
is, and each set averaged over the same children (Robins 1986; Zou 2009 for the delta method). This is not the
difference of the observed arms, which differ in time, place and children. With r_e the mean of
p_ie = expit(x_ie'b), its gradient is mean p_ie (1 - p_ie) x_ie, and a contrast f(r_1, r_0) has the gradient
f_1 grad r_1 + f_0 grad r_0: a linear combination of coefficients to first order, so that its clustered
variance and degrees of freedom are those of that combination.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

# Contrasts of two risks: value and derivatives by the risk of the exposed and of the unexposed. Ratios are on
# the log scale, where their distribution is nearer to normal.
CONTRASTS = ("risk_difference", "log_risk_ratio", "log_odds_ratio")


@dataclass(frozen=True)
class Standardised:
    """Mean risks and their contrasts. `gradients` (3, k) are those of `CONTRASTS` by the coefficients,
    `risk_gradients` (2, k) those of the risk of the unexposed and of the exposed."""

    risk_exposed: float
    risk_unexposed: float
    contrasts: np.ndarray
    gradients: np.ndarray
    risk_gradients: np.ndarray


def standardise(
    design: np.ndarray,
    coefficients: np.ndarray,
    exposure: int,
    *,
    weight: np.ndarray | None = None,
    members: np.ndarray | None = None,
) -> Standardised:
    """Average the risks of both settings over children.

    Parameters
    ----------
    design
        (n, k) as fitted.
    exposure
        Column of the design that holds exposure.
    weight
        (n,) children of each row; None counts every row once.
    members
        (n,) boolean: the children to average over, all if None; the exposed give the effect on the exposed.
    """
    weight = np.ones(len(design)) if weight is None else weight
    share = np.where(np.ones(len(design), dtype=bool) if members is None else members, weight, 0.0)
    share = share / share.sum()
    (one, by_one), (none, by_none) = (_risk(design, coefficients, exposure, value, share) for value in (1, 0))
    slopes = np.array([[1, -1], [1 / one, -1 / none], [1 / (one * (1 - one)), -1 / (none * (1 - none))]])
    values = np.array([one - none, np.log(one / none), np.log(one * (1 - none) / (none * (1 - one)))])
    return Standardised(
        one, none, values, slopes @ np.vstack([by_one, by_none]), np.vstack([by_none, by_one])
    )


def _risk(
    design: np.ndarray, coefficients: np.ndarray, exposure: int, value: int, share: np.ndarray
) -> tuple[float, np.ndarray]:
    """Mean risk with exposure set to a value, and its gradient."""
    column = design[:, exposure]
    risk = expit(design @ coefficients + (value - column) * coefficients[exposure])
    slope = share * risk * (1 - risk)
    gradient = slope @ design
    gradient[exposure] = value * slope.sum()
    return float(share @ risk), gradient
