"""Join each child to the authority's own monthly totals (DR1) for the month of its referral."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from sfpc_book.errors import ContractError

CONTEXT = ("looked_after_rate_per_10000", "free_school_meals_share", "new_referrals")


def monthly_context(totals: pd.DataFrame) -> pd.DataFrame:
    """One row per month: of several returns for a month, each column's latest filled value.

    Returns columns `month` and `authority_<name>` for each name in `CONTEXT`.
    """
    latest = latest_by_month(totals, CONTEXT)
    return latest.set_index("month").add_prefix("authority_").reset_index()


def latest_by_month(totals: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """`month` and the columns named, one row per month: each column's latest filled value."""
    sent = pd.to_datetime(totals["return_month"], format="%b%y", errors="coerce")
    lineage = [name for name in ("source_file", "source_sheet", "source_row") if name in totals]
    ordered = totals.assign(_sent=sent).sort_values(["month", "_sent", *lineage])
    return ordered.dropna(subset=["month"]).groupby("month")[list(columns)].last().reset_index()


def with_context(children: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Children with the month's context; missing where the authority sent none.

    Raises ContractError if a month has more than one row.
    """
    names = [f"authority_{name}" for name in CONTEXT]
    totals = tables.get("dr1_monthly")
    if totals is None or totals.empty:
        return children.assign(**dict.fromkeys(names, float("nan")))
    month = children["referral_date"].dt.to_period("M").dt.start_time.astype("datetime64[ns]")
    context = monthly_context(totals).astype({"month": "datetime64[ns]"})
    try:
        joined = children.assign(month=month).merge(context, on="month", how="left", validate="many_to_one")
    except pd.errors.MergeError as error:
        raise ContractError(f"dr1_monthly does not join many children to one month each: {error}") from None
    return joined.drop(columns="month").astype(dict.fromkeys(names, "float64"))
