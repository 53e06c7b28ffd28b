"""What a chart function returns: the chart with its words and its data, before it belongs to a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Drawing:
    """A chart with the texts made from the same rows.

    `chart` is an Altair chart or a Vega-Lite dictionary; `data` are the tidy rows drawn (they become the
    CSV file); `cells`, if given, is the same table formatted for reading. A page turns a drawing into a
    `Figure`.
    """

    chart: Any
    title: str
    subtitle: str
    alt: str
    data: pd.DataFrame
    source: str
    cells: pd.DataFrame | None = None


@dataclass(frozen=True)
class Absence:
    """Said in place of a chart, table or sentence when there is nothing it could truthfully show."""

    reason: str


def shortened(text: str, limit: int = 250) -> str:
    """Alt text cut at a word to at most `limit` characters, ending in a full stop."""
    if len(text) <= limit:
        return text
    return text[: limit - 1].rsplit(" ", 1)[0].rstrip(",;: ") + "."
