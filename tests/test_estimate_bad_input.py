"""What each method of a wedge says of data that it cannot use: a defined status, never a number."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd
import pytest
from estimate_frames import FIVE, panel, wedge

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells, cells_of
from sfpc_book.estimate.crossover import crossover_estimate
from sfpc_book.estimate.exact_test import STATISTICS, exact_status, exact_test
from sfpc_book.estimate.hussey_hughes import binary_squares, fit_hussey_hughes
from sfpc_book.estimate.leave_out import leave_out
from sfpc_book.estimate.vertical import vertical_estimate
from sfpc_book.estimate.wild_bootstrap import wild_bootstrap

DESIGN = wedge(FIVE)


def last_period_only(frame: pd.DataFrame) -> pd.DataFrame:
    last = (frame["period"] == 5).astype(int)
    return frame.assign(exposed=last, exposure_time=last)


TRAPS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "one cluster": lambda f: f[f["authority"] == "b"],
    "all exposed": lambda f: f.assign(exposed=1, exposure_time=f["period"] + 1),
    "none exposed": lambda f: f.assign(exposed=0, exposure_time=0),
    "exposure is a period": last_period_only,
    "constant outcome": lambda f: f.assign(value_mean=0.05),
    "zero weights": lambda f: f.assign(n_children=0),
    "missing period": lambda f: f[f["period"] != 2],
    "empty cell": lambda f: f.assign(n_children=f["n_children"].mask(f.index == 8, 0)),
    "more parameters than clusters": lambda f: f[f["authority"].isin(["a", "b"])],
    "as many parameters as cells": lambda f: f[f["authority"].isin(["a", "b"]) & (f["period"] < 2)],
    "exact fit": lambda f: f.assign(value_mean=0.1 * f["exposed"] + 0.01 * f["period"]),
}  # fmt: skip
BLOCKED = {
    "one cluster": "not_estimable: one authority",
    "all exposed": "not_identified",
    "none exposed": "not_identified",
    "exposure is a period": "not_identified",
    "constant outcome": "not_estimable: constant outcome",
    "zero weights": "not_estimable: no child with an observed outcome",
}
NOTHING_LEFT = "not_estimable: no variation left around the model"
SATURATED = {"as many parameters as cells": NOTHING_LEFT, "exact fit": NOTHING_LEFT}


def cell_effects(cells: Cells):
    return fit_hussey_hughes(cells, within_squares=binary_squares(cells), cell_effects=True)


METHODS: dict[str, tuple[Callable[[Cells], object], dict[str, str]]] = {
    "vertical": (vertical_estimate, {}),
    "crossover": (crossover_estimate, {}),
    "rademacher": (lambda cells: wild_bootstrap(cells, kind="rademacher"), SATURATED),
    "webb": (wild_bootstrap, SATURATED),
    "hussey_hughes": (fit_hussey_hughes, SATURATED),
    "kenward_roger": (lambda cells: fit_hussey_hughes(cells, inference="kenward_roger"), SATURATED),
    "cell_effects": (cell_effects, {"as many parameters as cells": NOTHING_LEFT}),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_status_for_bad_data(method: str, trap: str) -> None:
    function, own = METHODS[method]
    found = function(cells_of(TRAPS[trap](panel(DESIGN))))
    status = (BLOCKED | own).get(trap, "ok")
    assert found.status == status
    assert math.isfinite(found.estimate) is (status == "ok")
    for name in ("std_error", "p_value", "conf_low", "conf_high"):
        assert status == "ok" or math.isnan(getattr(found, name, math.nan)), name


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("statistic", STATISTICS)
def test_every_exact_test_has_a_status_for_bad_data(statistic: str, trap: str) -> None:
    cells = cells_of(TRAPS[trap](panel(DESIGN)))
    own = SATURATED if statistic == "studentised" else {}
    status = (BLOCKED | own).get(trap, "ok")
    assert exact_status(cells, statistic=statistic) == status
    if status == "ok":
        test = exact_test(cells, DESIGN, statistic=statistic)
        assert 0 < test.p_minimum <= test.p_value <= 1
    else:
        with pytest.raises(EstimationError, match=status.replace("(", ".")):
            exact_test(cells, DESIGN, statistic=statistic)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("trap", TRAPS)
def test_rows_without_a_part_have_statuses_for_bad_data(trap: str) -> None:
    cells = cells_of(TRAPS[trap](panel(DESIGN)))
    rows = leave_out(cells, DESIGN)
    assert len(rows) == len(cells.authorities) + len(cells.periods)
    for row in rows:
        assert (row.test is None) is (row.test_status != "ok")
        assert math.isnan(row.fit.estimate) is not row.fit.ok


@pytest.mark.parametrize("count", [-1, math.nan])
def test_a_count_of_children_that_is_none_is_refused(count: float) -> None:
    frame = panel(DESIGN)
    frame["n_children"] = frame["n_children"].astype(float).mask(frame.index == 7, count)
    with pytest.raises(EstimationError, match="cell b, period 1 has no count of children, or one below 0"):
        cells_of(frame)


def test_two_authorities_attain_little_and_say_so() -> None:
    """More parameters than clusters is no obstacle to a number, but to what it can show."""
    cells = cells_of(TRAPS["more parameters than clusters"](panel(DESIGN)))
    signs = wild_bootstrap(cells, kind="rademacher")
    assert (signs.p_minimum, signs.level_maximum) == (0.5, 0.5)
    assert (signs.conf_low, signs.conf_high) == (-math.inf, math.inf)
