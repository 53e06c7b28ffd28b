"""Further reference numbers, and methods done the long way: each number here has two independent sources."""

from __future__ import annotations

import filecmp
import json
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from estimate_frames import GOLDEN, dummies, expected, panel, reference, wedge
from scipy import integrate, stats
from scipy.special import expit

from sfpc_book.estimate.cells import cells_of
from sfpc_book.estimate.child_models import Children, linear_probability
from sfpc_book.estimate.cluster_variance import cluster_variance
from sfpc_book.estimate.mixed_logit import fit_mixed_logit
from sfpc_book.estimate.pooling import pool
from sfpc_book.estimate.randomisation import order_effects
from sfpc_book.estimate.wild_bootstrap import wild_bootstrap
from sfpc_book.published.staggered_methods import estimate_staggered
from sfpc_book.published.staggered_table import PanelRoles, staggered_table

CLOSE = 1e-9  # references are stored with 13 digits
PRINTED = 1e-6  # published estimates are printed to six decimals
# R's did divides the controls' weights by their sum, diff-diff by the number treated.
NORMALISED = 1e-5
PRINTED_FE = 5e-7  # wagepan's coefficients, to seven


def staggered_rows() -> pd.DataFrame:
    """Group-time effects of the 14 clusters, not yet treated as controls, and their shares of clusters."""
    frame, _ = reference("14")
    first = frame[frame["exposed"] == 1].groupby("authority")["period"].min()
    frame = frame.assign(first=frame["authority"].map(first) + 100, period=frame["period"] + 100)
    table = staggered_table(frame, PanelRoles("value_mean", "authority", "period", "first"))
    return estimate_staggered(table, ["group_time_not_yet", "sun_abraham"], outcome="y").set_index(
        ["analysis", "term"]
    )


def test_group_time_effects_of_the_wedge_equal_the_published_ones() -> None:
    rows = staggered_rows()["estimate"]
    cells = rows["group_time_not_yet"].filter(regex="^group_").rename("effect").reset_index()
    parts = cells["term"].str.extract(r"group_(?P<group>\d+)_time_(?P<time>\d+)").astype(int)
    cells = pd.concat([cells, parts], axis=1).dropna(subset="effect").query("time >= group")
    frame, _ = reference("14")
    size = (frame[frame["exposed"] == 1].groupby("authority")["period"].min() + 100).value_counts()
    cells = cells.assign(size=cells["group"].map(size))
    by_group = cells.groupby("group").agg(effect=("effect", "mean"), size=("size", "first"))
    by_time = [np.average(part["effect"], weights=part["size"]) for _, part in cells.groupby("time")]
    found = {
        "group_time_overall": rows["group_time_not_yet", "overall"],
        "group_time_by_event_time": rows["group_time_not_yet", "event_time_average"],
        "group_time_by_group": np.average(by_group["effect"], weights=by_group["size"]),
        "group_time_by_calendar": np.mean(by_time),
        "sun_abraham": rows["sun_abraham", "overall"],
    }
    for name, estimate in found.items():
        assert estimate == pytest.approx(expected("14", "equal", name)["estimate"], abs=PRINTED), name


def test_the_mixed_model_with_cell_effects_is_the_published_one() -> None:
    """Printed in percentage points; lme4's own run on the children's rows is compared elsewhere."""
    by_child = expected("14", "children", "mixed_cell_effects")["estimate"]
    assert 100 * by_child == pytest.approx(
        expected("14", "equal", "mixed_cell_effects")["estimate"], abs=1e-5
    )


