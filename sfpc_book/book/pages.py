"""From the planned chapters to the pages to bind: where each page's text lies once the chapters have been
run.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sfpc_book.book.assemble import BookPage
from sfpc_book.book.plan import Chapter


def pages_of(chapters: Iterable[Chapter], build: Path, repository: Path) -> tuple[BookPage, ...]:
    """The book's pages in reading order.

    A notebook is taken from `build/chapters/<slug>.ipynb`; where the chapter failed, the page that names the
    cause lies beside it as `<slug>.md`. Texts are taken from the repository, generated pages from the build
    folder.
    """
    return tuple(_page(chapter, build, repository) for chapter in chapters)


def _page(chapter: Chapter, build: Path, repository: Path) -> BookPage:
    return BookPage(
        slug=chapter.slug,
        part=chapter.part,
        source=_source(chapter, build, repository),
        short_title=chapter.title,
        group=getattr(chapter, "group", ""),
        docname=chapter.docname,
    )


def _source(chapter: Chapter, build: Path, repository: Path) -> Path:
    if chapter.kind == "text":
        return repository / chapter.template
    if chapter.kind == "generated":
        return build / chapter.template
    notebook = build / "chapters" / f"{chapter.slug}.ipynb"
    failure = notebook.with_suffix(".md")
    return failure if failure.is_file() and not notebook.is_file() else notebook
