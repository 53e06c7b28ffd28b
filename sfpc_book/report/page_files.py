"""The files that a chapter may read, and how its data are marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sfpc_book.contracts.contract import DATA_CONTRACTS
from sfpc_book.errors import DisclosureError, ParameterError
from sfpc_book.study.study import Study

CHILD_LEVEL = ("children.parquet", "outcomes.parquet", "times.parquet")


@dataclass(frozen=True)
class ChapterFiles:
    """A chapter's slug, study, build folder, the status of each kind of data, and the folder of contracts."""

    slug: str
    study: Study
    build: Path
    status: Mapping[str, str]
    contracts: Path = DATA_CONTRACTS

    def status_of(self, of: str) -> str:
        """How one kind of data is marked. Raises `ParameterError` for a kind that there is not."""
        if of not in self.status:
            raise ParameterError(f"no data called {of!r}; there are {', '.join(self.status)}")
        return self.status[of]

    def csv_of(
        self, path: str, dates: list[str] | None = None, text: list[str] | None = None
    ) -> pd.DataFrame:
        """A CSV file of aggregates; `dates` are parsed, `text` kept as text."""
        types = {column: "str" for column in text or []}
        return pd.read_csv(self.file_of(path), parse_dates=dates, dtype=types)

    def parquet_of(self, path: str) -> pd.DataFrame:
        """A Parquet file of aggregates."""
        return pd.read_parquet(self.file_of(path))

    def file_of(self, path: str) -> Path:
        """The file of an aggregate; child-level tables are refused, missing ones named."""
        if Path(path).name in CHILD_LEVEL:
            raise DisclosureError(f"{path} holds records of children; chapters read aggregates only")
        file = self.build / path
        if not file.is_file():
            raise ParameterError(
                f"chapter {self.slug!r} needs {path} in the build folder, and it is not there; "
                "build the stage that writes it, and list it among the chapter's inputs"
            )
        return file
