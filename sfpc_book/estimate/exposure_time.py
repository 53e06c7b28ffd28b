"""Effect by time since go-live: one indicator for each exposed period, with authority and period effects.

One effect for all exposed periods can have the wrong sign when the effect grows (Kenny and others 2022); this
model lets it differ. It assumes that the effect depends on time since go-live alone. Periods are the spans
between go-lives, so exposure time counts spans of unequal length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.cluster_variance import cluster_variance
from sfpc_book.estimate.estimate import NAN
from sfpc_book.estimate.two_way import RANK_TOLERANCE, effects_design, identified_columns, weights_of

AVERAGES = ("children", "equal")
MINIMUM_STD_ERROR = 1e-9  # relative to the outcome's spread; a smaller one means no variation to estimate it

ONE_REACHED = "one authority reached this exposure time, so variation between authorities cannot be seen"
NO_VARIATION = "no variation between authorities is left around the model"


@dataclass(frozen=True)
class ExposureEffect:
    """Effect at one exposure time, or an average over several (`times`); without a standard error, `why` says
    the reason."""

    term: str
    times: tuple[int, ...]
    identified: bool
    estimate: float = NAN
    std_error: float = NAN
    df: float = NAN
    why: str = ""


def exposure_time_effects(cells: Cells, *, weights: str = "children") -> tuple[ExposureEffect, ...]:
    """The effect at each exposure time present, in order, with CR2 errors and Satterthwaite d.f.

    A term is identified when its coefficient is the same in every least-squares solution (rank check). A time
    that a single authority reached has an estimate but no standard error: its cells are fitted exactly, so
    the variance between authorities cannot be seen, and a clustered error would be too small.
    """
    model = _model(cells, weights)
    return tuple(
        _contrast(model, f"exposure_time_{time}", (time,), np.ones(1))
        if known
        else ExposureEffect(f"exposure_time_{time}", (time,), identified=False)
        for time, known in zip(model.times, model.identified, strict=True)
    )


def average_effect(cells: Cells, *, weights: str = "children", average: str = "children") -> ExposureEffect:
    """Average over the identified exposure times; the term names them when they are not all.

    Parameters
    ----------
    average
        `children`: weighted by the exposed children at each exposure time, so the mean effect on those
        exposed during the trial. `equal`: every exposure time alike, the mean of the curve.
    """
    if average not in AVERAGES:
        raise EstimationError(f"Unknown average '{average}'. Allowed: {', '.join(AVERAGES)}.")
    model = _model(cells, weights)
    times = tuple(time for time, known in zip(model.times, model.identified, strict=True) if known)
    if not times:
        return ExposureEffect("exposure_time_average", (), identified=False)
    every = len(times) == len(model.times)
    term = "exposure_time_average" if every else f"exposure_time_average_of_{'_'.join(map(str, times))}"
    children = np.array([cells.weight[cells.exposure_time == time].sum() for time in times])
    share = children if average == "children" else np.ones(len(times))
    return _contrast(model, term, times, share / share.sum())


@dataclass(frozen=True)
class _Model:
    """The fitted model: exposure-time columns first in `design`, effects after them."""

    times: tuple[int, ...]
    identified: tuple[bool, ...]
    design: np.ndarray
    weight: np.ndarray
    solution: np.ndarray
    cells: Cells


def _model(cells: Cells, weights: str) -> _Model:
    times = tuple(sorted({int(time) for time in cells.exposure_time if time > 0}))
    indicators = (cells.exposure_time[:, None] == np.array(times, dtype=int)).astype(float)
    design = np.hstack([indicators, effects_design(cells)])
    weight = weights_of(cells, weights)
    root = np.sqrt(weight)
    scaled = design * root[:, None]
    return _Model(
        times=times,
        identified=tuple(identified_columns(scaled, len(times)).tolist()),
        design=design,
        weight=weight,
        solution=np.linalg.lstsq(scaled, cells.mean * root, rcond=RANK_TOLERANCE)[0],
        cells=cells,
    )


def _contrast(model: _Model, term: str, times: tuple[int, ...], share: np.ndarray) -> ExposureEffect:
    """A weighted sum of exposure-time effects with its variance."""
    contrast = np.zeros(model.design.shape[1])
    contrast[[model.times.index(time) for time in times]] = share
    cells = model.cells
    reached = {str(name) for name in cells.authority[np.isin(cells.exposure_time, times)]}
    found = cluster_variance(model.design, cells.mean, model.weight, cells.authority, contrast)
    error = float(found.std_error[0])
    varies = error > MINIMUM_STD_ERROR * float(np.ptp(cells.mean)) and found.df[0] > 0
    why = NO_VARIATION if not varies else ""
    if len(reached) < 2:
        why = ONE_REACHED
    return ExposureEffect(
        term,
        times,
        identified=True,
        estimate=float(contrast @ model.solution),
        std_error=NAN if why else error,
        df=NAN if why else float(found.df[0]),
        why=why,
    )
