"""Bind the assembled book: PDFs first, so that the site can name their sizes, then the site, from one
reading.

Jupyter Book's own configuration is used (`_config.yml` through `jupyter_book.config`); Sphinx runs twice in
this process and shares its document trees. Every warning is a failure, and all of them are listed together.
Nothing is put in place unless both runs are clean.
"""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jupyter_book.config import get_final_config
from sphinx.application import Sphinx
from sphinx.util.console import nocolor
from sphinx.util.docutils import docutils_namespace, patch_docutils

from sfpc_book.book.assemble_facts import MANIFEST_NAME, read_facts
from sfpc_book.book.folders import put_in_place
from sfpc_book.book.leaks import scan_for_leaks
from sfpc_book.book.release import write_checksums
from sfpc_book.errors import BookBuildError

# Written by Sphinx for its own next run, or for readers of a kind that this site does not serve.
START_OF_WARNING = re.compile(r"\b(WARNING|ERROR|CRITICAL): ")

NOT_PUBLISHED = (".buildinfo", ".buildinfo.bak", "objects.inv", ".doctrees")


@dataclass(frozen=True)
class BookResult:
    """Where the bound book is, and how much of it there is."""

    site: Path
    pdf: Path
    pages: int
    pdf_files: tuple[Path, ...]


def build_book(
    build: Path, *, base_url: str | None = None, jobs: int = 1, contacts: Iterable[str] = ()
) -> BookResult:
    """Bind `build/book` into `build/site` and `build/pdf`, and list their checksums in `build/release`.

    `base_url` is the address under which the site will stand (default: `html: baseurl` of `_config.yml`);
    PDFs link to it, or to the files beside them when it is empty. `jobs` is the number of Sphinx processes,
    `contacts` the email addresses that may be published. Raises `BookBuildError` listing every warning of the
    run, and `DisclosureError` if a page, a PDF or a data file holds what must not be published. Either way
    the previous site and PDFs stay as they are.
    """
    source = (build / "book").resolve()
    facts = read_facts(source / MANIFEST_NAME)
    work = (build / ".binding").resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        _bind(source, work, base_url=base_url, jobs=jobs)
        made = {"site": work / "html", "pdf": work / "typst" / "pdf"}
        scan_for_leaks(build, folders={**made, "book": source}, contacts=contacts)
        site, pdf = (put_in_place(folder, build / name) for name, folder in made.items())
    finally:
        shutil.rmtree(work, ignore_errors=True)
    write_checksums(build)
    return BookResult(site, pdf, len(facts.pages), tuple(sorted(pdf.glob("*.pdf"))))


def _bind(source: Path, work: Path, *, base_url: str | None, jobs: int) -> None:
    """Both Sphinx runs; Sphinx's own files are dropped from the site."""
    for builder in ("typst", "html"):
        faults = _run(source, work, builder, base_url=base_url, jobs=jobs)
        if faults:
            raise BookBuildError(f"the book has {len(faults)} faults and was not published", faults)
    for name in NOT_PUBLISHED:
        path = work / "html" / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)


def _run(source: Path, work: Path, builder: str, *, base_url: str | None, jobs: int) -> list[str]:
    """One Sphinx run; returns its warnings, without the machine's own paths."""
    warnings = io.StringIO()
    nocolor()
    config = _configuration(source, work, base_url)
    with patch_docutils(str(source)), docutils_namespace():
        try:
            app = Sphinx(
                srcdir=source,
                confdir=None,
                outdir=work / builder,
                doctreedir=work / "doctrees",
                buildername=builder,
                confoverrides=config,
                status=None,
                warning=warnings,
                parallel=jobs,
            )
            app.build()
        except Exception as fault:  # whatever stops Sphinx is told with the warnings before it
            return [*_messages(warnings, source), f"{type(fault).__name__}: {fault}"]
    return _messages(warnings, source)


def _configuration(source: Path, work: Path, base_url: str | None) -> dict:
    overrides = {"sfpc_pdf_folder": str(work / "typst" / "pdf")}
    if base_url is not None:
        overrides["html_baseurl"] = base_url
    config, _ = get_final_config(
        user_yaml=source / "_config.yml",
        cli_config={"latex_individualpages": False, **overrides},
        sourcedir=source,
        raise_on_invalid=True,
    )
    return config


def _messages(warnings: io.StringIO, source: Path) -> list[str]:
    """One text per warning; what follows a warning on lines of its own belongs to it."""
    messages: list[str] = []
    for line in warnings.getvalue().replace(f"{source}/", "").splitlines():
        if START_OF_WARNING.search(line) or not messages:
            messages.append(line.strip())
        elif line.strip():
            messages[-1] += f" {line.strip()}"
    return [message for message in messages if message]
