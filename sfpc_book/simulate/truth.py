"""The truth: each outcome of each exposed child in both worlds, and the mean difference between them.

A second, independent implementation of the outcome definitions, on complete histories: nothing is cut off by
the end of a return, nothing is unlinked. For an outcome of a population that exposure itself can change
(children who entered care, whose plan ended, ...), the truth is the mean among those who belong to it when
exposed less the mean among those who belong to it when not exposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.simulate.children import SimulatedModel, exposed_in_sample, referred
from sfpc_book.simulate.dates import (
    NAT,
    age,
    months_later,
    ssda903_year,
    term_after,
    term_number,
    term_starts,
    year_end,
)
from sfpc_book.simulate.population import dates_of
from sfpc_book.simulate.world import History
from sfpc_book.study.registries import Outcome

TRUTH_COLUMNS = ["model", "outcome", "horizon", "exposure_time", "truth", "n_exposed"]
SCHOOL_AGES = (5, 15)
LEAVER_AGES = (16, 20)
MANY_PLACEMENTS = 3
NEVER = np.datetime64("2200-01-01")


@dataclass(frozen=True)
class Followed:
    """Children and one of their histories, followed from the referral to one horizon (in months)."""

    simulated: SimulatedModel
    history: History
    outcome: Outcome
    horizon: int

    @property
    def referral(self) -> np.ndarray:
        return referred(self.simulated)

    @property
    def birth(self) -> np.ndarray:
        return dates_of(self.simulated.children, "birth")

    @property
    def adult(self) -> np.ndarray:
        """18th birthday where time at risk ends there, else never."""
        model = self.simulated.study.models[self.simulated.model_id]
        ends = model.layout == "no_wrong_door"
        return dates_of(self.simulated.children, "adult") if ends else np.full(len(self.referral), NEVER)

    def until(self, start: np.ndarray, months: int) -> np.ndarray:
        """The day, not counted, at which follow-up of some months from a date ends (NaT where none)."""
        end = months_later(start, months) + np.timedelta64(1, "D")
        return np.minimum(end, self.adult)

    def first(self, frame: pd.DataFrame, column: str, since: np.ndarray) -> np.ndarray:
        """Each child's earliest date of a column on or after a date; NaT where there is none."""
        child, dates = frame["child"].to_numpy(), dates_of(frame, column)
        late = dates >= since[child]
        earliest = pd.Series(dates[late].astype("datetime64[ns]")).groupby(child[late]).min()
        found = earliest.reindex(range(len(since)))
        return found.to_numpy(dtype="datetime64[D]")

    def days(self, frame: pd.DataFrame, start: str, end: str) -> np.ndarray:
        """Days of spells from the referral to the horizon; spells of one child do not overlap in time."""
        child = frame["child"].to_numpy()
        stop = np.minimum(months_later(self.referral, self.horizon), self.adult)[child]
        inside = np.minimum(dates_of(frame, end), stop) - np.maximum(
            dates_of(frame, start), self.referral[child]
        )
        return np.bincount(child, np.maximum(inside.astype(float), 0), len(self.referral))


Measured = tuple[np.ndarray, np.ndarray]


def _everyone(values: np.ndarray) -> Measured:
    return values.astype(float), np.ones(len(values), dtype=bool)


def _looked_after(case: Followed) -> Measured:
    start = case.first(case.history.care, "care_start", case.referral)
    return _everyone(start < case.until(case.referral, case.horizon))


def _days_in_care(case: Followed) -> Measured:
    care = case.history.care
    return _everyone(case.days(care[care["spell"].isin(["first", "second"])], "care_start", "care_end"))


def _entered(case: Followed) -> np.ndarray:
    return _looked_after(case)[0] > 0


def _placement_count(case: Followed) -> Measured:
    episodes = case.history.episodes
    start = case.first(case.history.care, "care_start", case.referral)
    end = case.until(start, case.outcome.fixed_months or 12)
    child, begun = episodes["child"].to_numpy(), dates_of(episodes, "episode_start")
    counted = (begun >= start[child]) & (begun < end[child]) & (episodes["moved"] == 1).to_numpy()
    return np.bincount(child[counted], minlength=len(start)).astype(float), _entered(case)


