"""Differences between two groups in each period, and their average over periods: no model of period effects.

Both design-based estimators of a wedge have this form. The vertical one compares the cells exposed with those
unexposed in a period; the crossover one compares the changes of those that go live with the changes of those
that do not. A unit (a cell, or a change between two cells) has a weight; a period is identified when it has
units of both groups. Periods are averaged with shares that depend on who is where, never on outcomes, so the
average is linear in the outcomes and serves exact randomisation inference as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells, blocking_cause
from sfpc_book.estimate.estimate import NAN, not_estimable

PERIOD_WEIGHTS = ("equal", "exposed", "precision")


@dataclass(frozen=True)
class PeriodContrast:
    """One period: authorities in either group, the difference, its share in the average.

    Not identified (a group is empty): `difference` is NaN and `share` 0.
    """

    period: int
    n_exposed: int
    n_unexposed: int
    identified: bool
    difference: float
    share: float


@dataclass(frozen=True)
class ContrastEstimate:
    """The average over the identified periods, or why there is none (`status`; then `estimate` is NaN)."""

    status: str
    weights: str
    period_weights: str
    estimate: float
    contrasts: tuple[PeriodContrast, ...]


@dataclass(frozen=True)
class Units:
    """What is compared. All of one length, units; `first` and `second` have shape (orders, units).

    `first` and `second` say which units are in the exposed and in the unexposed group under each order;
    `period` holds positions in `periods`.
    """

    periods: tuple[int, ...]
    period: np.ndarray
    weight: np.ndarray
    first: np.ndarray
    second: np.ndarray


def contrast_influence(units: Units, period_weights: str) -> np.ndarray:
    """Weight of each unit in the average difference. (orders, units); zeros where no period is identified."""
    first, second, share = group_shares(units, period_weights)
    scaled = share[:, units.period]
    with np.errstate(divide="ignore", invalid="ignore"):
        in_first = np.where(units.first, scaled * units.weight / first[:, units.period], 0.0)
        in_second = np.where(units.second, scaled * units.weight / second[:, units.period], 0.0)
    return np.where(scaled > 0, in_first - in_second, 0.0)


def group_shares(units: Units, period_weights: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Total weight of either group in each period, and the period's share in the average. (orders, periods).

    `equal`: identified periods alike. `exposed`: by the weight of the exposed group, the average effect on
    those exposed. `precision`: by 1 / (1 / first + 1 / second), proportional to the inverse variance of the
    difference when the variance of a unit is 1 / weight.
    """
    if period_weights not in PERIOD_WEIGHTS:
        raise EstimationError(
            f"Unknown period weights '{period_weights}'. Allowed: {', '.join(PERIOD_WEIGHTS)}."
        )
    member = (units.period[:, None] == np.arange(len(units.periods))).astype(float)
    first, second = (units.first * units.weight) @ member, (units.second * units.weight) @ member
    identified = (first > 0) & (second > 0)
    raw = {
        "equal": np.ones_like(first),
        "exposed": first,
        "precision": first * second / np.where(identified, first + second, 1.0),
    }[period_weights] * identified
    total = raw.sum(axis=1, keepdims=True)
    return first, second, np.divide(raw, total, out=np.zeros_like(raw), where=total > 0)


def contrast_estimate(
    units: Units, outcome: np.ndarray, cells: Cells, *, weights: str, period_weights: str
) -> ContrastEstimate:
    """The observed order (the only one in `units`): each period's difference, and their average."""
    share = group_shares(units, period_weights)[2][0]
    rows = []
    for position, period in enumerate(units.periods):
        here = units.period == position
        groups = [here & units.first[0], here & units.second[0]]
        known = share[position] > 0
        means = [np.average(outcome[group], weights=units.weight[group]) for group in groups if known]
        difference = float(means[0] - means[1]) if known else NAN
        counts = [int(group.sum()) for group in groups]
        rows.append(PeriodContrast(period, *counts, bool(known), difference, float(share[position])))
    cause = blocking_cause(cells)
    status = not_estimable(cause) if cause else "ok" if share.any() else "not_identified"
    average = sum(row.share * row.difference for row in rows if row.identified)
    return ContrastEstimate(
        status=status,
        weights=weights,
        period_weights=period_weights,
        estimate=float(average) if status == "ok" else NAN,
        contrasts=tuple(rows),
    )
