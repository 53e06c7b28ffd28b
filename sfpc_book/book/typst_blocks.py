"""Blocks for the PDF: notices, code, pictures with alternative text, tables, and the outputs of notebook
cells.
"""

from __future__ import annotations

import hashlib
import html
import re
from pathlib import Path

from docutils import nodes

from sfpc_book.book.typst_html import HtmlReader
from sfpc_book.book.typst_tables import Cell, TableShape, is_sideways, table_problems, typst_table
from sfpc_book.book.typst_text import escape, literal, without_colours

TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL)
DESCRIPTION = re.compile(r"<desc[^>]*>(.*?)</desc>", re.DOTALL)
FIRST_SENTENCE = re.compile(r"(.+?[.?!])(?=\s+[A-Z]|$)(.*)", re.DOTALL)
# Cells whose code the site folds away or leaves out show no code in the PDF.
NO_CODE = frozenset({"tag_remove-input", "tag_hide-input", "tag_hide-cell", "tag_remove-cell"})
HEADING_WORDS = {"seealso": "See also"}


class BlockVisitors:
    """Mixed into the translator, which gives `write`, `inner`, `complain`, `anchors` and `builder`."""

    def _notice(self, node: nodes.Element) -> None:
        first = node.children[0] if node.children else None
        titled = isinstance(first, nodes.title)
        words = self.inner(first) if titled else HEADING_WORDS.get(node.tagname, node.tagname.capitalize())
        kind = node.tagname if node.tagname != "admonition" else " ".join(node["classes"])
        body = "".join(self._markup(child) for child in node.children[int(titled) :])
        self.write(f"\n\n#notice({literal(kind)}, [{words}])[{body.strip()}]\n\n")
        raise nodes.SkipNode

    visit_admonition = visit_note = visit_warning = visit_tip = visit_important = _notice
    visit_caution = visit_danger = visit_error = visit_hint = visit_attention = visit_seealso = (
        visit_topic
    ) = _notice

    def _markup(self, node: nodes.Node) -> str:
        holder = nodes.container()
        holder.children = [node]
        return self.inner(holder)

    def visit_literal_block(self, node: nodes.literal_block) -> None:
        text = without_colours(node.astext()).rstrip()
        self.write(f"\n\n#raw({literal(text)}, block: true)\n\n")
        raise nodes.SkipNode

    def visit_image(self, node: nodes.image) -> None:
        caption, alternative, path = self._picture(node)
        if isinstance(node.parent, nodes.TextElement):
            self.write(f"#box(image({literal(path)}, alt: {literal(alternative)}, height: 1em))")
        else:
            self.write(f"\n\n#chart({literal(path)}, alt: {literal(alternative)}, caption: [{caption}])\n\n")
        raise nodes.SkipNode

    def visit_figure(self, node: nodes.figure) -> None:
        image = node.next_node(nodes.image)
        if image is None:
            self.complain("a figure without a picture", node)
            raise nodes.SkipNode
        words = node.next_node(nodes.caption)
        caption, alternative, path = self._picture(image)
        caption = self.inner(words) if words is not None else caption
        marks = self.anchors(node["ids"])
        self.write(
            f"\n\n{marks}#chart({literal(path)}, alt: {literal(alternative)}, caption: [{caption}])\n\n"
        )
        raise nodes.SkipNode

    def _picture(self, node: nodes.image) -> tuple[str, str, str]:
        """Caption markup, alternative text and path of a picture; an SVG brings its own words."""
        source = Path(self.builder.srcdir) / node["uri"].lstrip("/")
        if not source.is_file():
            self.complain(f"picture {source.name} is missing", node)
            return "", "", ""
        words = source.read_text(encoding="utf-8") if source.suffix == ".svg" else ""
        alternative = node.get("alt") or _element_text(DESCRIPTION, words)
        if not alternative:
            self.complain(f"picture {source.name} has no alternative text", node)
        name = f"{hashlib.sha256(source.read_bytes()).hexdigest()[:20]}{source.suffix}"
        self.pictures[name] = str(source)
        return _caption(_element_text(TITLE, words)), alternative, f"/images/{name}"

    def visit_table(self, node: nodes.table) -> None:
        title = next((child for child in node.children if isinstance(child, nodes.title)), None)
        group = node.next_node(nodes.tgroup)
        head = next((part for part in group.children if isinstance(part, nodes.thead)), None)
        body = next((part for part in group.children if isinstance(part, nodes.tbody)), None)
        caption = self.inner(title) if title is not None else ""
        table = TableShape(caption, self._rows(head), self._rows(body))
        faults = table_problems(table)
        for fault in faults:
            self.complain(fault, node)
        markup = self.anchors(node["ids"]) + ("" if faults else typst_table(table))
        self.write(f"\n\n#sideways[{markup}]\n\n" if is_sideways(table) else markup)
        raise nodes.SkipNode

    def _rows(self, part: nodes.Element | None) -> tuple[tuple[Cell, ...], ...]:
        return tuple(
            tuple(map(self._cell, row.children)) for row in (part.children if part is not None else ())
        )

    def _cell(self, entry: nodes.Element) -> Cell:
        spans = entry.get("morecols", 0) + 1, entry.get("morerows", 0) + 1
        return Cell(self.inner(entry).strip(), " ".join(entry.astext().split()), *spans)

    def visit_raw(self, node: nodes.raw) -> None:
        if node.get("format") == "html":
            reader = HtmlReader()
            self.write(reader.read(node.astext()))
            for problem in reader.problems:
                self.complain(problem, node)
        raise nodes.SkipNode

    def visit_container(self, node: nodes.container) -> None:
        if node.get("nb_element") == "cell_code_source" and NO_CODE & set(node.parent["classes"]):
            raise nodes.SkipNode
        self.write("\n\n")

    def depart_container(self, node: nodes.container) -> None:
        self.write("\n\n")

    def visit_compound(self, node: nodes.compound) -> None:
        if "toctree-wrapper" in node["classes"]:
            raise nodes.SkipNode

    def depart_compound(self, node: nodes.compound) -> None:
        """A compound has no end of its own."""

    def _mathematics(self, node: nodes.Node) -> None:
        self.complain("formulas cannot be shown; say it in words", node)
        raise nodes.SkipNode

    visit_math = visit_math_block = _mathematics


def _element_text(pattern: re.Pattern[str], svg: str) -> str:
    match = pattern.search(svg)
    return html.unescape(match[1]).strip() if match else ""


def _caption(text: str) -> str:
    """Caption markup: the first sentence, which is the chart's message, in bold."""
    match = FIRST_SENTENCE.match(text)
    return f"#strong[{escape(match[1])}]{escape(match[2])}" if match else escape(text)
