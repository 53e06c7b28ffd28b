"""Estimates against numbers of other programs: fixest, clubSandwich, swCRTdesign, GenDID, p.adjust."""

from __future__ import annotations

import filecmp
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from estimate_frames import GOLDEN, dummies, expected, panel, reference, wedge
from scipy import stats

from sfpc_book.estimate.cells import cells_of
from sfpc_book.estimate.cluster_variance import cluster_variance
from sfpc_book.estimate.multiplicity import holm
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.power import effect_variance, power_of
from sfpc_book.estimate.randomisation import coefficient_curve, order_effects, randomisation_test

CLOSE = 1e-9  # references are stored with 13 digits
PRINTED_P = 0.025  # the published p comes from 1,000 random permutations: two standard errors
PRINTED_LIMIT = 0.25  # and its interval from a grid with those permutations, printed to 0.1
GRID = 0.05  # the enumerated interval was searched on this grid
POWER = 1e-7  # swCRTdesign's normal quantiles are rounded


@pytest.mark.parametrize(("clusters", "weights"), [("14", "equal"), ("14", "children"), ("5", "equal")])
def test_two_way_panel_model_equals_fixest(clusters: str, weights: str) -> None:
    frame, _ = reference(clusters)
    fit = fit_two_way(frame, weights=weights)
    for quantity, value in expected(clusters, weights, "panel_two_way").items():
        assert getattr(fit, quantity) == pytest.approx(value, rel=CLOSE), quantity
    assert fit.df == fit.n_clusters - 1


@pytest.mark.parametrize("clusters", ["14", "5"])
@pytest.mark.parametrize("kind", ["CR0", "CR2", "CR3"])
def test_few_cluster_variance_equals_clubsandwich(clusters: str, kind: str) -> None:
    frame, _ = reference(clusters)
    design = dummies(frame)
    outcome = frame["value_mean"].to_numpy()
    estimate = np.linalg.lstsq(design, outcome, rcond=None)[0][0]
    contrast = np.eye(1, design.shape[1])
    found = cluster_variance(
        design, outcome, np.ones(len(frame)), frame["authority"].to_numpy(), contrast, kind=kind
    )
    error, df = found.std_error[0], found.df[0]
    ours = {
        "estimate": estimate,
        "std_error": error,
        "df": df,
        "p_value": 2 * stats.t.sf(abs(estimate / error), df),
    }
    assert ours == pytest.approx(dict(expected(clusters, "equal", kind)), rel=CLOSE)


def test_exact_test_of_five_clusters_equals_the_full_enumeration() -> None:
    """24 of 120 permutations. The reference keeps effects with p equal to 0.05 in its set; a set above that
    level by a hair keeps them too."""
    frame, design = reference("5")
    effects = order_effects(cells_of(frame), design, weights="equal")
    value = expected("5", "equal", "randomisation")
    assert randomisation_test(effects).p_value == pytest.approx(value["p_value"])
    low, high = coefficient_curve(effects).confidence_set(0.9501)
    assert value["conf_low"] - GRID <= low <= value["conf_low"]
    assert value["conf_high"] <= high <= value["conf_high"] + GRID


def test_monte_carlo_test_of_fourteen_clusters_agrees_with_the_published_one() -> None:
    frame, design = reference("14")
    value = expected("14", "equal", "randomisation")
    test = randomisation_test(order_effects(cells_of(frame), design, weights="equal"))
    assert test.estimate == pytest.approx(value["estimate"], abs=1e-6)
    assert test.p_value == pytest.approx(value["p_value"], abs=PRINTED_P)
    assert test.conf_low == pytest.approx(value["conf_low"], abs=PRINTED_LIMIT)
    assert test.conf_high == pytest.approx(value["conf_high"], abs=PRINTED_LIMIT)
    assert 0 < test.monte_carlo_error < 0.002
    assert test.n_orders == 100_000


def test_power_equals_swcrtdesign_and_the_closed_form() -> None:
    design = wedge((1, 2, 3, 4, 5))
    cells = cells_of(panel(design).assign(n_children=100))
    value = expected("standard 5", "equal", "power")
    shared = 0.05 / 0.95
    simple = effect_variance(cells, child_variance=1, authority_variance=shared)
    split = effect_variance(
        cells, child_variance=1, authority_variance=0.8 * shared, cell_variance=0.2 * shared
    )
    ours = {
        "power": power_of(0.1, simple),
        "power_cac_0.8": power_of(0.1, split),
        "variance": simple,
    }
    assert ours == pytest.approx(dict(value), rel=POWER)


def test_holm_equals_p_adjust() -> None:
    table = pd.read_csv(GOLDEN / "holm_expected.csv")
    assert holm(table["p_value"].to_numpy()) == pytest.approx(table["holm"].to_numpy(), abs=1e-12)


def test_the_fixtures_are_what_their_script_makes(golden_folder: Path, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_wedge", GOLDEN / "make_wedge.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.write(golden_folder, tmp_path)
    for made in sorted(tmp_path.iterdir()):
        assert filecmp.cmp(made, GOLDEN / made.name, shallow=False), made.name
