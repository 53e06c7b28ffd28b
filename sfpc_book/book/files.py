"""Write a file aside and move it into place, so that nobody ever sees half of it."""

from __future__ import annotations

import os
from pathlib import Path


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a whole file or none; folders are made as needed. A file that is equal already is left alone."""
    if path.is_file() and path.read_bytes() == content:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    aside.write_bytes(content)
    aside.replace(path)
    return path


def write_text(path: Path, content: str) -> Path:
    """`write_bytes` for text, in UTF-8."""
    return write_bytes(path, content.encode())
