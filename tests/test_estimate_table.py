"""The tidy table: fixed columns and types, and no row that contradicts itself."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.estimate import TIDY_COLUMNS, Estimate, combine

ROW = {"model": "family_valued", "outcome": "neet", "horizon": 18, "analysis": "panel_two_way"}


def test_tidy_has_the_fixed_columns_in_order_with_fixed_types() -> None:
    with_number = Estimate(**ROW, status="ok", estimate=0.01, n_events=3)
    without = Estimate(**ROW, status="not_observed", observable_from=pd.Timestamp("2025-06-01"))
    table = combine([with_number, without])
    assert tuple(table.columns) == TIDY_COLUMNS
    for one in (with_number.tidy(), combine([]), combine([table, table])):
        assert one.dtypes.equals(table.dtypes)
    assert table["n_events"].tolist() == [3, pd.NA]
    assert table["observable_from"].dtype == "datetime64[ns]"
    assert table["identified"].dtype == bool


def test_combining_tables_keeps_order_and_values() -> None:
    rows = [Estimate(**ROW, status="ok", estimate=value) for value in (0.1, 0.2, 0.3)]
    pd.testing.assert_frame_equal(combine([combine(rows[:2]), rows[2]]), combine(rows))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"status": "fine", "estimate": 0.1}, "status 'fine' is unknown"),
        ({"status": "not_estimable: "}, "unknown"),
        ({"status": "not_observed", "estimate": 0.0}, "does not allow the number"),
        ({"status": "ok"}, "needs an estimate"),
        ({"status": "ok", "estimate": 0.1, "identified": False}, "unidentified"),
        ({"status": "ok", "estimate": 0.1, "p_value": 0.0}, "outside (0, 1]"),
        ({"status": "ok", "estimate": 0.1, "conf_low": 1.0, "conf_high": 0.0}, "above conf_high"),
        ({"status": "ok", "estimate": 0.1, "std_error": -1.0}, "negative"),
        ({"status": "ok", "estimate": 0.1, "data_status": "guess"}, "synthetic, returns, published, design"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(values: dict[str, object], named: str) -> None:
    with pytest.raises(EstimationError) as caught:
        Estimate(**(ROW | values))
    assert named in str(caught.value)


def test_all_faults_of_a_row_are_named_at_once() -> None:
    with pytest.raises(EstimationError) as caught:
        Estimate(**ROW, status="fine", p_value=2.0, conf_level=95)
    assert len(caught.value.problems) == 3


def test_a_table_with_other_columns_is_refused_by_name() -> None:
    table = Estimate(**ROW, status="not_observed").tidy()
    with pytest.raises(EstimationError, match="missing: unit"):
        combine([table.drop(columns="unit")])
    with pytest.raises(EstimationError, match="not known: extra"):
        combine([table.assign(extra=1)])
    with pytest.raises(EstimationError, match="another order"):
        combine([table[list(reversed(TIDY_COLUMNS))]])


def test_summary_says_why_there_is_no_number_and_shows_the_attainable_p() -> None:
    assert "none (not_observed)" in Estimate(**ROW, status="not_observed").summary()
    unbounded = {"conf_low": -math.inf, "conf_high": math.inf}
    exact = Estimate(**ROW, status="ok", estimate=0.01, p_value=0.25, p_minimum=1 / 12, **unbounded)
    assert "smallest attainable 0.08333" in exact.summary()
    assert "-inf to inf" in exact.summary()
