"""Monthly totals of whole authorities (DR1) in the trial window, with the children they are totals of.

The return gives no population. Where it gives children looked after both as a number and as a rate per 10,000
children aged 0 to 17, number / rate is the population that the authority itself used; the median over its
months of a calendar year takes out what rounding the rate leaves. A total without such a population has none
and cannot be modelled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sfpc_book.cohort.context import latest_by_month
from sfpc_book.cohort.link import Tables
from sfpc_book.study.wedge import Wedge

NUMBER, RATE = "looked_after_at_month_end", "looked_after_rate_per_10000"
TOTAL_COLUMNS = ["model", "authority", "month", "exposed", "outcome", "count", "population"]
HALF_A_MONTH = pd.Timedelta(days=15)


def totals_table(
    tables: Mapping[str, Tables], wedge: Wedge, authorities: Sequence[str], outcomes: Sequence[str]
) -> pd.DataFrame:
    """One row per authority, month whose sixteenth day lies in the trial window, and total.

    A month counts as exposed when at least half of it lies after go-live: the sixteenth is on or after
    go-live. Columns `TOTAL_COLUMNS`; `count` and `population` are missing where they were not sent.
    """
    parts = [_of_authority(tables[slug], wedge, slug, outcomes) for slug in authorities]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=TOTAL_COLUMNS)
    return table.assign(model=wedge.model_id)[TOTAL_COLUMNS]


def _of_authority(tables: Tables, wedge: Wedge, slug: str, outcomes: Sequence[str]) -> pd.DataFrame:
    sent = tables.get("dr1_monthly")
    if sent is None or sent.empty:
        return pd.DataFrame(columns=TOTAL_COLUMNS)
    names = list(dict.fromkeys([NUMBER, RATE, *outcomes]))
    absent = {name: np.nan for name in names if name not in sent}
    months = latest_by_month(sent.assign(**absent), names)
    middle = months["month"] + HALF_A_MONTH
    kept = months.assign(
        authority=slug,
        exposed=(middle.to_numpy(dtype="datetime64[D]") >= wedge.go_live_day(slug)).astype(int),
        population=implied_population(months),
    )[wedge.period_of(middle) >= 0]
    keys = ["authority", "month", "exposed", "population"]
    return kept.melt(keys, list(outcomes), var_name="outcome", value_name="count")


def implied_population(months: pd.DataFrame) -> pd.Series:
    """Children aged 0 to 17 that numbers and rates of children looked after imply, by calendar year."""
    rate = pd.to_numeric(months[RATE]).astype("float64")
    implied = 10_000 * pd.to_numeric(months[NUMBER]).astype("float64") / rate.where(rate > 0)
    return implied.where(implied > 0).groupby(months["month"].dt.year).transform("median")
