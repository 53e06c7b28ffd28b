"""Defects of layout: files, sheets, headers and columns that are not where or what they should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

import numpy as np

from sfpc_book.simulate.grids import Book, Grid
from sfpc_book.simulate.planting import Books, Defect, Mark, Site, in_grid

SHEET_NAME_LENGTH = 31
HINTS = {
    "text": "Unique identifier", "date": "Format dd/mm/yyyy", "month": "Format mm/yyyy",
    "birth_month": "Format mm/yyyy", "flag": "1 or 0 only", "integer": "Whole number",
    "code": "Code from the list", "factors": "All codes found", "share": "Between 0 and 1",
}  # fmt: skip
SMALL_WORDS = ("and", "upon")


def _header_moved(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    down = int(rng.integers(1, 4))
    notes = (*grid.notes, *["Completed by the performance team"] * down)
    moved = replace(grid, notes=notes, header_row=grid.header_row + down)
    return moved, Mark(1, f"header in row {moved.header_row}", row=moved.header_row)


def _junk_row(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    kinds = {column.name: column.type for column in site.contract.columns}
    cells = [[HINTS[kinds[name]], *column] for name, column in zip(grid.names, grid.cells, strict=True)]
    repair = {"action": "drop_rows", "table": grid.table, "return_month": site.month, "expect": 1}
    says = "drop the row of hints below the header"
    return replace(grid, cells=tuple(cells)), Mark(1, says, row=grid.excel_row(0), repair=repair)


def _trailing_space(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
    if len(grid.sheet) >= SHEET_NAME_LENGTH:
        return None
    return replace(grid, sheet=grid.sheet + " "), Mark(1, f"sheet is '{grid.sheet}'")


def _other_sheet_name(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    other = site.contract.sheets[site.layout].aliases[0][:SHEET_NAME_LENGTH]
    return replace(grid, sheet=other), Mark(1, f"sheet is '{grid.sheet}'")


def _unnamed_sheet(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    return replace(grid, sheet="Sheet1"), Mark(1, f"sheet is '{grid.sheet}'")


def _misspelt_column(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    name = "disability"
    header = grid.header[grid.names.index(name)]
    wrong = header[:5] + header[6] + header[5] + header[7:]
    repair = {"action": "rename", "table": grid.table, "return_month": site.month, "column": name,
              "header": wrong, "expect": 1}  # fmt: skip
    return grid.with_header(name, wrong), Mark(1, f"'{wrong}' is '{header}'", name, grid.header_row, repair)


def _reworded_column(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    name = str(rng.choice(["previous_protection_plans", "referral_date", "birth_month"]))
    column = site.contract.column(name)
    other = str(rng.choice(column.aliases))
    says = f"'{other}' is '{column.header}'"
    return grid.with_header(name, other), Mark(1, says, name, grid.header_row)


def _reordered(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    order = [int(place) for place in np.roll(np.arange(len(grid.names)), int(rng.integers(1, 4)))][::-1]
    moved = replace(grid, names=tuple(grid.names[place] for place in order),
                    header=tuple(grid.header[place] for place in order),
                    cells=tuple(grid.cells[place] for place in order))  # fmt: skip
    return moved, Mark(len(order), "columns by their headers, not by position", row=grid.header_row)


def _with_extra(grid: Grid, name: str, header: str, cells: list, place: int) -> Grid:
    return replace(
        grid,
        names=(*grid.names[:place], name, *grid.names[place:]),
        header=(*grid.header[:place], header, *grid.header[place:]),
        cells=(*grid.cells[:place], cells, *grid.cells[place:]),
    )


def _extra_column(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    teams = [f"Team {number}" for number in rng.integers(1, 9, grid.n_rows)]
    changed = _with_extra(grid, "extra", "Allocated team", teams, 2)
    return changed, Mark(grid.n_rows, "leave the column 'Allocated team' out", row=grid.header_row)


def _second_ethnicity(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    header = site.contract.column("ethnicity").header
    years = [getattr(cell, "year", None) for cell in grid.column("birth_month")]
    changed = _with_extra(grid, "extra", header, years, grid.names.index("ethnicity"))
    repair = {"action": "rename", "table": grid.table, "return_month": site.month, "column": "ethnicity",
              "header": header, "occurrence": 2, "expect": 1}  # fmt: skip
    says = f"the second column '{header}' holds it; the first holds years of birth"
    return changed, Mark(grid.n_rows, says, "ethnicity", grid.header_row, repair)


def _long_for_wide(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    wide = site.contract.wide
    levels = [name for name in grid.names if ":" in name]
    once = [name for name in grid.names if ":" not in name]
    labels = [level.split(":")[1] for level in levels]
    rows = range(grid.n_rows)
    cells = {name: [grid.column(name)[row] for row in rows for _ in levels] for name in once}
    cells[wide.by] = labels * grid.n_rows
    values = [grid.column(level) for level in levels]
    cells[wide.column] = [column[row] for row in rows for column in values]
    headers = dict(zip(grid.names, grid.header, strict=True))
    headers |= {wide.by: wide.long_by[0], wide.column: wide.long_value[0]}
    changed = replace(grid, names=tuple(cells), header=tuple(headers[name] for name in cells),
                      cells=tuple(cells.values()))  # fmt: skip
    return changed, Mark(
        changed.n_rows, f"one row for each {wide.by}, not one column", wide.by, grid.header_row
    )


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
    repair = {"action": "alias_authority", "spelling": spelling, "expect": 1}
    return changed, Mark(1, f"'{spelling}' is '{site.authority}'", repair=repair)


def _split_return(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark]:
    changed: Books = []
    for book in books:
        if not site.holds(book):
            changed.append(book)
            continue
        changed += [
            replace(_renamed(book, f"_{grid.table.split('_')[1]}"), grids=(grid,)) for grid in book.grids
        ]
    return changed, Mark(1 + len(changed) - len(books), "the workbooks of the month are one return")


REFERRALS = ("dr2_referrals",)
LAYOUT_DEFECTS = (
    Defect("header_on_another_row", "layout", "dr2", REFERRALS, "reader", in_grid(_header_moved)),
    Defect("junk_row_below_header", "layout", "dr2", REFERRALS, "correction", in_grid(_junk_row)),
    Defect(
        "sheet_name_with_trailing_space",
        "layout",
        "dr3",
        ("dr3_care", "dr3_cin"),
        "reader",
        in_grid(_trailing_space),
    ),
    Defect("sheet_under_another_name", "layout", "dr2", REFERRALS, "reader", in_grid(_other_sheet_name)),
    Defect("sheet_unnamed", "layout", "dr1", ("dr1_monthly",), "reader", in_grid(_unnamed_sheet)),
    Defect("misspelt_column_name", "layout", "dr2", REFERRALS, "correction", in_grid(_misspelt_column)),
    Defect("reworded_column_name", "layout", "dr2", REFERRALS, "reader", in_grid(_reworded_column)),
    Defect("columns_in_another_order", "layout", "dr2", REFERRALS, "reader", in_grid(_reordered)),
    Defect("extra_column", "layout", "dr2", REFERRALS, "reader", in_grid(_extra_column)),
    Defect(
        "year_of_birth_under_ethnicity", "layout", "dr2", REFERRALS, "correction", in_grid(_second_ethnicity)
    ),
    Defect("long_instead_of_wide", "layout", "dr3", ("dr3_attendance",), "reader", in_grid(_long_for_wide)),
    Defect("copy_number_in_file_name", "layout", "dr2", REFERRALS, "reader", _file_copy),
    Defect(
        "slug_spelt_differently",
        "layout",
        "dr3",
        ("dr3_coverage",),
        "correction",
        _other_slug,
        ("long_slug",),
    ),
    Defect(
        "return_split_over_workbooks", "layout", "dr2", REFERRALS, "reader", _split_return, ("no_wrong_door",)
    ),
)
