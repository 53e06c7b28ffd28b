"""Corrections that touch the same place such that their order would decide what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from sfpc_book.returns.correction import Correction
from sfpc_book.returns.locate import header_text, sheet_text
from sfpc_book.returns.repair import TO_CELLS, repaired

# Of these actions one is enough at a place: a second would never be seen, or be counted again.
ONCE = ("shift_header", "drop_duplicate", "drop_rows")
ANY_OTHER_WORD = "any other word"


def clashes(corrections: Sequence[Correction]) -> list[str]:
    """One text for each pair of corrections that cannot both stand."""
    return [
        f"{two.stands}: '{two.id}' and '{one.id}' ({one.stands}) {why}"
        for one, two in combinations(corrections, 2)
        if (why := _same_name(one, two) or (_clash(one, two) if _meet(one, two) else ""))
    ]


def _same_name(one: Correction, two: Correction) -> str:
    return "have the same id; give each its own" if one.id == two.id else ""


def _meet(one: Correction, two: Correction) -> bool:
    """Whether there can be a return that both reach."""
    kinds = {one.applies_to, two.applies_to}
    places = ((one.layer, two.layer), (one.return_month, two.return_month))
    return (len(kinds) == 1 or "any" in kinds) and all(None in pair or len(set(pair)) == 1 for pair in places)


def _clash(one: Correction, two: Correction) -> str:
    """Why two corrections that meet cannot both stand; empty if they can."""
    if one.action != two.action and not {one.action, two.action} <= set(TO_CELLS):
        return ""
    if one.action == two.action == "alias_authority":
        return "are about the same spelling; keep one" if one.spelling == two.spelling else ""
    if one.authority != two.authority:
        return ""
    if one.action == two.action == "rename_sheet":
        same = sheet_text(str(one.sheet)) == sheet_text(str(two.sheet))
        return "are about the same sheet; keep one" if same else ""
    if one.table != two.table or not two.reaches(sheet=one.sheet):
        return ""
    return _clash_in_table(one, two)


def _clash_in_table(one: Correction, two: Correction) -> str:
    if one.action in ONCE:
        return f"both say {one.action} of {one.table}; keep one"
    if one.action == "rename":
        headers = {(header_text(part.header), part.occurrence) for part in (one, two)}
        same = len(headers) == 1 or one.column == two.column
        return "give one column two headings, or one heading to two columns; keep one" if same else ""
    if one.column != two.column or _commute(one, two):
        return ""
    return (
        f"touch the same cells of '{one.column}', and their order decides what comes out; "
        "say it in one correction, or let return_month or sheet keep them apart"
    )


def _commute(one: Correction, two: Correction) -> bool:
    """Whether both orders give the same, for every cell that either names.

    Exact for recoding and filling: both leave alone what neither names. What a pattern does to words that are
    not named here is seen when the cells are there: see `repair_cells`.
    """
    if one.action == "rescale":
        return one.above is None and two.above is None
    if one.action == two.action == "extract":
        return one.pattern == two.pattern
    cells = ["", ANY_OTHER_WORD]
    for part in (one, two):
        cells += [*(part.values or {}), *((part.values or {}).values()), part.value]
    named = [cell or "" for cell in cells]
    return all(repaired(repaired(cell, one), two) == repaired(repaired(cell, two), one) for cell in named)
