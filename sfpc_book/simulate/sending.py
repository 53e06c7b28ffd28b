"""The workbooks of one authority: made, spoilt and written, in this process or another."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.simulate.canonical import Sent, layout_of, sent_returns
from sfpc_book.simulate.children import SimulatedModel
from sfpc_book.simulate.grids import books_of
from sfpc_book.simulate.placing import Plan, lender_of, lists_factors
from sfpc_book.simulate.planting import Books, Planted
from sfpc_book.simulate.spoiling import Borrowing, plant
from sfpc_book.simulate.workbooks import write_book
from sfpc_book.study.schema import Study

BORROWED = 3


@dataclass(frozen=True)
class Order:
    """All that is needed to make the workbooks of one authority."""

    study: Study
    authority: str
    sent: Sent
    contracts: dict[str, TableContract]
    words: Vocabularies
    layout: str
    plans: tuple[Plan, ...]
    borrowing: Borrowing
    seed: int
    share: float | None = None


@dataclass(frozen=True)
class Made:
    """What became of an order: workbooks, rows of the answer key, corrections of what must be mended."""

    books: Books
    planted: list[Planted]
    corrections: list[dict[str, object]]


@dataclass(frozen=True)
class Written:
    """The same, with the files of the workbooks."""

    planted: list[Planted]
    corrections: list[dict[str, object]]
    paths: list[Path]


def orders_of(model: SimulatedModel, plans: Iterable[Plan] = (), share: float | None = None) -> list[Order]:
    """One order for each authority of a trial, with the defects planned for it."""
    returns, plans = sent_returns(model), tuple(plans)
    lent = {slug: _some_identifiers(sent) for slug, sent in returns.items()}
    return [
        Order(
            study=model.study,
            authority=slug,
            sent=sent,
            contracts=model.contracts,
            words=model.words,
            layout=layout_of(model),
            plans=tuple(plan for plan in plans if plan.authority == slug),
            borrowing=Borrowing(lent[lender_of(model.study, slug)], lent[slug]),
            seed=model.seed,
            share=share,
        )
        for slug, sent in returns.items()
    ]


def make_returns(order: Order) -> Made:
    """The workbooks of one authority with the defects planned for it."""
    books = books_of(
        order.authority, order.sent, order.contracts, order.words, order.layout,
        factor_columns=not lists_factors(order.study, order.authority),
    )  # fmt: skip
    made = plant(
        books, order.plans, order.study, order.contracts, order.words, order.borrowing, order.seed,
        order.share,
    )  # fmt: skip
    return Made(*made)


def write_returns(order: Order, folder: Path) -> Written:
    """Write the workbooks of one authority into a folder of its name below `folder`."""
    made = make_returns(order)
    own = folder / order.authority
    own.mkdir(parents=True)
    return Written(made.planted, made.corrections, [write_book(book, own) for book in made.books])


def write_corrections(rows: Iterable[dict[str, object]], path: Path) -> None:
    """Write `corrections.yml`, one correction a line, in JSON, which is YAML; sorted by id."""
    lines = [f"  - {json.dumps(row, ensure_ascii=False)}" for row in sorted(rows, key=lambda row: row["id"])]
    head = ["# Corrections of the defects planted in these synthetic returns.",
            "corrections:" if lines else "corrections: []"]  # fmt: skip
    path.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8", newline="\n")


def _some_identifiers(sent: Sent) -> tuple[str, ...]:
    """The first identifiers in an authority's largest referral return."""
    tables = [tables["dr2_referrals"] for tables in sent.values() if "dr2_referrals" in tables]
    return tuple(max(tables, key=len)["child_id"].head(BORROWED))
