"""The matched comparison as data: `comparison.yml`, and the rule that turns a go-live date into a year."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

from sfpc_book.errors import ContractError
from sfpc_book.published.contract import CONTRACTS, _Frozen, parse, read_yaml


class Years(_Frozen):
    """Years ending 31 March that are compared; `last` None means the latest in the data."""

    first: int
    last: int | None = None


class AdoptionRule(_Frozen):
    """How a go-live date becomes the first exposed year."""

    rule: Literal["first_full_year", "first_touched_year"]
    text: str


class Treated(_Frozen):
    """Which adopters are compared, by their role in the study."""

    id: str
    roles: tuple[str, ...]
    text: str


class NeverAdopters(_Frozen):
    """Roles that can never be comparators."""

    dropped_roles: tuple[str, ...]


class Comparators(_Frozen):
    """A way to choose comparators among the authorities that never adopted."""

    id: Literal["never_adopters", "statistical_neighbours", "nearest_pre_trend"]
    weights: Literal["equal", "per_adopter"]
    text: str
    k: int | None = None


class EventTimes(_Frozen):
    """Range of years relative to adoption that is shown."""

    first: int
    last: int


class Placebo(_Frozen):
    """Inference by giving the adopters' years to never-adopting authorities at random."""

    draws: int
    seed: int
    text: str


class Derived(_Frozen):
    """A rate computed from a number and a population where no rate is published."""

    measure: str
    numerator: str
    denominator: str
    lag: int
    per: float
    decimals: int
    unit: str

    @property
    def formula(self) -> str:
        before = f" of {self.lag} year before" if self.lag == 1 else f" of {self.lag} years before"
        return f"{self.numerator} / {self.denominator}{before if self.lag else ''} x {self.per:g}"


class Comparison(_Frozen):
    """Everything `comparison.yml` says."""

    outcomes: tuple[str, ...]
    years: Years
    adoption_year: tuple[AdoptionRule, ...]
    treated: tuple[Treated, ...]
    never_adopters: NeverAdopters
    comparators: tuple[Comparators, ...]
    event_times: EventTimes
    placebo: Placebo
    derived: tuple[Derived, ...] = ()


def load_comparison(folder: Path = CONTRACTS) -> Comparison:
    """Read `comparison.yml`.

    Raises
    ------
    ContractError
        With every fault of the file.
    """
    problems: list[str] = []
    raw = read_yaml(folder / "published" / "comparison.yml")
    comparison = parse(Comparison, raw, "comparison.yml", problems)
    if comparison is None:
        raise ContractError("comparison.yml is not valid", problems)
    return comparison


def adoption_year(go_live: date, rule: str) -> int:
    """Year ending 31 March that counts as the first exposed one.

    `first_full_year`: the first year of which every day, from 1 April, is on or after go-live.
    `first_touched_year`: the year in which the go-live date lies.
    """
    touched = go_live.year if (go_live.month, go_live.day) <= (3, 31) else go_live.year + 1
    if rule == "first_touched_year" or (go_live.month, go_live.day) == (4, 1):
        return touched
    return touched + 1
