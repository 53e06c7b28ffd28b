"""Least squares with authority and period effects, for many exposures at once.

By Frisch, Waugh and Lovell the coefficient of an exposure d in the regression of y on d, authority and period
effects with weights w is d'A y / d'A d with A = W - W Z (Z'W Z)^+ Z'W. A does not depend on d, so it is built
once and serves every order that randomisation could have given.
"""

from __future__ import annotations

import numpy as np

from sfpc_book.estimate.cells import Cells

RANK_TOLERANCE = 1e-9  # relative; cell weights span at most some six orders of magnitude


def effects_design(cells: Cells) -> np.ndarray:
    """Dummies of authorities and of periods after the first. Shape (cells, authorities + periods - 1)."""
    authority = cells.authority[:, None] == np.arange(len(cells.authorities))
    period = cells.period[:, None] == np.array(cells.periods[1:], dtype=int)
    return np.hstack([authority, period]).astype(float)


def residual_form(cells: Cells, weight: np.ndarray) -> np.ndarray:
    """The matrix A of the module's text. Shape (cells, cells), symmetric, positive semi-definite."""
    root = np.sqrt(weight)
    basis = column_basis(effects_design(cells) * root[:, None])
    maker = np.eye(cells.n_cells) - basis @ basis.T
    return root[:, None] * maker * root[None, :]


def column_basis(matrix: np.ndarray) -> np.ndarray:
    """Orthonormal basis of the column space. Shape (rows, rank)."""
    left, values, _ = np.linalg.svd(matrix, full_matrices=False)
    return left[:, values > RANK_TOLERANCE * values[0]] if values.size else left


def has_within_variation(cells: Cells, weight: np.ndarray) -> bool:
    """Whether exposure varies once authority and period effects are taken out."""
    form = residual_form(cells, weight)
    total = float(weight @ cells.exposed**2)
    return total > 0 and float(cells.exposed @ form @ cells.exposed) > RANK_TOLERANCE * total


def weights_of(cells: Cells, weights: str) -> np.ndarray:
    """Children in each cell (`children`), or one for each cell (`equal`)."""
    return cells.weight if weights == "children" else np.ones(cells.n_cells)
