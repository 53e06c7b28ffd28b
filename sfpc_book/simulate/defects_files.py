"""Defects of files and sheets: names that are not those agreed, and returns in pieces or from outside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

import numpy as np

from sfpc_book.simulate.grids import Book, Grid
from sfpc_book.simulate.months import file_name
from sfpc_book.simulate.planting import Books, Defect, Mark, Site, in_grid

SHEET_NAME_LENGTH = 31
SMALL_WORDS = ("and", "upon")


def _trailing_space(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
    if len(grid.sheet) >= SHEET_NAME_LENGTH:
        return None
    return replace(grid, sheet=grid.sheet + " "), Mark(1, f"sheet is '{grid.sheet}'")


def _other_sheet_name(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    other = site.contract.sheets[site.layout].aliases[0][:SHEET_NAME_LENGTH]
    return replace(grid, sheet=other), Mark(1, f"sheet is '{grid.sheet}'")


def _unnamed_sheet(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    return replace(grid, sheet="Sheet1"), Mark(1, f"sheet is '{grid.sheet}'")


def _file_copy(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark]:
    changed = [_renamed(book, " (3)") if site.holds(book) else book for book in books]
    return changed, Mark(1, "file name without '(3)'")


def _renamed(book: Book, ending: str) -> Book:
    return replace(book, file=f"{PurePath(book.file).stem}{ending}.xlsx")


def _other_slug(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark]:
    spelling = "_".join(part for part in site.authority.split("_") if part not in SMALL_WORDS)
    changed = [
        replace(book, file=book.file.replace(site.authority, spelling, 1)) if site.holds(book) else book
        for book in books
    ]
    repair = {"action": "alias_authority", "spelling": spelling}
    return changed, Mark(1, f"'{spelling}' is '{site.authority}'", repair=repair)


def _split_return(books: Books, site: Site, rng: np.random.Generator) -> tuple:
    changed: Books = []
    says = "the workbooks of the month are one return"
    marks = []
    for book in books:
        if not site.holds(book):
            changed.append(book)
            continue
        for grid in book.grids:
            changed.append(replace(_renamed(book, f"_{grid.table.split('_')[1]}"), grids=(grid,)))
            marks.append(Mark(1, says, table=grid.table))
    return (changed, *marks)


def _file_of_another(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark]:
    """A return of an authority that has withdrawn, with children of its own, among the files."""
    book = next(book for book in books if site.holds(book))
    grid = book.grid(site.table)
    children = [f"LEFT-{number}" for number in range(1, grid.n_rows + 1)]
    name = file_name(site.left, book.layer, book.month)
    other = replace(book, authority=site.left, file=name, grids=(grid.with_column("child_id", children),))
    return [*books, other], Mark(1, "leave it alone", authority=site.left, file=name)


REFERRALS, MONTHLY = ("dr2_referrals",), ("dr1_monthly",)


def _file(kind: str, plant, handled_by: str, told_by: str, *touches: str, tables: tuple[str, ...] = REFERRALS,
          **more: object) -> Defect:  # fmt: skip
    return Defect(kind, "layout", tables[0][:3], tables, handled_by, plant, told_by, touches, **more)


FILE_DEFECTS = (
    _file("sheet_name_with_trailing_space", in_grid(_trailing_space), "reader", "sheet_name", "sheet",
          tables=("dr3_care", "dr3_cin")),
    _file("sheet_under_another_name", in_grid(_other_sheet_name), "reader", "sheet_name", "sheet"),
    _file("sheet_unnamed", in_grid(_unnamed_sheet), "reader", "sheet_name", "sheet", tables=MONTHLY),
    _file("copy_number_in_file_name", _file_copy, "reader", "file_name_suffix", "file", scope="file"),
    _file("slug_spelt_differently", _other_slug, "correction", "correction", "file", scope="file",
          tables=("dr3_coverage",), needs=("long_slug",), told_untreated="file_name",
          also_untreated=("outcome_return_missing", "table_sent")),
    _file("return_split_over_workbooks", _split_return, "reader", "file_name_suffix", "file", "calendar",
          scope="file", needs=("no_wrong_door",)),
    _file("file_of_authority_that_left", _file_of_another, "reader", "file_of_non_member", "stranger",
          scope="file", needs=("left",)),
)  # fmt: skip
