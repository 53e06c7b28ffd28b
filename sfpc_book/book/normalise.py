"""Make equal runs of a notebook give equal bytes.

Taken away: cell ids and timings of the run, the runner's own metadata, the version of Python, the way the
kernel happened to cut a stream of text into pieces. Kept: sources, outputs, tags, the kernel's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

KEPT_METADATA = ("kernelspec", "language_info")
VOLATILE_CELL_METADATA = ("papermill", "execution", "collapsed", "scrolled")
INJECTED, HIDDEN = "injected-parameters", "remove-cell"


def normalise(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook without anything that differs between equal runs. The one given is left as it is."""
    kept = {key: dict(notebook["metadata"][key]) for key in KEPT_METADATA if key in notebook["metadata"]}
    kept.get("language_info", {}).pop("version", None)
    cells = [_cell(cell, number) for number, cell in enumerate(notebook["cells"])]
    return {"cells": cells, "metadata": kept, "nbformat": 4, "nbformat_minor": 5}


def notebook_bytes(notebook: dict[str, Any]) -> bytes:
    """The one way a notebook is written: sorted keys, one-space indent, UTF-8."""
    text = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False)
    return (text + "\n").encode()


def _cell(cell: dict[str, Any], number: int) -> dict[str, Any]:
    metadata = {key: value for key, value in cell["metadata"].items() if key not in VOLATILE_CELL_METADATA}
    tags = metadata.get("tags", [])
    if INJECTED in tags and HIDDEN not in tags:
        metadata["tags"] = [*tags, HIDDEN]
    kept = {key: cell[key] for key in ("cell_type", "source", "attachments") if key in cell}
    result = {**kept, "id": f"cell-{number:03d}", "metadata": metadata}
    if cell["cell_type"] == "code":
        result["execution_count"] = cell.get("execution_count")
        result["outputs"] = _merged(cell.get("outputs", []))
    return result


def _merged(outputs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Outputs with neighbouring pieces of the same stream put together."""
    merged: list[dict[str, Any]] = []
    for output in outputs:
        last = merged[-1] if merged else {}
        if output["output_type"] == "stream" and last.get("name") == output["name"]:
            merged[-1] = {**last, "text": _text(last["text"]) + _text(output["text"])}
        else:
            merged.append(dict(output))
    return merged


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)
