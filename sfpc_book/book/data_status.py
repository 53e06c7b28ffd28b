"""Real or synthetic: what the manifest of a data folder says."""

from __future__ import annotations

import json
from pathlib import Path

from sfpc_book.errors import SfpcBookError


def status_of_folder(folder: Path, *, real: str) -> str:
    """`synthetic` if the folder's manifest says so, else `real`. A folder without a manifest holds real
    data."""
    path = folder / "manifest.json"
    if not path.is_file():
        return real
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        synthetic = manifest["synthetic"]
    except (ValueError, KeyError, TypeError):
        synthetic = None
    if not isinstance(synthetic, bool):
        text = f"{path.name} in {folder} does not say whether the data are synthetic"
        raise SfpcBookError(f'{text}; it needs {{"synthetic": true}} or {{"synthetic": false}}')
    return "synthetic" if synthetic else real
