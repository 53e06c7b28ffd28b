"""What each step of the calibration study does, called in a worker process as `function(places,
**arguments)`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sfpc_book.book.step import Places

if TYPE_CHECKING:
    import pandas as pd

    from sfpc_book.estimate.calibration_linear import LinearJudge
    from sfpc_book.study.schema import Study

ALL = "all"


def write_cell_sizes(places: Places, *, model: str) -> None:
    """Children of each authority and period, main sample, primary outcome, first horizon: no outcome
    values."""
    import pandas as pd

    from sfpc_book.book.files import write_text
    from sfpc_book.study.study import load_study

    study = load_study(places.study_path)
    panel = pd.read_parquet(places.build / "cohort" / model / "panel.parquet")
    main = (panel["sample"] == "main") & (panel["exposure"] == "go_live")
    asked = (panel["outcome"] == study.primary(model).id) & (panel["horizon"] == study.horizons[0])
    sizes = panel.loc[main & asked, ["authority", "period", "n_children"]].sort_values(
        ["authority", "period"]
    )
    target = places.build / "estimates" / model / "cell_sizes.csv"
    write_text(target, sizes.to_csv(index=False, lineterminator="\n"))


def calibrate_model(places: Places, *, model: str) -> None:
    """The small grid of one model, and what its design could detect; tables without rows where no trial can
    be simulated."""
    import pandas as pd

    from sfpc_book.estimate.calibration import calibrate, plan_of
    from sfpc_book.estimate.calibration_detectable import DETECTABLE_COLUMNS, detectable_table
    from sfpc_book.estimate.calibration_verdicts import CALIBRATION_COLUMNS
    from sfpc_book.study.study import load_study

    study, folder = load_study(places.study_path), places.build / "estimates" / model
    judge = _judge(study, model, folder / "cell_sizes.csv")
    rows, smallest = pd.DataFrame(columns=CALIBRATION_COLUMNS), pd.DataFrame(columns=DETECTABLE_COLUMNS)
    if judge is not None:
        plan = plan_of(study, model)
        rows, smallest = calibrate(plan, judge.design), detectable_table(plan, judge.design)
    _write(rows, folder / "calibration.csv")
    _write(smallest, folder / "detectable.csv")


def calibrate_together(places: Places, *, models: Sequence[str]) -> None:
    """The rows of every model, and of the test pooled over them."""
    import pandas as pd

    from sfpc_book.estimate.calibration import plan_of
    from sfpc_book.estimate.calibration_pooled import calibrate_pooled
    from sfpc_book.study.study import load_study

    study, folder = load_study(places.study_path), places.build / "estimates"
    found = {model: _judge(study, model, folder / model / "cell_sizes.csv") for model in models}
    judges = {model: judge for model, judge in found.items() if judge is not None}
    parts = [pd.read_csv(folder / model / "calibration.csv") for model in judges]
    if judges:
        parts.append(calibrate_pooled({model: plan_of(study, model) for model in judges}, judges))
    else:
        parts.append(pd.read_csv(folder / models[0] / "calibration.csv"))
    _write(pd.concat(parts, ignore_index=True), folder / ALL / "calibration.csv")


def calibrate_chunk(places: Places, *, model: str, scenario: str, chunk: int, size: int) -> None:
    """Verdicts of every method on the first `size` trials of one chunk of the large grid."""
    from sfpc_book.estimate.calibration import chunk_verdicts, plan_of
    from sfpc_book.estimate.calibration_draw import CHUNK
    from sfpc_book.estimate.calibration_pooled import pooled_verdicts
    from sfpc_book.study.calibration import Replications
    from sfpc_book.study.study import load_study

    study, reach = load_study(places.study_path), chunk * CHUNK + size
    build = places.build.parent  # the large grid has a folder of its own in the build folder
    if model == ALL:
        judges = {name: _judge(study, name, path) for name, path in sizes_files(study, build).items()}
        plans = {name: plan_of(study, name) for name in judges}
        found = pooled_verdicts(plans, judges, scenario, chunk, reach)
    else:
        judge = _judge(study, model, build / "estimates" / model / "cell_sizes.csv")
        plan = plan_of(study, model)
        every = Replications(linear=reach, refitted=reach, iterated=reach)
        found = chunk_verdicts(plan, judge, scenario, chunk, every)
    target = verdicts_file(places, model, scenario, chunk)
    target.parent.mkdir(parents=True, exist_ok=True)
    found.to_parquet(target, index=False)


def collect_chunks(places: Places, *, models: Sequence[str], chunks: int, out: str) -> None:
    """One table of the large grid, in the columns of the small one."""
    import pandas as pd

    from sfpc_book.estimate.calibration import calibration_rows, plan_of
    from sfpc_book.estimate.calibration_pooled import pooled_rows
    from sfpc_book.study.study import load_study

    study, parts = load_study(places.study_path), []
    for model in (*models, ALL):
        plan = plan_of(study, models[0] if model == ALL else model)
        rows_of = pooled_rows if model == ALL else calibration_rows
        for scenario in study.calibration.scenarios:
            files = [verdicts_file(places, model, scenario, chunk) for chunk in range(chunks)]
            verdicts = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
            parts.append(rows_of(plan, scenario, verdicts))
    _write(pd.concat(parts, ignore_index=True), Path(out))


def sizes_files(study: Study, build: Path) -> dict[str, Path]:
    """The sizes of cells by model, of the models on which trials can be simulated."""
    found = {model: build / "estimates" / model / "cell_sizes.csv" for model in study.models}
    return {model: path for model, path in found.items() if _judge(study, model, path) is not None}


def verdicts_file(places: Places, model: str, scenario: str, chunk: int) -> Path:
    """Where the verdicts on one chunk stand."""
    return places.build / "verdicts" / model / f"{scenario}-{chunk}.parquet"


def _judge(study: Study, model: str, sizes: Path) -> LinearJudge | None:
    """The judge of a model's design; None where no trial can be simulated on its cells."""
    import pandas as pd

    from sfpc_book.estimate.calibration_design import design_of, obstacle
    from sfpc_book.estimate.calibration_linear import LinearJudge
    from sfpc_book.study.wedge import wedge_of

    cells, wedge = pd.read_csv(sizes), wedge_of(study, model)
    if obstacle(cells, wedge):
        return None
    design = design_of(cells, wedge, study.covid)
    return LinearJudge(design, statistic=study.statistic, conf_level=study.conf_level)


def _write(table: pd.DataFrame, path: Path) -> None:
    from sfpc_book.book.files import write_text

    write_text(path, table.to_csv(index=False, lineterminator="\n"))
