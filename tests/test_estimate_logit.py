"""Logits against lme4, clubSandwich and glm of R, numerical integration, and algebra done the long way."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from estimate_frames import GOLDEN
from scipy import integrate, stats
from scipy.special import expit

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cluster_variance import cluster_variance, logit_variance
from sfpc_book.estimate.inverse_root import Diminished
from sfpc_book.estimate.logit import fit_logit, is_separated
from sfpc_book.estimate.mixed_logit import fit_mixed_logit
from sfpc_book.estimate.random_effects import Rows, laplace, quadrature
from sfpc_book.estimate.standardise import CONTRASTS, standardise

FOLDER = GOLDEN / "logit_5_clusters"
STORED = 1e-9  # the reference is stored with 13 to 15 digits
# lme4 stops where a step changes the deviance little: its coefficients are within 6e-5 of a standard error of
# the maximum, which for one near 0 is more than 1e-4 of the coefficient. The log-likelihood here is higher.
COEFFICIENT = 1e-4
LOG_LIKELIHOOD = 1e-6
# lme4 differentiates its deviance numerically. With quadrature that is good to 1e-5; with Laplace it makes
# every error 0.2 to 0.4 % too small, as second differences of the same likelihood show below.
ERROR = {1: 5e-3, 15: 2e-5}
NAMES = {1: "mixed_logit_laplace", 15: "mixed_logit_agq15"}
REFERENCE_LEVELS = {"period": 0, "age": -1, "sex": "Male", "ethnicity": "White", "previous_plans": "0"}


@cache
def children() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "children.csv", dtype={"previous_plans": str})


@cache
def reference() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "reference.csv", skipinitialspace=True).set_index(["model", "term"])


@cache
def design(*more: str) -> pd.DataFrame:
    """Columns named as R names them: intercept, exposure, dummies without the reference level."""
    frame = children()
    columns = {"(Intercept)": np.ones(len(frame)), "exposed": frame["exposed"]}
    for name in ("period", "age", "sex", "ethnicity", "disabled", "previous_plans", "uasc", *more):
        if name in ("disabled", "uasc"):
            columns[name] = frame[name]
            continue
        levels = sorted(frame[name].unique())
        levels.remove(REFERENCE_LEVELS.get(name, levels[0]))
        columns |= {f"{name}{level}": (frame[name] == level).astype(float) for level in levels}
    return pd.DataFrame(columns).astype(float)


def outcome() -> np.ndarray:
    return children()["looked_after"].to_numpy(dtype=float)


def authority() -> np.ndarray:
    return children()["authority"].to_numpy()


@pytest.mark.parametrize("nodes", [1, 15])
def test_mixed_logit_equals_lme4(nodes: int) -> None:
    found = fit_mixed_logit(design().to_numpy(), outcome(), (authority(),), nodes=nodes)
    fit = pd.read_csv(FOLDER / "reference_fit.csv").set_index("model").loc[NAMES[nodes]]
    expected = reference().loc[NAMES[nodes]].loc[design().columns]
    assert found.status == "ok"
    assert found.log_likelihood == pytest.approx(fit["log_likelihood"], abs=LOG_LIKELIHOOD)
    assert found.log_likelihood > fit["log_likelihood"] - 1e-9
    assert found.deviations == pytest.approx([fit["sd_authority"]], rel=COEFFICIENT)
    apart = np.abs(found.coefficients - expected["estimate"])
    allowed = COEFFICIENT * np.maximum(np.abs(expected["estimate"]), expected["std_error"])
    assert (apart <= allowed).all()
    errors = np.sqrt(np.diag(found.covariance))
    assert errors == pytest.approx(expected["std_error"].to_numpy(), rel=ERROR[nodes])


def test_the_mixed_logits_errors_are_the_curvature_of_its_likelihood() -> None:
    x, step = design().to_numpy(), 0.02
    found = fit_mixed_logit(x, outcome(), (authority(),))
    rows = coded(x, outcome(), np.ones(len(x)), authority())
    k = x.shape[1]
    scale = np.zeros((k + 1, k + 1))
    scale[:k, :k], scale[k, k] = np.linalg.cholesky(found.covariance), 0.1

    def value(move: np.ndarray) -> float:
        point = np.append(found.coefficients, found.deviations) + scale @ move
        return laplace(rows, point[:k], point[k:], np.zeros(5))[0]

    moves = step * np.eye(k + 1)
    middle, up, down = value(np.zeros(k + 1)), [value(m) for m in moves], [value(-m) for m in moves]
    curve = np.diag([(a - 2 * middle + b) / step**2 for a, b in zip(up, down, strict=True)])
    for i in range(k + 1):
        for j in range(i):
            both = value(moves[i] + moves[j]) + value(-moves[i] - moves[j])
            curve[i, j] = curve[j, i] = (both - up[i] - up[j] + 2 * middle - down[i] - down[j]) / (
                2 * step**2
            )
    covariance = scale @ np.linalg.inv(-curve) @ scale.T
    assert np.sqrt(np.diag(covariance))[:k] == pytest.approx(np.sqrt(np.diag(found.covariance)), rel=1e-5)


def coded(x: np.ndarray, y: np.ndarray, weight: np.ndarray, *labels: np.ndarray) -> Rows:
    parts = [np.unique(label, return_inverse=True) for label in labels]
    return Rows(x, y, weight, tuple(codes for _, codes in parts), tuple(len(names) for names, _ in parts))


def small(seed: int = 3, n: int = 240) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, n)
    x = np.column_stack([np.ones(n), rng.integers(0, 2, n), rng.normal(size=n)])
    y = rng.binomial(1, expit(x @ [-0.5, 0.4, 0.3] + rng.normal(0, 0.8, 4)[group])).astype(float)
    return x, y, rng.uniform(0.5, 2, n), group


def test_quadrature_equals_numerical_integration() -> None:
    x, y, weight, group = small()
    beta, scale = np.array([-0.4, 0.3, 0.2]), 0.7
    total = 0.0
    for name in range(4):
        own = group == name
        fixed, events, mass = x[own] @ beta, y[own], weight[own]

        def height(u: float, fixed=fixed, events=events, mass=mass) -> float:
            eta = fixed + scale * u
            return float(mass @ (events * eta - np.logaddexp(0, eta))) + stats.norm.logpdf(u)

        top = max(height(u) for u in np.linspace(-4, 4, 161))
        area, _ = integrate.quad(
            lambda u, h=height, t=top: np.exp(h(u) - t), -10, 10, points=[-1, 0, 1], epsabs=1e-13
        )
        total += np.log(area) + top
    value, _, _ = quadrature(coded(x, y, weight, group), beta, np.array([scale]), np.zeros(4), 31)
    assert value == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize("nested", [False, True])
def test_the_gradient_is_that_of_the_likelihood(nested: bool) -> None:
    x, y, weight, group = small()
    inner = group * 3 + np.arange(len(y)) % 3
    rows = coded(x, y, weight, group, *([inner] if nested else []))
    point = np.array([-0.4, 0.3, 0.2, 0.7, 0.4][: 5 if nested else 4])
    start = np.zeros(sum(rows.sizes))
    _, slope, _ = laplace(rows, point[:3], point[3:], start)
    steps = 1e-5 * np.eye(len(point))
    numeric = [
        (laplace(rows, (point + s)[:3], (point + s)[3:], start)[0]
         - laplace(rows, (point - s)[:3], (point - s)[3:], start)[0]) / 2e-5
        for s in steps
    ]  # fmt: skip
    assert slope == pytest.approx(numeric, abs=1e-6)


def test_two_random_intercepts_equal_lme4_on_the_fourteen_cluster_trial() -> None:
    """glmer gives -0.29012 (0.11614) with authority variance 0 and authority-by-period variance 0.06365, and
    -0.27107 (0.09785) with variance 0.000876 for authorities alone; it stops at a looser tolerance."""
    cells = pd.read_csv(GOLDEN / "wedge_14_clusters.csv")
    periods = [(cells["period"] == p).astype(float) for p in sorted(cells["period"].unique())[1:]]
    x = np.column_stack([np.ones(len(cells)), cells["exposed"], *periods])
    y, weight = (cells["events"] / cells["children"]).to_numpy(), cells["children"].to_numpy(float)
    clusters = cells["cluster"].to_numpy()
    one = fit_mixed_logit(x, y, (clusters,), weight=weight)
    two = fit_mixed_logit(x, y, (clusters, np.arange(len(cells))), weight=weight)
    assert (one.status, two.status) == ("ok", "ok")
    assert one.coefficients[1] == pytest.approx(-0.2710700488132, rel=1e-4)
    assert np.sqrt(one.covariance[1, 1]) == pytest.approx(0.09784660538369, rel=1e-4)
    assert one.deviations**2 == pytest.approx([0.000876272595314], rel=1e-3)
    assert two.coefficients[1] == pytest.approx(-0.2901168686396, rel=5e-4)
    assert np.sqrt(two.covariance[1, 1]) == pytest.approx(0.1161426855788, rel=2e-3)
    assert two.deviations**2 == pytest.approx([0, 0.06365353356386], rel=2e-3)


@pytest.mark.parametrize("kind", ["CR2"])
def test_robust_logit_equals_clubsandwich(kind: str) -> None:
    x = design("authority")
    fit = fit_logit(x.to_numpy(), outcome())
    contrast = (x.columns == "exposed").astype(float)
    found = logit_variance(
        x.to_numpy(), outcome(), fit.mean, np.ones(len(x)), authority(), contrast, kind=kind
    )
    expected = reference().loc[(f"fixed_effects_logit_{kind}", "exposed")]
    estimate = fit.coefficients[1]
    assert estimate == pytest.approx(expected["estimate"], rel=STORED)
    assert found.std_error[0] == pytest.approx(expected["std_error"], rel=STORED)
    assert found.df[0] == pytest.approx(expected["df"], rel=STORED)
    p_value = 2 * stats.t.sf(abs(estimate / found.std_error[0]), found.df[0])
    assert p_value == pytest.approx(expected["p_value"], rel=STORED)


def test_rows_of_several_children_give_the_robust_logit_of_the_children() -> None:
    x, y, _, group = small()
    x = np.column_stack([*(group == name for name in range(4)), x[:, 1], np.arange(len(y)) % 3]).astype(float)
    frame = pd.DataFrame(x).assign(group=group, y=y)
    rows = frame.groupby([*range(6), "group"])["y"].agg(["mean", "size"]).reset_index()
    contrast = np.eye(6)[4:]

    def robust(x: np.ndarray, y: np.ndarray, weight: np.ndarray, group: np.ndarray) -> list[np.ndarray]:
        fit = fit_logit(x, y, weight=weight)
        found = logit_variance(x, y, fit.mean, weight, group, contrast)
        return [fit.coefficients, found.std_error, found.df, found.covariance]

    of_rows = robust(
        rows[list(range(6))].to_numpy(),
        rows["mean"].to_numpy(),
        rows["size"].to_numpy(float),
        rows["group"].to_numpy(),
    )
    for ours, expected in zip(of_rows, robust(x, y, np.ones(len(y)), group), strict=True):
        assert ours == pytest.approx(expected, rel=1e-8)


def test_plain_logit_equals_glm() -> None:
    x = design("authority")
    fit = fit_logit(x.to_numpy(), outcome())
    expected = reference().loc["fixed_effects_logit_model_based"].loc[x.columns]
    assert fit.coefficients == pytest.approx(expected["estimate"].to_numpy(), rel=1e-7, abs=1e-9)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(expected["std_error"].to_numpy(), rel=1e-7)


def test_robust_linear_probability_of_children_equals_clubsandwich() -> None:
    x = design("authority")
    contrast = (x.columns == "exposed").astype(float)
    found = cluster_variance(x.to_numpy(), outcome(), np.ones(len(x)), authority(), contrast)
    estimate = np.linalg.lstsq(x.to_numpy(), outcome(), rcond=None)[0][1]
    expected = reference().loc[("linear_probability_CR2", "exposed")]
    ours = [
        estimate,
        found.std_error[0],
        found.df[0],
        2 * stats.t.sf(abs(estimate / found.std_error[0]), found.df[0]),
    ]
    assert ours == pytest.approx(expected[["estimate", "std_error", "df", "p_value"]].tolist(), rel=STORED)


def test_every_reference_row_is_compared() -> None:
    compared = {
        *NAMES.values(),
        "fixed_effects_logit_CR2",
        "fixed_effects_logit_model_based",
        "linear_probability_CR2",
    }
    assert set(reference().index.get_level_values("model")) == compared


def test_standardised_risks_equal_predictions_of_r() -> None:
    x = design("authority")
    fit = fit_logit(x.to_numpy(), outcome())
    found = standardise(x.to_numpy(), fit.coefficients, 1)
    expected = pd.read_csv(FOLDER / "reference_standardised.csv", skipinitialspace=True).set_index(
        "quantity"
    )["value"]
    ours = {
        "risk_exposed": found.risk_exposed,
        "risk_unexposed": found.risk_unexposed,
        "risk_difference": found.contrasts[0],
        "risk_ratio": np.exp(found.contrasts[1]),
    }
    assert ours == pytest.approx(expected.to_dict(), rel=1e-8)


@pytest.mark.parametrize("members", [None, "exposed"])
def test_the_gradients_of_standardised_contrasts_are_right(members: str | None) -> None:
    x, y, weight, _ = small()
    beta = fit_logit(x, y, weight=weight).coefficients
    chosen = None if members is None else x[:, 1] == 1
    found = standardise(x, beta, 1, weight=weight, members=chosen)
    for number, step in enumerate(1e-6 * np.eye(3)):
        up, down = (standardise(x, beta + sign * step, 1, weight=weight, members=chosen) for sign in (1, -1))
        assert found.gradients[:, number] == pytest.approx(
            (up.contrasts - down.contrasts) / 2e-6, rel=1e-5, abs=1e-8
        )
        pairs = [(part.risk_unexposed, part.risk_exposed) for part in (up, down)]
        assert found.risk_gradients[:, number] == pytest.approx(
            (np.array(pairs[0]) - pairs[1]) / 2e-6, rel=1e-5, abs=1e-8
        )
    assert len(found.contrasts) == len(CONTRASTS)
    odds = found.risk_exposed / (1 - found.risk_exposed) * (1 - found.risk_unexposed) / found.risk_unexposed
    assert np.exp(found.contrasts[2]) == pytest.approx(odds)


@pytest.mark.parametrize("singular", [False, True])
def test_the_inverse_root_equals_the_eigendecomposition(singular: bool) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 4))
    if singular:
        x[:, 0] = 1
    others = rng.normal(size=(90, 4)) * ([0, 1, 1, 1] if singular else [1, 1, 1, 1])
    bread = np.linalg.inv(x.T @ x + others.T @ others)
    diagonal = rng.uniform(0.02, 1, 60)
    q = diagonal[:, None] * (np.eye(60) - x @ bread @ x.T) * diagonal
    values, vectors = np.linalg.eigh(q)
    kept = values > 1e-9
    assert (~kept).sum() == singular
    root = (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
    vector = rng.normal(size=(60, 2))
    found = Diminished.of(diagonal, x, bread).inverse_root(vector)
    assert found == pytest.approx(root @ vector, rel=1e-9, abs=1e-9 * np.abs(root @ vector).max())
    plain = Diminished.of(np.ones(60), x, bread).inverse(vector)
    assert plain == pytest.approx(
        np.linalg.pinv(np.eye(60) - x @ bread @ x.T, rcond=1e-10) @ vector, rel=1e-8, abs=1e-9
    )


def separated() -> tuple[np.ndarray, np.ndarray]:
    x, y, _, _ = small()
    return np.column_stack([x, (np.arange(len(y)) < 20).astype(float)]), np.where(
        np.arange(len(y)) < 20, 1.0, y
    )


@pytest.mark.parametrize(
    ("x", "y", "cause"),
    [
        (*separated(), "separation"),
        (small()[0], np.zeros(240), "constant outcome"),
        (np.column_stack([small()[0], small()[0][:, 1]]), small()[1], "say the same"),
        (small()[0][:0], small()[1][:0], "no child"),
    ],
)
def test_what_cannot_be_fitted_has_a_status_and_no_number(x: np.ndarray, y: np.ndarray, cause: str) -> None:
    groups = (np.arange(len(y)) % 4,)
    for found in (fit_logit(x, y), fit_mixed_logit(x, y, groups)):
        assert found.status.startswith("not_estimable: ") and cause in found.status
        assert np.isnan(found.coefficients).all() and np.isnan(found.covariance).all()


def test_separation_is_told_from_a_rare_outcome() -> None:
    x, _, _, _ = small()
    rare = np.zeros(240)
    rare[[5, 77, 142]] = 1
    assert not is_separated(x, rare)
    assert is_separated(*separated())


def test_weights_of_zero_leave_rows_out() -> None:
    x, y, weight, _ = small()
    weight[:40] = 0
    whole = fit_logit(x, y, weight=weight)
    assert whole.coefficients == pytest.approx(
        fit_logit(x[40:], y[40:], weight=weight[40:]).coefficients, rel=1e-8
    )


def test_authorities_more_alike_than_chance_have_a_deviation_of_zero() -> None:
    """Every authority has the same children and events: the likelihood is highest without a random intercept,
    where the mixed logit is the plain one."""
    part, _, _, _ = small(n=60)
    x, y, group = (
        np.tile(part, (4, 1)),
        np.tile((np.arange(60) % 3 == 0).astype(float), 4),
        np.repeat(np.arange(4), 60),
    )
    found, plain = fit_mixed_logit(x, y, (group,)), fit_logit(x, y)
    assert found.status == "ok"
    assert found.deviations == pytest.approx([0.0])
    assert found.coefficients == pytest.approx(plain.coefficients, abs=1e-6)
    assert found.covariance == pytest.approx(plain.covariance, rel=1e-4, abs=1e-6)
    assert found.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-8)


def test_quadrature_over_two_groupings_is_refused() -> None:
    x, y, _, group = small()
    with pytest.raises(EstimationError, match="nodes=1"):
        fit_mixed_logit(x, y, (group, group), nodes=5)
