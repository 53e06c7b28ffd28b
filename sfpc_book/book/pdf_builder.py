"""A Sphinx builder that writes each page as Typst source and compiles one PDF per page and one for the book.

It shares its document trees with the HTML builder, so nothing is read twice. Its warnings, Typst's own
included, are gathered like all others and fail the build. Source of the format: PDF/UA-1 (ISO 14289-1) as
Typst enforces it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.builders import Builder
from sphinx.util import logging

from sfpc_book.book.pdf_compile import PdfJob, compile_jobs
from sfpc_book.book.pdf_documents import book_source, page_source
from sfpc_book.book.typst_inline import INTERNAL
from sfpc_book.book.typst_translator import TypstTranslator

LOG = logging.getLogger(__name__)
HERE = Path(__file__).parent
BUILDER_NAME = "typst"


class TypstBuilder(Builder):
    """`outdir` receives the Typst sources and, in `pdf/`, one tagged PDF per page and `book.pdf`."""

    name = BUILDER_NAME
    format = "typst"
    epilog = "The PDFs are in %(outdir)s/pdf."
    supported_image_types = ["image/svg+xml", "image/png", "image/jpeg"]

    def get_outdated_docs(self) -> list[str]:
        return sorted(self.env.found_docs)

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        return INTERNAL + docname

    def get_relative_uri(self, from_: str, to: str, typ: str | None = None) -> str:
        return self.get_target_uri(to, typ)

    def prepare_writing(self, docnames: set[str]) -> None:
        self.labels: list[str] = []
        out = Path(self.outdir)
        for name in ("images", "pdf"):
            (out / name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / "template.typ", out / "template.typ")

    def write_doc(self, docname: str, doctree: nodes.document) -> None:
        self.current_docname = docname
        translator = TypstTranslator(doctree, self)
        doctree.walkabout(translator)
        out = Path(self.outdir)
        for name, source in translator.pictures.items():
            shutil.copyfile(source, out / "images" / name)
        self.labels += translator.labels
        path = out / f"{docname}.typ"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#import "/template.typ": *\n{translator.text()}', encoding="utf-8")

    def finish(self) -> None:
        out = Path(self.outdir)
        facts = self.app.sfpc_facts
        (out / "labels.json").write_text(json.dumps(dict.fromkeys(self.labels, 1)), encoding="utf-8")
        web = self.config.html_baseurl or "../"
        jobs = [
            PdfJob(page.slug, page_source(facts, page, self.config.author, web), (page.docname,))
            for page in facts.pages
        ]
        everything = tuple(page.docname for page in facts.pages)
        jobs.append(PdfJob("book", book_source(facts, self.config.author, web), everything))
        for fault in compile_jobs(out, jobs, web):
            LOG.warning("PDF: %s", fault, type="sfpc", subtype="pdf")
