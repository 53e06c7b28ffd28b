"""Authority by period: the aggregates that the models are fitted to, and what of them is observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.cohort.measure import STATES
from sfpc_book.cohort.outcomes import fully_observed_from
from sfpc_book.study.registries import Outcome, Sample
from sfpc_book.study.wedge import Wedge

PANEL_COLUMNS = [
    "model", "sample", "exposure", "authority", "period", "period_start", "exposed", "exposure_time",
    "outcome", "horizon", "n_children", "n_events", "value_sum", "value_mean",
    "n_not_observed", "n_not_linked", "n_not_applicable", "n_value_missing", "n_followed",
]  # fmt: skip
OBSERVABILITY_COLUMNS = [
    "model", "outcome", "horizon", "authority", "covered_to", "observed_share", "fully_observed_from",
    "n_observed", "n_not_observed", "n_not_linked", "n_not_applicable", "n_value_missing", "n_followed",
]  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Who is summed, and by which exposure.

    `belongs` is boolean per child. `exposed` gives 1, 0 or missing per child, by horizon; without it exposure
    is that of the authority and period, which is the main definition.
    """

    sample: Sample
    exposure: str
    belongs: np.ndarray
    exposed: Mapping[int, pd.Series] | None = None


def panel(
    outcomes: pd.DataFrame,
    children: pd.Index,
    groups: Iterable[Group],
    wedge: Wedge,
    authorities: Sequence[str],
    measures: Sequence[Outcome],
    horizons: Sequence[int],
) -> pd.DataFrame:
    """Sum the outcomes of each group's children by authority and period.

    `outcomes` is long by child (see `outcomes_table`); `children` are the keys that the groups' arrays run
    over. One row per group, authority, period, outcome and horizon, in that order; an empty cell has
    n_children 0 and a mean of NaN. `n_children` counts the observed; `n_events` is the sum of a binary
    outcome and NaN for the others.

    Where exposure differs within a cell there are two rows, unexposed and exposed, so that a regression on
    the rows weighted by `n_children` is the regression on the children. Their `exposure_time` is that of the
    cell, at least 1, where exposed, and 0 where not. A child whose exposure is not known is in neither row.
    """
    cell = _cell_numbers(outcomes, authorities, wedge.n_periods, measures, horizons)
    grid = _grid(wedge, authorities, measures, horizons)
    child = children.get_indexer(outcomes["child_key"])
    parts = [_group_rows(outcomes, group, cell, child, grid, measures) for group in groups]
    table = pd.concat(parts, ignore_index=True).assign(model=wedge.model_id)
    return table[PANEL_COLUMNS]


def _group_rows(
    outcomes: pd.DataFrame,
    group: Group,
    cell: np.ndarray,
    child: np.ndarray,
    grid: pd.DataFrame,
    measures: Sequence[Outcome],
) -> pd.DataFrame:
    inside = group.belongs[child]
    if group.sample.followed_longest:
        outcomes = as_followed_longest(outcomes, child)
    if group.exposed is not None:
        exposed = _exposure_of_rows(outcomes["horizon"].to_numpy(), child, group.exposed)
        inside, cell, grid = inside & (exposed >= 0), 2 * cell + exposed, _split(grid)
    sums = _cell_sums(outcomes[inside], cell[inside], len(grid))
    scale = grid["outcome"].map({measure.id: measure.scale for measure in measures})
    sums["n_events"] = sums["value_sum"].where(scale == "binary")
    rows = pd.concat([grid.assign(sample=group.sample.id, exposure=group.exposure), sums], axis=1)
    return rows[~rows["outcome"].isin(group.sample.without_outcomes)]


def as_followed_longest(outcomes: pd.DataFrame, child: np.ndarray) -> pd.DataFrame:
    """The outcomes of those followed to the longest horizon; others have the state that they have there.

    `child` numbers each row's child. Followed as in `n_followed`: observed, or found by then to be outside
    the outcome's population. At the longest horizon nothing changes.
    """
    outcome = pd.factorize(outcomes["outcome"])[0]
    longest = (outcomes["horizon"] == outcomes["horizon"].max()).to_numpy(dtype=bool)
    code, followed = outcomes["state"].cat.codes.to_numpy(), _followed(outcomes).to_numpy(dtype=bool)
    there = np.full((outcome.max(initial=-1) + 1, child.max(initial=-1) + 1), -1)
    there[outcome[longest], child[longest]] = np.where(followed, -1, code)[longest]
    absent = there[outcome, child]
    state = pd.Categorical.from_codes(np.where(absent < 0, code, absent), categories=STATES)
    return outcomes.assign(state=state)


def _exposure_of_rows(horizon: np.ndarray, child: np.ndarray, exposed: Mapping[int, pd.Series]) -> np.ndarray:
    """Exposure of the child of each row at the row's horizon: 1, 0, or -1 where it is not known."""
    found = np.full(len(child), -1)
    for months, values in exposed.items():
        known = values.astype("Int8").fillna(-1).to_numpy(dtype=int)
        found = np.where(horizon == months, known[child], found)
    return found


