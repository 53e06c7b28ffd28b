"""One world: everything that happens to the children at one strength of exposure per child."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.simulate.baseline import Baseline
from sfpc_book.simulate.effects import EffectSettings
from sfpc_book.study.wedge import Wedge


@dataclass(frozen=True)
class World:
    """What the history functions need. `strength` is the share of the full effect that each child gets.

    Every function draws the same random numbers in every world, whatever the strength: two worlds of one
    seed differ by the effect alone.
    """

    wedge: Wedge
    children: pd.DataFrame
    baseline: Baseline
    settings: EffectSettings
    strength: np.ndarray
    terms: tuple[str, ...]
    seed: int

    @property
    def n(self) -> int:
        return len(self.children)

    def level(self, name: str, effect: float) -> np.ndarray:
        """Authority level of a probability or rate, with this world's effect."""
        return self.baseline.level[name] + self.strength * effect

    def risk(self, name: str, effect: float) -> np.ndarray:
        """Probability within 18 months of a child's own event: authority, calendar and effect, times its
        multiplier."""
        return self.baseline.multiplier * (self.level(name, effect) + self.baseline.calendar)


@dataclass(frozen=True)
class History:
    """Everything that happens in one world; frames have a column `child`, dates are datetime64[ns].

    `referrals` (slot: -1 before the first in the window, 0 that one, 1, 2 after), `care` (spell: earlier,
    running, first, second), `episodes`, `plans`, `cin`, `proceedings`, `activity` (year, neet);
    `absence` is children x school terms, shares of possible sessions.
    """

    referrals: pd.DataFrame
    care: pd.DataFrame
    episodes: pd.DataFrame
    plans: pd.DataFrame
    cin: pd.DataFrame
    proceedings: pd.DataFrame
    activity: pd.DataFrame
    absence: np.ndarray


def long(parts: list[dict[str, np.ndarray]], needed: str) -> pd.DataFrame:
    """Stack slots of arrays (one value per child) into one row per event; without `needed` there is none."""
    frames = [pd.DataFrame(part).rename_axis("child").reset_index() for part in parts]
    stacked = pd.concat(frames, ignore_index=True).dropna(subset=[needed])
    for name in stacked.columns:
        if stacked[name].dtype.kind == "M":
            stacked[name] = stacked[name].astype("datetime64[ns]")
    return stacked.sort_values(["child", needed], kind="stable").reset_index(drop=True)
