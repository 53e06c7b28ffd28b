"""The contents list beside every page: parts, groups inside a part, pages, and which of them the reader is
on.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfpc_book.book.assemble_facts import BookFacts, PageFacts


@dataclass(frozen=True)
class NavigationGroup:
    """Pages under one sub-heading; the name is empty where a part has no groups."""

    name: str
    pages: tuple[PageFacts, ...]


@dataclass(frozen=True)
class NavigationPart:
    """One part of the book in the contents list; `current` when the reader's page is in it."""

    number: int
    name: str
    groups: tuple[NavigationGroup, ...]
    current: bool
    open: bool

    @property
    def size(self) -> int:
        """Number of pages in the part."""
        return sum(len(group.pages) for group in self.groups)


def navigation_parts(facts: BookFacts, pagename: str) -> tuple[NavigationPart, ...]:
    """The book's parts in reading order. On the front page the first part stands open."""
    names = list(dict.fromkeys(page.part for page in facts.pages[1:]))
    on_root = pagename == facts.pages[0].docname
    return tuple(_part(facts, number, name, pagename, on_root) for number, name in enumerate(names, start=1))


def _part(facts: BookFacts, number: int, name: str, pagename: str, on_root: bool) -> NavigationPart:
    pages = [page for page in facts.pages[1:] if page.part == name]
    groups = list(dict.fromkeys(page.group for page in pages))
    return NavigationPart(
        number=number,
        name=name,
        groups=tuple(
            NavigationGroup(group, tuple(page for page in pages if page.group == group)) for group in groups
        ),
        current=any(page.docname == pagename for page in pages),
        open=on_root and number == 1,
    )


def ambiguous_pages(facts: BookFacts) -> frozenset[str]:
    """Pages whose short title another page bears too: a link to one of them must also say its part."""
    titles = [page.short_title for page in facts.pages]
    return frozenset(page.docname for page in facts.pages if titles.count(page.short_title) > 1)
