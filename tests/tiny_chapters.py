"""Small templates and chapters to run the runner on."""

from __future__ import annotations

from pathlib import Path

import nbformat

from sfpc_book.book.plan import PATHS, Chapter

PARAMETERS = """local_authority: str = "walsall"  # slug in study.yml
study_path: str = "study.yml"  # the study file
build_path: str = "build"  # the build folder"""
RECORD = """from IPython.display import display
display({"application/vnd.sfpc-book.results+json": {"csv": "a,b\\n1,2\\n"}}, raw=True)"""


def write_template(path: Path, *cells: str, parameters: str | None = PARAMETERS) -> Path:
    """A notebook with a heading, a parameters cell (unless None) and the code cells given."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells = [nbformat.v4.new_markdown_cell("# A chapter")]
    if parameters is not None:
        tags = {"tags": ["parameters", "remove-cell"]}
        notebook.cells.append(nbformat.v4.new_code_cell(parameters, metadata=tags))
    notebook.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"c{number}"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def tiny_chapter(slug: str = "tiny", **options) -> Chapter:
    """A chapter on `notebooks/tiny.ipynb` with the usual parameters."""
    filled = {
        "template": "notebooks/tiny.ipynb",
        "parameters": (("local_authority", slug), *PATHS),
        "inputs": (),
        "title": "Tiny",
        "part": "Part",
    }
    return Chapter(slug=slug, **{**filled, **options})


def tiny_home(folder: Path, *cells: str) -> tuple[Path, Path]:
    """A study file (of no content) with a template beside it, and a build folder: (study_path, build)."""
    write_template(folder / "notebooks" / "tiny.ipynb", *cells)
    study_path, build = folder / "study.yml", folder / "build"
    study_path.write_text("title: tiny\n", encoding="utf-8")
    build.mkdir()
    return study_path, build
