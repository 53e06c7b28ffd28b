"""Within-period and crossover estimators, and exact tests by every statistic, against naive code."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from estimate_frames import (
    FIVE,
    FIVE_STRATA,
    clustered_t,
    expected,
    least_squares,
    naive_orders,
    panel,
    reference,
    wedge,
)

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells, cells_of
from sfpc_book.estimate.crossover import crossover_estimate
from sfpc_book.estimate.exact_test import STATISTICS, exact_test
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.pooled import pooled_effects
from sfpc_book.estimate.randomisation import order_effects, orders_of, randomisation_test
from sfpc_book.estimate.vertical import vertical_estimate
from sfpc_book.study.wedge import Wedge

PRINTED = 1e-6  # published estimates are printed to six decimals
PRINTED_P = 0.025  # what 1,000 random permutations allow
DESIGNS = {
    "4": wedge((1, 2, 3, 4), ("high", "high", "low", "low")),
    "12": wedge(FIVE, FIVE_STRATA),
    "120": wedge(FIVE),
    "576": wedge((1, 2, 3, 4, 5, 6, 7, 8), ("high",) * 4 + ("low",) * 4),
}


def naive_vertical(frame: pd.DataFrame, weight: np.ndarray, *, precision: bool = False) -> float:
    """Loop over periods; NaN where none has both arms."""
    periods, exposed, mean = (frame[name].to_numpy() for name in ("period", "exposed", "value_mean"))
    found = []
    for period in set(periods):
        arms = [(periods == period) & (exposed == arm) for arm in (1, 0)]
        if all(arm.any() for arm in arms):
            means = [np.average(mean[arm], weights=weight[arm]) for arm in arms]
            share = 1 / sum(1 / weight[arm].sum() for arm in arms) if precision else 1.0
            found.append((means[0] - means[1], share))
    return float(np.average([d for d, _ in found], weights=[s for _, s in found])) if found else math.nan


def naive_crossover(frame: pd.DataFrame, weight: np.ndarray, *, precision: bool = False) -> float:
    """Loop over pairs of periods and over authorities."""
    columns = [frame[name].to_numpy() for name in ("authority", "period", "value_mean", "exposed")]
    cell = {(name, period): rest for name, period, *rest in zip(*columns, weight, strict=True)}
    found = []
    for before, after in itertools.pairwise(sorted(set(columns[1]))):
        changes = {1: [], 0: []}
        for name in sorted(set(columns[0])):
            if (name, before) in cell and (name, after) in cell:
                (old, was, one), (new, now, two) = cell[name, before], cell[name, after]
                if was == 0:
                    changes[now].append((new - old, one * two / (one + two)))
        if changes[1] and changes[0]:
            arms = [np.array(changes[arm]) for arm in (1, 0)]
            means = [np.average(arm[:, 0], weights=arm[:, 1]) for arm in arms]
            share = 1 / sum(1 / arm[:, 1].sum() for arm in arms) if precision else 1.0
            found.append((means[0] - means[1], share))
    return float(np.average([d for d, _ in found], weights=[s for _, s in found])) if found else math.nan


NAIVE: dict[str, Callable[..., float]] = {
    "two_way": least_squares,
    "studentised": clustered_t,
    "vertical": naive_vertical,
    "vertical_precision": lambda frame, weight: naive_vertical(frame, weight, precision=True),
    "crossover": naive_crossover,
    "crossover_precision": lambda frame, weight: naive_crossover(frame, weight, precision=True),
}


def naive_p(frame: pd.DataFrame, design: Wedge, statistic: str, effect: float = 0.0) -> float:
    """Exposure rebuilt and the statistic recomputed from scratch for every order; undefined is extreme."""
    frame = frame.assign(value_mean=frame["value_mean"] - effect * frame["exposed"])
    weight, sizes = frame["n_children"].to_numpy(float), []
    for order in naive_orders(design):
        start = frame["authority"].map(dict(zip(design.authorities, order, strict=True)))
        drawn = frame.assign(exposed=(frame["period"] >= start).astype(int))
        sizes.append(abs(NAIVE[statistic](drawn, weight)))
    sizes = np.where(np.isnan(sizes), np.inf, sizes)
    return float(np.mean(sizes >= sizes[0] - 1e-9 * sizes[np.isfinite(sizes)].max()))


def test_every_statistic_has_a_second_code() -> None:
    assert set(NAIVE) == set(STATISTICS)


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize(("n_orders", "seed"), [("4", 1), ("12", 2), ("120", 3)])
def test_exact_p_equals_a_naive_enumeration(n_orders: str, seed: int, statistic: str) -> None:
    design = DESIGNS[n_orders]
    frame = panel(design, seed=seed, effect=0.02)
    frame.loc[[3, 8], "n_children"] = 0
    test = exact_test(cells_of(frame), design, statistic=statistic)
    assert test.p_value == pytest.approx(naive_p(frame[frame["n_children"] > 0], design, statistic))
    assert test.n_orders == int(n_orders)
    assert test.p_value >= test.p_minimum >= 1 / test.n_orders
    assert test.level_maximum <= 1 - test.p_minimum


@pytest.mark.parametrize("statistic", ["vertical", "crossover_precision"])
def test_exact_p_of_576_orders_equals_a_naive_enumeration(statistic: str) -> None:
    design = DESIGNS["576"]
    frame = panel(design, seed=4, effect=0.02)
    test = exact_test(cells_of(frame), design, statistic=statistic)
    assert test.n_orders == 576
    assert test.p_value == pytest.approx(naive_p(frame, design, statistic))


@pytest.mark.parametrize("statistic", STATISTICS)
def test_limits_at_the_highest_attainable_level_are_where_the_naive_p_crosses(statistic: str) -> None:
    design = DESIGNS["12"]
    frame = panel(design, seed=5, effect=0.05)
    test = exact_test(cells_of(frame), design, statistic=statistic)
    assert (test.conf_low, test.conf_high) == (-math.inf, math.inf)
    low, high = test.attainable
    step = 1e-6 * (high - low)
    for limit, outwards in ((low, -step), (high, step)):
        assert naive_p(frame, design, statistic, limit - outwards) > 1 - test.level_maximum + 1e-9
        assert naive_p(frame, design, statistic, limit + outwards) <= 1 - test.level_maximum + 1e-9


@pytest.mark.parametrize("statistic", STATISTICS)
def test_an_added_effect_moves_estimate_and_limits_by_itself(statistic: str) -> None:
    design = DESIGNS["120"]
    cells = cells_of(panel(design, seed=6))
    moved = dataclasses.replace(cells, mean=cells.mean + 0.03 * cells.exposed)
    one, two = (exact_test(part, design, statistic=statistic, conf_level=0.9) for part in (cells, moved))
    assert two.estimate - one.estimate == pytest.approx(0.03)
    assert (two.conf_low - one.conf_low, two.conf_high - one.conf_high) == pytest.approx((0.03, 0.03))
    assert (one.p_minimum, one.level_maximum) == (two.p_minimum, two.level_maximum)


GOLDEN_ESTIMATES = {
    "vertical": (vertical_estimate, {}),
    "vertical_exposed": (vertical_estimate, {"period_weights": "exposed"}),
    "vertical_precision": (vertical_estimate, {"period_weights": "precision"}),
    "crossover": (crossover_estimate, {}),
    "crossover_precision": (crossover_estimate, {"period_weights": "precision"}),
    "crossover_unchanged": (crossover_estimate, {"controls": "unchanged"}),
}


@pytest.mark.parametrize("analysis", GOLDEN_ESTIMATES)
def test_estimates_equal_the_published_ones(analysis: str) -> None:
    function, options = GOLDEN_ESTIMATES[analysis]
    found = function(cells_of(reference("14")[0]), weights="equal", **options)
    assert found.estimate == pytest.approx(expected("14", "equal", analysis)["estimate"], abs=PRINTED)
    assert found.status == "ok"


@pytest.mark.parametrize("analysis", ["vertical", "vertical_precision", "crossover", "crossover_precision"])
def test_monte_carlo_tests_agree_with_the_published_permutation_tests(analysis: str) -> None:
    """Published p and limits rest on 1,000 permutations, the same for all: their p are off together."""
    frame, design = reference("14")
    value = expected("14", "equal", analysis)
    test = exact_test(cells_of(frame), design, statistic=analysis, weights="equal", draws=20_000)
    error = math.sqrt(test.p_value * (1 - test.p_value) / 1000)
    assert test.p_value == pytest.approx(value["p_value"], abs=max(PRINTED_P, 3 * error))
    # quantile of 1,000 draws: sqrt(0.025 x 0.975 / 1000) over the normal density there, in widths
    limit = 2 * 0.022 * (value["conf_high"] - value["conf_low"]) + 0.05
    assert (test.conf_low, test.conf_high) == pytest.approx(
        (value["conf_low"], value["conf_high"]), abs=limit
    )
    assert test.n_orders == 20_001
    assert 0 < test.monte_carlo_error < 0.004


def table(rows: dict[str, list[float]], starts: dict[str, int], children: int = 100) -> Cells:
    """Cells from a hand-made table: the means of each authority in periods 0, 1, ..."""
    return cells_of(
        pd.DataFrame(
            {
                "authority": name,
                "period": period,
                "exposed": int(period >= starts[name]),
                "exposure_time": max(0, period - starts[name] + 1),
                "n_children": children * (1 if name != "c" else 3),
                "value_mean": mean,
            }
            for name, means in rows.items()
            for period, mean in enumerate(means)
        )
    )


ROWS = {"a": [0.10, 0.30, 0.32], "b": [0.20, 0.21, 0.41], "c": [0.40, 0.45, 0.46]}
STARTS = {"a": 1, "b": 2, "c": 3}


def test_within_period_differences_of_a_table_made_by_hand() -> None:
    """Period 1: a against b and c; period 2: a and b against c. c has three times as many children."""
    equal = vertical_estimate(table(ROWS, STARTS), weights="equal")
    assert [row.difference for row in equal.contrasts[1:]] == pytest.approx([0.30 - 0.33, 0.365 - 0.46])
    assert equal.estimate == pytest.approx((-0.03 - 0.095) / 2)
    by_child = vertical_estimate(table(ROWS, STARTS), period_weights="exposed")
    first, second = 0.30 - (0.21 + 3 * 0.45) / 4, 0.365 - 0.46
    assert by_child.estimate == pytest.approx((first + 2 * second) / 3)
    assert [(row.identified, row.n_exposed, row.n_unexposed) for row in equal.contrasts] == [
        (False, 0, 3), (True, 1, 2), (True, 2, 1),
    ]  # fmt: skip
    assert math.isnan(equal.contrasts[0].difference)


def test_crossover_contrasts_of_a_table_made_by_hand() -> None:
    """Into period 1 a, b, c change by 0.20, 0.01, 0.05; into period 2 by 0.02, 0.20, 0.01."""
    cells = table(ROWS, STARTS)
    equal = crossover_estimate(cells, weights="equal")
    assert [row.difference for row in equal.contrasts] == pytest.approx([0.20 - 0.03, 0.20 - 0.01])
    assert [row.period for row in equal.contrasts] == [1, 2]
    by_child = crossover_estimate(cells)
    assert by_child.contrasts[0].difference == pytest.approx(0.20 - (0.01 + 3 * 0.05) / 4)
    unchanged = crossover_estimate(cells, weights="equal", controls="unchanged")
    assert unchanged.contrasts[1].difference == pytest.approx(0.20 - 0.015)
    precision = crossover_estimate(cells, weights="equal", period_weights="precision")
    assert [row.share for row in precision.contrasts] == pytest.approx([4 / 7, 3 / 7])


def test_a_crossover_without_controls_is_not_identified_and_has_no_share() -> None:
    cells = table(ROWS, STARTS | {"c": 2})
    found = crossover_estimate(cells, weights="equal")
    assert [(row.identified, row.n_exposed, row.n_unexposed, row.share) for row in found.contrasts] == [
        (True, 1, 2, 1.0), (False, 2, 0, 0.0),
    ]  # fmt: skip
    assert found.estimate == pytest.approx(0.17)


def test_two_authorities_and_two_periods_make_the_difference_of_differences() -> None:
    rows, starts = {"a": [0.1, 0.4], "b": [0.2, 0.3]}, {"a": 1, "b": 2}
    cells = table(rows, starts)
    design = wedge((1, 2))
    assert crossover_estimate(cells).estimate == pytest.approx(0.2)
    assert order_effects(cells, design).effect[0] == pytest.approx(0.2)
    assert vertical_estimate(cells).estimate == pytest.approx(0.1)


@pytest.mark.parametrize("statistic", ["two_way", "vertical", "crossover"])
def test_information_is_the_inverse_variance_of_means_with_variance_1_over_children(statistic: str) -> None:
    cells, design = cells_of(panel(DESIGNS["12"])), DESIGNS["12"]
    rng = np.random.default_rng(1)
    drawn = [
        order_effects(
            dataclasses.replace(cells, mean=rng.normal(0, 1 / np.sqrt(cells.weight))),
            design,
            statistic=statistic,
        ).effect
        for _ in range(2000)
    ]
    found = order_effects(cells, design, statistic=statistic).information
    assert 1 / np.var(drawn, axis=0) == pytest.approx(found, rel=5 * math.sqrt(2 / 2000))


def test_trials_are_pooled_by_a_chosen_statistic_too() -> None:
    designs = [DESIGNS["4"], DESIGNS["12"]]
    trials = [
        order_effects(cells_of(panel(design, seed=7)), design, statistic="vertical") for design in designs
    ]
    test = randomisation_test(pooled_effects(trials))
    assert test.n_orders == 48
    share = np.array([trial.information.mean() for trial in trials])
    assert test.estimate == pytest.approx(np.average([t.effect[0] for t in trials], weights=share))


def test_sampled_orders_are_as_many_as_asked_for_and_the_same_again() -> None:
    """Twelve authorities in two strata: beyond enumeration; blocks of orders give what one block gives."""
    design = wedge(tuple(range(1, 13)), ("high",) * 2 + ("low",) * 10)
    cells = cells_of(panel(design))
    for statistic in STATISTICS:
        one, two = (exact_test(cells, design, statistic=statistic, draws=300) for _ in range(2))
        assert one == two
        assert one.n_orders == 301
    other = orders_of(design, seed=2, draws=300)[0]
    assert not np.array_equal(orders_of(design, draws=300)[0], other)


def test_many_authorities_that_share_go_lives_have_few_orders_each_listed_once() -> None:
    """12 authorities in two groups of six: 924 orders among 479 million permutations."""
    design = wedge((1,) * 6 + (2,) * 6)
    orders = orders_of(design)[0]
    assert len(orders) == len(set(map(tuple, orders))) == 924
    assert orders[0].tolist() == [1] * 6 + [2] * 6
    assert (orders.sum(axis=1) == 18).all()


def test_blocks_of_orders_give_what_one_block_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    design = DESIGNS["120"]
    cells = cells_of(panel(design))
    whole = {statistic: exact_test(cells, design, statistic=statistic) for statistic in STATISTICS}
    monkeypatch.setattr("sfpc_book.estimate.randomisation.BLOCK", 7 * cells.n_cells)
    for statistic, test in whole.items():
        again = exact_test(cells, design, statistic=statistic)
        assert dataclasses.astuple(again)[:5] == pytest.approx(dataclasses.astuple(test)[:5])


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda c, d: exact_test(c, d, statistic="median"), "two_way, vertical"),
        (lambda c, d: order_effects(c, d, statistic="studentised"), "Unknown linear statistic"),
        (lambda c, d: exact_test(c, d, weights="rows"), "children, equal"),
        (lambda c, d: vertical_estimate(c, period_weights="length"), "equal, exposed, precision"),
        (lambda c, d: crossover_estimate(c, controls="exposed"), "unexposed, unchanged"),
        (lambda c, d: exact_test(c, wedge((2, 1, 3, 4, 5))), "not that of the wedge"),
    ],
)
def test_unknown_choices_are_refused_with_those_allowed(call, named: str) -> None:
    with pytest.raises(EstimationError, match=named):
        call(cells_of(panel(DESIGNS["120"])), DESIGNS["120"])


def test_the_two_way_statistic_is_the_panel_models_coefficient() -> None:
    cells = cells_of(panel(DESIGNS["12"]))
    for weights in ("children", "equal"):
        assert exact_test(cells, DESIGNS["12"], weights=weights).estimate == pytest.approx(
            fit_two_way(cells, weights=weights).estimate
        )
