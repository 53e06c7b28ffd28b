"""The folder a chapter runs in: it holds the inputs that the plan declares, and nothing else of the build.

Reading a file that the plan does not name fails, so a chapter's key always covers what its numbers come
from, and child-level tables cannot reach a page. Names inside are the same on every machine, hence so are
the notebooks.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sfpc_book.book.plan import BUILD_SHOWN_AS, STUDY_SHOWN_AS, Chapter, shown_as
from sfpc_book.errors import BookBuildError


@contextmanager
def chapter_view(chapter: Chapter, *, build: Path, study_path: Path) -> Iterator[Path]:
    """A folder with `study.yml`, the chapter's sources, and its inputs below `build/`.

    Raises `BookBuildError` listing every input that does not exist.
    """
    shown = {STUDY_SHOWN_AS: study_path}
    shown |= {source: study_path.parent / source for source in chapter.sources}
    shown |= {f"{BUILD_SHOWN_AS}/{shown_as(path)}": build / path for path in chapter.inputs}
    missing = [name for name, path in shown.items() if not path.exists()]
    if missing:
        raise BookBuildError(f"chapter {chapter.slug} lacks inputs", missing)
    folder = build / ".views" / chapter.slug
    shutil.rmtree(folder, ignore_errors=True)
    try:
        for name, path in shown.items():
            _show(path.resolve(), folder / name)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _show(path: Path, name: Path) -> None:
    """Link, or copy where the system allows no links."""
    name.parent.mkdir(parents=True, exist_ok=True)
    try:
        name.symlink_to(path, target_is_directory=path.is_dir())
    except OSError:
        (shutil.copytree if path.is_dir() else shutil.copyfile)(path, name)
