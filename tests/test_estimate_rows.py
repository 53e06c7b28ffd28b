"""All rows of an outcome: one number in one home, and a reason wherever there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from estimate_frames import FIVE, FIVE_STRATA, panel, wedge

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import cells_of
from sfpc_book.estimate.estimate import TIDY_COLUMNS
from sfpc_book.estimate.exact_test import exact_test
from sfpc_book.estimate.multiplicity import secondary_family
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.pooled import estimate_pooled
from sfpc_book.estimate.randomisation import LINEAR_STATISTICS
from sfpc_book.estimate.wedge_estimates import estimate_outcome, estimate_outcomes
from sfpc_book.study.registries import Statistic
from sfpc_book.study.study import load_study

DESIGN = wedge(FIVE, FIVE_STRATA)
ANALYSES = [
    "panel_two_way",
    "panel_two_way_unweighted",
    "panel_two_way_cr2",
    "randomisation",
    "randomisation_attainable",
    "exposure_time",
    "exposure_time_average",
]


@dataclass(frozen=True)
class Named:
    """As much of an outcome of the study as estimation asks for."""

    id: str
    unit: str = "proportion"


def rows(frame: pd.DataFrame, **values: object) -> pd.DataFrame:
    return estimate_outcome(frame, DESIGN, outcome="looked_after", horizon=18, **values)


def by_analysis(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop_duplicates("analysis").set_index("analysis")


def test_every_analysis_has_its_rows_in_the_fixed_columns() -> None:
    table = rows(panel(DESIGN), unit="proportion")
    assert tuple(table.columns) == TIDY_COLUMNS
    assert table["analysis"].drop_duplicates().tolist() == ANALYSES
    assert table.loc[table["analysis"] == "exposure_time", "term"].tolist() == [
        f"exposure_time_{time}" for time in range(1, 6)
    ]
    assert (table["status"] == "ok").all()
    assert table["truth"].isna().all()
    assert set(table["estimand"]) == {"immediate", "effect_curve", "time_averaged"}


def test_the_main_coefficient_is_the_same_in_every_row_that_judges_it() -> None:
    frame = panel(DESIGN)
    table = by_analysis(rows(frame))
    judged = ["panel_two_way", "panel_two_way_cr2", "randomisation", "randomisation_attainable"]
    assert table.loc[judged, "estimate"].to_numpy() == pytest.approx(fit_two_way(frame).estimate)
    assert table.loc["panel_two_way", "df"] == 4
    assert table.loc["panel_two_way_cr2", "df"] < 4
    assert table.loc["panel_two_way_unweighted", "estimate"] != table.loc["panel_two_way", "estimate"]


def test_randomisation_rows_show_what_twelve_orders_can_give() -> None:
    table = by_analysis(rows(panel(DESIGN)))
    asked, attainable = table.loc["randomisation"], table.loc["randomisation_attainable"]
    assert (asked["conf_low"], asked["conf_high"]) == (-math.inf, math.inf)
    assert asked["conf_level"] == 0.95
    assert attainable["conf_level"] == attainable["level_maximum"] == pytest.approx(11 / 12)
    assert np.isfinite([attainable["conf_low"], attainable["conf_high"]]).all()
    assert asked["n_orders"] == 12
    assert asked["p_minimum"] == pytest.approx(1 / 12)
    assert np.isnan(asked["std_error"])


def test_counts_are_those_of_the_cells_observed() -> None:
    frame = panel(DESIGN)
    frame.loc[frame["authority"] == "e", "n_children"] = 0
    row = rows(frame).iloc[0]
    used = frame[frame["n_children"] > 0]
    assert row["n_children"] == used["n_children"].sum()
    assert row["n_events"] == used["n_events"].sum()
    assert row["n_clusters"] == 4
    assert rows(frame.assign(n_events=np.nan)).loc[0, "n_events"] is pd.NA


def test_a_horizon_in_the_future_has_a_row_for_each_analysis_and_no_number() -> None:
    frame = panel(DESIGN)
    future = frame.assign(n_not_observed=frame["n_children"], n_children=0, value_mean=np.nan)
    when = pd.Timestamp("2025-11-24")
    table = rows(future, observable_from=when)
    assert table["analysis"].tolist() == ANALYSES
    assert (table["status"] == "not_observed").all()
    assert table[["estimate", "p_value", "conf_low", "conf_high"]].isna().all(axis=None)
    assert (table["observable_from"] == when).all()
    assert (table["observed_share"] == 0).all()


def test_a_horizon_partly_in_the_future_is_estimated_on_what_is_observed_and_says_so() -> None:
    frame = panel(DESIGN)
    late = frame["period"] == 5
    frame.loc[late, "n_not_observed"] = frame.loc[late, "n_children"]
    frame.loc[late, "n_children"] = 0
    table = rows(frame)
    assert (table["status"] == "partly_observed").all()
    share = frame["n_children"].sum() / (frame["n_children"] + frame["n_not_observed"]).sum()
    assert table["observed_share"].to_numpy() == pytest.approx(share)
    assert table.loc[0, "n_periods"] == 5


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda f: f[f["authority"] == "a"], "not_estimable: one authority"),
        (lambda f: f.assign(value_mean=0.0), "not_estimable: constant outcome"),
        (lambda f: f.assign(n_children=0), "not_estimable: no child with an observed outcome"),
        (lambda f: f[f["period"] == 0], "not_identified"),
        (lambda f: f.iloc[:0], "not_estimable: no child with an observed outcome"),
    ],
)
def test_what_cannot_be_estimated_has_a_status_in_every_row(change, status: str) -> None:
    table = rows(change(panel(DESIGN)))
    assert table["analysis"].tolist() == ANALYSES
    assert (table["status"] == status).all()
    assert table["estimate"].isna().all()
    assert (table["identified"] == (status != "not_identified")).all()


def test_an_unidentified_exposure_time_is_marked_and_the_rest_stands() -> None:
    frame = panel(DESIGN)
    frame.loc[(frame["authority"] == "a") & (frame["period"] < 5), "n_children"] = 0
    table = rows(frame)
    last = table[table["term"] == "exposure_time_5"].iloc[0]
    assert (last["status"], last["identified"]) == ("not_identified", False)
    assert table["term"].iloc[-1] == "exposure_time_average_of_1_2_3_4"


def test_the_planted_effect_is_found_by_every_constant_effect_analysis() -> None:
    table = by_analysis(rows(panel(DESIGN, effect=-0.015, noise=1e-6)))
    assert table["estimate"].to_numpy() == pytest.approx(-0.015, abs=1e-5)


def test_outcomes_and_horizons_are_estimated_each_from_its_own_cells() -> None:
    first, second = panel(DESIGN, seed=1), panel(DESIGN, seed=2).assign(horizon=36)
    other = panel(DESIGN, seed=3).assign(outcome="neet")
    everything = pd.concat([first, second, other, first.assign(sample="sensitivity")])
    seen = pd.DataFrame(
        {
            "model": DESIGN.model_id,
            "outcome": "looked_after",
            "horizon": [18, 18, 36],
            "fully_observed_from": pd.to_datetime(["2024-05-01", "2024-06-01", "2026-01-01"]),
        }
    )
    table = estimate_outcomes(
        everything,
        DESIGN,
        [Named("looked_after"), Named("neet")],
        (18, 36),
        observability=seen,
        data_status="returns",
    )
    main = table[table["analysis"] == "panel_two_way"].set_index(["outcome", "horizon"])
    assert main.loc[("looked_after", 18), "estimate"] == fit_two_way(first).estimate
    assert main.loc[("looked_after", 36), "estimate"] == fit_two_way(second).estimate
    assert main.loc[("neet", 18), "estimate"] == fit_two_way(other).estimate
    assert main.loc[("neet", 36), "status"].startswith("not_estimable")
    assert main.loc[("looked_after", 18), "observable_from"] == pd.Timestamp("2024-06-01")
    assert set(table["data_status"]) == {"returns"}


def test_equal_inputs_give_equal_bytes() -> None:
    frame = panel(DESIGN)
    assert rows(frame).to_csv(index=False) == rows(frame.sample(frac=1, random_state=1)).to_csv(index=False)


def test_a_panel_of_another_wedge_is_refused() -> None:
    with pytest.raises(EstimationError, match="not that of the wedge"):
        estimate_outcome(panel(wedge((2, 1, 3, 4, 5))), DESIGN, outcome="looked_after", horizon=18)


def test_the_unit_of_every_outcome_is_that_of_its_numbers_as_they_stand():
    study = load_study(Path(__file__).parents[1] / "study.yml")
    units = {outcome.scale: outcome.unit for outcome in study.outcomes.values()}
    assert units == {
        "binary": "proportion",
        "days": "days",
        "count": "placements",
        "share": "proportion of sessions",
    }
    table = rows(panel(DESIGN), unit=study.outcomes["looked_after"].unit)
    numbers = table.loc[table["unit"].str.startswith("proportion"), "estimate"].dropna()
    assert len(numbers) and numbers.abs().max() <= 1


def test_the_statistic_of_the_exact_tests_is_chosen_in_the_study_file_by_a_name_that_the_estimates_know() -> (
    None
):
    study = load_study(Path(__file__).parents[1] / "study.yml")
    assert study.statistic == "two_way"
    assert get_args(Statistic) == tuple(LINEAR_STATISTICS)
    chosen = study.analyses["randomisation"].model_copy(update={"statistic": "vertical"})
    changed = study.model_copy(update={"analyses": study.analyses | {"randomisation": chosen}})
    assert changed.statistic == "vertical"


def test_one_word_changes_every_exact_test() -> None:
    frame = panel(DESIGN, seed=2)
    plain, changed = (by_analysis(rows(frame, statistic=name)) for name in ("two_way", "vertical"))
    test = exact_test(cells_of(frame), DESIGN, statistic="vertical")
    exact = ["randomisation", "randomisation_attainable"]
    assert changed.loc[exact, "estimate"].tolist() == [test.estimate] * 2
    assert changed.loc["randomisation", "p_value"] == test.p_value
    others = [name for name in plain.index if name not in exact]
    pd.testing.assert_frame_equal(plain.loc[others], changed.loc[others])
    family = [
        secondary_family(frame, DESIGN, ["looked_after"], 18, statistic=name)
        for name in ("two_way", "vertical")
    ]
    assert [table["p_value"].iloc[0] for table in family] == [
        plain.loc["randomisation", "p_value"],
        test.p_value,
    ]
    pooled = estimate_pooled(
        {"m": frame}, {"m": DESIGN}, outcome="looked_after", horizon=18, statistic="vertical"
    )
    assert pooled["estimate"].iloc[0] == pytest.approx(test.estimate)


def test_a_statistic_that_is_not_identified_has_a_status_beside_the_others_numbers() -> None:
    """a is not seen in the period in which it goes live, so no crossover is; its change is seen around it."""
    frame = panel(DESIGN, seed=2)
    seen = frame["authority"].isin(["a", "d", "e"]) & (frame["period"] < 3)
    frame.loc[~seen | ((frame["authority"] == "a") & (frame["period"] == 1)), "n_children"] = 0
    found = by_analysis(rows(frame, statistic="crossover"))
    assert found.loc["panel_two_way", "status"] == "ok"
    assert set(found.loc[["randomisation", "randomisation_attainable"], "status"]) == {"not_identified"}
    assert by_analysis(rows(frame)).loc["randomisation", "status"] == "ok"
