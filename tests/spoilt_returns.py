"""Returns of one authority with chosen defects in them: only workbooks that are spoilt are written anew."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import pandas as pd

from sfpc_book.contracts.contract import load_contracts
from sfpc_book.contracts.finding import Finding
from sfpc_book.returns.check import check_across, check_authority
from sfpc_book.returns.declared import load_declared
from sfpc_book.returns.inventory import read_inventory
from sfpc_book.returns.read import read_files
from sfpc_book.returns.records import LINEAGE, Returns
from sfpc_book.simulate.children import simulate_children
from sfpc_book.simulate.placing import Plan
from sfpc_book.simulate.planting import Books
from sfpc_book.simulate.sending import Order, make_returns, orders_of, write_corrections
from sfpc_book.simulate.spoiling import answer_key, plant
from sfpc_book.simulate.workbooks import write_book
from sfpc_book.study.schema import Study
from sfpc_book.study.study import load_study

CONTRACTS = load_contracts()
# So large that every month has a referral in every authority (seeds 1 and 2).
SCALES = {"family_safeguarding": 0.03, "family_valued": 0.03, "no_wrong_door": 0.1}
# Three returns that cover what eight do: as many records in fewer workbooks.
MONTHS = ("nov20", "nov22", "apr24")
TOLD = ("fail", "info")


def short_study() -> Study:
    """The study with three returns."""
    study = load_study()
    return study.model_copy(update={"returns": study.returns.model_copy(update={"months": MONTHS})})


STUDY = short_study()


def model_of(slug: str) -> str:
    return STUDY.authorities[slug].model


@cache
def orders(model: str, seed: int) -> dict[str, Order]:
    simulated = simulate_children(STUDY, model, scale=SCALES[model], seed=seed)
    return {order.authority: order for order in orders_of(simulated)}


@dataclass(frozen=True)
class Sent:
    """Workbooks of one authority in a folder, what is wrong in them, and which differ from clean returns."""

    folder: Path
    slug: str
    books: Books
    key: pd.DataFrame
    spoilt: frozenset[str]

    def read(self, *, corrected: bool = True, suites: bool = True) -> Returns:
        """What the reader makes of them, with all findings about what is not as in clean returns; without
        `suites` not those of Great Expectations, which take longest."""
        declared = load_declared(STUDY, self.folder)
        declared = declared if corrected else replace(declared, corrections=())
        inventory = read_inventory(STUDY, self.folder, declared.corrections)
        returns = read_files(STUDY, self.slug, inventory, declared)
        spoilt = self.spoilt if suites else ()
        anew = tuple(part for part in returns.sheets if part.frame["source_file"].isin(spoilt).any())
        # Sheets that nobody touched are checked once, by the test of clean returns.
        checked = check_authority(STUDY, replace(returns, sheets=anew), inventory.of(self.slug), declared)
        return replace(returns, findings=(*returns.findings, *checked))

    @cached_property
    def corrected(self) -> Returns:
        return self.read()

    @cached_property
    def quickly(self) -> Returns:
        return self.read(suites=False)


def send(
    slug: str,
    folder: Path,
    plans: Iterable[Plan] = (),
    *,
    clean: Sent | None = None,
    seed: int = 1,
    share: float | None = None,
) -> Sent:
    """Write the workbooks of an authority with the defects planned for it; with `clean`, only those that
    differ from them are written, the others are linked to."""
    order = orders(model_of(slug), seed)[slug]
    books = clean.books if clean else make_returns(order).books
    spoilt, planted, corrections = plant(
        books, plans, STUDY, CONTRACTS, order.words, order.borrowing, seed, share
    )
    own = folder / slug
    own.mkdir(parents=True)
    changed = []
    for book in spoilt:
        if clean and any(book is other for other in books):
            os.link(clean.folder / slug / book.file, own / book.file)
        else:
            changed.append(write_book(book, own).name)
    write_corrections(corrections, folder / "corrections.yml")
    answer_key(planted).to_csv(folder / "answer_key.csv", index=False)
    (folder / "manifest.json").write_text(json.dumps({"synthetic": True}), encoding="utf-8")
    return Sent(folder, slug, spoilt, answer_key(planted), frozenset(changed))


def across(returns: Iterable[Returns], folder: Path) -> tuple[Finding, ...]:
    """Findings across authorities."""
    return check_across(
        {part.authority: part.tables for part in returns}, load_declared(STUDY, folder).limits
    )


def assert_same_values(found: Returns, clean: Returns, *, but: tuple[str, ...] = ()) -> None:
    """Equal tables but for where each record came from, what corrected it, and the columns named."""
    for name, table in clean.tables.items():
        drop = [column for column in (*LINEAGE, *but) if column in table]
        one, two = (part.drop(columns=drop) for part in (found.tables[name], table))
        pd.testing.assert_frame_equal(one, two, rtol=1e-12, atol=1e-14, obj=name)
