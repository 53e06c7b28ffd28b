"""Link children to the outcome return (DR3): linked with an event, linked without one, or not linked.

Not linked is never "no event". A child is linked to a table when the authority lists it among the children
asked about (`dr3_coverage`), its identifier stands for one person only, and the table itself was sent and
joins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.cohort.calendar import days
from sfpc_book.errors import ContractError

Tables = Mapping[str, pd.DataFrame]

# The column that says, in each outcome table, that something happened; blank means that nothing did.
EVENT_COLUMN = {
    "dr3_care": "care_start",
    "dr3_episodes": "episode_start",
    "dr3_plans": "plan_start",
    "dr3_cin": "referral_date",
    "dr3_proceedings": "pre_proceedings_date",
    "dr3_attendance": "unauthorised_absence_share",
    "dr3_neet": "left_care_date",
}
LINK_STATES = ("linked with event", "linked without event", "not linked")
# Below this share of a table's identifiers found among the children asked about, the table does not join at
# all: its identifiers are of another kind, and every child would wrongly count as without an event.
MINIMUM_MATCHED_SHARE = 0.5


@dataclass(frozen=True)
class Links:
    """One authority's children with their outcome records.

    `children` gains `covered_from` and `covered_to`, in its own order; `linked[table]` is boolean per child;
    `events[table]` holds the records with an event, `row` being the child's position.
    """

    children: pd.DataFrame
    linked: Mapping[str, np.ndarray]
    events: Mapping[str, pd.DataFrame]

    def state(self, table: str) -> np.ndarray:
        """One of `LINK_STATES` per child."""
        happened = np.zeros(len(self.children), dtype=bool)
        happened[self.events[table]["row"]] = True
        return np.select([~self.linked[table], happened], [LINK_STATES[2], LINK_STATES[0]], LINK_STATES[1])


def link_children(
    children: pd.DataFrame, tables: Tables, names: Iterable[str] = tuple(EVENT_COLUMN)
) -> Links:
    """Link one authority's children (one row per `child_key`) to the outcome tables named (all).

    Raises
    ------
    ContractError
        When a join that must be one to one is not.
    """
    children = children.reset_index(drop=True)
    covered = _with_coverage(children, tables)
    asked = covered.pop("asked").to_numpy(dtype=bool)
    single = (children["person_state"] == "single").to_numpy(dtype=bool)
    coverage = tables.get("dr3_coverage", pd.DataFrame({"child_id": []}))
    linked, events = {}, {}
    for name in names:
        table, column = tables.get(name), EVENT_COLUMN[name]
        listed = _listed(children, table, column, coverage)
        linked[name] = asked & single & listed
        events[name] = _events(covered, table, column, linked[name])
    return Links(covered, linked, events)


def shared_identifier(children: pd.DataFrame) -> np.ndarray:
    """Whether the identifier stands for several persons, so that no outcome record can be given to one of
    them."""
    return (children["person_state"] != "single").to_numpy(dtype=bool)


def one_coverage_per_child(coverage: pd.DataFrame) -> pd.DataFrame:
    """One row per child asked about; of several rows the dates that all of them cover."""
    dates = coverage.groupby("child_id", sort=True)[["covered_from", "covered_to"]]
    latest, earliest = dates.max()["covered_from"], dates.min()["covered_to"]
    return pd.DataFrame({"covered_from": latest, "covered_to": earliest}).reset_index()


def _with_coverage(children: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    coverage = tables.get("dr3_coverage")
    if coverage is None or coverage.empty:
        missing = pd.Series(pd.NaT, index=children.index, dtype="datetime64[ns]")
        return children.assign(covered_from=missing, covered_to=missing, asked=False)
    try:
        merged = children.merge(
            one_coverage_per_child(coverage).assign(asked=True),
            on="child_id",
            how="left",
            validate="many_to_one",
        )
    except pd.errors.MergeError as error:
        raise ContractError(f"dr3_coverage does not join many children to one row each: {error}") from None
    if len(merged) != len(children):
        raise ContractError(f"joining dr3_coverage made {len(merged)} rows of {len(children)} children")
    return merged.assign(asked=merged["asked"].notna())


def _listed(
    children: pd.DataFrame, table: pd.DataFrame | None, column: str, coverage: pd.DataFrame
) -> np.ndarray:
    """Whether a child without an event in the table can be taken to have had none."""
    nobody = np.zeros(len(children), dtype=bool)
    if table is None or table.empty:
        return nobody
    present = pd.Index(table["child_id"].dropna().unique())
    matched = _among(present, coverage["child_id"]).mean() if len(present) else 0.0
    if matched < MINIMUM_MATCHED_SHARE:
        return nobody
    if table[column].isna().any():  # the sheet has a row, blank if need be, for each child asked about
        return _among(children["child_id"], present)
    return ~nobody


def _among(values: pd.Series | pd.Index, members: pd.Series | pd.Index) -> np.ndarray:
    """Whether each value is one of the members; a lookup by position is far faster than `isin` on text."""
    return pd.Index(members).dropna().unique().get_indexer(pd.Index(values)) >= 0


def _events(
    children: pd.DataFrame, table: pd.DataFrame | None, column: str, linked: np.ndarray
) -> pd.DataFrame:
    """Records with an event, of linked children only, each with the child's position in `row`."""
    if table is None:
        return pd.DataFrame({"row": np.array([], dtype=int)})
    owners = pd.Index(children["child_id"].where(linked))
    if owners.dropna().has_duplicates:
        raise ContractError("two children linked to one identifier; split identifiers must stay unlinked")
    position = _positions(owners, table["child_id"])
    keep = (position >= 0) & table[column].notna().to_numpy() & table["child_id"].notna().to_numpy()
    kept = table.loc[keep].assign(row=position[keep])
    return kept.drop_duplicates([name for name in kept if not _is_lineage(name)]).reset_index(drop=True)


def _positions(owners: pd.Index, identifiers: pd.Series) -> np.ndarray:
    """Position of each identifier's child; -1 where it belongs to none."""
    place = np.flatnonzero(owners.notna())
    found = owners[place].get_indexer(pd.Index(identifiers))
    return np.where(found >= 0, place[found] if len(place) else -1, -1)


def _is_lineage(name: str) -> bool:
    return name.startswith("source_") or name in ("authority", "return_month", "corrections")


def care_periods(events: pd.DataFrame) -> pd.DataFrame:
    """Periods of care as `row`, `start`, `end` (NaT while running), `placement_type`, `ceased_reason`.

    One per child and start: where the same period was sent twice, once still running, the ended one counts.
    """
    if events.empty:
        empty = pd.Series([], dtype="datetime64[ns]")
        return pd.DataFrame(
            {
                "row": np.array([], dtype=int),
                "start": empty,
                "end": empty,
                "placement_type": pd.Series([], dtype="str"),
                "ceased_reason": pd.Series([], dtype="str"),
            }
        )
    periods = pd.DataFrame(
        {
            "row": events["row"],
            "start": days(events["care_start"]).astype("datetime64[ns]"),
            "end": days(events["care_end"]).astype("datetime64[ns]"),
            "placement_type": events.get("placement_type", pd.Series(pd.NA, index=events.index, dtype="str")),
            "ceased_reason": events.get("ceased_reason", pd.Series(pd.NA, index=events.index, dtype="str")),
        }
    )
    order = ["row", "start", "end", "placement_type", "ceased_reason"]
    return (
        periods.sort_values(order, na_position="last")
        .drop_duplicates(["row", "start"])
        .reset_index(drop=True)
    )
