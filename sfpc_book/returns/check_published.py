"""Monthly totals beside published statistics of the same authority: do both count the same children?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.finding import Finding
from sfpc_book.contracts.limits import Limits
from sfpc_book.contracts.relations import Published
from sfpc_book.returns.check_relations import not_comparable
from sfpc_book.returns.measure import measure
from sfpc_book.returns.origin import Origin
from sfpc_book.study.study import Study

CHECK = "out_of_line_with_published"
MARCH, MONTHS_OF_YEAR = 3, 12


def why_not_compared(*, returns_synthetic: bool, published_synthetic: bool, comparable: bool) -> str | None:
    """Why returns and published statistics say nothing about each other; None if they can be compared."""
    if returns_synthetic != published_synthetic:
        which = "the returns" if returns_synthetic else "the published statistics"
        return f"{which} are synthetic, and the other numbers are real"
    if returns_synthetic and not comparable:
        return (
            "synthetic returns and synthetic published statistics are made apart, with numbers of their own"
        )
    return None


def check_published(
    study: Study,
    returns: Mapping[str, Mapping[str, pd.DataFrame]],
    published: pd.DataFrame | None,
    contracts: Mapping[str, TableContract],
    limits: Limits,
    *,
    because: str | None = None,
) -> tuple[Finding, ...]:
    """Compare each authority's totals with its published numbers, measure by measure and year by year.

    Parameters
    ----------
    returns
        Canonical tables by authority.
    published
        One row per authority, year ending 31 March and measure: authority_code, year, measure, value.
        None where the two cannot be compared.
    because
        Why not, if so; each authority then has one finding that says it.
    """
    found: list[Finding] = []
    for slug, tables in returns.items():
        for name, table in tables.items():
            if not contracts[name].published or table.empty:
                continue
            origin = Origin(slug, contracts[name].layer, table=name)
            if published is None:
                found.append(not_comparable(CHECK, str(because), origin))
                continue
            numbers = published[published["authority_code"] == study.authorities[slug].la_code]
            months = table.set_index(contracts[name].key[0]).sort_index()
            for part in contracts[name].published:
                found += _compare(months[part.column], numbers, part, limits, origin)
    return tuple(found)


def _compare(
    values: pd.Series, numbers: pd.DataFrame, part: Published, limits: Limits, origin: Origin
) -> Iterator[Finding]:
    told = numbers[numbers["measure"] == part.measure].set_index("year")["value"].dropna()
    own = _years(values.dropna().astype("float64"), part)
    both = pd.concat([own.rename("own"), told.rename("told")], axis=1, join="inner").sort_index()
    both = both[(both.max(axis=1) >= limits.checks[CHECK].minimum) & (both.min(axis=1) > 0)]
    if both.empty:
        why = f"'{part.column}': no year has a number that was sent and a published '{part.measure}'"
        yield not_comparable(CHECK, why, origin, part.column)
    for year, row in both.iterrows():
        apart = max(row["own"] / row["told"], row["told"] / row["own"])
        more = "more" if row["own"] > row["told"] else "less"
        when = "in March" if part.over == "march" else "in the year ending March"
        text = (
            f"'{part.column}' {when} {year} is {apart:.2f} times {more} than the published '{part.measure}'"
        )
        yield measure(limits, CHECK, apart, text, origin, column=part.column, count=1)


def _years(values: pd.Series, part: Published) -> pd.Series:
    """The number of each year ending in March: that of March itself, or the sum of twelve months."""
    months = pd.DatetimeIndex(values.index)
    if part.over == "march":
        march = values[months.month == MARCH]
        return march.set_axis(pd.DatetimeIndex(march.index).year)
    years = values.groupby(months.year + (months.month > MARCH))
    return years.sum()[years.count() == MONTHS_OF_YEAR]
