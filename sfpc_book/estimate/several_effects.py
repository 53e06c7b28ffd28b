"""Several exposures in one two-way model: an effect for each, and differences between two of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.cluster_variance import cluster_variance
from sfpc_book.estimate.estimate import NAN
from sfpc_book.estimate.exposure_time import MINIMUM_STD_ERROR, ExposureEffect
from sfpc_book.estimate.two_way import RANK_TOLERANCE, effects_design, identified_columns, weights_of


def several_effects(
    cells: Cells,
    exposures: Mapping[str, np.ndarray],
    differences: Mapping[str, tuple[str, str]] | None = None,
    *,
    weights: str = "children",
) -> tuple[ExposureEffect, ...]:
    """The effect of each exposure, then the differences (first minus second), with CR2 errors.

    Parameters
    ----------
    exposures
        By term, (cells,); together they stand in place of the one exposure.

    An effect is identified when its coefficient is the same in every least-squares solution; a difference
    when both of its effects are. One that a single authority reached has no standard error (see
    `exposure_time_effects`). `times` of the results is empty.
    """
    columns = np.column_stack(list(exposures.values()))
    design = np.hstack([columns, effects_design(cells)])
    weight = weights_of(cells, weights)
    root = np.sqrt(weight)
    scaled = design * root[:, None]
    known = dict(zip(exposures, identified_columns(scaled, len(exposures)).tolist(), strict=True))
    solution = np.linalg.lstsq(scaled, cells.mean * root, rcond=RANK_TOLERANCE)[0]
    place = {term: number for number, term in enumerate(exposures)}
    wanted = {term: ((term, 1.0),) for term in exposures}
    wanted |= {term: ((one, 1.0), (other, -1.0)) for term, (one, other) in (differences or {}).items()}

    def effect(term: str, parts: tuple[tuple[str, float], ...]) -> ExposureEffect:
        if not all(known[part] for part, _ in parts):
            return ExposureEffect(term, (), identified=False)
        contrast = np.zeros(design.shape[1])
        contrast[[place[part] for part, _ in parts]] = [factor for _, factor in parts]
        found = cluster_variance(design, cells.mean, weight, cells.authority, contrast)
        reached = [len(np.unique(cells.authority[exposures[part] != 0])) for part, _ in parts]
        error = float(found.std_error[0])
        usable = min(reached) > 1 and error > MINIMUM_STD_ERROR * float(np.ptp(cells.mean))
        numbers = (error, float(found.df[0])) if usable else (NAN, NAN)
        return ExposureEffect(term, (), True, float(contrast @ solution), *numbers)

    return tuple(effect(term, parts) for term, parts in wanted.items())
