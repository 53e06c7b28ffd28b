"""What the assembled book knows about each of its pages: the manifest that the site and the PDFs read.

The manifest is written as `book.json` beside the assembled pages, so that binding the book needs nothing
else.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sfpc_book.book.status import StatusNotice, notice_of
from sfpc_book.errors import BookBuildError

MANIFEST_NAME = "book.json"
STATUSES = ("synthetic", "returns", "published", "design")


@dataclass(frozen=True)
class DataFile:
    """One CSV that readers can take away: its path below the site, what it holds and its size in bytes."""

    path: str
    title: str
    size: int


@dataclass(frozen=True)
class PageFacts:
    """One page: where it lies, what it is called, which data its numbers come from, and its CSV files."""

    docname: str
    slug: str
    title: str
    short_title: str
    part: str
    group: str
    status: tuple[str, ...]
    data: tuple[DataFile, ...]


@dataclass(frozen=True)
class BookFacts:
    """The whole book: title, facts of the build (no times), pages in reading order, CSV files of the book."""

    title: str
    facts: tuple[tuple[str, str], ...]
    pages: tuple[PageFacts, ...]
    data: tuple[DataFile, ...]

    @property
    def status(self) -> tuple[str, ...]:
        """Every data status that occurs in the book, in the order of `STATUSES`."""
        return ordered_statuses(status for page in self.pages for status in page.status)

    def notice(self, page: PageFacts | None) -> StatusNotice | None:
        """What a page says about its data; the front page speaks for the whole report."""
        if page is None:
            return None
        if page is self.pages[0]:
            return notice_of(self.status, place="in this report")
        return notice_of(page.status)

    def page(self, docname: str) -> PageFacts | None:
        """The facts of one page, or None for pages the builder makes itself, such as the search page."""
        return next((page for page in self.pages if page.docname == docname), None)


def ordered_statuses(found) -> tuple[str, ...]:
    """Distinct statuses in the order of `STATUSES`; raises `BookBuildError` for one that is not known."""
    names = set(found)
    unknown = sorted(names - set(STATUSES))
    if unknown:
        raise BookBuildError(f"data status {', '.join(map(repr, unknown))}; allowed: {', '.join(STATUSES)}")
    return tuple(status for status in STATUSES if status in names)


def write_facts(facts: BookFacts, folder: Path) -> Path:
    """Write the manifest into the folder of the assembled book."""
    path = folder / MANIFEST_NAME
    path.write_text(json.dumps(asdict(facts), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read_facts(path: Path) -> BookFacts:
    """Read a manifest; raises `BookBuildError` when the book has not been assembled."""
    if not path.is_file():
        raise BookBuildError(f"no assembled book: {path.name} is missing; assemble the book first")
    raw = json.loads(path.read_text(encoding="utf-8"))
    pages = tuple(_page(page) for page in raw["pages"])
    facts = tuple((name, value) for name, value in raw["facts"])
    return BookFacts(raw["title"], facts, pages, _files(raw["data"]))


def _page(raw: dict) -> PageFacts:
    return PageFacts(**{**raw, "status": tuple(raw["status"]), "data": _files(raw["data"])})


def _files(raw: list[dict]) -> tuple[DataFile, ...]:
    return tuple(DataFile(**item) for item in raw)
