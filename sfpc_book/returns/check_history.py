"""Is a month or a return out of line with the authority's own others? Robust, and blind to small numbers.

Each value is held against the median of the others, in robust standard deviations: 1.4826 times their median
absolute deviation, but at least what chance gives a count or a share of that size. Counts are compared on the
square root scale (of Anscombe, where a Poisson count has standard deviation 1), shares on the arcsine scale,
other numbers on the log scale. A value is out of line when it is beyond the limit and also off by a ratio, or
a difference of shares, that matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.finding import Finding
from sfpc_book.contracts.limits import Limit, Limits
from sfpc_book.returns.check_relations import not_comparable
from sfpc_book.returns.measure import measure
from sfpc_book.returns.origin import Origin, first_row, of_sheets
from sfpc_book.study.return_months import first_day, spans
from sfpc_book.study.study import Study

CHECK = "out_of_line_with_history"
TO_STANDARD_DEVIATION = 1.4826  # of the median absolute deviation of a normal variable
LOG_FLOOR = 0.05  # numbers that are no counts differ by a few per cent from month to month


@dataclass(frozen=True)
class Series:
    """One number of each month or return, and the scale on which it varies.

    `size` says whether a number is large enough to compare; `floor` is the deviation that chance gives.
    """

    what: str
    column: str | None
    values: pd.Series
    size: pd.Series
    scale: Callable[[np.ndarray], np.ndarray]
    floor: pd.Series
    is_share: bool = False


def check_history(
    study: Study,
    tables: Mapping[str, pd.DataFrame],
    contracts: Mapping[str, TableContract],
    limits: Limits,
    authority: str,
) -> Iterator[Finding]:
    """Every month or return of the tables whose contract declares a history."""
    for name, table in tables.items():
        contract = contracts[name]
        if contract.history is None or table.empty:
            continue
        monthly = contract.history.by == "month"
        made = _monthly(table, contract) if monthly else _by_return(table, contract, study)
        for series in made:
            yield from _compare(series, table, contract, limits, authority)


def robust_deviations(values: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Distance of each value from the median of the others, in their robust standard deviations.

    `floor` is the least standard deviation of each. Iglewicz and Hoaglin (1993), the value itself left out.
    """
    distances = np.zeros(len(values))
    for place in range(len(values)):
        others = np.delete(values, place)
        middle = np.median(others)
        spread = TO_STANDARD_DEVIATION * np.median(np.abs(others - middle))
        distances[place] = abs(values[place] - middle) / max(spread, floor[place])
    return distances


def _monthly(table: pd.DataFrame, contract: TableContract) -> Iterator[Series]:
    """The values of each column, by the month they are for."""
    months = table.set_index(contract.key[0]).sort_index()
    for name in contract.history.values:
        column = contract.column(name)
        values = months[name].dropna().astype("float64")
        what = f"'{name}'"
        if column.type == "integer":
            yield Series(what, name, values, values, _roots, values * 0 + 1)
        else:
            values = values[values > 0]
            yield Series(what, name, values, values * 0 + np.inf, np.log, values * 0 + LOG_FLOOR)


def _by_return(table: pd.DataFrame, contract: TableContract, study: Study) -> Iterator[Series]:
    """Rows a month, shares missing and shares with an event, by return."""
    asked = spans(study.returns.months, study.returns.referrals_from)
    returns = table.groupby("return_month")
    n = returns.size().astype("float64")
    n = n[sorted(n.index, key=first_day)]
    if contract.history.rows:
        months = pd.Series({month: (end - start).days / 30.4375 for month, (start, end) in asked.items()})
        each = (n / months).dropna()
        yield Series("rows a month", None, each, n[each.index], _roots, each * 0 + 1)
    for name in contract.history.missing:
        yield _share(f"missing '{name}'", name, returns[name].agg(lambda part: part.isna().mean()), n)
    for name in contract.history.events:
        flag = contract.column(name).type == "flag"
        happened = (table[name] == 1).fillna(False) if flag else table[name].notna()
        yield _share(f"with '{name}'", name, happened.groupby(table["return_month"]).mean(), n)


def _share(what: str, column: str, values: pd.Series, n: pd.Series) -> Series:
    values = values[n.index].astype("float64")
    return Series(f"share {what}", column, values, n, _arcsines, 0.5 / np.sqrt(n), is_share=True)


def _roots(values: np.ndarray) -> np.ndarray:
    return 2 * np.sqrt(values + 0.375)


def _arcsines(values: np.ndarray) -> np.ndarray:
    return np.arcsin(np.sqrt(values))


def _compare(
    series: Series, table: pd.DataFrame, contract: TableContract, limits: Limits, authority: str
) -> Iterator[Finding]:
    """A finding for each month or return that is out of line; if none is, one that says so."""
    limit, by_month = limits.checks[CHECK], contract.history.by == "month"
    origin = Origin(authority, contract.layer, table=contract.table)
    if len(series.values) <= limit.points:
        why = f"{series.what}: {len(series.values)} to compare, and more than {limit.points} are needed"
        yield not_comparable(CHECK, why, origin, series.column)
        return
    distance = robust_deviations(series.scale(series.values.to_numpy()), series.floor.to_numpy())
    usual = _medians_of_others(series.values)
    wrong = (distance > limit.limit) & _matters(series, usual, limit)
    if not wrong.any():
        text = f"{series.what}: {len(distance)} compared with each other, none is out of line"
        yield measure(limits, CHECK, 0.0, text, origin, column=series.column, count=0)
    for place in np.flatnonzero(wrong):
        value = float(series.values.iloc[place])
        words = _side(value, usual[place]) if series.is_share else _times(value, usual[place])
        key = series.values.index[place]
        records = table[table[contract.key[0] if by_month else "return_month"] == key]
        named = f"{key:%Y-%m}" if by_month else f"return of {key}"
        text = f"{named}: {series.what} is {words} usual in the others"
        row = first_row(records) if by_month else None
        yield measure(limits, CHECK, float(distance[place]), text, of_sheets(records, origin), row=row,
                      column=series.column, count=1)  # fmt: skip


def _side(value: float, usual: float) -> str:
    """Without the shares, which with the rows of the return would give the number of records behind them."""
    return f"far {'above' if value > usual else 'below'} what is"


def _times(value: float, usual: float) -> str:
    return f"{value / usual:.1f} times what is" if usual else "not 0, which is"


def _medians_of_others(values: pd.Series) -> np.ndarray:
    numbers = values.to_numpy()
    return np.array([np.median(np.delete(numbers, place)) for place in range(len(numbers))])


def _matters(series: Series, usual: np.ndarray, limit: Limit) -> np.ndarray:
    """Which values are off by a ratio or a difference that matters, and not for being small."""
    values, size = series.values.to_numpy(), series.size.to_numpy()
    if series.is_share:
        return (np.abs(values - usual) >= limit.difference) & (size >= limit.minimum)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = values / usual
        apart = np.maximum(ratio, 1 / ratio)
    return (apart >= limit.factor) & (np.maximum(size, _medians_of_others(series.size)) >= limit.minimum)
