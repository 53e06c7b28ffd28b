"""The calibration study: designs, draws, linear forms, exactness, closed-form power, statuses."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from calibration_frames import FEW, sizes_of, study_design, with_few
from estimate_frames import FIVE, FIVE_STRATA, wedge
from scipy import stats

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.calibration import calibrate, calibration_rows, chunk_verdicts, n_chunks, plan_of
from sfpc_book.estimate.calibration_design import design_of, obstacle
from sfpc_book.estimate.calibration_detectable import (
    UNREACHABLE,
    detectable_table,
    exact_rejections,
    panel_rejections,
    smallest_effect,
)
from sfpc_book.estimate.calibration_draw import CHUNK, Draws, chunk_seed, draw, exposed_average
from sfpc_book.estimate.calibration_linear import ATTAINABLE, CR2, EXACT, PANEL, LinearJudge
from sfpc_book.estimate.calibration_methods import FAMILIES, family_verdicts
from sfpc_book.estimate.calibration_pooled import POOLED, pooled_verdicts
from sfpc_book.estimate.calibration_verdicts import (
    CALIBRATION_COLUMNS,
    VERDICT_COLUMNS,
    summarise,
    verdict_frame,
)
from sfpc_book.estimate.cluster_variance import cluster_variance
from sfpc_book.estimate.exact_test import exact_test
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.pooled import pooled_effects
from sfpc_book.estimate.power import effect_variance, power_of
from sfpc_book.estimate.randomisation import order_effects, randomisation_test
from sfpc_book.estimate.two_way import effects_design
from sfpc_book.estimate.wild_bootstrap import bootstrap_p_values, wild_bootstrap
from sfpc_book.study.calibration import Baseline, Replications, Scenario
from sfpc_book.study.schema import CovidBand
from sfpc_book.study.study import load_study
from sfpc_book.study.wedge import wedge_of

NOISY = Scenario(name="noisy", effect=-0.02, cell_deviation=0.02)


@pytest.fixture(scope="module")
def study(repository):
    return with_few(load_study(repository / "study.yml"))


@pytest.fixture(scope="module")
def design():
    wedge_five = wedge(FIVE, FIVE_STRATA)
    return design_of(sizes_of(wedge_five), wedge_five)


@pytest.fixture(scope="module")
def draws(design):
    return draw(design, NOISY, Baseline(), chunk_seed(1, 0, 0, 0))


# Design


def test_exposure_and_times_are_those_of_the_order_that_was_drawn(design):
    table = design.wedge_of(7).design_table().set_index(["authority", "period"])
    cells = design.under(7, np.zeros(design.cells.n_cells))
    for place in range(cells.n_cells):
        row = table.loc[(cells.authorities[cells.authority[place]], cells.period[place])]
        assert (cells.exposed[place], cells.exposure_time[place]) == (row["exposed"], row["exposure_time"])
    assert (design.months[7] > 0).tolist() == (cells.exposed == 1).tolist()


def test_the_orders_are_all_admissible_ones_within_strata(study):
    for model, orders in (("family_safeguarding", 12), ("family_valued", 120), ("no_wrong_door", 4)):
        found = study_design(study, model)
        assert len(found.orders) == orders == len({tuple(order) for order in found.orders.tolist()})


def test_the_share_of_lockdown_counts_days_of_lockdowns_only():
    days = wedge((1, 2))  # months from January 2020; the second period is February
    bands = [
        CovidBand(name="one", start="2020-02-10", end="2020-02-19", kind="lockdown"),
        CovidBand(name="other", start="2020-01-01", end="2020-01-31", kind="restrictions"),
    ]
    found = design_of(sizes_of(days), days, bands)
    by_period = dict(zip(found.cells.period.tolist(), found.lockdown.tolist(), strict=True))
    assert by_period[0] == 0 and by_period[1] == pytest.approx(10 / 29) and by_period[2] == 0


def test_an_empty_cell_and_an_authority_without_children_have_no_part():
    sizes = sizes_of(wedge(FIVE, FIVE_STRATA))
    sizes.loc[(sizes["authority"] == "a") & (sizes["period"] == 2), "n_children"] = 0
    sizes.loc[sizes["authority"] == "e", "n_children"] = 0
    found = design_of(sizes, wedge(FIVE, FIVE_STRATA))
    assert found.wedge.authorities == tuple("abcd") and len(found.orders) == 4
    assert found.cells.n_cells == 4 * 6 - 1


def test_sizes_at_fault_are_named_all_at_once():
    days = wedge((1, 2))
    with pytest.raises(EstimationError, match="there is no column n_children"):
        design_of(pd.DataFrame({"authority": ["a"], "period": [0]}), days)
    sizes = sizes_of(days)
    with pytest.raises(EstimationError, match="'z' is not in the wedge; known are a, b"):
        design_of(sizes.assign(authority=sizes["authority"].replace("a", "z")), days)
    alone = sizes.assign(n_children=sizes["n_children"] * (sizes["authority"] == "a"))
    assert obstacle(alone, days) == "fewer than two authorities have children"
    nine = wedge(tuple(range(1, 10)))
    assert "362,880 orders are more than can be listed" in obstacle(sizes_of(nine), nine)


# Draws


def test_the_seed_of_a_chunk_is_that_of_spawning_its_place():
    spawned = np.random.SeedSequence(9).spawn(3)[2].spawn(5)[4].spawn(8)[7]
    assert chunk_seed(9, 2, 4, 7).generate_state(4).tolist() == spawned.generate_state(4).tolist()


def test_every_order_is_drawn_equally_often(study):
    found = study_design(study, "family_safeguarding")
    counted = np.concatenate(
        [draw(found, Scenario(name="x"), Baseline(), chunk_seed(3, 0, 0, k)).order for k in range(120)]
    )
    assert stats.chisquare(np.bincount(counted, minlength=12)).pvalue > 0.001


def test_outcomes_have_the_declared_risk_and_effect():
    days = wedge(FIVE)
    sizes = sizes_of(days, children=(200_000, 300_000))
    found = design_of(sizes, days)
    flat = Baseline(lowest=0.1, highest=0.1, period_deviation=0)
    steady = draw(found, Scenario(name="x", effect=-0.03), flat, chunk_seed(1, 0, 0, 0))
    exposed = found.exposed[steady.order]
    assert np.abs(steady.mean - (0.1 - 0.03 * exposed)).max() < 0.005
    assert np.allclose(steady.difference, -0.03 * exposed)
    truth = exposed_average(steady.difference, exposed, found.cells.weight)
    assert np.allclose(truth, -0.03)
    odds = math.log(0.07 / 0.93) - math.log(0.1 / 0.9)
    assert np.allclose(steady.log_odds, odds * exposed)


def test_an_effect_begins_after_its_delay_and_reaches_its_size_after_its_ramp(design):
    late = Scenario(name="x", effect=-0.02, delay_months=1, ramp_months=2)
    found = draw(design, late, Baseline(period_deviation=0), chunk_seed(1, 0, 0, 0))
    months = design.months[found.order]
    share = found.difference / -0.02
    exposed = design.exposed[found.order] == 1
    assert np.allclose(share[exposed & (months <= 1)], 0) and np.allclose(share[months >= 3], 1)
    ramp = (months > 1) & (months < 3)
    assert ramp.any() and np.allclose(share[ramp], (months[ramp] - 1) / 2)


def test_a_risk_never_leaves_its_range_and_the_truth_allows_for_it(design):
    wild = Scenario(name="x", effect=-0.02, cell_deviation=0.5)
    found = draw(design, wild, Baseline(), chunk_seed(1, 0, 0, 0))
    assert ((found.mean >= 0) & (found.mean <= 1)).all()
    assert (np.abs(found.difference) <= 0.02 + 1e-12).all() and (np.abs(found.difference) < 0.02).any()


def test_cells_are_as_correlated_over_periods_as_declared(design):
    flat = Baseline(lowest=0.5, highest=0.5, period_deviation=0)
    big = replace(design, cells=replace(design.cells, weight=np.full(design.cells.n_cells, 1e7)))
    part = Scenario(name="x", cell_deviation=0.05, cell_autocorrelation=0.8)
    means = np.concatenate([draw(big, part, flat, chunk_seed(1, 0, 0, k)).mean for k in range(40)])
    series = means.reshape(len(means), 5, 6)
    assert series.std() == pytest.approx(0.05, rel=0.05)
    assert np.corrcoef(series[..., :-1].ravel(), series[..., 1:].ravel())[0, 1] == pytest.approx(
        0.8, abs=0.03
    )


def test_trends_and_shocks_differ_between_authorities_and_follow_time_and_lockdown(study):
    found = study_design(study, "family_safeguarding")
    big = replace(found, cells=replace(found.cells, weight=np.full(found.cells.n_cells, 1e7)))
    flat = Baseline(lowest=0.3, highest=0.3, period_deviation=0)
    for part, along in (
        (Scenario(name="x", trend_deviation=0.01), found.years),
        (Scenario(name="x", shock_deviation=0.05), found.lockdown),
    ):
        mean = draw(big, part, flat, chunk_seed(1, 0, 0, 0)).mean
        slopes = [
            np.polyfit(along[found.cells.authority == g], mean[0][found.cells.authority == g], 1)[0]
            for g in range(5)
        ]
        left = mean[0] - 0.3 - np.array(slopes)[found.cells.authority] * along
        assert np.abs(left).max() < 0.002 and np.std(slopes) > 0.002


# Linear methods


def test_the_linear_forms_are_the_models_of_the_chapters(design, draws):
    judge = LinearJudge(design)
    for place, order in enumerate(draws.order[:6].tolist()):
        cells, form = design.under(order, draws.mean[place]), judge.form(order)
        fit = fit_two_way(cells)
        assert form.influence @ cells.mean == pytest.approx(fit.estimate, rel=1e-9)
        assert form.std_error(cells.mean[None], "CR1")[0] == pytest.approx(fit.std_error, rel=1e-9)
        x = np.column_stack([cells.exposed, effects_design(cells)])
        for kind in ("CR2", "CR3"):
            wanted = cluster_variance(
                x, cells.mean, cells.weight, cells.authority, np.eye(1, x.shape[1]), kind=kind
            )
            assert form.std_error(cells.mean[None], kind)[0] == pytest.approx(wanted.std_error[0], rel=1e-8)
            assert form.df[kind] == pytest.approx(wanted.df[0], rel=1e-8)


def test_verdicts_of_the_linear_methods_are_those_of_one_trial_at_a_time(design, draws):
    verdicts = LinearJudge(design).verdicts(draws).set_index(["method", "replication"])
    for place, order in enumerate(draws.order[:8].tolist()):
        cells = design.under(order, draws.mean[place])
        test, fit = exact_test(cells, design.wedge_of(order)), fit_two_way(cells)
        exact, attainable = verdicts.loc[(EXACT, place)], verdicts.loc[(ATTAINABLE, place)]
        assert exact["p_value"] == pytest.approx(test.p_value)
        assert (exact["conf_low"], exact["conf_high"]) == pytest.approx((test.conf_low, test.conf_high))
        assert (attainable["conf_low"], attainable["conf_high"]) == pytest.approx(test.attainable)
        assert attainable["level"] == pytest.approx(test.level_maximum)
        panel = verdicts.loc[(PANEL, place)]
        assert panel["p_value"] == pytest.approx(fit.p_value, rel=1e-7)
        assert panel["conf_low"] == pytest.approx(fit.conf_low, rel=1e-7)


def test_bootstrap_p_values_are_those_of_the_whole_bootstrap(design, draws):
    cells = design.under(int(draws.order[0]), draws.mean[0])
    for kind in ("webb", "rademacher"):
        whole = wild_bootstrap(cells, kind=kind)
        assert bootstrap_p_values(cells, [0.0], kind=kind)[0] == pytest.approx(whole.p_value)
    webb = wild_bootstrap(cells, kind="webb", conf_level=0.8)
    assert np.isfinite([webb.conf_low, webb.conf_high]).all()
    inside, outside = (
        [webb.conf_low + 1e-6, webb.conf_high - 1e-6],
        [webb.conf_low - 1e-6, webb.conf_high + 1e-6],
    )
    assert (bootstrap_p_values(cells, inside, kind="webb") > 0.2).all()
    assert (bootstrap_p_values(cells, outside, kind="webb") <= 0.2).all()


# Exactness, by full enumeration: no Monte Carlo


@pytest.mark.parametrize("statistic", ["two_way", "vertical", "crossover"])
@pytest.mark.parametrize("strata", [FIVE_STRATA, ("all",) * 5])
def test_over_all_orders_the_exact_test_errs_at_most_as_often_as_its_level_says(statistic, strata):
    days = wedge(FIVE, strata)
    found = design_of(sizes_of(days), days)
    judge = LinearJudge(found, statistic=statistic)
    rng = np.random.default_rng(8)
    for mean in rng.uniform(0.01, 0.2, (3, found.cells.n_cells)):
        p_values = np.array(
            [randomisation_test(judge.exact(order, mean)).p_value for order in range(len(found.orders))]
        )
        for level in (judge.attainable, 0.05, 1 / 12, 0.1, 0.25, 0.5):
            assert np.mean(p_values <= level + 1e-9) <= level + 1e-9


def test_over_all_orders_the_attainable_interval_holds_a_constant_effect_as_often_as_it_says():
    days = wedge(FIVE, FIVE_STRATA)
    found = design_of(sizes_of(days), days)
    judge, effect = LinearJudge(found), 0.04
    unexposed = np.random.default_rng(3).uniform(0.1, 0.2, found.cells.n_cells)
    covered, levels = [], []
    for order in range(len(found.orders)):
        test = randomisation_test(judge.exact(order, unexposed + effect * found.exposed[order]))
        covered.append(test.attainable[0] - 1e-9 <= effect <= test.attainable[1] + 1e-9)
        levels.append(test.level_maximum)
    assert np.mean(covered) >= min(levels) - 1e-9


# Closed form


def test_rejections_under_a_known_normal_variance_are_the_closed_form_power(design):
    """Cell means normal with variance 1 / weight, effect added: the z test's power is that of `power_of`."""
    order, effect, size = 3, 0.12, 40_000
    cells = design.under(order, np.zeros(design.cells.n_cells))
    form = LinearJudge(design).form(order)
    rng = np.random.default_rng(4)
    mean = rng.normal(size=(size, cells.n_cells)) / np.sqrt(cells.weight) + effect * cells.exposed
    variance = float(form.influence**2 @ (1 / cells.weight))
    # random authority effects of a huge variance tell nothing: the fixed-effects variance is the limit
    limit = effect_variance(cells, child_variance=1.0, authority_variance=1e6)
    assert variance == pytest.approx(limit, rel=1e-3)
    share = np.mean(np.abs(mean @ form.influence) / math.sqrt(variance) > stats.norm.ppf(0.975))
    wanted = power_of(effect, variance)
    assert 0.2 < wanted < 0.95
    assert abs(share - wanted) < 4 * math.sqrt(wanted * (1 - wanted) / size)


