"""Hussey and Hughes' model against lme4, lmerTest and pbkrtest, and against dense matrices of children."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from estimate_frames import FIVE, expected, panel, reference, wedge

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells, cells_of
from sfpc_book.estimate.hussey_hughes import MixedFit, binary_squares, fit_hussey_hughes
from sfpc_book.estimate.mixed_likelihood import MixedData, mixed_state
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.power import effect_variance

SEARCH = 1e-6  # lme4 stops its search at a relative change of the deviance of about 1e-8
VARIANCE = (
    1e-5  # the deviance is flat around its minimum: variances agree less closely than what rests on them
)
DESIGN = wedge(FIVE)


def reference_fit(**options: object) -> MixedFit:
    cells = cells_of(reference("14")[0].assign(value_mean=lambda frame: frame["value_mean"] / 100))
    return fit_hussey_hughes(cells, within_squares=binary_squares(cells), **options)


@pytest.mark.parametrize(
    ("analysis", "options"),
    [
        ("mixed", {"inference": "normal"}),
        ("mixed_cell_effects", {"cell_effects": True}),
        ("mixed_kenward_roger", {"cell_effects": True, "inference": "kenward_roger"}),
    ],
)
def test_fit_equals_lme4_lmertest_and_pbkrtest(analysis: str, options: dict) -> None:
    fit = reference_fit(**options)
    for quantity, value in expected("14", "children", analysis).items():
        tolerance = {"rel": VARIANCE if quantity.endswith("variance") else SEARCH, "abs": 1e-12}
        assert getattr(fit, quantity) == pytest.approx(value, **tolerance), quantity


def test_a_variance_estimated_as_0_is_named() -> None:
    assert reference_fit(cell_effects=True).boundary == ("authority",)
    assert reference_fit().boundary == ()
    assert (reference_fit().status, reference_fit().cell_variance) == ("ok", 0.0)


def children(seed: int = 2, authority: float = 0.5, cell: float = 0.3) -> tuple[Cells, np.ndarray, dict]:
    """Cells, sums of squares within them, and the rows of the children they were made from."""
    rng = np.random.default_rng(seed)
    cells = cells_of(panel(DESIGN, seed=seed, children=(2, 7)))
    size = cells.weight.astype(int)
    level = rng.normal(0, authority, 5)[cells.authority] + rng.normal(0, cell, cells.n_cells)
    row = np.repeat(np.arange(cells.n_cells), size)
    outcome = level[row] + 0.4 * cells.exposed[row] + rng.normal(0, 1, len(row))
    mean = np.bincount(row, outcome) / size
    squares = np.bincount(row, (outcome - mean[row]) ** 2)
    periods = (cells.period[row][:, None] == np.arange(6)).astype(float)
    design = np.column_stack([cells.exposed[row], periods])
    groups = [np.eye(len(row))] + [(key[:, None] == key).astype(float) for key in (cells.authority[row], row)]
    return dataclasses.replace(cells, mean=mean), squares, {"y": outcome, "x": design, "g": groups}


def dense(rows: dict, variances: np.ndarray, *, reml: bool = True) -> tuple[float, np.ndarray]:
    """Minus twice the log-likelihood of the children's rows, and the covariance of the coefficients."""
    x, y = rows["x"], rows["y"]
    v = sum(value * part for value, part in zip(variances, rows["g"], strict=True))
    inverse = np.linalg.inv(v)
    covariance = np.linalg.inv(x.T @ inverse @ x)
    left = y - x @ (covariance @ (x.T @ inverse @ y))
    freedom = len(y) - x.shape[1] * reml
    deviance = freedom * np.log(2 * np.pi) + np.linalg.slogdet(v)[1] + left @ inverse @ left
    return deviance - reml * np.linalg.slogdet(covariance)[1], covariance


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_deviance_is_that_of_the_childrens_rows_and_no_other_variances_have_less(method: str) -> None:
    cells, squares, rows = children()
    fit = fit_hussey_hughes(cells, within_squares=squares, cell_effects=True, method=method)
    found = np.array([fit.residual_variance, fit.authority_variance, fit.cell_variance])
    assert (found > 0).all()
    least, covariance = dense(rows, found, reml=method == "REML")
    assert fit.deviance == pytest.approx(least, rel=1e-10)
    assert fit.std_error == pytest.approx(math.sqrt(covariance[0, 0]), rel=1e-8)
    for factors in itertools.product((0.99, 1.0, 1.01), repeat=3):
        assert dense(rows, found * factors, reml=method == "REML")[0] >= least - 1e-9
    for elsewhere in itertools.product((0.01, 0.3, 3.0), repeat=3):
        assert dense(rows, np.array(elsewhere), reml=method == "REML")[0] > least


def test_satterthwaite_equals_differences_of_the_dense_likelihood() -> None:
    cells, squares, rows = children()
    fit = fit_hussey_hughes(cells, within_squares=squares, cell_effects=True)
    found = np.array([fit.residual_variance, fit.authority_variance, fit.cell_variance])
    steps = np.diag(1e-3 * found)

    def second(i: int, j: int) -> float:
        corners = [
            (a, b, dense(rows, found + a * steps[i] + b * steps[j])[0]) for a in (1, -1) for b in (1, -1)
        ]
        return sum(a * b * value for a, b, value in corners) / (4 * steps[i, i] * steps[j, j])

    hessian = np.array([[second(i, j) for j in range(3)] for i in range(3)])
    gradient = np.array(
        [
            (dense(rows, found + step)[1][0, 0] - dense(rows, found - step)[1][0, 0]) / (2 * step.sum())
            for step in steps
        ]
    )
    df = 2 * fit.std_error**4 / (gradient @ (2 * np.linalg.inv(hessian)) @ gradient)
    assert fit.df == pytest.approx(df, rel=1e-3)


