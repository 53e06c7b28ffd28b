"""A book of three run notebooks and two text pages, bound once per test session: small, but with every kind
of part.
"""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

import nbformat
import pandas as pd

from sfpc_book.book.assemble import BookPage, assemble_book
from sfpc_book.book.site import build_book
from sfpc_book.report.figure import Figure
from sfpc_book.report.table import Table

REPOSITORY = Path(__file__).resolve().parents[1]
ALT = "Line chart of children who entered care per 1,000 referred, by period; the line falls from 80 to 70."
CHART = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "width": 400,
    "height": 200,
    "mark": {"type": "line", "color": "#12436D"},
    "data": {"values": [{"period": 0, "rate": 80.0}, {"period": 1, "rate": 70.5}]},
    "encoding": {
        "x": {"field": "period", "type": "quantitative"},
        "y": {"field": "rate", "type": "quantitative"},
    },
}
RATES = pd.DataFrame({"period": [0, 1], "rate": [80.0, 70.5]})
CELLS = pd.DataFrame(
    {"Authority": ["Warrington & co", "Telford #1"], "Rate": ["70.5", "[c]"], "Change": ["−3.1", "+2.4"]}
)
WIDE = pd.DataFrame(
    {"Authority": ["Warrington"], **{f"Unabbreviated heading {n}": [f"{n},000.5"] for n in range(16)}}
)
# Longer than a sheet: a table and a list that go over two pages are where tags of a marked page broke.
LONG = pd.DataFrame({"Authority": [f"Authority {n}" for n in range(70)], "Rate": ["70.5"] * 70})
LONG_LIST = "\n".join(f"- item {n}" for n in range(90))


def figure(label: str, status: str) -> dict[str, str]:
    """The output of a cell that shows a chart."""
    words = ("Fewer children entered care", "Children who entered care per 1,000 referred")
    return Figure(CHART, label, *words, ALT, RATES, "Data returns", status)._repr_mimebundle_()


def table(label: str, status: str, frame: pd.DataFrame = CELLS) -> dict[str, str]:
    """The output of a cell that shows a table."""
    caption = f"Rates by authority in {label}"
    return Table(frame, label, caption, ("Counts below 10 are not shown.",), status)._repr_mimebundle_()


def markdown(text: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_markdown_cell(text, id="x")


def code(*bundles: dict[str, str], tags: tuple[str, ...] = ("remove-input",)) -> nbformat.NotebookNode:
    """A run code cell with one output per bundle."""
    outputs = [nbformat.v4.new_output("execute_result", data=data, execution_count=1) for data in bundles]
    return nbformat.v4.new_code_cell("show()", outputs=outputs, metadata={"tags": list(tags)}, id="x")


def write_notebook(path: Path, cells: list[nbformat.NotebookNode]) -> Path:
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def pages(build: Path) -> list[BookPage]:
    """Write the sources of the small book below `build` and list its pages."""
    chapters, texts = build / "chapters", build / "texts"
    hidden = code(tags=("injected-parameters", "remove-cell"))
    hidden["source"] = f'study_path = "{build}/study.yml"'
    synthetic = [
        markdown("# Safeguarding: fewer in care?\n\nSee [the glossary](../pages/glossary.md)."),
        hidden,
        markdown("## What the records say\n\nText with *stress*, `code`, £5 and a\nsecond line."),
        code(figure("made-trend", "synthetic")),
        code({"text/markdown": "About **4.2 fewer** per 1,000 (95% interval −9.1 to +0.7)."}),
        code(table("made-rates", "synthetic"), tags=("hide-input",)),
        markdown("## What this does not show\n\n```{warning}\nFew authorities.\n```"),
        code(table("made-wide", "synthetic", WIDE)),
        markdown("## A list\n\n1. First\n2. Second\n\n- one\n- two"),
        code(table("made-long", "synthetic", LONG)),
        markdown(f"## A long list\n\n{LONG_LIST}"),
    ]
    published = [markdown("# Norfolk"), code(figure("norfolk-trend", "published"))]
    mixed = [
        markdown("# Mixed"),
        code(table("mixed-a", "synthetic")),
        code(table("mixed-b", "published")),
    ]
    front = "# Report\n\nAll the [estimates](data/estimates.csv).\n\n## First\n\nText."
    terms = "# Words\n\n```{glossary}\ncluster\n  An authority.\n```\n\n"
    terms += "```{table} Terms\n| A | B |\n|---|---|\n| x | 1 |\n```"
    write_text(build / "results" / "estimates.csv", "data_status,model,estimate\nsynthetic,made,1.0\n")
    return [
        BookPage("index", "", write_text(texts / "index.md", front), "Start here"),
        BookPage("made", "Safeguarding", write_notebook(chapters / "made.ipynb", synthetic), "Primary"),
        BookPage(
            "norfolk",
            "Local authorities",
            write_notebook(chapters / "norfolk.ipynb", published),
            group="East",
        ),
        BookPage("mixed", "Local authorities", write_notebook(chapters / "mixed.ipynb", mixed), "Primary"),
        BookPage("glossary", "About", write_text(texts / "glossary.md", terms)),
        BookPage(
            "accessibility", "About", write_text(texts / "accessibility.md", "# Accessibility\n\nText.")
        ),
    ]


def bind(build: Path, *extra: BookPage) -> Path:
    """Assemble and bind the small book, with extra pages at its end; returns the build folder."""
    assemble_book(build, [*pages(build), *extra], REPOSITORY, facts={"Study file": "3f9c1b2a"})
    build_book(build)
    return build


@cache
def small_book() -> Path:
    """The build folder of the small book, bound once. Tests read it and never write there."""
    return bind(Path(tempfile.mkdtemp(prefix="small-book-")))


def copy_of_small_book(folder: Path) -> Path:
    """A copy of the bound book that a test may spoil."""
    return Path(shutil.copytree(small_book(), folder / "build"))
