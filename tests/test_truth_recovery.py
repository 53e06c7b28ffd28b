"""From simulated returns to estimates: what was planted is found, and nothing where nothing was planted.

The simulator computes each outcome a second time, from complete histories, by code that shares nothing with
the cohort's; the two are compared child by child. The seeds are fixed, so a failure is a change of the code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from sfpc_book.cohort.build import Cohort, build_cohort
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.simulate.canonical import canonical_returns
from sfpc_book.simulate.children import SimulatedModel, simulate_children
from sfpc_book.simulate.effects import EffectSettings
from sfpc_book.simulate.truth import measure, truth_table
from sfpc_book.study.study import Study, load_study

MODELS = ("family_safeguarding", "family_valued", "no_wrong_door")
# Large enough for every outcome to occur in every model; small enough for seconds.
SCALE = {"family_safeguarding": 0.06, "family_valued": 0.04, "no_wrong_door": 0.15}
ABSENCE_ROUNDING = 1e-4  # the sheet gives percentages with two decimals
SEEDS = range(10)
PLANTED = EffectSettings(shape="constant", looked_after=-0.03, plan_days=-60.0)
NOTHING = EffectSettings(shape="none")
STANDARD_ERRORS = 3.0  # a correct estimator fails this about once in 370 runs; the seeds are fixed


@dataclass(frozen=True)
class Trial:
    """One simulated trial, its cohort, and the number of each cohort child in the simulation."""

    simulated: SimulatedModel
    cohort: Cohort
    number: pd.Series


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


@pytest.fixture(scope="module", params=MODELS)
def trial(request, study) -> Trial:
    scale = SCALE[request.param]
    simulated = simulate_children(study, request.param, scale=scale, effect=PLANTED, seed=7)
    cohort = build_cohort(study, request.param, canonical_returns(simulated))
    children = simulated.children
    keys = children["authority"] + ":" + children["child_id"].astype(str)
    return Trial(simulated, cohort, pd.Series(children.index, index=keys))


def test_the_sample_is_the_one_simulated(trial):
    chosen = trial.number[trial.cohort.children["child_key"]].to_numpy()
    children, sample = trial.simulated.children, trial.cohort.children
    assert len(chosen) == len(sample)
    first = children.loc[chosen]
    assert (first["index_date"].to_numpy() == sample["referral_date"].to_numpy()).all()
    assert (first["period"].to_numpy() == sample["period"].to_numpy()).all()
    assert (first["exposure_time"].to_numpy() == sample["exposure_time"].to_numpy()).all()
    # Care that runs at referral is known of linked children only; a child of unrecorded age is left out.
    extra = sample[~first["in_sample"].to_numpy()]
    assert not extra["linked"].any()
    unknown = trial.cohort.flow.loc[trial.cohort.flow["box"] == "age not known", "n"].sum()
    left_out = children[children["in_sample"]].drop(index=chosen[first["in_sample"].to_numpy()])
    assert 0 < len(left_out) <= unknown


def test_every_observed_outcome_of_every_child_is_the_simulated_one(trial):
    """Child by child: value, and who belongs to the outcome's population."""
    study, simulated = trial.simulated.study, trial.simulated
    not_assessed = (trial.cohort.children["factor_1b"] == "not assessed").to_numpy()
    for outcome in study.models[simulated.model_id].outcomes:
        for horizon in study.horizons:
            value, belongs = measure(simulated, simulated.observed, outcome, horizon)
            rows = trial.cohort.outcomes
            rows = rows[(rows["outcome"] == outcome) & (rows["horizon"] == horizon)]
            number = trial.number[rows["child_key"]].to_numpy()
            state = rows["state"].astype("str").to_numpy()
            observed = state == "observed"
            assert belongs[number][observed].all(), (outcome, horizon)
            tolerance = ABSENCE_ROUNDING if outcome == "unauthorised_absence" else 0
            difference = np.abs(rows["value"].to_numpy() - value[number])
            assert (difference[observed] <= tolerance).all(), (outcome, horizon)
            wrongly_out = (state == "not_applicable") & belongs[number]
            if outcome == "re_referral_parental_factors":  # an assessment that was not recorded
                wrongly_out &= ~not_assessed
            assert not wrongly_out.any(), (outcome, horizon)


def test_every_outcome_is_observed_of_somebody_at_18_months(trial):
    panel = trial.cohort.panel
    seen = (
        panel[(panel["sample"] == "main") & (panel["horizon"] == 18)].groupby("outcome")["n_children"].sum()
    )
    assert (seen > 0).all(), seen.to_dict()


def narrowed(study: Study, model_id: str, outcomes: tuple[str, ...]) -> Study:
    """The study with a few outcomes, one horizon, the main sample and the main exposure, for speed."""
    model = study.models[model_id].model_copy(update={"outcomes": outcomes})
    return study.model_copy(
        update={
            "models": {model_id: model},
            "horizons": (18,),
            "samples": {"main": study.samples["main"]},
            "exposures": {"go_live": study.exposures["go_live"]},
        }
    )


def needed(study: Study, returns: dict[str, dict[str, pd.DataFrame]]) -> dict[str, dict[str, pd.DataFrame]]:
    """Only the tables that the study's outcomes use."""
    used = {"dr2_referrals", "dr3_coverage"}
    for model in study.models.values():
        used |= {table for outcome in model.outcomes for table in study.outcomes[outcome].tables}
    return {slug: {name: tables[name] for name in sorted(used)} for slug, tables in returns.items()}


def estimates(study: Study, effect: EffectSettings, outcomes: tuple[str, ...]) -> pd.DataFrame:
    """Two-way estimates and truths over the seeds: columns seed, outcome, estimate, p_value, truth."""
    model_id, rows = "family_safeguarding", []
    few = narrowed(study, model_id, outcomes)
    for seed in SEEDS:
        simulated = simulate_children(few, model_id, scale=0.15, effect=effect, seed=seed)
        truths = truth_table(simulated).query("exposure_time == 0").set_index("outcome")["truth"]
        panel = build_cohort(few, model_id, needed(few, canonical_returns(simulated))).panel
        for outcome in outcomes:
            fit = fit_two_way(panel[panel["outcome"] == outcome])
            rows.append((seed, outcome, fit.estimate, fit.p_value, truths[outcome]))
    return pd.DataFrame(rows, columns=["seed", "outcome", "estimate", "p_value", "truth"])


def mean_and_error(values: pd.Series) -> tuple[float, float]:
    """Mean over the seeds and its Monte Carlo standard error."""
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values))


def test_a_planted_constant_effect_is_found(study):
    found = estimates(study, PLANTED, ("looked_after", "days_on_plan"))
    for outcome, rows in found.groupby("outcome"):
        bias, error = mean_and_error(rows["estimate"] - rows["truth"])
        assert abs(bias) < STANDARD_ERRORS * error, (outcome, bias, error)
        mean, error = mean_and_error(rows["estimate"])
        assert mean < -STANDARD_ERRORS * error, (outcome, mean, error)  # and it is told from nothing


def test_no_effect_is_found_where_none_is_planted(study):
    found = estimates(study, NOTHING, ("looked_after", "days_on_plan"))
    assert (found["truth"] == 0).all()
    for outcome, rows in found.groupby("outcome"):
        mean, error = mean_and_error(rows["estimate"])
        assert abs(mean) < STANDARD_ERRORS * error, (outcome, mean, error)
        # At a true size of 6 in 100, five or more of ten happen less than once in 1,000 times.
        assert (rows["p_value"] < 0.05).sum() < 5, outcome
