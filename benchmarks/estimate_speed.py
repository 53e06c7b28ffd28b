"""How long the estimates take, beside the plain way of getting the same numbers.

Run `python benchmarks/estimate_speed.py`: it prints a table. Nothing is asserted on time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from estimate_frames import FIVE, FIVE_STRATA, dummies, least_squares, naive_statistics, panel, wedge

from sfpc_book.estimate.cells import cells_of
from sfpc_book.estimate.cluster_variance import cluster_variance
from sfpc_book.estimate.exact_test import STATISTICS, exact_test
from sfpc_book.estimate.hussey_hughes import binary_squares, fit_hussey_hughes
from sfpc_book.estimate.leave_out import leave_out
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.pooled import pooled_effects
from sfpc_book.estimate.randomisation import order_effects, randomisation_test
from sfpc_book.estimate.wedge_estimates import estimate_outcome
from sfpc_book.estimate.wild_bootstrap import wild_bootstrap
from sfpc_book.study.wedge import Wedge

REPEATS = 5
ALL_ORDERS = wedge(FIVE)
STRATIFIED = wedge(FIVE, FIVE_STRATA)
FOUR = wedge((1, 2, 3, 4), ("high", "high", "low", "low"))
EIGHT = wedge((1, 2, 3, 4, 5, 6, 7, 8), ("high",) * 4 + ("low",) * 4)


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Shortest of several runs, the first not counted."""
    work()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def statsmodels_fit(frame: pd.DataFrame) -> float:
    """The same coefficient by weighted least squares with dummies, clustered."""
    import statsmodels.api as sm

    model = sm.WLS(frame["value_mean"], dummies(frame), weights=frame["n_children"])
    codes = frame["authority"].astype("category").cat.codes
    return float(model.fit(cov_type="cluster", cov_kwds={"groups": codes}).params.iloc[0])


def two_way_test(frame: pd.DataFrame, design) -> float:
    return randomisation_test(order_effects(cells_of(frame), design)).p_value


def naive_test(frame: pd.DataFrame, design) -> float:
    values = np.abs(naive_statistics(frame, design, frame["n_children"].to_numpy(float)))
    return float(np.mean(values >= values[0] * (1 - 1e-9)))


def bias_reduced(frame: pd.DataFrame) -> float:
    design = dummies(frame)
    weight = frame["n_children"].to_numpy(float)
    outcome, cluster = frame["value_mean"].to_numpy(), frame["authority"].to_numpy()
    return float(cluster_variance(design, outcome, weight, cluster, np.eye(1, design.shape[1])).std_error[0])


def naive_interval(frame: pd.DataFrame, design) -> tuple[float, float]:
    """Limits by bisection with a refit of every order at each step, to 1e-4 of the interval's width."""
    test = randomisation_test(order_effects(cells_of(frame), design))
    width = test.conf_high - test.conf_low
    limits = []
    for sign in (-1, 1):
        inside, outside = test.estimate, test.estimate + sign * 2 * width
        while abs(outside - inside) > 1e-4 * width:
            middle = (inside + outside) / 2
            moved = frame.assign(value_mean=frame["value_mean"] - middle * frame["exposed"])
            inside, outside = (middle, outside) if naive_test(moved, design) > 0.05 else (inside, middle)
        limits.append(inside)
    return limits[0], limits[1]


def pooled(frames: list[pd.DataFrame]) -> float:
    designs = (ALL_ORDERS, STRATIFIED, FOUR)
    trials = [order_effects(cells_of(frame), design) for frame, design in zip(frames, designs, strict=True)]
    return randomisation_test(pooled_effects(trials)).p_value


