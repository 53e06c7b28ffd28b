"""Make the synthetic returns and statistics of a build, unless they are there already."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from sfpc_book.book.code_used import code_of_function, digest
from sfpc_book.book.files import write_text
from sfpc_book.book.keys import files_below
from sfpc_book.errors import ParameterError
from sfpc_book.study.study import load_study

MADE_FROM = "made_from.json"
# Names for several kinds of defects: all that leave the estimates near the truth, all, none.
DEFECT_SETS = ("usual", "all", "none")
SCALES = {"small": 0.1, "protocol": 1.0}


@dataclass(frozen=True)
class Recipe:
    """What synthetic data are made from besides the study.

    `scale` is the number of children as a share of the protocols' (1: 51,000, 78,000 and 18,000), `effect`
    the shape of the planted effect: `growing` with exposure, `constant`, or `none`. `defects` are kinds of
    defects (or one of `DEFECT_SETS`), `rate` the share of the places of each kind that get it, and `share`
    that of the cells or rows there; None: one place, and as many cells as each kind spoils by itself.
    """

    seed: int = 20240401
    scale: float = 0.1
    effect: str = "growing"
    defects: tuple[str, ...] = ("usual",)
    rate: float | None = None
    share: float | None = None


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


@dataclass(frozen=True)
class Making:
    """What synthetic data are made for and with: the study, where the contracts lie, processes at once."""

    study_path: Path
    recipe: Recipe
    jobs: int = 1

    @property
    def contracts(self) -> Path:
        return self.study_path.parent / "data_contracts"


def make_synthetic_returns(folder: Path, making: Making) -> bool:
    """Write workbooks, their truth and an answer key into `folder`; False if they were up to date."""
    return _make(_returns, folder, making)


def make_synthetic_published(folder: Path, making: Making) -> bool:
    """Write a folder of invented published statistics; False if it was up to date."""
    return _make(_published, folder, making)


def _make(function: Callable[[Path, Making], None], folder: Path, making: Making) -> bool:
    """Call `function` unless the folder's note says that it was made from the same study, recipe and code.

    A workbook edited by hand since then stays as it is: the note is compared, not the files.
    """
    path = folder.with_name(f"{folder.name}.{MADE_FROM}")
    text = _note(function, making)
    if path.is_file() and folder.is_dir() and path.read_text(encoding="utf-8") == text:
        return False
    path.unlink(missing_ok=True)
    function(folder, making)
    write_text(path, text)
    return True


def _note(function: Callable[[Path, Making], None], making: Making) -> str:
    contracts = {path.name: digest(path.read_bytes()) for path in files_below(making.contracts)}
    study = digest(making.study_path.read_bytes())
    made_from = {"study": study, "contracts": contracts, "code": code_of_function(function)}
    return json.dumps({**asdict(making.recipe), **made_from}, indent=1, sort_keys=True) + "\n"


def _returns(folder: Path, making: Making) -> None:
    from sfpc_book.simulate.defects import kinds
    from sfpc_book.simulate.simulate import simulate_returns

    recipe = making.recipe
    named = {("usual",): True, ("all",): kinds(), ("none",): False}
    simulate_returns(
        load_study(making.study_path),
        folder,
        scale=recipe.scale,
        seed=recipe.seed,
        effect=recipe.effect,
        defects=named.get(recipe.defects, recipe.defects),
        rate=recipe.rate,
        share=recipe.share,
        jobs=making.jobs,
        data_contracts=making.contracts,
    )


def _published(folder: Path, making: Making) -> None:
    from sfpc_book.simulate.published import simulate_published

    simulate_published(load_study(making.study_path), folder, seed=making.recipe.seed)
