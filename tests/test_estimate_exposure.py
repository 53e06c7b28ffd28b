"""Effects by time since go-live, and what the constant-effect coefficient averages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from estimate_frames import FIVE, panel, wedge

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import cells_of
from sfpc_book.estimate.exposure_time import average_effect, exposure_time_effects
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.weights import (
    NegativeWeights,
    exposure_weights,
    negative_weight_share,
    negative_weights,
    weight_by_exposure_time,
)

DESIGN = wedge(FIVE)
NEARLY_NONE = 1e-7  # noise so small that estimates show the planted effects


def test_a_growing_effect_is_recovered_at_each_exposure_time() -> None:
    cells = cells_of(panel(DESIGN, growth=0.01, noise=NEARLY_NONE))
    effects = exposure_time_effects(cells)
    assert [effect.term for effect in effects] == [f"exposure_time_{time}" for time in range(1, 6)]
    assert [effect.estimate for effect in effects] == pytest.approx([0.01 * t for t in range(1, 6)], abs=1e-5)


def test_the_average_over_children_and_the_plain_average_are_what_they_say() -> None:
    frame = panel(DESIGN, growth=0.01, noise=NEARLY_NONE)
    exposed = frame[frame["exposed"] == 1]
    over_children = np.average(0.01 * exposed["exposure_time"], weights=exposed["n_children"])
    cells = cells_of(frame)
    assert average_effect(cells).estimate == pytest.approx(over_children, abs=1e-5)
    assert average_effect(cells, average="equal").estimate == pytest.approx(0.03, abs=1e-5)
    assert average_effect(cells).term == "exposure_time_average"
    with pytest.raises(EstimationError, match="children, equal"):
        average_effect(cells, average="periods")


def test_coefficients_equal_least_squares_with_all_dummies() -> None:
    frame = panel(DESIGN, seed=6)
    x = pd.get_dummies(frame[["exposure_time", "authority", "period"]].astype(str), dtype=float)
    x = x.drop(columns=["exposure_time_0", "period_0"])
    root = np.sqrt(frame["n_children"].to_numpy(float))
    y = frame["value_mean"].to_numpy() * root
    solved = np.linalg.lstsq(x.to_numpy() * root[:, None], y, rcond=None)[0]
    ours = [effect.estimate for effect in exposure_time_effects(cells_of(frame))]
    assert ours == pytest.approx(solved[:5].tolist(), rel=1e-8)


def test_a_term_that_the_cells_cannot_tell_from_an_authority_is_not_identified() -> None:
    """a is seen only in the last period, so its exposure time there is its own level."""
    frame = panel(DESIGN)
    frame.loc[(frame["authority"] == "a") & (frame["period"] < 5), "n_children"] = 0
    effects = exposure_time_effects(cells_of(frame))
    assert [effect.identified for effect in effects] == [True, True, True, True, False]
    assert np.isnan(effects[-1].estimate)
    average = average_effect(cells_of(frame))
    assert average.term == "exposure_time_average_of_1_2_3_4"
    assert np.isfinite(average.estimate)


def test_weights_of_the_cells_sum_to_one_and_reproduce_the_coefficient() -> None:
    frame = panel(DESIGN, growth=0.01, noise=NEARLY_NONE)
    table = exposure_weights(cells_of(frame))
    assert table["weight"].sum() == pytest.approx(1)
    assert len(table) == frame["exposed"].sum()
    assert (table["weight"] * 0.01 * table["exposure_time"]).sum() == pytest.approx(
        fit_two_way(frame).estimate, abs=1e-6
    )
    by_time = weight_by_exposure_time(table)
    assert by_time["weight"].sum() == pytest.approx(1)
    assert by_time["exposure_time"].tolist() == [1, 2, 3, 4, 5]


def test_a_standard_wedge_gives_negative_weights_and_can_turn_the_sign() -> None:
    """All effects are positive and grow; the constant-effect coefficient is negative."""
    frame = panel(DESIGN, noise=NEARLY_NONE, children=(100, 101))
    late = (frame["exposure_time"] - 2).clip(lower=0) ** 2
    frame["value_mean"] += 0.02 * late
    share = negative_weight_share(exposure_weights(cells_of(frame)))
    assert 0.05 < share < 0.5
    n_negative = int((exposure_weights(cells_of(frame))["weight"] < 0).sum())
    assert negative_weights(frame) == NegativeWeights(int(frame["exposed"].sum()), n_negative, share)
    assert fit_two_way(frame).estimate < 0 < average_effect(cells_of(frame)).estimate


def test_two_groups_and_two_periods_have_no_negative_weight() -> None:
    design = wedge((1, 1, 2))
    frame = panel(design)
    frame = frame[frame["period"] < 2]
    assert negative_weight_share(exposure_weights(cells_of(frame))) == 0


def test_without_an_identified_effect_there_are_no_weights() -> None:
    frame = panel(DESIGN).assign(exposed=0, exposure_time=0)
    table = exposure_weights(cells_of(frame))
    assert len(table) == 0
    assert np.isnan(negative_weight_share(table))
    assert exposure_time_effects(cells_of(frame)) == ()
    assert not average_effect(cells_of(frame)).identified


def test_a_time_that_one_authority_reached_has_an_estimate_without_an_error() -> None:
    effects = exposure_time_effects(cells_of(panel(DESIGN)))
    assert [np.isfinite(effect.estimate) for effect in effects] == [True] * 5
    assert [np.isfinite(effect.std_error) for effect in effects] == [True] * 4 + [False]