@pytest.mark.parametrize("clusters", ["14", "5"])
def test_factors_of_the_clustered_variance_and_the_bootstraps_statistic(clusters: str) -> None:
    """CR1 is CR0 by G / (G - 1), CR1S by (n - 1) / (n - k) besides: the error in boottest's statistic."""
    frame, _ = reference(clusters)
    x, number = dummies(frame), int(clusters)
    contrast = np.eye(1, x.shape[1])
    plain = cluster_variance(
        x,
        frame["value_mean"].to_numpy(),
        np.ones(len(x)),
        frame["authority"].to_numpy(),
        contrast,
        kind="CR0",
    ).std_error[0]
    simple = np.sqrt(number / (number - 1))
    scaled = simple * np.sqrt((len(x) - 1) / (len(x) - np.linalg.matrix_rank(x)))
    assert plain * simple == pytest.approx(expected(clusters, "equal", "CR1")["std_error"], rel=CLOSE)
    assert plain * scaled == pytest.approx(expected(clusters, "equal", "CR1S")["std_error"], rel=CLOSE)
    found = wild_bootstrap(cells_of(frame), kind="rademacher", weights="equal")
    for kind in ("rademacher", "webb"):
        statistic = expected(clusters, "equal", kind)["statistic"]
        assert found.estimate / (plain * scaled) == pytest.approx(statistic, rel=CLOSE)


def test_the_enumeration_of_five_clusters_counts_below_as_it_counts_both_sides() -> None:
    frame, design = reference("5")
    effects = order_effects(cells_of(frame), design, weights="equal")
    value = expected("5", "equal", "randomisation")
    assert (
        2 * len(effects.effect) == value["n_orders"]
    )  # two clusters share a start: each order is there twice
    below = np.mean(effects.effect <= effects.effect[0] * (1 - 1e-9))
    assert below == pytest.approx(value["p_below"])


def test_panel_of_545_men_equals_the_book_and_fixest(golden_folder: Path) -> None:
    """Two-way fixed effects; fixest's clustered variance is CR0 by G / (G - 1) and (n - 1) / (n - k), k being
    the three covariates, the years and one constant, since men are the clusters."""
    frame = pd.read_csv(golden_folder / "wagepan.csv")
    wanted = json.loads((golden_folder / "golden.json").read_text(encoding="utf-8"))["wagepan"]
    men, years = frame["nr"].to_numpy(), frame["year"].to_numpy()
    rows = Children(
        outcome=frame["lwage"].to_numpy(),
        exposed=frame["union"].to_numpy(float),
        cluster=men,
        period=years,
        weight=np.ones(len(frame)),
        covariates=frame[["expersq", "married"]].to_numpy(float),
    )
    found = linear_probability(rows, kind="CR0")[0]
    factor = np.sqrt(545 / 544 * (len(frame) - 1) / (len(frame) - 3 - 7 - 1))
    assert found.estimate == pytest.approx(wanted["published_fe"]["union"][0], abs=PRINTED_FE)
    assert found.std_error * factor == pytest.approx(wanted["cluster_nr_fixest"]["union"], rel=1e-5)


def test_covariates_of_545_men_with_effects_taken_out_first(golden_folder: Path) -> None:
    """Balanced, so effects are taken out by means; the published errors are those of least squares."""
    frame = pd.read_csv(golden_folder / "wagepan.csv")
    wanted = json.loads((golden_folder / "golden.json").read_text(encoding="utf-8"))["wagepan"]
    names = list(wanted["published_fe"])
    values = frame[[*names, "lwage"]]
    within = values - values.groupby(frame["nr"]).transform("mean")
    within = within - values.groupby(frame["year"]).transform("mean") + values.mean()
    x, y = within[names].to_numpy(), within["lwage"].to_numpy()
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    left = len(frame) - 545 - 7 - 3
    plain = np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * np.sum((y - x @ beta) ** 2) / left)
    found = cluster_variance(x, y, np.ones(len(y)), frame["nr"].to_numpy(), np.eye(3), kind="CR0")
    factor = np.sqrt(545 / 544 * (len(frame) - 1) / (len(frame) - 3 - 7 - 1))
    for place, name in enumerate(names):
        assert [beta[place], plain[place]] == pytest.approx(wanted["published_fe"][name], abs=PRINTED_FE), (
            name
        )
        assert found.std_error[place] * factor == pytest.approx(wanted["cluster_nr_fixest"][name], rel=1e-5)


