"""Say why a chapter or a step failed without repeating anything from the data.

The text of an unknown exception may hold a value (`KeyError: 'child 4711'`), and its traceback prints
frames. Our own errors never hold a child's value and are shown as they are; of any other only the type is
kept, and the words of its message that are neither quoted nor numbers.
"""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from sfpc_book import errors
from sfpc_book.errors import BookBuildError, SfpcBookError

OUR_ERRORS = frozenset(name for name, item in vars(errors).items() if isinstance(item, type))
PATH = re.compile(r"(?:[A-Za-z]:)?(?:[\\/][\w.+-]+)+[\\/]([\w.+-]+)")
FILE_ERRORS = frozenset({"FileNotFoundError", "NotADirectoryError", "IsADirectoryError", "PermissionError"})
IMPORT_ERRORS = frozenset(
    {"ImportError", "ModuleNotFoundError", "AttributeError", "NameError", "SyntaxError"}
)
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
NUMBER = re.compile(r"\d[\d.,:/-]*")
LONGEST = 300


class ChapterError(BookBuildError):
    """A chapter failed: `slug`, the cell (empty if none), and the cause in words that may be published."""

    def __init__(self, slug: str, cell: str, cause: str) -> None:
        self.slug, self.cell, self.cause = slug, cell, cause
        super().__init__(f"chapter {slug} failed{f' in {cell}' if cell else ''}: {cause}")

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        return type(self), (self.slug, self.cell, self.cause)


def cause_of(name: str, message: str) -> str:
    """The cause in publishable words, from an exception's type name and message."""
    if name in OUR_ERRORS:
        return f"{name}: {_without_folders(message)}"
    words = _without_folders(message)
    if name not in FILE_ERRORS | IMPORT_ERRORS:  # those name files and code, never a value
        words = NUMBER.sub("#", QUOTED.sub("'…'", words))
    first = words.strip().splitlines()[0][:LONGEST] if words.strip() else ""
    return f"{name}: {first}" if first else name


def cause_of_exception(error: BaseException) -> str:
    """The same for an exception at hand, with the place in this package where it arose."""
    if isinstance(error, SfpcBookError):
        return error.text()
    package = Path(errors.__file__).parent
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if package in Path(frame.filename).parents
    ]
    where = (
        f" (in {Path(frames[-1].filename).relative_to(package.parent)}, line {frames[-1].lineno})"
        if frames
        else ""
    )
    return cause_of(type(error).__name__, str(error)) + where


def _without_folders(text: str) -> str:
    """Absolute paths cut to the file's name: the rest is about the machine, not about the report."""
    return PATH.sub(r"\1", text)
