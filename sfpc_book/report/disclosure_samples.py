"""Sizes of samples, definitions of exposure and cells of the trial, fit to publish.

Samples lie within each other: the number of one, taken from that of another, is the number of children
between them. So a number is hidden not only when it is small, but also when its group differs in few children
from the nearest group published above it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.report.disclosure import (
    PublishedCounts,
    is_small,
    least_shown,
    published,
    rounded,
)
from sfpc_book.report.disclosure_hidden import hide_in_rows
from sfpc_book.report.disclosure_periods import hidden_sizes
from sfpc_book.report.disclosure_returns import safe_text
from sfpc_book.study.schema import Disclosure

SAMPLE_COUNTS = ["n_children", "n_exposed", "n_unexposed", "n_linked"]
EXPOSURE_COUNTS = ["n_children", "n_exposed", "n_unexposed", "n_unknown", "n_differs"]


def publish_samples(samples: pd.DataFrame, disclosure: Disclosure) -> PublishedCounts:
    """Numbers of children of each sample: all, exposed, not exposed, linked.

    Hidden are small numbers, numbers at a small distance from those of a sample above, the linked where the
    others are few, and one more of all, exposed and not exposed where one of them is hidden. Columns sample,
    state, reason, those of `SAMPLE_COUNTS`, suppressed.
    """
    counts = samples[SAMPLE_COUNTS].to_numpy(float)
    distances = samples[[name.replace("n_", "distance_", 1) for name in SAMPLE_COUNTS]].to_numpy(float)
    hidden = is_small(counts, disclosure) | is_small(distances, disclosure)
    hidden[:, 3] |= is_small(counts[:, 0] - counts[:, 3], disclosure)
    hidden[:, :3] = hide_in_rows(counts[:, :3], hidden[:, :3], least_shown(disclosure))
    shown = np.where(hidden, np.nan, rounded(counts, disclosure))
    reasons = [safe_text(text, disclosure) for text in samples["reason"].fillna("").astype(str)]
    frame = samples[["sample", "state"]].assign(
        reason=reasons, **dict(zip(SAMPLE_COUNTS, shown.T, strict=True))
    )
    return published(frame.assign(suppressed=hidden.any(axis=1)), "samples", disclosure)


def publish_exposures(exposures: pd.DataFrame, disclosure: Disclosure) -> PublishedCounts:
    """Numbers of children by definition of exposure and horizon, and in how many it differs from the main
    one.

    Hidden are small numbers; exposed and not exposed where few children were gained or lost against the main
    definition, or the distance to a group above is small; and one more of exposed, not exposed and not known
    where one of them is hidden. Columns exposure, horizon, those of `EXPOSURE_COUNTS`, suppressed.
    """
    exposures = exposures.assign(n_differs=exposures["n_gained"] + exposures["n_lost"])
    counts = exposures[EXPOSURE_COUNTS].to_numpy(float)
    moved = exposures[["n_gained", "n_lost"]].to_numpy(float)
    distances = exposures[["distance_exposed", "distance_unexposed"]].to_numpy(float)
    hidden = is_small(counts, disclosure)
    hidden[:, 1:3] |= is_small(distances, disclosure) | is_small(moved, disclosure).any(axis=1)[:, None]
    hidden[:, 1:4] = hide_in_rows(counts[:, 1:4], hidden[:, 1:4], least_shown(disclosure))
    shown = np.where(hidden, np.nan, rounded(counts, disclosure))
    frame = exposures[["exposure", "horizon"]].assign(**dict(zip(EXPOSURE_COUNTS, shown.T, strict=True)))
    return published(frame.assign(suppressed=hidden.any(axis=1)), "exposures", disclosure)


def publish_allocation(
    allocation: pd.DataFrame, baseline: PublishedCounts, disclosure: Disclosure
) -> PublishedCounts:
    """Children by authority and period; hidden is what the table of sizes hides, since they are the same.

    `baseline` are the published descriptives of these children. Columns of the input but `n_linked`, and
    suppressed.
    """
    hidden = hidden_sizes(allocation.assign(n=allocation["n_children"]), baseline, disclosure)
    shown = np.where(hidden, np.nan, rounded(allocation["n_children"], disclosure))
    frame = allocation.drop(columns="n_linked").assign(n_children=shown, suppressed=hidden)
    return published(frame, "allocation", disclosure)
