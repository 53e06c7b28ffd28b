"""The steps of one model's trial: its cohort, and the estimates that are made before any chapter."""

from __future__ import annotations

from collections.abc import Sequence

from sfpc_book.book import work
from sfpc_book.book.plan import (
    CHILD_MODELS,
    COHORT_CHILD_TABLES,
    COHORT_ESTIMATOR_TABLES,
    COHORT_TABLES,
    DATA_STATUS,
    POPULATIONS,
    SCALES,
    SENSITIVITY,
    authority_slice,
    estimates_file,
)
from sfpc_book.book.step import Places, Step
from sfpc_book.study.schema import PracticeModel

COHORTS, ESTIMATING = "Building cohorts", "Estimating"


def cohort_step(model: PracticeModel, places: Places, left: Sequence[str]) -> Step:
    """A model's cohort from its authorities' returns, and each authority's own rows of the aggregates."""
    tables = (*COHORT_TABLES, *COHORT_ESTIMATOR_TABLES, *COHORT_CHILD_TABLES)
    cohort = [f"cohort/{model.id}/{name}" for name in tables]
    return Step(
        name=f"cohort {model.id}",
        stage=COHORTS,
        function=work.build_model_cohort,
        arguments=(("model", model.id), ("left", tuple(left))),
        inputs=(
            places.study_path,
            *(places.build / "returns" / slug for slug in (*model.trial_authorities, *left)),
            *(places.build / authority_slice(slug, f"returns/{slug}") for slug in model.trial_authorities),
        ),
        outputs=tuple(places.build / path for path in cohort),
        output_folders=(
            places.build / "cohort" / model.id / POPULATIONS,
            *(places.build / authority_slice(slug, f"cohort/{model.id}") for slug in model.trial_authorities),
        ),
    )


def child_models_step(model: PracticeModel, places: Places) -> Step:
    """The child-level models of a model's trial."""
    tables = (*COHORT_CHILD_TABLES, "observability.csv", POPULATIONS)
    return Step(
        name=f"child models {model.id}",
        stage=ESTIMATING,
        function=work.estimate_child_models,
        arguments=(("model", model.id),),
        inputs=(
            places.study_path,
            places.build / DATA_STATUS,
            *(places.build / "cohort" / model.id / name for name in tables),
        ),
        outputs=(places.build / estimates_file(model.id, CHILD_MODELS),),
    )


def sensitivity_step(model: PracticeModel, places: Places) -> Step:
    """The sensitivities of a model's panel."""
    tables = ("panel.parquet", "children.parquet", "outcomes.parquet", "samples.csv", "observability.csv")
    return Step(
        name=f"sensitivity {model.id}",
        stage=ESTIMATING,
        function=work.estimate_sensitivities,
        arguments=(("model", model.id),),
        inputs=(
            places.study_path,
            places.build / DATA_STATUS,
            *(places.build / "cohort" / model.id / name for name in tables),
        ),
        outputs=(places.build / estimates_file(model.id, SENSITIVITY),),
    )


def scales_step(model: PracticeModel, places: Places) -> Step:
    """A model's outcomes by a model for the scale of each."""
    tables = ("panel.parquet", "observability.csv", *COHORT_ESTIMATOR_TABLES)
    return Step(
        name=f"outcome scales {model.id}",
        stage=ESTIMATING,
        function=work.estimate_scales,
        arguments=(("model", model.id),),
        inputs=(
            places.study_path,
            places.build / DATA_STATUS,
            *(places.build / "cohort" / model.id / name for name in tables),
        ),
        outputs=(places.build / estimates_file(model.id, SCALES),),
    )
