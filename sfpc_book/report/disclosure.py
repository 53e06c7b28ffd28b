"""The only road from counts to a page: threshold, rounding, and suppression of counts that totals would
give back.

Charts and tables of counts accept a `PublishedCounts` and nothing else, and only the functions of this room
make one. A count from 1 to the threshold less one is not shown; the others are rounded; zero is shown as
zero. Where totals or other tables count the same children, more is hidden (`disclosure_hidden` says how
much), or a total is the sum of what is published with one number standing for every hidden count, so that
no subtraction gives a hidden one. Constants come from the study's `disclosure` and are printed with the
methods.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from sfpc_book.errors import DisclosureError
from sfpc_book.report.formats import NOT_APPLICABLE, NOT_AVAILABLE, SUPPRESSED, count, is_missing
from sfpc_book.study.schema import Disclosure

_MADE_HERE = object()
NOT_OBSERVED = ("n_not_observed", "n_not_linked", "n_not_applicable", "n_value_missing")


@dataclass(frozen=True)
class PublishedCounts:
    """Counts fit to publish. `frame` holds keys, rounded counts (missing where hidden) and `suppressed`;
    `threshold` is the smallest count above zero that is shown.

    Raises `DisclosureError` when made anywhere but by the functions of the disclosure rules.
    """

    frame: pd.DataFrame
    kind: str
    threshold: int
    rounding: int
    made_by: object = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.made_by is not _MADE_HERE:
            raise DisclosureError(
                "counts reach a page only through the functions of sfpc_book.report.disclosure; "
                "call one of them on the frame of counts"
            )

    def note(self) -> str:
        """What was done to the counts, in one sentence for readers."""
        parts = [
            f"counts from 1 to {self.threshold - 1} are not shown, nor any that would give one away"
            if self.threshold > 1
            else "",
            f"counts are rounded to the nearest {self.rounding}, so that they may not add up to their total "
            "and can differ a little between tables"
            if self.rounding > 1
            else "",
        ]
        text = "; ".join(part for part in parts if part) or "counts are shown as they are"
        return f"{text[:1].upper()}{text[1:]}."


def published(frame: pd.DataFrame, kind: str, disclosure: Disclosure) -> PublishedCounts:
    """Wrap counts that the rules of this room have been applied to. For the disclosure modules only."""
    return PublishedCounts(
        frame.reset_index(drop=True), kind, least_shown(disclosure), disclosure.rounding, _MADE_HERE
    )


def require_published(counts: object, kind: str) -> PublishedCounts:
    """The counts if they went through disclosure control as `kind`; `DisclosureError` otherwise."""
    if not isinstance(counts, PublishedCounts):
        raise DisclosureError(
            f"a chart or table of {kind} takes counts that went through disclosure control, "
            f"not {type(counts).__name__}; pass the result of the function for {kind} in report/disclosure"
        )
    if counts.kind != kind:
        raise DisclosureError(f"counts of {counts.kind} were passed where counts of {kind} belong")
    return counts


def least_shown(disclosure: Disclosure) -> int:
    """The smallest count above zero that is shown: the threshold, or the first that does not round to zero.

    A shown zero therefore always means that there is none.
    """
    return max(disclosure.threshold, math.ceil(disclosure.rounding / 2))


def is_small(values: pd.Series | np.ndarray, disclosure: Disclosure) -> np.ndarray:
    """Which counts may not be shown: above zero and below `least_shown`. Boolean, shape of `values`."""
    numbers = np.asarray(values, dtype=float)
    return (numbers > 0) & (numbers < least_shown(disclosure))


def rounded(values: pd.Series | np.ndarray, disclosure: Disclosure) -> np.ndarray:
    """Counts rounded to the nearest multiple, halves upwards. Float, shape of `values`; missing stays
    missing.
    """
    numbers = np.asarray(values, dtype=float)
    return np.floor(numbers / disclosure.rounding + 0.5) * disclosure.rounding


def stand_in(disclosure: Disclosure) -> float:
    """What stands for a hidden count in a sum: half the threshold in whole rounding steps, one at least."""
    return max(disclosure.threshold // 2 // disclosure.rounding, 1) * float(disclosure.rounding)


def not_observed(panel: pd.DataFrame) -> pd.Series:
    """Children of each row of a panel whose outcome is not observed, for whichever reason."""
    return panel[[name for name in NOT_OBSERVED if name in panel]].sum(axis=1)


def less_others(whole: np.ndarray, others: np.ndarray, disclosure: Disclosure) -> np.ndarray:
    """Numbers of children left when others are taken away, from what may be published of both. Float.

    A small number of others stands in as the same whatever it is: who knows the whole from another table does
    not get it as the difference.
    """
    away = np.where(is_small(others, disclosure), stand_in(disclosure), rounded(others, disclosure))
    return np.maximum(rounded(whole, disclosure) - away, 0.0)


def protected(values: pd.Series | np.ndarray, disclosure: Disclosure) -> np.ndarray:
    """Counts rounded, and missing where too small to show. Float, shape of `values`."""
    return np.where(is_small(values, disclosure), np.nan, rounded(values, disclosure))


def publish_counts(frame: pd.DataFrame, columns: list[str], disclosure: Disclosure) -> PublishedCounts:
    """Counts without published totals, such as an authority's monthly series: threshold and rounding only."""
    out = frame.assign(**{name: protected(frame[name], disclosure) for name in columns})
    return published(out.assign(suppressed=_any_small(frame, columns, disclosure)), "series", disclosure)


