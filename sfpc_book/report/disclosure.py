"""The only road from counts to a page: threshold, rounding, and suppression of counts that totals would
give back.

Charts and tables of counts accept a `PublishedCounts` and nothing else, and only the functions of this room
make one. A count from 1 to the threshold less one is not shown; the others are rounded; zero is shown as
zero. Totals are sums of what is published, each hidden count standing in as one rounding step, so that no
subtraction of published numbers gives a hidden one. Constants come from the study's `disclosure` and are
printed with the methods.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sfpc_book.errors import DisclosureError
from sfpc_book.report.formats import NOT_APPLICABLE, NOT_AVAILABLE, SUPPRESSED, count, is_missing
from sfpc_book.study.schema import Disclosure

_MADE_HERE = object()


@dataclass(frozen=True)
class PublishedCounts:
    """Counts fit to publish. `frame` holds keys, rounded counts (missing where hidden) and `suppressed`.

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
        if self.threshold <= 1 and self.rounding <= 1:
            return "Counts are shown as they are."
        return (
            f"Counts from 1 to {self.threshold - 1} are not shown, the others are rounded to the nearest "
            f"{self.rounding}, and totals are sums of what is shown: they can differ a little between tables."
        )


def published(frame: pd.DataFrame, kind: str, disclosure: Disclosure) -> PublishedCounts:
    """Wrap counts that the rules of this room have been applied to. For the disclosure modules only."""
    return PublishedCounts(
        frame.reset_index(drop=True), kind, disclosure.threshold, disclosure.rounding, _MADE_HERE
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


def is_small(values: pd.Series | np.ndarray, disclosure: Disclosure) -> np.ndarray:
    """Which counts may not be shown: above zero and below the threshold. Boolean, shape of `values`."""
    numbers = np.asarray(values, dtype=float)
    return (numbers > 0) & (numbers < disclosure.threshold)


def rounded(values: pd.Series | np.ndarray, disclosure: Disclosure) -> np.ndarray:
    """Counts rounded to the nearest multiple, halves upwards. Float, shape of `values`; missing stays
    missing.
    """
    numbers = np.asarray(values, dtype=float)
    return np.floor(numbers / disclosure.rounding + 0.5) * disclosure.rounding


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


def publish_flow(flow: pd.DataFrame, disclosure: Disclosure) -> PublishedCounts:
    """The sample flow of each authority and of all together (`authority` = `all`).

    Boxes are re-summed from the end: what is kept at a step is the published number kept at the next one
    plus the published exclusions between them. The row order of the input (within an authority) is the
    order of the flow.
    """
    parts = [_published_flow(part, disclosure) for _, part in flow.groupby("authority", sort=False)]
    frame = pd.concat(parts, ignore_index=True)
    if len(parts) == 1:
        return published(frame.drop(columns="stand_in"), "flow", disclosure)
    keys = ["model", "step", "box", "kind"]
    total = frame.groupby(keys, sort=False, as_index=False).agg(
        n=("stand_in", "sum"), hidden=("n", _all_missing)
    )
    hidden = total["hidden"] | is_small(total["n"], disclosure)
    total = total.assign(authority="all", suppressed=hidden).drop(columns="hidden")
    total["n"] = total["n"].mask(total["suppressed"])
    return published(pd.concat([frame.drop(columns="stand_in"), total]), "flow", disclosure)


def _all_missing(values: pd.Series) -> bool:
    return bool(values.isna().all())


def _published_flow(flow: pd.DataFrame, disclosure: Disclosure) -> pd.DataFrame:
    """One authority's flow with `n` published and `stand_in`, the number that sums use where it is hidden."""
    running = 0.0
    values, stand_ins = [], []
    small = is_small(flow["n"], disclosure)
    own = rounded(flow["n"], disclosure)
    for position in range(len(flow) - 1, -1, -1):
        kept = flow["kind"].iloc[position] == "kept"
        stand_in = float(disclosure.rounding) if small[position] else own[position]
        if kept:
            running = stand_in if not values else running
            stand_in = running
        else:
            running += stand_in
        values.append(np.nan if small[position] else stand_in)
        stand_ins.append(stand_in)
    columns = [name for name in ("model", "authority", "step", "box", "kind") if name in flow]
    return flow[columns].assign(n=values[::-1], stand_in=stand_ins[::-1], suppressed=small)


def publish_descriptives(descriptives: pd.DataFrame, disclosure: Disclosure) -> PublishedCounts:
    """Counts of levels within variables, with totals. Adds `share`, of the rounded counts.

    A hidden level is never the only one of its variable, and never the only one among the authorities that
    make up `all`: the next smallest count is hidden with it. Columns model, authority, exposed, variable,
    level, n, total.
    """
    small = is_small(descriptives["n"], disclosure)
    groups = [
        descriptives.groupby(["authority", "exposed", "variable"], sort=False).ngroup().to_numpy(),
        _siblings(descriptives),
    ]
    hidden = small
    for _ in range(len(descriptives)):
        before = hidden.copy()
        for group in groups:
            hidden = complementary(descriptives["n"].to_numpy(float), hidden, group)
        if (before == hidden).all():
            break
    n = np.where(hidden, np.nan, rounded(descriptives["n"], disclosure))
    total = protected(descriptives["total"], disclosure)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, n / total, np.nan)
    return published(
        descriptives.assign(n=n, total=total, share=share, suppressed=hidden), "descriptives", disclosure
    )


def _siblings(descriptives: pd.DataFrame) -> np.ndarray:
    """Groups of the authorities that sum to `all`; the rows of `all` themselves stand alone (-1)."""
    group = (
        descriptives.groupby(["exposed", "variable", "level"], sort=False, dropna=False).ngroup().to_numpy()
    )
    return np.where(descriptives["authority"] == "all", -1, group)


def complementary(values: np.ndarray, hidden: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Hide one more count wherever a group hides exactly one: the smallest non-zero of the others.

    `values`, `hidden`, `group` have one entry per cell; cells of group -1 are left alone. A group whose
    other cells are all zero keeps its single hidden cell: the cell then equals the group's total, which is
    hidden as well.
    """
    result = hidden.copy()
    for name in np.unique(group[(group >= 0) & hidden]):
        members = np.flatnonzero(group == name)
        if hidden[members].sum() != 1:
            continue
        others = members[~hidden[members] & (values[members] > 0)]
        if others.size:
            result[others[np.argmin(values[others])]] = True
    return result


def with_another(values: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """In each row with one hidden count, the smallest other one hidden too. Shape of `values`."""
    rows = np.repeat(np.arange(len(values)), values.shape[1])
    return complementary(values.ravel(), hidden.ravel(), rows).reshape(values.shape)


ESTIMATED = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high", "p_minimum")


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
    short = {name: estimates[name].map(_six_digits) for name in ESTIMATED if name in estimates}
    if "observed_share" in estimates:
        short["observed_share"] = estimates["observed_share"].round(2)
    counts = {name: pd.array(values).astype("Int64") for name, values in safe.items()}
    return estimates.assign(**counts, **short)


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")


def shown(values: pd.Series) -> list[str]:
    """Published counts as cells: thousands separators, `[c]` where hidden."""
    return [count(value) for value in values]


def _any_small(frame: pd.DataFrame, columns: list[str], disclosure: Disclosure) -> np.ndarray:
    return np.column_stack([is_small(frame[name], disclosure) for name in columns]).any(axis=1)
