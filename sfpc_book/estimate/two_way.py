"""Least squares with authority and period effects, for many exposures at once.

By Frisch, Waugh and Lovell the coefficient of an exposure d in the regression of y on d, authority and period
effects with weights w is d'A y / d'A d with A = W - W Z (Z'W Z)^+ Z'W. A does not depend on d, so it is built
once and serves every order that randomisation could have given; many orders at once use it in factored form,
A = R (I - P) R with R the roots of the weights and P the projection on R Z: means of authorities first, which
thousands of them do not slow down, then a basis of what is left of the periods.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg, sparse

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells

WEIGHTS = ("children", "equal")
RANK_TOLERANCE = 1e-9  # relative; cell weights span at most some six orders of magnitude


def effects_design(cells: Cells) -> np.ndarray:
    """Dummies of authorities and of periods after the first, then covariates.

    Shape (cells, authorities + periods - 1 + covariates)."""
    authority = cells.authority[:, None] == np.arange(len(cells.authorities))
    return np.hstack([authority.astype(float), _period_columns(cells)])


def _period_columns(cells: Cells) -> np.ndarray:
    """Dummies of periods after the first, and the covariates brought to a size of 1."""
    period = (cells.period[:, None] == np.array(cells.periods[1:], dtype=int)).astype(float)
    if cells.covariates is None:
        return period
    size = np.abs(cells.covariates).max(axis=0, initial=0.0)
    return np.hstack([period, cells.covariates / np.where(size > 0, size, 1.0)])


def residual_form(cells: Cells, weight: np.ndarray) -> np.ndarray:
    """The matrix A of the module's text. Shape (cells, cells), symmetric, positive semi-definite."""
    return residual_maker(cells, weight)(np.eye(cells.n_cells)) * weight


def residual_maker(cells: Cells, weight: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A function that takes authority and period effects, and covariates, out of each row. (rows, cells)."""
    root = np.sqrt(weight)
    authority = _authority_basis(cells, root)
    period = period_basis(cells, weight)

    def residuals(values: np.ndarray) -> np.ndarray:
        scaled = values * root
        scaled = scaled - (scaled @ authority) @ authority.T
        return (scaled - (scaled @ period) @ period.T) / root

    return residuals


def period_basis(cells: Cells, weight: np.ndarray) -> np.ndarray:
    """Orthonormal basis of what is left of periods and covariates without authority effects, rows multiplied
    by the roots of the weights. Shape (cells, rank)."""
    root = np.sqrt(weight)
    authority = _authority_basis(cells, root)
    columns = _period_columns(cells) * root[:, None]
    return column_basis(columns - authority @ (authority.T @ columns))


def _authority_basis(cells: Cells, root: np.ndarray) -> sparse.csr_array:
    """Orthonormal basis of authority dummies times the roots of weights. Shape (cells, authorities)."""
    size = np.sqrt(np.bincount(cells.authority, root**2, minlength=len(cells.authorities)))
    share = root / size[cells.authority]
    place = (share, (np.arange(cells.n_cells), cells.authority))
    return sparse.csr_array(place, shape=(cells.n_cells, len(cells.authorities)))


def two_way_influence(cells: Cells, weight: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A function from exposures to the weight of each cell's mean in their coefficients. (orders, cells).

    A row of zeros: the exposure has no variation left, so there is no coefficient.
    """
    residuals = residual_maker(cells, weight)

    def influence(exposed: np.ndarray) -> np.ndarray:
        left = residuals(exposed)
        information = left**2 @ weight
        defined = information > RANK_TOLERANCE * max(float(weight.sum()), 1.0)
        scale = np.divide(1.0, information, out=np.zeros_like(information), where=defined)
        return left * weight * scale[:, None]

    return influence


def column_basis(matrix: np.ndarray) -> np.ndarray:
    """Orthonormal basis of the column space, by QR with pivoting. Shape (rows, rank)."""
    if not matrix.size:
        return matrix
    basis, upper, _ = linalg.qr(matrix, mode="economic", pivoting=True)
    size = np.abs(np.diag(upper))
    return basis[:, : int((size > RANK_TOLERANCE * size[0]).sum())]


def identified_columns(design: np.ndarray, n_terms: int) -> np.ndarray:
    """Whether each of the first coefficients is fixed by the data: no null direction touches it. (n_terms,).

    `design` (rows, columns) has its rows multiplied by the roots of their weights."""
    scaled = design / np.maximum(np.linalg.norm(design, axis=0), 1e-300)
    _, values, right = np.linalg.svd(scaled, full_matrices=True)
    rank = int((values > RANK_TOLERANCE * values[0]).sum())
    null = right[rank:]
    return np.abs(null[:, :n_terms]).max(axis=0, initial=0.0) < np.sqrt(RANK_TOLERANCE)


def has_within_variation(cells: Cells, weight: np.ndarray) -> bool:
    """Whether exposure varies once authority and period effects, and covariates, are taken out."""
    left = residual_maker(cells, weight)(cells.exposed[None, :])[0]
    total = float(weight @ cells.exposed**2)
    return total > 0 and float(weight @ left**2) > RANK_TOLERANCE * total


def weights_of(cells: Cells, weights: str) -> np.ndarray:
    """Children in each row (`children`), or one for each authority and period (`equal`), which its rows, if
    there are several, share as their children are shared out."""
    if weights not in WEIGHTS:
        raise EstimationError(f"Unknown weights '{weights}'. Allowed: {', '.join(WEIGHTS)}.")
    if weights == "children":
        return cells.weight
    place = cells.authority * len(cells.periods) + np.searchsorted(cells.periods, cells.period)
    return cells.weight / np.bincount(place, cells.weight)[place]
