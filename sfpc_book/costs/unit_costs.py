"""Prices and quantities with source, year and confidence grade: `data_contracts/unit_costs.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from sfpc_book.errors import ContractError

UNIT_COSTS = Path(__file__).resolve().parents[2] / "data_contracts" / "unit_costs.yml"
Grade = Literal["A", "B", "C", "D", "E"]
ENGLAND = "970"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Input(_Frozen):
    """One value with its plausible range, price year, confidence grade and source."""

    value: float
    low: float
    high: float
    year: int
    grade: Grade
    assumed: bool
    source: str

    @model_validator(mode="after")
    def _ordered(self) -> Input:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.low:g} <= {self.value:g} <= {self.high:g} does not hold")
        return self


class Deflators(_Frozen):
    """Index of prices by year ending 31 March."""

    source: str
    assumed: bool
    grade: Grade
    index: dict[int, float]


class WeeklyCost(_Frozen):
    """Where the weekly cost of care comes from, and what is used without published statistics."""

    measure: str
    text: str
    source: str
    grade: Grade
    fallback: Input


class Wider(_Frozen):
    """Effects beyond the authority's own spending."""

    text: str
    valued: bool


class UnitCosts(_Frozen):
    """Everything `unit_costs.yml` says; amounts keep the price year they were given in."""

    price_year: int
    discount_rate: float
    discount_source: str
    currency: str
    deflators: Deflators
    weekly_cost: WeeklyCost
    days_text: str
    days_per_case: dict[int, Input]
    delivery_text: str
    delivery_cost: dict[str, Input]
    wider: Wider


@dataclass(frozen=True)
class WeeklyPrice:
    """Weekly cost of care in pounds of `price_year`, and what it rests on."""

    price: Input
    text: str
    authorities: int


def load_unit_costs(path: Path = UNIT_COSTS) -> UnitCosts:
    """Read the unit costs.

    Raises
    ------
    ContractError
        With every fault: missing source or grade, a value outside its range, a year without deflator.
    """
    if not path.is_file():
        raise ContractError(f"There are no unit costs at {path}")
    try:
        raw = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        costs = UnitCosts.model_validate(_lifted(raw))
    except MarkedYAMLError as error:
        raise ContractError(f"{path.name} is not valid YAML: {error.problem}") from None
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_url=False)
        ]
        raise ContractError(f"{path.name} does not hold valid unit costs", problems) from None
    problems = _without_deflator(costs)
    if problems:
        raise ContractError(f"{path.name} does not hold valid unit costs", problems)
    return costs


def _lifted(raw: Mapping) -> dict:
    """`text` beside the entries of a group becomes a field of its own."""
    flat = dict(raw)
    for group, name in (("days_per_case", "days_text"), ("delivery_cost", "delivery_text")):
        entries = dict(flat.get(group) or {})
        flat[name] = entries.pop("text", "")
        flat[group] = entries
    return flat


def _without_deflator(costs: UnitCosts) -> list[str]:
    years = {costs.price_year, costs.weekly_cost.fallback.year}
    years |= {item.year for item in costs.delivery_cost.values()}
    known = costs.deflators.index
    return [
        f"deflators.index has no {year}; it has {min(known)} to {max(known)}"
        for year in sorted(years - set(known))
    ]


def in_price_year(item: Input, costs: UnitCosts) -> Input:
    """The same amount in prices of the calculation's price year, by the GDP deflator.

    Raises
    ------
    ContractError
        If there is no deflator for the amount's year.
    """
    index = costs.deflators.index
    if item.year not in index:
        raise ContractError(f"No deflator for {item.year}; there are {min(index)} to {max(index)}")
    factor = index[costs.price_year] / index[item.year]
    moved = {"value": item.value * factor, "low": item.low * factor, "high": item.high * factor}
    return item.model_copy(update={**moved, "year": costs.price_year})


def weekly_price(costs: UnitCosts, series: pd.DataFrame | None, codes: tuple[str, ...]) -> WeeklyPrice:
    """Mean weekly cost over the authorities `codes`, in the price year's prices.

    Parameters
    ----------
    series : DataFrame or None
        Published series (authority_code, year, measure, value). Without it, or without a value for the price
        year or an earlier one, the fallback is used, which is marked as assumed.
    """
    found = _latest_costs(costs, series, codes)
    if found is None:
        return WeeklyPrice(in_price_year(costs.weekly_cost.fallback, costs), costs.weekly_cost.text, 0)
    values, year = found
    own = Input(
        value=float(values.mean()),
        low=float(values.min()),
        high=float(values.max()),
        year=year,
        grade=costs.weekly_cost.grade,
        assumed=False,
        source=f"{costs.weekly_cost.source}, year ending 31 March {year}, mean of {len(values)} authorities",
    )
    return WeeklyPrice(in_price_year(own, costs), costs.weekly_cost.text, len(values))


def _latest_costs(
    costs: UnitCosts, series: pd.DataFrame | None, codes: tuple[str, ...]
) -> tuple[pd.Series, int] | None:
    """Weekly costs of the authorities in the latest year, up to the price year, in which any has one."""
    if series is None:
        return None
    part = series[(series["measure"] == costs.weekly_cost.measure) & series["authority_code"].isin(codes)]
    part = part[part["value"].notna() & (part["year"] <= costs.price_year)]
    part = part[part["year"].isin(costs.deflators.index)]
    if part.empty:
        return None
    year = int(part["year"].max())
    return part.loc[part["year"] == year, "value"], year
