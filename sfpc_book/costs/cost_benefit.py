"""A first cost-benefit calculation: days in care avoided, at the weekly cost of care, against delivery.

Only the authority's own spending on care is counted; delivery is paid at the start and not discounted. An
interval is that of the effect alone, carried through: prices and assumed quantities are held at their value,
and their plausible range stands beside them. The range of `delivery` and `break_even` is that of the inputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from sfpc_book.costs.formulas import Effect, Setting, break_even_range, discount_factor
from sfpc_book.costs.unit_costs import Input, UnitCosts, in_price_year, weekly_price
from sfpc_book.errors import ContractError
from sfpc_book.study.study import Study

LINE_COLUMNS = [
    "model",
    "horizon",
    "route",
    "kind",
    "line",
    "text",
    "value",
    "low",
    "high",
    "unit",
    "price_year",
    "assumed",
    "grade",
    "source",
    "status",
    "observed_share",
    "data_status",
]
DAYS, CASES = "days_in_care", "looked_after"
PER = 1000.0  # every total is per 1,000 children first referred
NAN = math.nan
INVENTED = "Synthetic statistics in the layout of: "


def cost_lines(
    study: Study,
    model: str,
    estimates: pd.DataFrame,
    costs: UnitCosts,
    series: pd.DataFrame | None = None,
    *,
    series_status: str = "published",
    analysis: str = "panel_two_way",
) -> pd.DataFrame:
    """Every line of the calculation for one model, at each horizon.

    Parameters
    ----------
    estimates : DataFrame
        Tidy estimates. Used: `days_in_care` where the model has it, else `looked_after` times an assumed
        number of days; sample "main", the given `analysis`.
    series : DataFrame, optional
        Published series, for the weekly cost of the model's own authorities.
    series_status
        data_status of `series`: "published" or "synthetic".

    Returns
    -------
    DataFrame with LINE_COLUMNS: inputs, then results per 1,000 children first referred. A result whose effect
    was not estimated is missing and carries the estimate's status.

    Raises
    ------
    ContractError
        If the unit costs lack the model's delivery cost or a horizon's days per case.
    """
    part = study.models[model]
    codes = tuple(study.authorities[slug].la_code for slug in part.trial_authorities)
    weekly = weekly_price(costs, series, codes)
    if weekly.authorities and series_status == "synthetic":
        source = f"{INVENTED}{weekly.price.source}"
        weekly = replace(weekly, price=weekly.price.model_copy(update={"source": source}))
    route = DAYS if DAYS in part.outcomes else CASES
    _require(costs, model, study.horizons if route == CASES else ())
    rows: list[dict[str, object]] = []
    for horizon in study.horizons:
        setting = Setting(
            model=model,
            horizon=horizon,
            route=route,
            costs=costs,
            weekly=weekly,
            days=None if route == DAYS else costs.days_per_case[horizon],
            delivery=in_price_year(costs.delivery_cost[model], costs),
            price_status=series_status if weekly.authorities else "",
        )
        rows += lines(setting, effect_of(estimates, setting, analysis))
    return pd.DataFrame(rows, columns=LINE_COLUMNS)


def _require(costs: UnitCosts, model: str, horizons: Iterable[int]) -> None:
    problems = [
        f"days_per_case has no {horizon}; it has {', '.join(map(str, costs.days_per_case))}"
        for horizon in horizons
        if horizon not in costs.days_per_case
    ]
    if model not in costs.delivery_cost:
        problems.append(f"delivery_cost has no {model}; it has {', '.join(costs.delivery_cost)}")
    if problems:
        raise ContractError("The unit costs do not cover this study", problems)


def effect_of(estimates: pd.DataFrame, setting: Setting, analysis: str) -> Effect:
    """The estimate as avoided days per child; missing, with a status, where there is none."""
    chosen = estimates[
        (estimates["model"] == setting.model)
        & (estimates["outcome"] == setting.route)
        & (estimates["horizon"] == setting.horizon)
        & (estimates["analysis"] == analysis)
        & (estimates["sample"] == "main")
    ]
    if chosen.empty:
        return Effect(NAN, NAN, NAN, f"not_estimable: no {analysis} estimate of {setting.route}", "")
    row = chosen.iloc[0]
    days = 1.0 if setting.days is None else setting.days.value
    return Effect(
        value=-days * float(row["estimate"]),
        low=-days * float(row["conf_high"]),
        high=-days * float(row["conf_low"]),
        status=str(row["status"]),
        data_status=str(row["data_status"]),
        observed_share=float(row["observed_share"]) if pd.notna(row["observed_share"]) else NAN,
    )


def lines(setting: Setting, effect: Effect) -> list[dict[str, object]]:
    """Inputs and results of one model at one horizon, as rows with LINE_COLUMNS."""
    return [*_inputs(setting, effect), *_results(setting, effect)]


def _inputs(setting: Setting, effect: Effect) -> Iterable[dict[str, object]]:
    costs, weekly = setting.costs, setting.weekly
    yield _input(setting, effect, "weekly_cost", weekly.text, weekly.price, "pounds a week")
    if setting.days is not None:
        yield _input(setting, effect, "days_per_case", costs.days_text, setting.days, "days")
    yield _input(setting, effect, "delivery_cost", costs.delivery_text, setting.delivery, "pounds per child")
    rate = Input(
        value=costs.discount_rate,
        low=costs.discount_rate,
        high=costs.discount_rate,
        year=costs.price_year,
        grade="A",
        assumed=False,
        source=costs.discount_source,
    )
    yield _input(setting, effect, "discount_rate", "Rate at which later pounds count less", rate, "a year")


def _input(
    setting: Setting, effect: Effect, line: str, text: str, item: Input, unit: str
) -> dict[str, object]:
    return {
        **_common(setting, effect),
        "kind": "input",
        "line": line,
        "text": text,
        "value": item.value,
        "low": item.low,
        "high": item.high,
        "unit": unit,
        "assumed": item.assumed,
        "grade": item.grade,
        "source": item.source,
        "status": "ok",
    }


def _results(setting: Setting, effect: Effect) -> Iterable[dict[str, object]]:
    price = setting.weekly.price.value / 7
    factor = discount_factor(setting.costs.discount_rate, setting.horizon)
    pounds, per_thousand = "pounds per 1,000 children", "days per 1,000 children"
    avoided = [PER * days for days in (effect.value, effect.low, effect.high)]
    gross = [price * days for days in avoided]
    saving = [factor * amount for amount in gross]
    item = setting.delivery
    delivery = [PER * amount for amount in (item.value, item.low, item.high)]
    net = [amount - delivery[0] for amount in saving]
    status = effect.status
    yield _result(setting, effect, "avoided_days", "Days in care avoided", avoided, per_thousand, status)
    yield _result(setting, effect, "gross_saving", "Care not paid for, undiscounted", gross, pounds, status)
    yield _result(setting, effect, "saving", "Care not paid for, discounted", saving, pounds, status)
    yield _result(setting, effect, "delivery", "Delivery of the model", delivery, pounds, "ok")
    yield _result(setting, effect, "net", "Care not paid for less delivery, discounted", net, pounds, status)
    text = "Effect at which care not paid for equals delivery"
    even = break_even_range(setting)  # cases per child become cases per 1,000
    unit = "days per child" if setting.days is None else "per 1,000 children"
    even = even if setting.days is None else [PER * value for value in even]
    yield _result(setting, effect, "break_even", text, even, unit, "ok")
    missing = [NAN, NAN, NAN]
    yield {
        **_result(setting, effect, "wider", setting.costs.wider.text, missing, "", "not_valued"),
        "kind": "wider",
    }


def _result(
    setting: Setting, effect: Effect, line: str, text: str, numbers: list[float], unit: str, status: str
) -> dict[str, object]:
    """A result row from value, low, high; the ends are put in order, and -0 becomes 0."""
    value, *ends = (number + 0.0 for number in numbers)
    low, high = sorted(ends) if all(map(math.isfinite, ends)) else ends
    return {
        **_common(setting, effect),
        "kind": "fiscal",
        "line": line,
        "text": text,
        "value": value,
        "low": low,
        "high": high,
        "unit": unit,
        "status": status,
    }


def _common(setting: Setting, effect: Effect) -> dict[str, object]:
    used = [setting.weekly.price, setting.delivery, *([setting.days] if setting.days else [])]
    return {
        "model": setting.model,
        "horizon": setting.horizon,
        "route": setting.route,
        "price_year": setting.costs.price_year,
        "assumed": any(item.assumed for item in used),
        "grade": max(item.grade for item in used),  # the weakest input grades the result
        "source": "computed",
        "observed_share": effect.observed_share,
        "data_status": "synthetic" if setting.price_status == "synthetic" else effect.data_status,
    }
