"""The exact test of one wedge by a statistic chosen by name, before any data.

| name | statistic | source |
|---|---|---|
| `two_way` | coefficient with authority and period effects | Hussey and Hughes 2007, fixed-effects form |
| `studentised` | the same over its clustered standard error | Wu and Ding 2021 |
| `vertical`, `vertical_precision` | within-period difference, periods alike or by precision | Thompson 2018 |
| `crossover`, `crossover_precision` | change at go-live, CO-1 and CO-2 | Kennedy-Shaffer 2020 |

Every one is exact under the hypothesis of no effect for any child; they differ in the alternatives that
they see. Choosing one after seeing several would not be exact.
"""

from __future__ import annotations

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells, blocking_cause
from sfpc_book.estimate.estimate import not_estimable
from sfpc_book.estimate.panel_models import design_status
from sfpc_book.estimate.randomisation import (
    LINEAR_STATISTICS,
    MONTE_CARLO_DRAWS,
    MONTE_CARLO_SEED,
    RandomisationResult,
    order_effects,
    randomisation_test,
)
from sfpc_book.estimate.studentised import studentised_test
from sfpc_book.estimate.two_way import weights_of
from sfpc_book.study.wedge import Wedge

STATISTICS = (*LINEAR_STATISTICS, "studentised")


def exact_test(
    cells: Cells,
    wedge: Wedge,
    *,
    statistic: str = "two_way",
    weights: str = "children",
    conf_level: float = 0.95,
    seed: int = MONTE_CARLO_SEED,
    draws: int = MONTE_CARLO_DRAWS,
) -> RandomisationResult:
    """Two-sided p-value, confidence set by inversion, attainable minimum p and highest bounded level.

    Parameters
    ----------
    statistic
        One of `STATISTICS`.
    weights
        `children` or `equal`.
    seed, draws
        Used beyond 100,000 admissible orders (see `orders_of`); `monte_carlo_error` is then above 0.

    Raises
    ------
    EstimationError
        For an unknown statistic, cells of another wedge, or where `exact_status` is not `ok`.
    """
    status = exact_status(cells, statistic=statistic, weights=weights)
    if status != "ok":
        raise EstimationError(f"There is no exact test by '{statistic}': {status}.")
    options = {"weights": weights, "seed": seed, "draws": draws}
    if statistic == "studentised":
        return studentised_test(cells, wedge, conf_level=conf_level, **options)
    return randomisation_test(
        order_effects(cells, wedge, statistic=statistic, **options), conf_level=conf_level
    )


def exact_status(cells: Cells, *, statistic: str = "two_way", weights: str = "children") -> str:
    """`ok`, `not_identified` or `not_estimable: <cause>`, decided before the test is done."""
    if statistic not in STATISTICS:
        raise EstimationError(f"Unknown statistic '{statistic}'. Allowed: {', '.join(STATISTICS)}.")
    weight = weights_of(cells, weights)
    cause = blocking_cause(cells)
    if cause:
        return not_estimable(cause)
    if statistic == "studentised":
        return design_status(cells, weights)
    influence = LINEAR_STATISTICS[statistic](cells, weight)
    return "ok" if influence(cells.exposed[None, :]).any() else "not_identified"
