"""Small wedges and panels for the tests of estimates, and naive versions of what is tested."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from sfpc_book.study.wedge import Wedge

GOLDEN = Path(__file__).parent / "golden"


def wedge(
    starts: Sequence[int], strata: Sequence[str] | None = None, *, model: str = "family_safeguarding"
) -> Wedge:
    """A wedge of authorities a, b, ... whose first exposed periods are `starts`; periods are months."""
    names = tuple("abcdefghijklmnop"[: len(starts)])
    months = tuple(date(2020 + i // 12, 1 + i % 12, 1) for i in range(max(starts) + 1))
    return Wedge(
        model_id=model,
        authorities=names,
        go_live={name: months[start] for name, start in zip(names, starts, strict=True)},
        stratum=dict(zip(names, strata or ["all"] * len(starts), strict=True)),
        window_start=months[0],
        window_end=date(2024, 1, 1),
        period_starts=months,
    )


FIVE = (1, 2, 3, 4, 5)
FIVE_STRATA = ("high", "high", "low", "low", "low")


def panel(
    design: Wedge,
    *,
    seed: int = 1,
    effect: float = 0.0,
    growth: float = 0.0,
    noise: float = 0.02,
    children: tuple[int, int] = (40, 400),
) -> pd.DataFrame:
    """Cells of one outcome; the effect is `effect` + `growth` x exposure time, noise has sd `noise`."""
    rng = np.random.default_rng(seed)
    frame = design.design_table().drop(columns="period_end")
    levels = dict(zip(design.authorities, rng.normal(0.06, 0.02, 99), strict=False))
    authority = frame["authority"].map(levels)
    period = frame["period"].map(dict(enumerate(rng.normal(0, 0.01, 99))))
    truth = frame["exposed"] * (effect + growth * frame["exposure_time"])
    frame["n_children"] = rng.integers(*children, len(frame))
    frame["value_mean"] = authority + period + truth + rng.normal(0, noise, len(frame))
    return filled(frame, design.model_id)


def filled(frame: pd.DataFrame, model: str) -> pd.DataFrame:
    """Add the columns of the cohort's panel that follow from the cells."""
    return frame.assign(
        model=model,
        sample="main",
        exposure="go_live",
        outcome="looked_after",
        horizon=18,
        n_events=(frame["value_mean"] * frame["n_children"]).round(),
        n_not_observed=0,
    )


def reference(clusters: str) -> tuple[pd.DataFrame, Wedge]:
    """The reference wedge, all `14` clusters or the `5` odd ones up to 9; outcome in percentage points."""
    raw = pd.read_csv(GOLDEN / "wedge_14_clusters.csv")
    if clusters == "5":
        raw = raw[raw["cluster"].isin([1, 3, 5, 7, 9])]
    names = dict(zip(sorted(raw["cluster"].unique()), "abcdefghijklmnop", strict=False))
    frame = pd.DataFrame(
        {
            "authority": raw["cluster"].map(names),
            "period": raw["period"] - 1,
            "exposed": raw["exposed"],
            "exposure_time": raw.groupby("cluster")["exposed"].cumsum(),
            "n_children": raw["children"],
            "value_mean": 100 * raw["events"] / raw["children"],
        }
    ).reset_index(drop=True)
    starts = frame[frame["exposed"] == 1].groupby("authority")["period"].min()
    return filled(frame, "reference"), wedge(starts.tolist(), model="reference")


def expected(clusters: str, weights: str, analysis: str) -> Mapping[str, float]:
    """Reference numbers by quantity."""
    rows = pd.read_csv(GOLDEN / "wedge_expected.csv", dtype={"clusters": str})
    chosen = rows[
        (rows["clusters"] == clusters) & (rows["weights"] == weights) & (rows["analysis"] == analysis)
    ]
    return dict(zip(chosen["quantity"], chosen["value"], strict=True))


def dummies(frame: pd.DataFrame) -> np.ndarray:
    """Exposure, then a column for each authority and each period but one: an independent design matrix."""
    columns = [frame["exposed"].to_numpy(float)]
    columns += [(frame["authority"] == name).to_numpy(float) for name in frame["authority"].unique()]
    columns += [(frame["period"] == period).to_numpy(float) for period in frame["period"].unique()[1:]]
    return np.column_stack(columns)


def least_squares(frame: pd.DataFrame, weight: np.ndarray) -> float:
    """Coefficient of exposure by plain weighted least squares with dummies."""
    root = np.sqrt(weight)
    outcome = frame["value_mean"].to_numpy() * root
    return float(np.linalg.lstsq(dummies(frame) * root[:, None], outcome, rcond=None)[0][0])


def clustered_t(frame: pd.DataFrame, weight: np.ndarray) -> float:
    """Coefficient of exposure over its clustered standard error without correction, refitted from scratch."""
    x = dummies(frame)
    bread = np.linalg.pinv(x.T @ (weight[:, None] * x))
    solved = bread @ x.T @ (weight * frame["value_mean"].to_numpy())
    scores = weight[:, None] * x * (frame["value_mean"].to_numpy() - x @ solved)[:, None]
    names = frame["authority"].to_numpy()
    sums = np.array([scores[names == name].sum(axis=0) for name in np.unique(names)])
    return float(solved[0] / np.sqrt((bread @ sums.T @ sums @ bread)[0, 0]))


def naive_orders(design: Wedge) -> list[tuple[int, ...]]:
    """Every permutation of start periods that keeps each stratum's own starts; repeats kept."""
    observed = [design.start_period[name] for name in design.authorities]
    strata = [design.stratum[name] for name in design.authorities]
    found = []
    for order in itertools.permutations(range(len(observed))):
        if all(strata[i] == strata[j] for i, j in enumerate(order)):
            found.append(tuple(observed[j] for j in order))
    return found


def naive_statistics(frame: pd.DataFrame, design: Wedge, weight: np.ndarray) -> np.ndarray:
    """The coefficient refitted from scratch under each naive order, the observed one first."""
    values = []
    for order in naive_orders(design):
        start = frame["authority"].map(dict(zip(design.authorities, order, strict=True)))
        values.append(least_squares(frame.assign(exposed=(frame["period"] >= start).astype(int)), weight))
    return np.array(values)
