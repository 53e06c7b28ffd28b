"""How the methods are tried out on simulated trials of the study's own designs: the scenarios, as data.

All sizes are risks between 0 and 1 of the primary outcome. Nothing here is estimated from the trials'
outcomes: the values are declared, so that what a design can do is known before its results are.
"""

from __future__ import annotations

from pydantic import Field

from sfpc_book.study.part import Part


class Replications(Part):
    """Simulated trials of each scenario by what a method costs.

    `linear` methods are sums of cell means and are judged for all trials at once; `refitted` ones are fitted
    to each trial; `iterated` ones search for a maximum in each.
    """

    linear: int = Field(default=1000, ge=1, le=1_000_000)
    refitted: int = Field(default=120, ge=1, le=1_000_000)
    iterated: int = Field(default=30, ge=1, le=1_000_000)


class Baseline(Part):
    """Risk without the model: each authority's own between `lowest` and `highest`, and a change of every
    period that all authorities share, with standard deviation `period_deviation`."""

    lowest: float = Field(default=0.03, gt=0, lt=1)
    highest: float = Field(default=0.08, gt=0, lt=1)
    period_deviation: float = Field(default=0.005, ge=0, lt=1)

    @property
    def mean(self) -> float:
        """The risk of an average authority."""
        return (self.lowest + self.highest) / 2


class Scenario(Part):
    """One way in which a simulated trial can come about; deviations are standard deviations.

    Attributes
    ----------
    effect
        Change of the risk of exposed children, once it is full.
    delay_months, ramp_months
        The effect is 0 for `delay_months` after go-live and grows to its full size over `ramp_months`.
    cell_deviation, cell_autocorrelation
        What the children of one authority and period share, and its correlation with the next period.
    shock_deviation
        What a lockdown adds in an authority, times the share of the period's days under lockdown.
    trend_deviation
        An authority's own change a year.
    """

    name: str
    effect: float = Field(default=0.0, gt=-1, lt=1)
    delay_months: float = Field(default=0.0, ge=0, le=60)
    ramp_months: float = Field(default=0.0, ge=0, le=60)
    cell_deviation: float = Field(default=0.0, ge=0, lt=1)
    cell_autocorrelation: float = Field(default=0.0, ge=0, le=1)
    shock_deviation: float = Field(default=0.0, ge=0, lt=1)
    trend_deviation: float = Field(default=0.0, ge=0, lt=1)

    @property
    def has_effect(self) -> bool:
        return self.effect != 0

    @property
    def grows(self) -> bool:
        """Whether the effect depends on the time since go-live."""
        return self.has_effect and (self.delay_months > 0 or self.ramp_months > 0)


class Detectable(Part):
    """What the smallest detectable effect is computed for.

    Attributes
    ----------
    power
        Probability with which it is to be found.
    intracluster_correlations
        Share of a child's variance that lies between authorities and their periods, for the closed form.
    cell_autocorrelation
        Correlation of what children of an authority share in two of its periods.
    """

    power: float = Field(default=0.8, gt=0.5, lt=1)
    intracluster_correlations: tuple[float, ...] = Field(default=(0.005, 0.01, 0.02), min_length=1)
    cell_autocorrelation: float = Field(default=0.8, ge=0, le=1)


class Calibration(Part):
    """The calibration study. `scenarios` is keyed by id; one of them at least has no effect."""

    seed: int = Field(default=20_200_301, ge=0)
    replications: Replications = Replications()
    baseline: Baseline = Baseline()
    detectable: Detectable = Detectable()
    scenarios: dict[str, Scenario] = Field(
        default={"no_effect": Scenario(name="Nothing planted")}, min_length=1
    )
