"""The wild cluster bootstrap-t against boottest and against refitting every pattern; leave-one-out rows."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pandas as pd
import pytest
from estimate_frames import (
    FIVE,
    FIVE_STRATA,
    clustered_t,
    dummies,
    expected,
    naive_statistics,
    panel,
    reference,
    wedge,
)

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import cells_of, subset
from sfpc_book.estimate.exact_test import exact_test
from sfpc_book.estimate.leave_out import leave_out
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.wild_bootstrap import POINTS, WildBootstrap, wild_bootstrap

DRAWS = 99_999  # of the references
ROOT = 1e-4  # boottest searches its limits to about this
DESIGN = wedge(FIVE, FIVE_STRATA)


def p_at(frame: pd.DataFrame, effect: float, **options: object) -> WildBootstrap:
    """The bootstrap of the hypothesis that the effect is `effect`: that of none with it taken out."""
    cells = cells_of(frame)
    return wild_bootstrap(dataclasses.replace(cells, mean=cells.mean - effect * cells.exposed), **options)


@pytest.mark.parametrize("clusters", ["14", "5"])
def test_sign_patterns_equal_boottest_but_for_the_two_ties(clusters: str) -> None:
    """boottest counts larger statistics only; the observed pattern and its mirror are extreme here."""
    found = wild_bootstrap(cells_of(reference(clusters)[0]), kind="rademacher", weights="equal")
    value = expected(clusters, "equal", "rademacher")
    patterns = 2 ** int(clusters)
    assert (found.n_patterns, found.exact, found.monte_carlo_error) == (patterns, True, 0.0)
    assert found.p_value == value["p_value"] + 2 / patterns
    assert found.p_minimum == 2 / patterns
    assert found.level_maximum == 1 - 2 / patterns


def test_limits_by_sign_patterns_equal_boottests() -> None:
    """At the level that leaves out as many patterns as 0.05 does there, the two ties added."""
    level = 1 - (math.floor(0.05 * 2**14) + 2.5) / 2**14
    found = wild_bootstrap(cells_of(reference("14")[0]), kind="rademacher", weights="equal", conf_level=level)
    value = expected("14", "equal", "rademacher")
    assert (found.conf_low, found.conf_high) == pytest.approx(
        (value["conf_low"], value["conf_high"]), abs=ROOT
    )


@pytest.mark.parametrize(("clusters", "exact"), [("14", False), ("5", True)])
def test_webb_weights_agree_with_boottest_within_monte_carlo_error(clusters: str, exact: bool) -> None:
    """p of no effect, and p at boottest's limits, which is 0.05 there."""
    frame, value = reference(clusters)[0], expected(clusters, "equal", "webb")
    for effect, p_value in ((0.0, value["p_value"]), (value["conf_low"], 0.05), (value["conf_high"], 0.05)):
        found = p_at(frame, effect, weights="equal")
        error = math.sqrt(p_value * (1 - p_value) / DRAWS + found.monte_carlo_error**2)
        ties = found.p_minimum if exact else 0.0  # as above
        assert found.p_value - ties == pytest.approx(p_value, abs=3 * error)
        assert found.exact is exact
        assert (found.monte_carlo_error > 0) is not exact


def test_five_authorities_have_no_bounded_95_percent_interval_by_signs() -> None:
    found = wild_bootstrap(cells_of(reference("5")[0]), kind="rademacher", weights="equal")
    assert (found.p_value, found.conf_low, found.conf_high) == (0.0625, -math.inf, math.inf)
    attainable = wild_bootstrap(
        cells_of(reference("5")[0]), kind="rademacher", weights="equal", conf_level=found.level_maximum
    )
    assert math.isfinite(attainable.conf_low) and math.isfinite(attainable.conf_high)


def naive_bootstrap(frame: pd.DataFrame, kind: str, effect: float) -> float:
    """Build and refit every bootstrap sample."""
    weight, root = frame["n_children"].to_numpy(float), np.sqrt(frame["n_children"].to_numpy(float))
    y = (frame["value_mean"] - effect * frame["exposed"]).to_numpy()
    restricted = dummies(frame)[:, 1:]
    fitted = restricted @ np.linalg.lstsq(restricted * root[:, None], y * root, rcond=None)[0]
    names = frame["authority"].unique()
    sizes = []
    for pattern in itertools.product(POINTS[kind], repeat=len(names)):
        sign = frame["authority"].map(dict(zip(names, pattern, strict=True))).to_numpy()
        sizes.append(abs(clustered_t(frame.assign(value_mean=fitted + sign * (y - fitted)), weight)))
    observed = abs(clustered_t(frame.assign(value_mean=y), weight))
    return float(np.mean(np.array(sizes) >= observed * (1 - 1e-9)))


@pytest.mark.parametrize("dropped", [(), (3, 11)])
@pytest.mark.parametrize("effect", [0.0, 0.02])
def test_p_equals_refitting_every_sign_pattern(dropped: tuple[int, ...], effect: float) -> None:
    frame = panel(DESIGN, seed=4, effect=0.02)
    frame.loc[list(dropped), "n_children"] = 0
    kept = frame[frame["n_children"] > 0]
    found = p_at(frame, effect, kind="rademacher")
    assert found.p_value == pytest.approx(naive_bootstrap(kept, "rademacher", effect))


