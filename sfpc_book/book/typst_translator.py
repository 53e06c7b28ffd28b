"""From a resolved Sphinx document to Typst source: the walk itself, sections, paragraphs, lists.

Each kind of node has one visitor; a kind that has none is a warning, and warnings fail the build. Links and
inline text are in `typst_inline`, figures, tables and notebook outputs in `typst_blocks`.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxTranslator

from sfpc_book.book.typst_blocks import BlockVisitors
from sfpc_book.book.typst_inline import InlineVisitors
from sfpc_book.book.typst_text import escape, literal

LOG = logging.getLogger(__name__)


class TypstTranslator(InlineVisitors, BlockVisitors, SphinxTranslator):
    """Collects Typst markup in `text()`, anchors in `labels` and drawn charts in `pictures`."""

    def __init__(self, document: nodes.document, builder) -> None:
        super().__init__(document, builder)
        self.docname: str = builder.current_docname
        self.parts: list[str] = []
        self.level = 0
        self.labels: list[str] = []
        self.pictures: dict[str, str] = {}
        self.footnotes = {note["ids"][0]: note for note in document.findall(nodes.footnote)}
        self.footnotes_seen: set[str] = set()

    def text(self) -> str:
        """The Typst source of the whole document."""
        return "".join(self.parts)

    def write(self, markup: str) -> None:
        self.parts.append(markup)

    def inner(self, node: nodes.Element) -> str:
        """The markup of a node's children, apart from the main text."""
        outer, self.parts = self.parts, []
        for child in node.children:
            child.walkabout(self)
        markup, self.parts = "".join(self.parts), outer
        return markup

    def complain(self, message: str, node: nodes.Node) -> None:
        """A fault of the document: a warning, which fails the build once all have been gathered."""
        LOG.warning("PDF: %s", message, location=node, type="sfpc", subtype="pdf")

    def key(self, identifier: str, docname: str = "") -> str:
        return f"{docname or self.docname}#{identifier}"

    def anchors(self, identifiers: list[str]) -> str:
        """Invisible marks that links can point to; each identifier once."""
        fresh = [key for key in map(self.key, identifiers) if key not in self.labels]
        self.labels += fresh
        return "".join(f"#anchor({literal(key)})" for key in fresh)

    def visit_document(self, node: nodes.document) -> None:
        self.write(self.anchors([""]))

    def visit_section(self, node: nodes.section) -> None:
        self.level += 1

    def depart_section(self, node: nodes.section) -> None:
        self.level -= 1

    def visit_title(self, node: nodes.title) -> None:
        if not isinstance(node.parent, nodes.section):
            raise nodes.SkipNode
        marks = self.anchors(node.parent["ids"])
        self.write(f"\n\n#heading(depth: {self.level})[{self.inner(node)}{marks}]\n\n")
        raise nodes.SkipNode

    def visit_paragraph(self, node: nodes.paragraph) -> None:
        self.write("\n\n")

    depart_paragraph = visit_paragraph

    def visit_bullet_list(self, node: nodes.bullet_list) -> None:
        self._list("list", node)

    def visit_enumerated_list(self, node: nodes.enumerated_list) -> None:
        self._list("enum", node, f"start: {node.get('start', 1)}, ")

    def _list(self, function: str, node: nodes.Element, options: str = "") -> None:
        items = "".join(f"[{self.inner(item).strip()}], " for item in node.children)
        self.write(f"\n\n#{function}({options}{items})\n\n")
        raise nodes.SkipNode

    def visit_definition_list(self, node: nodes.definition_list) -> None:
        items = "".join(f"terms.item({self._definition(item)}), " for item in node.children)
        self.write(f"\n\n#terms({items})\n\n")
        raise nodes.SkipNode

    def _definition(self, item: nodes.Element) -> str:
        terms = [child for child in item.children if isinstance(child, nodes.term)]
        words = ", ".join(self.anchors(term["ids"]) + self.inner(term).strip() for term in terms)
        meaning = "".join(self.inner(child) for child in item.children if isinstance(child, nodes.definition))
        return f"[{words}], [{meaning.strip()}]"

    def visit_block_quote(self, node: nodes.block_quote) -> None:
        self.write(f"\n\n#quote(block: true)[{self.inner(node).strip()}]\n\n")
        raise nodes.SkipNode

    def visit_line_block(self, node: nodes.line_block) -> None:
        self.write("\n\n")

    depart_line_block = visit_line_block

    def visit_line(self, node: nodes.line) -> None:
        pass

    def depart_line(self, node: nodes.line) -> None:
        self.write(" \\\n")

    def visit_rubric(self, node: nodes.rubric) -> None:
        self.write(f"\n\n#par(strong[{self.inner(node)}])\n\n")
        raise nodes.SkipNode

    def visit_transition(self, node: nodes.transition) -> None:
        self.write("\n\n#rule\n\n")
        raise nodes.SkipNode

    def visit_Text(self, node: nodes.Text) -> None:
        self.write(escape(node.astext()))

    def pass_through(self, node: nodes.Node) -> None:
        """Nothing of its own to write; the children speak."""

    depart_document = depart_Text = pass_through
    visit_glossary = depart_glossary = pass_through
    visit_inline = depart_inline = pass_through
    visit_abbreviation = depart_abbreviation = pass_through
    visit_compact_paragraph = depart_compact_paragraph = pass_through
    visit_PassthroughTextElement = depart_PassthroughTextElement = pass_through

    def skip(self, node: nodes.Node) -> None:
        """Nodes that no reader sees in any form of the book."""
        raise nodes.SkipNode

    visit_comment = visit_index = visit_meta = visit_substitution_definition = skip
    visit_tabular_col_spec = visit_footnote = visit_system_message = skip

    def unknown_visit(self, node: nodes.Node) -> None:
        self.complain(f"<{node.tagname}> cannot be shown; write it in another way", node)
        raise nodes.SkipNode
