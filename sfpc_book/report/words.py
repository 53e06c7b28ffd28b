"""Sentences and notes as a page shows them: Markdown whose data status is kept beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sfpc_book.errors import ParameterError
from sfpc_book.report.markup import DATA_STATUSES


@dataclass(frozen=True)
class Words:
    """Text that numbers went into. Shown as Markdown; marked when the numbers come from synthetic data."""

    text: str
    data_status: str

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ParameterError("a sentence on a page is empty")
        if self.data_status not in DATA_STATUSES:
            allowed = ", ".join(DATA_STATUSES)
            raise ParameterError(f"a sentence has data status {self.data_status!r}; allowed: {allowed}")

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        gap = "\n\n" if self.text.startswith("- ") else " "
        text = f"**Synthetic data.**{gap}{self.text}" if self.data_status == "synthetic" else self.text
        return {"text/markdown": text, "text/plain": text}


def paragraph(sentences: Sequence[str]) -> str:
    """Sentences joined into one paragraph; empty ones are dropped."""
    return " ".join(sentence for sentence in sentences if sentence)


def bullets(items: Sequence[str]) -> str:
    """Items as a Markdown list."""
    return "\n".join(f"- {item}" for item in items)
