"""Cells of a table that somebody brings: cluster-period means, and each cluster's first exposed period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from sfpc_book.estimate.cells import Cells, cells_of
from sfpc_book.estimate.child_models import Children
from sfpc_book.study.wedge import Wedge

# A wedge is dated; one that comes as period numbers is given days, of which only the order is used.
FIRST_DAY = date(2000, 1, 1).toordinal()
NOT_A_WEDGE = "exposure is not one date for each cluster, kept from then on"
NOBODY = "no child with an observed outcome"


@dataclass(frozen=True)
class Starts:
    """The first exposed period of each cluster, as far as rows show it, and why that is not known of some."""

    first: dict[str, int]
    unknown: str

    @classmethod
    def of(cls, children: Children) -> Starts:
        """From all rows, those of weight 0 among them: they tell when a cluster without children started."""
        periods = int(children.period.max()) + 1
        rows = pd.DataFrame({"cluster": children.cluster, "period": children.period})
        every = sorted(rows["cluster"].unique())
        exposed = rows[children.exposed == 1].groupby("cluster")["period"].min()
        before = rows[children.exposed == 0].groupby("cluster")["period"].max()
        first = exposed.reindex(every, fill_value=periods).astype(int)
        unclear = first.index[first - before.reindex(every, fill_value=-1) > 1]
        if not len(unclear):
            return cls(first.to_dict(), "")
        names = ", ".join(f"'{name}'" for name in unclear)
        advice = "give each empty period a row of weight 0"
        return cls(first.to_dict(), f"no rows where the exposure of {names} may have begun; {advice}")


def no_cells(children: Children) -> str:
    """Why cluster-period means cannot be taken, or nothing: no child counts, a cell holds both exposures, or
    exposure goes back."""
    counted = children.weight > 0
    if not counted.any():
        return NOBODY
    rows = {name: getattr(children, name) for name in ("cluster", "period", "exposed")}
    exposed = pd.DataFrame(rows).groupby(["cluster", "period"])["exposed"].agg(["min", "max"])
    back = exposed.groupby("cluster")["min"].diff() < 0
    return NOT_A_WEDGE if back.any() or (exposed["min"] != exposed["max"]).any() else ""


def cluster_periods(children: Children, starts: Starts) -> Cells:
    """Cluster-period means of those counted."""
    rows = {name: getattr(children, name) for name in ("cluster", "period", "exposed", "weight")}
    frame = pd.DataFrame(rows).assign(sum=children.outcome * children.weight).loc[children.weight > 0]
    grouped = frame.groupby(["cluster", "period"], sort=True)
    means = grouped.agg(exposed=("exposed", "first"), n_children=("weight", "sum"), total=("sum", "sum"))
    panel = means.reset_index().rename(columns={"cluster": "authority"})
    start = panel["authority"].map(starts.first)
    return cells_of(
        panel.assign(
            exposed=panel["exposed"].astype(int),
            value_mean=panel["total"] / panel["n_children"],
            exposure_time=(panel["period"] - start + 1).where(panel["exposed"] == 1, 0).astype(int),
        )
    )


def wedge_of(cells: Cells, starts: Starts, stratum: Mapping[str, str]) -> Wedge:
    """The design that the rows show: each cluster's first exposed period, exchanged within strata.

    A cluster that is never exposed starts after the last period.
    """
    periods = max(*starts.first.values(), max(cells.periods) + 1)
    days = tuple(date.fromordinal(FIRST_DAY + period) for period in range(periods + 1))
    return Wedge(
        model_id="table",
        authorities=cells.authorities,
        go_live={name: days[starts.first[name]] for name in cells.authorities},
        stratum={name: stratum[name] for name in cells.authorities},
        window_start=days[0],
        window_end=days[-1],
        period_starts=days,
    )
