"""One authority's part of a cohort, made from its own returns alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.cohort import descriptives as describe
from sfpc_book.cohort.columns import complete_tables
from sfpc_book.cohort.context import CONTEXT, with_context
from sfpc_book.cohort.derive import COVARIATES, covariates, exposure, share_white_british
from sfpc_book.cohort.exposures import exposed_under, last_starts_under
from sfpc_book.cohort.follow import follow_up
from sfpc_book.cohort.index import FIRST_IN_WINDOW, INDEX_RULES
from sfpc_book.cohort.link import Tables, care_periods, link_children, shared_identifier
from sfpc_book.cohort.outcomes import outcomes_table
from sfpc_book.cohort.persons import identify_persons
from sfpc_book.cohort.sample import (
    INCLUDED,
    care_running,
    classify_records,
    earlier_care,
    flow_table,
    ordered_records,
)
from sfpc_book.cohort.times import times_table
from sfpc_book.study.registries import Exposure, Outcome
from sfpc_book.study.schema import PracticeModel
from sfpc_book.study.wedge import Wedge

CHILD_COLUMNS = [
    "child_key", "authority", "child_id", "referral_id", "person_state", "referral_date", "birth_month",
    "age",
    "period", "period_start", "exposed", "exposure_time", *COVARIATES, "share_white_british",
    *(f"authority_{name}" for name in CONTEXT), "earlier_care", "linked", "covered_from", "covered_to",
    "corrections",
]  # fmt: skip


@dataclass(frozen=True)
class AuthorityCohort:
    """One authority's part, made from its own returns alone."""

    children: pd.DataFrame
    outcomes: pd.DataFrame
    times: pd.DataFrame
    flow: pd.DataFrame
    linkage: pd.DataFrame


def authority_cohort(
    authority: str,
    tables: Tables,
    wedge: Wedge,
    model: PracticeModel,
    measures: list[Outcome],
    horizons: tuple[int, ...],
    *,
    index: str = FIRST_IN_WINDOW,
    exposures: Sequence[Exposure] = (),
) -> AuthorityCohort:
    """One authority's children, outcomes, flow and linkage. Nothing but its own returns is read.

    `index` names the rule that says from which date a child is followed: `referral_date` of the children.
    `exposures` are definitions beside the main one; each gives the children a column per horizon.
    """
    tables = complete_tables(tables)
    sent = ordered_records(identify_persons(tables["dr2_referrals"], authority))
    records = classify_records(INDEX_RULES[index](sent, tables), wedge, model)
    first = records[records["box"] == ""]
    candidates = link_children(_as_children(first, wedge, authority), tables, ["dr3_care"])
    care = care_periods(candidates.events["dr3_care"])
    running = care_running(candidates.children, care)
    kept = candidates.children.assign(earlier_care=earlier_care(candidates.children, care))[~running]
    links = link_children(kept.drop(columns=["covered_from", "covered_to"]), tables)
    children = with_context(links.children.assign(linked=links.linked["dr3_care"]), tables)
    follow = follow_up(links, sent, model.layout == "no_wrong_door", referrals_covered_to(sent))
    exposed = exposed_under(follow, wedge.go_live_day(authority), exposures, horizons)
    starts = last_starts_under(follow, wedge.period_starts, exposures, horizons)
    boxes = _boxes(records, candidates.children["child_key"][running], children)
    return AuthorityCohort(
        children=pd.concat([children[CHILD_COLUMNS], exposed, starts], axis="columns"),
        outcomes=outcomes_table(follow, measures, horizons),
        times=times_table(follow, measures, horizons),
        flow=flow_table(boxes, wedge.model_id, authority),
        linkage=describe.linkage(links, wedge.model_id, authority),
    )


def _as_children(first: pd.DataFrame, wedge: Wedge, authority: str) -> pd.DataFrame:
    """First referrals, one row per child, in the order of `child_key`, with exposure and covariates."""
    first = first.sort_values("child_key").reset_index(drop=True)
    identity = first[["child_key", "authority", "child_id", "referral_id", "person_state", "referral_date",
                      "birth_month", "age", "corrections"]]  # fmt: skip
    share = share_white_british(first).rename("share_white_british")
    return pd.concat([identity, exposure(first, wedge, authority), covariates(first), share], axis="columns")


def _boxes(records: pd.DataFrame, running: pd.Series, children: pd.DataFrame) -> pd.Series:
    """The box in which each referral record ends."""
    unlinked = np.where(
        shared_identifier(children), "identifier shared by several", "not in the outcome return"
    )
    ended = pd.Series(
        np.where(children["linked"], INCLUDED, unlinked), index=children["child_key"].to_numpy()
    )
    ended = pd.concat([ended, pd.Series("care already running at referral", index=running.to_numpy())])
    return records["box"].mask(records["box"] == "", records["child_key"].map(ended))


def referrals_covered_to(records: pd.DataFrame) -> np.datetime64:
    """Last date that an authority's referral returns cover.

    The last day of the month before its latest return, or its latest referral date if that is later.
    """
    sent = pd.to_datetime(records["return_month"], format="%b%y", errors="coerce").max()
    latest = records["referral_date"].max()
    before = sent - pd.Timedelta(days=1)
    return np.datetime64(max(date for date in (before, latest) if not pd.isna(date)), "D")
