"""Adopters against never-adopters on published rates: every row is triangulation, none the trial's answer.

`matched_did` is a two-way panel model with authority and year effects, clustered by authority, t on G - 1.
`group_time` averages group-time effects, in which adopters never serve as each other's controls.
`matched_did_placebo` and `group_time_placebo` give the same two estimates with inference from never-adopters
that are handed the adopters' years at random: with few adopters, or one to a cohort, the other variances are
too small.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from sfpc_book.contracts.finding import Finding
from sfpc_book.errors import EstimationError
from sfpc_book.estimate.estimate import NAN, Estimate, combine, not_estimable
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.published.cases import ALL_MODELS, Case, cases, cells, long_panel
from sfpc_book.published.comparison import Comparison
from sfpc_book.published.effects import Placebo, placebo_draws, statistics
from sfpc_book.published.geography import Geography
from sfpc_book.published.matching import choose
from sfpc_book.published.sources import Published
from sfpc_book.published.staggered import GroupTime, group_time
from sfpc_book.study.study import Study

EVERYONE = "never_adopters"
# Below about this many treated clusters the clustered t test of a difference-in-differences rejects too often
# (MacKinnon and Webb 2017, Journal of Applied Econometrics 32(2), 233-254).
FEW_ADOPTERS = 12
NO_ADOPTER = not_estimable("no adopter with a complete series")


@dataclass(frozen=True)
class Compared:
    """Tidy estimates; the comparators of each adopter with weights; who was left out and why; findings."""

    estimates: pd.DataFrame
    matches: pd.DataFrame
    left_out: pd.DataFrame
    findings: tuple[Finding, ...]


def compare(study: Study, published: Published, comparison: Comparison, geography: Geography) -> Compared:
    """Every comparison that `comparison.yml` asks for, for all adopters and by practice model."""
    rows: list[Estimate] = []
    matches: list[pd.DataFrame] = []
    left_out: list[pd.DataFrame] = []
    findings: list[Finding] = []
    for case in cases(study, published, comparison, geography):
        rows += [*_group_time_rows(case, comparison), *_placebo_rows(case, comparison)]
        findings.append(_adopter_finding(case))
        for how in comparison.comparators:
            pairs = choose(how, case.treated, case.pool, case.matrix, published.neighbours)
            rows.append(_panel_row(case, how.id, how.weights, pairs))
            if case.model == ALL_MODELS and how.id != EVERYONE:
                matches.append(_described(pairs, case, how.id))
        left_out.append(case.pool.left_out.assign(outcome=case.outcome))
    dropped = pd.concat(left_out, ignore_index=True).drop_duplicates().reset_index(drop=True)
    return Compared(combine(rows), pd.concat(matches, ignore_index=True), dropped, tuple(findings))


def _described(pairs: pd.DataFrame, case: Case, comparators: str) -> pd.DataFrame:
    return pairs.assign(
        outcome=case.outcome, treated=case.treated_id, exposure=case.rule, comparators=comparators
    )


def _adopter_finding(case: Case) -> Finding:
    number = len(case.treated)
    few = number < FEW_ADOPTERS
    text = f"{number} adopters: " + (
        "too few for a clustered interval to hold its level; read the placebo row beside it"
        if few
        else "enough for a clustered interval to be of use"
    )
    return Finding(
        check="published_few_adopters",
        subject=f"{case.model} {case.outcome} {case.treated_id} {case.rule}",
        status="fail" if few else "pass",
        severity="mark",
        measured=float(number),
        limit=float(FEW_ADOPTERS),
        unit="authorities",
        text=text,
    )


def _panel_row(case: Case, comparators: str, weights: str, pairs: pd.DataFrame) -> Estimate:
    """Two-way panel model of the adopters and their comparators."""
    share = pairs.groupby("comparator_code")["weight"].sum()
    if share.empty:
        return case.estimate("matched_did", comparators, NO_ADOPTER)
    kind = "equal" if weights == "equal" else "children"  # "children" takes the cells' own weights
    fit = fit_two_way(cells(case, share), weights=kind, conf_level=case.conf_level)
    numbers = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high", "n_clusters")
    return case.estimate(
        "matched_did",
        comparators,
        fit.status,
        reference="t",
        **{name: getattr(fit, name) for name in numbers},
    )


def _group_time_rows(case: Case, comparison: Comparison) -> Iterator[Estimate]:
    """The average over all exposed years, then the effects by years since adoption."""
    try:
        fitted = group_time(long_panel(case))
    except EstimationError as error:
        yield case.estimate("group_time", EVERYONE, not_estimable("; ".join(error.problems) or error.message))
        return
    yield case.estimate("group_time", EVERYONE, "ok", **_normal(*fitted.overall, fitted, case))
    shown = range(comparison.event_times.first, comparison.event_times.last + 1)
    for row in fitted.event_time.itertuples(index=False):
        if row.event_time in shown:
            facts = _event_facts(case, int(row.event_time))
            numbers = _normal(float(row.estimate), float(row.std_error), fitted, case)
            yield case.estimate("group_time", EVERYONE, "ok", **facts, **numbers)


def _event_facts(case: Case, event_time: int) -> dict[str, object]:
    """Term, estimand, truth and contributing authorities of an effect by years since adoption."""
    years = case.matrix.columns
    inside = (case.treated["first_year"] + event_time).between(int(years[0]), int(years[-1]))
    before = 0.0 if np.isfinite(case.truth) else NAN
    return {
        "estimand": "event_time_effect",
        "term": f"event_time_{event_time}",
        "truth": case.truth if event_time >= 0 else before,
        "n_clusters": int(inside.sum()) + len(case.pool.codes),
    }


def _normal(estimate: float, std_error: float, fitted: GroupTime, case: Case) -> dict[str, object]:
    """Normal interval; none where a cohort is one authority, whose own noise the variance would leave out."""
    if fitted.smallest_cohort < 2 or not std_error > 0:
        return {"estimate": estimate, "reference": "none: a cohort of one authority"}
    half = float(stats.norm.ppf(0.5 + case.conf_level / 2)) * std_error
    return {
        "estimate": estimate,
        "std_error": std_error,
        "statistic": estimate / std_error,
        "p_value": float(2 * stats.norm.sf(abs(estimate / std_error))),
        "conf_low": estimate - half,
        "conf_high": estimate + half,
        "reference": "normal",
    }


def _placebo_rows(case: Case, comparison: Comparison) -> Iterator[Estimate]:
    """Both averages and the effects by years since adoption, against never-adopters given the same years."""
    names = ("group_time_placebo", "matched_did_placebo")
    if case.treated.empty or len(case.pool.codes) <= 2 * len(case.treated):
        cause = NO_ADOPTER if case.treated.empty else not_estimable("too few never-adopters")
        yield from (case.estimate(name, EVERYONE, cause) for name in names)
        return
    shown = comparison.event_times
    event_times = [time for time in range(shown.first, shown.last + 1) if time != -1]
    pool = case.matrix.loc[list(case.pool.codes)].to_numpy(dtype="float64")
    own = case.matrix.loc[case.treated["authority_code"]].to_numpy(dtype="float64")
    first = case.treated["first_year"].to_numpy() - int(case.matrix.columns[0])
    observed = statistics(own, first, pool, event_times)
    draws = placebo_draws(pool, first, event_times, comparison.placebo.draws, comparison.placebo.seed)
    for column, name in enumerate(names):
        yield _placebo_row(case, name, Placebo(float(observed[column]), draws[:, column]), {})
    for column, event_time in enumerate(event_times, start=2):
        if np.isfinite(observed[column]):
            placebo = Placebo(float(observed[column]), draws[:, column])
            yield _placebo_row(case, names[0], placebo, _event_facts(case, event_time))


def _placebo_row(case: Case, name: str, placebo: Placebo, facts: dict[str, object]) -> Estimate:
    low, high = placebo.interval(case.conf_level)
    numbers = {
        "estimate": placebo.estimate,
        "std_error": placebo.std_error,
        "p_value": placebo.p_value,
        "conf_low": low,
        "conf_high": high,
        "reference": "placebo authorities",
        "n_orders": len(placebo.draws),
        "p_minimum": 1 / (1 + len(placebo.draws)),
    }
    return case.estimate(name, EVERYONE, "ok", **facts, **numbers)
