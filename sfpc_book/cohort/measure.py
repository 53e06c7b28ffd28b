"""From a measured outcome to its state: observed, not yet, value missing, not linked, not applicable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

STATES = ("observed", "not_observed", "not_linked", "not_applicable", "value_missing")


@dataclass(frozen=True)
class Measured:
    """One outcome at one horizon for n children, before it is asked what the returns let us see.

    Attributes
    ----------
    value
        n floats as far as the records show them; NaN where they show none.
    needed_to
        n dates: the day to which records must reach for the outcome to be known.
    eligible
        Whether the child belongs to the outcome's population by what was known at referral.
    in_population
        Whether it does by what happened later (for example entered care); trusted only where observed.
    """

    value: np.ndarray
    needed_to: np.ndarray
    eligible: np.ndarray | None = None
    in_population: np.ndarray | None = None


@dataclass(frozen=True)
class Sight:
    """What the returns let us see of n children for one outcome: linked or not, and which dates."""

    linked: np.ndarray
    covered_from: np.ndarray
    covered_to: np.ndarray
    referral: np.ndarray


def with_states(measured: Measured, sight: Sight) -> pd.DataFrame:
    """Columns value (NaN unless observed), state, observable_from; n rows.

    Whether an outcome is observed depends on the dates covered alone and never on what happened: a child who
    entered care early, in records that stop before the horizon, is not observed, for its fellows who did not
    enter care are not either. In order: not applicable by what was known at referral; not linked; not
    observed (records begin after the referral or stop before `needed_to`); not applicable by what happened;
    value missing (the records reach far enough, but hold no value: waiting will not bring it).
    """
    n = len(measured.value)
    everyone = np.ones(n, dtype=bool)
    eligible = everyone if measured.eligible is None else measured.eligible
    in_population = everyone if measured.in_population is None else measured.in_population
    seen = (sight.covered_from <= sight.referral) & (sight.covered_to >= measured.needed_to)
    state = np.select(
        [~eligible, ~sight.linked, ~seen, ~in_population, np.isnan(measured.value)],
        ["not_applicable", "not_linked", "not_observed", "not_applicable", "value_missing"],
        "observed",
    )
    return pd.DataFrame(
        {
            "value": np.where(state == "observed", measured.value, np.nan),
            "state": pd.Categorical(state, categories=STATES),
            "observable_from": np.where(eligible, measured.needed_to, np.datetime64("NaT")).astype(
                "datetime64[ns]"
            ),
        }
    )
