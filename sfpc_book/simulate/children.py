"""What if the truth were known? Children of one trial, with what happened and what would have happened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sfpc_book.contracts.contract import DATA_CONTRACTS, TableContract, load_contracts
from sfpc_book.contracts.vocabulary import Vocabularies, load_vocabularies
from sfpc_book.errors import ParameterError
from sfpc_book.simulate.baseline import draw_baseline
from sfpc_book.simulate.care import activity, care_periods, placement_episodes
from sfpc_book.simulate.codes import check_codes
from sfpc_book.simulate.contacts import absence, referral_dates
from sfpc_book.simulate.dates import day
from sfpc_book.simulate.effects import EffectSettings, effect_settings
from sfpc_book.simulate.plans import plans_and_cin, proceedings
from sfpc_book.simulate.population import dates_of, draw_characteristics, draw_children
from sfpc_book.simulate.world import History, World
from sfpc_book.study.schema import Study
from sfpc_book.study.wedge import Wedge, wedge_of


@dataclass(frozen=True)
class SimulatedModel:
    """One trial's children in two worlds.

    `children` has one row per child (`child` counts from 0) with the columns authority, child_id, group,
    index_date, birth, adult, period, exposure_time, in_sample and the true characteristics. `observed` is
    what happened; `unexposed` is what would have happened had no authority worked by the model.
    """

    study: Study
    wedge: Wedge
    words: Vocabularies
    contracts: dict[str, TableContract]
    seed: int
    scale: float
    effect: EffectSettings
    children: pd.DataFrame
    observed: History
    unexposed: History

    @property
    def model_id(self) -> str:
        return self.wedge.model_id

    @property
    def terms(self) -> tuple[str, ...]:
        """School terms of the attendance sheet, in order."""
        return self.contracts["dr3_attendance"].wide.levels

    @property
    def activity_years(self) -> tuple[int, ...]:
        """SSDA903 years of the activity sheet, in order."""
        return tuple(map(int, self.contracts["dr3_neet"].wide.levels))


def simulate_children(
    study: Study,
    model_id: str,
    *,
    scale: float = 0.1,
    effect: str | EffectSettings = "growing",
    seed: int = 20240401,
    data_contracts: Path = DATA_CONTRACTS,
) -> SimulatedModel:
    """Draw the children of one trial and both of their histories.

    Parameters
    ----------
    scale
        1 gives the children of the protocol; must be above 0.
    effect
        `constant`, `growing`, `none`, or settings of one's own.

    Raises
    ------
    ParameterError
        For a scale that is not above 0, or an unknown effect.
    """
    if not 0 < scale <= 10:
        raise ParameterError(f"scale is {scale}; it must be above 0 and at most 10 (1 = protocol size)")
    settings, wedge = effect_settings(effect), wedge_of(study, model_id)
    words = load_vocabularies(data_contracts / "vocabularies.yml")
    check_codes(words)
    contracts = load_contracts(data_contracts)
    terms = contracts["dr3_attendance"].wide.levels
    children = draw_children(study, model_id, wedge, scale, seed)
    children = draw_characteristics(children, model_id, seed)
    baseline = draw_baseline(children, wedge, study.covid, settings, seed)
    strength = settings.ramp(children["exposure_time"].to_numpy())
    shared = (wedge, children, baseline, settings)
    worlds = [World(*shared, part, terms, seed) for part in (strength, np.zeros(len(children)))]
    observed, unexposed = (_history(study, world) for world in worlds)
    children = children.assign(in_sample=_in_sample(children, observed.care))
    return SimulatedModel(
        study, wedge, words, contracts, seed, scale, settings, children, observed, unexposed
    )


def _history(study: Study, world: World) -> History:
    events_from = day(study.returns.outcomes_from)
    care = care_periods(world, events_from)
    plans, cin = plans_and_cin(world, events_from)
    return History(
        referrals=referral_dates(world, day(study.returns.referrals_from)),
        care=care,
        episodes=placement_episodes(world, care),
        plans=plans,
        cin=cin,
        proceedings=proceedings(world),
        activity=activity(world, care),
        absence=absence(world),
    )


def _in_sample(children: pd.DataFrame, care: pd.DataFrame) -> np.ndarray:
    """First referred in the window at an eligible age, and not in care on that day."""
    running = care.loc[care["spell"] == "running", "child"]
    main = (children["group"] == "main").to_numpy(copy=True)
    main[running] = False
    return main


def exposed_in_sample(simulated: SimulatedModel) -> np.ndarray:
    """Positions of the children of the sample who were first referred after go-live."""
    exposed = simulated.children["in_sample"] & (simulated.children["exposure_time"] > 0)
    return np.flatnonzero(exposed)


def referred(simulated: SimulatedModel) -> np.ndarray:
    """Each child's first referral in the window, or outside it if it has none."""
    return dates_of(simulated.children, "index_date")
