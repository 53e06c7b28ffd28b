"""The tables of estimates that a chapter may read."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from sfpc_book.report.page_files import ChapterFiles
from sfpc_book.report.page_results import read_estimates


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
        """Tidy estimates of a model's child-level models: main sample, and the grid of specifications."""
        return self._of_model(model, "child_models")

    def sensitivity(self, model: str) -> pd.DataFrame:
        """Tidy estimates of the sensitivities of a model's panel."""
        return self._of_model(model, "sensitivity")

    def scales(self, model: str) -> pd.DataFrame:
        """Tidy estimates of a model's outcomes by a model for the scale of each."""
        return self._of_model(model, "scales")

    def _of_model(self, model: str, name: str) -> pd.DataFrame:
        """Made before any chapter, with counts as they are: `record` and tables protect them."""
        return read_estimates(self.file_of(f"estimates/{model}/{name}.csv"))
