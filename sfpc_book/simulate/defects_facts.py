"""Defects of facts: identifiers and dates that contradict each other or the dates that were asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from sfpc_book.simulate.grids import Book, Cell, Grid
from sfpc_book.simulate.planting import Books, Defect, Mark, Site, in_grid, positions

PAIRS, LATE_BIRTHS, EARLY, ENDED_TOO_SOON = 2, 2, 2, 2
DAYS_BIRTH_TOO_LATE = 430
# Years by which a start of care is wrong that no return can cover.
YEARS_TOO_EARLY = 30
# Shares beyond the limits of checks.yml (0.3 of the children in care, 0.1 of the dated referrals).
SHARE_CARE_BEFORE, SHARE_BORN_WITH_REFERRAL = 0.6, 0.3
LONGEST_WAIT = 60


def _renamed_children(books: Books, new: Mapping[Cell, Cell]) -> Books:
    """Give children other identifiers in every sheet."""
    return [replace(book, grids=tuple(_renamed(grid, new) for grid in book.grids)) for book in books]


def _renamed(grid: Grid, new: Mapping[Cell, Cell]) -> Grid:
    if "child_id" not in grid.names:
        return grid
    return grid.with_column("child_id", [new.get(cell, cell) for cell in grid.column("child_id")])


def _identifiers(books: Iterable[Book]) -> set[Cell]:
    """Every identifier in the sheets that have one."""
    grids = (grid for book in books for grid in book.grids if "child_id" in grid.names)
    return {cell for grid in grids for cell in grid.column("child_id")}


def _referrals(books: Books, site: Site) -> Grid:
    return next(book for book in books if site.holds(book)).grid(site.table)


def _two_births(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark] | None:
    """Children get the identifiers of others, who are in this sheet: children whom no outcome sheet was asked
    about, from any return, so that there is no other trace."""
    grids = [book.grid(site.table) for book in books if book.layer == site.layer]
    births = {child: birth for grid in grids for child, birth in _births(grid) if child not in site.lent}
    owners = sorted({child for child, _ in _births(_referrals(books, site))} & set(births))
    asked = _identifiers(book for book in books if book.layer == "dr3")
    others = sorted(set(births) - asked - set(owners))
    count = site.of(min(len(others), len(owners)), PAIRS)
    pairs = zip(rng.permutation(others)[:count], rng.permutation(owners)[:count], strict=True)
    new = {two: one for two, one in pairs if births[one] != births[two]}
    mark = Mark(len(new), "the authority must say which record is whose", "child_id")
    return (_renamed_children(books, new), mark) if new else None


def _births(grid: Grid) -> list[tuple[Cell, date]]:
    pairs = zip(grid.column("child_id"), grid.column("birth_month"), strict=True)
    return [(child, birth) for child, birth in pairs if isinstance(birth, date)]


def _shared_identifiers(books: Books, site: Site, rng: np.random.Generator) -> tuple | None:
    everyone = _identifiers(books)
    borrowed = [identifier for identifier in site.borrowed if identifier not in everyone]
    children = sorted(set(_referrals(books, site).column("child_id")) - set(site.lent))
    if not borrowed or len(children) < len(borrowed):
        return None
    chosen = [children[place] for place in rng.choice(len(children), len(borrowed), replace=False)]
    changed = _renamed_children(books, dict(zip(chosen, borrowed, strict=True)))
    says = "identifiers are the authority's own"
    own = Mark(len(borrowed), says, "child_id")
    return changed, own, Mark(len(borrowed), says, "child_id", authority=site.lender, file="")


def _early_care(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
    """A year typed wrong: care began long before any date that the return covers."""
    cells = list(grid.column("care_start"))
    flags = [cell is not None for cell in cells]
    chosen = positions(flags, rng, site.of(sum(flags), EARLY))
    for place in chosen:
        cells[place] = cells[place].replace(year=cells[place].year - YEARS_TOO_EARLY, day=1)
    if not chosen:
        return None
    mark = Mark(len(chosen), "the authority must confirm the year", "care_start", grid.rows[chosen[0]])
    return grid.with_column("care_start", cells), mark


def _care_before(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark] | None:
    """The dates of referral and care are of other spells: care began before the first referral."""
    first: dict[Cell, date] = {}
    for book in (book for book in books if book.layer == "dr2"):
        grid = book.grid("dr2_referrals")
        for child, day in zip(grid.column("child_id"), grid.column("referral_date"), strict=True):
            if isinstance(day, date):
                first[child] = min(first.get(child, day), day)
    book = next(book for book in books if site.holds(book))
    grid = book.grid(site.table)
    starts, seen = list(grid.column("care_start")), set()
    flags = []
    for child, start in zip(grid.column("child_id"), starts, strict=True):
        after = start is not None and child in first and start >= first[child]
        flags.append(after and child not in seen)
        seen.add(child)
    share = SHARE_CARE_BEFORE if site.share is None else max(site.share, SHARE_CARE_BEFORE)
    chosen = positions(flags, rng, round(share * sum(flags)))
    for place in chosen:
        starts[place] = first[grid.column("child_id")[place]] - timedelta(1 + int(rng.integers(LONGEST_WAIT)))
    before = {child for child, start in zip(grid.column("child_id"), starts, strict=True)
              if start is not None and child in first and start < first[child]}  # fmt: skip
    if not chosen:
        return None
    changed = book.with_grid(grid.with_column("care_start", starts))
    mark = Mark(len(before), "the authority must confirm the dates of care", "care_start")
    return [changed if other is book else other for other in books], mark


def _ended_too_soon(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
    ends, starts = list(grid.column("care_end")), grid.column("care_start")
    flags = [end is not None for end in ends]
    chosen = positions(flags, rng, site.of(sum(flags), ENDED_TOO_SOON))
    for place in chosen:
        ends[place] = starts[place] - timedelta(days=7)
    if not chosen:
        return None
    mark = Mark(len(chosen), "the authority must confirm both dates", "care_end", grid.rows[chosen[0]])
    return grid.with_column("care_end", ends), mark


def _short_coverage(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    cells = [cell.replace(day=1) - timedelta(days=1) for cell in grid.column("covered_to")]
    mark = Mark(1, "none: the last month is not observed", "covered_to", grid.rows[0])
    return grid.with_column("covered_to", cells), mark


def _once_referred(books: Books, site: Site) -> set[Cell]:
    """Children with one referral in all returns: another date of birth of theirs contradicts no other row."""
    grids = (book.grid(site.table) for book in books if book.layer == site.layer)
    cells = (cell for grid in grids for cell in grid.column("child_id"))
    return {child for child, count in Counter(cells).items() if count == 1}


def _may_be_born(grid: Grid, once: set[Cell]) -> list[bool]:
    columns = (grid.column(name) for name in ("child_id", "birth_month", "referral_date"))
    return [
        child in once and isinstance(birth, date) and isinstance(day, date)
        for child, birth, day in zip(*columns, strict=True)
    ]


def _born(grid: Grid, chosen: Iterable[int], days: int) -> Grid:
    """The month of birth of some records, so many days after the referral."""
    births, referred = list(grid.column("birth_month")), grid.column("referral_date")
    for place in chosen:
        births[place] = (referred[place] + timedelta(days=days)).replace(day=1)
    return grid.with_column("birth_month", births)


def _born_later(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark] | None:
    book = next(book for book in books if site.holds(book))
    grid = book.grid(site.table)
    flags = _may_be_born(grid, _once_referred(books, site))
    chosen = positions(flags, rng, site.of(sum(flags), LATE_BIRTHS))
    if not chosen:
        return None
    changed = book.with_grid(_born(grid, chosen, DAYS_BIRTH_TOO_LATE))
    mark = Mark(len(chosen), "the authority must confirm the date", "birth_month", grid.rows[chosen[0]])
    return [changed if other is book else other for other in books], mark


def _born_with_referral(books: Books, site: Site, rng: np.random.Generator) -> tuple | None:
    """The month of the referral stands in the column of the month of birth. Some children are really born in
    it: the count is of all who are."""
    once = _once_referred(books, site)
    share = max(site.share or 0, SHARE_BORN_WITH_REFERRAL)
    changed, marks = [], []
    for book in books:
        if site.holds(book):
            grid = book.grid(site.table)
            flags = _may_be_born(grid, once)
            grid = _born(grid, positions(flags, rng, round(share * sum(flags))), 0)
            dates = zip(grid.column("birth_month"), grid.column("referral_date"), strict=True)
            count = sum(isinstance(birth, date) and birth >= day.replace(day=1) for birth, day in dates)
            says = "the authority must confirm the months of birth"
            marks += [Mark(count, says, "birth_month", month=book.month)] if count else []
            book = book.with_grid(grid)
        changed.append(book)
    return (changed, *marks) if marks else None


REFERRALS, CARE, COVERAGE = ("dr2_referrals",), ("dr3_care",), ("dr3_coverage",)


def _fact(kind: str, layer: str, tables: tuple[str, ...], plant, told_by: str, touches: tuple[str, ...],
          **more: object) -> Defect:  # fmt: skip
    """A defect that only the authority can mend."""
    return Defect(kind, "record", layer, tables, "finding", plant, told_by, touches, **more)


FACT_DEFECTS = (
    _fact("one_identifier_two_births", "dr2", REFERRALS, _two_births, "identifier_of_two_births",
          ("records",), scope="authority", apart=("births", "identifiers")),
    _fact("same_identifier_in_two_authorities", "dr2", REFERRALS, _shared_identifiers,
          "identifier_in_two_authorities", ("records",), scope="authority", apart=("identifiers",),
          borrows=True, needs=("lender",)),
    _fact("care_start_before_referral", "dr3", CARE, _care_before, "care_before_referral",
          ("records", "care_start"), apart=("referral dates", "coverage"), distorts=True),
    _fact("care_start_outside_coverage", "dr3", CARE, in_grid(_early_care), "care_outside_coverage",
          ("records", "care_start"), also=("care_before_referral",), apart=("coverage",)),
    _fact("care_end_before_start", "dr3", CARE, in_grid(_ended_too_soon), "order_of_dates",
          ("records", "care_end"), apart=("coverage",)),
    _fact("coverage_a_month_short", "dr3", COVERAGE, in_grid(_short_coverage), "coverage_short",
          ("records", "covered_to"), also=("care_outside_coverage",), apart=("coverage",)),
    _fact("birth_after_referral", "dr2", REFERRALS, _born_later, "birth_long_after_referral",
          ("records", "birth_month"), also=("birth_after_referral",), apart=("+births",)),
    _fact("birth_in_month_of_referral", "dr2", REFERRALS, _born_with_referral, "birth_after_referral",
          ("records", "birth_month"), scope="authority", every_return=True,
          apart=("births", "referral dates"), distorts=True),
)  # fmt: skip
