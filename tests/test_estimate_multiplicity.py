"""Romano-Wolf and Holm over a family at both horizons, against a naive code that lists every order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from estimate_frames import naive_statistics, panel, wedge

from sfpc_book.estimate.multiplicity import secondary_family
from sfpc_book.report.tables_data import family_table
from sfpc_book.study.study import load_study

NAMES = ("days_in_care", "placement_count", "neet")
DESIGNS = {
    12: wedge((1, 2, 3, 4, 5), ("high", "high", "low", "low", "low")),
    4: wedge((1, 2, 3, 4), ("high", "high", "low", "low"), model="no_wrong_door"),
    120: wedge((1, 2, 3, 4, 5), model="family_valued"),
}
EFFECTS = (0.06, 0.0, -0.03)
TIE = 1e-9


def family(n_orders: int) -> pd.DataFrame:
    """Three outcomes at two horizons; the longer one has no child in the last period."""
    design = DESIGNS[n_orders]
    parts = []
    for horizon in (18, 36):
        for seed, (name, effect) in enumerate(zip(NAMES, EFFECTS, strict=True)):
            cells = panel(design, seed=10 * seed + horizon, effect=effect).assign(
                outcome=name, horizon=horizon
            )
            last = (horizon == 36) & (cells["period"] == design.n_periods - 1)
            cells.loc[last, "n_children"] = 0
            parts.append(cells)
    return pd.concat(parts, ignore_index=True)


def naive(table: pd.DataFrame, n_orders: int, horizon: int) -> pd.DataFrame:
    """p alone, by Romano and Wolf and by Holm, straight from their definitions; loops over every order."""
    design, sizes = DESIGNS[n_orders], {}
    for name in NAMES:
        cells = table[(table["outcome"] == name) & (table["horizon"] == horizon) & (table["n_children"] > 0)]
        values = naive_statistics(cells, design, cells["n_children"].to_numpy(float))
        sizes[name] = np.abs(values) / np.sqrt(np.mean(np.square(values)))
    alone = {name: np.mean(size >= size[0] * (1 - TIE)) for name, size in sizes.items()}
    stepped, remaining, floor = {}, list(NAMES), 0.0
    while remaining:
        largest = max(remaining, key=lambda name: sizes[name][0])
        beaten = [
            max(sizes[name][order] for name in remaining) >= sizes[largest][0] * (1 - TIE)
            for order in range(n_orders)
        ]
        floor = max(floor, np.mean(beaten))
        stepped[largest] = floor
        remaining.remove(largest)
    holm, floor = {}, 0.0
    for rank, name in enumerate(sorted(NAMES, key=alone.get)):
        floor = max(floor, min(1.0, alone[name] * (len(NAMES) - rank)))
        holm[name] = floor
    rows = [(name, alone[name], stepped[name], holm[name]) for name in NAMES]
    return pd.DataFrame(rows, columns=["outcome", "p_value", "p_max_t", "p_holm"])


@pytest.mark.parametrize("n_orders", DESIGNS)
@pytest.mark.parametrize("horizon", [18, 36])
def test_both_adjustments_equal_a_naive_enumeration(n_orders: int, horizon: int) -> None:
    table = family(n_orders)
    ours = secondary_family(table, DESIGNS[n_orders], NAMES, horizon)
    theirs = naive(table, n_orders, horizon)
    for column in ("p_value", "p_max_t", "p_holm"):
        assert ours[column].to_numpy() == pytest.approx(theirs[column].to_numpy(), abs=1e-12), column
    assert (ours["n_orders"] == n_orders).all()


@pytest.mark.parametrize("n_orders", DESIGNS)
def test_the_best_that_the_orders_can_give_is_printed(n_orders: int, repository) -> None:
    study = load_study(repository / "study.yml")
    found = secondary_family(family(n_orders), DESIGNS[n_orders], NAMES, 18)
    assert found["p_minimum_max_t"].to_numpy() == pytest.approx(1 / n_orders)
    assert found["p_minimum_holm"].to_numpy() == pytest.approx(min(1, 3 / n_orders))
    content = family_table(study, found, "Family")
    notes = " ".join(content.notes)
    assert f"At best, {n_orders} possible orders give one outcome p = {1 / n_orders:.3f}." in notes
    assert f"cannot go below {min(1, 3 / n_orders):.3f}" in notes
    assert "primary outcome stands outside the family" in notes
    assert {"p adjusted (Romano-Wolf)", "p adjusted (Holm)"} <= set(content.cells)


def test_outcomes_without_an_estimate_are_named_as_outside_the_family(repository) -> None:
    study, table = load_study(repository / "study.yml"), family(12)
    table.loc[table["outcome"] == "neet", "n_children"] = 0
    content = family_table(study, secondary_family(table, DESIGNS[12], NAMES, 36), "Family")
    assert content.notes[-1].endswith(f"{study.outcomes['neet'].name}.")
    table["n_children"] = 0
    nobody = family_table(study, secondary_family(table, DESIGNS[12], NAMES, 36), "Family")
    assert len(nobody.notes) == 2
