"""The page that stands where a chapter failed: it names the cause, and nothing of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sfpc_book.book.plan import Chapter


@dataclass(frozen=True)
class Failure:
    """Why a chapter could not be made: the step or cell that failed, and the cause in publishable words."""

    slug: str
    where: str
    cause: str


def failure_text(chapter: Chapter, failure: Failure) -> str:
    """The page as Markdown."""
    where = f"It stopped at {_code(failure.where)}. " if failure.where else ""
    lines = [
        f"# {heading(chapter)}",
        "",
        ":::{admonition} This chapter could not be made",
        ":class: warning",
        f"{where}The cause:",
        "",
        *(f"> {_plain(line)}" for line in failure.cause.splitlines()),
        "",
        "The rest of the report was built without it, as a draft. No number of this chapter stands in it.",
        ":::",
    ]
    return "\n".join(lines)


def failure_notebook(text: str) -> dict[str, Any]:
    """A notebook of text alone."""
    cell = {"cell_type": "markdown", "id": "cell-000", "metadata": {}, "source": text}
    return {"cells": [cell], "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}


KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def heading(chapter: Chapter) -> str:
    """Unique title of the page: chapters of a model are told apart by its name."""
    model = dict(chapter.parameters).get("intervention_model")
    return f"{chapter.part}: {chapter.title.lower()}" if model else chapter.title


def _code(text: str) -> str:
    return "`" + text.replace("`", "'") + "`"


def _plain(text: str) -> str:
    """Text without the letters that Markdown reads as marks."""
    return "".join("\\" + letter if letter in "\\`*_{}[]<>#|$~" else letter for letter in text)
