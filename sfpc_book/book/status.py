"""How a page says where its numbers come from: the tag and the sentence for every combination of data
statuses.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class StatusNotice:
    """What a reader is told about a page's data. `suffix` ends the tab title and the PDF title; empty if
    real.
    """

    kind: str
    tag: str
    text: str
    suffix: str


SYNTHETIC = StatusNotice(
    "synthetic",
    "Synthetic data",
    "Every result on this page comes from made-up records. It shows how the report works, "
    "not what happened to any child, in any authority.",
    "synthetic data",
)
MIXED = StatusNotice(
    "mixed",
    "Partly synthetic data",
    "Some figures on this page come from made-up records and are marked as synthetic; "
    "the others come from real published statistics.",
    "partly synthetic data",
)
RETURNS = StatusNotice(
    "returns", "Data returns", "Results on this page come from the authorities' data returns.", ""
)
PUBLISHED = StatusNotice(
    "published", "Published statistics", "Figures on this page come from published official statistics.", ""
)


def notice_of(statuses: Collection[str]) -> StatusNotice | None:
    """The notice for a page with these data statuses; None for a page about the design alone, or without
    data.
    """
    found = set(statuses)
    if "synthetic" in found:
        return MIXED if found & {"returns", "published"} else SYNTHETIC
    if "returns" in found:
        return RETURNS
    return PUBLISHED if "published" in found else None
