"""The sample flow, fit to publish."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.report.disclosure import PublishedCounts, is_small, least_shown, published, rounded, stand_in
from sfpc_book.study.schema import Disclosure

INNER = ["summed", "least"]  # columns for the sums over authorities, not published


def publish_flow(flow: pd.DataFrame, disclosure: Disclosure) -> PublishedCounts:
    """The sample flow of each authority and of all together (`authority` = `all`).

    Boxes are summed anew from the last but one that is kept, the children whom every other table describes:
    above it, what is kept is the number below plus the exclusions between; below it, less them. A hidden
    box stands in every sum as the same number whatever it holds, so nothing here, nor a table of the same
    children, gives it back. Of all together, a box that leaves children out is hidden where the parts, as
    published, leave it open that it is small. `within` is how far from the true number a box can be at most.
    The row order of the input (within an authority) is the order of the flow.
    """
    parts = [_published_flow(part, disclosure) for _, part in flow.groupby("authority", sort=False)]
    frame = pd.concat(parts, ignore_index=True)
    if len(parts) == 1:
        return published(frame.drop(columns=INNER), "flow", disclosure)
    keys = ["model", "step", "box", "kind"]
    total = frame.groupby(keys, sort=False, as_index=False).agg(
        n=("summed", "sum"), within=("within", "sum"), hidden=("n", _all_missing), least=("least", "sum")
    )
    open_to_be_small = total["kind"].eq("excluded") & is_small(total["least"], disclosure)
    hidden = total["hidden"] | is_small(total["n"], disclosure) | open_to_be_small
    total = total.assign(authority="all", suppressed=hidden).drop(columns=["hidden", "least"])
    total["n"] = total["n"].mask(total["suppressed"])
    return published(pd.concat([frame.drop(columns=INNER), total]), "flow", disclosure)


def _all_missing(values: pd.Series) -> bool:
    return bool(values.isna().all())


def _published_flow(flow: pd.DataFrame, disclosure: Disclosure) -> pd.DataFrame:
    """One authority's flow with `n` published and `within`, and for the sums over authorities `summed`, the
    number they use where it is hidden, and `least`, the fewest children that the published box allows."""
    small = is_small(flow["n"], disclosure)
    own = np.where(small, stand_in(disclosure), rounded(flow["n"], disclosure))
    left_out = flow["kind"].eq("excluded").to_numpy()
    anchor = np.flatnonzero(~left_out)[-2:][0]
    left_so_far = np.cumsum(np.where(left_out, own, 0.0))
    kept = np.maximum(own[anchor] + left_so_far[anchor] - left_so_far, 0.0)
    summed = np.where(left_out, own, kept)
    # Sums are hidden by what is published alone; zero is shown only where rounding cannot have made it.
    certain = own[anchor] == 0 or (least_shown(disclosure) == 1 and disclosure.rounding == 1)
    low = is_small(summed, disclosure) | ((summed == 0) & (not certain))
    is_sum = ~left_out & (np.arange(len(flow)) != anchor)
    hidden = np.where(is_sum, low, small)
    off = _off(own, small, disclosure)
    off_so_far = np.cumsum(np.where(left_out, off, 0.0))
    within = np.where(left_out, off, off[anchor] + np.abs(off_so_far[anchor] - off_so_far))
    columns = [name for name in ("model", "authority", "step", "box", "kind") if name in flow]
    return flow[columns].assign(
        n=np.where(hidden, np.nan, summed), within=within, suppressed=hidden, summed=summed,
        least=np.where(small, 1, np.where(own > 0, least_shown(disclosure), 0)),
    )  # fmt: skip


def _off(own: np.ndarray, small: np.ndarray, disclosure: Disclosure) -> np.ndarray:
    """How far at most each number is from the true one: rounded, or standing in for a hidden one."""
    hidden = max(stand_in(disclosure) - 1, least_shown(disclosure) - 1 - stand_in(disclosure))
    return np.where(small, hidden, np.where(own > 0, disclosure.rounding // 2, 0.0))
