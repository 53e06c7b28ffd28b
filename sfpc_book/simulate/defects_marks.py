"""Defects beside the values: what is hidden, calculated, an error, or counted by another calendar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.simulate.defects_cells import MONTHLY, REFERRALS, each
from sfpc_book.simulate.grids import Cell, Formula, Grid
from sfpc_book.simulate.planting import Books, Defect, Handling, Mark, Plant, Site, in_grid, positions

HIDDEN_ROWS = 3
HIDDEN_COLUMN = "assessment_outcome"
# Not the first sheet of a workbook, which cannot be hidden.
MAY_BE_HIDDEN = ("dr3_plans", "dr3_cin", "dr3_neet")


def _hidden_rows(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
    chosen = positions([True] * grid.n_rows, rng, site.of(grid.n_rows, HIDDEN_ROWS))
    if not chosen:
        return None
    rows = frozenset(grid.rows[place] for place in chosen)
    mark = Mark(len(rows), "hidden rows are records like others", row=grid.rows[chosen[0]])
    return replace(grid, hidden_rows=rows), mark


def _hidden_column(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    mark = Mark(1, "a hidden column is read", HIDDEN_COLUMN, in_header=True)
    return replace(grid, hidden_columns=frozenset({HIDDEN_COLUMN})), mark


def _hidden_sheet(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    return replace(grid, hidden=True), Mark(1, "a hidden sheet is read", in_header=True)


def _calendar(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark]:
    changed = [replace(book, date_1904=True) if site.holds(book) else book for book in books]
    return changed, Mark(1, "days are counted from 1904")


def _formula(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return Formula(f"=ROUND({cell},1)", cell) if isinstance(cell, float) else cell


def _unsolved(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return Formula(f"=ROUND({cell},1)", None) if isinstance(cell, float) else cell


def _error(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return Formula("=NA()", "#N/A") if isinstance(cell, float) else cell


def _mark(kind: str, handled_by: Handling, plant: Plant, told_by: str, *touches: str,
          tables: tuple[str, ...], **more: object) -> Defect:  # fmt: skip
    return Defect(kind, "cell", tables[0][:3], tables, handled_by, plant, told_by, touches, **more)


RATE, CASELOAD, VISITS = ("looked_after_rate_per_10000",), ("caseload_per_fte",), ("visits_out_of_schedule",)
LOST = "the authority must send the value"
MARK_DEFECTS = (
    _mark("hidden_rows", "reader", in_grid(_hidden_rows), "hidden_rows", "hidden rows", tables=REFERRALS),
    _mark("hidden_column", "reader", in_grid(_hidden_column), "hidden_columns", HIDDEN_COLUMN,
          tables=REFERRALS),
    _mark("hidden_sheet", "reader", in_grid(_hidden_sheet), "hidden_sheet", "hidden sheet",
          tables=MAY_BE_HIDDEN),
    _mark("dates_counted_from_1904", "reader", _calendar, "date_system_1904", "calendar", tables=REFERRALS,
          scope="file"),
    _mark("formulas", "reader", in_grid(each(RATE, _formula, "saved results are read")), "formulas", *RATE,
          tables=MONTHLY),
    _mark("formulas_without_value", "finding", in_grid(each(CASELOAD, _unsolved, LOST, 0.3)),
          "formula_without_value", "records", *CASELOAD, tables=MONTHLY, also=("formulas",)),
    _mark("error_cells", "finding", in_grid(each(VISITS, _error, LOST, 0.3)), "cell_errors", "records",
          *VISITS, tables=MONTHLY, also=("formulas", "unmapped")),
)  # fmt: skip
