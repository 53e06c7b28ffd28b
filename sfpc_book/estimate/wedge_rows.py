"""From fitted results to rows of the tidy table: one function for each kind of analysis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.cluster_variance import cluster_variance
from sfpc_book.estimate.estimate import NAN, Estimate
from sfpc_book.estimate.exposure_time import ExposureEffect
from sfpc_book.estimate.panel_models import PanelFit, t_interval
from sfpc_book.estimate.randomisation import RandomisationResult
from sfpc_book.estimate.two_way import effects_design

REFERENCES = {
    "panel_two_way": "t",
    "panel_two_way_unweighted": "t",
    "panel_two_way_cr2": "t, Satterthwaite d.f.",
    "randomisation": "exact randomisation",
    "randomisation_attainable": "exact randomisation",
    "exposure_time": "t, Satterthwaite d.f.",
    "exposure_time_average": "t, Satterthwaite d.f.",
}  # every analysis of a wedge, in the order of its rows
EXACT = ("randomisation", "randomisation_attainable")
ESTIMANDS = {"exposure_time": "effect_curve", "exposure_time_average": "time_averaged"}


@dataclass(frozen=True)
class Slice:
    """What all rows of one outcome at one horizon have in common. Fields as in `Estimate`.

    `status_with_number` is `ok`, or `partly_observed` where some children's horizon lies in the future.
    """

    model: str
    outcome: str
    horizon: int | None
    sample: str
    exposure: str
    unit: str
    conf_level: float
    data_status: str
    n_children: int | None
    n_events: int | None
    n_clusters: int
    n_periods: int
    observed_share: float
    observable_from: pd.Timestamp | None
    status_with_number: str

    @classmethod
    def of(cls, panel: pd.DataFrame, cells: Sequence[Cells], **values: object) -> Slice:
        """Count what a slice of the panel holds; `cells` are the cells estimated, one item for each trial."""
        counts = {
            "n_children": int(sum(part.weight.sum() for part in cells)),
            "n_events": events_of(panel),
            "n_clusters": sum(len(part.authorities) for part in cells),
            "n_periods": sum(len(part.periods) for part in cells),
            "observed_share": observed_share(panel),
            "observable_from": None,
            "status_with_number": "partly_observed" if panel["n_not_observed"].sum() > 0 else "ok",
        }
        return cls(**(counts | values))

    @classmethod
    def of_table(cls, outcome: str, **values: object) -> Slice:
        """What a table that somebody brings has in common; `values` are its unit, level and counts."""
        names = {"model": "table", "sample": "table", "exposure": "table", "data_status": "table"}
        unknown = {"horizon": None, "observed_share": NAN, "observable_from": None}
        return cls(outcome=outcome, status_with_number="ok", **(names | unknown | values))

    def row(self, analysis: str, **values: object) -> Estimate:
        """An estimate of this slice; `values` are the fields that the analysis adds or overrules."""
        common = {name: value for name, value in vars(self).items() if name != "status_with_number"}
        defaults = {
            "analysis": analysis,
            "status": self.status_with_number,
            "estimand": ESTIMANDS.get(analysis, "immediate"),
            "reference": REFERENCES.get(analysis, ""),
        }
        return Estimate(**(common | defaults | values))


def observed_share(panel: pd.DataFrame) -> float:
    """Children followed to the end, among the linked; NaN if there are none.

    Followed (`n_followed`, where the panel has it): observed, or found not to be in the outcome's population,
    such as never having entered care. Otherwise those observed.
    """
    seen = panel["n_followed"] if "n_followed" in panel else panel["n_children"]
    observed, waiting = seen.sum(), panel["n_not_observed"].sum()
    return float(observed / (observed + waiting)) if observed + waiting else NAN


def events_of(panel: pd.DataFrame) -> int | None:
    """Number of events for 0/1 outcomes; None for others, whose `n_events` is missing."""
    events = panel.loc[panel["n_children"] > 0, "n_events"]
    return None if events.isna().any() or not len(events) else round(float(events.sum()))


def row_without_number(facts: Slice, analysis: str, status: str) -> Estimate:
    """The row of an analysis that has no number, with the reason as its status."""
    term = analysis if analysis in ESTIMANDS else "exposed"
    identified = status != "not_identified"
    return facts.row(analysis, term=term, status=status, identified=identified, reference="")


def panel_row(facts: Slice, analysis: str, fit: PanelFit) -> Estimate:
    """Row of a two-way panel model."""
    if not fit.ok:
        return row_without_number(facts, analysis, fit.status)
    numbers = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")
    return facts.row(analysis, **{name: getattr(fit, name) for name in numbers})


def cr2_row(facts: Slice, cells: Cells, fit: PanelFit) -> Estimate:
    """Row of the main model with the bias-reduced variance."""
    design = np.column_stack([cells.exposed, effects_design(cells)])
    contrast = np.eye(1, design.shape[1])
    found = cluster_variance(design, cells.mean, cells.weight, cells.authority, contrast)
    return facts.row(
        "panel_two_way_cr2", **_t_numbers(facts, fit.estimate, float(found.std_error[0]), float(found.df[0]))
    )


def randomisation_rows(facts: Slice, test: RandomisationResult) -> list[Estimate]:
    """The exact test with its set at the level asked for, and the set at the highest attainable level."""
    common = _randomisation_numbers(test)
    asked = facts.row("randomisation", conf_low=test.conf_low, conf_high=test.conf_high, **common)
    if not 0 < test.level_maximum < 1:
        unbounded = {"conf_low": -math.inf, "conf_high": math.inf}
        return [asked, facts.row("randomisation_attainable", **(common | unbounded))]
    low, high = test.attainable
    level = {"conf_low": low, "conf_high": high, "conf_level": test.level_maximum}
    return [asked, facts.row("randomisation_attainable", **(common | level))]


def pooled_row(facts: Slice, test: RandomisationResult, models: Sequence[str]) -> Estimate:
    """Row of the exact test over several trials; `reference` names them."""
    numbers = _randomisation_numbers(test)
    numbers["reference"] += f" within model and stratum ({', '.join(models)})"
    limits = {"conf_low": test.conf_low, "conf_high": test.conf_high}
    return facts.row("pooled_randomisation", **(numbers | limits))


def exposure_row(facts: Slice, analysis: str, effect: ExposureEffect) -> Estimate:
    """Row of an effect at one exposure time, or of their average."""
    if not effect.identified:
        return facts.row(analysis, term=effect.term, status="not_identified", identified=False)
    numbers = _t_numbers(facts, effect.estimate, effect.std_error, effect.df)
    reason = {"reference": f"none: {effect.why}"} if effect.why else {}
    return facts.row(analysis, term=effect.term, **numbers, **reason)


def _randomisation_numbers(test: RandomisationResult) -> dict[str, object]:
    error = test.monte_carlo_error
    sampled = f"Monte Carlo randomisation, standard error of p {error:.2g}"
    return {
        "estimate": test.estimate,
        "statistic": test.statistic,
        "p_value": test.p_value,
        "n_orders": test.n_orders,
        "p_minimum": test.p_minimum,
        "level_maximum": test.level_maximum,
        "reference": sampled if error > 0 else "exact randomisation",
    }


def _t_numbers(facts: Slice, estimate: float, std_error: float, df: float) -> dict[str, float]:
    if not (std_error > 0 and df > 0):
        return {"estimate": estimate, "std_error": NAN}
    return {"estimate": estimate, "std_error": std_error} | t_interval(
        estimate, std_error, df, facts.conf_level
    )
