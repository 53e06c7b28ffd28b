"""Changes to the main panel model, each by name: what a row of the registry can ask for in `change`.

A change takes the cells of one outcome at one horizon and gives back what is estimated in their place, or the
reason why there is nothing else to estimate. The docstring of each function is printed in the registry of the
report; `days` in it stands for the number of days of the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from sfpc_book.estimate.cells import Cells, blocking_cause, subset
from sfpc_book.estimate.estimate import not_estimable
from sfpc_book.estimate.recut import recut, recut_periods
from sfpc_book.estimate.two_way import RANK_TOLERANCE, residual_maker
from sfpc_book.study.wedge import Wedge

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class Trial:
    """What a change starts from. `lockdowns` are spans of days, both ends included."""

    cells: Cells
    wedge: Wedge
    lockdowns: tuple[tuple[date, date], ...] = ()


@dataclass(frozen=True, eq=False)
class Changed:
    """What a change leaves to estimate.

    Compared by identity, so that what was fitted to one need not be fitted again.

    Attributes
    ----------
    status
        `ok`, or why there is nothing to estimate that the main model does not already say.
    term
        What a status other than `ok` belongs to.
    fitted
        Rows of the panel model.
    tested
        Rows of the exact test, by which exposure under other orders is decided; most often `fitted`.
    exposures
        Columns that stand in place of the one exposure, by term, each (rows of `fitted`,).
    differences
        Differences between two of those terms, by term.
    absent
        Terms that no row of `fitted` can tell anything about.
    """

    fitted: Cells
    tested: Cells
    status: str = "ok"
    term: str = "exposed"
    exposures: Mapping[str, np.ndarray] = field(default_factory=dict)
    differences: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    absent: tuple[str, ...] = ()


Change = Callable[[Trial, int], Changed]


def drop_first_period(trial: Trial, days: int) -> Changed:
    """Without the first period, in which no authority is exposed: authorities chosen for high numbers may
    stand higher in it than they usually do, and a start under a lockdown is unlike what comes after."""
    return _without(trial, trial.cells.periods[:1], "there is no period")


def drop_short_periods(trial: Trial, days: int) -> Changed:
    """Without periods shorter than `days` days: they hold few children, and an effect that takes time cannot
    show in them."""
    short = [period for period in trial.cells.periods if _lengths(trial.wedge)[period] < days]
    return _without(trial, short, f"no period is shorter than {days} days")


def merge_short_periods(trial: Trial, days: int) -> Changed:
    """Periods shorter than `days` days share one period effect with a neighbour. The shortest goes first, the
    earlier of two alike: to the neighbour from which no go-live of an observed authority divides it, else to
    the shorter one, else to the earlier. Where a go-live lies inside the joined period, the children of that
    authority stay two groups, before and after go-live, so nobody's exposure changes and none is blurred; in
    the exact test the same holds under every order."""
    blocks = recut_periods(trial.wedge, trial.cells.periods, trial.cells.authorities, days)
    if len(set(blocks.values())) == len(trial.cells.periods):
        return _unchanged(trial, f"no period is shorter than {days} days, so nothing changes")
    fitted, tested = recut(trial.cells, blocks)
    return Changed(fitted, tested)


def drop_lockdown_periods(trial: Trial, days: int) -> Changed:
    """Without periods of which `days` days or more lie in a lockdown. Periods are long, so days without a
    lockdown go as well."""
    inside = _lockdown_days(trial)
    chosen = [period for period in trial.cells.periods if inside[period] >= days]
    return _without(trial, chosen, f"no period has {days} days or more in a lockdown")


def lockdown_share(trial: Trial, days: int) -> Changed:
    """With the share of days in a lockdown as a covariate of each authority and period. Identified only as
    far as that share differs between authorities within a period: what all share, the period effects hold
    already, and national lockdowns fall on all alike."""
    lengths, inside = _lengths(trial.wedge), _lockdown_days(trial)
    share = np.array([inside[period] / lengths[period] for period in trial.cells.decisive_period])
    return _with_covariates(trial, share[:, None], "lockdown_share")


def baseline_trend(trial: Trial, days: int) -> Changed:
    """With the authority's level in the first period times years since then: authorities selected for high
    numbers may drift back towards the others (regression to the mean). The level is measured with error and
    is itself one of the outcomes, so part of the drift that it takes up is chance."""
    cells = trial.cells
    cause = blocking_cause(cells)
    if cause:
        return _unchanged(trial, cause)
    first = cells.period == cells.periods[0]
    level = np.full(len(cells.authorities), np.nan)
    level[cells.authority[first]] = cells.mean[first]
    if np.isnan(level).any():
        without = [cells.authorities[position] for position in np.flatnonzero(np.isnan(level))]
        return _unchanged(trial, f"no child observed in the first period in {', '.join(without)}")
    drift = (level - level.mean())[cells.authority] * _years(trial)
    return _with_covariates(trial, drift[:, None], "baseline_trend")


def authority_trends(trial: Trial, days: int) -> Changed:
    """With a linear trend of its own for each authority, in years from the middle of each period. The effect
    is then what departs from the authority's own line at go-live; an effect that grows evenly looks like a
    trend and is taken out with it."""
    own = trial.cells.authority[:, None] == np.arange(1, len(trial.cells.authorities))
    return _with_covariates(trial, own * _years(trial)[:, None], "authority_trends")


def exposure_by_stratum(trial: Trial, days: int) -> Changed:
    """One effect in authorities of each readiness stratum, and the difference between high and low.
    Authorities of high readiness went live first, so the difference may be one of calendar time or of time
    since go-live."""
    cells, wedge = trial.cells, trial.wedge
    strata = [wedge.stratum.get(name) for name in cells.authorities]
    known = sorted({name for name in strata if name})
    if len(known) < 2:
        return _unchanged(trial, "the trial has one stratum of readiness", "exposed_high_minus_low")
    of_cell = np.array([name or "" for name in strata])[cells.authority]
    columns = {f"exposed_{name}": cells.exposed * (of_cell == name) for name in known}
    pairs = [(one, other) for i, one in enumerate(known) for other in known[i + 1 :]]
    differences = {f"exposed_{a}_minus_{b}": (f"exposed_{a}", f"exposed_{b}") for a, b in pairs}
    return Changed(cells, cells, exposures=columns, differences=differences)


def exposure_by_period(trial: Trial, days: int) -> Changed:
    """One effect in each calendar period, as far as there is a contrast: in the first period no authority is
    exposed, in the last none is unexposed, so neither has an effect that can be told from the period
    itself."""
    cells = trial.cells
    columns = {
        f"exposed_period_{period}": cells.exposed * (cells.period == period) for period in cells.periods
    }
    present = {term: column for term, column in columns.items() if column.any()}
    absent = tuple(term for term in columns if term not in present)
    return Changed(cells, cells, exposures=present, absent=absent)


CHANGES: Mapping[str, Change] = {
    "drop_first_period": drop_first_period,
    "drop_short_periods": drop_short_periods,
    "merge_short_periods": merge_short_periods,
    "drop_lockdown_periods": drop_lockdown_periods,
    "lockdown_share": lockdown_share,
    "baseline_trend": baseline_trend,
    "authority_trends": authority_trends,
    "exposure_by_stratum": exposure_by_stratum,
    "exposure_by_period": exposure_by_period,
}
COUNTS_DAYS = ("drop_short_periods", "merge_short_periods", "drop_lockdown_periods")
SEVERAL_EFFECTS = ("exposure_by_stratum", "exposure_by_period")


def _unchanged(trial: Trial, because: str, term: str = "exposed") -> Changed:
    return Changed(trial.cells, trial.cells, not_estimable(because), term)


def _without(trial: Trial, periods: Sequence[int], otherwise: str) -> Changed:
    """The cells without some periods; nothing to estimate where none is left out, or none is left."""
    kept = ~np.isin(trial.cells.period, periods)
    if kept.all():
        return _unchanged(trial, f"{otherwise}, so nothing changes")
    if not kept.any():
        return _unchanged(trial, "every period would be left out")
    left = subset(trial.cells, kept)
    return Changed(left, left)


def _with_covariates(trial: Trial, columns: np.ndarray, term: str) -> Changed:
    """The cells with covariates, or `not_identified` where authority and period effects hold them already."""
    cells, weight = trial.cells, trial.cells.weight
    left = residual_maker(cells, weight)(columns.T)
    if not (left**2 @ weight > RANK_TOLERANCE * np.maximum(columns.T**2 @ weight, 1e-300)).any():
        return Changed(cells, cells, "not_identified", term)
    with_them = replace(cells, covariates=columns)
    return Changed(with_them, with_them)


def _lengths(wedge: Wedge) -> tuple[int, ...]:
    """Days of each period of the wedge."""
    spans = zip(wedge.period_starts, wedge.period_ends, strict=True)
    return tuple((end - start).days + 1 for start, end in spans)


def _lockdown_days(trial: Trial) -> tuple[int, ...]:
    """Days of each period of the wedge that lie in a lockdown."""
    wedge = trial.wedge
    return tuple(
        sum(max(0, (min(end, last) - max(start, first)).days + 1) for first, last in trial.lockdowns)
        for start, end in zip(wedge.period_starts, wedge.period_ends, strict=True)
    )


def _years(trial: Trial) -> np.ndarray:
    """Years from the middle of the first period present to the middle of each cell's, (cells,)."""
    wedge = trial.wedge
    spans = zip(wedge.period_starts, wedge.period_ends, strict=True)
    middle = np.array([(start.toordinal() + end.toordinal()) / 2 for start, end in spans])
    period = trial.cells.decisive_period
    return (middle[period] - middle[period].min(initial=np.inf)) / DAYS_PER_YEAR
