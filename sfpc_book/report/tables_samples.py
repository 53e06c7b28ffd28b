"""Tables of the registry of samples and definitions of exposure, with the children that each one has."""

from __future__ import annotations

import pandas as pd

from sfpc_book.report.disclosure import PublishedCounts, require_published, shown
from sfpc_book.report.formats import NOT_APPLICABLE, NOT_AVAILABLE
from sfpc_book.report.table import TableContent
from sfpc_book.study.schema import Study

SOURCE = "Data returns; samples and definitions of the study file"
SIGNS = {"not_available": NOT_AVAILABLE, "not_applicable": NOT_APPLICABLE}
STATES = {"not_available": "not available", "not_applicable": "not applicable"}
SAMPLE_HEADS = {
    "Children": "n_children",
    "Exposed": "n_exposed",
    "Not exposed": "n_unexposed",
    "Linked to outcomes": "n_linked",
}
EXPOSURE_HEADS = {
    "Exposed": "n_exposed",
    "Not exposed": "n_unexposed",
    "Not known": "n_unknown",
    "Other than in the main definition": "n_differs",
}


def sample_sizes_table(counts: PublishedCounts, study: Study, caption: str) -> TableContent:
    """One row per sample: children, exposed and not exposed, linked, by the main definition of exposure.

    A sample that this model cannot have says so in every cell, and why in the notes.
    """
    frame = require_published(counts, "samples").frame
    signs = frame["state"].map(SIGNS)
    numbers = {
        head: [
            sign if isinstance(sign, str) else number
            for sign, number in zip(signs, shown(frame[name]), strict=True)
        ]
        for head, name in SAMPLE_HEADS.items()
    }
    names = [study.samples[name].name for name in frame["sample"]]
    plans = [study.samples[name].plan_status for name in frame["sample"]]
    absent = tuple(
        f"{study.samples[row.sample].name}: {STATES[row.state]} ({_named(study, row.reason)})."
        for row in frame.itertuples()
        if row.state in STATES
    )
    notes = (
        *absent,
        "A number is also hidden where it differs in few children from that of a sample above it.",
        counts.note(),
    )
    return TableContent(
        pd.DataFrame({"Sample": names, **numbers, "Plan": plans}), caption, notes, SOURCE, frame
    )


def _named(study: Study, reason: str) -> str:
    """A reason with the names of authorities for their slugs."""
    parts = [part.partition(": ") for part in reason.split("; ")]
    return "; ".join(
        f"{study.authorities[slug].name}: {text}" if slug in study.authorities else f"{slug}{colon}{text}"
        for slug, colon, text in parts
    )


def exposures_table(counts: PublishedCounts, study: Study, caption: str) -> TableContent:
    """One row per definition of exposure and horizon, in the main sample."""
    frame = require_published(counts, "exposures").frame
    cells = pd.DataFrame(
        {
            "Definition of exposure": [study.exposures[name].name for name in frame["exposure"]],
            "Follow-up": [f"{months} months" for months in frame["horizon"]],
            **{head: shown(frame[name]) for head, name in EXPOSURE_HEADS.items()},
        }
    )
    parts = [study.exposures[name] for name in dict.fromkeys(frame["exposure"])]
    cautions = tuple(dict.fromkeys(f"{part.caution}." for part in parts if part.caution))
    notes = (
        *cautions,
        "Not known: follow-up stops at the start of care, and the child is not linked or its records end "
        "before the horizon. Such a child is in neither group.",
        counts.note(),
    )
    return TableContent(cells, caption, notes, SOURCE, frame)