def test_p_equals_refitting_every_six_point_pattern_of_three_authorities() -> None:
    frame = panel(wedge((1, 2, 3)), seed=4, effect=0.02)
    found = wild_bootstrap(cells_of(frame))
    assert found.n_patterns == 216
    assert found.p_value == pytest.approx(naive_bootstrap(frame, "webb", 0.0))


def test_the_sign_of_an_authority_without_residuals_doubles_the_attainable_minimum() -> None:
    """b has one cell, which its own effect fits: its sign changes nothing, so four patterns tie, not two."""
    frame = panel(DESIGN, seed=4, effect=0.02)
    frame.loc[(frame["authority"] == "b") & (frame["period"] != 3), "n_children"] = 0
    kept = frame[frame["n_children"] > 0]
    found = wild_bootstrap(cells_of(frame), kind="rademacher")
    assert found.p_minimum == 4 / 32
    assert found.level_maximum <= 1 - 4 / 32
    assert found.p_value == pytest.approx(naive_bootstrap(kept, "rademacher", 0.0))


@pytest.mark.parametrize(("kind", "level"), [("rademacher", 0.9), ("webb", 0.95)])
def test_limits_are_where_p_crosses(kind: str, level: float) -> None:
    frame = panel(DESIGN, seed=7, effect=0.03)
    found = wild_bootstrap(cells_of(frame), kind=kind, conf_level=level)
    step = 1e-6 * (found.conf_high - found.conf_low)
    for limit, outwards in ((found.conf_low, -step), (found.conf_high, step)):
        assert p_at(frame, limit - outwards, kind=kind).p_value > 1 - level
        assert p_at(frame, limit + outwards, kind=kind).p_value <= 1 - level + 1e-12


def test_draws_follow_the_seed_and_the_estimate_is_the_panel_models() -> None:
    cells = cells_of(panel(wedge(tuple(range(1, 9)))))
    one, again, other = (wild_bootstrap(cells, seed=seed, draws=999) for seed in (1, 1, 2))
    assert one == again
    assert one.p_value != other.p_value
    assert (one.n_patterns, one.exact) == (1000, False)
    fit = fit_two_way(cells)
    assert (one.estimate, one.statistic) == (fit.estimate, fit.statistic)


def test_unknown_bootstrap_weights_are_refused() -> None:
    with pytest.raises(EstimationError, match="rademacher, webb"):
        wild_bootstrap(cells_of(panel(DESIGN)), kind="mammen")


def test_rows_without_an_authority_are_those_of_the_trial_without_it() -> None:
    frame = panel(DESIGN, seed=8, effect=0.02)
    rows = leave_out(cells_of(frame), DESIGN, statistic="vertical")
    assert [(row.kind, row.left_out) for row in rows] == [
        *(("authority", name) for name in "abcde"), *(("period", str(period)) for period in range(6)),
    ]  # fmt: skip
    assert [row.test.n_orders for row in rows] == [6, 6, 4, 4, 4, *[12] * 6]
    for row, (kind, left_out) in zip(rows, [(row.kind, row.left_out) for row in rows], strict=True):
        kept = frame[frame[kind].astype(str) != left_out]
        assert row.fit == fit_two_way(kept)
        design = DESIGN.among(set("abcde") - {left_out}) if kind == "authority" else DESIGN
        assert row.test == exact_test(cells_of(kept), design, statistic="vertical")


def test_the_exact_p_without_an_authority_equals_a_naive_enumeration_of_the_others() -> None:
    frame = panel(DESIGN, seed=9, effect=0.02)
    row = leave_out(cells_of(frame), DESIGN)[2]
    kept = frame[frame["authority"] != "c"]
    others = DESIGN.among("abde")
    sizes = np.abs(naive_statistics(kept, others, kept["n_children"].to_numpy(float)))
    assert row.test.p_value == pytest.approx(np.mean(sizes >= sizes[0] * (1 - 1e-9)))
    assert row.test.p_minimum == 1 / 4


def test_what_cannot_be_estimated_without_a_part_says_so() -> None:
    """Two authorities, two periods: nothing is left without any of them."""
    design = wedge((1, 2))
    frame = panel(design)
    rows = leave_out(cells_of(frame[frame["period"] < 2]), design)
    statuses = {(row.kind, row.fit.status, row.test_status, row.test is None) for row in rows}
    assert statuses == {
        ("authority", "not_estimable: one authority", "not_estimable: one authority", True),
        ("period", "not_identified", "not_identified", True),
    }


def test_a_subset_of_cells_is_what_the_reduced_panel_gives() -> None:
    frame = panel(DESIGN)
    frame.loc[[4, 20], "n_children"] = 0
    cells = cells_of(frame)
    kept = (cells.authority != 1) & (cells.period != 3)
    reduced = frame[(frame["authority"] != "b") & (frame["period"] != 3)]
    for field, value in dataclasses.asdict(cells_of(reduced)).items():
        assert np.array_equal(getattr(subset(cells, kept), field), value), field
