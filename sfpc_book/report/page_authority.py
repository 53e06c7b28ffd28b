"""An authority's own rows: what it sent to its trial, and what published statistics say about it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from sfpc_book.contracts.check_words import CheckWords, load_check_words
from sfpc_book.report.charts_findings import findings_bars
from sfpc_book.report.charts_flow import flow_diagram
from sfpc_book.report.charts_published import published_series
from sfpc_book.report.charts_returns import monthly_series
from sfpc_book.report.comparison_words import MEASURES
from sfpc_book.report.disclosure import PublishedCounts
from sfpc_book.report.disclosure_returns import publish_findings, publish_followed
from sfpc_book.report.drawing import Absence, Drawing
from sfpc_book.report.findings_name import workbook_name
from sfpc_book.report.page import Page, known
from sfpc_book.report.sentences_data import (
    coverage_sentence,
    findings_sentences,
    flow_sentences,
    latest_sentences,
    trial_role_sentences,
)
from sfpc_book.report.sentences_returns import (
    consequence_sentences,
    followed_sentences,
    linked_sentence,
    no_part_sentence,
    nothing_sent_sentence,
    sent_sentences,
    span_sentences,
)
from sfpc_book.report.table import TableContent
from sfpc_book.report.tables_data import LAYERS, plain_table, sent_table
from sfpc_book.report.tables_findings import findings_table, oddities_table
from sfpc_book.report.tables_repairs import repairs_table
from sfpc_book.report.words import Words
from sfpc_book.study.schema import Authority


@dataclass(frozen=True)
class AuthorityPage:
    """What one authority's chapter shows. The parts about returns are for authorities of a trial only: the
    chapter of a pilot, which sent none, has its role and its published statistics.
    """

    page: Page
    authority: Authority
    words: CheckWords

    @property
    def in_trial(self) -> bool:
        """Whether data returns of this authority enter a trial."""
        return self.authority.role == "trial" and self.authority.model is not None

    def role(self) -> Words:
        """What the authority is to its trial."""
        model = self.authority.model
        wedge = self.page.wedge(model) if self.in_trial and model else None
        return self.page.say(trial_role_sentences(self.page.study, self.authority, wedge), "design")

    def nothing_sent(self) -> Words:
        """That a pilot was asked for no returns."""
        return self.page.say(nothing_sent_sentence(self.authority.name), "design")

    def no_part_in_trial(self) -> Words:
        """That nothing of a pilot enters an estimate of the trial."""
        return self.page.say(no_part_sentence(self.page.study, self.authority), "design")

    def sent_words(self) -> Words:
        """How many of the returns asked for were read, and where the findings go."""
        reading, name = self.page.reading(self.authority.slug), self.authority.name
        workbook = workbook_name(self.authority.slug, self.page.status["returns"])
        return self.page.say(sent_sentences(reading, self.page.study, name, workbook))

    def sent(self) -> TableContent:
        """The returns read, kind by kind."""
        caption = f"What {self.authority.name} sent"
        reading = self.page.reading(self.authority.slug)
        return sent_table(reading, self._safe_findings(), self.page.study, caption)

    def findings(self) -> pd.DataFrame:
        """The findings of its returns."""
        return self.page.findings(self.authority.slug)

    def findings_words(self) -> Words:
        """How many checks were made and what follows from them."""
        return self.page.say(findings_sentences(self.findings(), self.authority.name))

    def findings_drawing(self) -> Drawing | Absence:
        """Checks by layer and outcome."""
        return findings_bars(self.findings(), LAYERS, self.authority.name)

    def findings_list(self) -> TableContent | Words:
        """The checks that found something."""
        caption = f"What the checks found in the returns of {self.authority.name}"
        nothing = f"No check of the returns of {self.authority.name} found anything to stop, mark or note."
        return findings_table(self._safe_findings(), self.words, caption) or self.page.say(nothing)

    def oddities_list(self) -> TableContent | Words:
        """What the reading met and dealt with by rule."""
        caption = f"What was odd in the workbooks of {self.authority.name}, and how it was read"
        nothing = f"Nothing else was odd in the workbooks of {self.authority.name}."
        return oddities_table(self._safe_findings(), self.words, caption) or self.page.say(nothing)

    def repairs(self) -> TableContent | Words:
        """Repairs made by declared corrections, with their reasons."""
        caption = f"Repairs made to the returns of {self.authority.name}, each declared with its reason"
        nothing = f"No declared correction applies to the returns of {self.authority.name}."
        return repairs_table(self.page.repairs(self.authority.slug), caption) or self.page.say(nothing)

    def _safe_findings(self) -> PublishedCounts:
        return publish_findings(self.findings(), self.page.study.disclosure)

    def consequences(self) -> Words:
        """Which estimates lose this authority, which carry it marked, and what is only noted."""
        model = str(self.authority.model)
        text = consequence_sentences(
            self.page.study,
            self.authority,
            self._safe_findings(),
            self.page.excluded(model),
            self.words,
            panel=self.page.main_panel(model),
        )
        return self.page.say(text)

    def linked_words(self) -> Words:
        """Share of its children that are linked to outcomes."""
        counts = self.page.flow(str(self.authority.model))
        return self.page.say(linked_sentence(counts, self.authority.slug, self.authority.name))

    def span_words(self) -> Words:
        """Gaps over the trial window, and ends of what its outcomes cover."""
        return self.page.say(span_sentences(self._safe_findings(), self.words))

    def followed_words(self) -> Words:
        """When the primary outcome is observed at each horizon."""
        study, model = self.page.study, str(self.authority.model)
        followed = publish_followed(self.page.observability(model), study.disclosure)
        return self.page.say(
            followed_sentences(study, followed, study.primary(model).id, self.authority.name)
        )

    def flow_words(self) -> Words:
        """From records sent to children analysed."""
        counts = self.page.flow(str(self.authority.model))
        return self.page.say(flow_sentences(counts, self.authority.name, self.authority.slug))

    def flow_drawing(self) -> Drawing | Absence:
        """The flow diagram of its sample."""
        return flow_diagram(
            self.page.flow(str(self.authority.model)), self.authority.name, self.authority.slug
        )

    def coverage_words(self) -> Words:
        """Which months the totals cover."""
        return self.page.say(coverage_sentence(self.page.monthly(self.authority.slug), self.authority.name))

    def monthly_drawing(self) -> Drawing | Absence:
        """Monthly totals over time."""
        counts = self.page.monthly_counts(self.authority.slug)
        return monthly_series(counts, self.page.study, self.authority)

    def latest_words(self) -> Words:
        """Last published numbers beside neighbours and England."""
        known_years = self.page.profile(self.authority.la_code).dropna(subset=["value"]).sort_values("year")
        latest = known_years.groupby("measure", sort=False).tail(1)
        return self.page.say(latest_sentences(latest, MEASURES, self.authority.name), "published")

    def published_drawing(self, measure: str) -> Drawing | Absence:
        """One published measure against neighbours and England."""
        day = self.authority.go_live
        return published_series(
            self.page.profile(self.authority.la_code),
            name=self.authority.name,
            measure=measure,
            words=MEASURES[measure],
            go_live=day.date if day else None,
        )

    def neighbours_list(self) -> TableContent:
        """Its ten statistical neighbours, and which of them adopted a model themselves."""
        neighbours = self.page.neighbours(self.authority.la_code)
        names = {slug: model.name for slug, model in self.page.study.models.items()}
        cells = pd.DataFrame(
            {
                "neighbour": neighbours["name"],
                "rank": neighbours["rank"],
                "adopted": neighbours["adopter"].map(names).fillna("no model of the programme"),
            }
        )
        caption = f"Statistical neighbours of {self.authority.name}, nearest first"
        source = "Department for Education, statistical neighbours model"
        return plain_table(cells, caption, source=source)


def authority_page(page: Page, slug: str) -> AuthorityPage:
    """The chapter of one authority. Raises `ParameterError` listing the known ones."""
    adopters = {authority.slug: authority for authority in page.study.adopters()}
    return AuthorityPage(
        page, adopters[known(slug, adopters, "local authority")], load_check_words(page.contracts)
    )
