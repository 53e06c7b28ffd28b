"""What exposure does to children in the synthetic trials: the settings that fix the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sfpc_book.errors import ParameterError

Shape = Literal["constant", "growing", "none"]


@dataclass(frozen=True)
class EffectSettings:
    """Full effects of exposure, and how they grow with the number of periods exposed.

    `constant`: the full effect from go-live on. `growing`: in equal steps, full in period `full_from`.
    `none`: no effect on anything. Risks are differences in the probability of an event within 18 months
    of the referral (or of the event named), shares and probabilities are plain differences.
    `cluster_period_sd` is the spread of the authority-by-period noise of the risk of becoming looked after.
    """

    shape: Shape = "growing"
    full_from: int = 4
    looked_after: float = -0.020
    child_protection_plan: float = -0.020
    return_to_statutory_services: float = -0.060
    re_referral: float = -0.040
    plan_days: float = -30.0
    court: float = -0.10
    absence_share: float = -0.006
    moves: float = -0.40
    neet: float = -0.08
    kinship: float = 0.08
    return_home: float = 0.08
    cluster_period_sd: float = 0.0015

    def ramp(self, exposure_time: np.ndarray) -> np.ndarray:
        """Share of the full effect at each exposure time (0 = not exposed)."""
        if self.shape == "none":
            return np.zeros(len(exposure_time))
        if self.shape == "constant":
            return (exposure_time > 0).astype(float)
        return np.clip(exposure_time / self.full_from, 0, 1)


PRESETS = {
    "growing": EffectSettings(),
    "constant": replace(EffectSettings(), shape="constant"),
    "none": replace(EffectSettings(), shape="none"),
}


def effect_settings(effect: str | EffectSettings) -> EffectSettings:
    """Settings by name, or as given.

    Raises
    ------
    ParameterError
        For a name that is none of `constant`, `growing`, `none`.
    """
    if isinstance(effect, EffectSettings):
        return effect
    if effect not in PRESETS:
        raise ParameterError(f"Unknown effect '{effect}'. Allowed: {', '.join(sorted(PRESETS))}")
    return PRESETS[effect]
