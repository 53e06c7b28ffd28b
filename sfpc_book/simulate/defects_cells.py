"""Defects of cells: the right value in a form that the contract does not ask for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np

from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.simulate.grids import Cell, Grid
from sfpc_book.simulate.planting import Defect, GridPlant, Mark, Site, in_grid
from sfpc_book.simulate.workbook_dates import serial

DATE_FORMS = ("%d/%m/%Y", "%d-%m-%Y", "%Y-%m-%d")
SEPARATORS = (", ", "/", " ", ";")
UNBORN = "01/01/1900"
PER_CENT = 100
MAY_BE_BLANK = ("disability", "ethnicity", "previous_protection_plans")


def _each(
    column: str | tuple[str, ...],
    change: Callable[[Cell, np.random.Generator, Vocabularies], Cell],
    says: str,
) -> GridPlant:
    """A defect that changes the cells of columns one by one; a cell given back as it is, is untouched."""
    columns = (column,) if isinstance(column, str) else column

    def plant(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
        count, row = 0, None
        for name in [name for name in grid.names if name.split(":")[0] in columns]:
            old = grid.column(name)
            new = [change(cell, rng, site.words) for cell in old]
            touched = [
                place for place, pair in enumerate(zip(old, new, strict=True)) if pair[0] is not pair[1]
            ]
            count, row = count + len(touched), row or (grid.excel_row(touched[0]) if touched else None)
            grid = grid.with_column(name, new)
        return (grid, Mark(count, says, ", ".join(columns), row)) if count else None

    return plant


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


def _list_letter(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    codes = list(words.codes["gender"])
    return f"{'abcdefgh'[codes.index(cell)]}) {cell}" if cell in codes else cell


def _case(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    if not isinstance(cell, str):
        return cell
    changed = (cell, cell.lower(), cell.capitalize())[int(rng.integers(3))]
    return cell if changed == cell else changed


def _yes_no(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    if cell not in (0, 1):
        return cell
    listed = words.flag.true_values if cell else words.flag.false_values
    return listed[int(rng.integers(len(listed)))]


def _ethnicity_words(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    others = words.codes["ethnicity"].get(cell, ()) if isinstance(cell, str) else ()
    return others[0] if others else cell


def _factor_words(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    if not isinstance(cell, str):
        return cell
    return "; ".join((*words.codes["factor"][code], code)[0] for code in cell.split(";"))


def _factor_separators(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    separator = SEPARATORS[int(rng.integers(len(SEPARATORS)))]
    several = isinstance(cell, str) and ";" in cell
    return separator.join(cell.split(";")) + (";" if separator == ";" else "") if several else cell


def _unborn_date(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return UNBORN if cell == words.unborn_phrases[0] else cell


def _times_100(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return round(cell * PER_CENT, 6) if isinstance(cell, float) else cell


def _over_100(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return round(cell / PER_CENT, 6) if isinstance(cell, float) else cell


def _repaired_by(plant: GridPlant, **repair: object) -> GridPlant:
    """The same defect, with the correction that undoes it; the count is what the correction must touch."""

    def planted(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
        found = plant(grid, site, rng)
        if found is None:
            return None
        mark = found[1]
        full = {**repair, "table": grid.table, "column": mark.column, "return_month": site.month,
                "expect": mark.count}  # fmt: skip
        return found[0], Mark(mark.count, mark.says, mark.column, mark.row, full)

    return planted


def _composite(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    cells = [f"{cell}/{number}" for number, cell in enumerate(grid.column("child_id"), start=1)]
    return grid.with_column("child_id", cells), Mark(
        len(cells), "keep what stands before the stroke", "child_id", grid.excel_row(0)
    )


REFERRALS = ("dr2_referrals",)
LIST = ("factor_list",)
MONTHLY, ATTENDANCE = ("dr1_monthly",), ("dr3_attendance",)


def _cell(kind: str, plant: GridPlant, **more: object) -> Defect:
    """A defect of the referral sheet that the reader meets."""
    return Defect(kind, "cell", "dr2", REFERRALS, "reader", in_grid(plant), **more)


CELL_DEFECTS = (
    _cell("dates_in_mixed_forms", _each("referral_date", _mixed_dates, "dates in several forms")),
    _cell("birth_month_as_text", _each("birth_month", _month_text, "mm/yyyy is a month")),
    _cell("dates_as_serial_numbers", _each("assessment_start_date", _serial, "numbers are dates of Excel")),
    Defect("serials_as_text", "cell", "dr3", ("dr3_cin",), "reader",
           in_grid(_each("closure_date", _serial_text, "numbers written as text are dates of Excel"))),
    _cell("phrases_for_missing", _each(MAY_BE_BLANK, _phrase, "phrases are missing values")),
    _cell("list_letters", _each("gender", _list_letter, "leave the letter of the pick list out")),
    _cell("mixed_case", _each("ethnicity", _case, "upper and lower case are one")),
    _cell("yes_no_variants", _each("no_further_action", _yes_no, "several words for yes and no")),
    _cell("ethnicity_in_words", _each("ethnicity", _ethnicity_words, "words stand for codes")),
    _cell("factors_as_words", _each("factors", _factor_words, "words stand for codes"), needs=LIST),
    _cell("factors_with_other_separators",
          _each("factors", _factor_separators, "several separators"), needs=LIST),
    _cell("unborn_as_1900", _each("birth_month", _unborn_date, "1900-01-01 is an unborn child"),
          needs=("unborn",), every_return=True),
    Defect("percent_for_proportion", "cell", "dr1", MONTHLY, "correction",
           in_grid(_repaired_by(_each("free_school_meals_share", _times_100, "divide by 100"),
                                action="rescale", factor=0.01, above=1.0))),
    Defect("proportion_for_percent", "cell", "dr3", ATTENDANCE, "correction",
           in_grid(_repaired_by(_each("unauthorised_absence_share", _over_100, "multiply by 100"),
                                action="rescale", factor=100.0))),
    Defect("composite_identifiers", "cell", "dr3", ("dr3_cin",), "correction",
           in_grid(_repaired_by(_composite, action="extract", pattern=r"^([^/]+)/\d+$"))),
)  # fmt: skip