def publish_monthly(
    monthly: pd.DataFrame, stocks: list[str], flows: list[str], disclosure: Disclosure
) -> PublishedCounts:
    """One authority's monthly totals: stocks by month, flows summed over calendar quarters.

    A quarter stands at its middle month and needs all three months. Monthly flows are often too small to
    show. For each number a column `<name>_absent` says why it is missing: `[c]` hidden, `[x]` not sent (or
    not for the whole quarter), `[z]` a month that its quarter's number covers.
    """
    frame = monthly.sort_values("month").reset_index(drop=True)
    quarter = frame["month"].dt.to_period("Q")
    middle = frame["month"].dt.month % 3 == 2
    sums = {
        name: frame.groupby(quarter)[name].transform(_complete_sum).where(middle)
        for name in flows
        if name in frame
    }
    present = [name for name in stocks if name in frame]
    counts = frame[["month", *present]].assign(**sums)
    absent = {f"{name}_absent": counts[name].map(_why_absent) for name in present}
    absent |= {f"{name}_absent": counts[name].map(_why_absent).where(middle, NOT_APPLICABLE) for name in sums}
    return publish_counts(counts.assign(**absent), [*present, *sums], disclosure)


def _why_absent(value: float) -> str:
    """What stands where a number is not shown: it was sent and is hidden, or it was not sent."""
    return NOT_AVAILABLE if is_missing(value) else SUPPRESSED


def _complete_sum(values: pd.Series) -> float:
    return float(values.sum()) if len(values) == 3 and values.notna().all() else np.nan


ESTIMATED = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high", "p_minimum")
SHARE = "observed_share"


def publish_estimates(estimates: pd.DataFrame, disclosure: Disclosure) -> pd.DataFrame:
    """Tidy estimates with counts of children and events protected; applying it twice changes nothing.

    Numbers keep six significant digits and shares two decimals: all digits of many sums over few cells would
    let the counts behind them be worked out.
    """
    columns = [name for name in ("n_children", "n_events") if name in estimates]
    safe = {
        name: protected(estimates[name].astype("Float64").to_numpy(float, na_value=np.nan), disclosure)
        for name in columns
    }
    short = short_numbers(estimates[[name for name in (*ESTIMATED, SHARE) if name in estimates]])
    counts = {name: pd.array(values).astype("Int64") for name, values in safe.items()}
    return estimates.assign(**counts, **short)


def short_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Every fraction to six significant digits, shares of children observed to two decimals; whole numbers,
    dates and words stay. Applying it twice changes nothing."""
    numeric = [
        name for name in frame if pd.api.types.is_float_dtype(frame[name]) or frame[name].dtype == object
    ]
    return frame.assign(
        **{name: frame[name].map(partial(short_number, name=name), na_action="ignore") for name in numeric}
    )


def short_number(value: object, name: str) -> object:
    """A fraction as it is published in the column `name`; anything else as it is."""
    if not isinstance(value, float):
        return value
    return round(float(value), 2) if name == SHARE else float(f"{value:.6g}")


def shown(values: pd.Series) -> list[str]:
    """Published counts as cells: thousands separators, `[c]` where hidden."""
    return [count(value) for value in values]


def _any_small(frame: pd.DataFrame, columns: list[str], disclosure: Disclosure) -> np.ndarray:
    return np.column_stack([is_small(frame[name], disclosure) for name in columns]).any(axis=1)
