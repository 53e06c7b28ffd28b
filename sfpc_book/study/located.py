"""Where in a YAML file something stands, and what could have stood there: for messages about faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel

Where = Sequence[str | int]


def line_of(marked: Any, where: Where) -> int:
    """1-based line of the deepest part of `where` that a file read with marks has."""
    line, part = 1, marked
    for step in where:
        try:
            position = part.lc.key(step) if isinstance(part, Mapping) else part.lc.item(step)
            line, part = position[0] + 1, part[step]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line


def keys_at(model: Any, where: Where) -> list[str]:
    """Keys that the part of a pydantic model at `where` may have."""
    for step in where:
        if isinstance(model, type) and issubclass(model, BaseModel):
            model = model.model_fields[str(step)].annotation
        else:
            model = next((part for part in reversed(get_args(model)) if part is not Ellipsis), None)
        while not isinstance(model, type) and type(None) in get_args(model):
            model = next(part for part in get_args(model) if part is not type(None))
    return list(getattr(model, "model_fields", {}))
