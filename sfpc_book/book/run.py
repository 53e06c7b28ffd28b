"""Run one chapter: parameters in, an executed notebook and its estimates out. The only user of papermill.

A notebook runs in a folder of its own in which exactly the declared inputs are visible, under names that
are the same on every machine. What it leaves is normalised and written aside, then moved: a failing run
leaves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import papermill
from nbclient.exceptions import DeadKernelError

from sfpc_book.book.files import write_bytes
from sfpc_book.book.kernel_provisioner import ChapterKernelManager
from sfpc_book.book.normalise import normalise, notebook_bytes
from sfpc_book.book.parameters import TemplateParameter
from sfpc_book.book.plan import Chapter
from sfpc_book.book.scrub import ChapterError, cause_of
from sfpc_book.book.view import chapter_view
from sfpc_book.errors import ParameterError

RESULTS_TYPE = "application/vnd.sfpc-book.results+json"
START_SECONDS = 120
CELL_SECONDS = 900


@dataclass(frozen=True)
class ChapterRun:
    """What one run left: the executed notebook, and the chapter's estimates where it records some."""

    slug: str
    notebook: Path
    results: Path | None


def template_parameters(template: Path) -> dict[str, TemplateParameter]:
    """The parameters that a template declares, by name.

    Raises
    ------
    ParameterError
        If the template is missing, is not a notebook, or has no cell tagged `parameters`.
    """
    if not template.is_file():
        raise ParameterError(f"template {template.name} does not exist in {template.parent.name}/")
    try:
        notebook = papermill.iorw.load_notebook_node(str(template))
    except Exception as error:
        raise ParameterError(f"template {template.name} is not a notebook ({type(error).__name__})") from None
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        many = f"{len(tagged)} cells" if tagged else "no cell"
        example = 'study_path: str = "study.yml"  # the study file'
        raise ParameterError(
            f"template {template.name} has {many} tagged 'parameters'; it needs exactly one, with one line "
            f"for each parameter, such as: {example}"
        )
    if not notebook.metadata.get("kernelspec", {}).get("language"):
        raise ParameterError(
            f"template {template.name} names no kernel; it needs kernel python3, language python"
        )
    found = papermill.inspect_notebook(str(template))
    return {name: _parameter(item) for name, item in found.items()}


def _parameter(item: dict[str, Any]) -> TemplateParameter:
    return TemplateParameter(item["name"], item["inferred_type_name"], item["default"], item["help"])


def run_chapter(chapter: Chapter, *, build: Path, study_path: Path) -> ChapterRun:
    """Execute a chapter's template and write `chapters/<slug>.ipynb` and, if it records estimates, its
    results.

    Raises
    ------
    ChapterError
        Naming the cell and the cause, without any value of the data.
    """
    with chapter_view(chapter, build=build, study_path=study_path) as folder:
        notebook = _execute(chapter, study_path.parent / chapter.template, folder)
    clean = normalise(notebook)
    results = _results(chapter, clean)
    path = write_bytes(build / "chapters" / f"{chapter.slug}.ipynb", notebook_bytes(clean))
    if results is None:
        return ChapterRun(chapter.slug, path, None)
    return ChapterRun(chapter.slug, path, write_bytes(build / "results" / f"{chapter.slug}.csv", results))


def _execute(chapter: Chapter, template: Path, folder: Path) -> dict[str, Any]:
    try:
        return papermill.execute_notebook(
            str(template),
            None,
            parameters=dict(chapter.parameters),
            kernel_name="python3",
            progress_bar=False,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            start_timeout=START_SECONDS,
            execution_timeout=CELL_SECONDS,
            resources={"metadata": {"path": str(folder)}},
            kernel_manager_class=ChapterKernelManager,
            shutdown_kernel="immediate",
        )
    except papermill.PapermillExecutionError as error:
        raise ChapterError(chapter.slug, _cell_name(error), cause_of(error.ename, error.evalue)) from None
    except DeadKernelError:
        cause = "the kernel died; the usual reason is too little memory"
        raise ChapterError(chapter.slug, "", cause) from None
    except TimeoutError:
        raise ChapterError(chapter.slug, "", f"a cell ran longer than {CELL_SECONDS} seconds") from None


def _cell_name(error: papermill.PapermillExecutionError) -> str:
    """The number of the cell and its first line of code that is not a comment."""
    lines = [line.strip() for line in error.source.splitlines() if not re.match(r"\s*(#|$)", line)]
    return f"cell {error.cell_index + 1}: {lines[0][:80]}" if lines else f"cell {error.cell_index + 1}"


def _results(chapter: Chapter, notebook: dict[str, Any]) -> bytes | None:
    """The CSV that the chapter recorded, or None for a chapter that records nothing."""
    texts = [
        output["data"][RESULTS_TYPE]["csv"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        if RESULTS_TYPE in output.get("data", {})
    ]
    if len(texts) != int(chapter.results):
        wanted = "one" if chapter.results else "none"
        raise ChapterError(
            chapter.slug, "", f"it recorded {len(texts)} tables of estimates; the plan expects {wanted}"
        )
    return texts[0].encode() if texts else None
