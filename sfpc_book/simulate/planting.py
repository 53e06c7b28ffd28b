"""What a planted defect is: where it goes, what it leaves behind, what the answer key says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.simulate.grids import Book, Grid

Group = Literal["record", "cell", "layout"]
# How the defect is met: read all the same, by a correction, or by a finding and nothing else.
Handling = Literal["reader", "correction", "finding"]
EVERY_RETURN = "every return"


@dataclass(frozen=True)
class Site:
    """Where a defect goes: one table of one return of one authority (or `EVERY_RETURN`). `borrowed` are
    identifiers of another authority."""

    authority: str
    layer: str
    month: str
    table: str
    layout: str
    contract: TableContract
    words: Vocabularies
    borrowed: tuple[str, ...] = ()

    def holds(self, book: Book) -> bool:
        """Whether the defect goes into a workbook."""
        return book.layer == self.layer and self.month in (book.month, EVERY_RETURN)


@dataclass(frozen=True)
class Mark:
    """What a defect did: `count` of what it touched from `row` on, what undoes it, in words and as a row of
    `corrections.yml` (empty if no correction is needed)."""

    count: int
    says: str
    column: str | None = None
    row: int | None = None
    repair: Mapping[str, Any] = field(default_factory=dict)


Books = list[Book]
Plant = Callable[[Books, Site, np.random.Generator], tuple[Books, Mark] | None]
GridPlant = Callable[[Grid, Site, np.random.Generator], tuple[Grid, Mark] | None]


@dataclass(frozen=True)
class Defect:
    """One kind of defect, in one of `tables` of a layer.

    `needs` narrows where it can go: `no_wrong_door` or `standard` layout, `factor_list` (not six columns),
    `unborn` (a model with unborn children), `long_slug`. `every_return`: it goes into all returns of the
    layer. `first_return`: whether it can go into the first one.
    """

    kind: str
    group: Group
    layer: str
    tables: tuple[str, ...]
    handled_by: Handling
    plant: Plant
    needs: tuple[str, ...] = ()
    every_return: bool = False
    first_return: bool = True


@dataclass(frozen=True)
class Planted:
    """One row of the answer key."""

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
    correction: str


def in_grid(plant: GridPlant) -> Plant:
    """A defect of one sheet, as a defect of all workbooks it goes into; marks are added up."""

    def planted(books: Books, site: Site, rng: np.random.Generator) -> tuple[Books, Mark] | None:
        changed, marks = [], []
        for book in books:
            found = plant(book.grid(site.table), site, rng) if site.holds(book) else None
            changed.append(book.with_grid(found[0]) if found else book)
            marks += [found[1]] if found else []
        if not marks:
            return None
        total = sum(mark.count for mark in marks)
        return changed, Mark(total, marks[0].says, marks[0].column, marks[0].row, marks[0].repair)

    return planted


def positions(flags: list[bool], rng: np.random.Generator, most: int) -> list[int]:
    """At most `most` positions chosen at random where the flag is set, in order."""
    found = np.flatnonzero(flags)
    chosen = rng.choice(found, min(most, len(found)), replace=False) if len(found) else found
    return sorted(int(position) for position in chosen)
