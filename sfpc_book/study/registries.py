"""The registries of a study, row by row: outcomes, samples, definitions of exposure, analyses."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sfpc_book.study.part import Part

PlanStatus = Literal["planned", "exploratory"]
Statistic = Literal["two_way", "vertical", "vertical_precision", "crossover", "crossover_precision"]
MissingData = Literal["complete_case", "missing_indicator", "multiple_imputation"]

Scale = Literal["binary", "days", "count", "share"]


class Outcome(Part):
    """One outcome: what is measured, on which scale, among whom, from which tables."""

    id: str = ""
    name: str
    question: str
    measure: str
    scale: Scale
    higher_is: Literal["worse", "better", "neutral"]
    population: Literal[
        "all_children",
        "entered_care",
        "left_care",
        "plan_started",
        "plan_ended",
        "pre_proceedings",
        "risk_factor",
        "pupils",
    ]
    fixed_days: int | None = Field(default=None, gt=0)
    fixed_months: int | None = Field(default=None, gt=0)
    fixed_terms: int | None = Field(default=None, gt=0)
    codes: tuple[str, ...] = ()
    code_note: str | None = None
    tables: tuple[str, ...] = Field(min_length=1)

    @property
    def unit(self) -> str:
        """Unit of the outcome's numbers as they stand in data files; the report says them in its own."""
        units = {"binary": "proportion", "days": "days", "count": "placements"}
        return units.get(self.scale, "proportion of sessions")

    @property
    def has_horizon(self) -> bool:
        """Whether the outcome runs to a horizon; one measured over fixed terms does not."""
        return self.fixed_terms is None


class Sample(Part):
    """A way to choose the children; every one but `main` is "main, but …".

    `index` names the date from which a child is followed; `with_left` adds authorities that withdrew from the
    model's trial, as clusters that are never exposed; `without_outcomes` are defined by the index itself.
    `followed_longest` keeps, outcome by outcome, the children followed to the longest horizon.
    """

    id: str = ""
    name: str
    rule: str
    plan_status: PlanStatus
    days: int | None = Field(default=None, gt=0)
    index: Literal["first_in_window", "first_ever", "open_plan"] = "first_in_window"
    with_left: bool = False
    without_outcomes: tuple[str, ...] = ()
    followed_longest: bool = False


class Exposure(Part):
    """A way to say who was exposed to the model; every one but `go_live` is "main, but …".

    `until_care` ends follow-up on the day care starts; `samples` are those it is worked out for (null: all).
    """

    id: str = ""
    name: str
    rule: str
    plan_status: PlanStatus
    days: int | None = Field(default=None, gt=0)
    until_care: bool = False
    samples: tuple[str, ...] | None = None
    caution: str | None = None


class Analysis(Part):
    """One planned or exploratory model, with what it estimates and what it rests on.

    `method` names the estimator, if it is not that of the row's id; `missing_data` is the rule for children
    whose covariates are missing, for models that have covariates; `change` names the one respect in which a
    sensitivity of the panel model differs from it, and `days` is that change's number. `outcomes` says
    whether the row is run for the primary outcome alone. `statistic` is that of the exact tests; only the
    analysis `randomisation` has one. `scales` are those that the row is a model for.
    """

    id: str = ""
    name: str
    plan_status: PlanStatus
    estimand: str
    model: str
    variance: str
    reference: str
    assumptions: tuple[str, ...] = Field(min_length=1)
    citation: str
    method: str | None = None
    missing_data: MissingData | None = None
    change: str | None = None
    days: int | None = Field(default=None, gt=0)
    outcomes: Literal["all", "primary"] = "all"
    caution: str | None = None
    statistic: Statistic | None = None

    @property
    def estimator(self) -> str:
        """The estimator of the row: `method`, or the row's own id."""
        return self.method or self.id

    scales: tuple[Scale, ...] = ()


class Imputation(Part):
    """How often missing covariates are filled in, from which seed the draws start."""

    number: int = Field(default=20, ge=2, le=200)
    seed: int = 20_200_301


class Specifications(Part):
    """The grid of the specification curve: every analysis named, on every sample and definition of exposure
    named (null: all of the study)."""

    analyses: tuple[str, ...] = ()
    samples: tuple[str, ...] | None = None
    exposures: tuple[str, ...] | None = None


class NotDone(Part):
    """A planned analysis that this edition does not carry, and why."""

    analysis: str
    because: str
