"""Rows as the models of children and the sensitivities write them, for the tests of what the report says of
them: seeded, with every status, open ends and rows without a number among them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from report_frames import SCALE, estimate, exact, missing

from sfpc_book.estimate.estimate import Estimate, combine
from sfpc_book.study.study import Study

IMPUTED = ("mixed_logit_imputed", "fixed_effects_logit_imputed")
LOGITS = (
    "mixed_logit_imputed", "mixed_logit_complete_case", "mixed_logit_missing_indicator",
    "mixed_logit_quadrature", "mixed_logit_cells", "fixed_effects_logit_imputed",
    "fixed_effects_logit_complete_case", "fixed_effects_logit_missing_indicator",
)  # fmt: skip
CHANGES = ("no_first_period", "no_short_periods", "no_lockdown_periods", "baseline_trend")


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
            yield from _logit(study, name, rng, name in IMPUTED, at)
    yield estimate(study, analysis="linear_covariates", df=2.7, reference="t, pooled over imputations",
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
        yield _moved(study, rng, at, analysis="exposure_by_stratum", term=term)
    yield exact(study, **({"analysis": "no_first_period_exact"} | at))
    none = {"conf_low": math.nan, "conf_high": math.nan, "df": math.nan, "std_error": math.nan}
    for name in ("vertical", "crossover"):
        yield _moved(study, rng, at, analysis=name, reference="none: see the exact test by this statistic",
                     p_value=math.nan, **none)  # fmt: skip
    yield exact(study, **({"analysis": "randomisation_vertical"} | at))
    yield _moved(study, rng, at, analysis="wild_bootstrap_webb", df=math.nan, std_error=math.nan,
                 reference="wild cluster bootstrap, 7776 patterns")  # fmt: skip
    yield _moved(study, rng, at, analysis="hussey_hughes", df=3.7,
                 reference="t, Satterthwaite d.f. of the model's variances")  # fmt: skip