def test_kenward_roger_equals_its_formula_on_the_childrens_rows() -> None:
    """Written with projections instead of the matrices P and Q of the package."""
    cells, squares, rows = children()
    fit = fit_hussey_hughes(cells, within_squares=squares, cell_effects=True, inference="kenward_roger")
    found = [fit.residual_variance, fit.authority_variance, fit.cell_variance]
    x, groups = rows["x"], rows["g"]
    inverse = np.linalg.inv(sum(value * part for value, part in zip(found, groups, strict=True)))
    phi = np.linalg.inv(x.T @ inverse @ x)
    projector = inverse - inverse @ x @ phi @ x.T @ inverse
    information = np.array([[np.trace(projector @ a @ projector @ b) for b in groups] for a in groups])
    w = 2 * np.linalg.inv(information)
    load = inverse @ x @ phi[:, 0]
    spread = np.array([[load @ a @ projector @ b @ load for b in groups] for a in groups])
    moves = np.array([load @ part @ load for part in groups])
    assert fit.std_error == pytest.approx(math.sqrt(phi[0, 0] + 2 * (w * spread).sum()), rel=1e-7)
    assert fit.df == pytest.approx(2 * phi[0, 0] ** 2 / (moves @ w @ moves), rel=1e-7)


@pytest.mark.parametrize("reml", [True, False])
def test_the_slope_is_the_difference_of_the_deviance(reml: bool) -> None:
    cells, squares, _ = children()
    periods = (cells.period[:, None] == np.array(cells.periods)).astype(float)
    data = MixedData(
        np.column_stack([cells.exposed, periods]), cells.mean, 1 / cells.weight, cells.authority,
        float(squares.sum()), int(cells.weight.sum()), float(np.log(cells.weight).sum()), reml,
    )  # fmt: skip
    ratios, step = np.array([0.3, 0.2]), 1e-5
    for k in (0, 1):
        move = step * np.eye(2)[k]
        difference = mixed_state(data, ratios + move).deviance - mixed_state(data, ratios - move).deviance
        assert mixed_state(data, ratios).gradient[k] == pytest.approx(difference / (2 * step), rel=1e-6)


@pytest.mark.parametrize("cell_effects", [False, True])
def test_the_error_at_the_fitted_variances_is_the_closed_form_of_the_power_calculation(
    cell_effects: bool,
) -> None:
    cells, squares, _ = children(seed=5)
    fit = fit_hussey_hughes(cells, within_squares=squares, cell_effects=cell_effects)
    variance = effect_variance(
        cells,
        child_variance=fit.residual_variance,
        authority_variance=fit.authority_variance,
        cell_variance=fit.cell_variance,
    )
    assert fit.std_error == pytest.approx(math.sqrt(variance), rel=1e-8)


def test_without_authority_variance_it_is_least_squares_with_period_effects() -> None:
    """And the degrees of freedom are cells less coefficients."""
    cells = cells_of(reference("14")[0])
    fit = fit_hussey_hughes(cells, weights="equal")
    assert fit.boundary == ("authority",)
    assert fit.df == pytest.approx(112 - 9)
    assert fit.estimate == pytest.approx(expected("14", "equal", "vertical_precision")["estimate"], abs=1e-6)


def test_with_much_authority_variance_it_is_the_two_way_coefficient() -> None:
    frame = panel(DESIGN, effect=0.02)
    frame["value_mean"] += 100 * frame["authority"].map(dict(zip("abcde", range(5), strict=True)))
    fit = fit_hussey_hughes(cells_of(frame))
    assert fit.estimate == pytest.approx(fit_two_way(frame).estimate, rel=1e-4)
    assert math.sqrt(fit.authority_variance) == pytest.approx(100 * math.sqrt(2.5), rel=1e-3)


@pytest.mark.parametrize("inference", ["satterthwaite", "kenward_roger"])
def test_scale_and_level_of_the_outcome_do_not_matter(inference: str) -> None:
    cells = cells_of(panel(DESIGN, seed=3))
    moved = dataclasses.replace(cells, mean=1000 * cells.mean + 50)
    one, two = (fit_hussey_hughes(part, inference=inference) for part in (cells, moved))
    assert two.estimate == pytest.approx(1000 * one.estimate)
    assert (two.df, two.p_value, two.boundary) == (
        pytest.approx(one.df),
        pytest.approx(one.p_value),
        one.boundary,
    )


def test_a_search_that_does_not_reach_level_ground_is_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfpc_book.estimate.mixed_search.SLOPE", 0.0)
    fit = fit_hussey_hughes(cells_of(panel(DESIGN, seed=3)))
    assert fit.status == "not_estimable: not converged"
    assert math.isnan(fit.estimate)


def test_every_wrong_choice_is_named_at_once() -> None:
    cells = cells_of(panel(DESIGN))
    with pytest.raises(EstimationError) as caught:
        fit_hussey_hughes(cells, method="PQL", inference="bootstrap", weights="rows", cell_effects=True)
    for named in ("REML, ML", "normal, satterthwaite", "children, equal", "without within_squares"):
        assert named in str(caught.value)
    with pytest.raises(EstimationError, match="30 numbers"):
        fit_hussey_hughes(cells, within_squares=np.ones(3))
    with pytest.raises(EstimationError, match="defined for REML"):
        fit_hussey_hughes(cells, method="ML", inference="kenward_roger")
    with pytest.raises(EstimationError, match="between 0 and 1"):
        binary_squares(dataclasses.replace(cells, mean=cells.mean + 1))
