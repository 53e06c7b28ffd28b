"""Prices with their sources, and the lines of the cost-benefit calculation."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sfpc_book.costs.cost_benefit import LINE_COLUMNS, cost_lines
from sfpc_book.costs.formulas import discount_factor
from sfpc_book.costs.unit_costs import UNIT_COSTS, UnitCosts, in_price_year, load_unit_costs, weekly_price
from sfpc_book.errors import ContractError
from sfpc_book.estimate.estimate import Estimate, combine
from sfpc_book.report.costs import cost_results_table, cost_sentences
from sfpc_book.study.study import Study, load_study


@pytest.fixture(scope="module")
def study(repository: Path) -> Study:
    return load_study(repository / "study.yml")


@pytest.fixture(scope="module")
def costs() -> UnitCosts:
    return load_unit_costs()


@pytest.fixture(scope="module")
def estimates() -> pd.DataFrame:
    def row(model: str, outcome: str, horizon: int, numbers: tuple[float, float, float]) -> Estimate:
        value, low, high = numbers
        return Estimate(
            model, outcome, horizon, "panel_two_way", "ok", estimate=value, conf_low=low, conf_high=high
        )

    return combine(
        [
            row("family_safeguarding", "looked_after", 18, (-0.01, -0.02, 0.005)),
            row("no_wrong_door", "days_in_care", 18, (-10.0, -21.0, 1.0)),
            Estimate("no_wrong_door", "days_in_care", 36, "panel_two_way", "not_observed", identified=True),
        ]
    )


def _series(study: Study, year: int = 2023, value: float = 1400.0) -> pd.DataFrame:
    codes = [part.la_code for part in study.authorities.values()]
    return pd.DataFrame(
        {"authority_code": codes, "year": year, "measure": "weekly_cost_looked_after", "value": value}
    )


def _line(lines: pd.DataFrame, horizon: int, line: str) -> pd.Series:
    return lines[(lines["horizon"] == horizon) & (lines["line"] == line)].iloc[0]


def test_days_route_by_hand(study: Study, costs: UnitCosts, estimates: pd.DataFrame) -> None:
    lines = cost_lines(study, "no_wrong_door", estimates, costs, _series(study))
    factor = discount_factor(0.035, 18)
    assert list(lines.columns) == LINE_COLUMNS
    assert _line(lines, 18, "weekly_cost")["value"] == 1400.0
    days = _line(lines, 18, "avoided_days")
    assert (days["value"], days["low"], days["high"]) == (10_000.0, -1_000.0, 21_000.0)
    assert _line(lines, 18, "gross_saving")["value"] == pytest.approx(10_000 * 200)
    saving = _line(lines, 18, "saving")
    assert saving["value"] == pytest.approx(2_000_000 * factor)
    assert saving["low"] == pytest.approx(-200_000 * factor)
    net = _line(lines, 18, "net")
    assert net["value"] == pytest.approx(saving["value"] - _line(lines, 18, "delivery")["value"])
    assert net["low"] < net["value"] < net["high"]


def test_a_model_without_days_uses_assumed_days_and_says_so(
    study: Study, costs: UnitCosts, estimates: pd.DataFrame
) -> None:
    lines = cost_lines(study, "family_safeguarding", estimates, costs, _series(study))
    assert set(lines["route"]) == {"looked_after"}
    days = _line(lines, 18, "days_per_case")
    assert days["assumed"]
    assert days["low"] < days["value"] < days["high"]
    assert _line(lines, 18, "avoided_days")["value"] == pytest.approx(1000 * 0.01 * days["value"])
    assert _line(lines, 18, "net")["assumed"]
    assert _line(lines, 18, "net")["grade"] == "E"
    assert "days_per_case" not in set(cost_lines(study, "no_wrong_door", estimates, costs)["line"])


@pytest.mark.parametrize("model", ["family_safeguarding", "no_wrong_door"])
def test_at_the_break_even_effect_nothing_is_left_over(model: str, study: Study, costs: UnitCosts) -> None:
    outcome = "looked_after" if model == "family_safeguarding" else "days_in_care"
    nothing = combine([])
    wanted = _line(cost_lines(study, model, nothing, costs, _series(study)), 36, "break_even")
    per = {"per 1,000 children": 1000.0, "days per child": 1.0}[str(wanted["unit"])]
    there = Estimate(model, outcome, 36, "panel_two_way", "ok", estimate=float(wanted["value"]) / per)
    lines = cost_lines(study, model, combine([there]), costs, _series(study))
    assert _line(lines, 36, "net")["value"] == pytest.approx(0.0, abs=1e-6)
    assert wanted["low"] < wanted["value"] < wanted["high"] < 0


def test_an_effect_that_was_not_observed_gives_no_number_and_keeps_its_status(
    study: Study, costs: UnitCosts, estimates: pd.DataFrame
) -> None:
    lines = cost_lines(study, "no_wrong_door", estimates, costs, _series(study))
    net = _line(lines, 36, "net")
    assert math.isnan(net["value"])
    assert net["status"] == "not_observed"
    absent = cost_lines(study, "family_valued", estimates, costs, _series(study))
    assert _line(absent, 18, "net")["status"] == "not_estimable: no panel_two_way estimate of days_in_care"
    assert _line(absent, 18, "break_even")["status"] == "ok"


def test_wider_effects_are_named_but_not_valued(
    study: Study, costs: UnitCosts, estimates: pd.DataFrame
) -> None:
    lines = cost_lines(study, "no_wrong_door", estimates, costs)
    wider = lines[lines["kind"] == "wider"]
    assert len(wider) == 2
    assert wider["value"].isna().all()
    assert set(wider["status"]) == {"not_valued"}


def test_invented_prices_mark_the_lines_as_synthetic(study: Study, costs: UnitCosts) -> None:
    real = Estimate(
        "no_wrong_door", "days_in_care", 18, "panel_two_way", "ok", estimate=-1.0, data_status="returns"
    )
    table = combine([real])
    marked = cost_lines(study, "no_wrong_door", table, costs, _series(study), series_status="synthetic")
    plain = cost_lines(study, "no_wrong_door", table, costs, _series(study))
    assert set(marked["data_status"]) == {"synthetic"}
    assert marked["source"].str.startswith("Synthetic statistics").any()
    assert not plain["source"].str.startswith("Synthetic statistics").any()
    assert _line(plain, 18, "net")["data_status"] == "returns"


@pytest.mark.parametrize(("rate", "months"), [(0.035, 18), (0.035, 36), (0.1, 7)])
def test_discount_factor_is_the_mean_over_the_horizon(rate: float, months: float) -> None:
    times = (np.arange(200_000) + 0.5) / 200_000 * months / 12
    assert discount_factor(rate, months) == pytest.approx(np.mean((1 + rate) ** -times), rel=1e-8)
    assert discount_factor(0.0, months) == 1.0


def test_an_amount_of_another_year_moves_by_the_deflator(costs: UnitCosts) -> None:
    item = costs.delivery_cost["no_wrong_door"]
    moved = in_price_year(item, costs)
    ratio = costs.deflators.index[costs.price_year] / costs.deflators.index[item.year]
    assert moved.value == pytest.approx(item.value * ratio)
    assert moved.year == costs.price_year
    assert in_price_year(moved, costs).value == moved.value


def test_the_weekly_cost_is_the_latest_up_to_the_price_year_and_else_assumed(
    study: Study, costs: UnitCosts
) -> None:
    own = weekly_price(
        costs, pd.concat([_series(study, 2022, 900.0), _series(study, 2023, 1000.0)]), ("335",)
    )
    assert (own.price.value, own.price.assumed, own.authorities) == (1000.0, False, 1)
    later = weekly_price(costs, _series(study, costs.price_year + 1), ("335",))
    assert later.price.assumed
    assert later.price.grade == "E"
    empty = _series(study).assign(value=np.nan)
    assert weekly_price(costs, empty, ("335",)).price.assumed
    assert weekly_price(costs, None, ("335",)).price.assumed


def test_every_assumed_value_is_graded_d_or_e_and_every_value_has_a_source(costs: UnitCosts) -> None:
    items = [costs.weekly_cost.fallback, *costs.days_per_case.values(), *costs.delivery_cost.values()]
    for item in items:
        assert item.source
        assert not item.assumed or item.grade in ("D", "E")


def test_faulty_unit_costs_are_refused_with_every_fault(tmp_path: Path) -> None:
    text = UNIT_COSTS.read_text(encoding="utf-8")
    text = text.replace("low: 180, high: 330", "low: 300, high: 330").replace("discount_rate:", "discount:")
    path = tmp_path / "unit_costs.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        load_unit_costs(path)
    assert "days_per_case.18" in str(caught.value)
    assert "discount_rate" in str(caught.value)
    path.write_text(UNIT_COSTS.read_text(encoding="utf-8").replace("price_year: 2023", "price_year: 2030"))
    with pytest.raises(ContractError, match="2030"):
        load_unit_costs(path)


def test_a_study_the_unit_costs_do_not_cover_is_refused_at_once(study: Study, costs: UnitCosts) -> None:
    short = costs.model_copy(update={"delivery_cost": {}})
    longer = study.model_copy(update={"horizons": (18, 60)})
    with pytest.raises(ContractError) as caught:
        cost_lines(longer, "family_safeguarding", combine([]), short)
    assert "days_per_case has no 60" in str(caught.value)
    assert "delivery_cost has no family_safeguarding" in str(caught.value)


def test_an_amount_from_a_part_of_the_children_says_so_and_what_its_range_leaves_out(
    study: Study, costs: UnitCosts
) -> None:
    part = Estimate(
        "family_safeguarding", "looked_after", 36, "panel_two_way", "partly_observed", estimate=-0.01,
        conf_low=-0.03, conf_high=0.01, observed_share=0.574,
    )  # fmt: skip
    lines = cost_lines(study, "family_safeguarding", combine([part]), costs, _series(study))
    said = cost_sentences(study, lines, "family_safeguarding", 36)
    assert "Observed so far: only 57% of children" in said
    assert "does not carry the doubt about prices or delivery" in said
    table = cost_results_table(lines, "Results").cells
    assert "36 months (57% of children so far)" in set(table["Followed for"])
