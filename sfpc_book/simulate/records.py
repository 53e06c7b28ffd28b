"""What an authority's system holds: referral records, and the gaps in them that depend on the child."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.simulate.chance import pick, stream
from sfpc_book.simulate.children import SimulatedModel
from sfpc_book.simulate.codes import DISABILITY, FACTORS, OTHER_FACTORS, QUIET, SOON, UNSTATED
from sfpc_book.simulate.dates import age, day, shift
from sfpc_book.simulate.months import referrals_to
from sfpc_book.simulate.population import dates_of

FOUND_NONE = ""
SHARE_NO_FURTHER_ACTION_LATER = 0.22
DAYS_TO_OUTCOME = 60
SHARE_FACTOR_CHANGES = 0.1


def referral_records(simulated: SimulatedModel) -> pd.DataFrame:
    """`dr2_referrals` as clean canonical rows, with `child`, `slot` and `authority`; sorted by date.

    Unborn children and referrals without further action more often lack ethnicity, gender or disability.
    """
    rng = stream(simulated.seed, simulated.model_id, "records")
    referrals, children = simulated.observed.referrals, simulated.children
    dates, ends = dates_of(referrals, "referral_date"), day(referrals_to(simulated.study))
    draw = rng.random((len(children), 4, 8))[referrals["child"], referrals["slot"] + 1]
    own = rng.random((len(children), 8))[referrals["child"]]
    child = children.loc[referrals["child"]].reset_index(drop=True)
    records = pd.concat(
        [
            referrals[["child", "slot", "referral_date"]],
            child[["authority", "child_id"]],
            _assessment(simulated, referrals, child, draw),
            _person(simulated, child, dates, own),
        ],
        axis="columns",
    )
    records = records[dates <= ends].sort_values(["authority", "referral_date", "child_id"])
    number = records.groupby("authority").cumcount().to_numpy()
    return records.assign(referral_id=(700_000 + 3 * number).astype(str)).reset_index(drop=True)


def _assessment(
    simulated: SimulatedModel, referrals: pd.DataFrame, child: pd.DataFrame, draw: np.ndarray
) -> pd.DataFrame:
    """No further action, date and outcome of the assessment, factors found."""
    index = (referrals["slot"] == 0).to_numpy()
    later = draw[:, 0] < SHARE_NO_FURTHER_ACTION_LATER
    nothing = np.where(index, child["no_further_action"].to_numpy(dtype=bool), later)
    start = shift(
        dates_of(referrals, "referral_date"), np.where(nothing, np.nan, 1 - 9 * np.log(1 - draw[:, 1]))
    )
    start = np.where(draw[:, 2] < 0.03, np.datetime64("NaT"), start)
    assessed = ~nothing & (draw[:, 3] > 0.04 + 0.04 * (child["disability"] == DISABILITY[1]).to_numpy())
    codes = {**FACTORS, **OTHER_FACTORS}
    changes = np.where(index, False, draw[:, 4] < SHARE_FACTOR_CHANGES)
    has = {code: child[f"has_{code}"].to_numpy(dtype=bool) ^ changes for code in codes}
    order = [code for code in simulated.words.codes["factor"] if code in has]
    frame = {
        "no_further_action": pd.array(nothing.astype(int), dtype="Int8"),
        "assessment_start_date": start.astype("datetime64[ns]"),
        "factors": pd.array(np.where(assessed, _joined(has, order), None), dtype="str"),
    }
    for code in FACTORS:
        known = pd.array(has[code].astype(int), dtype="Int8")
        known[~assessed] = pd.NA
        frame[f"factor_{code.lower()}"] = known
    frame["assessment_outcome"] = pd.array(
        _outcome(simulated, referrals, index, nothing, draw[:, 5]), dtype="str"
    )
    return pd.DataFrame(frame)


def _joined(has: dict[str, np.ndarray], order: list[str]) -> np.ndarray:
    """Codes of each child as `1B;2B`; empty where none was found."""
    text = np.full(len(has[order[0]]), FOUND_NONE, dtype=object)
    for code in order:
        more = np.where(text == FOUND_NONE, code, text + ";" + code)
        text = np.where(has[code], more, text)
    return text


def _outcome(
    simulated: SimulatedModel,
    referrals: pd.DataFrame,
    index: np.ndarray,
    nothing: np.ndarray,
    uniform: np.ndarray,
) -> np.ndarray:
    """What the assessment led to, in agreement with what happened soon after the first referral."""
    history = simulated.observed
    start = dates_of(referrals, "referral_date")
    soon = []
    for frame, column in (
        (history.care, "care_start"),
        (history.plans, "plan_start"),
        (history.cin, "cin_start"),
    ):
        after = dates_of(frame, column) >= dates_of(simulated.children, "index_date")[frame["child"]]
        first = frame[after].groupby("child")[column].min().reindex(referrals["child"])
        wait = (first.to_numpy(dtype="datetime64[D]") - start).astype(float)
        soon.append(index & (wait >= 0) & (wait <= DAYS_TO_OUTCOME))
    return np.select([nothing, *soon], [None, *SOON], pick(uniform, QUIET))


def _person(
    simulated: SimulatedModel, child: pd.DataFrame, dates: np.ndarray, own: np.ndarray
) -> pd.DataFrame:
    """Who the child is, as far as recorded."""
    birth = dates_of(child, "birth")
    years = age(birth, dates)
    unborn, quiet = dates < birth, child["no_further_action"].to_numpy(dtype=bool)
    unknown = ~unborn & (own[:, 0] < np.where(years < 5, 0.006, 0.002))
    marker = np.select([unborn, unknown], ["unborn", "missing"], "dated")
    no_ethnicity = own[:, 1] < 0.05 + 0.30 * unborn + 0.06 * quiet
    unstated = np.select([own[:, 2] < 0.6, own[:, 2] < 0.7], UNSTATED, None)
    gaps = {
        "gender": own[:, 3] < np.where(unborn, 0.85, 0.003),
        "disability": own[:, 4] < 0.02 + 0.04 * quiet,
        "asylum_seeker": own[:, 5] < 0.02,
        "previous_plans": own[:, 6] < 0.02 + 0.03 * quiet,
    }
    plans = child["previous_plans"].astype("Int64").mask(gaps["previous_plans"])
    frame = {name: pd.array(np.where(gaps[name], None, child[name]), dtype="str")
             for name in ("gender", "disability", "asylum_seeker")}  # fmt: skip
    birth = np.where(marker == "dated", birth, np.datetime64("NaT"))
    frame |= {
        "previous_protection_plans": plans.to_numpy(dtype=object),
        "birth_month": birth.astype("datetime64[ns]"),
        "birth_marker": pd.array(marker, dtype="str"),
        "ethnicity": pd.array(np.where(no_ethnicity, unstated, child["ethnicity"]), dtype="str"),
        "free_school_meals_ever": pd.array(child["free_school_meals"].astype(int), dtype="Int8"),
        "pupil_premium": pd.array(
            (child["free_school_meals"] | (own[:, 7] < 0.05)).astype(int), dtype="Int8"
        ),
    }
    return pd.DataFrame(frame).astype({"previous_protection_plans": "Int64"})
