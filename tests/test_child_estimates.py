"""Child-level models from frames: R's numbers by the registry's road, direct calls, rules for missing
covariates, and what is said of data that cannot carry them."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from estimate_frames import GOLDEN

from sfpc_book.cohort.exposures import exposed_column
from sfpc_book.errors import EstimationError
from sfpc_book.estimate.child_estimates import Question, Settings, estimate_children, rows_without_number
from sfpc_book.estimate.child_frames import child_slice, exposure_column, prepare
from sfpc_book.estimate.child_models import LOGIT_TERMS, RISKS, Children, fixed_effects_logit, mixed_logit
from sfpc_book.estimate.covariates import (
    MISSING,
    Covariate,
    covariates_of,
    enough_children,
    independent,
    join_rare,
)
from sfpc_book.study.registries import Analysis, Imputation, Outcome

FOLDER = GOLDEN / "logit_5_clusters"
COVARIATES = ("age", "sex", "ethnicity", "disabled", "previous_plans", "uasc")
OUTCOME = Outcome(
    id="looked_after", name="n", question="q", measure="m", scale="binary", higher_is="worse",
    population="all_children", tables=("dr3_care",),
)  # fmt: skip
QUESTION = Question("golden", OUTCOME, 18)
SETTINGS = Settings(COVARIATES, Imputation(number=3, seed=5), 1, 0.95, "synthetic")
LEADING = {"exposed": "log odds ratio"}


def analysis(method: str, rule: str = "complete_case") -> Analysis:
    return Analysis(
        id=f"{method}_{rule}", name="n", plan_status="planned", estimand="e", model="m", variance="v",
        reference="r", assumptions=("a",), citation="c", method=method, missing_data=rule,
    )  # fmt: skip


@cache
def golden() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The children of the reference as the cohort would write them."""
    raw = pd.read_csv(FOLDER / "children.csv", dtype={"previous_plans": str})
    first = {"sex": "Male", "ethnicity": "White", "previous_plans": "0"}
    children = raw[["authority", "period", "exposed", *COVARIATES]].assign(
        child_key=[f"{name}:{number:05d}" for number, name in enumerate(raw["authority"])], in_main=True
    )
    for name in COVARIATES:
        levels = sorted(children[name].unique(), key=lambda level: (level != first.get(name), level))
        words = children[name].astype(str)
        children[name] = words.astype(pd.CategoricalDtype([*map(str, levels), "missing", "unmapped"]))
    outcomes = children[["child_key"]].assign(
        value=raw["looked_after"].astype(float), state="observed", observable_from=pd.Timestamp("2022-01-01")
    )
    return children, outcomes


def run(
    children: pd.DataFrame, outcomes: pd.DataFrame, *analyses: Analysis, settings: Settings = SETTINGS
) -> pd.DataFrame:
    return estimate_children(children, outcomes, analyses, QUESTION, settings)


def test_the_registrys_road_gives_what_r_gives() -> None:
    methods = ("fixed_effects_logit_cr2", "linear_cr2", "mixed_logit", "mixed_logit_quadrature")
    rows = run(*golden(), *(analysis(method) for method in methods)).set_index(["analysis", "term"])
    reference = pd.read_csv(FOLDER / "reference.csv", skipinitialspace=True)
    reference = reference[reference["term"] == "exposed"].set_index("model")
    named = ("fixed_effects_logit_CR2", "linear_probability_CR2", "mixed_logit_laplace", "mixed_logit_agq15")
    for method, name in zip(methods, named, strict=True):
        found, exact = rows.loc[(f"{method}_complete_case", "exposed")], "mixed" not in method
        expected = reference.loc[name]
        assert found["estimate"] == pytest.approx(expected["estimate"], rel=1e-8 if exact else 1e-4)
        assert found["std_error"] == pytest.approx(expected["std_error"], rel=1e-8 if exact else 5e-3)
        if exact:
            ours, theirs = found[["df", "p_value"]], expected[["df", "p_value"]]
            assert ours.tolist() == pytest.approx(theirs.tolist(), rel=1e-7)
    risks = pd.read_csv(FOLDER / "reference_standardised.csv", skipinitialspace=True)
    for quantity, value in risks.set_index("quantity")["value"].items():
        term = f"standardised_{'log_risk_ratio' if quantity == 'risk_ratio' else quantity}"
        found = rows.loc[("fixed_effects_logit_cr2_complete_case", term), "estimate"]
        assert (math.exp(found) if "ratio" in quantity else found) == pytest.approx(value, rel=1e-7)
    assert (rows["n_children"] == 5510).all() and (rows["n_clusters"] == 5).all()
    assert (rows["n_events"] == golden()[1]["value"].sum()).all()