def test_the_smallest_effect_is_where_the_rejections_reach_the_power():
    noise = np.random.default_rng(2).normal(size=20_000)
    found = smallest_effect(lambda effect: np.abs(noise * 0.1 + effect) >= 0.196, 0.8)
    assert found["status"] == "ok"
    wanted = 0.1 * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8))
    assert abs(found["detectable"] - wanted) < 4 * found["detectable_error"]
    assert smallest_effect(lambda effect: np.zeros(10, dtype=bool), 0.8)["status"] == UNREACHABLE


def test_rejections_with_an_added_effect_are_those_of_tests_on_the_moved_outcomes(design, draws):
    judge, shift, size = LinearJudge(design), 0.05, len(draws)
    moved = Draws(
        draws.order, draws.mean + shift * design.exposed[draws.order], draws.difference, draws.log_odds
    )
    verdicts = judge.verdicts(moved)
    for method, rejects in (
        (PANEL, panel_rejections(judge, draws, "CR1", 0.05)),
        (CR2, panel_rejections(judge, draws, "CR2", 0.05)),
        (EXACT, exact_rejections(judge, draws, 0.05)),
        (ATTAINABLE, exact_rejections(judge, draws, judge.attainable)),
    ):
        rows = verdicts[verdicts["method"] == method]
        wanted = (rows["p_value"] <= rows["alpha"] + 1e-9).to_numpy()
        assert rejects(shift)[:size].tolist() == wanted.tolist(), method


