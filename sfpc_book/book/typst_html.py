"""The few HTML elements that outputs may use, as Typst: tables with their notes, paragraphs, lists, links.

Nothing vanishes in silence: an element that is not known here is reported, and a report fails the build.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import lxml.html
from lxml.html import HtmlElement

from sfpc_book.book.typst_tables import Cell, TableShape, is_sideways, table_problems, typst_table
from sfpc_book.book.typst_text import escape, literal

BLOCKS = frozenset({"div", "section", "figure", "article"})
PARAGRAPHS = frozenset({"p", "figcaption"})
INLINE = {"strong": "strong", "b": "strong", "em": "emph", "i": "emph", "sup": "super", "sub": "sub"}
PLAIN_INLINE = frozenset({"span", "abbr", "small", "time", "code"})
# Links to data files are printed once, in the web version; notes stay.
WEB_ONLY_CLASSES = frozenset({"sfpc-download"})


@dataclass
class HtmlReader:
    """Turns one HTML output into Typst markup and keeps what it could not turn."""

    problems: list[str] = field(default_factory=list)
    sideways: bool = False

    def read(self, html: str) -> str:
        """Typst markup of the whole output; a table too wide for an upright page turns it, notes and all."""
        root = lxml.html.fragment_fromstring(html, create_parent="div")
        if root.find(".//svg") is not None:
            self.problems.append("a drawn chart comes as HTML only; the PDF needs image/svg+xml beside it")
            return ""
        markup = self._children(root)
        return f"\n\n#sideways[{markup}]\n\n" if self.sideways else markup

    def _children(self, element: HtmlElement) -> str:
        parts = [self._loose_text(element.text)]
        for child in element:
            parts += [self._block(child), self._loose_text(child.tail)]
        return "".join(parts)

    def _loose_text(self, text: str | None) -> str:
        return f"\n\n{escape(text.strip())}\n\n" if text and text.strip() else ""

    def _block(self, element: HtmlElement) -> str:
        if not isinstance(element.tag, str) or element.tag == "style" or self._is_web_only(element):
            return ""
        if element.tag == "table":
            return self._table(element)
        if element.tag in BLOCKS:
            return self._children(element)
        if element.tag in PARAGRAPHS:
            return f"\n\n#note[{self.inline(element)}]\n\n"
        if element.tag in ("ul", "ol"):
            items = "".join(f"[{self.inline(item)}], " for item in element.iterfind("li"))
            return f"\n\n#{'list' if element.tag == 'ul' else 'enum'}({items})\n\n"
        if element.tag in INLINE or element.tag in PLAIN_INLINE or element.tag == "a":
            return f"\n\n{self._inline_element(element)}\n\n"
        self.problems.append(f"an output has <{element.tag}>, which the PDF cannot show")
        return ""

    def _is_web_only(self, element: HtmlElement) -> bool:
        return bool(WEB_ONLY_CLASSES & set(element.get("class", "").split()))

    def inline(self, element: HtmlElement) -> str:
        """The markup of an element's own content."""
        parts = [escape(element.text or "")]
        for child in element:
            parts += [self._inline_element(child), escape(child.tail or "")]
        return "".join(parts).strip()

    def _inline_element(self, element: HtmlElement) -> str:
        if not isinstance(element.tag, str):
            return ""
        if element.tag == "br":
            return " "
        if element.tag == "a":
            return f"#web-link({literal(element.get('href', ''))})[{self.inline(element)}]"
        if element.tag in INLINE:
            return f"#{INLINE[element.tag]}[{self.inline(element)}]"
        if element.tag not in PLAIN_INLINE:
            self.problems.append(f"an output has <{element.tag}> inside text, which the PDF cannot show")
        return self.inline(element)

    def _table(self, element: HtmlElement) -> str:
        caption = element.find("caption")
        head = tuple(self._row(row) for row in element.iterfind("thead/tr"))
        body_rows = [*element.iterfind("tr"), *element.iterfind("tbody/tr"), *element.iterfind("tfoot/tr")]
        body = tuple(self._row(row) for row in body_rows)
        table = TableShape(self.inline(caption) if caption is not None else "", head, body)
        faults = table_problems(table)
        self.problems.extend(faults)
        self.sideways = self.sideways or is_sideways(table)
        return "" if faults else typst_table(table)

    def _row(self, row: HtmlElement) -> tuple[Cell, ...]:
        return tuple(
            Cell(
                self.inline(cell),
                " ".join(cell.text_content().split()),
                int(cell.get("colspan") or 1),
                int(cell.get("rowspan") or 1),
            )
            for cell in row
            if cell.tag in ("td", "th")
        )
