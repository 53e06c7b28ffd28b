"""The populations that samples are drawn from: one per index rule, with and without authorities that left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from sfpc_book.cohort.authority import AuthorityCohort, authority_cohort
from sfpc_book.cohort.exposures import GO_LIVE, exposed_column
from sfpc_book.cohort.index import FIRST_IN_WINDOW
from sfpc_book.cohort.link import Tables
from sfpc_book.cohort.panel import Group, panel
from sfpc_book.cohort.samples import memberships, one_size
from sfpc_book.study.registries import Exposure, Outcome, Sample
from sfpc_book.study.schema import Study
from sfpc_book.study.wedge import Wedge

NOT_LINKED = "none of its children can be linked to an outcome return"


@dataclass(frozen=True)
class Design:
    """What the populations of one model have in common. `used` are its trial authorities with returns; `left`
    gives each authority that withdrew from the trial the reason why it cannot be used, or None."""

    study: Study
    wedge: Wedge
    used: tuple[str, ...]
    left: Mapping[str, str | None]
    returns: Mapping[str, Tables]

    @property
    def measures(self) -> list[Outcome]:
        return [self.study.outcomes[name] for name in self.study.models[self.wedge.model_id].outcomes]

    def exposures_for(self, samples: Iterable[str]) -> list[Exposure]:
        """The definitions beside the main one that are worked out for any of the samples."""
        asked = set(samples)
        others = (part for part in self.study.exposures.values() if part.id != GO_LIVE)
        return [part for part in others if part.samples is None or asked & set(part.samples)]


@dataclass(frozen=True)
class Population:
    """Children of several authorities below each other, their outcomes, and the samples drawn from them."""

    wedge: Wedge
    authorities: tuple[str, ...]
    children: pd.DataFrame
    outcomes: pd.DataFrame
    samples: tuple[Sample, ...]

    @property
    def name(self) -> str:
        """Its index rule, and `with_left` if authorities that withdrew are in it."""
        sample = self.samples[0]
        return f"{sample.index}_with_left" if sample.with_left else sample.index

    def with_samples(self) -> pd.DataFrame:
        """The children with a column `in_<sample>` for each of the population's samples that is chosen by
        child and not by outcome."""
        chosen = memberships(self.children, one_size(self.samples), self.wedge)
        return self.children.assign(**{f"in_{name}": belongs for name, belongs in chosen.items()})

    def panel(self, design: Design) -> pd.DataFrame:
        """The panel of the population's samples, by each definition of exposure that is asked for."""
        keys = pd.Index(self.children["child_key"])
        return panel(
            self.outcomes, keys, self._groups(design), self.wedge, self.authorities, design.measures,
            design.study.horizons,
        )  # fmt: skip

    def _groups(self, design: Design) -> Iterator[Group]:
        for name, belongs in memberships(self.children, self.samples, self.wedge).items():
            sample = design.study.samples[name]
            yield Group(sample, GO_LIVE, belongs)
            for part in design.exposures_for([name]):
                columns = {
                    months: self.children[exposed_column(part.id, months)] for months in design.study.horizons
                }
                yield Group(sample, part.id, belongs, columns)


def parts_of(design: Design, wedge: Wedge, slugs: Sequence[str], index: str) -> list[AuthorityCohort]:
    """Each authority's part under an index rule."""
    study, model = design.study, design.study.models[wedge.model_id]
    asked = [name for name, sample in study.samples.items() if sample.index == index]
    exposures = design.exposures_for(asked)
    return [
        authority_cohort(
            slug, design.returns[slug], wedge, model, design.measures, study.horizons,
            index=index, exposures=exposures,
        )
        for slug in slugs
    ]  # fmt: skip


def population(
    wedge: Wedge, authorities: Sequence[str], parts: Sequence[AuthorityCohort], samples: Iterable[Sample]
) -> Population:
    """Put the authorities' parts below each other, in their order."""
    slugs = pd.CategoricalDtype(list(authorities))
    children = pd.concat([part.children for part in parts], ignore_index=True).astype({"authority": slugs})
    outcomes = pd.concat([part.outcomes for part in parts], ignore_index=True).astype({"authority": slugs})
    return Population(wedge, tuple(authorities), children, outcomes, tuple(samples))


def populations(design: Design, main_parts: Sequence[AuthorityCohort]) -> Iterator[Population]:
    """Every population that a sample asks for, one at a time, that of the main sample first.

    One with authorities that withdrew is there only if each of them sent returns that can be used and linked:
    without them it would be another sample under the same name.
    """
    samples = design.study.samples.values()
    for index in dict.fromkeys([FIRST_IN_WINDOW, *(part.index for part in samples)]):
        parts = main_parts if index == FIRST_IN_WINDOW else parts_of(design, design.wedge, design.used, index)
        own = [part for part in samples if part.index == index and not part.with_left]
        if own:
            yield population(design.wedge, design.used, parts, own)
        joined = [part for part in samples if part.index == index and part.with_left]
        if joined and design.left and not any(design.left.values()):
            wedge = replace(design.wedge, never_exposed=tuple(design.left))
            left = parts_of(design, wedge, wedge.never_exposed, index)
            if all(part.children["linked"].any() for part in left):
                yield population(wedge, (*design.used, *wedge.never_exposed), [*parts, *left], joined)


def why_absent(design: Design, sample: Sample) -> tuple[str, str]:
    """State and reason of a sample that no population gave: `not_applicable` or `not_available`."""
    if sample.followed_longest:
        return "not_applicable", "chosen outcome by outcome, so that it has no one size"
    if not design.left:
        return "not_applicable", "no authority withdrew from this trial"
    reasons = [f"{slug}: {reason or NOT_LINKED}" for slug, reason in design.left.items()]
    return "not_available", "; ".join(reasons)