def test_a_test_with_few_orders_has_no_detectable_effect_at_the_study_level(study):
    plan = plan_of(study, "no_wrong_door")
    table = detectable_table(plan, study_design(study, "no_wrong_door")).set_index(["method", "scenario"])
    exact = table.loc[(EXACT, "no_effect")]
    assert exact["status"] == UNREACHABLE and math.isnan(exact["detectable"])
    assert table.loc[(ATTAINABLE, "no_effect"), "alpha"] == pytest.approx(0.25)
    assert table.loc[(CR2, "no_effect"), "detectable"] > 0
    assert set(table["data_status"]) == {"design"}


# Summaries and statuses


def test_a_method_without_a_result_is_counted_and_not_dropped():
    nothing = np.full(4, np.nan)
    status = np.array(["ok", "ok", "not_estimable: not converged", "ok"], dtype=object)
    rows = verdict_frame(
        "m",
        np.arange(4),
        status,
        estimate=np.array([1.0, 3.0, 99.0, 2.0]),
        truth=np.ones(4),
        p_value=np.array([0.05, 0.2, 0.001, 0.3]),
        alpha=0.05,
        conf_low=np.array([0.0, 2.0, 0.0, -np.inf]),
        conf_high=np.array([2.0, 4.0, 0.1, np.inf]),
        level=0.95,
    )
    assert list(rows.columns) == list(VERDICT_COLUMNS)
    found = summarise(rows).iloc[0]
    assert found["replications"] == 4 and found["tested"] == found["estimated"] == 0.75
    assert found["rejection"] == 0.25  # a p equal to the level rejects; the one without a result does not
    assert found["coverage"] == pytest.approx(2 / 3) and found["intervals"] == 0.75
    assert found["bias"] == pytest.approx((0 + 2 + 1) / 3)
    assert found["bounded"] == pytest.approx(2 / 3) and found["width"] == 2.0
    assert found["rejection_error"] == pytest.approx(math.sqrt(0.25 * 0.75 / 4))
    none = verdict_frame(
        "m", np.arange(4), np.full(4, "not_identified"), estimate=nothing, truth=nothing, p_value=nothing,
        alpha=0.05, conf_low=nothing, conf_high=nothing, level=0.95,
    )  # fmt: skip
    empty = summarise(none).iloc[0]
    assert empty["rejection"] == 0 and math.isnan(empty["coverage"]) and empty["tested"] == 0


