"""What a planted defect is: where it goes, what it leaves behind, what the answer key says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.simulate.grids import Book, Grid

Group = Literal["record", "cell", "layout"]
# How the defect is met: read all the same, by a correction, or by a finding and nothing else.
Handling = Literal["reader", "correction", "finding"]
# What a finding about it is about.
Scope = Literal["sheet", "file", "authority"]
EVERY_RETURN = "every return"
# All tables, months or parts; a layer stands for all tables of it.
WHOLE = ""


@dataclass(frozen=True)
class Site:
    """Where a defect goes: one table of one return of one authority (or `EVERY_RETURN`).

    `share` is the share of the cells or rows that could be spoilt which are (None: as many as the kind does
    by itself). `lender` is an authority whose identifiers `borrowed` are; `lent` are this authority's own
    that another borrows. `left` is an authority that withdrew from the trial of this one's model.
    """

    authority: str
    layer: str
    month: str
    table: str
    layout: str
    contract: TableContract
    words: Vocabularies
    share: float | None = None
    lender: str = ""
    borrowed: tuple[str, ...] = ()
    lent: tuple[str, ...] = ()
    left: str = ""

    def holds(self, book: Book) -> bool:
        """Whether the defect goes into a workbook."""
        own = (book.authority, book.layer) == (self.authority, self.layer)
        return own and self.month in (book.month, EVERY_RETURN)

    def of(self, eligible: int, usual: int) -> int:
        """How many of the eligible rows are spoilt: at least one, if there is one."""
        wanted = usual if self.share is None else round(self.share * eligible)
        return min(eligible, max(1, wanted))


@dataclass(frozen=True)
class Mark:
    """What a defect did at one place: `count` of what it spoilt, in words what undoes it, and `repair`, the
    same as a row of `corrections.yml` (empty if no correction is needed).

    `row` is the number of the first record spoilt (see `Grid.rows`), `in_header` says that the place is the
    header row. `table`, `month`, `file` and `authority` say where it is, if not at the site of the defect.
    """

    count: int
    says: str
    column: str | None = None
    row: int | None = None
    in_header: bool = False
    repair: Mapping[str, Any] | None = None
    table: str | None = None
    month: str | None = None
    file: str | None = None
    authority: str | None = None


Books = list[Book]
# What becomes of the workbooks (or of a sheet), then one mark for each place; None if nothing can be spoilt.
Plant = Callable[[Books, Site, np.random.Generator], tuple[Any, ...] | None]
GridPlant = Callable[[Grid, Site, np.random.Generator], tuple[Any, ...] | None]


class Claim(NamedTuple):
    """A part of an authority's returns that a defect needs to itself, or (`shared`) only with its like.

    `table`, `month` and `part` may be `WHOLE`, and a layer stands for its tables.
    """

    table: str
    month: str
    part: str
    shared: bool = False

    def meets(self, other: Claim) -> bool:
        """Whether two defects cannot both have what they claim."""
        pairs = zip(self[:3], other[:3], strict=True)
        alike = all(own.startswith(their) or their.startswith(own) for own, their in pairs)
        return alike and not (self.shared and other.shared)


@dataclass(frozen=True)
class Defect:
    """One kind of defect, in one of `tables` of a layer, and what tells it.

    `touches` are the parts of its sheet that it needs to itself: `file` and `calendar` (of the whole
    workbook), `sheet`, `header`, `columns`, `rows`, `records` (what the records say, beyond how it is
    written), a column. `apart` are facts about all returns of the authority that only one defect may change,
    with a `+` before those that several of its like may.

    `told_by` is the check that tells the defect with its correction applied, `told_untreated` without it;
    `also` (`also_untreated`) are checks that rightly tell its consequences. `scope` is what that finding is
    about. `needs` narrows where the kind can go: `no_wrong_door` or `standard` layout, `factor_list` (not six
    columns), `unborn` (a model with unborn children), `long_slug`, `left` (an authority left the model).
    `every_return`: it goes into all returns of the layer; `from_before`: it copies from the return before, so
    not into the first. `borrows`: another authority has a part in it. `distorts`: an authority that has
    it cannot be estimated, or is far from the truth.
    """

    kind: str
    group: Group
    layer: str
    tables: tuple[str, ...]
    handled_by: Handling
    plant: Plant
    told_by: str
    touches: tuple[str, ...]
    told_untreated: str = ""
    also: tuple[str, ...] = ()
    also_untreated: tuple[str, ...] = ()
    scope: Scope = "sheet"
    apart: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    every_return: bool = False
    from_before: bool = False
    borrows: bool = False
    distorts: bool = False


@dataclass(frozen=True)
class Planted:
    """One row of the answer key, as it stands in the finished workbooks."""

    kind: str
    group: str
    authority: str
    layer: str
    return_month: str
    file: str
    sheet: str
    row: int | None
    column: str | None
    count: int
    handled_by: str
    told_by: str
    told_untreated: str
    scope: str
    also_told: str
    also_untreated: str
    correction: str
    says: str


def in_grid(plant: GridPlant) -> Plant:
    """A defect of one sheet, as a defect of all workbooks it goes into."""

    def planted(books: Books, site: Site, rng: np.random.Generator) -> tuple[Any, ...] | None:
        changed: Books = []
        marks: list[Mark] = []
        for book in books:
            found = plant(book.grid(site.table), site, rng) if site.holds(book) else None
            if found is None:
                changed.append(book)
                continue
            grid, *left = found
            changed.append(book.with_grid(grid))
            marks += [replace(mark, month=book.month) for mark in left]
        return (changed, *marks) if marks else None

    return planted


def positions(flags: list[bool], rng: np.random.Generator, most: int) -> list[int]:
    """At most `most` positions chosen at random where the flag is set, in order."""
    found = np.flatnonzero(flags)
    chosen = rng.choice(found, min(most, len(found)), replace=False) if len(found) else found
    return sorted(int(position) for position in chosen)
