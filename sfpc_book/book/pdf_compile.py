"""Typst source to PDF: fonts that ship with the package, the PDF/UA-1 standard enforced, no date, equal
bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import typst

from sfpc_book.book.pdf_finish import finish_pdf

FONTS = Path(__file__).parent / "fonts"
FIXED_TIME = 0  # no PDF carries a date; Typst still asks what time it is


@dataclass(frozen=True)
class PdfJob:
    """One PDF to make: its name without suffix, its outermost source, and the pages it contains."""

    name: str
    source: str
    docnames: tuple[str, ...]


def compile_jobs(folder: Path, jobs: Iterable[PdfJob], web: str) -> list[str]:
    """Compile every job below `folder` into `folder/pdf`; returns what went wrong, one text per fault."""
    compiler = typst.Compiler(root=str(folder), font_paths=[str(FONTS)], ignore_system_fonts=True)
    return [fault for job in jobs for fault in _compile(compiler, folder, job, web)]


def _compile(compiler: typst.Compiler, folder: Path, job: PdfJob, web: str) -> Iterator[str]:
    main = folder / f"main-{job.name}.typ"
    main.write_text(job.source, encoding="utf-8")
    target = folder / "pdf" / f"{job.name}.pdf"
    try:
        _, warnings = compiler.compile_with_warnings(
            str(main),
            output=str(target),
            format="pdf",
            pdf_standards=["ua-1"],
            timestamp=FIXED_TIME,
            sys_inputs={"docs": "|".join(job.docnames), "web": web},
        )
    except typst.TypstError as fault:
        yield _told(job, fault)
        return
    yield from (_told(job, warning) for warning in warnings)
    finish_pdf(target)


def _told(job: PdfJob, fault: typst.TypstError | typst.TypstWarning) -> str:
    """The fault in one line: which PDF, what is wrong, what Typst suggests."""
    return f"{job.name}.pdf: {'; '.join([fault.message, *fault.hints])}"
