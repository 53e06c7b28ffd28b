"""The calibration study: how each method behaves on trials simulated at a model's own design.

Work is cut into chunks of `CHUNK` replications. A chunk's random numbers follow from its place in the grid
(model, scenario, number of the chunk) and from nothing else, so the result is the same whoever runs the
chunks, in whatever order, and more replications keep those that are there. Within a chunk the costly methods
see the first replications only (`Replications`).

After Morris, White and Crowther, "Using simulation studies to evaluate statistical methods", Statistics in
Medicine 38 (2019): every share and mean has its Monte Carlo standard error, and failures are counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.calibration_design import Design
from sfpc_book.estimate.calibration_draw import CHUNK, Draws, chunk_seed, draw
from sfpc_book.estimate.calibration_linear import LINEAR, LinearJudge
from sfpc_book.estimate.calibration_methods import FAMILIES, family_verdicts
from sfpc_book.estimate.calibration_verdicts import CALIBRATION_COLUMNS, summarise
from sfpc_book.study.calibration import Calibration, Replications
from sfpc_book.study.schema import Study

LINEAR_COST = "linear"
EXPOSED = ("exposed", "proportion")  # the difference of risks that exposure made, over the exposed children
ESTIMANDS = {
    name: (family.estimand, family.unit) for family in FAMILIES for name in family.names
}  # what a method is held against, and in which unit; those of `LINEAR` against `EXPOSED`


@dataclass(frozen=True)
class Plan:
    """What is simulated for one model: the study's settings, and the model's place among its models."""

    model: str
    place: int
    settings: Calibration
    statistic: str
    conf_level: float

    def scenario_place(self, scenario: str) -> int:
        """Place of a scenario in the study."""
        known = list(self.settings.scenarios)
        if scenario not in known:
            raise EstimationError(f"Unknown scenario '{scenario}'. Known: {', '.join(known)}.")
        return known.index(scenario)

    def draws(self, design: Design, scenario: str, chunk: int) -> Draws:
        """The simulated trials of one chunk."""
        seed = chunk_seed(self.settings.seed, self.place, self.scenario_place(scenario), chunk)
        return draw(design, self.settings.scenarios[scenario], self.settings.baseline, seed)


def plan_of(study: Study, model: str) -> Plan:
    """The plan of one model."""
    place = list(study.models).index(model)
    return Plan(model, place, study.calibration, study.statistic, study.conf_level)


def n_chunks(replications: Replications) -> int:
    """Chunks that hold the largest number of replications."""
    return math.ceil(max(replications.linear, replications.refitted, replications.iterated) / CHUNK)


def chunk_verdicts(
    plan: Plan,
    judge: LinearJudge,
    scenario: str,
    chunk: int,
    replications: Replications,
    *,
    methods: tuple[str, ...] | None = None,
) -> pd.DataFrame:
    """Verdicts of every method (or those named) on one chunk's trials, as far as its replications reach."""
    draws = plan.draws(judge.design, scenario, chunk)
    parts = list(_parts(plan, judge, draws, chunk, replications, methods))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _parts(
    plan: Plan,
    judge: LinearJudge,
    draws: Draws,
    chunk: int,
    replications: Replications,
    methods: tuple[str, ...] | None,
) -> Iterator[pd.DataFrame]:
    def kept(cost: str) -> Draws:
        limit = getattr(replications, cost) - chunk * CHUNK
        return draws.first(max(0, min(limit, CHUNK)))

    def wanted(names: tuple[str, ...]) -> bool:
        return methods is None or bool(set(names) & set(methods))

    found = []
    if len(kept(LINEAR_COST)) and wanted(LINEAR):
        found.append(judge.verdicts(kept(LINEAR_COST)))
    for family in FAMILIES:
        if len(kept(family.cost)) and wanted(family.names):
            found.append(family_verdicts(family, judge.design, kept(family.cost), plan.conf_level))
    for frame in found:
        rows = frame if methods is None else frame[frame["method"].isin(methods)]
        yield rows.assign(replication=rows["replication"] + chunk * CHUNK)


def calibration_rows(plan: Plan, scenario: str, verdicts: pd.DataFrame) -> pd.DataFrame:
    """`CALIBRATION_COLUMNS` of one scenario: `summarise`, with what was planted and how it was drawn."""
    found = summarise(verdicts)
    facts = found.assign(
        model=plan.model,
        scenario=scenario,
        effect=plan.settings.scenarios[scenario].effect,
        estimand=[ESTIMANDS.get(name, EXPOSED)[0] for name in found["method"]],
        unit=[ESTIMANDS.get(name, EXPOSED)[1] for name in found["method"]],
        seed=plan.settings.seed,
        data_status="design",
    )
    return facts[list(CALIBRATION_COLUMNS)]


def calibrate(plan: Plan, design: Design, *, replications: Replications | None = None) -> pd.DataFrame:
    """The whole grid of one model in this process. `CALIBRATION_COLUMNS`, scenario by scenario.

    Parameters
    ----------
    replications
        Those of the study, unless given.
    """
    replications = replications or plan.settings.replications
    judge = LinearJudge(design, statistic=plan.statistic, conf_level=plan.conf_level)
    parts = []
    for scenario in plan.settings.scenarios:
        chunks = range(n_chunks(replications))
        verdicts = [chunk_verdicts(plan, judge, scenario, chunk, replications) for chunk in chunks]
        parts.append(calibration_rows(plan, scenario, pd.concat(verdicts, ignore_index=True)))
    return pd.concat(parts, ignore_index=True)
