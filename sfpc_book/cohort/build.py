"""Canonical returns in, cohort out: children, their outcomes, and every aggregate that a chapter reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sfpc_book.cohort import descriptives as describe
from sfpc_book.cohort.authority import AuthorityCohort
from sfpc_book.cohort.derive import COVARIATES
from sfpc_book.cohort.exposures import EXPOSURES
from sfpc_book.cohort.index import FIRST_IN_WINDOW
from sfpc_book.cohort.link import Tables
from sfpc_book.cohort.outcomes import OUTCOMES
from sfpc_book.cohort.panel import observability
from sfpc_book.cohort.population import Design, parts_of, populations
from sfpc_book.cohort.registries import require_known
from sfpc_book.cohort.samples import SAMPLES
from sfpc_book.cohort.sizes import allocation, exposure_sizes, members_of, sample_sizes
from sfpc_book.cohort.survival import survival_table
from sfpc_book.cohort.totals import totals_table
from sfpc_book.errors import ReturnsError
from sfpc_book.study.schema import Study
from sfpc_book.study.wedge import wedge_of


@dataclass(frozen=True)
class ChildTables:
    """Children with a column `in_<sample>` for each of their samples, and their outcomes."""

    children: pd.DataFrame
    outcomes: pd.DataFrame


@dataclass(frozen=True)
class Cohort:
    """One model's trial as data. `children`, `outcomes`, `times` and `others` are by child and never reach a
    page.

    All tables but `panel`, `samples` and `exposures` are of the main sample and its main definition of
    exposure. `others` are the populations of samples with another index date or another set of authorities,
    by name.
    """

    model_id: str
    children: pd.DataFrame
    outcomes: pd.DataFrame
    times: pd.DataFrame
    panel: pd.DataFrame
    flow: pd.DataFrame
    allocation: pd.DataFrame
    samples: pd.DataFrame
    exposures: pd.DataFrame
    descriptives: pd.DataFrame
    missingness: pd.DataFrame
    patterns: pd.DataFrame
    monthly: pd.DataFrame
    survival: pd.DataFrame
    totals: pd.DataFrame
    linkage: pd.DataFrame
    observability: pd.DataFrame
    excluded_authorities: pd.DataFrame
    others: Mapping[str, ChildTables]


def require_defined(study: Study) -> None:
    """Raises StudyDefinitionError if the study names outcomes, samples, definitions of exposure or covariates
    that the code does not know."""
    require_known("outcome", study.outcomes, OUTCOMES)
    require_known("sample", study.samples, SAMPLES)
    require_known("exposure", study.exposures, EXPOSURES)
    require_known("covariate", study.covariates, dict.fromkeys(COVARIATES))


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
        When the study names outcomes, samples or definitions of exposure that the code does not know.
    """
    wedge = wedge_of(study, model_id)
    require_defined(study)
    excluded = _excluded(wedge.authorities, returns, blocked or {})
    used = tuple(slug for slug in wedge.authorities if slug not in excluded)
    if not used:
        reasons = [f"{slug}: {reason}" for slug, reason in excluded.items()]
        raise ReturnsError(f"No authority of '{model_id}' has returns that can be used", reasons)
    left = study.left(model_id)
    absent = _excluded(left, returns, blocked or {})
    design = Design(study, wedge, used, {slug: absent.get(slug) for slug in left}, returns)
    parts = parts_of(design, wedge, used, FIRST_IN_WINDOW)
    return _assemble(design, parts, excluded)


def _excluded(
    slugs: Sequence[str], returns: Mapping[str, Tables], blocked: Mapping[str, str]
) -> dict[str, str]:
    excluded = {slug: blocked[slug] for slug in slugs if slug in blocked}
    for slug in slugs:
        referrals = returns.get(slug, {}).get("dr2_referrals")
        if slug not in excluded and (referrals is None or referrals.empty):
            excluded[slug] = "no referral return"
    return excluded


def _assemble(design: Design, parts: Sequence[AuthorityCohort], excluded: Mapping[str, str]) -> Cohort:
    made = populations(design, parts)
    main = next(made)
    panels, members, others = [main.panel(design)], members_of(main), {}
    for other in made:
        panels.append(other.panel(design))
        members |= members_of(other)
        others[other.name] = ChildTables(other.with_samples(), other.outcomes)
    measures, model_id = design.measures, design.wedge.model_id
    children, used = main.children, main.authorities
    times = pd.concat([part.times for part in parts], ignore_index=True)
    return Cohort(
        model_id=model_id,
        children=main.with_samples(),
        outcomes=main.outcomes,
        times=times,
        panel=_in_order(design.study, panels),
        flow=pd.concat([part.flow for part in parts], ignore_index=True),
        allocation=allocation(main),
        samples=sample_sizes(design, members),
        exposures=exposure_sizes(design, main),
        descriptives=describe.descriptives(children, model_id, used),
        missingness=describe.missingness(children, model_id, used, design.wedge.n_periods),
        patterns=describe.missing_patterns(children, model_id, used),
        monthly=describe.monthly(children, main.outcomes, model_id, measures[0].id),
        survival=survival_table(times, design.wedge, used, measures),
        totals=totals_table(design.returns, design.wedge, used, design.study.totals),
        linkage=pd.concat([part.linkage for part in parts], ignore_index=True),
        observability=observability(children, main.outcomes, design.wedge, measures),
        excluded_authorities=pd.DataFrame(
            [(model_id, slug, reason) for slug, reason in excluded.items()],
            columns=["model", "authority", "reason"],
        ),
        others=others,
    )


def _in_order(study: Study, panels: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The panels below each other, samples and definitions of exposure in the order of the study file."""
    table = pd.concat(panels, ignore_index=True)
    place = {name: i for ids in (study.samples, study.exposures) for i, name in enumerate(ids)}
    ordered = table.sort_values(["sample", "exposure"], key=lambda ids: ids.map(place), kind="stable")
    return ordered.reset_index(drop=True)
