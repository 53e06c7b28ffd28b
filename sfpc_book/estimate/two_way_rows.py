"""The two-way panel models on rows of a panel in which a cell may have two rows, unexposed and exposed.

Definitions of exposure other than go-live split cells; weighted by children, the regression on the rows is
that on the children. Where no cell is split the numbers are those of `panel_models`, by another road.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from sfpc_book.estimate.child_models import PROPORTION, Children, Term, design_status, linear_probability
from sfpc_book.estimate.child_rows import term_row
from sfpc_book.estimate.cluster_variance import cluster_variance
from sfpc_book.estimate.estimate import Estimate, not_estimable
from sfpc_book.estimate.wedge_rows import Slice

NO_VARIANCE = not_estimable("too few clusters for a variance")
TWO_WAY: Mapping[str, str] = {
    "panel_two_way": "t",
    "panel_two_way_unweighted": "t",
    "panel_two_way_cr2": "t, Satterthwaite d.f.",
}


def panel_children(panel: pd.DataFrame, *, equal: bool = False) -> Children:
    """Rows of one slice of the panel that hold children.

    `equal`: every authority and period counts the same, its rows by their share of its children.
    """
    kept = panel.loc[panel["n_children"] > 0]
    weight = kept["n_children"].astype(float)
    if equal:
        weight = weight / weight.groupby([kept["authority"].astype(str), kept["period"]]).transform("sum")
    return Children(
        outcome=kept["value_mean"].to_numpy(float),
        exposed=kept["exposed"].to_numpy(float),
        cluster=kept["authority"].astype(str).to_numpy(dtype=object),
        period=kept["period"].to_numpy(int),
        weight=weight.to_numpy(),
        covariates=np.zeros((len(kept), 0)),
    )


def two_way_term(rows: Children) -> Term:
    """Coefficient of exposure, clustered by authority with the small-sample factor of `fit_two_way`; degrees
    of freedom G - 1."""
    design = rows.fixed_effects()
    status = design_status(rows, design)
    n, clusters, periods = len(rows.outcome), len(set(rows.cluster)), len(set(rows.period))
    if status == "ok" and n <= 1 + periods:
        status = not_estimable("no variation left around the model")
    if status != "ok":
        return Term("exposed", PROPORTION, status)
    root = np.sqrt(rows.weight)
    estimate = np.linalg.lstsq(design * root[:, None], rows.outcome * root, rcond=None)[0][0]
    contrast = np.eye(1, design.shape[1])
    found = cluster_variance(design, rows.outcome, rows.weight, rows.cluster, contrast, kind="CR0")
    factor = clusters / (clusters - 1) * (n - 1) / (n - 1 - periods)
    error = float(found.std_error[0]) * math.sqrt(factor)
    if not error > 0:
        return Term("exposed", PROPORTION, NO_VARIANCE)
    return Term("exposed", PROPORTION, "ok", float(estimate), error, float(clusters - 1))


def two_way_row(
    panel: pd.DataFrame, method: str, analysis: str, *, status: str = "ok", **about: object
) -> Estimate:
    """The row of an analysis by one of the methods of `TWO_WAY`, for one slice of the panel.

    `about` are the fields of `Slice` that the panel does not hold: model, outcome, horizon, sample, ...; a
    `status` other than `ok` says beforehand why there is no number.
    """
    rows = panel_children(panel, equal=method == "panel_two_way_unweighted")
    counts = {
        "n_children": int(panel["n_children"].sum()),
        "n_clusters": len(set(rows.cluster)),
        "n_periods": len(set(rows.period)),
    }
    facts = Slice.of(panel, [], **counts, **about)
    if status == "ok" and not len(rows.outcome) and panel["n_not_observed"].sum() > 0:
        status = "not_observed"
    if status != "ok":
        return term_row(facts, analysis, Term("exposed", PROPORTION, status))
    term = linear_probability(rows)[0] if method == "panel_two_way_cr2" else two_way_term(rows)
    row = term_row(facts, analysis, term)
    return replace(row, reference=TWO_WAY[method]) if term.status == "ok" else row
