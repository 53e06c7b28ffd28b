"""Defects of records: rows that are there twice, belong to nobody, or contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from sfpc_book.simulate.grids import Cell, Grid
from sfpc_book.simulate.planting import Books, Defect, Mark, Site, in_grid, positions

ROWS_TWICE = 15
PAIRS, SHARED, UNDATED, EARLY, UNLINKED, LATE_BIRTHS = 2, 3, 4, 2, 5, 2
DAYS_TOO_EARLY = 3 * 365
DAYS_BIRTH_TOO_LATE = 430


def _again(books: Books, site: Site, most: int | None) -> tuple[Books, Grid, int]:
    """Put the last rows (`most`, or all) of the return before above those of this return."""
    own = [book for book in books if book.layer == site.layer]
    place = next(number for number, book in enumerate(own) if site.holds(book))
    before, grid = own[place - 1].grid(site.table), own[place].grid(site.table)
    count = before.n_rows if most is None else min(most, before.n_rows)
    first = before.n_rows - count
    cells = tuple([*old[first:], *new] for old, new in zip(before.cells, grid.cells, strict=True))
    changed = own[place].with_grid(replace(grid, cells=cells))
    return [changed if book is own[place] else book for book in books], grid, count


def _rows_twice(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark] | None:
    changed, grid, count = _again(books, site, ROWS_TWICE)
    mark = Mark(count, "rows of the return before count once", row=grid.excel_row(0))
    return (changed, mark) if count else None


def _months_twice(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark] | None:
    changed, grid, count = _again(books, site, None)
    mark = Mark(count, "months of the return before count once", "month", grid.excel_row(0))
    return (changed, mark) if count else None


def _empty_month(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    place = int(rng.integers(grid.n_rows))
    cells = []
    for name, column in zip(grid.names, grid.cells, strict=True):
        cells.append([*column[:place], column[place] if name == "month" else None, *column[place:]])
    mark = Mark(1, "of two rows of a month the filled one counts", "month", grid.excel_row(place))
    return replace(grid, cells=tuple(cells)), mark


def _renamed_children(books: Books, new: Mapping[Cell, Cell]) -> tuple[Books, int]:
    """Give children other identifiers in every sheet; also how many cells changed."""
    changed, count = [], 0
    for book in books:
        for grid in book.grids:
            if "child_id" in grid.names:
                old = grid.column("child_id")
                hits = sum(cell in new for cell in old)
                if hits:
                    book = book.with_grid(grid.with_column("child_id", [new.get(cell, cell) for cell in old]))
                    count += hits
        changed.append(book)
    return changed, count


def _two_births(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark] | None:
    grid = next(book for book in books if site.holds(book)).grid(site.table)
    births = dict(zip(grid.column("child_id"), grid.column("birth_month"), strict=True))
    dated = [child for child, birth in births.items() if isinstance(birth, date)]
    if len(dated) < 2 * PAIRS:
        return None
    chosen = [dated[place] for place in rng.choice(len(dated), 2 * PAIRS, replace=False)]
    pairs = [
        (one, two) for one, two in zip(chosen[::2], chosen[1::2], strict=True) if births[one] != births[two]
    ]
    changed, _ = _renamed_children(books, {two: one for one, two in pairs})
    mark = Mark(len(pairs), "the authority must say which record is whose", "child_id")
    return (changed, mark) if pairs else None


def _shared_identifiers(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark] | None:
    own = [cell for book in books if site.holds(book) for cell in book.grid(site.table).column("child_id")]
    everyone = {cell for book in books for grid in book.grids if "child_id" in grid.names
                for cell in grid.column("child_id")}  # fmt: skip
    borrowed = [identifier for identifier in site.borrowed if identifier not in everyone]
    children = sorted(set(own))
    if not borrowed or len(children) < len(borrowed):
        return None
    chosen = [children[place] for place in rng.choice(len(children), len(borrowed), replace=False)]
    changed, _ = _renamed_children(books, dict(zip(chosen, borrowed, strict=True)))
    return changed, Mark(len(borrowed), "identifiers are the authority's own", "child_id")


def _undated(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
    cells = list(grid.column("referral_date"))
    chosen = positions([True] * len(cells), rng, min(UNDATED, 1 + len(cells) // 50)) if cells else []
    for place in chosen:
        cells[place] = None
    if not chosen:
        return None
    says = "the authority must send the date"
    return grid.with_column("referral_date", cells), Mark(
        len(chosen), says, "referral_date", grid.excel_row(chosen[0])
    )


def _early_care(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
    cells = list(grid.column("care_start"))
    chosen = positions([cell is not None for cell in cells], rng, EARLY)
    for place in chosen:
        cells[place] = cells[place] - timedelta(days=DAYS_TOO_EARLY)
    if not chosen:
        return None
    says = "the authority must confirm the year"
    return grid.with_column("care_start", cells), Mark(
        len(chosen), says, "care_start", grid.excel_row(chosen[0])
    )


def _unlinked(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
    chosen = positions([cell is not None for cell in grid.column("care_start")], rng,
                       min(UNLINKED, 1 + grid.n_rows // 100))  # fmt: skip
    if not chosen:
        return None
    cells = []
    for name, column in zip(grid.names, grid.cells, strict=True):
        strange = [f"ZZ{9_000 + place}" if name == "child_id" else column[place] for place in chosen]
        cells.append([*column, *strange])
    mark = Mark(len(chosen), "the authority must say whose they are", "child_id", grid.excel_row(grid.n_rows))
    return replace(grid, cells=tuple(cells)), mark


def _short_coverage(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    cells = [cell.replace(day=1) - timedelta(days=1) for cell in grid.column("covered_to")]
    mark = Mark(len(cells), "none: the last month is not observed", "covered_to", grid.excel_row(0))
    return grid.with_column("covered_to", cells), mark


def _born_later(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark] | None:
    records = [cell for book in books if book.layer == "dr2"
               for cell in book.grid(site.table).column("child_id")]  # fmt: skip
    once = _once(records)
    book = next(book for book in books if site.holds(book))
    grid = book.grid(site.table)
    births, dates = list(grid.column("birth_month")), grid.column("referral_date")
    children = zip(births, grid.column("child_id"), dates, strict=True)
    fit = [isinstance(birth, date) and child in once and isinstance(day, date)
           for birth, child, day in children]  # fmt: skip
    chosen = positions(fit, rng, LATE_BIRTHS)
    for place in chosen:
        births[place] = (dates[place] + timedelta(days=DAYS_BIRTH_TOO_LATE)).replace(day=1)
    if not chosen:
        return None
    changed = book.with_grid(grid.with_column("birth_month", births))
    mark = Mark(len(chosen), "the authority must confirm the date", "birth_month", grid.excel_row(chosen[0]))
    return [changed if other is book else other for other in books], mark


def _once(values: list[Cell]) -> set[Cell]:
    names, counts = np.unique(np.array(values, dtype=str), return_counts=True)
    return set(names[counts == 1].tolist())


REFERRALS, MONTHLY, CARE = ("dr2_referrals",), ("dr1_monthly",), ("dr3_care",)
RECORD_DEFECTS = (
    Defect("rows_sent_twice", "record", "dr2", REFERRALS, "reader", _rows_twice, first_return=False),
    Defect("same_months_in_two_returns", "layout", "dr1", MONTHLY, "reader", _months_twice,
           first_return=False),
    Defect("repeated_month_rows", "record", "dr1", MONTHLY, "reader", in_grid(_empty_month)),
    Defect("one_identifier_two_births", "record", "dr2", REFERRALS, "finding", _two_births),
    Defect("same_identifier_in_two_authorities", "record", "dr2", REFERRALS, "finding", _shared_identifiers),
    Defect("missing_referral_date", "record", "dr2", REFERRALS, "finding", in_grid(_undated)),
    Defect("care_start_years_too_early", "record", "dr3", CARE, "finding", in_grid(_early_care)),
    Defect("outcome_identifiers_without_referral", "record", "dr3", CARE, "finding", in_grid(_unlinked)),
    Defect("coverage_a_month_short", "record", "dr3", ("dr3_coverage",), "finding", in_grid(_short_coverage)),
    Defect("birth_after_referral", "record", "dr2", REFERRALS, "finding", _born_later),
)  # fmt: skip
