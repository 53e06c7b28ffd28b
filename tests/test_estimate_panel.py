"""The two-way panel model: brute force, design traps, and panels that break the rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from estimate_frames import FIVE, dummies, least_squares, panel, wedge
from scipy import stats

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import cells_of
from sfpc_book.estimate.cluster_variance import cluster_variance
from sfpc_book.estimate.panel_models import fit_two_way

STANDARD = wedge(FIVE)


def by_hand(frame: pd.DataFrame, weight: np.ndarray) -> tuple[float, float]:
    """Coefficient and clustered standard error by matrices, with the factor that counts period effects."""
    x, y = dummies(frame), frame["value_mean"].to_numpy()
    bread = np.linalg.pinv(x.T @ (weight[:, None] * x))
    solved = bread @ x.T @ (weight * y)
    scores = weight[:, None] * x * (y - x @ solved)[:, None]
    sums = np.array([scores[frame["authority"] == name].sum(axis=0) for name in frame["authority"].unique()])
    clusters, n, counted = len(sums), len(frame), 1 + frame["period"].nunique()
    factor = clusters / (clusters - 1) * (n - 1) / (n - counted)
    return solved[0], float(np.sqrt(factor * (bread @ sums.T @ sums @ bread)[0, 0]))


@pytest.mark.parametrize("weights", ["children", "equal"])
@pytest.mark.parametrize("dropped", [(), (3, 11, 20)])
def test_fit_equals_dummy_variable_least_squares(weights: str, dropped: tuple[int, ...]) -> None:
    frame = panel(STANDARD)
    frame.loc[list(dropped), "n_children"] = 0
    fit = fit_two_way(frame, weights=weights, conf_level=0.9)
    kept = frame[frame["n_children"] > 0]
    weight = kept["n_children"].to_numpy(float) if weights == "children" else np.ones(len(kept))
    estimate, error = by_hand(kept, weight)
    assert fit.estimate == pytest.approx(estimate, rel=1e-9)
    assert fit.std_error == pytest.approx(error, rel=1e-9)
    half = stats.t.ppf(0.95, 4) * error
    assert (fit.conf_low, fit.conf_high) == pytest.approx((estimate - half, estimate + half))
    assert fit.p_value == pytest.approx(2 * stats.t.sf(abs(estimate / error), 4))
    assert (fit.n_cells, fit.n_cells_empty) == (30 - len(dropped), len(dropped))


def test_cell_means_weighted_by_children_equal_the_childrens_own_rows() -> None:
    """The estimate, and the bias-reduced variance with its degrees of freedom."""
    rng = np.random.default_rng(3)
    cells = panel(STANDARD, children=(5, 30))
    children = cells.loc[cells.index.repeat(cells["n_children"])].reset_index(drop=True)
    children["value_mean"] = rng.binomial(1, children["value_mean"].clip(0.01, 0.3)).astype(float)
    cells = cells.assign(value_mean=children.groupby(["authority", "period"])["value_mean"].mean().to_numpy())
    assert fit_two_way(cells).estimate == pytest.approx(least_squares(children, np.ones(len(children))))

    def cr2(frame: pd.DataFrame, weight: np.ndarray) -> tuple[float, float]:
        design, cluster = dummies(frame), frame["authority"].to_numpy()
        contrast = np.eye(1, design.shape[1])
        found = cluster_variance(design, frame["value_mean"].to_numpy(), weight, cluster, contrast)
        return float(found.std_error[0]), float(found.df[0])

    assert cr2(cells, cells["n_children"].to_numpy(float)) == pytest.approx(
        cr2(children, np.ones(len(children))), rel=1e-8
    )


def never_treated(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(exposed=0, exposure_time=0)


def all_treated(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(exposed=1, exposure_time=frame["period"] + 1)


def all_treated_last_period(frame: pd.DataFrame) -> pd.DataFrame:
    """Nobody before, everybody in the last period: exposure and that period are one."""
    last = (frame["period"] == frame["period"].max()).astype(int)
    return frame.assign(exposed=last, exposure_time=last)


def one_authority_only(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["authority"] == "b"]


def constant_outcome(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(value_mean=0.05)


def no_children(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(n_children=0, value_mean=np.nan)


def exact_fit(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(value_mean=0.1 * frame["exposed"] + 0.01 * frame["period"])


def two_cells_each(frame: pd.DataFrame) -> pd.DataFrame:
    """Two authorities, two periods: as many parameters as cells."""
    return frame[frame["authority"].isin(["a", "b"]) & frame["period"].isin([0, 1])]


@pytest.mark.parametrize(
    ("trap", "status"),
    [
        (never_treated, "not_identified"),
        (all_treated, "not_identified"),
        (all_treated_last_period, "not_identified"),
        (one_authority_only, "not_estimable: one authority"),
        (constant_outcome, "not_estimable: constant outcome"),
        (no_children, "not_estimable: no child with an observed outcome"),
        (exact_fit, "not_estimable: no variation left around the model"),
        (two_cells_each, "not_estimable: no variation left around the model"),
    ],
)
def test_a_design_trap_has_a_status_and_never_a_number(trap, status: str) -> None:
    fit = fit_two_way(trap(panel(STANDARD)))
    assert fit.status == status
    for name in ("estimate", "std_error", "p_value", "conf_low", "conf_high"):
        assert np.isnan(getattr(fit, name))


def test_missing_cells_are_left_out_explicitly_and_counted() -> None:
    frame = panel(STANDARD)
    frame.loc[7, ["n_children", "value_mean"]] = [0, np.nan]
    fit = fit_two_way(frame)
    assert fit.ok
    assert fit.n_cells_empty == 1
    assert fit.n_children == frame["n_children"].sum()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda f: f.assign(exposed=1 - f["exposed"]), "no way back"),
        (lambda f: f.assign(value_mean=f["value_mean"].mask(f.index == 7)), "cell b, period 1 has children"),
        (lambda f: pd.concat([f, f.iloc[[0]]]), "cell a, period 0 occurs more than once"),
        (lambda f: f.assign(exposed=f["exposed"] * 0.5), "other than 0 and 1"),
        (lambda f: f.assign(exposure_time=0), "exposure_time"),
        (lambda f: f.drop(columns="n_children"), "n_children"),
    ],
)
def test_a_panel_that_breaks_its_rules_is_refused_by_name(change, named: str) -> None:
    with pytest.raises(EstimationError, match=named):
        fit_two_way(change(panel(STANDARD)))


def test_unknown_weights_are_refused_with_the_allowed_ones() -> None:
    with pytest.raises(EstimationError, match="children, equal"):
        fit_two_way(panel(STANDARD), weights="rows")


def test_the_panel_given_is_left_as_it_was_and_its_row_order_does_not_matter() -> None:
    frame = panel(STANDARD)
    copy = frame.copy(deep=True)
    first = fit_two_way(frame)
    pd.testing.assert_frame_equal(frame, copy)
    assert fit_two_way(frame.sample(frac=1, random_state=4)) == first


def test_cells_are_sorted_and_named() -> None:
    cells = cells_of(panel(STANDARD).iloc[::-1])
    assert cells.authorities == ("a", "b", "c", "d", "e")
    assert cells.period.tolist() == [*range(6)] * 5