def _placement_stability(case: Followed) -> Measured:
    number, population = _placement_count(case)
    return (number >= MANY_PLACEMENTS).astype(float), population


def _neet(case: Followed) -> Measured:
    """Activity in the SSDA903 year of leaving care, among those aged 16 to 20 at the end of it."""
    care, activity = case.history.care, case.history.activity
    late = care[dates_of(care, "care_start") >= case.referral[care["child"].to_numpy()]]
    left = late.groupby("child")["care_end"].max().reindex(range(len(case.referral)))
    left = left.to_numpy(dtype="datetime64[D]")
    year = ssda903_year(left)
    years = age(case.birth, year_end(year))
    stop = np.minimum(months_later(case.referral, case.horizon), case.adult)
    population = (left <= stop) & (years >= LEAVER_AGES[0]) & (years <= LEAVER_AGES[1])
    status = activity.set_index(["child", "year"])["neet"]
    value = status.reindex(pd.MultiIndex.from_arrays([np.arange(len(left)), year])).to_numpy(dtype=float)
    return np.nan_to_num(value), population


def _care_mark(case: Followed, chosen: np.ndarray) -> Measured:
    """Whether a chosen period of care begins on or after the referral and within the horizon."""
    care = case.history.care
    child, start = care["child"].to_numpy(), dates_of(care, "care_start")
    until = case.until(case.referral, case.horizon)[child]
    chosen = chosen & (start >= case.referral[child]) & (start < until)
    return (np.bincount(child[chosen], minlength=len(case.referral)) > 0).astype(float), _entered(case)


def _kinship_care(case: Followed) -> Measured:
    return _care_mark(case, case.history.care["placement_type"].isin(case.outcome.codes).to_numpy(dtype=bool))


def _reunification(case: Followed) -> Measured:
    care = case.history.care
    until = case.until(case.referral, case.horizon)[care["child"].to_numpy()]
    home = care["ceased_reason"].isin(case.outcome.codes).to_numpy(dtype=bool)
    return _care_mark(case, home & (dates_of(care, "care_end") < until))


def _child_protection_plan(case: Followed) -> Measured:
    start = case.first(case.history.plans, "plan_start", case.referral)
    return _everyone(start < case.until(case.referral, case.horizon))


def _days_on_plan(case: Followed) -> Measured:
    return _everyone(case.days(case.history.plans, "plan_start", "plan_end"))


def _plan_duration(case: Followed) -> Measured:
    plans = case.history.plans
    start = case.first(plans, "plan_start", case.referral)
    mine = plans[dates_of(plans, "plan_start") == start[plans["child"].to_numpy()]]
    end = case.first(mine, "plan_end", case.referral)
    limit = months_later(start, case.outcome.fixed_months or 24)
    length = (np.minimum(np.where(np.isnat(end), limit, end), limit) - start).astype(float)
    return length, start < case.until(case.referral, case.horizon)


def _return_to_statutory_services(case: Followed) -> Measured:
    history = case.history
    end = case.first(history.plans, "plan_end", case.referral)
    next_day = end + np.timedelta64(1, "D")
    events = ((history.plans, "plan_start"), (history.cin, "cin_start"), (history.care, "care_start"))
    back = np.fmin.reduce([case.first(frame, column, next_day) for frame, column in events])
    value = back < case.until(end, case.horizon)
    return value.astype(float), end < case.until(case.referral, case.horizon)


def _proceeds_to_court(case: Followed) -> Measured:
    meetings = case.history.proceedings
    met = case.first(meetings, "pre_proceedings_date", case.referral)
    court = case.first(meetings, "care_proceedings_date", np.where(np.isnat(met), NAT, met))
    within = court - met <= np.timedelta64(case.outcome.fixed_days or 112, "D")
    return within.astype(float), met < case.until(case.referral, case.horizon)


