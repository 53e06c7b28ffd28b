"""What the theme's templates are told about each page, and the small repairs to the HTML that Sphinx
writes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from sfpc_book.book.assemble_facts import BookFacts, DataFile, PageFacts
from sfpc_book.book.extension_navigation import NavigationPart, ambiguous_pages, navigation_parts
from sfpc_book.book.status import StatusNotice
from sfpc_book.report.formats import file_size

TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
# The name of a folded cell must be what one can read on it (WCAG 2.5.3).
CODE_TOGGLE = (
    (' aria-label="Toggle hidden content"', ""),
    ("Show code cell source", "Show the code"),
    ("Hide code cell source", "Hide the code"),
)
LITERAL = re.compile(r'(<code class="docutils literal[^>]*>)(.*?)(</code>)', re.DOTALL)
SCROLL_OPEN = '<div class="sfpc-scroll"'


@dataclass(frozen=True)
class Link:
    """A link to a file: where, and what it says (kind of file and size included)."""

    href: str
    text: str


@dataclass(frozen=True)
class Heading:
    """A second-level heading of the page."""

    anchor: str
    text: str


@dataclass(frozen=True)
class PageView:
    """Everything the layout prints around a page's text."""

    name: str
    kind: str
    author: str
    tab_title: str
    description: str
    banner: StatusNotice | None
    part: str
    parts: tuple[NavigationPart, ...]
    headings: tuple[Heading, ...]
    full_titles: dict[str, str]
    ambiguous: frozenset[str]
    accessibility: str
    facts: tuple[tuple[str, str], ...]


def add_page_context(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Sphinx event: give the templates their `book` value and put the download bar under the page's
    heading.
    """
    facts: BookFacts = app.sfpc_facts
    page = facts.page(pagename)
    context["book"] = _page_view(app, facts, pagename, page, context, doctree)
    if page is not None and "body" in context:
        bar = _download_bar(app, facts, page, context)
        body = repaired_body(context["body"]).replace("</h1>", f"</h1>\n{bar}", 1)
        context["body"] = _with_finder(app, body, context) if page is facts.pages[0] else body


def repaired_body(body: str) -> str:
    """Tables from text pages get header scopes and, like all others, a frame that scrolls on a narrow
    screen; names of columns may break after an underscore, and nowhere else.
    """
    body = LITERAL.sub(lambda found: found[1] + found[2].replace("_", "_<wbr>") + found[3], body)
    body = body.replace('<th class="head', '<th scope="col" class="head')
    body = body.replace('<th class="stub', '<th scope="row" class="stub')
    for old, new in CODE_TOGGLE:
        body = body.replace(old, new)
    pieces, end = [], 0
    for match in TABLE.finditer(body):
        pieces += [
            body[end : match.start()],
            _framed(match[0], body[max(0, match.start() - 400) : match.start()]),
        ]
        end = match.end()
    return "".join([*pieces, body[end:]])


def _with_finder(app: Sphinx, body: str, context: dict[str, Any]) -> str:
    """The front page's list of all pages stands before its first second-level section, or at its end."""
    finder = app.builder.templates.render("finder.html", context)
    first = body.find("<section", body.find("<section") + 1)
    place = first if first >= 0 else len(body)
    return body[:place] + finder + body[place:]


def _framed(table: str, before: str) -> str:
    opened = before.rstrip()
    if opened.endswith(">") and opened.rfind(SCROLL_OPEN) == opened.rfind("<"):
        return table
    caption = re.search(r"<caption>(.*?)</caption>", table, re.DOTALL)
    words = re.sub(r"<[^>]+>|\s+", " ", caption[1]).strip() if caption else "Table"
    return f'{SCROLL_OPEN} role="region" tabindex="0" aria-label="{words}">{table}</div>'


def _page_view(
    app: Sphinx,
    facts: BookFacts,
    pagename: str,
    page: PageFacts | None,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> PageView:
    notice = facts.notice(page)
    name, _, kind = facts.title.partition(": ")
    title = page.title if page else "Search the report"
    ambiguous = ambiguous_pages(facts)
    return PageView(
        name=name,
        kind=kind[:1].upper() + kind[1:],
        author=app.config.author,
        tab_title=_tab_title(title, notice, facts),
        description=_tab_title(title, notice, facts),
        banner=notice,
        part=page.part if page else "",
        parts=navigation_parts(facts, pagename),
        headings=_headings(doctree),
        full_titles={
            context["pathto"](other.docname): _full_title(other, ambiguous) for other in facts.pages
        },
        ambiguous=ambiguous,
        accessibility=next((other.docname for other in facts.pages if "accessibility" in other.slug), ""),
        facts=facts.facts,
    )


def _full_title(page: PageFacts, ambiguous: frozenset[str]) -> str:
    return f"{page.part}: {page.short_title}" if page.docname in ambiguous else page.short_title


def _tab_title(title: str, notice: StatusNotice | None, facts: BookFacts) -> str:
    suffix = f" ({notice.suffix})" if notice and notice.suffix else ""
    return f"{title}{suffix} – {facts.title}" if title != facts.title else f"{title}{suffix}"


def _headings(doctree: nodes.document | None) -> tuple[Heading, ...]:
    """Second-level headings; a list of one or two would help nobody."""
    top = doctree.next_node(nodes.section) if doctree is not None else None
    sections = (
        [child for child in top.children if isinstance(child, nodes.section)] if top is not None else []
    )
    found = tuple(Heading(section["ids"][0], section.next_node(nodes.title).astext()) for section in sections)
    return found if len(found) > 2 else ()


def _download_bar(app: Sphinx, facts: BookFacts, page: PageFacts, context: dict[str, Any]) -> str:
    folder = Path(app.config.sfpc_pdf_folder) if app.config.sfpc_pdf_folder else None
    home = context["content_root"]
    # The front page also offers the data of the whole book.
    data = (*page.data, *(facts.data if page is facts.pages[0] else ()))
    values = {
        "page_pdf": _pdf_link(
            folder, home, page.slug, "This page as PDF" if not page.data else "This chapter as PDF"
        ),
        "book_pdf": _pdf_link(folder, home, "book", "Whole book", inside="PDF, "),
        "data": [_data_link(home, file) for file in data],
    }
    return app.builder.templates.render("downloads.html", values)


def _pdf_link(folder: Path | None, home: str, name: str, words: str, inside: str = "") -> Link | None:
    path = folder / f"{name}.pdf" if folder else None
    if path is None or not path.is_file():
        return None
    return Link(f"{home}pdf/{name}.pdf", f"{words} ({inside}{file_size(path.stat().st_size)})")


def _data_link(home: str, file: DataFile) -> Link:
    return Link(f"{home}{file.path}", f"{file.title} (CSV, {file_size(file.size)})")
