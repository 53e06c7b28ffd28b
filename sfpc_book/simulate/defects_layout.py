"""Defects of layout: headers and columns that are not where or what they should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sfpc_book.simulate.grids import Grid
from sfpc_book.simulate.planting import Defect, GridPlant, Handling, Mark, Site, in_grid

HINTS = {
    "text": "Unique identifier", "date": "Format dd/mm/yyyy", "month": "Format mm/yyyy",
    "birth_month": "Format mm/yyyy", "flag": "1 or 0 only", "integer": "Whole number",
    "code": "Code from the list", "factors": "All codes found", "share": "Between 0 and 1",
}  # fmt: skip
# Required columns whose absence leaves every other column as it is.
# What a column without a value in one return is told by besides.
OF_A_BLANK_COLUMN = ("missing", "missing_over_returns", "out_of_line_with_history")
MAY_BE_ABSENT = ("disability", "gender", "previous_protection_plans", "asylum_seeker")


def _header_moved(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    """The sheet begins with the header, or with more blank rows above it."""
    row = 1 if grid.header_row > 1 and rng.random() < 0.5 else grid.header_row + int(rng.integers(1, 4))
    blank = ("",) * max(0, row - 1 - len(grid.notes))
    moved = replace(grid, notes=(*grid.notes, *blank)[: row - 1], header_row=row)
    return moved, Mark(1, "the header is found by what it says", in_header=True)


def _more_notes(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    more = int(rng.integers(1, 5))
    notes = (*grid.notes, *["Completed by the performance team"] * more)
    moved = replace(grid, notes=notes, header_row=grid.header_row + more)
    return moved, Mark(1, "notes above the header are no records", in_header=True)


def _junk_row(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    kinds = {column.name: column.type for column in site.contract.columns}
    changed = grid.with_rows(0, [{name: HINTS[kinds[name]] for name in grid.names if name in kinds}])
    says = "drop the row of hints below the header"
    return changed, Mark(1, says, row=changed.rows[0], repair={"action": "drop_rows"})


def _misspelt_column(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    name = "disability"
    header = grid.header[grid.names.index(name)]
    wrong = header[:5] + header[6] + header[5] + header[7:]
    repair = {"action": "rename", "column": name, "header": wrong}
    says = f"'{wrong}' is '{header}'"
    return grid.with_header(name, wrong), Mark(1, says, name, in_header=True, repair=repair)


def _reworded_column(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    name = "referral_date"
    column = site.contract.column(name)
    other = str(rng.choice(column.aliases))
    says = f"'{other}' is '{column.header}'"
    return grid.with_header(name, other), Mark(1, says, name, in_header=True)


def _missing_column(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    name = str(rng.choice(MAY_BE_ABSENT))
    return grid.without(name), Mark(1, "the authority must send the column", name, in_header=True)


def _reordered(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    order = [int(place) for place in np.roll(np.arange(len(grid.names)), int(rng.integers(1, 4)))][::-1]
    moved = replace(grid, names=tuple(grid.names[place] for place in order),
                    header=tuple(grid.header[place] for place in order),
                    cells=tuple(grid.cells[place] for place in order))  # fmt: skip
    return moved, Mark(1, "columns by their headers, not by position", in_header=True)


def _extra_column(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    teams = [f"Team {number}" for number in rng.integers(1, 9, grid.n_rows)]
    changed = grid.with_extra("extra", "Allocated team", teams, 2)
    return changed, Mark(1, "leave the column 'Allocated team' out", in_header=True)


def _second_ethnicity(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    header = site.contract.column("ethnicity").header
    years = [getattr(cell, "year", None) for cell in grid.column("birth_month")]
    changed = grid.with_extra("extra", header, years, grid.names.index("ethnicity"))
    repair = {"action": "rename", "column": "ethnicity", "header": header, "occurrence": 2}
    says = f"the second column '{header}' holds it; the first holds years of birth"
    return changed, Mark(1, says, "ethnicity", in_header=True, repair=repair)


def _long_for_wide(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    wide = site.contract.wide
    levels = [name for name in grid.names if ":" in name]
    once = [name for name in grid.names if ":" not in name]
    labels = [level.split(":")[1] for level in levels]
    records = range(grid.n_rows)
    cells = {name: [grid.column(name)[row] for row in records for _ in levels] for name in once}
    cells[wide.by] = labels * grid.n_rows
    values = [grid.column(level) for level in levels]
    cells[wide.column] = [column[row] for row in records for column in values]
    headers = dict(zip(grid.names, grid.header, strict=True))
    headers |= {wide.by: wide.long_by[0], wide.column: wide.long_value[0]}
    changed = replace(grid, names=tuple(cells), header=tuple(headers[name] for name in cells),
                      cells=tuple(cells.values()), rows=tuple(range(len(cells[wide.by]))))  # fmt: skip
    return changed, Mark(1, f"one row for each {wide.by}, not one column", in_header=True)


REFERRALS = ("dr2_referrals",)


def _layout(kind: str, plant: GridPlant, handled_by: Handling, told_by: str, *touches: str,
            tables: tuple[str, ...] = REFERRALS, **more: object) -> Defect:  # fmt: skip
    return Defect(kind, "layout", tables[0][:3], tables, handled_by, in_grid(plant), told_by, touches, **more)


LAYOUT_DEFECTS = (
    _layout("header_on_another_row", _header_moved, "reader", "header_row", "header"),
    _layout("notes_above_header", _more_notes, "reader", "header_row", "header"),
    _layout("junk_row_below_header", _junk_row, "correction", "correction", "header", "first row",
            told_untreated="row_of_no_record", also_untreated=("unmapped", "code_list", "key", "missing",
                                                               "cell_forms")),
    _layout("misspelt_column_name", _misspelt_column, "correction", "correction", "columns", "disability",
            told_untreated="column_missing", also=("column_reworded",),
            also_untreated=("column_unknown", *OF_A_BLANK_COLUMN)),
    _layout("reworded_column_name", _reworded_column, "reader", "column_reworded", "columns"),
    _layout("missing_column", _missing_column, "finding", "column_missing", "columns", "records",
            *MAY_BE_ABSENT, also=OF_A_BLANK_COLUMN),
    _layout("columns_in_another_order", _reordered, "reader", "column_order", "columns"),
    _layout("extra_column", _extra_column, "reader", "column_unknown", "columns"),
    _layout("year_of_birth_under_ethnicity", _second_ethnicity, "correction", "correction", "columns",
            "ethnicity", told_untreated="column_repeated",
            also_untreated=("unmapped", "code_list", "cell_forms")),
    _layout("long_instead_of_wide", _long_for_wide, "reader", "sheet_shape", "columns", "rows",
            "unauthorised_absence_share", tables=("dr3_attendance",),
            also=("column_order", "column_reworded")),
)  # fmt: skip
