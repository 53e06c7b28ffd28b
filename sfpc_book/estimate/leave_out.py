"""The main estimate without one authority or one period at a time: how much rests on each.

Leaving an authority out leaves the orders of the others: given what it received, they exchange go-lives among
themselves, within strata, so the test of the remaining ones is exact. Leaving a period out leaves all orders.
What these rows cannot do: with five authorities each estimate without one has four, so a change is expected
from noise alone, and no row is a test of another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sfpc_book.estimate.cells import Cells, subset
from sfpc_book.estimate.exact_test import exact_status, exact_test
from sfpc_book.estimate.panel_models import PanelFit, fit_two_way
from sfpc_book.estimate.randomisation import RandomisationResult
from sfpc_book.study.wedge import Wedge


@dataclass(frozen=True)
class LeaveOut:
    """The estimate without `left_out`, an authority's name or a period's number as text.

    `test` is None where the exact test is not possible (`test_status`); `fit` has its own status.
    """

    kind: str
    left_out: str
    fit: PanelFit
    test_status: str
    test: RandomisationResult | None


def leave_out(
    cells: Cells,
    wedge: Wedge,
    *,
    statistic: str = "two_way",
    weights: str = "children",
    conf_level: float = 0.95,
) -> tuple[LeaveOut, ...]:
    """One row without each authority, in wedge order, then one without each period.

    The estimate is the two-way coefficient; `statistic` is that of the exact test (`exact_test.py`).
    """
    rows = []
    for kind, left_out, left, orders in parts_without(cells, wedge):
        status = exact_status(left, statistic=statistic, weights=weights)
        options = {"weights": weights, "conf_level": conf_level}
        test = exact_test(left, orders, statistic=statistic, **options) if status == "ok" else None
        rows.append(LeaveOut(kind, left_out, fit_two_way(left, **options), status, test))
    return tuple(rows)


def parts_without(cells: Cells, wedge: Wedge) -> Iterator[tuple[str, str, Cells, Wedge]]:
    """`authority` or `period`, its name or number, the cells without it, and the wedge of who remains."""
    for name in (slug for slug in wedge.authorities if slug in cells.authorities):
        kept = cells.authority != cells.authorities.index(name)
        remaining = wedge.among(slug for slug in wedge.authorities if slug != name)
        yield "authority", name, subset(cells, kept), remaining
    for period in cells.periods:
        yield "period", str(period), subset(cells, cells.period != period), wedge
