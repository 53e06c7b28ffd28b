"""Reading the calibration study: names of methods, averages over scenarios, and how far a rate misses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.report.formats import NOT_AVAILABLE, is_missing, percentage
from sfpc_book.study.schema import Study

ALL_MODELS = "all"
CR2, EXACT, ATTAINABLE, PANEL = (
    "panel_two_way_cr2",
    "randomisation",
    "randomisation_attainable",
    "panel_two_way",
)
POOLED, POOLED_ATTAINABLE = "pooled_randomisation", "pooled_randomisation_attainable"
CLOSED_FORM = "closed_form"
METHODS: Mapping[str, str] = {
    EXACT: "Exact test",
    ATTAINABLE: "Exact test at the smallest level it can reach",
    CR2: "Panel model, CR2 and Satterthwaite",
    PANEL: "Panel model, clustered, t on clusters less one",
    "panel_two_way_normal": "Panel model, clustered, normal (a warning)",
    "panel_two_way_cr3": "Panel model, CR3",
    "randomisation_studentised": "Exact test, studentised",
    "randomisation_vertical": "Exact test, within-period difference",
    "randomisation_crossover": "Exact test, change at go-live",
    "exposure_time_average": "Average over times since go-live, CR2",
    "fixed_effects_logit_cr2": "Fixed-effects logit, standardised, CR2",
    "hussey_hughes_normal": "Hussey-Hughes, normal",
    "hussey_hughes": "Hussey-Hughes, Satterthwaite",
    "hussey_hughes_kenward_roger": "Hussey-Hughes, Kenward-Roger",
    "hussey_hughes_cells": "Hussey-Hughes with cell effects",
    "mixed_logit": "Mixed logit, normal",
    "mixed_logit_cells": "Mixed logit with cell intercepts, normal",
    "wild_bootstrap_webb": "Wild bootstrap, Webb weights",
    "wild_bootstrap_rademacher": "Wild bootstrap, all sign patterns",
    POOLED: "Exact test pooled over the models",
    POOLED_ATTAINABLE: "Pooled exact test at the smallest level it can reach",
}
ERRORS = 1.96  # Monte Carlo standard errors within which a rate counts as met


@dataclass(frozen=True)
class Rate:
    """A share of simulated trials over several scenarios: its average, error, and lowest and highest
    scenario.

    `nominal` is what it should be, `size` the number of trials.
    """

    share: float
    error: float
    lowest: float
    highest: float
    nominal: float
    size: int

    @property
    def miss(self) -> float:
        """How far the share is from nominal, beyond Monte Carlo error; 0 within it."""
        if is_missing(self.share) or not self.size:
            return math.nan
        distance = self.share - self.nominal
        allowed = ERRORS * math.sqrt(self.nominal * (1 - self.nominal) / self.size)
        return distance if abs(distance) > allowed else 0.0

    def text(self) -> str:
        """The share with its range over scenarios, e.g. `5.1% (4.4% to 6.0%)`."""
        if is_missing(self.share):
            return NOT_AVAILABLE
        span = f"{percentage(self.lowest)} to {percentage(self.highest)}"
        return percentage(self.share) if self.lowest == self.highest else f"{percentage(self.share)} ({span})"


def without_effect(study: Study) -> tuple[str, ...]:
    """Ids of the scenarios without an effect."""
    return tuple(key for key, part in study.calibration.scenarios.items() if not part.has_effect)


def with_steady_effect(study: Study) -> tuple[str, ...]:
    """Ids of the scenarios whose effect is there from go-live on."""
    scenarios = study.calibration.scenarios
    return tuple(key for key, part in scenarios.items() if part.has_effect and not part.grows)


def growing(study: Study) -> tuple[str, ...]:
    """Ids of the scenarios whose effect begins late or grows."""
    return tuple(key for key, part in study.calibration.scenarios.items() if part.grows)


def rows_of(rows: pd.DataFrame, model: str, method: str, scenarios: tuple[str, ...]) -> pd.DataFrame:
    """The rows of one model and method in some scenarios."""
    chosen = (rows["model"] == model) & (rows["method"] == method) & rows["scenario"].isin(scenarios)
    return rows[chosen]


def size_of(study: Study, rows: pd.DataFrame, model: str, method: str) -> Rate:
    """How often a method rejects where nothing was planted."""
    found = rows_of(rows, model, method, without_effect(study))
    return _rate(found, "rejection", found["replications"], "nominal_size")


def power_of(study: Study, rows: pd.DataFrame, model: str, method: str) -> Rate:
    """How often it rejects where a steady effect was planted."""
    found = rows_of(rows, model, method, with_steady_effect(study))
    return _rate(found, "rejection", found["replications"], "nominal_size")


def coverage_of(study: Study, rows: pd.DataFrame, model: str, method: str) -> Rate:
    """How often its interval holds the true value, in scenarios whose effect does not grow."""
    found = rows_of(rows, model, method, (*without_effect(study), *with_steady_effect(study)))
    return _rate(found, "coverage", found["replications"] * found["intervals"], "nominal_coverage")


def can_reject(rate: Rate, smallest: float) -> bool:
    """Whether an exact test can reject at all at a level, given the smallest one that it can reach."""
    return is_missing(smallest) or rate.nominal >= smallest - 1e-9


def smallest_level(rows: pd.DataFrame, model: str) -> float:
    """The smallest level that a model's exact test can reach; NaN where it was not simulated."""
    method = POOLED_ATTAINABLE if model == ALL_MODELS else ATTAINABLE
    found = rows[(rows["model"] == model) & (rows["method"] == method)]
    return float(found["nominal_size"].iloc[0]) if len(found) else math.nan


def _rate(found: pd.DataFrame, column: str, size: pd.Series, nominal: str) -> Rate:
    known = found[column].notna() & (size > 0)
    if not known.any():
        return Rate(math.nan, math.nan, math.nan, math.nan, math.nan, 0)
    shares, size = found.loc[known, column].to_numpy(float), size[known].to_numpy(float)
    errors = found.loc[known, f"{column}_error"].to_numpy(float)
    return Rate(
        share=float(shares @ size / size.sum()),
        error=float(np.sqrt((errors * size) @ (errors * size)) / size.sum()),
        lowest=float(shares.min()),
        highest=float(shares.max()),
        nominal=float(found.loc[known, nominal].to_numpy(float) @ size / size.sum()),
        size=round(float(size.sum())),
    )
