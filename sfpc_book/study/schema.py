"""The parts of a study, as frozen typed values. `study.yml` holds exactly these keys and no others."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from sfpc_book.study.calibration import Calibration
from sfpc_book.study.part import Part
from sfpc_book.study.registries import (
    Analysis,
    Exposure,
    Imputation,
    NotDone,
    Outcome,
    Sample,
    Specifications,
    Statistic,
)

GssCode = Annotated[str, Field(pattern=r"^E\d{8}$")]
LaCode = Annotated[str, Field(pattern=r"^\d{3}$")]
Total = Literal["new_referrals", "newly_looked_after", "looked_after_at_month_end"]
ReturnMonth = Annotated[str, Field(pattern=r"^(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\d{2}$")]


class GoLive(Part):
    """The date on which an authority began to work by the model, and how well it is known."""

    date: date
    status: Literal["confirmed", "month", "assumed"]
    source: str


class Authority(Part):
    """A local authority named by the study. `slug` and `model` are filled from where it stands."""

    slug: str = ""
    name: str
    gss_code: GssCode
    la_code: LaCode
    region: str
    role: Literal["trial", "pilot", "innovator", "left", "earlier_adopter"]
    model: str | None = None
    go_live: GoLive | None = None
    stratum: Literal["high", "low"] | None = None
    stratum_note: str | None = None
    left_model: str | None = None


class WindowRule(Part):
    """How the trial window follows from the go-lives; `start` and `end` fix it instead."""

    months_before: int = Field(default=6, ge=1, le=24)
    months_after: int = Field(default=6, ge=1, le=24)
    end_at: Literal["day", "month_end"] = "day"
    start: date | None = None
    end: date | None = None


class PracticeModel(Part):
    """One practice model and its stepped-wedge trial. `trial_authorities` is in wedge order."""

    id: str = ""
    name: str
    innovator: str
    pilot: str
    trial: tuple[str, ...] = Field(min_length=1)
    trial_authorities: tuple[str, ...] = ()
    age_minimum: int = Field(ge=0, le=17)
    age_maximum: int = Field(ge=0, le=17)
    include_unborn: bool
    layout: Literal["standard", "no_wrong_door"]
    restriction: Literal["stratified", "unrestricted"]
    window: WindowRule = WindowRule()
    protocol_children: int = Field(gt=0)
    outcomes: tuple[str, ...] = Field(min_length=1)


class Returns(Part):
    """Where the data returns lie, which returns are expected, and which dates they were asked to cover."""

    folder: str | None = None
    months: tuple[ReturnMonth, ...] = Field(min_length=1)
    outcome_month: ReturnMonth
    totals_from: date
    referrals_from: date
    outcomes_from: date
    outcomes_to: date


class Published(Part):
    """Where published statistics lie."""

    folder: str | None = None


class Disclosure(Part):
    """Counts below `threshold` are not shown; the others are rounded to a multiple of `rounding`."""

    threshold: int = Field(ge=0, le=100)
    rounding: int = Field(ge=1, le=100)


class Reliability(Part):
    """Estimates that rest on fewer children or events are marked, and never said as a headline."""

    minimum_children: int = Field(default=100, ge=1)
    minimum_events: int = Field(default=10, ge=1)


class Balance(Part):
    """Standardised differences up to `reference`, either way, are drawn inside the reference band."""

    reference: float = Field(default=0.1, gt=0, le=1)


class Programme(Part):
    """Facts about the programme; null where unknown, and printed as unknown."""

    start: date
    end: date
    registration: str | None
    protocol: str | None
    analysis_plan: str | None
    funder: str


class CovidBand(Part):
    """A span of pandemic restrictions, inclusive."""

    name: str
    start: date
    end: date
    kind: Literal["lockdown", "restrictions"]


class Study(Part):
    """Everything `study.yml` says. Mappings are keyed by id or slug."""

    title: str
    short_title: str
    publisher: str
    contact: str | None
    programme: Programme
    conf_level: float = Field(gt=0.5, lt=1)
    horizons: tuple[Annotated[int, Field(gt=0, le=60)], ...] = Field(min_length=1)
    returns: Returns
    published: Published
    disclosure: Disclosure
    reliability: Reliability = Reliability()
    balance: Balance = Balance()
    models: dict[str, PracticeModel]
    authorities: dict[str, Authority]
    outcomes: dict[str, Outcome]
    samples: dict[str, Sample]
    exposures: dict[str, Exposure]
    analyses: dict[str, Analysis]
    totals: tuple[Total, ...] = ()
    covariates: tuple[str, ...] = ()
    rare_level_minimum: int = Field(default=10, ge=1)
    imputation: Imputation = Imputation()
    specifications: Specifications = Specifications()
    calibration: Calibration = Calibration()
    not_done: tuple[NotDone, ...] = ()
    covid: tuple[CovidBand, ...] = ()

    def primary(self, model_id: str) -> Outcome:
        """The primary outcome of a model: the first that it lists."""
        return self.outcomes[self.models[model_id].outcomes[0]]

    def secondary(self, model_id: str) -> tuple[Outcome, ...]:
        """The secondary outcomes of a model, in the order of `study.yml`."""
        return tuple(self.outcomes[outcome] for outcome in self.models[model_id].outcomes[1:])

    def followed(self, model_id: str) -> tuple[Outcome, ...]:
        """The outcomes of a model that run to a horizon, the primary one first."""
        chosen = (self.outcomes[outcome] for outcome in self.models[model_id].outcomes)
        return tuple(outcome for outcome in chosen if outcome.has_horizon)

    def family(self, model_id: str, horizon: int) -> tuple[str, ...]:
        """Ids of the secondary outcomes adjusted together: at later horizons those that run to one."""
        chosen = self.secondary(model_id)
        return tuple(part.id for part in chosen if part.has_horizon or horizon == self.horizons[0])

    @property
    def statistic(self) -> Statistic:
        """The test statistic of every exact test, chosen in the analysis `randomisation`."""
        chosen = self.analyses.get("randomisation")
        return (chosen and chosen.statistic) or "two_way"

    def left(self, model_id: str) -> tuple[str, ...]:
        """The authorities that withdrew from a model's trial, in the order of `study.yml`."""
        return tuple(slug for slug, part in self.authorities.items() if part.left_model == model_id)

    def left_asked_for(self) -> tuple[str, ...]:
        """The authorities that withdrew from a trial and whose returns a sample asks for."""
        if not any(sample.with_left for sample in self.samples.values()):
            return ()
        return tuple(slug for model_id in self.models for slug in self.left(model_id))

    def adopters(self) -> tuple[Authority, ...]:
        """The authorities that adopted a model in the programme: trial and pilot, by model and go-live."""
        return tuple(
            self.authorities[slug]
            for model in self.models.values()
            for slug in (*model.trial_authorities, model.pilot)
        )
