"""Models of children's rows with covariates: against R where it has them, and what they say of bad input."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from estimate_frames import GOLDEN
from scipy.special import expit

from sfpc_book.estimate.child_models import (
    Children,
    fixed_effects_logit,
    linear_probability,
    mixed_logit,
    pooled_terms,
)
from sfpc_book.estimate.logit import fit_logit
from sfpc_book.estimate.pooling import pool

FOLDER = GOLDEN / "logit_5_clusters"
MODELS = (fixed_effects_logit, linear_probability, mixed_logit)


def five_authorities() -> Children:
    """The children of the reference, with R's reference levels; any others give the same effect."""
    frame = pd.read_csv(FOLDER / "children.csv", dtype={"previous_plans": str})
    categories = frame[["age", "sex", "ethnicity", "previous_plans"]].astype(str)
    covariates = pd.get_dummies(categories, drop_first=True).assign(d=frame["disabled"], u=frame["uasc"])
    return Children(
        outcome=frame["looked_after"].to_numpy(float),
        exposed=frame["exposed"].to_numpy(float),
        cluster=frame["authority"].to_numpy(),
        period=frame["period"].to_numpy(),
        weight=np.ones(len(frame)),
        covariates=covariates.to_numpy(float),
    )


@pytest.fixture(scope="module")
def children() -> Children:
    return five_authorities()


def test_the_models_give_the_terms_of_r(children: Children) -> None:
    reference = pd.read_csv(FOLDER / "reference.csv", skipinitialspace=True).set_index(["model", "term"])
    risks = pd.read_csv(FOLDER / "reference_standardised.csv", skipinitialspace=True).set_index("quantity")[
        "value"
    ]
    logit = {term.term: term for term in fixed_effects_logit(children)}
    linear, mixed = linear_probability(children)[0], mixed_logit(children)[0]
    for found, name in ((logit["exposed"], "fixed_effects_logit_CR2"), (linear, "linear_probability_CR2")):
        expected = reference.loc[(name, "exposed")]
        ours = (found.estimate, found.std_error, found.df)
        assert ours == pytest.approx(tuple(expected[["estimate", "std_error", "df"]]), rel=1e-8)
    assert mixed.estimate == pytest.approx(
        reference.loc[("mixed_logit_laplace", "exposed"), "estimate"], rel=1e-4
    )
    assert mixed.df == math.inf
    assert logit["standardised_risk_difference"].estimate == pytest.approx(risks["risk_difference"], rel=1e-7)
    assert math.exp(logit["standardised_log_risk_ratio"].estimate) == pytest.approx(
        risks["risk_ratio"], rel=1e-7
    )


def test_the_robust_error_of_a_standardised_difference_equals_the_long_way(children: Children) -> None:
    """n x n matrices, eigendecompositions and a numerical gradient, as the formulas of the paper stand."""
    few = subset(children, np.random.default_rng(6).random(len(children.outcome)) < 0.12)
    few = replace(few, covariates=few.covariates[:, [13, -2]])
    found = next(term for term in fixed_effects_logit(few) if term.term == "standardised_risk_difference")
    x = few.fixed_effects()
    beta = fit_logit(x, few.outcome).coefficients

    def difference(beta: np.ndarray) -> float:
        one, none = x.copy(), x.copy()
        one[:, 0], none[:, 0] = 1, 0
        return float(expit(one @ beta).mean() - expit(none @ beta).mean())

    steps = 1e-5 * np.eye(len(beta))
    gradient = np.array([(difference(beta + step) - difference(beta - step)) / 2e-5 for step in steps])
    mean = expit(x @ beta)
    phi = mean * (1 - mean)
    bread = np.linalg.inv(x.T @ (phi[:, None] * x))
    slopes = phi[:, None] * x  # derivatives of the means
    maker = np.eye(len(x)) - slopes @ bread @ x.T
    influence, variance = [], 0.0
    for name in np.unique(few.cluster):
        rows = few.cluster == name
        inner = np.sqrt(phi[rows])[:, None] * (maker @ np.diag(phi) @ maker.T)[np.ix_(rows, rows)]
        values, vectors = np.linalg.eigh(inner * np.sqrt(phi[rows]))
        kept = values > 1e-9 * values.max()
        root = (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
        adjust = np.sqrt(phi[rows])[:, None] * root * np.sqrt(phi[rows])
        weight = adjust @ x[rows] @ bread @ gradient
        variance += float(weight @ (few.outcome - mean)[rows]) ** 2
        influence.append(maker[rows].T @ weight * np.sqrt(phi))
    products = np.array(influence) @ np.array(influence).T
    assert found.estimate == pytest.approx(difference(beta), rel=1e-9)
    assert found.std_error == pytest.approx(np.sqrt(variance), rel=1e-6)
    assert found.df == pytest.approx(np.trace(products) ** 2 / np.sum(products**2), rel=1e-6)


def subset(children: Children, kept: np.ndarray) -> Children:
    return Children(**{name: values[kept] for name, values in vars(children).items()})


@pytest.mark.parametrize("model", MODELS)
def test_zero_weights_order_and_labels_do_not_matter(children: Children, model) -> None:
    order = np.random.default_rng(2).permutation(len(children.outcome))
    shuffled = subset(children, order)
    shuffled = replace(shuffled, cluster=np.array([f"z{name}" for name in shuffled.cluster]))
    padded = Children(
        **{
            name: np.concatenate([values, values[:50] if name != "weight" else np.zeros(50)])
            for name, values in vars(shuffled).items()
        }
    )
    for ours, expected in zip(model(padded), model(children), strict=True):
        assert ours.status == expected.status == "ok"
        assert ours.estimate == pytest.approx(expected.estimate, rel=1e-5)
        assert ours.std_error == pytest.approx(expected.std_error, rel=1e-4)


def bad(children: Children) -> dict[str, tuple[Children, str]]:
    ones, start = np.ones(len(children.outcome)), children.period >= 3
    double = np.column_stack([children.covariates, children.covariates[:, 0]])
    return {
        "constant outcome": (replace(children, outcome=0 * ones), "constant outcome"),
        "one cluster": (subset(children, children.cluster == "a"), "one authority"),
        "all exposed": (replace(children, exposed=ones), "not_identified"),
        "one date for all": (replace(children, exposed=start.astype(float)), "not_identified"),
        "no children": (subset(children, ones < 0), "no child"),
        "weights of zero": (replace(children, weight=0 * ones), "no child"),
        "collinear covariates": (replace(children, covariates=double), "say the same"),
    }


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "case",
    ["constant outcome", "one cluster", "all exposed", "one date for all", "no children", "weights of zero",
     "collinear covariates"],
)  # fmt: skip
def test_bad_input_has_a_status_and_no_number(children: Children, model, case: str) -> None:
    spoilt, cause = bad(children)[case]
    for term in model(spoilt):
        assert cause in term.status
        assert math.isnan(term.estimate) and math.isnan(term.std_error)


