"""Rows as the models of children and the sensitivities write them, for the tests of what the report says of
them: seeded, with every status, open ends and rows without a number among them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from report_frames import SCALE, estimate, exact, missing

from sfpc_book.estimate.estimate import Estimate, combine
from sfpc_book.study.registries import Analysis, Specifications
from sfpc_book.study.study import Study

IMPUTED, COMPLETE, INDICATOR = "multiple_imputation", "complete_case", "missing_indicator"
# id → name, plan status, further fields; added to a study only where it lacks them
ANALYSES: dict[str, tuple[str, str, dict[str, object]]] = {
    "mixed_logit": ("Mixed logit with a random authority intercept", "planned", {"missing_data": IMPUTED}),
    "mixed_logit_complete_case": ("Main mixed logit, but complete cases only", "planned",
                                  {"method": "mixed_logit", "missing_data": COMPLETE}),
    "mixed_logit_missing_indicator": ("Main mixed logit, but missing values as a level", "planned",
                                      {"method": "mixed_logit", "missing_data": INDICATOR}),
    "mixed_logit_quadrature": ("Main mixed logit, but by adaptive quadrature", "exploratory", {}),
    "mixed_logit_cells": ("Main mixed logit, but with a random period intercept", "exploratory", {}),
    "fixed_effects_logit": ("Logit with authority and period effects", "exploratory",
                            {"missing_data": IMPUTED}),
    "fixed_effects_logit_complete_case": ("Logit with effects, but complete cases only", "exploratory",
                                          {"method": "fixed_effects_logit", "missing_data": COMPLETE}),
    "linear_cr2": ("Least squares with covariates", "exploratory", {"missing_data": IMPUTED}),
    "vertical": ("Within-period difference", "exploratory", {}),
    "crossover": ("Change at go-live", "exploratory", {}),
    "randomisation_vertical": ("Exact test by the within-period difference", "exploratory", {}),
    "wild_bootstrap_webb": ("Wild cluster bootstrap", "exploratory", {}),
    "hussey_hughes": ("Mixed model of Hussey and Hughes", "exploratory", {}),
    "leave_out": ("Main, but without one part at a time", "exploratory", {}),
    "leave_out_randomisation": ("Main, but without one part at a time, exact test", "exploratory", {}),
    "drop_first_period_exact": ("Main, but without the first period, exact test", "exploratory",
                                {"method": "randomisation", "change": "drop_first"}),
    "drop_first_period": ("Main, but without the first period", "exploratory", {"change": "drop_first"}),
    "drop_short_periods": ("Main, but without short periods", "exploratory",
                           {"change": "drop_short", "days": 60}),
    "drop_lockdowns": ("Main, but without referrals in lockdowns", "exploratory", {"change": "lockdowns"}),
    "regression_to_mean": ("Main, but with the level before the trial", "exploratory",
                           {"change": "regression_to_mean"}),
    "readiness": ("Main, but with an effect for each readiness stratum", "exploratory",
                  {"change": "readiness"}),
}  # fmt: skip
LOGITS = (
    "mixed_logit", "mixed_logit_complete_case", "mixed_logit_missing_indicator", "mixed_logit_quadrature",
    "mixed_logit_cells", "fixed_effects_logit", "fixed_effects_logit_complete_case",
)  # fmt: skip
CHANGES = ("drop_first_period", "drop_short_periods", "drop_lockdowns", "regression_to_mean")


def with_analyses(study: Study) -> Study:
    """The study with rows in its registry for every analysis above that it lacks, and a grid of
    specifications."""
    added = {name: _analysis(study, name) for name in ANALYSES if name not in study.analyses}
    grid = study.specifications
    if not grid.analyses:
        grid = Specifications(analyses=("panel_two_way", "panel_two_way_unweighted", "panel_two_way_cr2"))
    return study.model_copy(update={"analyses": study.analyses | added, "specifications": grid})


def _analysis(study: Study, name: str) -> Analysis:
    words, status, more = ANALYSES[name]
    fields = study.analyses["panel_two_way"].model_dump() | {"id": name, "name": words, "plan_status": status}
    return Analysis(**(fields | more))


def child_rows(study: Study, model: str, seed: int = 3) -> pd.DataFrame:
    """Rows of the models of children: each outcome between 0 and 1, at each horizon."""
    rng = np.random.default_rng(seed)
    rows: list[Estimate] = []
    for outcome in study.models[model].outcomes:
        for horizon in study.horizons:
            if study.outcomes[outcome].has_horizon or horizon == study.horizons[0]:
                rows += _of_outcome(study, model, outcome, horizon, rng)
    return combine(rows)


def _of_outcome(
    study: Study, model: str, outcome: str, horizon: int, rng: np.random.Generator
) -> Iterator[Estimate]:
    at = {"outcome": outcome, "horizon": horizon, "model": model}
    binary = study.outcomes[outcome].scale == "binary"
    for name in LOGITS:
        if not binary:
            yield missing(study, "not_estimable: the outcome is not between 0 and 1", analysis=name, **at)
        elif name == "mixed_logit_cells":
            yield missing(study, "not_estimable: not converged", analysis=name, unit="log odds ratio", **at)
        else:
            yield from _logit(study, name, rng, name in ("mixed_logit", "fixed_effects_logit"), at)
    yield estimate(study, analysis="linear_cr2", df=2.7, reference="t, pooled over imputations",
                   missing_information=0.04, **at)  # fmt: skip


def _logit(study: Study, name: str, rng: np.random.Generator, imputed: bool, at: dict) -> Iterator[Estimate]:
    base, effect = 0.052, rng.normal(-0.09, 0.04)
    exposed = base * math.exp(effect)
    information = {"missing_information": 0.12, "reference": "t, pooled over imputations", "df": 3.4}
    facts = information if imputed else {"reference": "normal", "df": math.inf}
    values = {
        "exposed": (effect, 0.14, "log odds ratio"),
        "standardised_risk_unexposed": (base, 0.004, "proportion"),
        "standardised_risk_exposed": (exposed, 0.005, "proportion"),
        "standardised_risk_difference": (exposed - base, 0.007, "proportion"),
        "standardised_log_risk_ratio": (0.95 * effect, 0.13, "log risk ratio"),
        "standardised_log_odds_ratio": (effect, 0.14, "log odds ratio"),
        "standardised_risk_difference_exposed": (0.9 * (exposed - base), 0.007, "proportion"),
    }
    only = name.startswith("mixed")  # the mixed logit gives an odds ratio and no level
    for term, (value, error, unit) in list(values.items())[: 1 if only else None]:
        numbers = {"estimate": value, "conf_low": value - 2 * error, "conf_high": value + 2 * error}
        yield estimate(study, analysis=name, term=term, std_error=error, unit=unit,
                       **numbers, **facts, **at)  # fmt: skip


def sensitivity_rows(study: Study, model: str, seed: int = 5) -> pd.DataFrame:
    """Rows of the sensitivities of the panel model for the primary outcome at each horizon."""
    rng = np.random.default_rng(seed)
    primary, rows = study.primary(model).id, []
    for horizon in study.horizons:
        at = {"outcome": primary, "horizon": horizon, "model": model}
        rows += [*_choices(study, rng, at), *_parts(study, model, rng, at), *_changes(study, rng, at)]
    return combine(rows)


def _moved(study: Study, rng: np.random.Generator, at: dict, **fields: object) -> Estimate:
    scale = SCALE[study.outcomes[at["outcome"]].scale]
    value, half = rng.normal(-0.1, 0.08) * scale, rng.uniform(0.15, 0.4) * scale
    numbers = {"estimate": value, "conf_low": value - half, "conf_high": value + half}
    return estimate(study, **(numbers | at | fields))


def _choices(study: Study, rng: np.random.Generator, at: dict) -> Iterator[Estimate]:
    """Panel analyses on the other samples, and under the other definitions of exposure."""
    pairs = [(sample, "go_live") for sample in study.samples if sample != "main"]
    pairs += [("main", exposure) for exposure in study.exposures if exposure != "go_live"]
    for sample, exposure in pairs:
        for analysis in ("panel_two_way", "panel_two_way_unweighted", "panel_two_way_cr2"):
            where = {"sample": sample, "exposure": exposure, "analysis": analysis}
            if sample == "with_leicester":
                yield missing(study, "not_estimable: no return of Leicester", **where, **at)
            else:
                yield _moved(study, rng, at, **where)


def _parts(study: Study, model: str, rng: np.random.Generator, at: dict) -> Iterator[Estimate]:
    slugs = study.models[model].trial_authorities
    for place, part in enumerate([*slugs, *(f"period_{n}" for n in range(1, 5))]):
        term = f"without_{part}"
        if place == len(slugs):
            yield missing(study, "not_identified", analysis="leave_out", term=term, identified=False, **at)
        else:
            yield _moved(study, rng, at, analysis="leave_out", term=term)
            yield exact(study, **({"analysis": "leave_out_randomisation", "term": term} | at))


def _changes(study: Study, rng: np.random.Generator, at: dict) -> Iterator[Estimate]:
    for name in CHANGES:
        yield _moved(study, rng, at, analysis=name)
    for term in ("exposed_high", "exposed_low", "exposed_high_minus_low"):
        yield _moved(study, rng, at, analysis="readiness", term=term)
    yield exact(study, **({"analysis": "drop_first_period_exact"} | at))
    none = {"conf_low": math.nan, "conf_high": math.nan, "df": math.nan, "std_error": math.nan}
    for name in ("vertical", "crossover"):
        yield _moved(study, rng, at, analysis=name, reference="none: see the exact test by this statistic",
                     p_value=math.nan, **none)  # fmt: skip
    yield exact(study, **({"analysis": "randomisation_vertical"} | at))
    yield _moved(study, rng, at, analysis="wild_bootstrap_webb", df=math.nan, std_error=math.nan,
                 reference="wild cluster bootstrap, 7776 patterns")  # fmt: skip
    yield _moved(study, rng, at, analysis="hussey_hughes", df=3.7,
                 reference="t, Satterthwaite d.f. of the model's variances")  # fmt: skip
