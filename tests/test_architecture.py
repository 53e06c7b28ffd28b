"""The package's imports run one way, heavy libraries stay in their rooms, files and functions stay small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "sfpc_book"
FILES = sorted(PACKAGE.rglob("*.py"))

ALLOWED = {
    "study": set(),
    "contracts": {"study"},
    "returns": {"contracts", "study"},
    "cohort": {"contracts", "study"},
    "estimate": {"study"},
    "published": {"contracts", "estimate", "study"},
    "costs": {"estimate", "study"},
    "report": {"contracts", "study"},
    "simulate": {"contracts", "study"},
    "book": {
        "study",
        "contracts",
        "returns",
        "cohort",
        "estimate",
        "published",
        "costs",
        "report",
        "simulate",
    },
}
HEAVY = {
    "great_expectations": ("contracts/expectations.py",),
    "linearmodels": ("estimate/panel_models.py",),
    "altair": ("report/chart", "report/figure.py"),
    "vl_convert": ("report/figure.py", "book/assemble.py", "book/assets.py"),
    "papermill": ("book/run.py",),
    "statsmodels": ("estimate/logit.py", "estimate/poisson.py"),
    "pytask": ("book/tasks.py",),
    "distributed": ("book/dask_workers.py",),
    "diff_diff": (
        "published/staggered.py",
        "published/staggered_fit.py",
        "published/staggered_models.py",
        "published/synthetic_weights.py",
    ),
    "python_calamine": ("returns/workbook.py",),
    "gptables": ("report/workbook.py",),
    "xlsxwriter": ("simulate/workbooks.py",),
    "typst": ("book/pdf",),
    "pikepdf": ("book/pdf", "book/leaks.py"),
    "pypdfium2": ("book/pdf_text.py",),
}
MAXIMUM_LINES = 300
LONG_FUNCTION = 25
SHARE_OF_SHORT_FUNCTIONS = 0.9


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports, wherever in it the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(path: Path) -> str | None:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else None


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path):
    here = room(path)
    if here is None:
        return
    rooms = {name.split(".")[1] for name in imports(path) if name.startswith("sfpc_book.") and "." in name}
    rooms -= {"errors", "__version__", here}
    assert rooms <= ALLOWED[here], (
        f"{here} may import {sorted(ALLOWED[here])}, not {sorted(rooms - ALLOWED[here])}"
    )


@pytest.mark.parametrize(("library", "places"), HEAVY.items())
def test_heavy_libraries_are_imported_in_their_own_files_only(library: str, places: tuple[str, ...]):
    users = {
        str(path.relative_to(PACKAGE))
        for path in FILES
        if any(name.split(".")[0] == library for name in imports(path))
    }
    strays = {user for user in users if not user.startswith(places)}
    assert users, f"nothing imports {library}: take it out of the requirements and of this table"
    assert not strays


def test_every_room_is_in_the_table():
    assert {
        path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()
    } == set(ALLOWED)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_small(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAXIMUM_LINES


def test_nine_in_ten_functions_are_short():
    lengths = [
        node.end_lineno - node.body[0].lineno + 1
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    short = sum(length < LONG_FUNCTION for length in lengths)
    assert short / len(lengths) >= SHARE_OF_SHORT_FUNCTIONS


def test_no_drawer_for_odds_and_ends():
    assert not [path for path in FILES if path.stem in {"utils", "helpers", "misc", "common"}]
