"""Group-time effects of staggered adoption (Callaway and Sant'Anna 2021), by diff-diff.

Callaway, B. and Sant'Anna, P. H. C. (2021), Difference-in-differences with multiple time periods, Journal of
Econometrics 225(2), 200-230.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from diff_diff import CallawaySantAnna
from diff_diff.results_base import EventStudyResults

from sfpc_book.errors import EstimationError
from sfpc_book.published.staggered_fit import PANEL, fit_or_refuse, sampling

EFFECT_COLUMNS = ["estimate", "std_error"]


@dataclass(frozen=True)
class GroupTime:
    """Group-time effects and their averages, on the outcome's scale.

    Attributes
    ----------
    cells : DataFrame
        group, time, estimate, std_error: one row per cohort and year.
    overall : tuple
        Estimate and standard error of the average over all exposed cells, weighted by cohort size.
    event_time : DataFrame
        event_time, estimate, std_error; the reference year is left out.
    event_time_average : tuple
        Estimate and standard error of the plain mean of the effects at event times 0 and after.
    smallest_cohort : int
        Units in the smallest cohort. With one, the analytic variance leaves out that unit's own noise.
    """

    cells: pd.DataFrame
    overall: tuple[float, float]
    event_time: pd.DataFrame
    event_time_average: tuple[float, float]
    smallest_cohort: int


def group_time(
    panel: pd.DataFrame,
    *,
    base_period: str = "universal",
    control_group: str = "never_treated",
    covariates: Sequence[str] = (),
    weighted: bool = False,
    clustered: bool = False,
) -> GroupTime:
    """Fit group-time effects, doubly robust where there are covariates.

    The doubly robust form (Sant'Anna and Zhao 2020, Journal of Econometrics 219(1), 101-122) is diff-diff's,
    which divides the controls' weights by the number of treated where R's did divides by their sum; on
    mpdta the two differ by 0.0003 standard errors. Propensities outside 0.01 to 0.99 are refused.

    Parameters
    ----------
    panel : DataFrame
        Balanced, one row per unit and year: unit, year, outcome, first_year (0 for never treated), and the
        covariates, of which the values before adoption count.
    base_period
        "universal" compares every year with the last before adoption; "varying" compares a year before
        adoption with the one before it.
    control_group
        "never_treated", or "not_yet_treated": all that are untreated in the year compared.
    weighted, clustered
        Whether to weight by the panel's `weight`, constant within a unit, and to cluster by its `cluster`.

    Raises
    ------
    EstimationError
        If the panel is not balanced, lacks never-treated units, or a cohort has no year before adoption; if
        diff-diff warns, for then a cell or its variance was left out.
    """
    _check(panel)
    estimator = CallawaySantAnna(
        control_group=control_group,
        base_period=base_period,
        estimation_method="dr" if covariates else "reg",
        n_bootstrap=0,
        cluster="cluster" if clustered and not weighted else None,
    )
    design = sampling(weighted=weighted, clustered=clustered)

    def fit():
        result = estimator.fit(panel, covariates=list(covariates) or None, survey_design=design, **PANEL)
        return result, result.aggregate("event_study")

    result, curve = fit_or_refuse("Group-time effects", fit)
    cells = result.to_dataframe()
    renamed = {"effect": "estimate", "se": "std_error"}
    cells = cells.rename(columns=renamed)[["group", "time", *EFFECT_COLUMNS]]
    table = curve.to_dataframe()
    table = table[~table["is_reference"].astype(bool)].rename(columns={"att": "estimate", "se": "std_error"})
    sizes = panel[panel["first_year"] > 0].drop_duplicates("unit")["first_year"].value_counts()
    return GroupTime(
        cells=cells.reset_index(drop=True),
        overall=(float(result.att), float(result.se)),
        event_time=table[["event_time", *EFFECT_COLUMNS]].reset_index(drop=True),
        event_time_average=_average(curve),
        smallest_cohort=int(sizes.min()),
    )


def _average(curve: EventStudyResults) -> tuple[float, float]:
    """Mean of the effects from adoption on, with the error that their covariances give."""
    effects = pd.Series(curve.att, index=curve.event_time)
    covariance = pd.DataFrame(curve.vcov, index=curve.vcov_index, columns=curve.vcov_index)
    times = effects.index[effects.index >= 0]
    variance = float(covariance.loc[times, times].to_numpy().sum()) / len(times) ** 2
    return float(effects[times].mean()), float(np.sqrt(max(variance, 0.0)))


def _check(panel: pd.DataFrame) -> None:
    years = np.sort(panel["year"].unique())
    per_unit = panel.groupby("unit")["year"].nunique()
    problems = []
    if (
        panel["outcome"].isna().any()
        or panel.duplicated(["unit", "year"]).any()
        or (per_unit != len(years)).any()
    ):
        problems.append("the panel is not balanced: every unit needs one number for every year")
    first = panel.drop_duplicates("unit")["first_year"]
    if not (first == 0).any():
        problems.append("no unit is never treated")
    if not (first > 0).any():
        problems.append("no unit is treated")
    if ((first > 0) & (first <= years[0])).any():
        problems.append(
            f"a unit is treated from the first year, {years[0]}, on: it has no year before adoption"
        )
    if (first > years[-1]).any():
        problems.append(
            f"a unit is first treated after the last year, {years[-1]}: leave it out or call it never treated"
        )
    if problems:
        raise EstimationError("Group-time effects cannot be estimated", problems)
