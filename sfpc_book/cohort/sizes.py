"""How large each sample is and how many children each definition of exposure moves. Aggregates only.

Numbers of two nested samples, subtracted, give the number of children between them. So each number here comes
with its distance: in how many children its group differs from the nearest other group that the table gave
before it. What is published may depend on that distance; nothing here is published as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.cohort.exposures import GO_LIVE, exposed_column
from sfpc_book.cohort.population import Design, Population, why_absent
from sfpc_book.cohort.samples import memberships, one_size
from sfpc_book.study.registries import Exposure

MAIN = "main"
COUNTED = ("children", "exposed", "unexposed", "linked")
SAMPLE_COLUMNS = [
    "model", "authority", "sample", "state", "reason",
    *(f"n_{name}" for name in COUNTED), *(f"distance_{name}" for name in COUNTED),
]  # fmt: skip
EXPOSURE_COLUMNS = [
    "model", "authority", "sample", "exposure", "horizon",
    "n_children", "n_exposed", "n_unexposed", "n_unknown", "n_gained", "n_lost",
    "distance_exposed", "distance_unexposed",
]  # fmt: skip
ALLOCATION_COLUMNS = [
    "model", "sequence", "authority", "go_live", "period", "period_start", "period_end", "exposed",
    "n_children", "n_linked",
]  # fmt: skip
ALL = "all"


@dataclass(frozen=True)
class Members:
    """The children of one sample: keys, and 0/1 whether exposed and linked, in one order."""

    keys: pd.Index
    exposed: np.ndarray
    linked: np.ndarray

    def groups(self) -> dict[str, pd.Index]:
        """The children behind each number of `COUNTED`."""
        exposed, linked = self.exposed.astype(bool), self.linked.astype(bool)
        chosen = (self.keys, self.keys[exposed], self.keys[~exposed], self.keys[linked])
        return dict(zip(COUNTED, chosen, strict=True))


def members_of(population: Population) -> dict[str, Members]:
    """The children of each sample of a population that has a size."""
    children = population.children
    keys, exposed, linked = (children[name].to_numpy() for name in ("child_key", "exposed", "linked"))
    return {
        name: Members(pd.Index(keys[belongs]), exposed[belongs], linked[belongs])
        for name, belongs in memberships(children, one_size(population.samples), population.wedge).items()
    }


def sample_sizes(design: Design, members: Mapping[str, Members]) -> pd.DataFrame:
    """One row per sample of the study: its state, its numbers of children, and their distances.

    `state` is `available`, `not_available` or `not_applicable`, the last two with the reason and without
    numbers.
    """
    everybody = pd.Index(np.unique(np.concatenate([part.keys.to_numpy(str) for part in members.values()])))
    before: dict[str, list[np.ndarray]] = {name: [] for name in COUNTED}
    rows = []
    for name, sample in design.study.samples.items():
        state, reason = ("available", "") if name in members else why_absent(design, sample)
        row = {"sample": name, "state": state, "reason": reason}
        for counted, keys in (members[name].groups() if name in members else {}).items():
            inside = np.zeros(len(everybody), dtype=bool)
            inside[everybody.get_indexer(keys)] = True
            row |= {f"n_{counted}": inside.sum(), f"distance_{counted}": _nearest(inside, before[counted])}
        rows.append(row)
    table = pd.DataFrame(rows).reindex(columns=SAMPLE_COLUMNS)
    return table.assign(model=design.wedge.model_id, authority=ALL)


def _nearest(inside: np.ndarray, before: list[np.ndarray]) -> float:
    """Children in which a group differs from the nearest given before that is not the same; NaN if none."""
    apart = [int((inside != other).sum()) for other in before]
    before.append(inside)
    return float(min((number for number in apart if number), default=np.nan))


def exposure_sizes(design: Design, population: Population) -> pd.DataFrame:
    """One row per definition of exposure and horizon, for the main sample.

    `n_unknown` are children whose exposure cannot be known; `n_gained` are exposed by the definition and not
    by the main one, `n_lost` the reverse. Distances are to the groups of the rows before.
    """
    children = population.children
    main = children["exposed"].to_numpy(bool)
    before: dict[int, list[np.ndarray]] = {0: [], 1: []}
    rows = []
    for part in _definitions(design):
        for horizon in design.study.horizons:
            exposed = _exposed(children, part, horizon)
            groups = {value: exposed == value for value in (0, 1)}
            rows.append(
                {
                    "exposure": part.id,
                    "horizon": horizon,
                    "n_children": len(children),
                    "n_exposed": groups[1].sum(),
                    "n_unexposed": groups[0].sum(),
                    "n_unknown": (exposed < 0).sum(),
                    "n_gained": (groups[1] & ~main).sum(),
                    "n_lost": (groups[0] & main).sum(),
                    "distance_exposed": _nearest(groups[1], before[1]),
                    "distance_unexposed": _nearest(groups[0], before[0]),
                }
            )
    table = pd.DataFrame(rows).assign(model=design.wedge.model_id, authority=ALL, sample=MAIN)
    return table[EXPOSURE_COLUMNS]


def _definitions(design: Design) -> Sequence[Exposure]:
    return [design.study.exposures[GO_LIVE], *design.exposures_for([MAIN])]


def _exposed(children: pd.DataFrame, part: Exposure, horizon: int) -> np.ndarray:
    """1, 0, or -1 where it is not known."""
    if part.id == GO_LIVE:
        return children["exposed"].to_numpy(int)
    return children[exposed_column(part.id, horizon)].fillna(-1).to_numpy(int)


def allocation(population: Population) -> pd.DataFrame:
    """Children whose outcome is defined, and those linked, by sequence, authority and period.

    A sequence is the group of authorities that go live on one day, numbered from 1 in the order of the wedge.
    Every cell is there. Columns model, sequence, authority, go_live, period, period_start, period_end,
    exposed, n_children, n_linked.
    """
    wedge, children = population.wedge, population.children
    design = wedge.design_table()
    design = design[design["authority"].isin(population.authorities)]
    days = sorted({wedge.go_live[slug] for slug in wedge.authorities})
    keys = [children["authority"].astype("str"), children["period"]]
    counts = children.groupby(keys)["linked"].agg(n_children="size", n_linked="sum")
    table = design.join(counts, on=["authority", "period"]).fillna({"n_children": 0, "n_linked": 0})
    go_live = table["authority"].map(dict(wedge.go_live))
    return (
        table.assign(
            model=wedge.model_id,
            go_live=pd.to_datetime(go_live),
            sequence=go_live.map(days.index).astype(int) + 1,
        )
        .astype({"n_children": int, "n_linked": int})[ALLOCATION_COLUMNS]
        .reset_index(drop=True)
    )