def test_each_term_has_its_estimand_and_unit_and_a_risk_has_no_test() -> None:
    rows = run(*golden(), analysis("fixed_effects_logit_cr2")).set_index("term")
    assert list(rows.index) == list(LOGIT_TERMS)
    assert rows["unit"].to_dict() == LOGIT_TERMS
    assert (rows.loc[list(RISKS), "estimand"] == "risk").all()
    assert rows.loc["standardised_risk_difference_exposed", "estimand"] == "on_the_exposed"
    assert rows.loc[list(RISKS), ["statistic", "p_value"]].isna().all(axis=None)
    none, one = (rows.loc[name, "estimate"] for name in RISKS)
    assert rows.loc["standardised_risk_difference", "estimate"] == pytest.approx(one - none)
    assert rows.loc["standardised_log_risk_ratio", "estimate"] == pytest.approx(math.log(one / none))
    assert rows["conf_low"].notna().all() and (rows["conf_low"] < rows["conf_high"]).all()


def test_the_effect_on_the_exposed_averages_over_the_exposed_alone() -> None:
    """Brute force: each exposed child's two predictions; the error by a numerical gradient."""
    children, outcomes = golden()
    few = children.assign(in_main=np.random.default_rng(1).random(len(children)) < 0.3)
    settings = replace(SETTINGS, covariates=("sex",))
    rows = run(few, outcomes, analysis("fixed_effects_logit_cr2"), settings=settings).set_index("term")
    part = child_slice(few, outcomes, sample="main", exposure="go_live", horizon=18,
                       covariates=("sex",), binary=True)  # fmt: skip
    made = prepare(part, ("sex",), "complete_case", fewest=1).sets[0]
    x = made.fixed_effects()
    beta = np.zeros(x.shape[1])
    for _ in range(30):
        mean = 1 / (1 + np.exp(-x @ beta))
        beta += np.linalg.solve(x.T @ (x * (mean * (1 - mean))[:, None]), x.T @ (made.outcome - mean))
    exposed = x[made.exposed == 1]
    without = exposed.copy()
    without[:, 0] = 0
    difference = (1 / (1 + np.exp(-exposed @ beta)) - 1 / (1 + np.exp(-without @ beta))).mean()
    assert rows.loc["standardised_risk_difference_exposed", "estimate"] == pytest.approx(difference, rel=1e-8)


def with_gaps(seed: int = 3, share: float = 0.08) -> tuple[pd.DataFrame, pd.DataFrame]:
    children, outcomes = golden()
    rng = np.random.default_rng(seed)
    gaps = {
        name: children[name].mask(rng.random(len(children)) < share, "missing")
        for name in ("sex", "ethnicity")
    }
    return children.assign(**gaps), outcomes


def test_one_changed_word_changes_rows_and_who_is_counted() -> None:
    children, outcomes = with_gaps()
    rules = ("complete_case", "missing_indicator", "multiple_imputation")
    rows = {
        rule: run(children, outcomes, analysis("fixed_effects_logit_cr2", rule)).iloc[0] for rule in rules
    }
    assert len({row["estimate"] for row in rows.values()}) == 3
    complete = ((children["sex"] != "missing") & (children["ethnicity"] != "missing")).to_numpy()
    assert rows["complete_case"]["n_children"] == complete.sum() < len(children)
    assert rows["complete_case"]["n_events"] == outcomes["value"][complete].sum()
    for rule in rules[1:]:
        assert rows[rule]["n_children"] == len(children)
    assert rows["multiple_imputation"]["missing_information"] > 0
    assert rows["multiple_imputation"]["reference"] == "t, pooled over imputations"
    assert math.isnan(rows["complete_case"]["missing_information"])


