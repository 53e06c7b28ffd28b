"""Imputation, interaction-weighted and decomposed estimators of staggered adoption, by diff-diff.

Borusyak, K., Jaravel, X. and Spiess, J. (2024), Revisiting event-study designs: robust and efficient
estimation, Review of Economic Studies 91(6), 3253-3285. Sun, L. and Abraham, S. (2021), Estimating dynamic
treatment effects in event studies with heterogeneous treatment effects, Journal of Econometrics 225(2),
175-199. Goodman-Bacon, A. (2021), Difference-in-differences with variation in treatment timing, Journal of
Econometrics 225(2), 254-277.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from diff_diff import BaconDecomposition, ImputationDiD, SunAbraham

from sfpc_book.errors import EstimationError
from sfpc_book.published.staggered_fit import PANEL, fit_or_refuse, sampling

EVENT_COLUMNS = ["event_time", "estimate", "std_error"]
KINDS = ("treated_vs_never", "earlier_vs_later", "later_vs_earlier")
FORBIDDEN = "later_vs_earlier"  # units that are treated already serve as controls
SUM_TOLERANCE = 1e-8  # of the weighted comparisons against the two-way coefficient, relative


@dataclass(frozen=True)
class EventStudy:
    """Estimate and standard error of the average effect, weighted by treated units and years, and effects by
    years since adoption (event_time, estimate, std_error)."""

    overall: tuple[float, float]
    event_time: pd.DataFrame


def imputation(panel: pd.DataFrame, *, weighted: bool = False, clustered: bool = False) -> EventStudy:
    """Effects against outcomes that unit and year effects of the untreated rows impute.

    `panel` as in `group_time`. The variance is the authors' conservative one, with residuals about the means
    of each cohort and year.

    Raises
    ------
    EstimationError
        In diff-diff's words, if it cannot fit or warns.
    """
    estimator = ImputationDiD(cluster="cluster" if clustered and not weighted else None)
    design = sampling(weighted=weighted, clustered=clustered)

    def fit():
        result = estimator.fit(panel, survey_design=design, **PANEL)
        return result, result.aggregate("event_study").to_dataframe()

    result, curve = fit_or_refuse("The imputation estimator", fit)
    curve = curve[~curve["is_reference"].astype(bool)].rename(columns={"att": "estimate", "se": "std_error"})
    return EventStudy((float(result.att), float(result.se)), curve[EVENT_COLUMNS].reset_index(drop=True))


def sun_abraham(panel: pd.DataFrame, *, weighted: bool = False, clustered: bool = False) -> EventStudy:
    """Cohort-by-year interactions with unit and year effects, averaged by the cohorts' shares.

    `panel` as in `group_time`; the year before adoption is the reference.

    Raises
    ------
    EstimationError
        In diff-diff's words, if it cannot fit or warns.
    """
    estimator = SunAbraham(cluster="cluster" if clustered and not weighted else None)
    design = sampling(weighted=weighted, clustered=clustered)
    result = fit_or_refuse(
        "Sun and Abraham's estimator", lambda: estimator.fit(panel, survey_design=design, **PANEL)
    )
    rows = [(int(time), found["effect"], found["se"]) for time, found in result.event_study_effects.items()]
    curve = pd.DataFrame(rows, columns=EVENT_COLUMNS).sort_values("event_time", ignore_index=True)
    return EventStudy((float(result.att), float(result.se)), curve)


@dataclass(frozen=True)
class Decomposition:
    """What the two-way coefficient is a weighted mean of.

    Attributes
    ----------
    comparisons : DataFrame
        treated, control (first years, 0 for never treated), kind (one of `KINDS`), estimate, weight.
    two_way : float
        The coefficient, which the weighted estimates sum to.
    """

    comparisons: pd.DataFrame
    two_way: float

    def by_kind(self) -> pd.DataFrame:
        """Weight and weighted mean estimate of each kind that occurs, in the order of `KINDS`."""
        table = self.comparisons.assign(part=self.comparisons["estimate"] * self.comparisons["weight"])
        sums = table.groupby("kind")[["weight", "part"]].sum().reindex(KINDS).dropna()
        return pd.DataFrame({"weight": sums["weight"], "estimate": sums["part"] / sums["weight"]})

    @property
    def forbidden_weight(self) -> float:
        """Share of the weight on comparisons whose controls are already treated."""
        return float(self.comparisons.loc[self.comparisons["kind"] == FORBIDDEN, "weight"].sum())


def goodman_bacon(panel: pd.DataFrame) -> Decomposition:
    """Take the unweighted two-way coefficient apart into its comparisons of two groups in two spells.

    Raises
    ------
    EstimationError
        In diff-diff's words, if it cannot fit or warns; if the parts do not sum to the coefficient.
    """
    result = fit_or_refuse(
        "The decomposition", lambda: BaconDecomposition(weights="exact").fit(panel, **PANEL)
    )
    table = result.to_dataframe()
    never = table["control_group"] == "never_treated"
    comparisons = pd.DataFrame(
        {
            "treated": table["treated_group"].astype(int),
            "control": table["control_group"].mask(never, 0).astype(int),
            "kind": table["comparison_type"].astype("str"),
            "estimate": table["estimate"].astype(float),
            "weight": table["weight"].astype(float),
        }
    )
    found = Decomposition(comparisons, float(result.twfe_estimate))
    gap = abs(float(comparisons["estimate"] @ comparisons["weight"]) - found.two_way)
    scale = max(1.0, float(np.abs(panel["outcome"]).max()))
    if not gap <= SUM_TOLERANCE * scale:
        raise EstimationError(f"The decomposition misses the two-way coefficient by {gap:.3g}.")
    return found
