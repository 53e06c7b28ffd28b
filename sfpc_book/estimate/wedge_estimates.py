"""Every planned row for one outcome at one horizon of one wedge, as one tidy table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sfpc_book.estimate.cells import Cells, cells_of
from sfpc_book.estimate.estimate import Estimate, combine
from sfpc_book.estimate.exact_test import exact_status, exact_test
from sfpc_book.estimate.exposure_time import average_effect, exposure_time_effects
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.wedge_rows import (
    EXACT,
    REFERENCES,
    Slice,
    cr2_row,
    exposure_row,
    panel_row,
    randomisation_rows,
    row_without_number,
)
from sfpc_book.study.registries import Outcome
from sfpc_book.study.wedge import Wedge


def estimate_outcome(
    panel: pd.DataFrame,
    wedge: Wedge,
    *,
    outcome: str,
    horizon: int | None,
    sample: str = "main",
    exposure: str = "go_live",
    statistic: str = "two_way",
    unit: str = "",
    conf_level: float = 0.95,
    observable_from: pd.Timestamp | None = None,
    data_status: str = "synthetic",
) -> pd.DataFrame:
    """All analyses of one outcome-by-horizon slice of the panel.

    Parameters
    ----------
    panel
        One row per authority and period (see `cells_of`), with `n_events` and `n_not_observed`. Authorities
        of the wedge that have none are out of the trial: the orders are those of the others.
    statistic
        Of the exact tests (`exact_test.py`).
    observable_from
        Date from which the outcome can be fully observed at this horizon, if known.

    Returns
    -------
    Tidy rows: the two-way coefficient weighted by children (planned) and unweighted, with CR2, with the exact
    randomisation p and set at `conf_level`, the set at the highest attainable level, the effect at each
    exposure time, and its average over exposed children. Where there is nothing to estimate each analysis
    still has one row, whose `status` says why.

    Raises
    ------
    EstimationError
        For a panel that breaks its rules or is not that of the wedge.
    """
    cells = cells_of(panel)
    facts = Slice.of(
        panel,
        [cells],
        model=wedge.model_id,
        outcome=outcome,
        horizon=horizon,
        sample=sample,
        exposure=exposure,
        unit=unit,
        conf_level=conf_level,
        data_status=data_status,
        observable_from=observable_from,
    )
    if cells.n_cells == 0 and panel["n_not_observed"].sum() > 0:
        return combine(row_without_number(facts, analysis, "not_observed") for analysis in REFERENCES)
    return combine(_rows(facts, cells, wedge.among(panel["authority"].unique()), statistic))


def estimate_outcomes(
    panel: pd.DataFrame,
    wedge: Wedge,
    outcomes: Sequence[Outcome],
    horizons: Sequence[int],
    *,
    observability: pd.DataFrame | None = None,
    sample: str = "main",
    exposure: str = "go_live",
    statistic: str = "two_way",
    conf_level: float = 0.95,
    data_status: str = "synthetic",
) -> pd.DataFrame:
    """`estimate_outcome` for each outcome and horizon of one model, under each other.

    `observability` is the cohort's table of that name; from it comes the date from which all is observable.
    """
    chosen = panel.loc[
        (panel["model"] == wedge.model_id) & (panel["sample"] == sample) & (panel["exposure"] == exposure)
    ]
    return combine(
        estimate_outcome(
            chosen.loc[(chosen["outcome"] == outcome.id) & (chosen["horizon"] == horizon)],
            wedge,
            outcome=outcome.id,
            horizon=horizon,
            sample=sample,
            exposure=exposure,
            statistic=statistic,
            unit=outcome.unit,
            conf_level=conf_level,
            observable_from=observable_date(observability, wedge.model_id, outcome.id, horizon),
            data_status=data_status,
        )
        for outcome in outcomes
        for horizon in horizons
    )


def estimate_each(
    panels: Mapping[str, pd.DataFrame], wedges: Mapping[str, Wedge], **options: Any
) -> pd.DataFrame:
    """`estimate_outcome` of one outcome and horizon for each model alone; slices and wedges by model id,
    options as there.
    """
    return combine(estimate_outcome(rows, wedges[model], **options) for model, rows in panels.items())


def _rows(facts: Slice, cells: Cells, wedge: Wedge, statistic: str) -> list[Estimate]:
    weighted = fit_two_way(cells, weights="children", conf_level=facts.conf_level)
    if not weighted.ok:
        return [row_without_number(facts, analysis, weighted.status) for analysis in REFERENCES]
    unweighted = fit_two_way(cells, weights="equal", conf_level=facts.conf_level)
    return [
        panel_row(facts, "panel_two_way", weighted),
        panel_row(facts, "panel_two_way_unweighted", unweighted),
        cr2_row(facts, cells, weighted),
        *_exact_rows(facts, cells, wedge, statistic),
        *(exposure_row(facts, "exposure_time", effect) for effect in exposure_time_effects(cells)),
        exposure_row(facts, "exposure_time_average", average_effect(cells)),
    ]


def _exact_rows(facts: Slice, cells: Cells, wedge: Wedge, statistic: str) -> list[Estimate]:
    status = exact_status(cells, statistic=statistic)
    if status != "ok":
        return [row_without_number(facts, analysis, status) for analysis in EXACT]
    test = exact_test(cells, wedge, statistic=statistic, conf_level=facts.conf_level)
    return randomisation_rows(facts, test)


def observable_date(
    observability: pd.DataFrame | None, model: str, outcome: str, horizon: int
) -> pd.Timestamp | None:
    """The date from which an outcome of all authorities is observable, by the cohort's `observability`."""
    if observability is None:
        return None
    rows = observability.loc[
        (observability["model"] == model)
        & (observability["outcome"] == outcome)
        & (observability["horizon"] == horizon),
        "fully_observed_from",
    ]
    latest = pd.to_datetime(rows).max()
    return None if pd.isna(latest) else latest
