"""The stepped wedge of one trial: window, periods, exposure and the orders randomisation could have given."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from sfpc_book.errors import StudyDefinitionError
from sfpc_book.study.schema import PracticeModel, Study

MAXIMUM_ORDERS = 100_000  # enumerated exactly up to here


@dataclass(frozen=True)
class Wedge:
    """One trial's design. Periods count from 0; `start_period` is an authority's first exposed period.

    `never_exposed` are authorities observed beside the trial's own that never work by the model; they were
    not randomised and have no part in the orders.
    """

    model_id: str
    authorities: tuple[str, ...]
    go_live: Mapping[str, date]
    stratum: Mapping[str, str]
    window_start: date
    window_end: date
    period_starts: tuple[date, ...]
    never_exposed: tuple[str, ...] = ()

    @property
    def n_periods(self) -> int:
        return len(self.period_starts)

    @property
    def period_ends(self) -> tuple[date, ...]:
        """Last day of each period, inclusive."""
        return (*(start - timedelta(days=1) for start in self.period_starts[1:]), self.window_end)

    @property
    def start_period(self) -> dict[str, int]:
        """First exposed period of each authority."""
        return {slug: self.period_starts.index(self.go_live[slug]) for slug in self.authorities}

    def period_of(self, dates: pd.Series | np.ndarray) -> np.ndarray:
        """Period of each date; -1 outside the window or where the date is missing. Shape as given."""
        days = pd.DatetimeIndex(dates).to_numpy(dtype="datetime64[D]")
        starts = np.array(self.period_starts, dtype="datetime64[D]")
        period = np.searchsorted(starts, days, side="right") - 1
        outside = np.isnat(days) | (days < starts[0]) | (days > np.datetime64(self.window_end))
        return np.where(outside, -1, period)

    def go_live_day(self, authority: str) -> np.datetime64:
        """The go-live as `datetime64[D]`; NaT, which no date reaches, for an authority that is never
        exposed."""
        return np.datetime64("NaT" if authority in self.never_exposed else self.go_live[authority], "D")

    def exposed(self, authority: str, period: int) -> bool:
        """Whether the authority worked by the model in that period."""
        return authority not in self.never_exposed and period >= self.start_period[authority]

    def exposure_time(self, authority: str, period: int) -> int:
        """0 before go-live, 1 in the first exposed period, and so on."""
        return period - self.start_period[authority] + 1 if self.exposed(authority, period) else 0

    @property
    def n_orders(self) -> int:
        """Number of distinct orders that randomisation within strata could have given."""
        return math.prod(_distinct(list(self._starts(group))) for group in self._groups())

    @property
    def attainable_minimum_p(self) -> float:
        """Smallest p-value that any result could have: the observed order alone, among all."""
        return 1 / self.n_orders

    def among(self, authorities: Iterable[str]) -> Wedge:
        """The wedge of those of its authorities that are named, with the periods as they were.

        The same holds for those never exposed. Given what the others received, those that remain exchange
        go-lives among themselves, within strata.
        """
        kept = set(authorities)
        remaining = tuple(slug for slug in self.authorities if slug in kept)
        return replace(
            self,
            authorities=remaining,
            go_live={slug: self.go_live[slug] for slug in remaining},
            stratum={slug: self.stratum[slug] for slug in remaining},
            never_exposed=tuple(slug for slug in self.never_exposed if slug in kept),
        )

    def admissible_orders(self) -> tuple[tuple[int, ...], ...]:
        """Start period of each authority, in `authorities` order, under every admissible order.

        The observed order comes first. Authorities exchange start periods only within their stratum.

        Raises
        ------
        StudyDefinitionError
            When there are more than 100,000 orders: too many to list.
        """
        if self.n_orders > MAXIMUM_ORDERS:
            raise StudyDefinitionError(
                f"'{self.model_id}' has {self.n_orders:,} admissible orders; "
                f"at most {MAXIMUM_ORDERS:,} are listed"
            )
        observed = tuple(self.start_period[slug] for slug in self.authorities)
        others = sorted(set(self._orders()) - {observed})
        return (observed, *others)

    def _orders(self) -> Iterator[tuple[int, ...]]:
        groups = self._groups()
        choices = [list(_arrangements(sorted(self._starts(group)))) for group in groups]
        for chosen in itertools.product(*choices):
            start = {
                slug: value
                for group, values in zip(groups, chosen, strict=True)
                for slug, value in zip(group, values, strict=True)
            }
            yield tuple(start[slug] for slug in self.authorities)

    def _groups(self) -> list[list[str]]:
        names = sorted(set(self.stratum.values()))
        return [[slug for slug in self.authorities if self.stratum[slug] == name] for name in names]

    def _starts(self, group: list[str]) -> Iterator[int]:
        return (self.start_period[slug] for slug in group)

    def design_table(self) -> pd.DataFrame:
        """One row per authority and period, in wedge order, the never exposed last: dates, exposure and
        exposure time."""
        ends = self.period_ends
        return pd.DataFrame(
            [
                {
                    "authority": slug,
                    "period": period,
                    "period_start": pd.Timestamp(start),
                    "period_end": pd.Timestamp(ends[period]),
                    "exposed": int(self.exposed(slug, period)),
                    "exposure_time": self.exposure_time(slug, period),
                }
                for slug in (*self.authorities, *self.never_exposed)
                for period, start in enumerate(self.period_starts)
            ]
        )


def wedge_of(study: Study, model_id: str) -> Wedge:
    """The wedge of a model, derived from the go-lives of its trial authorities.

    The window runs from `months_before` the first go-live to `months_after` the last; periods are the spans
    between go-lives.

    Raises
    ------
    StudyDefinitionError
        For an unknown model, naming the known ones.
    """
    if model_id not in study.models:
        raise StudyDefinitionError(f"Unknown model '{model_id}'. Known models: {', '.join(study.models)}")
    model = study.models[model_id]
    go_live = {slug: study.authorities[slug].go_live.date for slug in model.trial_authorities}
    start, end = _window(model, min(go_live.values()), max(go_live.values()))
    return Wedge(
        model_id=model_id,
        authorities=model.trial_authorities,
        go_live=go_live,
        stratum=_strata(study, model),
        window_start=start,
        window_end=end,
        period_starts=tuple(sorted({start, *go_live.values()})),
    )


def window_status(study: Study, model_id: str) -> str:
    """`confirmed` when every go-live is; otherwise the weakest status among them."""
    found = {study.authorities[slug].go_live.status for slug in study.models[model_id].trial_authorities}
    return next(status for status in ("assumed", "month", "confirmed") if status in found)


def _window(model: PracticeModel, first: date, last: date) -> tuple[date, date]:
    rule = model.window
    start = rule.start or (pd.Timestamp(first) - pd.DateOffset(months=rule.months_before)).date()
    end = pd.Timestamp(last) + pd.DateOffset(months=rule.months_after)
    if rule.end_at == "month_end":
        end = end + pd.offsets.MonthEnd(0)
    return start, rule.end or end.date()


def _strata(study: Study, model: PracticeModel) -> dict[str, str]:
    if model.restriction == "unrestricted":
        return dict.fromkeys(model.trial_authorities, "all")
    return {slug: study.authorities[slug].stratum for slug in model.trial_authorities}


def _arrangements(values: list[int]) -> Iterator[tuple[int, ...]]:
    """Every distinct arrangement of sorted values once, in order, however many are equal."""
    if not values:
        yield ()
    for first in dict.fromkeys(values):
        rest = values.copy()
        rest.remove(first)
        yield from ((first, *others) for others in _arrangements(rest))


def _distinct(values: list[int]) -> int:
    """Number of distinct arrangements of `values`."""
    return math.factorial(len(values)) // math.prod(math.factorial(n) for n in Counter(values).values())
