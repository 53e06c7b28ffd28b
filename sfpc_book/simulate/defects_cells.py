"""Defects of cells: dates, numbers and blanks in a form that the contract does not ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np

from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.simulate.grids import Cell, Grid
from sfpc_book.simulate.planting import Defect, GridPlant, Mark, Site, in_grid, positions
from sfpc_book.simulate.workbook_dates import serial

DATE_FORMS = ("%d/%m/%Y", "%d-%m-%Y", "%Y-%m-%d")
PER_CENT = 100
MAY_BE_BLANK = ("disability", "ethnicity", "previous_protection_plans")
SENTENCES = ("Already submitted in the April return", "Currently unavailable: the system is being replaced")
MANY = 30
SHARE_WITHOUT_DAY = 0.05

Change = Callable[[Cell, np.random.Generator, Vocabularies], Cell]


def each(
    columns: tuple[str, ...], change: Change, says: str, usual: float = 1.0, **repair: object
) -> GridPlant:
    """A defect that changes the cells of columns one by one; a cell given back as it is, cannot be spoilt.

    `usual` is the share of the others that are spoilt if nothing else is asked for. With `repair`, an action
    and what it needs, the defect brings the correction that undoes it.
    """

    def plant(grid: Grid, site: Site, rng: np.random.Generator) -> tuple | None:
        marks = []
        for column in columns:
            grid, mark = _spoil(grid, column, change, site, rng, usual)
            if mark:
                marks.append(
                    replace(mark, says=says, repair={**repair, "column": column} if repair else None)
                )
        return (grid, *marks) if marks else None

    return plant


def _spoil(
    grid: Grid, column: str, change: Change, site: Site, rng: np.random.Generator, usual: float
) -> tuple[Grid, Mark | None]:
    """Spoil cells of one column, in all its levels if the sheet is wide."""
    levels = [name for name in grid.names if name.split(":")[0] == column]
    new = {name: [change(cell, rng, site.words) for cell in grid.column(name)] for name in levels}
    changed = [
        (place, name)
        for name in levels
        for place, (old, cell) in enumerate(zip(grid.column(name), new[name], strict=True))
        if cell is not old
    ]
    if not changed:
        return grid, None
    count = site.of(len(changed), max(1, round(usual * len(changed))))
    chosen = [changed[number] for number in positions([True] * len(changed), rng, count)]
    for name in levels:
        cells = list(grid.column(name))
        for place in (place for place, level in chosen if level == name):
            cells[place] = new[name][place]
        grid = grid.with_column(name, cells)
    return grid, Mark(count, "", column, grid.rows[min(place for place, _ in chosen)])


def whole(plant: GridPlant) -> GridPlant:
    """The same defect of all cells at once, whatever share is asked for: a few of them nobody could tell."""
    return lambda grid, site, rng: plant(grid, replace(site, share=None), rng)


def _mixed_dates(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    form = int(rng.integers(0, len(DATE_FORMS) + 1))
    text = isinstance(cell, date) and form < len(DATE_FORMS)
    return cell.strftime(DATE_FORMS[form]) if text else cell


def _month_text(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return cell.strftime("%m/%Y") if isinstance(cell, date) else cell


def _serial(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return serial(cell) if isinstance(cell, date) else cell


def _serial_text(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return str(serial(cell)) if isinstance(cell, date) else cell


def _phrase(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return words.missing_phrases[int(rng.integers(len(words.missing_phrases)))] if cell is None else cell


def _sentence(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return SENTENCES[int(rng.integers(len(SENTENCES)))] if cell is None else cell


def _percent_sign(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return f"{PER_CENT * cell:.1f}%" if isinstance(cell, float) else cell


def _dated_percent(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    month = ("Jan", "Apr", "Oct")[int(rng.integers(3))]
    return f"{month} 2020: {PER_CENT * cell:.1f}%" if isinstance(cell, float) else cell


def _stray_marks(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return f"{cell}.%" if isinstance(cell, float) else cell


def _times_100(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return round(cell * PER_CENT, 6) if isinstance(cell, float) else cell


def _over_100(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return round(cell / PER_CENT, 6) if isinstance(cell, float) else cell


def _all_over_100(grid: Grid, site: Site, rng: np.random.Generator) -> tuple | None:
    """Percentages as proportions: told by all of them being small, so by many."""
    absence = [grid.column(name) for name in grid.names if name.startswith(ABSENCE[0])]
    many = sum(bool(cell) for column in absence for cell in column) >= MANY
    plant = each(ABSENCE, _over_100, "multiply by 100", action="rescale", factor=100.0)
    return whole(plant)(grid, site, rng) if many else None


REFERRALS, MONTHLY, ATTENDANCE = ("dr2_referrals",), ("dr1_monthly",), ("dr3_attendance",)
MEALS, ABSENCE = ("free_school_meals_share",), ("unauthorised_absence_share",)


def form(kind: str, columns: tuple[str, ...], change: Change, says: str, *touches: str,
         told_by: str = "cell_forms", layer: str = "dr2", tables: tuple[str, ...] = REFERRALS,
         **more: object) -> Defect:  # fmt: skip
    """A form of cells that the reader understands, and tells."""
    plant = in_grid(each(columns, change, says))
    return Defect(kind, "cell", layer, tables, "reader", plant, told_by, (*columns, *touches), **more)


DR1, DR3 = {"layer": "dr1", "tables": MONTHLY}, {"layer": "dr3", "tables": ATTENDANCE}
CELL_DEFECTS = (
    form("dates_in_mixed_forms", ("referral_date",), _mixed_dates, "dates in several forms"),
    form("birth_month_as_text", ("birth_month",), _month_text, "mm/yyyy is a month"),
    form("dates_as_serial_numbers", ("assessment_start_date",), _serial, "numbers are dates of Excel",
         "calendar"),
    form("serials_as_text", ("closure_date",), _serial_text, "numbers written as text are dates of Excel",
         "calendar", layer="dr3", tables=("dr3_cin",)),
    Defect("months_in_date_column", "cell", "dr2", REFERRALS, "finding",
           in_grid(each(("referral_date",), _month_text, "the authority must send the day",
                        SHARE_WITHOUT_DAY)),
           "date_without_day", ("records", "referral_date"), also=("cell_forms",),
           apart=("+referral dates",)),
    form("phrases_for_missing", MAY_BE_BLANK, _phrase, "phrases are missing values",
         told_by="phrase_for_missing"),
    form("sentences_for_missing", MEALS, _sentence, "sentences are missing values",
         told_by="phrase_for_missing", **DR1),
    form("percent_signs", ("caseholder_turnover",), _percent_sign, "a sign divides by 100", **DR1),
    Defect("numbers_inside_text", "cell", "dr1", MONTHLY, "correction",
           in_grid(each(MEALS, _dated_percent, "the number is what stands before the sign",
                        action="extract", pattern=r"(\d[\d.]*%)$")),
           "correction", MEALS, "unmapped", also=("cell_forms",)),
    Defect("stray_marks_in_numbers", "cell", "dr3", ATTENDANCE, "correction",
           in_grid(each(ABSENCE, _stray_marks, "leave the marks after the number out", 0.1,
                        action="extract", pattern=r"^(\d[\d.]*)\.%$")),
           "correction", ABSENCE, "unmapped", also=("cell_forms",)),
    Defect("percent_for_proportion", "cell", "dr1", MONTHLY, "correction",
           in_grid(each(MEALS, _times_100, "divide by 100", action="rescale", factor=0.01, above=1.0)),
           "correction", MEALS, "share_scale", also_untreated=("range", "out_of_line_with_history")),
    Defect("proportion_for_percent", "cell", "dr3", ATTENDANCE, "correction",
           in_grid(_all_over_100), "correction", ABSENCE, "share_scale"),
)  # fmt: skip
