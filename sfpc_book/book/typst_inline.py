"""Inline text for the PDF: emphasis, code, links within the book, to files of the site, to other sites."""

from __future__ import annotations

from docutils import nodes

from sfpc_book.book.typst_text import escape, literal

INTERNAL = "doc:"  # what the builder gives as the address of a page of this book
OTHER_SITES = ("http://", "https://", "mailto:")


class InlineVisitors:
    """Mixed into the translator, which gives `write`, `inner`, `key`, `anchors` and `docname`."""

    def visit_strong(self, node: nodes.strong) -> None:
        self._wrapped("strong", node)

    def visit_emphasis(self, node: nodes.emphasis) -> None:
        self._wrapped("emph", node)

    visit_title_reference = visit_emphasis

    def visit_subscript(self, node: nodes.subscript) -> None:
        self._wrapped("sub", node)

    def visit_superscript(self, node: nodes.superscript) -> None:
        self._wrapped("super", node)

    def _wrapped(self, function: str, node: nodes.Element) -> None:
        self.write(f"#{function}[{self.inner(node)}]")
        raise nodes.SkipNode

    def visit_literal(self, node: nodes.literal) -> None:
        self.write(f"#raw({literal(node.astext())})")
        raise nodes.SkipNode

    def visit_target(self, node: nodes.target) -> None:
        self.write(self.anchors(node["ids"]))

    def depart_target(self, node: nodes.target) -> None:
        """A target has no end of its own."""

    def visit_reference(self, node: nodes.reference) -> None:
        self.write(self._link(node, self.inner(node) or escape(node.astext())))
        raise nodes.SkipNode

    def _link(self, node: nodes.reference, words: str) -> str:
        address = node.get("refuri", "")
        if "refid" in node:
            return self._page_link(self.docname, node["refid"], words)
        if address.startswith(INTERNAL):
            docname, _, identifier = address.removeprefix(INTERNAL).partition("#")
            return self._page_link(docname, identifier, words)
        if address.startswith(OTHER_SITES):
            return f"#link({literal(address)})[{words}]"
        if address.startswith("#"):
            return self._page_link(self.docname, address[1:], words)
        if address:
            return f"#web-link({literal(address.removeprefix('../'))})[{words}]"
        return words

    def _page_link(self, docname: str, identifier: str, words: str) -> str:
        return f"#page-link({literal(docname)}, {literal(identifier)})[{words}]"

    def visit_footnote_reference(self, node: nodes.footnote_reference) -> None:
        key = self.key(node["refid"])
        if key in self.footnotes_seen:
            self.write(f"#footnote(label({literal(key)}))")
        else:
            self.footnotes_seen.add(key)
            note = self.footnotes[node["refid"]]
            words = "".join(
                self.inner(child) for child in note.children if not isinstance(child, nodes.label)
            )
            self.write(f"#footnote[{words.strip()}]#label({literal(key)})")
        raise nodes.SkipNode
