"""Where the data of a build are: folders that were named, or synthetic ones made now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sfpc_book.book.step import Places
from sfpc_book.book.synthetic import Making, Recipe, make_synthetic_published, make_synthetic_returns
from sfpc_book.errors import PublishedDataError, ReturnsError, SfpcBookError
from sfpc_book.study.schema import Study


@dataclass(frozen=True)
class DataSources:
    """Folders named by the user (None: what the study file says, else synthetic), and the synthetic
    recipe."""

    returns: Path | None = None
    published: Path | None = None
    recipe: Recipe = field(default_factory=Recipe)


def data_folders(
    study: Study,
    study_path: Path,
    build: Path,
    sources: DataSources,
    say: Callable[[str], None],
    jobs: int = 1,
) -> Places:
    """The places of a build; makes synthetic data where no folder is named.

    Raises `ReturnsError` or `PublishedDataError` if a named folder does not exist or holds nothing.
    """
    returns, published = _given(study, study_path, sources)
    _check(returns, "*.xls*", "returns", "--returns", ReturnsError)
    _check(published, "*", "published statistics", "--published", PublishedDataError)
    places = existing_folders(study, study_path, build, sources)
    making = Making(study_path, sources.recipe, jobs)
    if returns is None and make_synthetic_returns(places.returns, making):
        say("made synthetic returns")
    if published is None and make_synthetic_published(places.published, making):
        say("made synthetic published statistics")
    return places


def existing_folders(study: Study, study_path: Path, build: Path, sources: DataSources) -> Places:
    """The places of a build as they would be, without making or checking anything."""
    returns, published = _given(study, study_path, sources)
    made = build / "synthetic"
    return Places(study_path, build, returns or made / "returns", published or made / "published")


def _given(study: Study, study_path: Path, sources: DataSources) -> tuple[Path | None, Path | None]:
    return (
        _named(sources.returns, study.returns.folder, study_path),
        _named(sources.published, study.published.folder, study_path),
    )


def _named(given: Path | None, in_study: str | None, study_path: Path) -> Path | None:
    """The folder given on the command line, else the one in the study file (relative to it), else None."""
    if given is not None:
        return given.resolve()
    return (study_path.parent / in_study).resolve() if in_study else None


def _check(folder: Path | None, pattern: str, what: str, option: str, error: type[SfpcBookError]) -> None:
    if folder is None:
        return
    if not folder.is_dir():
        raise error(
            f"There is no folder {folder} of {what}. Name one that exists with {option}, or leave it out."
        )
    if not any(path.is_file() for path in folder.rglob(pattern)):
        raise error(f"The folder {folder} holds no {what} (looked for {pattern} in it and below).")
