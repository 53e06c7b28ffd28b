"""The registry of defects, the plan of where they go, and the answer key of what was planted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.errors import ParameterError
from sfpc_book.simulate.chance import stream
from sfpc_book.simulate.defects_cells import CELL_DEFECTS
from sfpc_book.simulate.defects_layout import LAYOUT_DEFECTS, SMALL_WORDS
from sfpc_book.simulate.defects_records import RECORD_DEFECTS
from sfpc_book.simulate.planting import EVERY_RETURN, Books, Defect, Mark, Planted, Site
from sfpc_book.study.schema import Study

# In the order in which they are planted: what is sent, then how it is written, then where it stands.
DEFECTS: tuple[Defect, ...] = (*RECORD_DEFECTS, *CELL_DEFECTS, *LAYOUT_DEFECTS)
BY_KIND = {defect.kind: defect for defect in DEFECTS}
ANSWER_KEY = [field.name for field in fields(Planted)]
CORRECTED = "2024-12-02"
LAYERS_WITH_MONTHS = ("dr1", "dr2")


@dataclass(frozen=True)
class Plan:
    """One kind of defect and the place chosen for it."""

    kind: str
    authority: str
    month: str
    table: str

    @property
    def defect(self) -> Defect:
        """The defect of that kind."""
        return BY_KIND[self.kind]


def kinds() -> tuple[str, ...]:
    """Every kind of defect."""
    return tuple(defect.kind for defect in DEFECTS)


def lists_factors(study: Study, authority: str) -> bool:
    """Whether an authority sends factors as one list of codes; every third sends six yes/no columns."""
    return study.models[study.authorities[authority].model].trial_authorities.index(authority) % 3 != 1


def plan_defects(
    study: Study, contracts: dict[str, TableContract], seed: int, chosen: bool | Sequence[str]
) -> tuple[Plan, ...]:
    """Where each defect goes: one authority each, as evenly spread as its needs allow; no two in one sheet.

    Raises
    ------
    ParameterError
        For a kind that is not in the registry.
    """
    names = kinds() if chosen is True else tuple(chosen or ())
    unknown = [name for name in names if name not in kinds()]
    if unknown:
        raise ParameterError(f"Unknown defects: {', '.join(unknown)}. Allowed: {', '.join(kinds())}")
    rng = stream(seed, "defects")
    held: set[tuple[str, str, str]] = set()
    load: Counter[str] = Counter()
    plans = []
    for defect in DEFECTS:
        found = _place(study, contracts, defect, held, load, rng)
        if defect.kind in names and found:
            plans.append(found)
            load[found.authority] += 1
            held |= _claims(study, found)
    return tuple(plans)


def _place(
    study: Study,
    contracts: dict[str, TableContract],
    defect: Defect,
    held: set[tuple[str, str, str]],
    load: Counter[str],
    rng: np.random.Generator,
) -> Plan | None:
    slugs = [slug for model in study.models.values() for slug in model.trial_authorities]
    order = [slugs[place] for place in rng.permutation(len(slugs))]
    months = list(
        study.returns.months if defect.layer in LAYERS_WITH_MONTHS else (study.returns.outcome_month,)
    )
    months = [EVERY_RETURN] if defect.every_return else months[0 if defect.first_return else 1 :]
    months = [months[place] for place in rng.permutation(len(months))]
    for slug in sorted(order, key=lambda slug: load[slug]):
        layout = study.models[study.authorities[slug].model].layout
        tables = [table for table in defect.tables if layout in contracts[table].sheets]
        for month in months if _fits(study, defect, slug, layout) else ():
            for table in tables:
                plan = Plan(defect.kind, slug, month, table)
                if not _claims(study, plan) & held:
                    return plan
    return None


def _fits(study: Study, defect: Defect, slug: str, layout: str) -> bool:
    has = {
        layout: True,
        "factor_list": lists_factors(study, slug),
        "unborn": study.models[study.authorities[slug].model].include_unborn,
        "long_slug": bool(set(slug.split("_")) & set(SMALL_WORDS)),
    }
    return all(has.get(need, False) for need in defect.needs)


def _claims(study: Study, plan: Plan) -> set[tuple[str, str, str]]:
    """The sheets that a defect needs to itself: also that of the return before, where it copies from it."""
    months = list(study.returns.months)
    wanted = months if plan.month == EVERY_RETURN else [plan.month]
    if not plan.defect.first_return:
        wanted = [months[months.index(plan.month) - 1], plan.month]
    return {(plan.authority, plan.table, month) for month in wanted}


def plant(
    books: Books,
    plans: Iterable[Plan],
    study: Study,
    contracts: dict[str, TableContract],
    words: Vocabularies,
    borrowed: tuple[str, ...],
    seed: int,
) -> tuple[Books, list[Planted], list[dict[str, object]]]:
    """Plant the defects of one authority.

    Returns its workbooks, the rows of the answer key, and the corrections that mend what must be mended. A
    defect that finds nothing to spoil (a very small return) is left out and not in the key.
    """
    key, repairs = [], []
    for plan in plans:
        defect = plan.defect
        layout = study.models[study.authorities[plan.authority].model].layout
        site = Site(
            plan.authority,
            defect.layer,
            plan.month,
            plan.table,
            layout,
            contracts[plan.table],
            words,
            borrowed,
        )
        found = defect.plant(books, site, stream(seed, "defect", defect.kind, plan.authority))
        if found is None:
            continue
        books, mark = found
        key.append((plan, mark))
        if mark.repair:
            repairs.append(_correction(plan, dict(mark.repair), mark.says))
    return books, [_planted(books, plan, mark) for plan, mark in key], repairs


def _correction(plan: Plan, repair: dict[str, object], says: str) -> dict[str, object]:
    return {
        "id": f"synthetic_{plan.defect.kind}",
        "applies_to": "synthetic",
        "authority": plan.authority,
        "layer": plan.defect.layer,
        **repair,
        "why": f"{says[0].upper()}{says[1:]}",
        "source": "The answer key of the synthetic returns",
        "date": CORRECTED,
    }


def _planted(books: Books, plan: Plan, mark: Mark) -> Planted:
    """The row of the answer key, with the file and sheet as they are in the end."""
    found = [
        (book.file, grid.sheet)
        for book in books
        for grid in book.grids
        if book.layer == plan.defect.layer
        and grid.table == plan.table
        and plan.month in (book.month, EVERY_RETURN)
    ]
    file, sheet = found[0] if len(found) == 1 else ("", found[0][1])
    defect = plan.defect
    return Planted(
        defect.kind, defect.group, plan.authority, defect.layer, plan.month, file, sheet, mark.row,
        mark.column, mark.count, defect.handled_by, mark.says,
    )  # fmt: skip


def answer_key(planted: Iterable[Planted]) -> pd.DataFrame:
    """All planted defects, one row each, sorted by kind and authority."""
    frame = pd.DataFrame([vars(row) for row in planted], columns=ANSWER_KEY)
    return frame.astype({"row": "Int64"}).sort_values(["kind", "authority"]).reset_index(drop=True)