def test_separation_is_a_status(children: Children) -> None:
    certain = (np.arange(len(children.outcome)) < 40).astype(float)
    spoilt = replace(
        children,
        outcome=np.where(certain == 1, 1.0, children.outcome),
        covariates=np.column_stack([children.covariates, certain]),
    )
    for model in (fixed_effects_logit, mixed_logit):
        assert all("separation" in term.status for term in model(spoilt))
    assert linear_probability(spoilt)[0].status == "ok"


def test_terms_of_imputed_data_are_pooled_one_by_one(children: Children) -> None:
    rng = np.random.default_rng(4)
    imputed = []
    for _ in range(3):
        noise = np.where(
            rng.random(children.covariates.shape) < 0.02, 1 - children.covariates, children.covariates
        )
        imputed.append(replace(children, covariates=noise))
    found = pooled_terms(linear_probability, imputed)[0]
    runs = [linear_probability(part)[0] for part in imputed]
    estimates, errors = np.array([run.estimate for run in runs]), np.array([run.std_error for run in runs])
    expected = pool(estimates, errors, float(np.mean([run.df for run in runs])))
    assert (found.estimate, found.std_error, found.df) == (expected.estimate, expected.std_error, expected.df)
    large = pool(estimates, errors, math.inf)
    assert found.missing_information == large.missing_information < expected.missing_information
    same = pooled_terms(linear_probability, [children, children])[0]
    assert same.missing_information == pytest.approx(0, abs=1e-12)
    broken = replace(children, outcome=0 * children.outcome)
    assert "constant" in pooled_terms(linear_probability, [*imputed, broken])[0].status


def test_an_intercept_of_each_authority_and_period_is_an_option(children: Children) -> None:
    plain, both = mixed_logit(children)[0], mixed_logit(children, by_period=True)[0]
    assert both.status == "ok"
    assert both.estimate == pytest.approx(plain.estimate, abs=0.5 * plain.std_error)
    assert both.std_error >= plain.std_error * 0.99


def test_a_mixed_logit_says_which_intercepts_do_not_vary() -> None:
    rng = np.random.default_rng(4)
    cluster, period = (part.ravel() for part in np.meshgrid(np.arange(5), np.arange(6), indexing="ij"))
    size = np.full(30, 200.0)
    alike = Children(
        outcome=rng.binomial(200, 0.1, 30) / 200,
        exposed=(period > cluster).astype(float),
        cluster=cluster,
        period=period,
        weight=size,
        covariates=np.zeros((30, 0)),
    )
    (still,) = mixed_logit(alike, by_period=True)
    apart = replace(alike, outcome=np.clip(alike.outcome + 0.05 * cluster, 0, 1))
    (varies,) = mixed_logit(apart)
    assert still.note == "variance between authorities and an authority's periods estimated as zero"
    assert varies.note == ""