def _re_referral(case: Followed) -> Measured:
    children = case.simulated.children
    again = case.first(case.history.referrals, "referral_date", case.referral + np.timedelta64(1, "D"))
    factor = children[[f"has_{code}" for code in case.outcome.codes]].any(axis=1).to_numpy(dtype=bool)
    assessed = ~children["no_further_action"].to_numpy(dtype=bool)
    end = months_later(case.referral, case.horizon)
    return (again <= end).astype(float), factor & assessed


def _unauthorised_absence(case: Followed) -> Measured:
    terms = case.outcome.fixed_terms or 3
    first = term_after(case.referral)
    known = np.array([term_number(label) for label in case.simulated.terms])
    rows = np.arange(len(first))[:, None]
    columns = np.clip(first[:, None] + np.arange(terms) - known[0], 0, len(known) - 1)
    youngest = age(case.birth, term_starts(first)) >= SCHOOL_AGES[0]
    oldest = age(case.birth, term_starts(first + terms - 1)) <= SCHOOL_AGES[1]
    return case.history.absence[rows, columns].mean(axis=1), youngest & oldest


MEASURES: Mapping[str, Callable[[Followed], Measured]] = {
    "looked_after": _looked_after,
    "days_in_care": _days_in_care,
    "placement_stability": _placement_stability,
    "placement_count": _placement_count,
    "neet": _neet,
    "kinship_care": _kinship_care,
    "reunification": _reunification,
    "child_protection_plan": _child_protection_plan,
    "days_on_plan": _days_on_plan,
    "plan_duration": _plan_duration,
    "return_to_statutory_services": _return_to_statutory_services,
    "proceeds_to_court": _proceeds_to_court,
    "re_referral_parental_factors": _re_referral,
    "unauthorised_absence": _unauthorised_absence,
}


def measure(
    simulated: SimulatedModel, history: History, outcome_id: str, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    """Outcome of every child in one world (floats) and whether it belongs to the population (bools)."""
    outcome = simulated.study.outcomes[outcome_id]
    return MEASURES[outcome_id](Followed(simulated, history, outcome, horizon))


def truth_table(simulated: SimulatedModel | Iterable[SimulatedModel]) -> pd.DataFrame:
    """True effects on the exposed children of each model's sample.

    Columns model, outcome, horizon, exposure_time (0 = all exposed children, then 1, 2, ...), truth (in the
    outcome's own unit), n_exposed (exposed children of the population). An outcome that has no definition
    here, or nobody in its population, has a missing truth.
    """
    models = [simulated] if isinstance(simulated, SimulatedModel) else list(simulated)
    rows = [row for model in models for row in _truth_rows(model)]
    return pd.DataFrame(rows, columns=TRUTH_COLUMNS)


def _truth_rows(simulated: SimulatedModel) -> list[tuple]:
    study, exposed = simulated.study, exposed_in_sample(simulated)
    time = simulated.children["exposure_time"].to_numpy()[exposed]
    rows = []
    for outcome in study.models[simulated.model_id].outcomes:
        for horizon in study.horizons:
            worlds = [
                measure(simulated, history, outcome, horizon) if outcome in MEASURES else None
                for history in (simulated.observed, simulated.unexposed)
            ]
            for exposure_time in range(simulated.wedge.n_periods):
                chosen = exposed if exposure_time == 0 else exposed[time == exposure_time]
                if exposure_time == 0 or len(chosen):
                    key = (simulated.model_id, outcome, horizon, exposure_time)
                    rows.append((*key, *_difference(worlds, chosen)))
    return rows


def _difference(worlds: list[Measured | None], chosen: np.ndarray) -> tuple[float, int]:
    if None in worlds:
        return np.nan, len(chosen)
    means, sizes = [], []
    for value, population in worlds:
        inside = value[chosen][population[chosen]]
        means.append(inside.mean() if len(inside) else np.nan)
        sizes.append(len(inside))
    return float(means[0] - means[1]), sizes[0]