@pytest.mark.parametrize(
    ("key", "method"),
    [("never", "group_time"), ("nyt", "group_time_not_yet"), ("dr_lpop", "group_time_doubly_robust")],
)
def test_averages_by_group_and_by_year_of_the_doors_rows(key: str, method: str, golden_folder: Path) -> None:
    """Weighted sums of its group-time effects; the door gives two other averages itself."""
    frame = pd.read_csv(golden_folder / "mpdta.csv")
    wanted = json.loads((golden_folder / "golden.json").read_text(encoding="utf-8"))["mpdta"]["agg"]
    roles = PanelRoles("lemp", "countyreal", "year", "first.treat", covariates=("lpop",))
    rows = estimate_staggered(staggered_table(frame, roles), [method], outcome="lemp")
    cells = rows["term"].str.extract(r"group_(?P<group>\d+)_time_(?P<time>\d+)").dropna().astype(int)
    cells = cells.assign(effect=rows["estimate"]).query("time >= group")
    size = frame.drop_duplicates("countyreal")["first.treat"].value_counts()
    cells = cells.assign(size=cells["group"].map(size))
    groups = cells.groupby("group").agg(effect=("effect", "mean"), size=("size", "first"))
    times = [np.average(part["effect"], weights=part["size"]) for _, part in cells.groupby("time")]
    by_group = np.average(groups["effect"], weights=groups["size"])
    close = NORMALISED if key == "dr_lpop" else 1e-7
    assert by_group == pytest.approx(wanted[f"{key}_group"][0], rel=close)
    assert np.mean(times) == pytest.approx(wanted[f"{key}_calendar"][0], rel=close)


def test_the_stored_logit_case_is_the_reference_folders(golden_folder: Path) -> None:
    names = [path.name for path in (golden_folder / "logit_5_clusters").iterdir()]
    same, _, _ = filecmp.cmpfiles(
        golden_folder / "logit_5_clusters", GOLDEN / "logit_5_clusters", names, shallow=False
    )
    assert sorted(same) == sorted(names)


def by_definition(
    x: np.ndarray, y: np.ndarray, weight: np.ndarray, cluster: np.ndarray, contrast: np.ndarray, kind: str
) -> tuple[float, float]:
    """Error and degrees of freedom as the papers write them: matrices of n x n, roots by eigenvalues."""
    root = np.diag(np.sqrt(weight))
    x, y = root @ x, root @ y
    bread = np.linalg.pinv(x.T @ x)
    maker = np.eye(len(y)) - x @ bread @ x.T
    variance, columns = 0.0, []
    for name in np.unique(cluster):
        own = np.flatnonzero(cluster == name)
        values, vectors = np.linalg.eigh(maker[np.ix_(own, own)])
        kept = values > 1e-10
        power = {"CR0": 0.0, "CR2": -0.5, "CR3": -1.0}[kind]
        adjust = (vectors[:, kept] * values[kept] ** power) @ vectors[:, kept].T
        adjust = np.eye(len(own)) if kind == "CR0" else adjust
        vector = adjust @ x[own] @ bread @ contrast
        variance += float(vector @ (maker @ y)[own]) ** 2
        columns.append(maker[:, own] @ vector)
    inner = np.array(columns) @ np.array(columns).T
    return variance**0.5, float(np.trace(inner) ** 2 / np.sum(inner**2))


