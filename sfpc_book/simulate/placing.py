"""Where defects go: as many places of each kind as asked for, and no two that would spoil each other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sfpc_book.contracts.contract import TableContract
from sfpc_book.simulate.chance import stream
from sfpc_book.simulate.defects import BY_KIND
from sfpc_book.simulate.defects_files import SMALL_WORDS
from sfpc_book.simulate.planting import EVERY_RETURN, WHOLE, Claim, Defect
from sfpc_book.study.schema import Study

LAYERS_WITH_MONTHS = ("dr1", "dr2")
# Parts that all sheets of a workbook share.
OF_WORKBOOK = ("file", "calendar")
Held = dict[str, set[Claim]]


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


def place_defects(
    study: Study,
    contracts: Mapping[str, TableContract],
    defects: Iterable[Defect],
    seed: int,
    rate: float | None = None,
) -> tuple[Plan, ...]:
    """Choose places: one of each kind, as evenly over the authorities as its needs allow; then, with a rate,
    others at random until that share of the places of each kind is taken, as far as there is room."""
    rng = stream(seed, "defects")
    held: Held = defaultdict(set)
    load: Counter[str] = Counter()
    chosen: dict[str, list[Plan]] = {}
    waiting: dict[str, list[Plan]] = {}
    for defect in defects:
        places = list(places_of(study, contracts, defect))
        places = [places[number] for number in rng.permutation(len(places))]
        first = next((plan for plan in sorted(places, key=lambda plan: load[plan.authority])
                      if _free(study, plan, held)), None)  # fmt: skip
        chosen[defect.kind] = [first] if first else []
        load.update([first.authority] if first else [])
        _hold(study, chosen[defect.kind], held)
        waiting[defect.kind] = places
    for kind, places in waiting.items():
        for plan in places:
            if len(chosen[kind]) < (rate or 0) * len(places) and _free(study, plan, held):
                chosen[kind].append(plan)
                _hold(study, [plan], held)
    return tuple(plan for plans in chosen.values() for plan in plans)


def lender_of(study: Study, authority: str) -> str:
    """The authority whose identifiers another one of the same model uses: the one before it."""
    slugs = study.models[study.authorities[authority].model].trial_authorities
    return slugs[slugs.index(authority) - 1]


def left_from(study: Study, authority: str) -> str:
    """An authority that withdrew from the trial of an authority's model; empty if none did."""
    model = study.authorities[authority].model
    left = (
        slug for slug, part in study.authorities.items() if part.role == "left" and part.left_model == model
    )
    return next(left, "")


def lists_factors(study: Study, authority: str) -> bool:
    """Whether an authority sends factors as one list of codes; every third sends six yes/no columns."""
    return study.models[study.authorities[authority].model].trial_authorities.index(authority) % 3 != 1


def places_of(study: Study, contracts: Mapping[str, TableContract], defect: Defect) -> Iterator[Plan]:
    """Every place where a defect could stand."""
    months = list(
        study.returns.months if defect.layer in LAYERS_WITH_MONTHS else [study.returns.outcome_month]
    )
    months = [EVERY_RETURN] if defect.every_return else months[1 if defect.from_before else 0 :]
    for model in study.models.values():
        for slug in model.trial_authorities:
            for table in defect.tables if _fits(study, defect, slug) else ():
                if model.layout in contracts[table].sheets:
                    yield from (Plan(defect.kind, slug, month, table) for month in months)


def _fits(study: Study, defect: Defect, slug: str) -> bool:
    model = study.models[study.authorities[slug].model]
    has = {
        model.layout: True,
        "factor_list": lists_factors(study, slug),
        "unborn": model.include_unborn,
        "long_slug": bool(set(slug.split("_")) & set(SMALL_WORDS)),
        "left": bool(left_from(study, slug)),
        "lender": len(model.trial_authorities) > 1,
    }
    return all(has.get(need, False) for need in defect.needs)


def _free(study: Study, plan: Plan, held: Held) -> bool:
    claims = claims_of(study, plan).items()
    return not any(own.meets(other) for slug, wanted in claims for own in wanted for other in held[slug])


def _hold(study: Study, plans: Iterable[Plan], held: Held) -> None:
    for plan in plans:
        for slug, claims in claims_of(study, plan).items():
            held[slug] |= claims


def claims_of(study: Study, plan: Plan) -> dict[str, set[Claim]]:
    """What a defect needs to itself, by authority: also in the return that it copies from."""
    defect, months = plan.defect, list(study.returns.months)
    wanted = [WHOLE if defect.every_return else plan.month]
    wanted += [months[months.index(plan.month) - 1]] if defect.from_before else []
    own = {
        Claim(defect.layer if part in OF_WORKBOOK else plan.table, month, part)
        for month in wanted
        for part in defect.touches
    }
    own |= {Claim(WHOLE, WHOLE, part.lstrip("+"), part.startswith("+")) for part in defect.apart}
    claims = {plan.authority: own}
    if defect.borrows:
        claims[lender_of(study, plan.authority)] = {Claim(WHOLE, WHOLE, "identifiers", shared=True)}
    if "left" in defect.needs:  # the authority that withdrew sends one return of a month, whoever has it
        claims[left_from(study, plan.authority)] = {Claim(defect.layer, plan.month, "file")}
    return claims
