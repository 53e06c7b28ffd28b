"""The steps of the calibration study: the small grid that the book shows, and the large one in chunks.

Both start from the numbers of children of each cell, a small file of its own: a changed outcome leaves it as
it is, and nothing is simulated again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from sfpc_book.book import work_calibration
from sfpc_book.book.plan import ALL_MODELS, CALIBRATION, DETECTABLE, estimates_file
from sfpc_book.book.step import Places, Step
from sfpc_book.study.schema import Study

STAGE = "Simulating trials"
SIZES = "cell_sizes.csv"


def calibration_steps(study: Study, places: Places) -> tuple[Step, ...]:
    """For each model its sizes of cells and its calibration, then the pooled test with all of them."""
    models = tuple(study.models)
    return (
        *(_sizes_step(model, places) for model in models),
        *(_model_step(model, places) for model in models),
        Step(
            name=f"calibration {ALL_MODELS}",
            stage=STAGE,
            function=work_calibration.calibrate_together,
            arguments=(("models", models),),
            inputs=(places.study_path, *_files(models, (SIZES, CALIBRATION), places)),
            outputs=tuple(_files([ALL_MODELS], (CALIBRATION,), places)),
        ),
    )


def chunk_steps(
    study: Study, places: Places, sizes: dict[str, Path], *, replications: int, out: Path
) -> tuple[Step, ...]:
    """The large grid: one step for each model, scenario and chunk, and one that puts them together in `out`.

    Every method has `replications`. Chunks that were done with fewer are kept.
    """
    from sfpc_book.estimate.calibration_draw import CHUNK

    chunks = [
        Step(
            name=f"{model} {scenario} {chunk}",
            stage=STAGE,
            function=work_calibration.calibrate_chunk,
            arguments=(
                ("model", model),
                ("scenario", scenario),
                ("chunk", chunk),
                ("size", min(CHUNK, replications - chunk * CHUNK)),
            ),
            inputs=(places.study_path, *(sizes.values() if model == ALL_MODELS else [sizes[model]])),
            outputs=(work_calibration.verdicts_file(places, model, scenario, chunk),),
        )
        for model in (*sizes, ALL_MODELS)
        for scenario in study.calibration.scenarios
        for chunk in range(-(-replications // CHUNK))
    ]
    collect = Step(
        name="collect",
        stage=STAGE,
        function=work_calibration.collect_chunks,
        arguments=(("models", tuple(sizes)), ("chunks", -(-replications // CHUNK)), ("out", str(out))),
        inputs=(places.study_path, *(path for step in chunks for path in step.outputs)),
        outputs=(out,),
    )
    return (*chunks, collect)


def _sizes_step(model: str, places: Places) -> Step:
    return Step(
        name=f"cell sizes {model}",
        stage=STAGE,
        function=work_calibration.write_cell_sizes,
        arguments=(("model", model),),
        inputs=(places.study_path, places.build / "cohort" / model / "panel.parquet"),
        outputs=tuple(_files([model], (SIZES,), places)),
    )


def _model_step(model: str, places: Places) -> Step:
    return Step(
        name=f"calibration {model}",
        stage=STAGE,
        function=work_calibration.calibrate_model,
        arguments=(("model", model),),
        inputs=(places.study_path, *_files([model], (SIZES,), places)),
        outputs=tuple(_files([model], (CALIBRATION, DETECTABLE), places)),
    )


def _files(models: Iterable[str], names: Iterable[str], places: Places) -> Iterator[Path]:
    for model in models:
        yield from (places.build / estimates_file(model, name) for name in names)
