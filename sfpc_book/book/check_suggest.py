"""Draft corrections for the defects that are recognised, in files beside the findings. None is applied."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from sfpc_book.book.files import write_text
from sfpc_book.book.keys import DRAFTS
from sfpc_book.book.places import DataSources, existing_folders
from sfpc_book.returns.declared import load_declared
from sfpc_book.returns.suggest import suggest, suggestions_text
from sfpc_book.study.study import load_study


def suggest_corrections(
    study_path: Path, build: Path, sources: DataSources, slugs: Iterable[str]
) -> dict[Path, str]:
    """Write `returns/<authority>/suggested_corrections.yml` below the build folder, for each authority.

    Returns the text of each file. Raises `ReturnsError` if there are no returns, `ContractError` if the
    declared corrections are at fault.
    """
    study = load_study(study_path)
    places = existing_folders(study, study_path.resolve(), build.resolve(), sources)
    declared = load_declared(study, places.returns, places.home / "data_contracts")
    texts = {
        places.build / "returns" / slug / DRAFTS: suggestions_text(
            suggest(study, slug, places.returns, declared), slug
        )
        for slug in slugs
    }
    for path, text in texts.items():
        write_text(path, text)
    return texts


def print_suggestions(texts: dict[Path, str], console: Console) -> None:
    """Each file of drafts as it was written, with its place."""
    for path, text in texts.items():
        console.print(f"{text}\n# written to {path}\n", highlight=False, markup=False, soft_wrap=True)
