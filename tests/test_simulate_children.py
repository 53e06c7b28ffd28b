"""The simulated children: sizes, coherence, two worlds, and a truth that a plain recount gives too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sfpc_book.errors import ContractError, ParameterError
from sfpc_book.simulate.canonical import canonical_returns
from sfpc_book.simulate.children import SimulatedModel, simulate_children
from sfpc_book.simulate.codes import check_codes
from sfpc_book.simulate.effects import EffectSettings
from sfpc_book.simulate.truth import MEASURES, TRUTH_COLUMNS, measure, truth_table
from sfpc_book.study.study import Study, load_study

MODELS = ("family_safeguarding", "family_valued", "no_wrong_door")
PARENTAL = ("1B", "2B", "3A", "3B", "3C", "4B")


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


@pytest.fixture(scope="module")
def trials(study) -> dict[str, SimulatedModel]:
    return {model: simulate_children(study, model, scale=0.05) for model in MODELS}


@pytest.mark.parametrize("model", MODELS)
def test_the_protocol_size_is_split_over_the_trial_authorities(study, trials, model):
    main = trials[model].children.query("group == 'main'")
    assert len(main) == round(study.models[model].protocol_children * 0.05)
    assert set(main["authority"]) == set(study.models[model].trial_authorities)


@pytest.mark.parametrize("model", MODELS)
def test_children_of_the_sample_are_first_referred_in_the_window_at_an_eligible_age(study, trials, model):
    simulated, limits = trials[model], study.models[model]
    main = simulated.children.query("group == 'main'")
    assert (
        main["index_date"]
        .between(pd.Timestamp(simulated.wedge.window_start), pd.Timestamp(simulated.wedge.window_end))
        .all()
    )
    months = (main["index_date"].dt.year - main["birth"].dt.year) * 12
    years = np.floor((months + main["index_date"].dt.month - main["birth"].dt.month) / 12)
    assert years.max() == limits.age_maximum
    assert years.min() == (-1 if limits.include_unborn else limits.age_minimum)
    inside = simulated.observed.referrals.merge(main[["child", "index_date"]], on="child")
    earlier = inside[inside["referral_date"] < inside["index_date"]]
    assert len(earlier)
    assert (earlier["referral_date"] < pd.Timestamp(simulated.wedge.window_start)).all()


@pytest.mark.parametrize("model", MODELS)
def test_exposure_is_a_first_referral_on_or_after_go_live(trials, model):
    simulated = trials[model]
    main = simulated.children.query("group == 'main'")
    go_live = pd.to_datetime(main["authority"].map(dict(simulated.wedge.go_live)))
    assert ((main["index_date"] >= go_live) == (main["exposure_time"] > 0)).all()


def test_between_three_and_eight_in_a_hundred_become_looked_after_without_the_model(study):
    for model in MODELS:
        simulated = simulate_children(study, model, scale=0.5)
        value, _ = measure(simulated, simulated.unexposed, "looked_after", 18)
        sample = simulated.children["in_sample"].to_numpy()
        risk = pd.Series(value[sample]).groupby(simulated.children["authority"].to_numpy()[sample]).mean()
        assert risk.between(0.03, 0.08).all(), (model, risk.to_dict())


@pytest.mark.parametrize("model", MODELS)
def test_spells_are_in_order_and_end_by_the_18th_birthday(trials, model):
    simulated = trials[model]
    for frame, start, end in (("care", "care_start", "care_end"), ("plans", "plan_start", "plan_end")):
        spells = getattr(simulated.observed, frame).merge(simulated.children, on="child")
        assert (spells[start] < spells[end]).all()
        assert (spells[start] < spells["adult"]).all()
        after = spells.sort_values(["child", start])
        gap = after[start] - after.groupby("child")[end].shift()
        assert (gap.dropna() >= pd.Timedelta(0)).all()
    care = simulated.observed.care.merge(simulated.children, on="child")
    assert (care["care_start"] >= care["birth"]).all()


def test_care_runs_at_referral_for_some_and_ended_before_for_others(trials):
    care = trials["family_valued"].observed.care.merge(trials["family_valued"].children, on="child")
    running = care[care["spell"] == "running"]
    assert len(running)
    assert (
        (running["care_start"] < running["index_date"]) & (running["care_end"] > running["index_date"])
    ).all()
    assert not running["in_sample"].any()
    earlier = care[care["spell"] == "earlier"]
    assert len(earlier)
    assert (earlier["care_end"] <= earlier["index_date"]).all()


def test_episodes_tile_their_period_of_care(trials):
    episodes = trials["no_wrong_door"].observed.episodes
    grouped = episodes.groupby(["child", "care_start"])
    assert (grouped["episode_start"].min() == grouped["episode_start"].first()).all()
    assert (grouped["episode_end"].last() == grouped["care_end"].last()).all()
    following = grouped["episode_start"].shift(-1).dropna()
    assert (following == episodes.loc[following.index, "episode_end"]).all()
    assert (grouped["episode_reason"].first() == "S").all()


def test_without_an_effect_both_worlds_are_one(study):
    for model in MODELS:
        simulated = simulate_children(study, model, scale=0.02, effect="none")
        assert (truth_table(simulated)["truth"].dropna() == 0).all()
        pd.testing.assert_frame_equal(simulated.observed.care, simulated.unexposed.care)


def test_children_who_were_not_exposed_live_in_both_worlds_alike(trials):
    simulated = trials["family_safeguarding"]
    alike = simulated.children.loc[simulated.children["exposure_time"] == 0, "child"].tolist()
    for name in ("care", "plans", "referrals", "proceedings"):
        first, second = (
            events[events["child"].isin(alike)].reset_index(drop=True)
            for events in (getattr(simulated.observed, name), getattr(simulated.unexposed, name))
        )
        pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("model", MODELS)
def test_every_outcome_has_a_truth_at_each_horizon_and_exposure_time(study, trials, model):
    truth = truth_table(trials[model])
    assert list(truth.columns) == TRUTH_COLUMNS
    assert set(study.models[model].outcomes) <= set(MEASURES)
    expected = len(study.models[model].outcomes) * len(study.horizons) * trials[model].wedge.n_periods
    assert len(truth) == expected
    primary = truth.query("outcome == 'looked_after' and horizon == 18").set_index("exposure_time")
    assert primary.loc[0, "n_exposed"] == primary.loc[1:, "n_exposed"].sum()
    weighted = np.average(primary.loc[1:, "truth"], weights=primary.loc[1:, "n_exposed"])
    assert weighted == pytest.approx(primary.loc[0, "truth"])


def test_a_constant_effect_is_the_difference_asked_for(study):
    settings = EffectSettings(shape="constant", looked_after=-0.02)
    simulated = simulate_children(study, "family_safeguarding", scale=0.5, effect=settings)
    truth = truth_table(simulated).query("horizon == 18 and exposure_time == 0").set_index("outcome")["truth"]
    # 12,000 exposed children who share their random numbers between worlds: standard error 0.0013.
    assert truth["looked_after"] == pytest.approx(-0.02, abs=0.004)


def test_a_growing_effect_grows_with_exposure(study):
    ramp = EffectSettings(shape="growing", full_from=4).ramp(np.array([0, 1, 2, 4, 9]))
    assert ramp.tolist() == [0, 0.25, 0.5, 1, 1]


def _slow_looked_after(simulated, history, child, horizon):
    start = simulated.children.loc[child, "index_date"]
    dates = history.care.query("child == @child and care_start >= @start")["care_start"]
    last = start + pd.DateOffset(months=horizon)
    if simulated.model_id == "no_wrong_door":
        last = min(last, simulated.children.loc[child, "adult"] - pd.Timedelta(days=1))
    return float((dates <= last).any())


def _slow_days_in_care(simulated, history, child, horizon):
    start = simulated.children.loc[child, "index_date"]
    stop = start + pd.DateOffset(months=horizon)
    if simulated.model_id == "no_wrong_door":
        stop = min(stop, simulated.children.loc[child, "adult"])
    days = set()
    for spell in history.care.query("child == @child and care_start >= @start").itertuples():
        days |= set(pd.date_range(spell.care_start, min(spell.care_end, stop), inclusive="left"))
    return float(len(days))


@pytest.mark.parametrize("slow", [_slow_looked_after, _slow_days_in_care])
@pytest.mark.parametrize("horizon", [18, 36])
def test_truth_equals_a_recount_child_by_child(study, slow, horizon):
    outcome = slow.__name__.removeprefix("_slow_")
    simulated = simulate_children(study, "no_wrong_door", scale=0.02, effect="constant")
    exposed = simulated.children.query("in_sample and exposure_time > 0")["child"]
    difference = [
        slow(simulated, simulated.observed, child, horizon)
        - slow(simulated, simulated.unexposed, child, horizon)
        for child in exposed
    ]
    row = truth_table(simulated).set_index(["outcome", "horizon", "exposure_time"]).loc[(outcome, horizon, 0)]
    assert row["truth"] == pytest.approx(np.mean(difference))
    assert row["n_exposed"] == len(exposed)


def test_equal_seeds_give_equal_children_and_other_seeds_others(study):
    first, second, other = (
        simulate_children(study, "no_wrong_door", scale=0.02, seed=seed).children for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, second)
    assert not first["index_date"].equals(other["index_date"])


def test_canonical_tables_have_the_columns_and_layout_of_the_contracts(study, trials):
    standard = canonical_returns(trials["family_safeguarding"])["walsall"]
    assert {"dr1_monthly", "dr2_referrals", "dr3_care", "dr3_coverage", "dr3_attendance"} <= set(standard)
    assert "dr3_neet" not in standard
    other = canonical_returns(trials["no_wrong_door"])["rochdale"]
    assert {"dr2_care", "dr2_plans", "dr3_episodes", "dr3_neet"} <= set(other)
    for name, table in {**standard, **other}.items():
        contract = trials["no_wrong_door"].contracts[name]
        assert set(contract.names) <= set(table.columns), name
    assert standard["dr2_referrals"]["referral_date"].dtype == "datetime64[ns]"


def test_gaps_depend_on_the_child(trials):
    returns = canonical_returns(trials["family_safeguarding"])
    records = pd.concat(tables["dr2_referrals"] for tables in returns.values())
    unstated = records["ethnicity"].isna() | records["ethnicity"].isin(["NOBT", "REFU"])
    unborn = records["birth_marker"] == "unborn"
    assert unstated[unborn].mean() > 2 * unstated[~unborn].mean()
    assert records.loc[records["no_further_action"] == 1, "factors"].isna().all()


def test_a_scale_or_an_effect_that_is_not_allowed_is_named(study):
    with pytest.raises(ParameterError, match="scale is 0"):
        simulate_children(study, "no_wrong_door", scale=0)
    with pytest.raises(ParameterError, match="Allowed: constant, growing, none"):
        simulate_children(study, "no_wrong_door", scale=0.02, effect="strong")


def test_a_code_that_no_contract_declares_is_named(trials):
    words = trials["no_wrong_door"].words
    fewer = {**words.codes, "gender": {"Female": ()}}
    with pytest.raises(ContractError, match="'Male' of 'gender'; allowed: Female"):
        check_codes(type(words)(**{**words.model_dump(), "codes": fewer}))


def test_settings_of_ones_own_are_kept(study):
    settings = replace(EffectSettings(), shape="none", cluster_period_sd=0.0)
    assert simulate_children(study, "no_wrong_door", scale=0.02, effect=settings).effect == settings


def two_way_estimate(simulated: SimulatedModel, outcome: str) -> float:
    """Exposure's coefficient in weighted least squares with authority and period effects, by dummies."""
    value, population = measure(simulated, simulated.observed, outcome, 18)
    keep = population & simulated.children["in_sample"].to_numpy()
    rows = simulated.children[keep].assign(value=value[keep])
    rows["exposed"] = (rows["exposure_time"] > 0).astype(float)
    cells = rows.groupby(["authority", "period"])[["value", "exposed"]].mean()
    weight = np.sqrt(rows.groupby(["authority", "period"]).size().to_numpy())
    dummies = pd.get_dummies(cells.index.to_frame().astype(str), dtype=float, drop_first=True)
    design = np.column_stack([np.ones(len(cells)), dummies, cells["exposed"]])
    return np.linalg.lstsq(design * weight[:, None], cells["value"] * weight, rcond=None)[0][-1]


@pytest.mark.slow
def test_a_two_way_model_finds_a_constant_effect_on_average(study):
    outcomes = ["looked_after", "days_on_plan", "re_referral_parental_factors"]
    errors = []
    for seed in range(12):
        simulated = simulate_children(study, "family_safeguarding", scale=0.2, effect="constant", seed=seed)
        truth = (
            truth_table(simulated).query("horizon == 18 and exposure_time == 0").set_index("outcome")["truth"]
        )
        errors.append([two_way_estimate(simulated, outcome) - truth[outcome] for outcome in outcomes])
    standard_error = np.std(errors, axis=0, ddof=1) / np.sqrt(len(errors))
    # Three Monte Carlo standard errors; the seeds are fixed.
    assert (np.abs(np.mean(errors, axis=0)) < 3 * standard_error).all()
