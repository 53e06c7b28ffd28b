"""The tables of estimates that a chapter may read."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from sfpc_book.report.disclosure import publish_estimates
from sfpc_book.report.page_files import ChapterFiles
from sfpc_book.report.page_results import read_estimates

DIFFERENCES = ("exposed", "standardised_risk_difference")  # terms that compare risks on one scale


@dataclass(frozen=True)
class EstimateFiles(ChapterFiles):
    """The estimates of other chapters, and those made before any chapter."""

    def estimates(self) -> pd.DataFrame:
        """Every estimate of the book."""
        return read_estimates(self.file_of("results/estimates.csv"))

    def results(self, *slugs: str) -> pd.DataFrame:
        """The estimates that other chapters recorded, below each other."""
        parts = [read_estimates(self.file_of(f"results/{slug}.csv")) for slug in slugs]
        return pd.concat(parts, ignore_index=True)

    def child_models(self, model: str) -> pd.DataFrame:
        """Tidy estimates of a model's child-level models, counts protected: main sample, and the grid.

        Without the panel models of the main sample and exposure, which a chapter estimates and records.
        """
        rows = self._child_rows(model)
        main = (rows["sample"] == "main") & (rows["exposure"] == "go_live")
        panel = rows["analysis"].map(lambda name: self.study.analyses[name].missing_data is None)
        return rows[~(main & panel.astype(bool))].reset_index(drop=True)

    def specifications(self, model: str) -> pd.DataFrame:
        """The grid of the specification curve: a risk difference by analysis, sample and exposure."""
        rows, study = self._child_rows(model), self.study
        grid = rows["analysis"].isin(study.specifications.analyses) & rows["term"].isin(DIFFERENCES)
        grid &= (rows["outcome"] == study.primary(model).id) & (rows["horizon"] == study.horizons[0])
        return rows[grid & ~rows["unit"].str.startswith("log")].reset_index(drop=True)

    def _child_rows(self, model: str) -> pd.DataFrame:
        rows = read_estimates(self.file_of(f"estimates/{model}/child_models.csv"))
        return publish_estimates(rows, self.study.disclosure)