def test_every_method_answers_a_trial_without_any_event_with_a_status(design):
    order = np.zeros(2, dtype=int)
    blank = np.zeros((2, design.cells.n_cells))
    nothing = Draws(order, blank, blank, blank)
    for family in FAMILIES:
        rows = family_verdicts(family, design, nothing, 0.95)
        assert set(rows["method"]) == set(family.names) and len(rows) == 2 * len(family.names)
        assert (rows["status"] != "ok").all() and rows["p_value"].isna().all(), family.names
    linear = LinearJudge(design).verdicts(nothing)
    panel = linear[linear["method"].isin((PANEL, CR2))]
    assert (panel["status"] != "ok").all()


def test_the_grid_has_every_scenario_and_method_with_its_estimand(study):
    plan = plan_of(study, "no_wrong_door")
    table = calibrate(plan, study_design(study, "no_wrong_door"))
    assert list(table.columns) == list(CALIBRATION_COLUMNS)
    names = {name for family in FAMILIES for name in family.names}
    for _, rows in table.groupby("scenario"):
        assert names <= set(rows["method"]) and not rows["method"].duplicated().any()
    sizes = table.set_index("method")["replications"]
    assert set(sizes[PANEL]) == {FEW.linear} and set(sizes["mixed_logit"]) == {FEW.iterated}
    assert set(table.loc[table["method"] == "mixed_logit", "estimand"]) == {"log_odds"}
    assert set(table.loc[table["method"] == "exposure_time_average", "estimand"]) == {"exposed_identified"}
    assert (table["data_status"] == "design").all() and (table["seed"] == study.calibration.seed).all()


