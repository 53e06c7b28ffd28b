"""Make the synthetic returns and statistics of a build, unless they are there already."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from sfpc_book.book.code_used import code_of_function, digest
from sfpc_book.book.files import write_text
from sfpc_book.errors import ParameterError
from sfpc_book.study.study import load_study

MADE_FROM = "made_from.json"
SCALES = {"small": 0.1, "protocol": 1.0}


@dataclass(frozen=True)
class Recipe:
    """What synthetic data are made from besides the study.

    `scale` is the number of children as a share of the protocols' (1: 51,000, 78,000 and 18,000), `effect`
    the shape of the planted effect: `growing` with exposure, `constant`, or `none`.
    """

    seed: int = 2024
    scale: float = 0.1
    effect: str = "growing"


def scale_of(text: str) -> float:
    """A scale by name or as a number. Raises `ParameterError` listing what is allowed."""
    try:
        scale = SCALES[text] if text in SCALES else float(text)
    except ValueError:
        scale = 0.0
    if not 0 < scale <= 10:
        allowed = ", ".join(SCALES)
        raise ParameterError(
            f"scale {text!r} is not known. Allowed: {allowed}, or a number up to 10 (1: protocol)"
        )
    return scale


def make_synthetic_returns(study_path: Path, folder: Path, recipe: Recipe) -> bool:
    """Write workbooks below `folder/returns`, with `truth.csv` and `answer_key.csv`; False if they were up
    to date."""
    return _make(_returns, study_path, folder / "returns", recipe)


def make_synthetic_published(study_path: Path, folder: Path, recipe: Recipe) -> bool:
    """Write a folder of invented published statistics; False if it was up to date."""
    return _make(_published, study_path, folder / "published", recipe)


def _make(
    function: Callable[[Path, Path, Recipe], None], study_path: Path, folder: Path, recipe: Recipe
) -> bool:
    """Call `function` unless the folder's note says that it was made from the same study, recipe and code.

    A workbook edited by hand since then stays as it is: the note is compared, not the files.
    """
    note = {**asdict(recipe), "study": digest(study_path.read_bytes()), "code": code_of_function(function)}
    text = json.dumps(note, indent=1, sort_keys=True) + "\n"
    path = folder.parent / f"{folder.name}.{MADE_FROM}"
    if path.is_file() and folder.is_dir() and path.read_text(encoding="utf-8") == text:
        return False
    path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    function(study_path, folder, recipe)
    write_text(path, text)
    return True


def _returns(study_path: Path, folder: Path, recipe: Recipe) -> None:
    from sfpc_book.simulate.workbooks import simulate_returns

    simulate_returns(
        load_study(study_path), folder, seed=recipe.seed, scale=recipe.scale, effect=recipe.effect
    )


def _published(study_path: Path, folder: Path, recipe: Recipe) -> None:
    from sfpc_book.simulate.published import simulate_published

    simulate_published(load_study(study_path), folder, seed=recipe.seed)
