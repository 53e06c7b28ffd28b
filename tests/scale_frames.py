"""Rows of a model for each scale, made from a hand-made panel as the build makes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sfpc_book.estimate.scale_estimates import ScaleData, scale_estimates
from sfpc_book.study.study import Study
from sfpc_book.study.wedge import wedge_of


def scale_data(study: Study, model: str, panel: pd.DataFrame, observability: pd.DataFrame) -> ScaleData:
    """Curves that say what the panel's means say, and monthly totals."""
    risks = panel[(panel["outcome"] == "looked_after") & (panel["sample"] == "main")]
    risks = risks.assign(n_censored=0, n_at_end=risks["n_children"], std_error=0.01)
    rules = ["records", "records_or_18"] if model == "no_wrong_door" else ["records"]
    curves = []
    for rule in rules:
        lost = risks["value_mean"] * 0.6 * 30.4 * risks["horizon"]
        curves.append(risks.assign(rule=rule, quantity="risk"))
        area = 30.4 * risks["horizon"] - lost
        curves.append(risks.assign(rule=rule, quantity="restricted_mean", value_mean=area))
    return ScaleData(panel, pd.concat(curves), monthly_totals(study, model), observability)


def monthly_totals(study: Study, model: str) -> pd.DataFrame:
    """Three totals by authority and month, with a population, seeded."""
    wedge, rng = wedge_of(study, model), np.random.default_rng(11)
    months = pd.date_range(wedge.window_start, wedge.window_end, freq="MS")
    parts = [
        pd.DataFrame(
            {
                "model": model,
                "authority": slug,
                "month": months,
                "exposed": (months >= pd.Timestamp(wedge.go_live[slug])).astype(int),
                "outcome": outcome,
                "count": rng.poisson(60 + 15 * place, len(months)),
                "population": 30_000.0 + 5_000 * place,
            }
        )
        for place, slug in enumerate(wedge.authorities)
        for outcome in study.totals
    ]
    return pd.concat(parts, ignore_index=True)


def write_scales(
    study: Study, model: str, panel: pd.DataFrame, observability: pd.DataFrame, build: Path
) -> None:
    """Write `estimates/<model>/scales.csv`."""
    rows = scale_estimates(study, wedge_of(study, model), scale_data(study, model, panel, observability))
    folder = build / "estimates" / model
    folder.mkdir(parents=True, exist_ok=True)
    rows.to_csv(folder / "scales.csv", index=False, date_format="%Y-%m-%d")
