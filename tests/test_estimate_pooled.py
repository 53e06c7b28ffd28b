"""One exact test over the three trials."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from estimate_frames import FIVE, FIVE_STRATA, naive_statistics, panel, wedge

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import cells_of
from sfpc_book.estimate.estimate import TIDY_COLUMNS
from sfpc_book.estimate.pooled import estimate_pooled, pooled_effects, pooled_weights
from sfpc_book.estimate.randomisation import order_effects, randomisation_test
from sfpc_book.estimate.wedge_estimates import estimate_each

WEDGES = {
    "family_safeguarding": wedge(FIVE, FIVE_STRATA, model="family_safeguarding"),
    "family_valued": wedge(FIVE, model="family_valued"),
    "no_wrong_door": wedge((1, 2, 3, 4), ("high", "high", "low", "low"), model="no_wrong_door"),
}


def panels(effect: float = 0.0, noise: float = 0.02):
    return {
        model: panel(design, seed=seed, effect=effect, noise=noise)
        for seed, (model, design) in enumerate(WEDGES.items())
    }


def pooled_row(tables, **values):
    return estimate_pooled(tables, WEDGES, outcome="looked_after", horizon=18, **values).iloc[0]


def test_pooling_has_the_product_of_the_orders_and_its_minimum() -> None:
    row = pooled_row(panels())
    assert row["n_orders"] == 12 * 120 * 4 == 5_760
    assert row["p_minimum"] == pytest.approx(1 / 5_760)


def test_pooled_p_and_interval_equal_a_naive_enumeration() -> None:
    tables = panels(effect=-0.02, noise=0.03)
    row = pooled_row(tables)

    def naive(effect: float) -> tuple[float, float]:
        trials, information = [], []
        for model, frame in tables.items():
            cells = cells_of(frame)
            information.append(order_effects(cells, WEDGES[model]).information.mean())
            moved = frame.assign(value_mean=frame["value_mean"] - effect * frame["exposed"])
            trials.append(naive_statistics(moved, WEDGES[model], frame["n_children"].to_numpy(float)))
        share = np.array(information) / sum(information)
        sums = np.array([share @ combination for combination in itertools.product(*trials)])
        return float(sums[0]), float(np.mean(np.abs(sums) >= abs(sums[0]) * (1 - 1e-9)))

    estimate, p_value = naive(0.0)
    assert row["estimate"] == pytest.approx(estimate)
    assert row["p_value"] == pytest.approx(p_value)
    step = 1e-6 * (row["conf_high"] - row["conf_low"])
    for limit, out in ((row["conf_low"], -step), (row["conf_high"], step)):
        assert naive(limit - out)[1] > 0.05
        assert naive(limit + out)[1] <= 0.05


def test_the_pooled_estimate_is_the_mean_of_the_trials_by_the_weights_told() -> None:
    tables = panels(effect=-0.02, noise=0.03)
    weights = pooled_weights(tables, WEDGES)
    alone = {model: order_effects(cells_of(rows), WEDGES[model]).effect[0] for model, rows in tables.items()}
    assert list(weights) == list(tables) and sum(weights.values()) == pytest.approx(1)
    mean = sum(weights[model] * alone[model] for model in tables)
    assert pooled_row(tables)["estimate"] == pytest.approx(mean)
    each = estimate_each(tables, WEDGES, outcome="looked_after", horizon=18)
    exact = each[each["analysis"] == "randomisation"]
    assert dict(zip(exact["model"], exact["estimate"], strict=True)) == pytest.approx(alone)


def test_weights_follow_the_children_and_leave_out_what_cannot_be_estimated() -> None:
    tables = panels()
    more = tables | {"no_wrong_door": tables["no_wrong_door"].assign(n_children=10_000)}
    assert pooled_weights(more, WEDGES)["no_wrong_door"] > pooled_weights(tables, WEDGES)["no_wrong_door"]
    none = tables["family_valued"].assign(n_children=0)
    assert set(pooled_weights(tables | {"family_valued": none}, WEDGES)) == {
        "family_safeguarding",
        "no_wrong_door",
    }
    assert pooled_weights({"family_valued": none}, WEDGES) == {}


def test_an_effect_that_no_single_trial_can_show_at_5_percent_is_shown_together() -> None:
    tables = panels(effect=-0.05, noise=0.005)
    row = pooled_row(tables)
    assert row["p_value"] < 0.01
    assert row["conf_low"] < -0.05 < row["conf_high"] < 0
    for model in ("family_safeguarding", "no_wrong_door"):
        alone = randomisation_test(order_effects(cells_of(tables[model]), WEDGES[model]))
        assert alone.p_value > 0.05


def test_a_model_without_an_estimate_is_left_out_and_the_row_says_so() -> None:
    tables = panels()
    waiting = tables["family_valued"]
    tables["family_valued"] = waiting.assign(n_not_observed=waiting["n_children"], n_children=0)
    row = pooled_row(tables)
    assert row["status"] == "partly_observed"
    assert row["n_orders"] == 12 * 4
    assert row["n_clusters"] == 9
    assert "family_valued" not in row["reference"]
    assert 0 < row["observed_share"] < 1


def test_without_any_observed_child_there_is_no_number() -> None:
    tables = {
        model: frame.assign(n_not_observed=frame["n_children"], n_children=0)
        for model, frame in panels().items()
    }
    table = estimate_pooled(tables, WEDGES, outcome="neet", horizon=36)
    assert tuple(table.columns) == TIDY_COLUMNS
    assert table.loc[0, "status"] == "not_observed"
    assert np.isnan(table.loc[0, "estimate"])


def test_many_combinations_are_sampled_with_the_error_stated() -> None:
    trials = [order_effects(cells_of(panel(wedge(FIVE), seed=seed)), wedge(FIVE)) for seed in range(3)]
    effects = pooled_effects(trials)
    test = randomisation_test(effects)
    assert not effects.exact
    assert effects.n_orders == 100_000
    assert test.p_value >= 1 / 100_000
    assert test.monte_carlo_error == pytest.approx(np.sqrt(test.p_value * (1 - test.p_value) / 100_000))
    both = randomisation_test(pooled_effects(trials[:2]))
    assert both.monte_carlo_error == 0


def test_pooling_nothing_is_refused() -> None:
    with pytest.raises(EstimationError, match="no trial"):
        pooled_effects([])
