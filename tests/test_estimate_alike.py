"""Rows that are alike, against numpy's own search; models on them, against models on every child."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sfpc_book.estimate import alike as module
from sfpc_book.estimate import child_models
from sfpc_book.estimate.alike import alike
from sfpc_book.estimate.child_models import Children


def codes(seed: int, n: int = 500) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack(
        [rng.integers(0, 3, n), rng.integers(-1, 4, n) / 7, rng.choice([0.0, -0.0, np.inf], n)]
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("marks", ["as they are", "all the same"])
def test_kinds_are_those_of_a_search_row_by_row(seed: int, marks: str, monkeypatch) -> None:
    """Also if all rows shared one mark, so that the marks tell nothing."""
    rows = codes(seed)
    if marks == "all the same":
        monkeypatch.setattr(module, "_marks", lambda columns: np.zeros(len(columns[0]), dtype=np.uint64))
    first, kind = alike(rows.T)
    assert len(first) == len(np.unique(rows + 0.0, axis=0))
    assert (rows[first][kind] == rows).all()
    assert (first == [np.flatnonzero(kind == number)[0] for number in range(len(first))]).all()


def test_no_row_has_no_kind_and_no_column_is_refused() -> None:
    first, kind = alike([np.zeros(0)])
    assert len(first) == len(kind) == 0
    with pytest.raises(ValueError, match="without columns"):
        alike([])


def children(*, number: bool = False) -> Children:
    """300 children; the outcome is 0 or 1, or if asked a number; some count for nothing."""
    rng = np.random.default_rng(3)
    cluster, period = rng.integers(0, 5, 300), rng.integers(0, 6, 300)
    outcome = rng.normal(size=300) if number else rng.binomial(1, 0.3, 300).astype(float)
    return Children(
        outcome=outcome,
        exposed=(period > cluster).astype(float),
        cluster=np.array(list("abcde"))[cluster],
        period=period,
        weight=rng.choice([0.0, 1.0, 2.5], 300, p=[0.05, 0.75, 0.2]),
        covariates=rng.integers(0, 2, (300, 2)).astype(float),
    )


@pytest.mark.parametrize(
    ("model", "number"),
    [
        (child_models.fixed_effects_logit, False),
        (child_models.mixed_logit, False),
        (child_models.linear_probability, False),
        (child_models.linear_probability, True),
    ],
)
def test_a_model_gives_the_numbers_of_the_childrens_own_rows(model, number: bool, monkeypatch) -> None:
    """To 1e-6: what the optimiser of the mixed logit leaves; the others agree to 1e-8."""
    every = children(number=number)
    fewer = every.distinct()
    assert len(fewer.outcome) < 0.8 * len(every.outcome)
    assert fewer.weight.sum() == pytest.approx(every.weight.sum())
    found = model(every)
    monkeypatch.setattr(Children, "distinct", lambda children: children)
    close = 1e-6 if model is child_models.mixed_logit else 1e-8
    for ours, expected in zip(found, model(every), strict=True):
        assert ours.status == expected.status == "ok"
        numbers = [(part.estimate, part.std_error, part.df) for part in (ours, expected)]
        assert numbers[0] == pytest.approx(numbers[1], rel=close), ours.term


def test_children_of_whom_none_counts_stay_as_they_are() -> None:
    none = replace(children(), weight=np.zeros(300))
    assert none.distinct() is none
