"""Defects of codes: identifiers, flags, lists and words that say the right thing in another way, or not."""

from __future__ import annotations

from itertools import cycle

import numpy as np

from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.simulate.defects_cells import REFERRALS, each, form
from sfpc_book.simulate.grids import Cell, Grid
from sfpc_book.simulate.planting import Defect, Mark, Site, in_grid, positions

SEPARATORS = (", ", "/", " ", ";")
UNBORN_DATE = "01/01/1900"
UNKNOWN_CODE, ITS_MEANING = "WHIT", "WBRI"
# Labels can be told to be inverted only where so many records of each kind were sent.
EACH_LABEL = 10


def _list_letter(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    codes = list(words.codes["gender"])
    return f"{'abcdefgh'[codes.index(cell)]}) {cell}" if cell in codes else cell


def _case(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    if not isinstance(cell, str):
        return cell
    changed = (cell, cell.lower(), cell.capitalize())[int(rng.integers(3))]
    return cell if changed == cell else changed


def _yes_no(grid: Grid, site: Site, rng: np.random.Generator) -> tuple | None:
    """Other words for yes and no than 1 and 0, each in its turn."""
    words = site.words.flag
    pairs = cycle(list(zip(words.false_values, words.true_values, strict=True))[1:])
    plant = each(("no_further_action",), lambda cell, rng, words: cell if cell is None else next(pairs)[cell],
                 "several words for yes and no")  # fmt: skip
    return plant(grid, site, rng) if grid.n_rows > 1 else None


def _ethnicity_words(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    others = words.codes["ethnicity"].get(cell, ()) if isinstance(cell, str) else ()
    return others[0] if others else cell


def _unknown_code(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return UNKNOWN_CODE if cell == ITS_MEANING else cell


def _factor_words(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    if not isinstance(cell, str):
        return cell
    return "; ".join((*words.codes["factor"][code], code)[0] for code in cell.split(";"))


def _factor_separators(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    separator = SEPARATORS[int(rng.integers(len(SEPARATORS)))]
    several = isinstance(cell, str) and ";" in cell
    return separator.join(cell.split(";")) + (";" if separator == ";" else "") if several else cell


def _unborn_date(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    return UNBORN_DATE if cell == words.unborn_phrases[0] else cell


def _unborn_phrase(cell: Cell, rng: np.random.Generator, words: Vocabularies) -> Cell:
    others = words.unborn_phrases[1:]
    return others[int(rng.integers(len(others)))] if cell == words.unborn_phrases[0] else cell


def _unborn_elsewhere(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
    """No birth month, and the word for unborn under gender, where nothing else stands."""
    births, genders = list(grid.column("birth_month")), list(grid.column("gender"))
    word = site.words.unborn_phrases[0]
    flags = [birth == word and gender is None for birth, gender in zip(births, genders, strict=True)]
    chosen = positions(flags, rng, site.of(sum(flags), sum(flags)))
    for place in chosen:
        births[place], genders[place] = None, word
    if not chosen:
        return None
    mark = Mark(len(chosen), "the child is unborn", "birth_month", grid.rows[chosen[0]])
    return grid.with_column("birth_month", births).with_column("gender", genders), mark


def _inverted(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
    """1 where the referral led to action: all labels of the sheet."""
    flags = grid.column("no_further_action")
    if min(flags.count(0), flags.count(1)) < EACH_LABEL:
        return None
    repair = {"action": "recode", "column": "no_further_action", "values": {"0": "1", "1": "0"}}
    cells = [cell if cell is None else 1 - cell for cell in flags]
    count = sum(cell is not None for cell in cells)
    mark = Mark(count, "1 and 0 are exchanged", "no_further_action", repair=repair)
    return grid.with_column("no_further_action", cells), mark


def _composite(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
    cells = [f"{cell}/{number}" for number, cell in enumerate(grid.column("child_id"), start=1)]
    repair = {"action": "extract", "column": "child_id", "pattern": r"^([^/]+)/\d+$"}
    mark = Mark(len(cells), "keep what stands before the stroke", "child_id", grid.rows[0], repair=repair)
    return grid.with_column("child_id", cells), mark


LIST = ("factor_list",)
ETHNICITY, FACTORS, BIRTH, FLAG = ("ethnicity",), ("factors",), ("birth_month",), ("no_further_action",)
CODE_DEFECTS = (
    form("list_letters", ("gender",), _list_letter, "leave the letter of the pick list out"),
    form("mixed_case", ETHNICITY, _case, "upper and lower case are one"),
    Defect("yes_no_variants", "cell", "dr2", REFERRALS, "reader", in_grid(_yes_no), "cell_forms", FLAG),
    form("ethnicity_in_words", ETHNICITY, _ethnicity_words, "words stand for codes"),
    form("factors_as_words", FACTORS, _factor_words, "words stand for codes", needs=LIST),
    form("factors_with_other_separators", FACTORS, _factor_separators, "several separators", needs=LIST),
    form("unborn_as_1900", BIRTH, _unborn_date, "1900-01-01 is an unborn child", told_by="unborn_as_date",
         needs=("unborn",)),
    form("unborn_as_another_phrase", BIRTH, _unborn_phrase, "other words for an unborn child",
         told_by="unborn_as_phrase", needs=("unborn",)),
    Defect("unborn_in_another_column", "cell", "dr2", REFERRALS, "reader", in_grid(_unborn_elsewhere),
           "unborn_by_marker", ("records", *BIRTH, "gender"), also=("cell_forms",), needs=("unborn",)),
    Defect("unknown_code", "cell", "dr2", REFERRALS, "correction",
           in_grid(each(ETHNICITY, _unknown_code, f"{UNKNOWN_CODE} is {ITS_MEANING}", 0.2, action="recode",
                        values={UNKNOWN_CODE: ITS_MEANING})),
           "correction", ETHNICITY, "unmapped", also_untreated=("code_list",)),
    Defect("labels_inverted", "cell", "dr2", REFERRALS, "correction", in_grid(_inverted), "correction",
           ("records", *FLAG), "flag_inverted", also_untreated=("out_of_line_with_history",)),
    Defect("composite_identifiers", "cell", "dr3", ("dr3_cin",), "correction", in_grid(_composite),
           "correction", ("child_id",), "identifier_link", apart=("+links", "+identifiers")),
)  # fmt: skip
