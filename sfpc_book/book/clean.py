"""Remove what builds have made, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

from sfpc_book.errors import ParameterError

MADE = (
    "authorities",
    "book",
    "chapters",
    "cohort",
    "data_status.json",
    "findings",
    "pages",
    "published",
    "results",
    "returns",
    "run.json",
    ".binding",
    ".book-new",
    ".tasks",
    ".views",
)
KEPT_UNLESS_ALL = ("synthetic", "site", "pdf", "release")


def clean_build(build: Path, *, everything: bool) -> list[str]:
    """Remove a build's products and return their names; the folder itself goes if nothing is left in it.

    Raises `ParameterError` if the folder was not made by a build: it may be anybody's.
    """
    if not build.exists():
        return []
    if not (build / ".tasks").is_dir() and any(build.iterdir()) and not (build / "synthetic").is_dir():
        raise ParameterError(f"{build} does not look like a build folder; nothing was removed")
    names = (*MADE, *KEPT_UNLESS_ALL) if everything else MADE
    removed = [name for name in names if (build / name).exists()]
    for name in removed:
        path = build / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if build.is_dir() and not any(build.iterdir()):
        build.rmdir()
    return removed
