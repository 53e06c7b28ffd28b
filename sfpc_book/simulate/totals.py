"""Monthly totals of an authority: the whole authority, whatever the scale of the children simulated."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from sfpc_book.simulate.chance import stream
from sfpc_book.simulate.dates import day
from sfpc_book.study.return_months import first_day
from sfpc_book.study.schema import Study

CHILDREN = (35_000, 180_000)
RATES = {"looked_after": (60, 110), "started": (2.0, 3.5), "in_need": (280, 360), "in_need_started": (28, 40),
         "plans": (40, 65), "plans_started": (4.0, 6.5), "referrals": (38, 60)}  # fmt: skip
SHOCK = {"lockdown": -0.25, "restrictions": -0.08}


def monthly_totals(study: Study, authority: str, seed: int) -> pd.DataFrame:
    """`dr1_monthly` of one authority as clean canonical rows, from the first month to that before the last
    return."""
    rng = stream(seed, authority, "totals")
    last = first_day(max(study.returns.months, key=first_day)) - timedelta(days=1)
    months = pd.date_range(study.returns.totals_from, last, freq="MS")
    population = rng.uniform(*CHILDREN)
    level = {name: rng.uniform(*ends) * population / 10_000 for name, ends in RATES.items()}
    shock = _shock(study, months)
    drift = 1 + 0.002 * np.arange(len(months)) + _wander(rng, len(months), 0.004)
    looked_after = np.round(level["looked_after"] * drift).astype(int)
    counts = {
        name: rng.poisson(level[name] * (1 + factor * shock))
        for name, factor in (
            ("started", 0.6),
            ("in_need_started", 1.0),
            ("plans_started", 0.8),
            ("referrals", 1.2),
        )
    }
    half_year = np.isin(months.month, (1, 10))
    meals = np.round(rng.uniform(0.14, 0.26) + 0.001 * np.arange(len(months)), 3)
    return pd.DataFrame(
        {
            "authority": authority,
            "month": months.astype("datetime64[ns]"),
            "assessments_completed": np.round(0.62 * counts["referrals"]).astype(int),
            "free_school_meals_share": np.where(half_year, meals, np.nan),
            "looked_after_rate_per_10000": np.round(10_000 * looked_after / population, 1),
            "looked_after_at_month_end": looked_after,
            "newly_looked_after": counts["started"],
            "cin_plans_started": counts["in_need_started"],
            "open_cin_cases": np.round(level["in_need"] * (1 + _wander(rng, len(months), 0.01))).astype(int),
            "protection_plans_started": counts["plans_started"],
            "open_protection_plans": np.round(level["plans"] * (1 + _wander(rng, len(months), 0.01))).astype(
                int
            ),
            "new_referrals": counts["referrals"],
            "caseload_per_fte": np.round(rng.uniform(14, 20) + rng.normal(0, 0.5, len(months)), 1),
            "caseholder_turnover": _about(rng, len(months), (0.01, 0.03)),
            "visits_out_of_schedule": _about(rng, len(months), (0.04, 0.12)),
        }
    )


def _about(rng: np.random.Generator, n: int, ends: tuple[float, float]) -> np.ndarray:
    """Shares that vary by a tenth, from month to month, about a level of the authority's own."""
    return np.round(rng.uniform(*ends) * (1 + rng.normal(0, 0.1, n)), 3)


def _wander(rng: np.random.Generator, n: int, step: float) -> np.ndarray:
    """A slow random walk that returns towards 0."""
    path = np.zeros(n)
    for month in range(1, n):
        path[month] = 0.9 * path[month - 1] + rng.normal(0, step)
    return path


def _shock(study: Study, months: pd.DatetimeIndex) -> np.ndarray:
    """Change of contacts in each month by the share of its days in a band of the pandemic."""
    shock = np.zeros(len(months))
    starts = months.to_numpy(dtype="datetime64[D]")
    ends = (months + pd.offsets.MonthEnd(0)).to_numpy(dtype="datetime64[D]")
    for band in study.covid:
        first, last = np.maximum(starts, day(band.start)), np.minimum(ends, day(band.end))
        days = np.maximum((last - first).astype(int) + 1, 0)
        shock += SHOCK[band.kind] * days / ((ends - starts).astype(int) + 1)
    return shock
