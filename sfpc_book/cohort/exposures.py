"""The definitions of exposure: the main one, and each other as "main, but …". One small function per rule.

Follow-up of a child runs from `start` (its index date) up to and without `stop`, in whole days: the horizon,
the 18th birthday where time at risk ends there, or the day care starts where a definition says so. Exposure
by any rule but the main one differs between children of one authority and period, and between horizons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from sfpc_book.cohort.calendar import days
from sfpc_book.cohort.follow import FollowUp
from sfpc_book.errors import StudyDefinitionError
from sfpc_book.study.registries import Exposure

GO_LIVE = "go_live"


@dataclass(frozen=True)
class Span:
    """Follow-up of n children of one authority, arrays of `datetime64[D]`; `go_live` is NaT for an authority
    that is never exposed."""

    start: np.ndarray
    stop: np.ndarray
    go_live: np.datetime64


Rule = Callable[[Span, Exposure], np.ndarray]


def go_live(span: Span, definition: Exposure) -> np.ndarray:
    """Exposed when the index date is on or after go-live."""
    return span.start >= span.go_live


def midpoint(span: Span, definition: Exposure) -> np.ndarray:
    """Exposed when go-live is on or before the midpoint of follow-up: go-live - start ≤ (stop - start) / 2.

    Half a day counts: of eleven days, the midpoint lies between the sixth and the seventh.
    """
    return 2 * (span.go_live - span.start) <= span.stop - span.start


def enough_days(span: Span, definition: Exposure) -> np.ndarray:
    """Exposed when the days of follow-up under the model are `days` or more: stop - max(start, go-live)."""
    if definition.days is None:
        raise StudyDefinitionError(f"exposure '{definition.id}' counts days, and says not how many: add days")
    under_the_model = span.stop - np.maximum(span.start, span.go_live)
    return under_the_model >= np.timedelta64(definition.days, "D")


EXPOSURES: Mapping[str, Rule] = {
    GO_LIVE: go_live,
    "midpoint": midpoint,
    "midpoint_until_care": midpoint,
    "days_28": enough_days,
    "days_28_until_care": enough_days,
}


def exposed_column(name: str, horizon: int) -> str:
    """Column of the children that holds exposure by a definition at a horizon."""
    return f"exposed_{name}_{horizon}"


def last_start_column(name: str, horizon: int) -> str:
    """Column of the children that holds the last start under which a child would be exposed."""
    return f"last_start_{name}_{horizon}"


def exposed_under(
    follow: FollowUp, go_live_day: np.datetime64, exposures: Sequence[Exposure], horizons: Sequence[int]
) -> pd.DataFrame:
    """Exposure of each child by each definition and horizon: 1, 0, or missing where it cannot be known.

    Where follow-up stops at the start of care, exposure is known only of children linked to the care records
    whose records reach the horizon: not linked is never "did not enter care".
    """
    columns = {
        exposed_column(part.id, horizon): _exposed(follow, go_live_day, part, horizon)
        for part in exposures
        for horizon in horizons
    }
    return pd.DataFrame(columns, index=follow.links.children.index)


def last_starts_under(
    follow: FollowUp, starts: Sequence[date], exposures: Sequence[Exposure], horizons: Sequence[int]
) -> pd.DataFrame:
    """The last of the periods whose first day, as go-live, would leave a child exposed, by each definition
    and horizon; 0 where none after the first would, missing where exposure cannot be known.

    `starts` are the first days of all periods. Under every definition a child exposed by one go-live is
    exposed by an earlier one, so the last one says all: a child is exposed under a go-live at the start of
    period p exactly if p is not after it. That is what the exact test needs to know under other orders.
    """
    days_of_starts = [np.datetime64(start, "D") for start in starts[1:]]
    columns = {}
    for part in exposures:
        for horizon in horizons:
            under = [_exposed(follow, day, part, horizon) for day in days_of_starts]
            last = sum((values.astype("Int8") for values in under), start=pd.array([0] * follow.n, "Int8"))
            columns[last_start_column(part.id, horizon)] = last
    return pd.DataFrame(columns, index=follow.links.children.index)


def _exposed(
    follow: FollowUp, go_live_day: np.datetime64, part: Exposure, horizon: int
) -> pd.arrays.IntegerArray:
    stop, known = follow.window(horizon).stop, np.ones(follow.n, dtype=bool)
    if part.until_care:
        stop, known = np.fmin(stop, follow.first_care(follow.referral)), care_known(follow, horizon)
    exposed = EXPOSURES[part.id](Span(follow.referral, stop, go_live_day), part)
    return pd.arrays.IntegerArray(exposed.astype("int8"), ~known)


def care_known(follow: FollowUp, horizon: int) -> np.ndarray:
    """Whether the care records show each child from its index date to the horizon. Boolean, n."""
    children = follow.links.children
    reach = days(children["covered_to"]) >= follow.window(horizon).due
    return follow.links.linked["dr3_care"] & reach & (days(children["covered_from"]) <= follow.referral)
