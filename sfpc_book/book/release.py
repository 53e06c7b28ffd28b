"""The list of published files with their checksums, in the form that `sha256sum --check` reads."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sfpc_book.errors import BookBuildError

FOLDERS = ("site", "pdf")
CHECKSUMS = "SHA256SUMS"


def write_checksums(build: Path) -> Path:
    """Write `build/release/SHA256SUMS` for the site and the PDFs; paths are relative to `build`.

    Raises `BookBuildError` when there is nothing to publish.
    """
    lines = checksum_lines(build)
    if not lines:
        raise BookBuildError("there is no site to release; build the book first")
    path = build / "release" / CHECKSUMS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def checksum_lines(build: Path) -> list[str]:
    """One line per published file, in the order of paths: digest, two spaces, path."""
    files = sorted(path for name in FOLDERS for path in (build / name).rglob("*") if path.is_file())
    return [f"{_digest(path)}  {path.relative_to(build).as_posix()}" for path in files]


def changed_files(build: Path) -> list[str]:
    """Paths that are new, gone or different from the checksums written last."""
    written = (build / "release" / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    different = set(written) ^ set(checksum_lines(build))
    return sorted({line.split("  ", 1)[1] for line in different})


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
