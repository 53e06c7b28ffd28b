"""The panel of definitions of exposure that differ from child to child, split by the last start under which a
child would be exposed: what the exact test needs to work out exposure under every order of go-lives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from sfpc_book.cohort.exposures import last_start_column
from sfpc_book.study.registries import Exposure

KEY = ["outcome", "horizon", "authority", "period", "last_start"]
COLUMNS = ["sample", "exposure", *KEY, "n_children", "value_mean"]


def panel_by_start(
    children: pd.DataFrame,
    outcomes: pd.DataFrame,
    exposures: Iterable[Exposure],
    horizons: Sequence[int],
    samples: Iterable[str],
) -> pd.DataFrame:
    """Children observed and the mean of their outcome by authority, period and last start.

    Parameters
    ----------
    children
        With `in_<sample>` for each sample of the population, and `last_start_<definition>_<horizon>`.
    outcomes
        Long by child, see `outcomes_table`.

    Returns
    -------
    DataFrame with `COLUMNS`; samples of another population have no rows, and only cells with children have
    one. A child whose exposure is not known is in none.
    """
    seen = outcomes.loc[outcomes["state"] == "observed"].astype({"outcome": "str", "authority": "str"})
    place = pd.Index(children["child_key"]).get_indexer(seen["child_key"])
    parts = []
    for sample in (name for name in samples if f"in_{name}" in children):
        inside = children[f"in_{sample}"].to_numpy(dtype=bool)[place]
        for part in exposures:
            if part.samples is None or sample in part.samples:
                split = _split(seen, children, place, inside, part, horizons)
                parts.append(split.assign(sample=sample, exposure=part.id))
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def _split(
    seen: pd.DataFrame,
    children: pd.DataFrame,
    place: pd.Index,
    inside: pd.Series,
    part: Exposure,
    horizons: Sequence[int],
) -> pd.DataFrame:
    """One sample by one definition, all horizons."""
    found = []
    for months in horizons:
        chosen = inside & (seen["horizon"] == months).to_numpy()
        last = children[last_start_column(part.id, months)].to_numpy()[place[chosen]]
        found.append(seen[chosen].assign(last_start=pd.array(last, "Int8")).dropna(subset=["last_start"]))
    grouped = pd.concat(found).groupby(KEY, observed=True)["value"].agg(["size", "mean"]).reset_index()
    named = grouped.rename(columns={"size": "n_children", "mean": "value_mean"})
    return named.astype({"last_start": int})