def fifteen() -> Wedge:
    """15 authorities, one going live in every third of 60 months."""
    names = tuple("abcdefghijklmno")
    months = tuple(date(2018 + i // 12, 1 + i % 12, 1) for i in range(60))
    live = {name: months[4 + 3 * i] for i, name in enumerate(names)}
    return Wedge("fifteen", names, live, dict.fromkeys(names, "all"), months[0], date(2023, 1, 1), months)


def exact_tests() -> list[tuple]:
    """p, interval, attainable minimum and level of every statistic, at each number of orders."""
    designs = {"4": FOUR, "12": STRATIFIED, "120": ALL_ORDERS, "576": EIGHT, "10,000 random": fifteen()}
    rows = []
    for orders, design in designs.items():
        observed = cells_of(panel(design))
        for name in STATISTICS:
            work = partial(exact_test, observed, design, statistic=name, draws=9_999)
            rows.append((f"{name}, {orders} orders, {observed.n_cells} cells", work, "", None, 1))
    return rows


def other_methods(frame: pd.DataFrame) -> list[tuple]:
    observed = cells_of(frame.assign(value_mean=frame["value_mean"].clip(0, 1)))
    squares = binary_squares(observed)
    signs = partial(wild_bootstrap, observed, kind="rademacher")
    return [
        ("wild bootstrap, 32 sign patterns", signs, "", None, 3),
        ("wild bootstrap, 7,776 six-point patterns", lambda: wild_bootstrap(observed), "", None, 3),
        ("Hussey-Hughes with cell effects, Kenward-Roger", lambda: fit_hussey_hughes(
            observed, within_squares=squares, cell_effects=True, inference="kenward_roger"
        ), "", None, 3),
        ("without each authority and period", lambda: leave_out(observed, ALL_ORDERS), "", None, 1),
    ]  # fmt: skip


def table() -> pd.DataFrame:
    """Seconds of ours and of the plain way, and their ratio; NaN where there is no plain way."""
    five, four = panel(ALL_ORDERS, effect=-0.02), panel(FOUR)
    trials = [five, panel(STRATIFIED), four]
    assert np.isclose(fit_two_way(five).estimate, statsmodels_fit(five))
    assert np.isclose(two_way_test(five, ALL_ORDERS), naive_test(five, ALL_ORDERS))
    weight = five["n_children"].to_numpy(float)
    rows = [
        ("two-way model, 30 cells (linearmodels)", lambda: fit_two_way(five), "statsmodels WLS, dummies",
         lambda: statsmodels_fit(five), REPEATS),
        ("one coefficient and its 120 orders", lambda: order_effects(cells_of(five), ALL_ORDERS),
         "one least squares with dummies", lambda: least_squares(five, weight), REPEATS),
        ("exact test, 12 orders", lambda: two_way_test(five, STRATIFIED), "refit every order",
         lambda: naive_test(five, STRATIFIED), REPEATS),
        ("exact test and interval, 120 orders", lambda: two_way_test(five, ALL_ORDERS), "refit, p only",
         lambda: naive_test(five, ALL_ORDERS), 2),
        ("the same", lambda: two_way_test(five, ALL_ORDERS), "refit, interval by bisection",
         lambda: naive_interval(five, ALL_ORDERS), 1),
        ("pooled test and interval, 5,760 orders", lambda: pooled(trials), "", None, 2),
        ("CR2 with Satterthwaite", lambda: bias_reduced(five), "", None, REPEATS),
        ("all rows of one outcome", lambda: estimate_outcome(five, ALL_ORDERS, outcome="x", horizon=18),
         "", None, 3),
        *other_methods(five), *exact_tests(),
    ]  # fmt: skip
    return pd.DataFrame([timed(*row) for row in rows])


def timed(name: str, ours: Callable, plain_name: str, plain: Callable | None, repeats: int) -> dict:
    mine = seconds(ours)
    theirs = seconds(plain, repeats) if plain else float("nan")
    return {"what": name, "seconds": mine, "beside": plain_name, "plain": theirs, "ratio": theirs / mine}


if __name__ == "__main__":
    print(table().to_string(index=False, na_rep="", float_format=lambda value: f"{value:.4g}"))
