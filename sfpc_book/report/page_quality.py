"""A model's data quality: its authorities side by side, what needs attention first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from sfpc_book.contracts.check_words import CheckWords, load_check_words
from sfpc_book.report.charts_quality import attention_bars, kinds_grid
from sfpc_book.report.disclosure import PublishedCounts
from sfpc_book.report.disclosure_returns import publish_findings
from sfpc_book.report.drawing import Absence, Drawing
from sfpc_book.report.page import Page, known
from sfpc_book.report.quality import quality_frame
from sfpc_book.report.sentences_data import excluded_sentence, findings_sentences
from sfpc_book.report.sentences_fitness import fewer_sentences
from sfpc_book.report.sentences_returns import attention_sentences, worst_columns_sentence
from sfpc_book.report.table import TableContent
from sfpc_book.report.tables_quality import kinds_table, ranking_table, severities_table
from sfpc_book.report.words import Words
from sfpc_book.study.schema import PracticeModel


@dataclass(frozen=True)
class QualityPage:
    """What one model's chapter of data quality shows."""

    page: Page
    model: PracticeModel
    words: CheckWords

    @property
    def names(self) -> dict[str, str]:
        """The trial's authorities by slug, in wedge order."""
        return {
            slug: self.page.study.authorities[slug].name
            for slug in self.page.wedge(self.model.id).authorities
        }

    @cached_property
    def findings(self) -> PublishedCounts:
        """The findings of all authorities of the trial, as they may be shown."""
        return publish_findings(self.page.model_findings(self.model.id), self.page.study.disclosure)

    def summary(self) -> Words:
        """How many checks were made and failed, and which authorities need attention first."""
        who = f"the authorities of {self.model.name}"
        made = findings_sentences(self.page.model_findings(self.model.id), who)
        return self.page.say(f"{made} {attention_sentences(self._quality, self.names)}")

    def ranking_drawing(self) -> Drawing | Absence:
        """Distinct checks by authority and severity, ranked."""
        return attention_bars(self.findings, self._missing, self.names, self.model.name)

    def ranking(self) -> TableContent:
        """The ranked comparison."""
        caption = f"Authorities of the {self.model.name} trial, what needs attention first"
        return ranking_table(self.findings, self._missing, self.names, caption)

    def worst_columns(self) -> Words:
        """In which column of the sample most is missing."""
        return self.page.say(worst_columns_sentence(self._quality, self.names))

    def kinds_drawing(self) -> Drawing | Absence:
        """Checks that failed, by authority."""
        return kinds_grid(self.findings, self.names, self.words, self.model.name)

    def kinds(self) -> TableContent | Words:
        """Everything that was found or read by a rule, by authority."""
        caption = f"What was found in the returns of the {self.model.name} trial, by check and authority"
        nothing = f"No check of the returns of {self.model.name} found anything to stop, mark or note."
        return kinds_table(self.findings, self.names, self.words, caption) or self.page.say(nothing)

    def severities(self) -> TableContent:
        """What each severity means for the estimates."""
        caption = f"What findings do to the estimates of the {self.model.name} trial"
        return severities_table(self.findings, self.names, caption)

    def left_out(self) -> Words:
        """Authorities that are in no estimate, or not in those of some outcomes, with the cause."""
        study, model = self.page.study, self.model.id
        outcomes = [study.outcomes[name] for name in self.model.outcomes]
        fewer = fewer_sentences(study, model, self.page.main_panel(model), outcomes, study.horizons)
        parts = [excluded_sentence(study, self.page.excluded(model)), fewer]
        return self.page.say("\n\n".join(filter(None, parts)))

    @cached_property
    def _quality(self) -> pd.DataFrame:
        return quality_frame(self.findings, self._missing, list(self.names))

    @cached_property
    def _missing(self) -> PublishedCounts:
        return self.page.missing(self.model.id)


def quality_page(page: Page, model: str) -> QualityPage:
    """The chapter of one model. Raises `ParameterError` listing the known ones."""
    models = page.study.models
    return QualityPage(page, models[known(model, models, "practice model")], load_check_words(page.contracts))
