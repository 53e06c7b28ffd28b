"""A chapter's door to its data: aggregates only, every output labelled with the chapter and its data
status.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pandas as pd

from sfpc_book.contracts.finding import FINDING_COLUMNS, read_findings
from sfpc_book.errors import ParameterError
from sfpc_book.report.disclosure import (
    PublishedCounts,
    publish_estimates,
    publish_monthly,
)
from sfpc_book.report.disclosure_baseline import publish_descriptives, publish_differences
from sfpc_book.report.disclosure_flow import publish_flow
from sfpc_book.report.disclosure_near import hide_near
from sfpc_book.report.disclosure_patterns import publish_patterns
from sfpc_book.report.disclosure_periods import publish_cells, publish_missing, publish_missing_periods
from sfpc_book.report.disclosure_rates import publish_rates
from sfpc_book.report.disclosure_returns import publish_reading, publish_repairs, safe_text
from sfpc_book.report.disclosure_samples import publish_allocation, publish_exposures, publish_samples
from sfpc_book.report.drawing import Absence, Drawing
from sfpc_book.report.figure import Figure, figure_of
from sfpc_book.report.formats import date_text
from sfpc_book.report.page_estimates import EstimateFiles
from sfpc_book.report.page_results import Record, read_estimates, record_of
from sfpc_book.report.table import Table, TableContent, table_of
from sfpc_book.report.words import Words
from sfpc_book.study.study import load_study
from sfpc_book.study.wedge import Wedge, wedge_of

STOCKS = ["looked_after_at_month_end", "open_protection_plans", "open_cin_cases"]
DERIVED = "rate derived from published numbers and population"
FLOWS = ["newly_looked_after", "new_referrals"]


Content = TypeVar("Content", Drawing, TableContent)


@dataclass(frozen=True)
class Page(EstimateFiles):
    """One chapter: its slug, the study, and what it may read and show. Made by `open_page`.

    `status` says for each kind of data (`returns`, `published`, `design`) how its outputs are marked.
    """

    # What goes onto the page

    def figure(self, drawing: Drawing | Absence, name: str, of: str = "returns") -> Figure | Words:
        """The drawing as a figure labelled `<slug>-<name>`; its reason in words when there is nothing to
        draw.
        """
        if isinstance(drawing, Absence):
            return self.say(drawing.reason, of)
        return figure_of(self._cited(drawing, of), f"{self.slug}-{name}", self.status_of(of))

    def table(self, content: TableContent | Words | None, name: str, of: str = "returns") -> Table | Words:
        """The content as a table labelled `<slug>-<name>`; words stay words, and None says there is
        nothing.
        """
        if content is None or isinstance(content, Words):
            return content or self.say("There is nothing to list here.", of)
        return table_of(self._cited(content, of), f"{self.slug}-{name}", self.status_of(of))

    def say(self, text: str, of: str = "returns") -> Words:
        """A paragraph made from data, marked when the data are synthetic."""
        return Words(text, self.status_of(of))

    def record(self, estimates: pd.DataFrame, reference: pd.DataFrame | None = None) -> Record:
        """Hand the chapter's estimates to the book; counts in them are protected first, and hidden where they
        are near others, among them or in `reference`."""
        rules = self.study.disclosure
        near = hide_near(estimates, estimates if reference is None else reference, rules)
        return record_of(publish_estimates(near, rules))

    # What the page may read

    def wedge(self, model: str) -> Wedge:
        """The design of one model's trial."""
        return wedge_of(self.study, model)

    def panel(self, model: str) -> pd.DataFrame:
        """Authority-by-period sums for the models to fit. Not for showing: see `rates` and `cells`."""
        return self.parquet_of(f"cohort/{model}/panel.parquet")

    def main_panel(self, model: str) -> pd.DataFrame:
        """The panel of the main sample, all outcomes and horizons."""
        panel = self.panel(model)
        return panel[(panel["sample"] == "main") & (panel["exposure"] == "go_live")].reset_index(drop=True)

    def panel_slice(self, model: str, outcome: str, horizon: int) -> pd.DataFrame:
        """The panel of one outcome and horizon in the main sample."""
        panel = self.main_panel(model)
        return panel[(panel["outcome"] == outcome) & (panel["horizon"] == horizon)].reset_index(drop=True)

    def panel_slices(self, outcome: str, horizon: int) -> dict[str, pd.DataFrame]:
        """The panel of one outcome and horizon in the main sample, of every model that has the outcome."""
        models = [model for model, part in self.study.models.items() if outcome in part.outcomes]
        return {model: self.panel_slice(model, outcome, horizon) for model in models}

    def rates(self, model: str, outcome: str, horizon: int) -> PublishedCounts:
        """Rates over time that may be shown."""
        rows = self.panel_slice(model, outcome, horizon)
        return publish_rates(rows, self.wedge(model), self.study.disclosure)

    def cells(self, model: str, outcome: str, horizon: int) -> PublishedCounts:
        """Children by authority and period that may be shown."""
        rows = self.panel_slice(model, outcome, horizon)
        return publish_cells(rows, self.descriptives(model), self.study.disclosure)

    def flow(self, model: str) -> PublishedCounts:
        """The sample flow that may be shown; an authority's chapter sees its own rows only."""
        return publish_flow(self.csv_of(f"cohort/{model}/flow.csv"), self.study.disclosure)

    def allocation(self, model: str) -> PublishedCounts:
        """Children by sequence, authority and period that may be shown."""
        dates = ["go_live", "period_start", "period_end"]
        cells = self.csv_of(f"cohort/{model}/allocation.csv", dates=dates)
        return publish_allocation(cells, self.descriptives(model), self.study.disclosure)

    def samples(self, model: str) -> PublishedCounts:
        """Sizes of the samples that may be shown."""
        return publish_samples(self.csv_of(f"cohort/{model}/samples.csv"), self.study.disclosure)

    def exposures(self, model: str) -> PublishedCounts:
        """Children by definition of exposure that may be shown."""
        return publish_exposures(self.csv_of(f"cohort/{model}/exposures.csv"), self.study.disclosure)

    def descriptives(self, model: str) -> PublishedCounts:
        """Covariates by exposure that may be shown."""
        return publish_descriptives(self.csv_of(f"cohort/{model}/descriptives.csv"), self.study.disclosure)

    def differences(self, model: str) -> PublishedCounts:
        """Standardised differences between children after and before go-live that may be shown."""
        return publish_differences(self.csv_of(f"cohort/{model}/descriptives.csv"), self.study.disclosure)

    def missing(self, model: str) -> PublishedCounts:
        """Numbers of children with a missing covariate, by authority, that may be shown."""
        missing = self.csv_of(f"cohort/{model}/missingness.csv")
        return publish_missing(missing, self.descriptives(model), self.study.disclosure)

    def missing_periods(self, model: str) -> PublishedCounts:
        """Numbers of children with a missing covariate, by authority and period, that may be shown."""
        missing, design = self.csv_of(f"cohort/{model}/missingness.csv"), self.wedge(model).design_table()
        return publish_missing_periods(missing, design, self.descriptives(model), self.study.disclosure)

    def missing_patterns(self, model: str) -> PublishedCounts:
        """Combinations of missing covariates that may be shown."""
        return publish_patterns(self.csv_of(f"cohort/{model}/patterns.csv"), self.study.disclosure)

    def observability(self, model: str) -> pd.DataFrame:
        """How far each outcome is observed, by authority and horizon."""
        return self.csv_of(f"cohort/{model}/observability.csv", dates=["covered_to", "fully_observed_from"])

    def flows(self) -> dict[str, PublishedCounts]:
        """The sample flow of every model, by model."""
        return {model: self.flow(model) for model in self.study.models}

    def wedges(self) -> dict[str, Wedge]:
        """The design of every model's trial, by model."""
        return {model: self.wedge(model) for model in self.study.models}

    def excluded(self, model: str) -> pd.DataFrame:
        """Authorities left out of a model's estimates, with the reason as it may be shown. Columns model,
        authority, reason."""
        excluded = self.csv_of(f"cohort/{model}/excluded_authorities.csv", text=["reason"])
        return excluded.assign(
            reason=[safe_text(reason, self.study.disclosure) for reason in excluded["reason"]]
        )

    def marked(self, model: str) -> pd.DataFrame:
        """Authorities of a model's estimates whose returns are marked. Columns model, authority, checks (ids,
        joined by "; "), n_findings."""
        return self.csv_of(f"cohort/{model}/marked_authorities.csv", text=["checks"])

    def findings(self, authority: str) -> pd.DataFrame:
        """What the checks of one authority's returns found."""
        return read_findings(self.file_of(f"returns/{authority}/findings.csv"))

    def reading(self, authority: str) -> PublishedCounts:
        """Which workbooks and sheets of one authority were read, as it may be shown."""
        return publish_reading(self.csv_of(f"returns/{authority}/reading_log.csv"), self.study.disclosure)

    def repairs(self, authority: str) -> PublishedCounts:
        """The corrections applied to one authority's returns, as they may be shown."""
        declared = self.csv_of(f"returns/{authority}/corrections.csv")
        return publish_repairs(declared, self.findings(authority), self.study.disclosure)

    def model_findings(self, model: str) -> pd.DataFrame:
        """The findings of all trial authorities of a model, below each other."""
        slugs = self.study.models[model].trial_authorities
        parts = [self.findings(slug).assign(authority=slug) for slug in slugs]
        return pd.concat(parts, ignore_index=True)[list(FINDING_COLUMNS)]

    def monthly(self, authority: str) -> pd.DataFrame:
        """One authority's monthly totals as returned. Not for showing: see `monthly_counts`."""
        return self.parquet_of(f"returns/{authority}/dr1_monthly.parquet")

    def monthly_counts(self, authority: str) -> PublishedCounts:
        """Monthly totals that may be shown: stocks by month, flows by quarter."""
        return publish_monthly(self.monthly(authority), STOCKS, FLOWS, self.study.disclosure)

    def profile(self, la_code: str) -> pd.DataFrame:
        """Published series of one authority against its neighbours and England, with sources in words."""
        profile = self.parquet_of("published/profile.parquet")
        own = profile[profile["authority_code"].astype(str) == la_code]
        words = own["source"].map(self._source_words())
        derived = own["source"].str.startswith("derived")
        return own.assign(source=words.mask(derived, DERIVED).fillna(own["source"]))

    def neighbours(self, la_code: str) -> pd.DataFrame:
        """The ten statistical neighbours of one authority."""
        table = self.csv_of("published/profile_neighbours.csv", text=["authority_code", "code"])
        return table[table["authority_code"] == la_code].drop(columns="authority_code")

    def published(self, name: str) -> pd.DataFrame:
        """A table of the matched comparison by name: `matches`, `left_out`, `sources`, `revisions`."""
        return self.csv_of(f"published/{name}.csv", text=["authority_code", "comparator_code"])

    def price_series(self) -> pd.DataFrame | None:
        """Published series for the price of care; none where they are invented and the returns are real."""
        if self.status_of("published") == "synthetic" != self.status_of("returns"):
            return None
        return self.parquet_of("published/series.parquet")

    def comparison(self) -> pd.DataFrame:
        """Tidy estimates of the matched comparison."""
        return read_estimates(self.file_of("published/matched.csv"))

    def _source_words(self) -> dict[str, str]:
        sources = self.published("sources")
        return {
            str(row.source): f"{row.title} ({vintage_text(row.vintage)})"
            if pd.notna(row.vintage)
            else str(row.title)
            for row in sources.itertuples()
        }

    def _cited(self, content: Content, of: str) -> Content:
        """Invented statistics have the layout of a published source, not its publisher."""
        if of != "published" or self.status_of(of) != "synthetic" or not content.source:
            return content
        return replace(content, source=f"Synthetic statistics in the layout of: {content.source}")


def open_page(slug: str, study_path: str, build_path: str) -> Page:
    """The page of a chapter. Raises `StudyDefinitionError` for the study, `ParameterError` for the folder.

    `data_status.json` in the build folder says whether returns and published statistics are synthetic.
    """
    build = Path(build_path)
    path = build / "data_status.json"
    if not path.is_file():
        raise ParameterError(
            f"{path} is missing, so chapter {slug!r} cannot say whether its data are synthetic; "
            "build the data first, and give the build folder as build_path"
        )
    found = json.loads(path.read_text(encoding="utf-8"))
    status = {name: str(found[name]) for name in ("returns", "published")} | {"design": "design"}
    return Page(slug, load_study(study_path), build, status, Path(study_path).parent / "data_contracts")


def vintage_text(vintage: object) -> str:
    """A vintage as words: a date is written out, anything else stands as it is."""
    text = str(vintage)
    return date_text(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else text


def known(name: str, allowed: Mapping[str, object], what: str) -> str:
    """The id itself, or `ParameterError` listing the known ones. For the first line of a template."""
    if name not in allowed:
        raise ParameterError(f"unknown {what} {name!r}; known are {', '.join(allowed)}")
    return name
