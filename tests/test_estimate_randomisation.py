"""Exact randomisation inference against naive enumeration, and what few orders can and cannot say."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from estimate_frames import FIVE, FIVE_STRATA, clustered_t, naive_orders, naive_statistics, panel, wedge

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import cells_of
from sfpc_book.estimate.exact_test import exact_test
from sfpc_book.estimate.randomisation import (
    coefficient_curve,
    order_effects,
    orders_of,
    randomisation_test,
)
from sfpc_book.estimate.studentised import studentised_test
from sfpc_book.study.wedge import Wedge

DESIGNS = {
    "family_safeguarding": wedge(FIVE, FIVE_STRATA),
    "no_wrong_door": wedge((1, 2, 3, 4), ("high", "high", "low", "low")),
    "unrestricted": wedge(FIVE),
    "shared_start": wedge((1, 2, 2, 3)),
}
ROUNDING = 1e-12
COUNTED = {"family_safeguarding": 12, "no_wrong_door": 4, "unrestricted": 120, "shared_start": 12}


def naive_p(frame: pd.DataFrame, design: Wedge, effect: float = 0.0) -> float:
    """Refit under every order after taking `effect` out of the data."""
    adjusted = frame.assign(value_mean=frame["value_mean"] - effect * frame["exposed"])
    values = np.abs(naive_statistics(adjusted, design, frame["n_children"].to_numpy(float)))
    return float(np.mean(values >= values[0] - 1e-9 * values.max()))


@pytest.mark.parametrize("name", DESIGNS)
def test_exact_p_equals_a_naive_enumeration(name: str) -> None:
    design = DESIGNS[name]
    for seed in range(4):
        frame = panel(design, seed=seed, effect=-0.03)
        test = randomisation_test(order_effects(cells_of(frame), design))
        assert test.p_value == pytest.approx(naive_p(frame, design))
        assert test.n_orders == COUNTED[name]


@pytest.mark.parametrize("name", ["family_safeguarding", "unrestricted"])
def test_coefficients_equal_refitted_ones_with_cells_missing(name: str) -> None:
    design = DESIGNS[name]
    frame = panel(design)
    frame.loc[[2, 9, 28], "n_children"] = 0
    kept = frame[frame["n_children"] > 0]
    ours = order_effects(cells_of(frame), design).effect
    refitted = naive_statistics(kept, design, kept["n_children"].to_numpy(float))
    assert np.sort(ours) == pytest.approx(np.sort(refitted), rel=1e-8)
    assert ours[0] == pytest.approx(refitted[0])


@pytest.mark.parametrize(("name", "conf_level"), [("unrestricted", 0.95), ("family_safeguarding", 0.9)])
def test_confidence_limits_are_where_the_naive_p_crosses(name: str, conf_level: float) -> None:
    design = DESIGNS[name]
    frame = panel(design, seed=5, effect=0.05)
    test = randomisation_test(order_effects(cells_of(frame), design), conf_level=conf_level)
    step = 1e-6 * (test.conf_high - test.conf_low)
    for inside, outside in ((test.conf_low + step, -step), (test.conf_high - step, step)):
        assert naive_p(frame, design, inside) > 1 - conf_level
        assert naive_p(frame, design, inside + 2 * outside) <= 1 - conf_level + ROUNDING


def test_no_effect_outside_the_set_has_a_p_above_the_level() -> None:
    """The set may have gaps; its hull must hold every effect that is not rejected."""
    design = DESIGNS["unrestricted"]
    frame = panel(design, seed=8)
    test = randomisation_test(order_effects(cells_of(frame), design))
    width = test.conf_high - test.conf_low
    for effect in np.linspace(test.conf_low - width, test.conf_high + width, 14):
        if not test.conf_low <= effect <= test.conf_high:
            assert naive_p(frame, design, effect) <= 0.05 + ROUNDING


def test_twelve_orders_give_an_unbounded_95_percent_set_and_a_bounded_attainable_one() -> None:
    design = DESIGNS["family_safeguarding"]
    test = randomisation_test(order_effects(cells_of(panel(design)), design), conf_level=0.95)
    assert (test.conf_low, test.conf_high) == (-math.inf, math.inf)
    assert test.p_minimum == pytest.approx(1 / 12)
    assert test.level_maximum == pytest.approx(11 / 12)
    assert all(np.isfinite(test.attainable))


def test_the_smallest_p_is_reached_by_an_overwhelming_effect_and_is_never_0() -> None:
    for name, design in DESIGNS.items():
        frame = panel(design, effect=50.0, children=(200, 201))
        test = randomisation_test(order_effects(cells_of(frame), design))
        assert test.p_value == pytest.approx(1 / COUNTED[name]) == pytest.approx(test.p_minimum)


def test_an_outcome_without_any_difference_between_orders_has_p_1() -> None:
    design = DESIGNS["unrestricted"]
    frame = panel(design, noise=0.0)
    assert randomisation_test(order_effects(cells_of(frame), design)).p_value == 1.0


def test_ties_by_rounding_count_as_ties() -> None:
    """Two authorities with equal data: exchanging them gives the same statistic up to rounding."""
    design = DESIGNS["no_wrong_door"]
    frame = panel(design, children=(100, 101), effect=0.1)
    for pair in (("a", "b"), ("c", "d")):
        twin = frame.loc[frame["authority"] == pair[0], "value_mean"].to_numpy()
        frame.loc[frame["authority"] == pair[1], "value_mean"] = twin * (1 + 1e-15)
    assert randomisation_test(order_effects(cells_of(frame), design)).p_value == 1.0


def test_orders_that_the_cells_cannot_tell_apart_raise_the_attainable_minimum() -> None:
    """Without c and d in the period between their go-lives, exchanging these two changes nothing."""
    design = DESIGNS["no_wrong_door"]
    frame = panel(design)
    frame.loc[(frame["authority"] == "d") & frame["period"].isin([3]), "n_children"] = 0
    frame.loc[(frame["authority"] == "c") & frame["period"].isin([3]), "n_children"] = 0
    test = randomisation_test(order_effects(cells_of(frame), design))
    assert test.p_minimum == pytest.approx(2 / 4)
    assert test.p_value >= test.p_minimum
    assert test.level_maximum <= 1 - test.p_minimum


def test_orders_that_leave_nothing_to_compare_count_as_extreme() -> None:
    """Only the first two periods, and c not before the second: with c first there is no comparison at all."""
    design = wedge((1, 2, 3))
    frame = panel(design, effect=1.0)
    gone = (frame["period"] > 1) | ((frame["authority"] == "c") & (frame["period"] == 0))
    frame.loc[gone, "n_children"] = 0
    effects = order_effects(cells_of(frame), design)
    test = randomisation_test(effects)
    assert effects.defined[0]
    assert (~effects.defined).sum() == 2
    assert test.p_value == test.p_minimum == 1.0
    assert test.level_maximum == 0.0
    assert test.attainable == (-math.inf, math.inf)


@pytest.mark.parametrize("statistic", ["two_way", "studentised", "vertical", "crossover"])
@pytest.mark.parametrize("name", DESIGNS)
def test_the_test_is_exact_whichever_order_had_been_drawn(name: str, statistic: str) -> None:
    """With the outcomes fixed and no effect, at most k of n possible draws may give p up to k / n."""
    design = DESIGNS[name]
    frame = panel(design, seed=11)
    found = []
    for order in orders_of(design)[0]:
        drawn = wedge_with(design, order)
        table = drawn.design_table().set_index(["authority", "period"])[["exposed", "exposure_time"]]
        shown = frame.drop(columns=["exposed", "exposure_time"]).join(table, on=["authority", "period"])
        found.append(exact_test(cells_of(shown), drawn, statistic=statistic).p_value)
    found = np.sort(found)
    assert (found >= (np.arange(len(found)) + 1) / len(found) - 1e-12).all()


def wedge_with(design: Wedge, order: np.ndarray) -> Wedge:
    """The same trial had it drawn `order`."""
    starts = design.period_starts
    live = {name: starts[start] for name, start in zip(design.authorities, order.tolist(), strict=True)}
    return Wedge(
        design.model_id,
        design.authorities,
        live,
        design.stratum,
        design.window_start,
        design.window_end,
        starts,
    )


def naive_studentised(frame: pd.DataFrame, design: Wedge, effect: float) -> float:
    """p of the studentised test by refitting, variance clustered without correction."""
    weight = frame["n_children"].to_numpy(float)
    frame = frame.assign(value_mean=frame["value_mean"] - effect * frame["exposed"])
    sizes = []
    for order in naive_orders(design):
        start = frame["authority"].map(dict(zip(design.authorities, order, strict=True)))
        sizes.append(abs(clustered_t(frame.assign(exposed=(frame["period"] >= start).astype(int)), weight)))
    return float(np.mean(np.array(sizes) >= sizes[0] * (1 - 1e-9)))


@pytest.mark.parametrize("name", ["unrestricted", "no_wrong_door"])
def test_studentised_p_and_limits_equal_a_naive_enumeration(name: str) -> None:
    design = DESIGNS[name]
    level = {"unrestricted": 0.9, "no_wrong_door": 0.7}[name]
    frame = panel(design, seed=2, effect=0.03)
    test = studentised_test(cells_of(frame), design, conf_level=level)
    assert test.p_value == pytest.approx(naive_studentised(frame, design, 0.0))
    step = 1e-6 * (test.conf_high - test.conf_low)
    for limit, out in ((test.conf_low, -step), (test.conf_high, step)):
        assert naive_studentised(frame, design, limit - out) > 1 - level
        assert naive_studentised(frame, design, limit + out) <= 1 - level + ROUNDING


def test_an_exposure_that_is_not_the_wedges_is_refused() -> None:
    frame = panel(DESIGNS["unrestricted"])
    with pytest.raises(EstimationError, match="not that of the wedge"):
        order_effects(cells_of(frame), wedge((2, 1, 3, 4, 5)))
    with pytest.raises(EstimationError, match="Not in the wedge: e"):
        order_effects(cells_of(frame), wedge((1, 2, 3, 4)))


def test_a_sample_of_orders_starts_with_the_observed_one_and_stays_within_strata() -> None:
    design = wedge(tuple(range(1, 13)), ("high",) * 2 + ("low",) * 10)
    orders, exact = orders_of(design)
    assert not exact
    assert orders[0].tolist() == list(range(1, 13))
    assert set(np.unique(orders[:, :2])) == {1, 2}
    assert (np.sort(orders, axis=1) == np.arange(1, 13)).all()
    assert np.array_equal(orders, orders_of(design)[0])


def test_the_curve_counts_all_orders_at_the_estimate_itself() -> None:
    design = DESIGNS["unrestricted"]
    effects = order_effects(cells_of(panel(design)), design)
    curve = coefficient_curve(effects)
    assert curve.counts.max() == curve.n_orders == 120
    low, high = curve.confidence_set(0.001)
    assert low <= effects.effect[0] <= high
