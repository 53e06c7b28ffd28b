"""Spoil the workbooks of an authority as planned, and say in the answer key what stands where in the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.simulate.chance import stream
from sfpc_book.simulate.placing import Plan, left_from, lender_of
from sfpc_book.simulate.planting import EVERY_RETURN, Books, Mark, Planted, Site
from sfpc_book.study.schema import Study

ANSWER_KEY = [field.name for field in fields(Planted)]
CORRECTED = "2024-12-02"
PLACELESS = ("alias_authority",)  # actions that are about a file name, so about no table of it


@dataclass(frozen=True)
class Borrowing:
    """Identifiers of the authority before that this one may borrow, and those that another borrows of it."""

    borrowed: tuple[str, ...] = ()
    lent: tuple[str, ...] = ()


def plant(
    books: Books,
    plans: Iterable[Plan],
    study: Study,
    contracts: dict[str, TableContract],
    words: Vocabularies,
    borrowing: Borrowing,
    seed: int,
    share: float | None = None,
) -> tuple[Books, list[Planted], list[dict[str, object]]]:
    """Plant the defects of one authority.

    Returns its workbooks, the rows of the answer key, and the corrections that mend what must be mended. A
    defect that finds nothing to spoil (a very small return) is left out and not in the key.
    """
    left = []
    for plan in plans:
        layout = study.models[study.authorities[plan.authority].model].layout
        slug, table = plan.authority, plan.table
        site = Site(
            slug, plan.defect.layer, plan.month, table, layout, contracts[table], words, share,
            lender_of(study, slug), borrowing.borrowed, borrowing.lent, left_from(study, slug),
        )  # fmt: skip
        found = plan.defect.plant(books, site, _chance(seed, plan))
        if found is not None:
            books, *marks = found
            left += [(plan, mark) for mark in marks]
    corrections = [_correction(plan, mark) for plan, mark in left if mark.repair]
    return books, [_planted(books, plan, mark) for plan, mark in left], corrections


def _chance(seed: int, plan: Plan) -> np.random.Generator:
    return stream(seed, "defect", plan.kind, plan.authority, plan.month, plan.table)


def _correction_id(plan: Plan) -> str:
    return f"synthetic_{plan.kind}_{plan.authority}_{plan.month}_{plan.table}"


def _correction(plan: Plan, mark: Mark) -> dict[str, object]:
    place = {"table": plan.table, "return_month": plan.month}
    return {
        "id": _correction_id(plan),
        "applies_to": "synthetic",
        "authority": plan.authority,
        "layer": plan.defect.layer,
        **({} if mark.repair["action"] in PLACELESS else place),
        **mark.repair,
        "why": f"{mark.says[0].upper()}{mark.says[1:]}",
        "source": "The answer key of the synthetic returns",
        "date": CORRECTED,
        "expect": mark.count,
    }


def _planted(books: Books, plan: Plan, mark: Mark) -> Planted:
    """The row of the answer key, with file, sheet and row as they are in the end."""
    defect = plan.defect
    file, sheet, row = (mark.file, "", None) if mark.file is not None else _place(books, plan, mark)
    return Planted(
        kind=defect.kind,
        group=defect.group,
        authority=mark.authority or plan.authority,
        layer=defect.layer,
        return_month=mark.month or plan.month,
        file=file,
        sheet=sheet,
        row=row,
        column=mark.column,
        count=mark.count,
        handled_by=defect.handled_by,
        told_by=defect.told_by,
        told_untreated=defect.told_untreated or defect.told_by,
        scope=defect.scope,
        also_told=" ".join(defect.also),
        also_untreated=" ".join(defect.also_untreated),
        correction=_correction_id(plan) if mark.repair else "",
        says=mark.says,
    )


def _place(books: Books, plan: Plan, mark: Mark) -> tuple[str, str, int | None]:
    table, month = mark.table or plan.table, mark.month or plan.month
    book, grid = next(
        (book, grid)
        for book in books
        for grid in book.grids
        if (book.authority, grid.table) == (plan.authority, table) and month in (book.month, EVERY_RETURN)
    )
    row = grid.header_row if mark.in_header else None if mark.row is None else grid.excel_row(mark.row)
    return book.file, grid.sheet, row


def answer_key(planted: Iterable[Planted]) -> pd.DataFrame:
    """All planted defects, one row for each place, sorted by kind, authority and return."""
    frame = pd.DataFrame([vars(row) for row in planted], columns=ANSWER_KEY)
    order = ["kind", "authority", "file", "sheet", "column", "return_month"]
    return frame.astype({"row": "Int64"}).sort_values(order, kind="stable").reset_index(drop=True)
