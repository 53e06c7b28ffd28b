"""Steps that estimate from a cohort's tables, before any chapter."""

from __future__ import annotations

from sfpc_book.book import work
from sfpc_book.book.plan import DATA_STATUS, sensitivity_file
from sfpc_book.book.step import Places, Step

COHORTS = "Building cohorts"


def sensitivity_step(model: str, places: Places) -> Step:
    """The sensitivities of one model's panel."""
    tables = ("panel.parquet", "children.parquet", "outcomes.parquet", "samples.csv", "observability.csv")
    return Step(
        name=f"sensitivity {model}",
        stage=COHORTS,
        function=work.estimate_sensitivities,
        arguments=(("model", model),),
        inputs=(
            places.study_path,
            places.build / DATA_STATUS,
            *(places.build / "cohort" / model / name for name in tables),
        ),
        outputs=(places.build / sensitivity_file(model),),
    )