def test_each_rule_equals_the_direct_call() -> None:
    children, outcomes = with_gaps()
    complete = (children["sex"] != "missing") & (children["ethnicity"] != "missing")

    def direct(kept: pd.Series, levels: bool) -> Children:
        used = children[kept]
        dummies = pd.get_dummies(used[list(COVARIATES)].astype(str), drop_first=True)
        assert levels == any("missing" in name for name in dummies)
        return Children(
            outcome=outcomes["value"][kept].to_numpy(), exposed=used["exposed"].to_numpy(float),
            cluster=used["authority"].to_numpy(), period=used["period"].to_numpy(),
            weight=np.ones(len(used)), covariates=dummies.to_numpy(float),
        )  # fmt: skip

    for rule, kept in (("complete_case", complete), ("missing_indicator", complete | True)):
        part = direct(kept, rule == "missing_indicator")
        for method, model in (("fixed_effects_logit_cr2", fixed_effects_logit), ("mixed_logit", mixed_logit)):
            found = run(children, outcomes, analysis(method, rule))
            for term, row in zip(model(part), found.itertuples(), strict=True):
                assert row.estimate == pytest.approx(term.estimate, rel=1e-5)
                assert row.std_error == pytest.approx(term.std_error, rel=1e-4)


def test_order_of_rows_and_names_of_authorities_do_not_matter() -> None:
    children, outcomes = with_gaps()
    methods = [
        analysis("fixed_effects_logit_cr2", "missing_indicator"), analysis("linear_cr2"),
        analysis("fixed_effects_logit_cr2", "multiple_imputation"),
    ]  # fmt: skip
    expected = run(children, outcomes, *methods)
    mixed = children.sample(frac=1, random_state=4)
    found = run(mixed, outcomes.sample(frac=1, random_state=5), *methods)
    numbers = ["estimate", "std_error", "df", "conf_low", "missing_information"]
    np.testing.assert_allclose(found[numbers], expected[numbers], rtol=1e-7)
    new = {"a": "z", "b": "y", "c": "x", "d": "w", "e": "v"}
    found = run(mixed.assign(authority=mixed["authority"].map(new)), outcomes, *methods)
    drawn = (found["analysis"] == methods[-1].id).to_numpy()
    np.testing.assert_allclose(found[numbers][~drawn], expected[numbers][~drawn], rtol=1e-7)
    # Other names are other columns of the models that draw, and so other draws from the same distribution.
    apart = np.abs(found["estimate"] - expected["estimate"]) / expected["std_error"]
    assert apart[drawn].max() < 0.1


def spoilt() -> dict[str, tuple[pd.DataFrame, pd.DataFrame, str]]:
    children, outcomes = golden()
    alone = children["authority"] == "a"
    certain = np.arange(len(children)) < 200
    sure = children.assign(sex=np.where(certain, "Other", children["sex"].astype(str)))
    later = outcomes.assign(state="not_observed", value=np.nan)
    return {
        "constant outcome": (children, outcomes.assign(value=0.0), "not_estimable: constant outcome"),
        "one authority": (children.assign(in_main=alone), outcomes, "not_estimable: one authority"),
        "all exposed": (children.assign(exposed=1), outcomes, "not_identified"),
        "no complete case": (
            children.assign(sex=pd.Categorical(["missing"] * len(children), ["Male", "missing"])), outcomes,
            "not_estimable: no child with complete covariates",
        ),
        "separation": (
            sure.assign(sex=sure["sex"].astype(pd.CategoricalDtype(["Male", "Female", "Other"]))),
            outcomes.assign(value=outcomes["value"].mask(certain, 1.0)), "not_estimable: separation",
        ),
        "not observed yet": (children, later, "not_observed"),
        "nobody linked": (
            children, later.assign(state="not_linked"), "not_estimable: no child with an observed outcome",
        ),
        "exposure not known": (
            children.assign(exposed=pd.array([None] * len(children), "Int8")), outcomes,
            "not_estimable: no child with an observed outcome",
        ),
    }  # fmt: skip


