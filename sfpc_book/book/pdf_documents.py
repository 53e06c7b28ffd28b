"""The outermost Typst source of each PDF: which template, which title and data status, which pages it
includes.
"""

from __future__ import annotations

from sfpc_book.book.assemble_facts import BookFacts, PageFacts
from sfpc_book.book.status import StatusNotice, notice_of
from sfpc_book.book.typst_text import array, escape, literal

IMPORT = '#import "/template.typ": *\n'


def page_source(facts: BookFacts, page: PageFacts, author: str, web: str) -> str:
    """Typst source of the PDF of one page."""
    options = [
        f"title: {literal(_title(page.title, facts.notice(page)))}",
        f"book: {literal(facts.title)}",
        f"author: {literal(author)}",
        f"url: {literal(f'{web}{page.docname}.html')}",
        *_status_options(facts.notice(page)),
    ]
    return f"{IMPORT}#show: single.with({', '.join(options)})\n#include {literal(f'/{page.docname}.typ')}\n"


def book_source(facts: BookFacts, author: str, web: str) -> str:
    """Typst source of the whole book: cover, contents, then every page under the heading of its part."""
    notice = notice_of(facts.status, place="in this report")
    rows = array([f"({literal(name)}, {literal(value)})" for name, value in facts.facts])
    options = [
        f"title: {literal(_title(facts.title, notice))}",
        f"name: {literal(facts.title)}",
        f"author: {literal(author)}",
        f"facts: {rows}",
        f"url: {literal(web)}",
        *_status_options(notice),
    ]
    pages = "".join(_included(facts, position, web) for position in range(len(facts.pages)))
    return f"{IMPORT}#show: whole.with({', '.join(options)})\n{pages}"


def _included(facts: BookFacts, position: int, web: str) -> str:
    """One page of the book; a page that opens a part brings the part's heading."""
    page = facts.pages[position]
    new_part = position > 0 and page.part != facts.pages[position - 1].part
    options = [
        f"book: {literal(facts.title)}",
        f"title: {literal(page.short_title)}",
        f"url: {literal(f'{web}{page.docname}.html')}",
        f"offset: {int(position > 0)}",
        *([f"part: [{escape(page.part)}]"] if new_part else []),
        *_status_options(facts.notice(page)),
    ]
    return f"#chapter({', '.join(options)}, include {literal(f'/{page.docname}.typ')})\n"


def _title(title: str, notice: StatusNotice | None) -> str:
    return f"{title} ({notice.suffix})" if notice and notice.suffix else title


def _status_options(notice: StatusNotice | None) -> list[str]:
    if notice is None:
        return []
    marked = "true" if notice.suffix else "false"
    return [f"tag: {literal(notice.tag)}", f"notice: {literal(notice.text)}", f"marked: {marked}"]
