"""How a page says where its numbers come from: tag and sentence for every combination of data statuses."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class StatusNotice:
    """What a reader is told about a page's data. `suffix` ends tab titles and PDF titles; empty if real."""

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
    "Results marked as synthetic on this page come from made-up records; the others are real statistics.",
    "partly synthetic data",
)
RETURNS = StatusNotice(
    "returns", "Data returns", "Results on this page come from the authorities' data returns.", ""
)
PUBLISHED = StatusNotice(
    "published", "Published statistics", "Figures on this page come from published official statistics.", ""
)
BOTH_REAL = StatusNotice(
    "returns",
    "Data returns and published statistics",
    "Results on this page come from the authorities' data returns and from published official statistics.",
    "",
)


def notice_of(statuses: Collection[str], *, place: str = "on this page") -> StatusNotice | None:
    """The notice for these data statuses; None where the design alone is shown, or no data at all.

    `place` replaces the words "on this page", for instance by "in this report".
    """
    notice = _notice(set(statuses))
    return replace(notice, text=notice.text.replace("on this page", place)) if notice else None


def _notice(found: set[str]) -> StatusNotice | None:
    if "synthetic" in found:
        return MIXED if found & {"returns", "published"} else SYNTHETIC
    if "returns" in found:
        return BOTH_REAL if "published" in found else RETURNS
    return PUBLISHED if "published" in found else None