@pytest.mark.parametrize("case", spoilt())
@pytest.mark.parametrize("method", ["fixed_effects_logit_cr2", "mixed_logit"])
def test_bad_input_gives_every_term_a_status_and_no_number(case: str, method: str) -> None:
    children, outcomes, status = spoilt()[case]
    rows = run(children, outcomes, analysis(method))
    assert rows["term"].tolist() == list(LOGIT_TERMS if "fixed" in method else LEADING)
    assert rows["status"].str.startswith(status).all()
    assert rows[["estimate", "std_error", "conf_low"]].isna().all(axis=None)
    assert (rows["identified"] == (status != "not_identified")).all()


def test_a_covariate_that_nobody_has_cannot_be_imputed() -> None:
    children, outcomes = golden()
    gone = children.assign(sex=pd.Categorical(["missing"] * len(children), ["Male", "missing"]))
    rows = run(gone, outcomes, analysis("linear_cr2", "multiple_imputation"))
    assert rows["status"].tolist() == ["not_estimable: covariate 'sex' has no observed value"]


def test_children_not_observed_yet_are_counted_and_told() -> None:
    children, outcomes = golden()
    state = np.where(np.arange(len(outcomes)) % 4 == 0, "not_observed", "observed")
    due = pd.Timestamp("2026-01-01")
    rows = estimate_children(
        children, outcomes.assign(state=state), [analysis("linear_cr2")], QUESTION, SETTINGS,
        observable_from=due,
    )  # fmt: skip
    row = rows.iloc[0]
    assert (row["status"], row["observable_from"]) == ("partly_observed", due)
    assert row["observed_share"] == pytest.approx((state == "observed").mean())
    assert row["n_children"] == (state == "observed").sum()


def test_a_logit_is_not_run_for_other_scales_and_the_linear_model_is() -> None:
    children, outcomes = golden()
    days = QUESTION.outcome.model_copy(update={"scale": "days"})
    question = replace(QUESTION, outcome=days)
    both = [analysis("mixed_logit"), analysis("linear_cr2")]
    rows = estimate_children(
        children, outcomes.assign(value=outcomes["value"] * 30), both, question, SETTINGS
    )
    assert rows["analysis"].tolist() == ["linear_cr2_complete_case"]
    assert rows["unit"].tolist() == ["days"] and rows["n_events"].isna().all()
    empty = rows_without_number(both, question, SETTINGS, "not_estimable: no data")
    assert empty["analysis"].tolist() == rows["analysis"].tolist()


def test_what_does_not_fit_together_is_told_at_once() -> None:
    children, outcomes = golden()
    with pytest.raises(EstimationError) as told:
        run(children.drop(columns=["sex", "in_main"]), outcomes.drop(columns="state"), analysis("linear_cr2"))
    assert len(told.value.problems) == 3
    twice, strange = pd.concat([children, children[:2]]), outcomes.assign(child_key="nobody")
    with pytest.raises(EstimationError) as told:
        run(twice, strange, analysis("linear_cr2"))
    assert "2 rows of a child" in told.value.problems[0] and len(told.value.problems) == 3
    with pytest.raises(EstimationError, match="cannot be run") as told:
        run(
            children,
            outcomes,
            analysis("magic"),
            analysis("linear_cr2").model_copy(update={"missing_data": None}),
        )
    assert len(told.value.problems) == 2