def _split(grid: pd.DataFrame) -> pd.DataFrame:
    """Each cell twice, unexposed and exposed, the exposed one second."""
    twice = grid.loc[grid.index.repeat(2)].reset_index(drop=True)
    exposed = np.tile([0, 1], len(grid))
    return twice.assign(exposed=exposed, exposure_time=exposed * twice["exposure_time"].clip(lower=1))


def _cell_numbers(
    outcomes: pd.DataFrame,
    authorities: Sequence[str],
    n_periods: int,
    measures: Sequence[Outcome],
    horizons: Sequence[int],
) -> np.ndarray:
    """Number of each row's cell, counting authority, period, outcome, horizon, the last running fastest."""
    authority = pd.Index(authorities).get_indexer(outcomes["authority"])
    outcome = pd.Index([measure.id for measure in measures]).get_indexer(outcomes["outcome"].astype("str"))
    horizon = pd.Index(horizons).get_indexer(outcomes["horizon"])
    number = authority * n_periods + outcomes["period"].to_numpy()
    return (number * len(measures) + outcome) * len(horizons) + horizon


def _grid(
    wedge: Wedge, authorities: Sequence[str], measures: Sequence[Outcome], horizons: Sequence[int]
) -> pd.DataFrame:
    """Every cell of the panel with its exposure, in the order of `_cell_numbers`."""
    design = cell_grid(wedge, authorities)
    cells = pd.MultiIndex.from_product(
        [[measure.id for measure in measures], horizons], names=["outcome", "horizon"]
    )
    return design.merge(cells.to_frame(index=False), how="cross")


def cell_grid(wedge: Wedge, authorities: Sequence[str]) -> pd.DataFrame:
    """Every authority and period with its exposure, authorities in the order given."""
    design = wedge.design_table().drop(columns="period_end")
    return design.set_index("authority").loc[list(authorities)].reset_index()


def _cell_sums(rows: pd.DataFrame, cell: np.ndarray, n_cells: int) -> pd.DataFrame:
    state = rows["state"].cat.codes.to_numpy()
    counts = {name: np.bincount(cell[state == code], minlength=n_cells) for code, name in enumerate(STATES)}
    value = rows["value"].to_numpy()
    seen = state == STATES.index("observed")
    total = np.bincount(cell[seen], weights=value[seen], minlength=n_cells)
    n = counts["observed"]
    return pd.DataFrame(
        {
            "n_children": n,
            "value_sum": total,
            "value_mean": np.divide(total, n, out=np.full(n_cells, np.nan), where=n > 0),
            "n_not_observed": counts["not_observed"],
            "n_not_linked": counts["not_linked"],
            "n_not_applicable": counts["not_applicable"],
            "n_value_missing": counts["value_missing"],
            "n_followed": np.bincount(cell[_followed(rows).to_numpy()], minlength=n_cells),
        }
    )


def _followed(outcomes: pd.DataFrame) -> pd.Series:
    """Whether a child was followed to the end: observed, or found outside the outcome's population by then.

    A child outside the population from the start has no date at which the outcome is observable.
    """
    outside = (outcomes["state"] == "not_applicable") & outcomes["observable_from"].notna()
    return (outcomes["state"] == "observed") | outside


def observability(
    children: pd.DataFrame, outcomes: pd.DataFrame, wedge: Wedge, measures: Sequence[Outcome]
) -> pd.DataFrame:
    """How much of each outcome can be seen yet, by authority and horizon.

    `covered_to`: the last date to which the records of every linked child of the authority reach.
    `observed_share`: followed / (followed + not observed), of linked children, NaN without any. A child
    counts as followed when its outcome is observed or found not to apply: who will enter care is not known
    beforehand. `fully_observed_from`: the date by which every child of the trial window can have been
    followed up.
    """
    keys = ["outcome", "horizon", "authority"]
    grouped = outcomes[keys].assign(**{f"n_{name}": outcomes["state"] == name for name in STATES})
    grouped["n_followed"] = _followed(outcomes)
    table = grouped.groupby(keys, observed=True).sum().reset_index()
    by_id = {measure.id: measure for measure in measures}
    due = [
        fully_observed_from(by_id[outcome], wedge.window_end, horizon)
        for outcome, horizon in zip(table["outcome"], table["horizon"], strict=True)
    ]
    linked = children[children["linked"]]
    reach = linked.groupby(linked["authority"].astype("str"))["covered_to"].min().to_dict()
    seen = table["n_followed"] + table["n_not_observed"]
    return table.assign(
        model=wedge.model_id,
        covered_to=pd.to_datetime([reach.get(slug) for slug in table["authority"]]),
        observed_share=table["n_followed"] / seen.where(seen > 0),
        fully_observed_from=due,
    )[OBSERVABILITY_COLUMNS]
