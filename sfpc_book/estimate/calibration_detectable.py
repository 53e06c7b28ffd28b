"""The smallest effect that a design would have found with a given power: by closed form and by simulation.

*Closed form*: the variance of generalised least squares at the realised cells under declared correlations
(`power.py`). *Simulation*: the estimate and every order's statistic are linear in the cell means, so an
effect of t added to the exposed cells of a trial simulated without effect moves the estimate by t, leaves the
residuals, and moves an order's statistic by t times that of the exposure. Whether a trial rejects is thus
known at every t from one draw, and the smallest t at which the share of rejections reaches the power is found
by bisection. The variance of a 0/1 outcome is taken as that without effect.

With less than the power at any size, the status says so and there is no number: an exact test with few orders
cannot reject at a level below its smallest p.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats

from sfpc_book.estimate.calibration import Plan
from sfpc_book.estimate.calibration_design import Design
from sfpc_book.estimate.calibration_draw import CHUNK, Draws
from sfpc_book.estimate.calibration_linear import ATTAINABLE, CR2, EXACT, PANEL, LinearJudge
from sfpc_book.estimate.calibration_verdicts import TIE
from sfpc_book.estimate.estimate import NAN, not_estimable
from sfpc_book.estimate.power import detectable_effects
from sfpc_book.estimate.randomisation import TIE_TOLERANCE

DETECTABLE_COLUMNS = (
    "model", "method", "scenario", "intracluster_correlation", "cell_autocorrelation", "alpha", "power",
    "baseline", "detectable", "detectable_error", "replications", "status", "unit", "data_status",
)  # fmt: skip
CLOSED_FORM = "closed_form"
UNREACHABLE = not_estimable("no size of effect reaches this power")
LARGEST = 1.0  # a difference of risks cannot be larger
PRECISION = 1e-5  # of the effect found, a hundredth of a child in 1,000

Rejects = Callable[[float], np.ndarray]


def detectable_table(plan: Plan, design: Design) -> pd.DataFrame:
    """`DETECTABLE_COLUMNS`: the closed form for each intracluster correlation, then the leading methods in
    every scenario without effect, by the study's `linear` replications."""
    rows = [*_closed_form(plan, design)]
    judge = LinearJudge(design, statistic=plan.statistic, conf_level=plan.conf_level)
    for name, scenario in plan.settings.scenarios.items():
        if not scenario.has_effect:
            rows += _simulated(plan, judge, name)
    facts = {
        "model": plan.model,
        "power": plan.settings.detectable.power,
        "baseline": plan.settings.baseline.mean,
        "unit": "proportion",
        "data_status": "design",
    }
    return pd.DataFrame(rows).assign(**facts)[list(DETECTABLE_COLUMNS)]


def _closed_form(plan: Plan, design: Design) -> list[dict[str, object]]:
    risk, asked = plan.settings.baseline.mean, plan.settings.detectable
    found = detectable_effects(
        design.cells,
        child_variance=risk * (1 - risk),
        intracluster_correlations=asked.intracluster_correlations,
        cell_autocorrelation=asked.cell_autocorrelation,
        power=asked.power,
        alpha=1 - plan.conf_level,
    )
    return [
        {
            "method": CLOSED_FORM,
            "scenario": "",
            "intracluster_correlation": row.intracluster_correlation,
            "cell_autocorrelation": row.cell_autocorrelation,
            "alpha": 1 - plan.conf_level,
            "detectable": row.minimum_t,
            "detectable_error": 0.0,
            "replications": 0,
            "status": "ok",
        }
        for row in found.itertuples()
    ]


def _simulated(plan: Plan, judge: LinearJudge, scenario: str) -> list[dict[str, object]]:
    size = plan.settings.replications.linear
    chunks = range(math.ceil(size / CHUNK))
    draws = _joined([plan.draws(judge.design, scenario, chunk) for chunk in chunks]).first(size)
    alpha = 1 - plan.conf_level
    tests = (
        (PANEL, alpha, panel_rejections(judge, draws, "CR1", alpha)),
        (CR2, alpha, panel_rejections(judge, draws, "CR2", alpha)),
        (EXACT, alpha, exact_rejections(judge, draws, alpha)),
        (ATTAINABLE, judge.attainable, exact_rejections(judge, draws, judge.attainable)),
    )
    return [
        {
            "method": method,
            "scenario": scenario,
            "intracluster_correlation": NAN,
            "cell_autocorrelation": NAN,
            "alpha": level,
            "replications": size,
            **smallest_effect(rejects, plan.settings.detectable.power),
        }
        for method, level, rejects in tests
    ]


def smallest_effect(rejects: Rejects, power: float) -> dict[str, object]:
    """The smallest effect rejected with a probability of at least `power`, its Monte Carlo error, and a
    status.

    The error is that of the power there over the slope of the power around it.
    """
    if rejects(LARGEST).mean() < power:
        return {"detectable": NAN, "detectable_error": NAN, "status": UNREACHABLE}
    low, high = 0.0, LARGEST
    while high - low > PRECISION:
        middle = (low + high) / 2
        low, high = (low, middle) if rejects(middle).mean() >= power else (middle, high)
    step = max(high / 10, PRECISION)
    slope = float(rejects(high + step).mean() - rejects(max(high - step, 0.0)).mean()) / (2 * step)
    noise = math.sqrt(power * (1 - power) / len(rejects(high)))
    return {"detectable": high, "detectable_error": noise / slope if slope > 0 else NAN, "status": "ok"}


def panel_rejections(judge: LinearJudge, draws: Draws, kind: str, alpha: float) -> Rejects:
    """Whether the two-way model rejects each trial with an effect added: t on clusters - 1 d.f. for `CR1`,
    Satterthwaite's for `CR2`. Averages over effects of both signs, which the trials do not tell apart."""
    size = len(draws)
    estimate, half = np.zeros(size), np.full(size, np.inf)
    for order in np.unique(draws.order).tolist():
        rows = np.flatnonzero(draws.order == order)
        form = judge.form(order)
        df = len(judge.design.cells.authorities) - 1 if kind == "CR1" else form.df[kind]
        if form.identified and df > 0:
            estimate[rows] = draws.mean[rows] @ form.influence
            half[rows] = stats.t.ppf(1 - alpha / 2, df) * form.std_error(draws.mean[rows], kind)
    both = np.concatenate([estimate, -estimate]), np.concatenate([half, half])
    return lambda effect: (np.abs(both[0] + effect) >= both[1]) & (both[1] > 0)


def exact_rejections(judge: LinearJudge, draws: Draws, alpha: float) -> Rejects:
    """Whether the exact test rejects each trial with an effect added, of either sign."""
    found = [judge.exact(int(order), mean) for order, mean in zip(draws.order, draws.mean, strict=True)]
    effect = np.array([trial.effect for trial in found])
    effect = np.concatenate([effect, -effect])
    of_exposure = np.tile(np.array([trial.of_exposure for trial in found]), (2, 1))
    always = np.tile(np.array([trial.always for trial in found]), (2, 1))

    def rejects(shift: float) -> np.ndarray:
        moved = np.abs(effect + shift * of_exposure)
        least = moved[:, :1] - TIE_TOLERANCE * moved.max(axis=1, keepdims=True)
        return ((moved >= least) | always).mean(axis=1) <= alpha + TIE

    return rejects


def _joined(parts: list[Draws]) -> Draws:
    fields = ("order", "mean", "difference", "log_odds")
    return Draws(*(np.concatenate([getattr(part, field) for part in parts]) for field in fields))
