"""Cluster-robust variance for few clusters: CR2 with Satterthwaite degrees of freedom, and CR3.

Derivation (Bell and McCaffrey 2002; Pustejovsky and Tipton 2018). Let Phi be the working variance of the
children's outcomes, a diagonal matrix. Divide the rows of y and X by the root of Phi; the weighted regression
becomes ordinary least squares with working variance I. With B = (X'X)^-1, hat matrix H = X B X' and
residuals e, the estimator is

    V = B [ sum_g X_g' A_g e_g e_g' A_g' X_g ] B .

Under the working variance, Var(e_g) = M_g = I - H_gg. CR2 takes A_g with A_g M_g A_g' = I, so that V is
unbiased. Of the matrices that do, Pustejovsky and Tipton take the one that is symmetric for the rows as they
were before they were divided: A_g = (Phi_g M_g Phi_g)^(-1/2) Phi_g, with the symmetric root of the
Moore-Penrose inverse. Authority effects make M_g singular (residuals of an authority sum to 0), and the
Moore-Penrose inverse leaves that direction out, as they show is right. CR3 takes A_g = M_g^-1, close to the
jackknife that leaves one cluster out.

For one coefficient c'b the variance estimate is sum_g (p_g'y)^2, p_g = (I - H)_{.g} v_g, v_g = A_g' X_g B c.
If y has the working variance, its mean is sum_g p_g'p_g and its variance 2 sum_gh (p_g'p_h)^2; the
Satterthwaite degrees of freedom of a scaled chi-square with these moments are

    df = (sum_g p_g'p_g)^2 / sum_gh (p_g'p_h)^2,    p_g'p_h = [g = h] v_g'v_g - v_g'X_g B X_h'v_h .

Nothing of size n x n is formed (see `inverse_root`), so child rows can be given as they are. A row that
stands for several children alike, with their mean as outcome, is multiplied by the root of their number
instead; the result is that of the children's own rows.
Tested against clubSandwich (R): least squares to 1e-9, logit and Poisson to 1e-8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfpc_book.estimate.inverse_root import Diminished

KINDS = ("CR0", "CR2", "CR3")


@dataclass(frozen=True)
class ClusterVariance:
    """Robust standard error and degrees of freedom of each contrast asked for, arrays (m,); `covariance` of
    the contrasts is (m, m)."""

    std_error: np.ndarray
    df: np.ndarray
    covariance: np.ndarray


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

    The working variance of every child's outcome is the same.

    Parameters
    ----------
    design
        (n, k), effects included as dummies; may be rank-deficient as long as the contrasts are identified.
    outcome, weight, cluster
        (n,); the weight is the number of children of a row.
    contrasts
        (m, k), one combination of coefficients in each row.
    kind
        `CR0` (no correction), `CR2` or `CR3`.
    """
    root = np.sqrt(weight)
    x, y = design * root[:, None], outcome * root
    residual = y - x @ (np.linalg.pinv(x.T @ x, hermitian=True) @ (x.T @ y))
    return _sandwich(x, residual, np.ones(len(x)), cluster, contrasts, kind)


def logit_variance(
    design: np.ndarray,
    outcome: np.ndarray,
    mean: np.ndarray,
    weight: np.ndarray,
    cluster: np.ndarray,
    contrasts: np.ndarray,
    *,
    kind: str = "CR2",
) -> ClusterVariance:
    """The same for the coefficients of a logit with fitted probabilities `mean` (n,).

    The working variance of a child's outcome is mean (1 - mean). Shares are fitted by the same equations.
    """
    variance = mean * (1 - mean)
    return model_variance(design, outcome, mean, variance, weight, cluster, contrasts, kind=kind)


def model_variance(
    design: np.ndarray,
    outcome: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    weight: np.ndarray,
    cluster: np.ndarray,
    contrasts: np.ndarray,
    *,
    kind: str = "CR2",
) -> ClusterVariance:
    """The same for a generalised linear model with its canonical link, whatever its dispersion.

    `mean` (n,) are the fitted means and `variance` (n,) the working variance of one child's outcome up to a
    factor: mean (1 - mean) for a logit, mean for a Poisson model. With a canonical link it is also the slope
    of the mean, so the rows are those of the last step of iterated least squares. A row that is a sum over
    months or children, with its size as offset, has weight 1 and the expected sum as mean and variance.
    """
    root = np.sqrt(weight * variance)
    residual = root * (outcome - mean) / variance
    return _sandwich(design * root[:, None], residual, variance, cluster, contrasts, kind)


def _sandwich(
    x: np.ndarray,
    residual: np.ndarray,
    variance: np.ndarray,
    cluster: np.ndarray,
    contrasts: np.ndarray,
    kind: str,
) -> ClusterVariance:
    bread = np.linalg.pinv(x.T @ x, hermitian=True)
    wanted = bread @ np.atleast_2d(contrasts).T  # (k, m)
    scores, sizes, reach = [], [], []
    for members in (np.flatnonzero(cluster == name) for name in np.unique(cluster)):
        adjusted = _adjusted(x[members], variance[members], bread, wanted, kind)
        scores.append(adjusted.T @ residual[members])
        sizes.append(np.sum(adjusted**2, axis=0))
        reach.append(x[members].T @ adjusted)
    covariance = np.array(scores).T @ np.array(scores)
    df = _satterthwaite(np.array(sizes), np.array(reach), bread)
    return ClusterVariance(np.sqrt(np.diag(covariance)), df, covariance)


def _adjusted(
    x: np.ndarray, variance: np.ndarray, bread: np.ndarray, wanted: np.ndarray, kind: str
) -> np.ndarray:
    """v_g = A_g' X_g B c, one column for each contrast."""
    if kind == "CR0":
        return x @ wanted
    if kind == "CR3":
        return Diminished.of(np.ones(len(x)), x, bread).inverse(x @ wanted)
    # The scale of the variance does not matter; near 1 it keeps the root well conditioned.
    phi = variance / np.median(variance)
    return phi[:, None] * Diminished.of(phi, x, bread).inverse_root(x @ wanted)


def _satterthwaite(sizes: np.ndarray, reach: np.ndarray, bread: np.ndarray) -> np.ndarray:
    """Degrees of freedom from v_g'v_g, shape (clusters, contrasts), and X_g'v_g, (clusters, k, contrasts);
    NaN where the variance is 0."""
    by_contrast = reach.transpose(2, 0, 1)
    products = -(by_contrast @ bread) @ by_contrast.transpose(0, 2, 1)
    products += np.einsum("gm,gh->mgh", sizes, np.eye(len(sizes)))
    total = np.trace(products, axis1=1, axis2=2) ** 2
    squares = np.sum(products**2, axis=(1, 2))
    return np.divide(total, squares, out=np.full_like(total, np.nan), where=squares > 0)
