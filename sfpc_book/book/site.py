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
from dataclasses import dataclass
from pathlib import Path

from jupyter_book.config import get_final_config
from sphinx.application import Sphinx
from sphinx.util.console import nocolor
from sphinx.util.docutils import docutils_namespace, patch_docutils

from sfpc_book.book.assemble_facts import MANIFEST_NAME, read_facts
from sfpc_book.book.folders import put_in_place
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


def build_book(build: Path, *, base_url: str | None = None, jobs: int = 1) -> BookResult:
    """Bind `build/book` into `build/site` and `build/pdf`.

    `base_url` is the address under which the site will stand (default: `html: baseurl` of `_config.yml`);
    PDFs link to it, or to the files beside them when it is empty. `jobs` is the number of Sphinx processes.
    Raises `BookBuildError` listing every warning of both runs; the previous site and PDFs then stay as they
    are.
    """
    source = (build / "book").resolve()
    facts = read_facts(source / MANIFEST_NAME)
    work = (build / ".binding").resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    faults = _run(source, work, "typst", base_url=base_url, jobs=jobs)
    if not faults:
        faults = _run(source, work, "html", base_url=base_url, jobs=jobs)
    if faults:
        raise BookBuildError(f"the book has {len(faults)} faults and was not published", faults)
    site, pdf = _publish(source, work, build)
    return BookResult(site, pdf, len(facts.pages), tuple(sorted(pdf.glob("*.pdf"))))


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


def _publish(source: Path, work: Path, build: Path) -> tuple[Path, Path]:
    """Add PDFs, data and the chart script to the site, drop Sphinx's own files, and put both in place."""
    site, pdfs = work / "html", work / "typst" / "pdf"
    for name in NOT_PUBLISHED:
        path = site / name
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.copytree(pdfs, site / "pdf")
    for name in ("data", "assets"):
        if (source / name).is_dir():
            shutil.copytree(source / name, site / name, dirs_exist_ok=True)
    result = put_in_place(site, build / "site"), put_in_place(pdfs, build / "pdf")
    shutil.rmtree(work, ignore_errors=True)
    return result
