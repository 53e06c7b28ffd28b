"""The sample flow, fit to publish."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.report.disclosure import PublishedCounts, is_small, least_shown, published, rounded, stand_in
from sfpc_book.study.schema import Disclosure


def publish_flow(flow: pd.DataFrame, disclosure: Disclosure) -> PublishedCounts:
    """The sample flow of each authority and of all together (`authority` = `all`).

    Boxes are summed anew from the last but one that is kept, the children whom every other table describes:
    above it, what is kept is the number below plus the exclusions between; below it, less them. A hidden
    box stands in every sum as the same number whatever it holds, so nothing here, nor a table of the same
    children, gives it back. The row order of the input (within an authority) is the order of the flow.
    """
    parts = [_published_flow(part, disclosure) for _, part in flow.groupby("authority", sort=False)]
    frame = pd.concat(parts, ignore_index=True)
    if len(parts) == 1:
        return published(frame.drop(columns="summed"), "flow", disclosure)
    keys = ["model", "step", "box", "kind"]
    total = frame.groupby(keys, sort=False, as_index=False).agg(
        n=("summed", "sum"), hidden=("n", _all_missing)
    )
    hidden = total["hidden"] | is_small(total["n"], disclosure)
    total = total.assign(authority="all", suppressed=hidden).drop(columns="hidden")
    total["n"] = total["n"].mask(total["suppressed"])
    return published(pd.concat([frame.drop(columns="summed"), total]), "flow", disclosure)


def _all_missing(values: pd.Series) -> bool:
    return bool(values.isna().all())


def _published_flow(flow: pd.DataFrame, disclosure: Disclosure) -> pd.DataFrame:
    """One authority's flow with `n` published and `summed`, the number that sums use where it is hidden."""
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
    columns = [name for name in ("model", "authority", "step", "box", "kind") if name in flow]
    return flow[columns].assign(n=np.where(hidden, np.nan, summed), summed=summed, suppressed=hidden)
