"""What happened to the children asked about, as far as an outcome return covers it: clean canonical rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.simulate.chance import stream
from sfpc_book.simulate.children import SimulatedModel
from sfpc_book.simulate.codes import ASYLUM, NOT_IN_TOUCH
from sfpc_book.simulate.dates import age, day, term_ends, term_number, term_starts, year_end
from sfpc_book.simulate.population import dates_of

SCHOOL_AGES = (4, 15)
SHARE_TERM_MISSING = 0.004
SHARE_NOT_IN_TOUCH = 0.06


def asked(simulated: SimulatedModel, records: pd.DataFrame) -> pd.DataFrame:
    """Children whom the outcome returns speak of: those referred in the window, but for a few that the
    authority could not find again. Columns child, authority, child_id, referral_id (first in the window)."""
    inside = records[(simulated.wedge.period_of(records["referral_date"]) >= 0) & (records["slot"] >= 0)]
    first = inside.drop_duplicates("child").sort_values("child")
    uniform = stream(simulated.seed, simulated.model_id, "asked").random(len(simulated.children))
    unborn, asylum = first["birth_marker"] == "unborn", first["asylum_seeker"] == ASYLUM[1]
    lost = uniform[first["child"]] < 0.012 + 0.03 * unborn + 0.04 * asylum
    return first.loc[~lost, ["child", "authority", "child_id", "referral_id"]].reset_index(drop=True)


def outcome_tables(simulated: SimulatedModel, children: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every table of the outcome return for the children asked about, one blank row where nothing happened.

    Events after the last date covered are left out, and spells that run beyond it have no end.
    """
    history, study = simulated.observed, simulated.study
    until = day(study.returns.outcomes_to)
    names = ("care_start", "care_end", "placement_type", "ceased_reason")
    care = _seen(history.care, {name: name for name in names}, until)
    care["ceased_reason"] = care["ceased_reason"].where(care["care_end"].notna())
    plans = _seen(history.plans, {"plan_start": "plan_start", "plan_end": "plan_end"}, until)
    cin = _seen(history.cin, {"cin_start": "referral_date", "cin_end": "closure_date"}, until)
    court = ("pre_proceedings_date", "care_proceedings_date")
    tables = {
        "dr3_care": _for_each(children, care),
        "dr3_plans": _for_each(children, plans),
        "dr3_cin": _for_each(children, cin, ["referral_id"]),
        "dr3_proceedings": _for_each(
            children, _seen(history.proceedings, dict(zip(court, court, strict=True)), until)
        ),
        "dr3_attendance": _attendance(simulated, children),
        "dr3_episodes": _episodes(simulated, children, until),
        "dr3_neet": _neet(simulated, children, until),
        "dr3_coverage": children[["authority", "child_id"]].assign(
            covered_from=pd.Timestamp(study.returns.outcomes_from),
            covered_to=pd.Timestamp(study.returns.outcomes_to),
        ),
    }
    return {name: table.reset_index(drop=True) for name, table in tables.items()}


def _seen(events: pd.DataFrame, names: dict[str, str], until: np.datetime64) -> pd.DataFrame:
    """Events up to a date, renamed; a later date is missing, an event whose first date is later is none."""
    kept = events[["child", *names]].rename(columns=names)
    for name in kept.columns[1:]:
        if kept[name].dtype.kind == "M":
            kept[name] = kept[name].where(kept[name] <= pd.Timestamp(until))
    return kept.dropna(subset=[kept.columns[1]])


def _for_each(children: pd.DataFrame, events: pd.DataFrame, also: list[str] | None = None) -> pd.DataFrame:
    """One row per event of each child, a blank row for a child without any; in the order of `children`."""
    keys = children[["child", "authority", "child_id", *(also or [])]]
    return keys.merge(events, on="child", how="left").drop(columns="child")


def _attendance(simulated: SimulatedModel, children: pd.DataFrame) -> pd.DataFrame:
    """Long by term: the terms of a child's school years; one blank row for a child who is not at school."""
    numbers = np.array([term_number(label) for label in simulated.terms])
    rng = stream(simulated.seed, simulated.model_id, "attendance")
    place = children["child"].to_numpy()
    kept = rng.random((len(simulated.children), len(numbers)))[place] >= SHARE_TERM_MISSING
    person = simulated.children.loc[place]
    years = np.column_stack(
        [age(dates_of(person, "birth"), np.full(len(place), start)) for start in term_starts(numbers)]
    )
    past = term_ends(numbers) <= day(simulated.study.returns.outcomes_to)
    shown = kept & past & (years >= SCHOOL_AGES[0]) & (years <= SCHOOL_AGES[1])
    row, column = np.nonzero(shown | (~shown.any(axis=1)[:, None] & (np.arange(len(numbers)) == 0)))
    share = np.round(100 * simulated.observed.absence[place[row], column], 2) / 100
    meals = person["free_school_meals"].to_numpy(dtype=int)[row]
    return pd.DataFrame(
        {
            "authority": children["authority"].to_numpy()[row],
            "child_id": children["child_id"].to_numpy()[row],
            "term": np.array(stored_terms(simulated.terms))[column],
            "unauthorised_absence_share": np.where(shown[row, column], share, np.nan),
            "free_school_meals_ever": pd.array(meals, dtype="Int8"),
            "pupil_premium": pd.array(meals, dtype="Int8"),
        }
    )


def stored_terms(levels: tuple[str, ...]) -> list[str]:
    """`summer 2020` as it is stored: `2020-summer`."""
    return ["-".join(reversed(level.split())) for level in levels]


def _episodes(simulated: SimulatedModel, children: pd.DataFrame, until: np.datetime64) -> pd.DataFrame:
    names = ["episode_start", "care_start", "episode_end", "care_end", "placement_type", "legal_status",
             "episode_reason", "ceased_reason"]  # fmt: skip
    seen = _seen(simulated.observed.episodes, {name: name for name in names}, until)
    seen["ceased_reason"] = seen["ceased_reason"].where(seen["episode_end"].notna())
    keys = children[["child", "authority", "child_id", "referral_id"]]
    return keys.merge(seen, on="child", how="inner").drop(columns="child")


def _neet(simulated: SimulatedModel, children: pd.DataFrame, until: np.datetime64) -> pd.DataFrame:
    """Long by SSDA903 year: date left care and main activity; one blank row where none was due."""
    left = simulated.observed.care.groupby("child")["care_end"].max().rename("left_care_date").reset_index()
    left = left[left["left_care_date"] <= pd.Timestamp(until)]
    found = simulated.observed.activity[["child", "year", "main_activity"]]
    found = found[year_end(found["year"].to_numpy()) <= until].rename(columns={"year": "ssda903_year"})
    found = found[found["child"].isin(left["child"])].reset_index(drop=True)
    lost = stream(simulated.seed, simulated.model_id, "touch").random(len(found)) < SHARE_NOT_IN_TOUCH
    found["main_activity"] = found["main_activity"].mask(lost, NOT_IN_TOUCH)
    keys = children[["child", "authority", "child_id"]]
    rows = keys.merge(left, on="child", how="left").merge(found, on="child", how="left")
    first = simulated.activity_years[0]
    return rows.assign(ssda903_year=rows["ssda903_year"].fillna(first).astype("int64")).drop(columns="child")