@pytest.mark.parametrize("kind", ["CR0", "CR2", "CR3"])
@pytest.mark.parametrize("seed", range(3))
def test_robust_variance_of_least_squares_equals_its_definition(kind: str, seed: int) -> None:
    """Unequal weights, unequal clusters, an effect of each cluster, and a combination of coefficients."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 5, 70)
    x = np.column_stack([rng.normal(size=(70, 3)), (cluster[:, None] == np.arange(5)).astype(float)])
    y, weight = rng.normal(size=70) + cluster, rng.uniform(0.2, 30, 70)
    contrast = np.array([1.0, -0.5, 0, 0, 0, 0, 0, 0])
    found = cluster_variance(x, y, weight, cluster, contrast, kind=kind)
    error, df = by_definition(x, y, weight, cluster, contrast, kind)
    assert (found.std_error[0], found.df[0]) == pytest.approx((error, df), rel=1e-8)


@pytest.mark.parametrize("kind", ["CR2", "CR3"])
def test_robust_variance_of_the_trials_cells_equals_its_definition(kind: str) -> None:
    frame = panel(wedge((1, 2, 3, 4, 5)), children=(5, 900))
    x, y, weight = dummies(frame), frame["value_mean"].to_numpy(), frame["n_children"].to_numpy(float)
    contrast, names = np.eye(1, x.shape[1])[0], frame["authority"].to_numpy()
    found = cluster_variance(x, y, weight, names, contrast, kind=kind)
    assert (found.std_error[0], found.df[0]) == pytest.approx(
        by_definition(x, y, weight, names, contrast, kind), rel=1e-8
    )


def integrated(point: np.ndarray, x: np.ndarray, y: np.ndarray, group: np.ndarray) -> float:
    """The log-likelihood of a mixed logit, each cluster's integral by scipy's adaptive quadrature."""
    beta, scale, total = point[:-1], point[-1], 0.0
    for name in np.unique(group):
        fixed, events = x[group == name] @ beta, y[group == name]

        def density(u: float, fixed=fixed, events=events) -> float:
            eta = fixed + scale * u
            return float(np.prod(np.where(events == 1, expit(eta), expit(-eta)))) * stats.norm.pdf(u)

        total += np.log(integrate.quad(density, -9, 9, epsabs=0, epsrel=1e-11, points=[-2, 0, 2])[0])
    return total


def test_adaptive_quadrature_finds_the_maximum_of_the_integrated_likelihood() -> None:
    """24 children of 4 clusters: value and curvature of the fit are those of scipy's integrals."""
    rng = np.random.default_rng(11)
    group = np.repeat(np.arange(4), 6)
    x = np.column_stack([np.ones(24), np.tile([0.0, 1.0], 12)])
    y = rng.binomial(1, expit(-0.2 + 0.8 * x[:, 1] + np.array([1.6, -1.4, 0.9, -0.8])[group])).astype(float)
    found = fit_mixed_logit(x, y, (group,), nodes=61)
    assert found.status == "ok" and found.deviations[0] > 0.3
    point = np.append(found.coefficients, found.deviations)
    top = integrated(point, x, y, group)
    assert found.log_likelihood == pytest.approx(top, abs=1e-8)
    steps = 1e-3 * np.eye(3)
    slopes = [(integrated(point + s, x, y, group) - integrated(point - s, x, y, group)) / 2e-3 for s in steps]
    assert slopes == pytest.approx([0, 0, 0], abs=1e-4)
    value = partial(integrated, x=x, y=y, group=group)
    curve = np.array(
        [[(value(point + a + b) - value(point + a - b) - value(point - a + b) + value(point - a - b)) / 4e-6
          for b in steps] for a in steps]
    )  # fmt: skip
    errors = np.sqrt(np.diag(np.linalg.inv(-curve)))[:2]
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(errors, rel=1e-4)


def test_barnard_and_rubin_worked_by_hand_in_fractions() -> None:
    """Estimates 1, 2, 3 with variance 1 and 12 degrees of freedom: within 1, between 4/3 with its 1 + 1/m,
    total 7/3, share 4/7. Then d1 = 2 / (4/7)^2 = 49/8, d2 = (3/7) 12 13 / 15 = 156/35."""
    share = Fraction(4, 7)
    first, second = 2 / share**2, (1 - share) * Fraction(12 * 13, 15)
    assert (first, second) == (Fraction(49, 8), Fraction(156, 35))
    df = 1 / (1 / first + 1 / second)
    ratio = Fraction(4, 3)
    missing = (ratio + 2 / (df + 3)) / (ratio + 1)
    found = pool(np.array([1.0, 2.0, 3.0]), np.ones(3), 12)
    wanted = (2.0, float(Fraction(7, 3)) ** 0.5, float(df), float(missing))
    assert (found.estimate, found.std_error, found.df, found.missing_information) == pytest.approx(
        wanted, rel=1e-14
    )
