"""How long the estimates of panels take, beside the plain way of getting the same numbers.

Run `python benchmarks/estimate_speed.py`: it prints a table with the largest difference of the numbers.
Nothing is asserted on time. Models of children's rows: `child_speed.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from side_by_side import Side, line, measured, print_table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from estimate_frames import FIVE, FIVE_STRATA, dummies, least_squares, naive_statistics, panel, wedge

from sfpc_book.estimate.cells import Cells, cells_of
from sfpc_book.estimate.cluster_variance import cluster_variance
from sfpc_book.estimate.exact_test import STATISTICS, exact_test
from sfpc_book.estimate.hussey_hughes import binary_squares, fit_hussey_hughes
from sfpc_book.estimate.leave_out import leave_out
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.pooled import pooled_effects
from sfpc_book.estimate.randomisation import order_effects, orders_of, randomisation_test
from sfpc_book.estimate.wedge_estimates import estimate_outcome
from sfpc_book.estimate.wild_bootstrap import wild_bootstrap
from sfpc_book.study.wedge import Wedge

ALL_ORDERS = wedge(FIVE)
STRATIFIED = wedge(FIVE, FIVE_STRATA)
FOUR = wedge((1, 2, 3, 4), ("high", "high", "low", "low"))
EIGHT = wedge((1, 2, 3, 4, 5, 6, 7, 8), ("high",) * 4 + ("low",) * 4)
DRAWS = 9_999
REFITTED = 200  # of the random orders; refitting them all would take minutes
BISECTION = 1e-6  # of the interval's width, where the plain way stops


def fifteen() -> Wedge:
    """15 authorities, one going live in every third of 60 months."""
    names = tuple("abcdefghijklmno")
    months = tuple(date(2018 + i // 12, 1 + i % 12, 1) for i in range(60))
    live = {name: months[4 + 3 * i] for i, name in enumerate(names)}
    return Wedge("fifteen", names, live, dict.fromkeys(names, "all"), months[0], date(2023, 1, 1), months)


def two_way(frame: pd.DataFrame) -> Iterator[dict]:
    """One two-way model, its robust variances."""

    def ours() -> dict[str, float]:
        fit = fit_two_way(frame)
        return {"exposed": fit.estimate}

    yield line("two-way model, 30 cells", measured(ours), "statsmodels WLS", measured(lambda: by_wls(frame)))
    design = dummies(frame)
    weight = frame["n_children"].to_numpy(float)
    outcome, cluster = frame["value_mean"].to_numpy(), frame["authority"].to_numpy()
    for kind in ("CR2", "CR3"):

        def robust(kind: str = kind) -> dict[str, float]:
            contrast = np.eye(1, design.shape[1])
            found = cluster_variance(design, outcome, weight, cluster, contrast, kind=kind)
            return {"error": float(found.std_error[0]), "df": float(found.df[0])}

        theirs = measured(partial(by_definition, design, outcome, weight, cluster, kind))
        yield line(f"{kind} with Satterthwaite, 30 cells", measured(robust), "definition, n x n", theirs)


def by_wls(frame: pd.DataFrame) -> dict[str, float]:
    """Weighted least squares with dummies."""
    import statsmodels.api as sm

    model = sm.WLS(frame["value_mean"], dummies(frame), weights=frame["n_children"])
    codes = frame["authority"].astype("category").cat.codes
    return {"exposed": float(model.fit(cov_type="cluster", cov_kwds={"groups": codes}).params.iloc[0])}


def by_definition(x, y, weight, cluster, kind) -> dict[str, float]:
    """Robust error and degrees of freedom of the first coefficient with matrices of n x n, eigenvalues."""
    root = np.sqrt(weight)
    x, y = x * root[:, None], y * root
    bread = np.linalg.pinv(x.T @ x)
    maker = np.eye(len(y)) - x @ bread @ x.T
    rows, variance = [], 0.0
    for name in np.unique(cluster):
        own = cluster == name
        values, vectors = np.linalg.eigh(maker[np.ix_(own, own)])
        kept = values > 1e-10
        power = values[kept] ** (-0.5 if kind == "CR2" else -1)
        vector = (vectors[:, kept] * power) @ vectors[:, kept].T @ x[own] @ bread[:, 0]
        variance += float(vector @ (maker @ y)[own]) ** 2
        rows.append(maker[:, own] @ vector)
    products = np.array(rows) @ np.array(rows).T
    return {"error": variance**0.5, "df": float(np.trace(products) ** 2 / np.sum(products**2))}


def exact_tests() -> Iterator[dict]:
    """p, interval, attainable minimum and level at each number of orders, and a refit of every order."""
    for orders, design in {"4": FOUR, "12": STRATIFIED, "120": ALL_ORDERS, "576": EIGHT}.items():
        frame = panel(design, effect=-0.02)
        observed = cells_of(frame)
        ours = measured(partial(exact_numbers, observed, design))
        theirs = measured(partial(by_refitting, frame, design), 1, warm=False)
        yield line(f"exact test and interval, {orders} orders", ours, "refit, bisect", theirs)
    frame, design = panel(fifteen()), fifteen()
    ours = measured(partial(first_orders, cells_of(frame), design), 1)
    theirs = measured(partial(refit_some, frame, design), 1, warm=False)
    scaled = Side(theirs.seconds * (DRAWS + 1) / REFITTED, theirs.numbers)
    peer = f"refit {REFITTED} orders, scaled up"
    yield line("10,000 random orders, 15 x 60 cells", ours, peer, scaled)
    for name in STATISTICS:
        work = partial(exact_test, cells_of(frame), design, statistic=name, draws=DRAWS)
        yield line(f"the same with p and interval, {name}", measured(lambda work=work: vars(work()), 1))


def exact_numbers(observed: Cells, design: Wedge) -> dict[str, float]:
    """p, the smallest p, and the bounded set at 95 % or else at the highest level that has one."""
    found = exact_test(observed, design)
    bounded = found.level_maximum >= 0.95
    low, high = (found.conf_low, found.conf_high) if bounded else found.attainable
    return {"p": found.p_value, "low": low, "high": high, "level": found.level_maximum}


def by_refitting(frame: pd.DataFrame, design: Wedge) -> dict[str, float]:
    """The same with a refit of every order at each hypothesised effect."""
    found = exact_test(cells_of(frame), design)  # its level is asked about; the limits are searched anew
    level = min(0.95, found.level_maximum)
    estimate = naive_statistics(frame, design, frame["n_children"].to_numpy(float))[0]
    width = max(abs(estimate), 0.01)
    limits = [limit(frame, design, estimate, sign * width, 1 - level) for sign in (-1, 1)]
    return {"p": naive_p(frame, design), "low": limits[0], "high": limits[1]}


def naive_p(frame: pd.DataFrame, design: Wedge) -> float:
    values = np.abs(naive_statistics(frame, design, frame["n_children"].to_numpy(float)))
    return float(np.mean(values >= values[0] * (1 - 1e-9)))


def limit(frame: pd.DataFrame, design: Wedge, estimate: float, step: float, alpha: float) -> float:
    """Where p falls to alpha on one side, by doubling and bisection."""

    def inside(effect: float) -> bool:
        moved = frame.assign(value_mean=frame["value_mean"] - effect * frame["exposed"])
        return naive_p(moved, design) > alpha * (1 + 1e-9)

    near, far = estimate, estimate + step
    while inside(far):
        near, far = far, far + 2 * (far - estimate)
    width = abs(far - estimate)
    while abs(far - near) > BISECTION * width:
        middle = (near + far) / 2
        near, far = (middle, far) if inside(middle) else (near, middle)
    return near


def first_orders(observed: Cells, design: Wedge) -> dict[str, float]:
    """Coefficients of 10,000 random orders; the first of them by number."""
    effects = order_effects(observed, design, draws=DRAWS)
    randomisation_test(effects)
    return {str(number): float(value) for number, value in enumerate(effects.effect[:REFITTED])}


def refit_some(frame: pd.DataFrame, design: Wedge) -> dict[str, float]:
    orders, _ = orders_of(design, draws=DRAWS)
    weight = frame["n_children"].to_numpy(float)
    column = frame["authority"].map({name: i for i, name in enumerate(design.authorities)}).to_numpy()
    found = {}
    for number, order in enumerate(orders[:REFITTED]):
        exposed = (frame["period"].to_numpy() >= order[column]).astype(int)
        found[str(number)] = least_squares(frame.assign(exposed=exposed), weight)
    return found


def whole_slices() -> Iterator[dict]:
    """What the book asks of one outcome at one horizon, and other methods of the panel."""
    five = panel(ALL_ORDERS, effect=-0.02)
    observed = cells_of(five.assign(value_mean=five["value_mean"].clip(0, 1)))
    trials = [order_effects(cells_of(panel(design)), design) for design in (ALL_ORDERS, STRATIFIED, FOUR)]
    squares = binary_squares(observed)
    works = {
        "every planned row of one outcome": lambda: estimate_outcome(
            five, ALL_ORDERS, outcome="x", horizon=18
        ),
        "pooled test and interval, 5,760 orders": lambda: randomisation_test(pooled_effects(trials)),
        "wild bootstrap, 32 sign patterns": lambda: wild_bootstrap(observed, kind="rademacher"),
        "wild bootstrap, 7,776 six-point patterns": lambda: wild_bootstrap(observed),
        "Hussey-Hughes with cell effects, Kenward-Roger": lambda: fit_hussey_hughes(
            observed, within_squares=squares, cell_effects=True, inference="kenward_roger"
        ),
        "without each authority and period": lambda: leave_out(observed, ALL_ORDERS),
    }
    for what, work in works.items():
        yield line(what, measured(lambda work=work: {"done": bool(work() is not None)}, 2))


if __name__ == "__main__":
    print_table([*two_way(panel(ALL_ORDERS, effect=-0.02)), *exact_tests(), *whole_slices()])
