"""What all fits by diff-diff share: columns of a panel, its weights and clusters, and no silent warning."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar

from diff_diff import SurveyDesign

from sfpc_book.errors import EstimationError

PANEL = {"outcome": "outcome", "unit": "unit", "time": "year", "first_treat": "first_year"}
Fit = TypeVar("Fit")


def fit_or_refuse(what: str, fit: Callable[[], Fit]) -> Fit:
    """Run a fit; a warning means that a cell or its variance was left out, and is never passed over.

    Raises
    ------
    EstimationError
        With the package's own words.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return fit()
        except (UserWarning, RuntimeWarning, ValueError) as error:
            raise EstimationError(f"{what} cannot be estimated: {error}") from error


def sampling(*, weighted: bool, clustered: bool) -> SurveyDesign | None:
    """Weights of units as sampling weights, with clusters where they are larger; None without weights.

    An integer weight then counts as so many units alike, drawn together. diff-diff wants a mean of 1.
    """
    if not weighted:
        return None
    return SurveyDesign(weights="weight", psu="cluster" if clustered else None)
