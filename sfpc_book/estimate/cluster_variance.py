"""Cluster-robust variance for few clusters: CR2 with Satterthwaite degrees of freedom, and CR3.

Derivation (Bell and McCaffrey 2002; Pustejovsky and Tipton 2018). Multiply the rows of y and X by the square
root of their weight; the weighted regression becomes ordinary least squares with working variance I, that is,
Var(mean) proportional to 1 / children, as if every child counted alike. With B = (X'X)^-1, hat matrix
H = X B X' and residuals e, the estimator is

    V = B [ sum_g X_g' A_g e_g e_g' A_g' X_g ] B .

Under the working variance, Var(e_g) = I - H_gg. CR2 takes A_g = (I - H_gg)^(-1/2), the symmetric root of the
Moore-Penrose inverse, so that V is unbiased; authority effects make I - H_gg singular (residuals of an
authority sum to 0), and the Moore-Penrose inverse leaves that direction out, as they show is right.
CR3 takes A_g = (I - H_gg)^-1, close to the jackknife that leaves one cluster out.

For one coefficient c'b the variance estimate is sum_g (p_g'y)^2, p_g = (I - H)_{.g} A_g X_g B c. If y has the
working variance, its mean is sum_g p_g'p_g and its variance 2 sum_gh (p_g'p_h)^2; the Satterthwaite degrees
of freedom of a scaled chi-square with these moments are

    df = (sum_g p_g'p_g)^2 / sum_gh (p_g'p_h)^2 .

Tested against clubSandwich (R) to 1e-9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EIGENVALUE_TOLERANCE = 1e-10  # eigenvalues of I - H_gg lie in [0, 1]; below this they are the singular ones
KINDS = {"CR0": 0.0, "CR2": -0.5, "CR3": -1.0}  # A_g is I - H_gg to this power


@dataclass(frozen=True)
class ClusterVariance:
    """Robust standard error and degrees of freedom of each contrast asked for. Arrays of one length."""

    std_error: np.ndarray
    df: np.ndarray


def cluster_variance(
    design: np.ndarray,
    outcome: np.ndarray,
    weight: np.ndarray,
    cluster: np.ndarray,
    contrasts: np.ndarray,
    *,
    kind: str = "CR2",
) -> ClusterVariance:
    """Robust variance of linear combinations of weighted least-squares coefficients.

    Parameters
    ----------
    design
        (n, k), effects included as dummies; may be rank-deficient as long as the contrasts are identified.
    outcome, weight, cluster
        (n,).
    contrasts
        (m, k), one combination of coefficients in each row.
    kind
        `CR0` (no correction), `CR2` or `CR3`.
    """
    root = np.sqrt(weight)
    x, y = design * root[:, None], outcome * root
    bread = np.linalg.pinv(x.T @ x, hermitian=True)
    hat = x @ bread @ x.T
    residual = y - hat @ y
    influence = x @ bread @ np.atleast_2d(contrasts).T  # (n, m)
    maker = np.eye(len(y)) - hat
    scores, spread = [], []
    for members in (np.flatnonzero(cluster == name) for name in np.unique(cluster)):
        block = maker[np.ix_(members, members)]
        adjusted = matrix_power(block, KINDS[kind]) @ influence[members]
        scores.append(adjusted.T @ residual[members])
        spread.append(maker[:, members] @ adjusted)
    variance = np.sum(np.square(scores), axis=0)
    return ClusterVariance(std_error=np.sqrt(variance), df=_satterthwaite(np.array(spread)))


def matrix_power(symmetric: np.ndarray, power: float) -> np.ndarray:
    """Power of a positive semi-definite matrix; a negative one is that of the Moore-Penrose inverse."""
    if power == 0:
        return np.eye(len(symmetric))
    values, vectors = np.linalg.eigh(symmetric)
    kept = values > EIGENVALUE_TOLERANCE
    return (vectors[:, kept] * values[kept] ** power) @ vectors[:, kept].T


def _satterthwaite(spread: np.ndarray) -> np.ndarray:
    """Degrees of freedom from p_g, shape (clusters, n, contrasts); NaN where the variance is 0."""
    products = np.einsum("gnm,hnm->mgh", spread, spread)
    total = np.trace(products, axis1=1, axis2=2) ** 2
    squares = np.sum(products**2, axis=(1, 2))
    return np.divide(total, squares, out=np.full_like(total, np.nan), where=squares > 0)
