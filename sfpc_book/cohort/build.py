"""Canonical returns in, cohort out: children, their outcomes, and every aggregate that a chapter reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.cohort import descriptives as describe
from sfpc_book.cohort.columns import complete_tables
from sfpc_book.cohort.context import CONTEXT, with_context
from sfpc_book.cohort.derive import COVARIATES, covariates, exposure, share_white_british
from sfpc_book.cohort.follow import follow_up
from sfpc_book.cohort.link import Tables, care_periods, link_children, shared_identifier
from sfpc_book.cohort.outcomes import check_outcomes, outcomes_table
from sfpc_book.cohort.panel import observability, panel
from sfpc_book.cohort.persons import identify_persons
from sfpc_book.cohort.sample import (
    INCLUDED,
    care_running,
    classify_records,
    earlier_care,
    flow_table,
    ordered_records,
)
from sfpc_book.cohort.samples import memberships
from sfpc_book.errors import ReturnsError
from sfpc_book.study.schema import Outcome, PracticeModel, Study
from sfpc_book.study.wedge import Wedge, wedge_of

CHILD_COLUMNS = [
    "child_key", "authority", "child_id", "referral_id", "person_state", "referral_date", "birth_month",
    "age",
    "period", "period_start", "exposed", "exposure_time", *COVARIATES, "share_white_british",
    *(f"authority_{name}" for name in CONTEXT), "earlier_care", "linked", "covered_from", "covered_to",
]  # fmt: skip


@dataclass(frozen=True)
class Cohort:
    """One model's trial as data. `children` and `outcomes` are by child and never reach a page."""

    model_id: str
    children: pd.DataFrame
    outcomes: pd.DataFrame
    panel: pd.DataFrame
    flow: pd.DataFrame
    descriptives: pd.DataFrame
    missingness: pd.DataFrame
    patterns: pd.DataFrame
    monthly: pd.DataFrame
    linkage: pd.DataFrame
    observability: pd.DataFrame
    excluded_authorities: pd.DataFrame


@dataclass(frozen=True)
class AuthorityCohort:
    """One authority's part, made from its own returns alone."""

    children: pd.DataFrame
    outcomes: pd.DataFrame
    flow: pd.DataFrame
    linkage: pd.DataFrame


def build_cohort(
    study: Study, model_id: str, returns: Mapping[str, Tables], blocked: Mapping[str, str] | None = None
) -> Cohort:
    """Build one model's cohort from canonical tables.

    Parameters
    ----------
    returns
        Per authority slug its canonical tables by id (`dr2_referrals`, `dr3_care`, ...).
    blocked
        Authorities that must not be estimated, with the reason; they leave every table but
        `excluded_authorities`.

    Raises
    ------
    ReturnsError
        When no trial authority of the model can be used.
    StudyDefinitionError
        When the study names outcomes or samples without a definition.
    """
    wedge, model = wedge_of(study, model_id), study.models[model_id]
    measures = [study.outcomes[outcome] for outcome in model.outcomes]
    check_outcomes(measures)
    excluded = _excluded(wedge, returns, blocked or {})
    used = [slug for slug in wedge.authorities if slug not in excluded]
    if not used:
        reasons = [f"{slug}: {reason}" for slug, reason in excluded.items()]
        raise ReturnsError(f"No authority of '{model_id}' has returns that can be used", reasons)
    parts = [authority_cohort(slug, returns[slug], wedge, model, measures, study.horizons) for slug in used]
    return _assemble(study, wedge, used, measures, parts, excluded)


def _excluded(wedge: Wedge, returns: Mapping[str, Tables], blocked: Mapping[str, str]) -> dict[str, str]:
    excluded = {slug: blocked[slug] for slug in wedge.authorities if slug in blocked}
    for slug in wedge.authorities:
        referrals = returns.get(slug, {}).get("dr2_referrals")
        if slug not in excluded and (referrals is None or referrals.empty):
            excluded[slug] = "no referral return"
    return excluded


def _assemble(
    study: Study,
    wedge: Wedge,
    used: list[str],
    measures: list[Outcome],
    parts: list[AuthorityCohort],
    excluded: Mapping[str, str],
) -> Cohort:
    slugs = pd.CategoricalDtype(used)
    children = pd.concat([part.children for part in parts], ignore_index=True).astype({"authority": slugs})
    outcomes = pd.concat([part.outcomes for part in parts], ignore_index=True).astype({"authority": slugs})
    keys = pd.Index(children["child_key"])
    chosen = memberships(children, study.samples, wedge)
    members = {name: belongs.set_axis(keys) for name, belongs in chosen.items()}
    model_id = wedge.model_id
    return Cohort(
        model_id=model_id,
        children=children.assign(**{f"in_{name}": belongs.to_numpy() for name, belongs in members.items()}),
        outcomes=outcomes,
        panel=panel(outcomes, members, wedge, used, measures, study.horizons),
        flow=pd.concat([part.flow for part in parts], ignore_index=True),
        descriptives=describe.descriptives(children, model_id, used),
        missingness=describe.missingness(children, model_id, used, wedge.n_periods),
        patterns=describe.missing_patterns(children, model_id, used),
        monthly=describe.monthly(children, outcomes, model_id, measures[0].id),
        linkage=pd.concat([part.linkage for part in parts], ignore_index=True),
        observability=observability(children, outcomes, wedge, measures),
        excluded_authorities=pd.DataFrame(
            [(model_id, slug, reason) for slug, reason in excluded.items()],
            columns=["model", "authority", "reason"],
        ),
    )


def authority_cohort(
    authority: str,
    tables: Tables,
    wedge: Wedge,
    model: PracticeModel,
    measures: list[Outcome],
    horizons: tuple[int, ...],
) -> AuthorityCohort:
    """One authority's children, outcomes, flow and linkage. Nothing but its own returns is read."""
    tables = complete_tables(tables)
    records = ordered_records(identify_persons(tables["dr2_referrals"], authority))
    records = classify_records(records, wedge, model)
    first = records[records["box"] == ""]
    candidates = link_children(_as_children(first, wedge, authority), tables, ["dr3_care"])
    care = care_periods(candidates.events["dr3_care"])
    running = care_running(candidates.children, care)
    kept = candidates.children.assign(earlier_care=earlier_care(candidates.children, care))[~running]
    links = link_children(kept.drop(columns=["covered_from", "covered_to"]), tables)
    children = with_context(links.children.assign(linked=links.linked["dr3_care"]), tables)
    follow = follow_up(links, records, model.layout == "no_wrong_door", referrals_covered_to(records))
    boxes = _boxes(records, candidates.children["child_key"][running], children)
    return AuthorityCohort(
        children=children[CHILD_COLUMNS],
        outcomes=outcomes_table(follow, measures, horizons),
        flow=flow_table(boxes, wedge.model_id, authority),
        linkage=describe.linkage(links, wedge.model_id, authority),
    )


def _as_children(first: pd.DataFrame, wedge: Wedge, authority: str) -> pd.DataFrame:
    """First referrals, one row per child, in the order of `child_key`, with exposure and covariates."""
    first = first.sort_values("child_key").reset_index(drop=True)
    identity = first[["child_key", "authority", "child_id", "referral_id", "person_state", "referral_date",
                      "birth_month", "age"]]  # fmt: skip
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