def test_rare_levels_join_the_one_before_and_what_is_left_is_named() -> None:
    levels = ("0", "1", "2", "3+", "missing")
    codes = np.repeat([0, 1, 2, 3, 4, MISSING], [50, 30, 9, 4, 0, 7])
    joined = join_rare(Covariate(codes, levels), 12)
    assert joined.levels == ("0", "1", "2 or 3+")
    assert np.bincount(joined.codes[joined.codes != MISSING]).tolist() == [50, 30, 13]
    assert (joined.codes == MISSING).sum() == 7
    assert join_rare(Covariate(codes, levels), 14).levels == ("0", "1 or 2 or 3+")
    assert join_rare(Covariate(np.array([0, 1, 1, 2, 2]), ("a", "b", "c")), 2).levels == ("a or b", "c")
    assert join_rare(Covariate(codes, levels), math.inf).levels == ("0 or 1 or 2 or 3+",)


def test_enough_children_lets_one_expect_events_and_others() -> None:
    outcome = np.repeat([1.0, 0.0], [5, 95])
    assert enough_children(outcome, binary=True, fewest=10) == pytest.approx(200)
    assert enough_children(1 - outcome, binary=True, fewest=10) == pytest.approx(200)
    assert enough_children(outcome, binary=False, fewest=10) == 10
    assert math.isinf(enough_children(0 * outcome, binary=True, fewest=10))


def test_missing_is_a_level_or_not_known_and_other_levels_stay() -> None:
    levels = pd.CategoricalDtype(["has not", "has", "missing", "unmapped", "not assessed"])
    frame = pd.DataFrame({"x": pd.Series(["has", "missing", None, "not assessed", "unmapped"], dtype=levels)})
    own = covariates_of(frame, ["x"], missing_is_a_level=True)["x"]
    assert [own.levels[code] for code in own.codes] == [
        "has",
        "missing",
        "missing",
        "not assessed",
        "unmapped",
    ]
    gap = covariates_of(frame, ["x"], missing_is_a_level=False)["x"]
    assert gap.codes.tolist()[1:3] == [MISSING, MISSING] and "missing" not in gap.levels
    assert [gap.levels[code] for code in gap.codes[[0, 3, 4]]] == ["has", "not assessed", "unmapped"]
    with pytest.raises(EstimationError, match="no such covariates"):
        covariates_of(frame, ["y"], missing_is_a_level=True)


@pytest.mark.parametrize("seed", range(20))
def test_a_column_is_dropped_exactly_when_it_adds_no_rank(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = (rng.integers(0, 3, 60)[:, None] == np.arange(3)).astype(float)
    columns = (rng.random((60, 8)) < 0.3).astype(float)
    columns[:, 2] = columns[:, 0]
    columns[:, 5] = before[:, 1] - columns[:, 1] + 1
    columns[:, 7] = 0
    kept = independent(before, columns)
    design, ranks = before, []
    for column in columns.T:
        wider = np.column_stack([design, column])
        ranks.append(np.linalg.matrix_rank(wider) > np.linalg.matrix_rank(design))
        design = wider
    assert kept.tolist() == ranks


def test_a_covariate_that_says_what_exposure_says_leaves_exposure_not_identified() -> None:
    children, outcomes = golden()
    same = children.assign(sex=pd.Categorical(np.where(children["exposed"] == 1, "Female", "Male")))
    assert (run(same, outcomes, analysis("linear_cr2"))["status"] == "not_identified").all()


def test_factors_recorded_together_share_one_column_of_not_assessed() -> None:
    children, outcomes = golden()
    rng = np.random.default_rng(8)
    absent = rng.random(len(children)) < 0.2
    levels = ["has not", "has", "not assessed"]
    factors = {}
    for name in ("sex", "ethnicity", "disabled"):
        found = np.where(rng.random(len(children)) < 0.4, "has", "has not")
        factors[name] = pd.Categorical(np.where(absent, "not assessed", found), levels)
    rows = run(
        children.assign(**factors), outcomes, analysis("linear_cr2"), analysis("fixed_effects_logit_cr2")
    )
    assert (rows["status"] == "ok").all()


def test_columns_of_exposure_are_those_of_the_cohort() -> None:
    assert exposure_column("go_live", 18) == "exposed"
    assert exposure_column("midpoint", 36) == exposed_column("midpoint", 36)
