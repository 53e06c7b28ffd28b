"""Put a finished folder in the place of an older one, all at once."""

from __future__ import annotations

import shutil
from pathlib import Path


def put_in_place(staging: Path, target: Path) -> Path:
    """Rename `staging` to `target`; an older `target` is moved aside first and removed afterwards."""
    old = target.with_name(f".{target.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    staging.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return target
