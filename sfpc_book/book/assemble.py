"""Gather chapters and text pages into the source of one Jupyter Book.

`assemble_book` writes `build/book`: `_config.yml`, `_toc.yml`, `chapters/*.ipynb`, `pages/*.md`,
`data/*.csv`, `assets/` and the manifest `book.json`. It reads executed notebooks and never runs one. The
folder is written aside and put in place at the end, so a failure leaves the previous book untouched.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
import yaml

from sfpc_book.book.assemble_facts import BookFacts, DataFile, PageFacts, ordered_statuses, write_facts
from sfpc_book.book.assemble_notebook import CleanNotebook, clean_notebook
from sfpc_book.book.assemble_titles import distinct_titles, source_title, with_title
from sfpc_book.book.assets import needs_chart_runtime, write_chart_runtime
from sfpc_book.book.folders import put_in_place
from sfpc_book.errors import BookBuildError

ROOT_SLUG = "index"


@dataclass(frozen=True)
class BookPage:
    """One page to bind.

    `source` is an executed notebook (`.ipynb`) or a Markdown text (`.md`); `part` the heading it stands under
    in the navigation, `group` the sub-heading inside that part (such as the model of an authority);
    `short_title` its name there (the page's own heading when empty); `title` replaces the page's first
    heading when given (headings that several pages share are told apart in any case); `docname` its place in
    the book (default: below `chapters/` or `pages/`, by its kind); `status` adds data statuses that the
    page's outputs cannot tell.
    """

    slug: str
    part: str
    source: Path
    short_title: str = ""
    title: str = ""
    group: str = ""
    docname: str = ""
    status: tuple[str, ...] = ()


def assemble_book(
    build: Path, chapters: Sequence[BookPage], repository: Path, *, facts: Mapping[str, str] | None = None
) -> Path:
    """Write `build/book` from the pages in reading order and return the folder.

    The first page is the front page. `facts` are shown in the footer of every page (versions, digests:
    nothing that differs between equal builds). Raises `BookBuildError` listing every page that cannot be
    bound.
    """
    config = _configuration(repository)
    problems = _duplicate_problems(chapters)
    if problems:
        raise BookBuildError("the book's pages are not distinct", problems)
    staging = build / ".book-new"
    shutil.rmtree(staging, ignore_errors=True)
    for name in ("chapters", "pages", "data", "assets"):
        (staging / name).mkdir(parents=True)
    results = build / "results"
    pages = _write_pages(staging, chapters, results)
    data = _copy_results(staging, results / "estimates.csv", "Every estimate in the report")
    shutil.copyfile(repository / "_config.yml", staging / "_config.yml")
    (staging / "_toc.yml").write_text(table_of_contents(chapters), encoding="utf-8")
    if needs_chart_runtime(staging / "chapters"):
        write_chart_runtime(staging / "assets")
    write_facts(BookFacts(config["title"], tuple((facts or {}).items()), pages, data), staging)
    return put_in_place(staging, build / "book")


def table_of_contents(chapters: Sequence[BookPage]) -> str:
    """The text of `_toc.yml`: the first page is the root, the others stand in their parts."""
    parts: dict[str, list[dict[str, str]]] = {}
    for page in chapters[1:]:
        entry = {"file": docname_of(page)}
        parts.setdefault(page.part, []).append(
            {**entry, **({"title": page.short_title} if page.short_title else {})}
        )
    contents = {
        "format": "jb-book",
        "root": docname_of(chapters[0]),
        "parts": [{"caption": part, "chapters": entries} for part, entries in parts.items()],
    }
    return yaml.safe_dump(contents, sort_keys=False, allow_unicode=True)


def docname_of(page: BookPage) -> str:
    """Where a page lies in the book, without suffix: `chapters/<slug>`, `pages/<slug>`, or `index`."""
    if page.docname or page.slug == ROOT_SLUG:
        return page.docname or ROOT_SLUG
    return f"{'chapters' if page.source.suffix == '.ipynb' else 'pages'}/{page.slug}"


def _configuration(repository: Path) -> dict:
    path = repository / "_config.yml"
    if not path.is_file():
        raise BookBuildError(f"no _config.yml in {repository.name}; it configures the book")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _duplicate_problems(chapters: Sequence[BookPage]) -> list[str]:
    if not chapters:
        return ["there is no page at all"]
    slugs = [page.slug for page in chapters]
    repeated = [f"slug {slug!r} is used {slugs.count(slug)} times" for slug in _repeated(slugs)]
    missing = [
        f"{page.slug}: {page.source.name} does not exist" for page in chapters if not page.source.is_file()
    ]
    return repeated + missing


def _repeated(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _told_apart(chapters: Sequence[BookPage]) -> tuple[BookPage, ...]:
    """The pages with a title each, different from all others."""
    found = [page.title or source_title(page.source) for page in chapters]
    names = [page.short_title for page in chapters]
    titles = distinct_titles(found, names, [page.part for page in chapters])
    return tuple(replace(page, title=title) for page, title in zip(chapters, titles, strict=True))


def _write_pages(staging: Path, chapters: Sequence[BookPage], results: Path) -> tuple[PageFacts, ...]:
    pages, problems = [], []
    for page in _told_apart(chapters):
        write = _write_chapter if page.source.suffix == ".ipynb" else _write_text
        facts, faults = write(staging, page, results / f"{page.slug}.csv")
        pages.append(facts)
        problems.extend(f"{page.slug}: {fault}" for fault in faults)
    paths = [file.path for page in pages for file in page.data]
    problems += [f"{path} would be written by two outputs" for path in _repeated(paths)]
    titles = [page.title for page in pages if page.title]
    problems += [f"several pages have the title {title!r}" for title in _repeated(titles)]
    if problems:
        raise BookBuildError("some pages cannot be bound", problems)
    return tuple(pages)


def _write_chapter(staging: Path, page: BookPage, results: Path) -> tuple[PageFacts, tuple[str, ...]]:
    clean = clean_notebook(nbformat.read(page.source, as_version=4), title=page.title)
    target = staging / f"{docname_of(page)}.ipynb"
    target.write_text(nbformat.writes(clean.notebook, sort_keys=True) + "\n", encoding="utf-8")
    data = (*_write_data(staging, clean), *_copy_results(staging, results, "Estimates of this chapter"))
    return _facts(page, clean.title, clean.status, data), clean.problems


def _write_text(staging: Path, page: BookPage, results: Path) -> tuple[PageFacts, tuple[str, ...]]:
    text = page.source.read_text(encoding="utf-8")
    if page.title:
        text = with_title(text, page.title)
    (staging / f"{docname_of(page)}.md").write_text(text, encoding="utf-8")
    faults = () if page.title else ("no first-level heading, so the page has no title",)
    return _facts(page, page.title, (), _copy_results(staging, results, "Estimates of this chapter")), faults


def _facts(page: BookPage, title: str, found: tuple[str, ...], data: tuple[DataFile, ...]) -> PageFacts:
    status = ordered_statuses([*page.status, *found])
    names = (docname_of(page), page.slug, title, page.short_title or title, page.part, page.group)
    return PageFacts(*names, status, data)


def _write_data(staging: Path, clean: CleanNotebook) -> tuple[DataFile, ...]:
    files = []
    for item in clean.data:
        path = staging / "data" / f"{item.label}.csv"
        path.write_text(item.text, encoding="utf-8", newline="\n")
        files.append(DataFile(f"data/{path.name}", item.title, path.stat().st_size))
    return tuple(files)


def _copy_results(staging: Path, source: Path, title: str) -> tuple[DataFile, ...]:
    """A table of estimates, copied beside the data of the figures, if there is one."""
    if not source.is_file():
        return ()
    shutil.copyfile(source, staging / "data" / source.name)
    return (DataFile(f"data/{source.name}", title, source.stat().st_size),)
