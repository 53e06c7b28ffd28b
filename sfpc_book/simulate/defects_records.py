"""Defects of records: rows that are there twice, belong to nobody, or are not there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sfpc_book.simulate.defects_cells import SENTENCES
from sfpc_book.simulate.grids import Grid
from sfpc_book.simulate.planting import WHOLE, Books, Defect, Mark, Site, in_grid, positions

ROWS_TWICE, UNDATED, UNLINKED = 15, 4, 5
# An outcome sheet of fewer children without any event is not doubted.
MANY = 30
EVENTS = {"dr3_care": "care_start", "dr3_plans": "plan_start", "dr3_cin": "referral_date",
          "dr3_proceedings": "pre_proceedings_date"}  # fmt: skip


def _again(books: Books, site: Site, usual: int | None) -> tuple[Books, int]:
    """Put the last rows (`usual`, or all) of the return before above those of this return; how many."""
    own = [book for book in books if book.layer == site.layer]
    place = next(number for number, book in enumerate(own) if site.holds(book))
    before, grid = own[place - 1].grid(site.table), own[place].grid(site.table)
    count = before.n_rows if usual is None else site.of(before.n_rows, usual)
    rows = [
        {name: before.column(name)[position] for name in before.names}
        for position in range(before.n_rows - count, before.n_rows)
    ]
    changed = own[place].with_grid(grid.with_rows(0, rows))
    return [changed if book is own[place] else book for book in books], count


def _first_row(books: Books, site: Site) -> int:
    return next(book for book in books if site.holds(book)).grid(site.table).rows[0]


def _rows_twice(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark] | None:
    changed, count = _again(books, site, ROWS_TWICE)
    mark = Mark(count, "rows of the return before count once", row=_first_row(changed, site))
    return (changed, mark) if count else None


def _months_twice(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark] | None:
    changed, count = _again(books, site, None)
    mark = Mark(count, "months of the return before count once", row=_first_row(changed, site))
    return (changed, mark) if count else None


def _empty_month(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    place = int(rng.integers(grid.n_rows))
    changed = grid.with_rows(place, [{"month": grid.column("month")[place]}])
    return changed, Mark(1, "of two rows of a month the filled one counts", row=changed.rows[place])


def _provisional_month(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    """A month that stands twice, first with other figures; the last row is the one that counts."""
    place = int(rng.integers(grid.n_rows))
    row = {name: grid.column(name)[place] for name in grid.names}
    row["new_referrals"] += 1
    changed = grid.with_rows(place, [row])
    return changed, Mark(1, "of two rows of a month the later one counts", row=changed.rows[place])


def _undated(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
    cells = list(grid.column("referral_date"))
    chosen = positions([True] * len(cells), rng, site.of(len(cells), min(UNDATED, 1 + len(cells) // 50)))
    for place in chosen:
        cells[place] = None
    if not chosen:
        return None
    mark = Mark(len(chosen), "the authority must send the date", "referral_date", grid.rows[chosen[0]])
    return grid.with_column("referral_date", cells), mark


def _unlinked(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
    flags = [cell is not None for cell in grid.column("care_start")]
    chosen = positions(flags, rng, site.of(sum(flags), min(UNLINKED, 1 + grid.n_rows // 100)))
    if not chosen:
        return None
    rows = [
        {**{name: grid.column(name)[place] for name in grid.names}, "child_id": f"ZZ{9_000 + place}"}
        for place in chosen
    ]
    changed = grid.with_rows(grid.n_rows, rows)
    says = "the authority must say whose they are"
    return changed, Mark(len(chosen), says, "child_id", changed.rows[grid.n_rows])


def _no_events(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark] | None:
    """One row for each child asked about, and nothing in it: a query that failed, sent as an outcome."""
    children = list(dict.fromkeys(grid.column("child_id")))
    if len(children) < MANY:
        return None
    cells = [children if name == "child_id" else [None] * len(children) for name in grid.names]
    changed = replace(grid, cells=tuple(cells), rows=tuple(range(len(children))))
    says = "the authority must send the events"
    return changed, Mark(len(children), says, EVENTS[site.table])


def _says_missing(grid: Grid, site: Site, rng: np.random.Generator) -> tuple[Grid, Mark]:
    """A sheet that only says that data are missing, below its header or instead of it."""
    says, sentence = "the authority must send the data", SENTENCES[int(rng.integers(len(SENTENCES)))]
    if rng.random() < 0.5:
        bare = replace(
            grid, notes=(), header_row=1, names=("child_id",), header=(sentence,), cells=([],), rows=()
        )
        return bare, Mark(1, says, in_header=True)
    cells = tuple([sentence if name == "child_id" else None] for name in grid.names)
    return replace(grid, cells=cells, rows=(0,)), Mark(1, says, row=0)


def _missing_return(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark]:
    gone = next(book for book in books if site.holds(book))
    mark = Mark(1, "the authority must send the return", file=gone.file)
    return [book for book in books if book is not gone], mark


REFERRALS, MONTHLY, CARE = ("dr2_referrals",), ("dr1_monthly",), ("dr3_care",)
# Outcomes without which an authority can still be estimated.
NOT_VITAL = ("dr3_plans", "dr3_cin", "dr3_proceedings", "dr3_neet")
OUTCOMES = ("dr3_plans", "dr3_cin", "dr3_proceedings", "dr3_care")


def _record(kind: str, layer: str, tables: tuple[str, ...], handled_by: str, plant, told_by: str,
            touches: tuple[str, ...], **more: object) -> Defect:  # fmt: skip
    return Defect(kind, "record", layer, tables, handled_by, plant, told_by, touches, **more)


RECORD_DEFECTS = (
    _record("missing_return", "dr1", MONTHLY, "finding", _missing_return, "return_missing",
            (WHOLE, "file"), also=("totals_gap", "table_sent"), scope="authority"),
    _record("missing_referral_return", "dr2", REFERRALS, "finding", _missing_return, "return_missing",
            (WHOLE, "file"), scope="authority",
            also=("referral_gap", "identifier_link", "care_before_referral"),
            apart=("referral dates", "links", "births", "identifiers"), distorts=True),
    _record("rows_sent_twice", "dr2", REFERRALS, "reader", _rows_twice, "duplicate_rows",
            ("rows", "records"), from_before=True),
    _record("same_months_in_two_returns", "dr1", MONTHLY, "reader", _months_twice, "duplicate_rows",
            ("rows", "records"), from_before=True, also=("months_outside_return",)),
    _record("repeated_month_rows", "dr1", MONTHLY, "reader", in_grid(_empty_month), "row_without_values",
            ("rows", "records")),
    _record("provisional_month_rows", "dr1", MONTHLY, "reader", in_grid(_provisional_month),
            "row_replaced", ("rows", "records"), also=("key",)),
    _record("missing_referral_date", "dr2", REFERRALS, "finding", in_grid(_undated), "missing",
            ("records", "referral_date"), also=("missing", "referral_gap", "care_before_referral"),
            apart=("+referral dates",)),
    _record("outcome_identifiers_without_referral", "dr3", CARE, "finding", in_grid(_unlinked),
            "identifier_link", ("rows", "records"), apart=("+links",)),
    _record("outcome_sheet_without_events", "dr3", OUTCOMES, "finding", in_grid(_no_events), "no_event",
            (WHOLE,), distorts=True),
    _record("sheet_says_data_are_missing", "dr3", NOT_VITAL, "finding", in_grid(_says_missing),
            "sheet_says_missing", (WHOLE,), also=("table_sent",)),
)  # fmt: skip