# Independence of who does the work


def test_chunks_give_the_same_in_any_order_and_more_replications_keep_the_first(study):
    plan = plan_of(study, "no_wrong_door")
    found = study_design(study, "no_wrong_door")
    few, many = (
        Replications(linear=70, refitted=3, iterated=1),
        Replications(linear=120, refitted=5, iterated=1),
    )
    assert n_chunks(few) == 2 and n_chunks(many) == 3

    def verdicts(size: Replications, chunks: list[int]) -> pd.DataFrame:
        judge = LinearJudge(found)
        parts = {chunk: chunk_verdicts(plan, judge, "no_effect", chunk, size) for chunk in chunks}
        return pd.concat([parts[chunk] for chunk in sorted(parts)], ignore_index=True)

    forwards, backwards = verdicts(few, [0, 1]), verdicts(few, [1, 0])
    pd.testing.assert_frame_equal(forwards, backwards)
    keys = ["method", "replication"]
    longer = verdicts(many, [0, 1, 2]).set_index(keys)
    pd.testing.assert_frame_equal(longer.loc[forwards.set_index(keys).index], forwards.set_index(keys))


def test_the_pooled_verdict_is_the_pooled_test_on_the_trials_own_draws(study):
    models = ("family_safeguarding", "no_wrong_door")
    plans = {model: plan_of(study, model) for model in models}
    judges = {model: LinearJudge(study_design(study, model)) for model in models}
    rows = pooled_verdicts(plans, judges, "constant", 1, CHUNK + 2).set_index(["method", "replication"])
    draws = {model: plans[model].draws(judges[model].design, "constant", 1) for model in models}
    for place in range(2):
        trials = []
        for model in models:
            design, order = judges[model].design, int(draws[model].order[place])
            cells = design.under(order, draws[model].mean[place])
            trials.append(order_effects(cells, design.wedge_of(order)))
        wanted = randomisation_test(pooled_effects(trials))
        row = rows.loc[(POOLED, CHUNK + place)]
        assert row["p_value"] == pytest.approx(wanted.p_value)
        assert row["estimate"] == pytest.approx(wanted.estimate)
        assert row["truth"] == pytest.approx(-0.02)


