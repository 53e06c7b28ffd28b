"""Adjustment for several outcomes, and what a design can detect."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from estimate_frames import FIVE, FIVE_STRATA, naive_statistics, panel, wedge

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import cells_of
from sfpc_book.estimate.multiplicity import ADJUSTED_COLUMNS, secondary_family, step_down_max_t
from sfpc_book.estimate.power import (
    detectable_effects,
    effect_variance,
    minimum_detectable_effect,
    power_of,
)

DESIGN = wedge(FIVE, FIVE_STRATA)
NAMES = ("neet", "reunification", "days_in_care")


def family(effects: tuple[float, ...] = (0.0, 0.05, 0.0)) -> pd.DataFrame:
    frames = [
        panel(DESIGN, seed=seed, effect=effect).assign(outcome=name)
        for seed, (name, effect) in enumerate(zip(NAMES, effects, strict=True))
    ]
    return pd.concat(frames, ignore_index=True)


def test_step_down_max_t_equals_the_closed_test_by_brute_force() -> None:
    """An outcome is rejected when every family that holds it is, by the largest statistic in that family."""
    sizes = np.abs(np.random.default_rng(1).normal(size=(4, 60)))
    ours = step_down_max_t(sizes)
    for outcome in range(4):
        families = [
            list(members)
            for length in range(1, 5)
            for members in itertools.combinations(range(4), length)
            if outcome in members
        ]
        largest = [
            np.mean(sizes[members].max(axis=0) >= sizes[members, 0].max() - 1e-12) for members in families
        ]
        assert ours[outcome] == pytest.approx(max(largest))


def test_adjusted_p_lies_between_the_single_p_and_holm_at_these_orders() -> None:
    table = secondary_family(family(), DESIGN, NAMES, 18)
    assert table["outcome"].tolist() == list(NAMES)
    assert set(ADJUSTED_COLUMNS) <= set(table.columns)
    assert (table["p_max_t"] >= table["p_value"] - 1e-12).all()
    assert (table["p_holm"] >= table["p_value"]).all()
    assert table["n_family"].tolist() == [3.0] * 3


def test_single_p_values_equal_a_naive_enumeration() -> None:
    panels = family()
    table = secondary_family(panels, DESIGN, NAMES, 18).set_index("outcome")
    for name in NAMES:
        frame = panels[panels["outcome"] == name]
        values = np.abs(naive_statistics(frame, DESIGN, frame["n_children"].to_numpy(float)))
        assert table.loc[name, "p_value"] == pytest.approx(np.mean(values >= values[0] * (1 - 1e-9)))


def test_the_attainable_minimum_of_holm_grows_with_the_family_and_that_of_max_t_does_not() -> None:
    table = secondary_family(family(), DESIGN, NAMES, 18)
    assert table["p_minimum_max_t"].to_numpy() == pytest.approx(1 / 12)
    assert table["p_minimum_holm"].to_numpy() == pytest.approx(3 / 12)


def test_an_outcome_without_an_estimate_is_outside_the_family() -> None:
    panels = family()
    panels.loc[panels["outcome"] == "neet", "n_children"] = 0
    table = secondary_family(panels, DESIGN, NAMES, 18)
    assert table["in_family"].tolist() == [False, True, True]
    assert np.isnan(table.loc[0, "p_max_t"])
    assert table.loc[1, "n_family"] == 2
    none = secondary_family(panels, DESIGN, NAMES, 36)
    assert not none["in_family"].any()


def test_variance_equals_the_hussey_hughes_formula_for_equal_cells() -> None:
    cells = cells_of(panel(wedge(FIVE)).assign(n_children=50))
    x = np.zeros((5, 6))
    for row, start in enumerate(FIVE):
        x[row, start:] = 1
    clusters, periods, within, between = 5, 6, 0.06 / 50, 0.002
    u, w, v = x.sum(), (x.sum(axis=0) ** 2).sum(), (x.sum(axis=1) ** 2).sum()
    formula = (clusters * within * (within + periods * between)) / (
        (clusters * u - w) * within + (u**2 + clusters * periods * u - periods * w - clusters * v) * between
    )
    ours = effect_variance(cells, child_variance=0.06, authority_variance=between)
    assert ours == pytest.approx(formula, rel=1e-10)


def test_variance_equals_that_of_simulated_estimates() -> None:
    """Known variances, unequal and missing cells: generalised least squares on drawn means."""
    frame = panel(wedge(FIVE), children=(20, 200))
    frame.loc[[4, 17], "n_children"] = 0
    cells = cells_of(frame)
    within, between = 0.06, 0.001
    noise = np.diag(within / cells.weight) + between * (cells.authority[:, None] == cells.authority)
    design = np.column_stack([cells.exposed, cells.period[:, None] == np.arange(6)]).astype(float)
    precision = np.linalg.inv(noise)
    solver = np.linalg.solve(design.T @ precision @ design, design.T @ precision)
    draws = np.random.default_rng(5).multivariate_normal(np.zeros(len(noise)), noise, size=20_000)
    simulated = float((draws @ solver[0]).var())
    ours = effect_variance(cells, child_variance=within, authority_variance=between)
    assert ours == pytest.approx(simulated, rel=4 * np.sqrt(2 / 20_000))


@pytest.mark.parametrize("df", [None, 4.0])
def test_the_minimum_detectable_effect_is_detected_with_the_power_asked_for(df: float | None) -> None:
    effect = minimum_detectable_effect(0.0004, power=0.8, df=df)
    assert power_of(effect, 0.0004, df=df) == pytest.approx(0.8, abs=1e-8)
    if df is None:
        assert effect == pytest.approx((1.959964 + 0.841621) * 0.02, rel=1e-4)


def test_few_authorities_need_a_larger_effect_than_known_variances() -> None:
    table = detectable_effects(
        cells_of(panel(DESIGN)), child_variance=0.05, intracluster_correlations=(0.01, 0.05)
    )
    assert (table["minimum_t"] > table["minimum_normal"]).all()
    assert table["intracluster_correlation"].tolist() == [0.01, 0.05]


def test_a_design_without_an_identified_effect_has_no_variance() -> None:
    frame = panel(DESIGN)
    last = (frame["period"] == 5).astype(int)
    cells = cells_of(frame.assign(exposed=last, exposure_time=last))
    with pytest.raises(EstimationError, match="does not identify"):
        effect_variance(cells, child_variance=0.05, authority_variance=0.001)
