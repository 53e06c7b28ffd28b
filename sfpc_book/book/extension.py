"""The Sphinx extension that binds this book: an own theme, an own PDF builder, the facts of the manifest.

Jupyter Book loads it through `_config.yml`. It needs the manifest `book.json` that `assemble_book` writes
beside the pages.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config

from sfpc_book.book.assemble_facts import MANIFEST_NAME, read_facts
from sfpc_book.book.extension_html import add_page_context
from sfpc_book.book.pdf_builder import BUILDER_NAME, TypstBuilder

HERE = Path(__file__).parent

# What a PDF shows of an output with several forms: the drawn chart first, then tables, then text.
PDF_MIME_TYPES = ("image/svg+xml", "text/html", "text/markdown")


def setup(app: Sphinx) -> dict[str, object]:
    """Register theme, builder, configuration and events."""
    app.add_html_theme("sfpc", str(HERE / "theme"))
    app.add_builder(TypstBuilder)
    app.add_config_value("sfpc_pdf_folder", "", "", str)
    app.connect("config-inited", _configure, priority=1)
    app.connect("builder-inited", _load_facts)
    app.connect("doctree-read", _link_data_files, priority=100)
    app.connect("build-finished", _add_files)
    app.connect("html-page-context", add_page_context, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _configure(app: Sphinx, config: Config) -> None:
    priorities = [(BUILDER_NAME, kind, 1 + place) for place, kind in enumerate(PDF_MIME_TYPES)]
    config.nb_mime_priority_overrides = [*config.nb_mime_priority_overrides, *priorities]
    config.html_permalinks = False
    # Jupyter Book passes on options of its own theme (launch buttons and such), which this theme does not
    # have.
    config.html_theme_options = {}


def _load_facts(app: Sphinx) -> None:
    app.sfpc_facts = read_facts(Path(app.srcdir) / MANIFEST_NAME)


def _link_data_files(app: Sphinx, doctree: nodes.document) -> None:
    """A link to a data file leads to where the file lies in the site, not to a second copy that Sphinx
    would make.
    """
    home = "../" * app.env.docname.count("/")
    for node in list(doctree.findall(addnodes.download_reference)):
        source = Path(app.srcdir, app.env.docname).parent / node["reftarget"]
        place = source.resolve().relative_to(Path(app.srcdir).resolve()).as_posix()
        link = nodes.reference("", "", *node.children, refuri=home + place, classes=["data-file"])
        node.replace_self(link)


def _add_files(app: Sphinx, fault: Exception | None) -> None:
    """The site is complete only with data files, the chart script and the PDFs made before."""
    if fault is not None or app.builder.format != "html":
        return
    folders = {name: Path(app.srcdir) / name for name in ("data", "assets")}
    if app.config.sfpc_pdf_folder:
        folders["pdf"] = Path(app.config.sfpc_pdf_folder)
    for name, folder in folders.items():
        if folder.is_dir():
            shutil.copytree(folder, Path(app.outdir) / name, dirs_exist_ok=True)
