"""The exact test of one wedge by a statistic chosen by name, before any data.

| name | statistic | source |
|---|---|---|
| `two_way` | coefficient with authority and period effects | Hussey and Hughes 2007, fixed-effects form |
| `studentised` | the same over its clustered standard error | Wu and Ding 2021 |
| `vertical`, `vertical_precision` | within-period difference, periods alike or by precision | Thompson and others 2018 |
| `crossover`, `crossover_precision` | CO-1, CO-2 | Kennedy-Shaffer and others 2020 |

Every one is exact under the hypothesis of no effect for any child; they differ in the alternatives that they see.
Choosing one after seeing several would not be exact.
"""

from __future__ import annotations

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells, blocking_cause
from sfpc_book.estimate.randomisation import (
    LINEAR_STATISTICS,
    MONTE_CARLO_DRAWS,
    MONTE_CARLO_SEED,
    RandomisationResult,
    order_effects,
    randomisation_test,
)
from sfpc_book.estimate.studentised import studentised_test
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
        For an unknown statistic or wedge, or cells of which the observed order leaves nothing to compare.
    """
    if statistic not in STATISTICS:
        raise EstimationError(f"Unknown statistic '{statistic}'. Allowed: {', '.join(STATISTICS)}.")
    cause = blocking_cause(cells)
    if cause:
        raise EstimationError(f"There is nothing to test: {cause}.")
    options = {"weights": weights, "seed": seed, "draws": draws}
    if statistic == "studentised":
        return studentised_test(cells, wedge, conf_level=conf_level, **options)
    effects = order_effects(cells, wedge, statistic=statistic, **options)
    if not effects.defined[0]:
        raise EstimationError(f"'{statistic}' is not identified: the observed order leaves no comparison.")
    return randomisation_test(effects, conf_level=conf_level)