def test_pooled_over_all_orders_the_exact_test_keeps_its_level():
    days = [wedge((1, 2, 3)), wedge((1, 2))]
    judges = [LinearJudge(design_of(sizes_of(day, seed), day)) for seed, day in enumerate(days)]
    rng = np.random.default_rng(1)
    means = [rng.uniform(0.02, 0.2, judge.design.cells.n_cells) for judge in judges]
    orders = itertools.product(*(range(len(judge.design.orders)) for judge in judges))
    p_values = []
    for drawn in orders:
        parts = [judge.exact(order, mean) for judge, order, mean in zip(judges, drawn, means, strict=True)]
        p_values.append(randomisation_test(pooled_effects(parts)).p_value)
    for level in (1 / 12, 0.25, 0.5):
        assert np.mean(np.array(p_values) <= level + 1e-9) <= level + 1e-9


def test_an_unknown_scenario_is_answered_with_the_known_ones(study):
    with pytest.raises(EstimationError, match=r"Unknown scenario 'storm'\. Known: no_effect"):
        plan_of(study, "no_wrong_door").scenario_place("storm")


def test_rows_of_a_scenario_say_what_was_planted(study):
    plan, found = plan_of(study, "no_wrong_door"), study_design(study, "no_wrong_door")
    judge = LinearJudge(found)
    verdicts = chunk_verdicts(plan, judge, "growing", 0, FEW, methods=(PANEL, "exposure_time_average"))
    rows = calibration_rows(plan, "growing", verdicts).set_index("method")
    assert set(rows.index) == {PANEL, "exposure_time_average"}
    assert rows.loc[PANEL, "effect"] == -0.02 and -0.02 < rows.loc[PANEL, "truth"] < 0


def test_the_window_of_a_model_gives_years_around_its_middle(study):
    found = study_design(study, "family_valued")
    days = wedge_of(study, "family_valued")
    reach = (days.window_end - days.window_start).days / 365.25 / 2
    assert np.abs(found.years).max() < reach and found.years.min() < 0 < found.years.max()
