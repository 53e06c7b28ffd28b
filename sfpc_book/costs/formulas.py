"""The arithmetic of the cost-benefit calculation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from sfpc_book.costs.unit_costs import Input, UnitCosts, WeeklyPrice


@dataclass(frozen=True)
class Effect:
    """Avoided days in care per child: value, low, high; positive means fewer days.

    `observed_share` is the share of children followed to the horizon so far, of whom alone it speaks.
    """

    value: float
    low: float
    high: float
    status: str
    data_status: str
    observed_share: float = math.nan


@dataclass(frozen=True)
class Setting:
    """What one calculation rests on: model, horizon, how days are reached, prices."""

    model: str
    horizon: int
    route: str
    costs: UnitCosts
    weekly: WeeklyPrice
    days: Input | None
    delivery: Input
    price_status: str


def discount_factor(rate: float, months: float) -> float:
    """Mean of (1 + rate)^-t over t from 0 to months/12 years: care avoided evenly over the horizon."""
    years = months / 12
    if rate == 0 or years == 0:
        return 1.0
    return (1 - (1 + rate) ** -years) / (years * math.log(1 + rate))


def break_even(setting: Setting) -> float:
    """Effect on the route's outcome at which savings pay for delivery (negative: a reduction).

    Days per child on the days route; a risk difference, as a proportion, on the cases route.
    """
    factor = discount_factor(setting.costs.discount_rate, setting.horizon)
    per_day = setting.weekly.price.value / 7 * factor
    days = 1.0 if setting.days is None else setting.days.value
    return -setting.delivery.value / (per_day * days)


def break_even_range(setting: Setting) -> list[float]:
    """Break-even effect at the inputs' values, and over their plausible ranges."""
    price, delivery = setting.weekly.price, setting.delivery
    days = setting.days
    easy = {"value": price.high}, {"value": delivery.low}, {"value": days.high if days else 0}
    hard = {"value": price.low}, {"value": delivery.high}, {"value": days.low if days else 0}
    found = [break_even(setting)]
    for of_price, of_delivery, of_days in (easy, hard):
        moved = replace(
            setting,
            weekly=replace(setting.weekly, price=price.model_copy(update=of_price)),
            delivery=delivery.model_copy(update=of_delivery),
            days=days.model_copy(update=of_days) if days else None,
        )
        found.append(break_even(moved))
    return found
