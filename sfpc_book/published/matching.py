"""Who is compared with whom: the pool of never-adopting authorities, and comparators chosen from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.errors import PublishedDataError
from sfpc_book.published.comparison import Comparators, Comparison, Treated, adoption_year
from sfpc_book.published.geography import Geography
from sfpc_book.study.study import Study


@dataclass(frozen=True)
class Pool:
    """Complete never-adopters for one outcome, and every authority left out with the reason."""

    codes: tuple[str, ...]
    left_out: pd.DataFrame


def adopters(study: Study, treated: Treated, rule: str) -> pd.DataFrame:
    """Treated authorities: authority_code, slug, model, go_live, status, first_year under `rule`."""
    rows = [
        (
            part.la_code,
            slug,
            part.model,
            part.go_live.date,
            part.go_live.status,
            adoption_year(part.go_live.date, rule),
        )
        for slug, part in study.authorities.items()
        if part.role in treated.roles and part.go_live is not None
    ]
    names = ["authority_code", "slug", "model", "go_live", "status", "first_year"]
    return pd.DataFrame(rows, columns=names).sort_values("authority_code").reset_index(drop=True)


def outcome_matrix(series: pd.DataFrame, outcome: str, first: int, last: int | None) -> pd.DataFrame:
    """Authorities (rows, three-digit code) by years (columns) of one outcome; NaN where there is no number.

    Raises
    ------
    PublishedDataError
        If the series has no such outcome in these years.
    """
    part = series[(series["measure"] == outcome) & (series["geography"] == "authority")]
    part = part[(part["year"] >= first) & (part["year"] <= (last or part["year"].max()))]
    if part.empty:
        known = ", ".join(sorted(series["measure"].unique()))
        raise PublishedDataError(f"No series of {outcome!r} from {first}; the measures read are {known}")
    return part.pivot_table(index="authority_code", columns="year", values="value", dropna=False).sort_index()


def never_adopters(study: Study, matrix: pd.DataFrame, comparison: Comparison, geography: Geography) -> Pool:
    """Authorities that can be comparators: no role in the study, one area, a number in every year."""
    roles = {
        part.la_code: f"{part.role.replace('_', ' ')} ({part.name})"
        for part in study.authorities.values()
        if part.role in comparison.never_adopters.dropped_roles
    }
    reasons = {code: f"role in the study: {role}" for code, role in roles.items()}
    reasons = {**geography.too_small, **geography.reorganised_codes(), **reasons}
    missing = matrix.isna().sum(axis=1)
    rows = []
    for code in matrix.index:
        if code in reasons:
            rows.append((code, reasons[code]))
        elif missing[code]:
            rows.append((code, f"no number in {int(missing[code])} of {matrix.shape[1]} years"))
    left_out = pd.DataFrame(rows, columns=["authority_code", "reason"])
    codes = tuple(code for code in matrix.index if code not in set(left_out["authority_code"]))
    return Pool(codes, left_out)


def choose(
    how: Comparators, treated: pd.DataFrame, pool: Pool, matrix: pd.DataFrame, neighbours: pd.DataFrame
) -> pd.DataFrame:
    """Comparators of each treated authority: authority_code, comparator_code, weight (sums to 1 for each).

    `never_adopters` gives every pool member the same weight; `statistical_neighbours` the pool members among
    the ten neighbours; `nearest_pre_trend` the `k` nearest (see `nearest`).
    """
    if how.id == "statistical_neighbours":
        pairs = neighbours[neighbours["neighbour_code"].isin(pool.codes)]
        pairs = pairs.rename(columns={"code": "authority_code", "neighbour_code": "comparator_code"})
        pairs = treated[["authority_code"]].merge(pairs, on="authority_code")[
            ["authority_code", "comparator_code"]
        ]
    elif how.id == "nearest_pre_trend":
        pairs = nearest(treated, pool, matrix, how.k or 5)
    else:
        everyone = pd.DataFrame({"comparator_code": pool.codes})
        pairs = treated[["authority_code"]].merge(everyone, how="cross")
    size = pairs.groupby("authority_code")["comparator_code"].transform("size")
    return pairs.assign(weight=1.0 / size).reset_index(drop=True)


def nearest(treated: pd.DataFrame, pool: Pool, matrix: pd.DataFrame, k: int) -> pd.DataFrame:
    """The `k` pool members nearest to each treated authority before anybody adopted.

    Distance is Euclidean over the level of the last clean year and the yearly changes up to it, each divided
    by its standard deviation in the pool; the level counts as much as all changes together. Clean years end
    before the first year touched by any go-live, so that all adopters are matched on the same years. Ties go
    to the lower code. Matching on the outcome's own past can invite regression to the mean.
    """
    first_touched = min(adoption_year(day, "first_touched_year") for day in treated["go_live"])
    clean = matrix.loc[:, [year for year in matrix.columns if year < first_touched]]
    if clean.shape[1] < 3:
        raise PublishedDataError(
            f"Matching needs three years before {first_touched}; the data have {clean.shape[1]}"
        )
    changes = clean.diff(axis=1).iloc[:, 1:]
    features = pd.concat([clean.iloc[:, -1:] * np.sqrt(changes.shape[1]), changes], axis=1)
    spread = features.loc[list(pool.codes)].std(ddof=1)
    spread.iloc[0] = clean.loc[list(pool.codes)].iloc[:, -1].std(ddof=1)
    scaled = (features / spread.to_numpy()).sort_index()
    rows = []
    for code in treated["authority_code"]:
        gap = ((scaled.loc[list(pool.codes)] - scaled.loc[code]) ** 2).sum(axis=1)
        order = sorted(pool.codes, key=lambda other, gap=gap: (gap[other], other))
        rows += [(code, other) for other in order[:k]]
    return pd.DataFrame(rows, columns=["authority_code", "comparator_code"])
