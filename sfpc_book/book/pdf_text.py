"""The words that a PDF holds, read back from it: what a reader could copy out of its pages and charts, and
what stands in its titles, alternative texts, links and metadata.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pypdfium2


def pdf_text(path: Path) -> str:
    """Text of all pages, then titles, alternative texts and other words of the document's structure."""
    with pikepdf.open(path) as pdf:
        return "\n".join([*_page_texts(path), *_structure_words(pdf)])


def _page_texts(path: Path) -> Iterator[str]:
    document = pypdfium2.PdfDocument(path)
    try:
        for page in document:
            yield page.get_textpage().get_text_bounded().replace("\r\n", "\n")
    finally:
        document.close()


def _structure_words(pdf: pikepdf.Pdf) -> Iterator[str]:
    """Document information, metadata, link addresses, alternative texts: all strings outside the pages."""
    for thing in pdf.objects:
        if isinstance(thing, pikepdf.Dictionary):
            yield from (str(value) for value in thing.values() if isinstance(value, pikepdf.String))
        elif isinstance(thing, pikepdf.Stream) and thing.get("/Type") == "/Metadata":
            yield thing.read_bytes().decode("utf-8", errors="replace")
