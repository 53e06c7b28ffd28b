"""Fixtures shared by all tests: where the public reference data are, if they are here at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
# Files that take minutes begin first, so that the processes that share the tests end together.
LONGEST_FIRST = ("test_whole_book.py", "test_simulate_returns.py", "test_calibration_book.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; nothing else about the order changes."""
    items.sort(key=lambda item: item.path.name not in LONGEST_FIRST)


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Folder of published data and reference numbers, named by SFPC_SHARED or lying beside the checkout."""
    folder = Path(os.environ.get("SFPC_SHARED", REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no folder of published data at {folder}; name one in SFPC_SHARED")
    return folder


@pytest.fixture(scope="session")
def published_folder(shared_folder: Path) -> Path:
    folder = shared_folder / "data" / "dfe"
    if not folder.is_dir():
        pytest.skip(f"no published statistics at {folder}")
    return folder


@pytest.fixture(scope="session")
def golden_folder(shared_folder: Path) -> Path:
    folder = shared_folder / "golden"
    if not folder.is_dir():
        pytest.skip(f"no reference numbers at {folder}")
    return folder
