"""From an executed notebook to the notebook that is bound: data taken out, hidden cells gone, status read.

A bound notebook holds only what a page or a PDF shows. Cells that no reader sees are dropped, because they
hold parameters and paths; `text/csv` outputs become files; outputs that a page could not show are errors.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import lxml.html
import nbformat

from sfpc_book.book.assemble_facts import ordered_statuses
from sfpc_book.book.assemble_titles import markdown_title, with_title

HIDDEN_TAGS = frozenset({"remove-cell", "parameters", "injected-parameters"})
SHOWN_TYPES = ("text/html", "image/svg+xml", "text/markdown")
SYNTHETIC_SENTENCE = "**Synthetic data.**"
LABEL = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True)
class ExtractedData:
    """The CSV text of one figure or table, by its label, with the words that describe it."""

    label: str
    title: str
    subtitle: str
    text: str


@dataclass(frozen=True)
class CleanNotebook:
    """A notebook ready to bind, the data of its outputs, its page title, statuses, and what is wrong with
    it.
    """

    notebook: nbformat.NotebookNode
    title: str
    data: tuple[ExtractedData, ...]
    status: tuple[str, ...]
    problems: tuple[str, ...]


def clean_notebook(notebook: nbformat.NotebookNode, *, title: str = "") -> CleanNotebook:
    """The bound form of an executed notebook; a `title` given replaces the notebook's first heading."""
    result = nbformat.from_dict(notebook)
    result.cells = [cell for cell in result.cells if not HIDDEN_TAGS & set(_tags(cell))]
    result.metadata = {"kernelspec": notebook.metadata.get("kernelspec", {})}
    problems: list[str] = []
    data: list[ExtractedData] = []
    statuses: set[str] = set()
    for number, output in _outputs(result):
        problems.extend(_output_problems(number, output))
        bundle = output.get("data", {})
        statuses |= set(output_statuses(_text(bundle.get("text/html", ""))))
        statuses |= set(sentence_statuses(_text(bundle.get("text/markdown", ""))))
        data.extend(_extract(bundle, number, problems))
        output["data"] = {kind: _text(bundle[kind]) for kind in SHOWN_TYPES if kind in bundle}
        output["metadata"] = {}
    heading = _retitle(result, title)
    if not heading:
        problems.append("no first-level heading in its first Markdown cell, so the page has no title")
    return CleanNotebook(result, heading, _told_apart(data), ordered_statuses(statuses), tuple(problems))


def output_statuses(html: str) -> tuple[str, ...]:
    """The data statuses that an HTML output declares, in `data-status` attributes."""
    if "data-status" not in html:
        return ()
    fragment = lxml.html.fragment_fromstring(html, create_parent="div")
    return tuple(element.get("data-status") for element in fragment.iterfind(".//*[@data-status]"))


def sentence_statuses(markdown: str) -> tuple[str, ...]:
    """The data status that a sentence declares; only made-up numbers are marked in words."""
    return ("synthetic",) if markdown.startswith(SYNTHETIC_SENTENCE) else ()


def with_status_column(text: str, status: str) -> str:
    """CSV text whose rows say where their numbers come from: `data_status` is added where missing."""
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or not status or "data_status" in rows[0]:
        return text
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["data_status", *rows[0]])
    writer.writerows([status, *row] for row in rows[1:])
    return out.getvalue()


def _outputs(notebook: nbformat.NotebookNode) -> Iterator[tuple[int, nbformat.NotebookNode]]:
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            cell.execution_count = None
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = None
                yield number, output


def _output_problems(number: int, output: nbformat.NotebookNode) -> list[str]:
    where = f"shown cell {number}"
    if output.output_type == "error":
        return [f"{where} failed: {output.get('ename', 'error')}"]
    if output.output_type == "stream":
        return [
            f"{where} printed text ({output.get('name')}); a page shows figures, tables and sentences only"
        ]
    if not any(kind in output.get("data", {}) for kind in SHOWN_TYPES):
        kinds = ", ".join(sorted(output.get("data", {}))) or "nothing"
        return [f"{where} shows {kinds}; a page can show {', '.join(SHOWN_TYPES)}"]
    return []


def _extract(bundle: dict, number: int, problems: list[str]) -> list[ExtractedData]:
    text = _text(bundle.get("text/csv", ""))
    if not text:
        return []
    marked = _marked_element(_text(bundle.get("text/html", "")))
    label = (marked.get("data-label") or marked.get("id") or "") if marked is not None else ""
    if not LABEL.fullmatch(label):
        found = f"found {label!r}"
        problems.append(f"shown cell {number} has data but no usable label (an id in lower case); {found}")
        return []
    title = _words(marked, ".//*[@class='sfpc-title']", ".//figcaption", ".//caption") or label
    subtitle = _words(marked, ".//*[@class='sfpc-subtitle']")
    status = marked.get("data-status", "")
    return [ExtractedData(label, title, subtitle, with_status_column(text, status))]


def _marked_element(html: str) -> lxml.html.HtmlElement | None:
    """The element of a figure or table that declares the data status."""
    if not html.strip():
        return None
    return lxml.html.fragment_fromstring(html, create_parent="div").find(".//*[@data-status]")


def _words(element: lxml.html.HtmlElement, *paths: str) -> str:
    """The text of the first path that leads to an element; empty when none does."""
    for path in paths:
        found = element.find(path)
        if found is not None:
            return " ".join(found.text_content().split())
    return ""


def _told_apart(data: list[ExtractedData]) -> tuple[ExtractedData, ...]:
    """Data of figures that share a title are told apart by what they measure."""
    titles = [item.title for item in data]
    return tuple(
        replace(item, title=f"{item.title} {item.subtitle}".strip()) if titles.count(item.title) > 1 else item
        for item in data
    )


def _retitle(notebook: nbformat.NotebookNode, title: str) -> str:
    """Put a given title in place of the heading; returns the page's title, empty when there is none."""
    cell = next((cell for cell in notebook.cells if cell.cell_type == "markdown"), None)
    if cell is None:
        return ""
    if title:
        cell.source = with_title(cell.source, title)
    return markdown_title(cell.source)


def _tags(cell: nbformat.NotebookNode) -> list[str]:
    return list(cell.get("metadata", {}).get("tags", []))


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)
