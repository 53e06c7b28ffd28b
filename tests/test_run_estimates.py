"""The table of every estimate: the chapters' own numbers to the last digit, and the truth beside them."""

from __future__ import annotations

import pandas as pd
import pytest

from sfpc_book.book.estimates import collect
from sfpc_book.errors import BookBuildError
from sfpc_book.estimate.estimate import TIDY_COLUMNS


def chapter(build, slug, *rows):
    filled = {"model": "fs", "outcome": "care", "horizon": "18", "sample": "main", "exposure": "go_live"}
    filled["status"] = "ok"
    frame = pd.DataFrame([{**filled, **row} for row in rows], columns=list(TIDY_COLUMNS))
    (build / "results").mkdir(exist_ok=True)
    frame.to_csv(build / "results" / f"{slug}.csv", index=False)


def collected(build, *slugs):
    path = collect(build, slugs, build / "truth.csv")
    return pd.read_csv(path, dtype="str", keep_default_na=False)


def plant(build):
    rows = [
        ("fs", "care", 18, 0, -0.02, 90),
        ("fs", "care", 18, 1, -0.01, 50),
        ("fs", "care", 18, 2, -0.04, 40),
    ]
    columns = ["model", "outcome", "horizon", "exposure_time", "truth", "n_exposed"]
    pd.DataFrame(rows, columns=columns).to_csv(build / "truth.csv", index=False)


def test_numbers_are_copied_as_they_stand_in_the_order_of_the_plan(tmp_path):
    chapter(tmp_path, "b", {"estimate": "0.10000000000000001"})
    chapter(tmp_path, "a", {"estimate": "1e-3"}, {"estimate": ""})
    assert list(collected(tmp_path, "b", "a")["estimate"]) == ["0.10000000000000001", "1e-3", ""]


@pytest.mark.parametrize(
    ("row", "truth"),
    [
        ({"term": "exposed"}, "-0.02"),
        ({"term": "exposure_time_2"}, "-0.04"),
        ({"term": "exposure_time_average"}, repr((-0.01 * 50 - 0.04 * 40) / 90)),  # by exposed children
        ({"term": "exposure_time_average_of_1_3"}, ""),
        ({"term": "exposed", "status": "partly_observed"}, ""),  # the truth is that of other children
        ({"term": "exposure_time_average_of_1"}, "-0.01"),
        ({"term": "exposure_time_3"}, ""),
        ({"term": "exposed", "sample": "born_only"}, ""),
        ({"term": "exposed", "horizon": "36"}, ""),
        ({"term": "exposed", "truth": "7"}, "7"),
        ({"term": "without_period_2"}, ""),
        ({"term": "exposed_period_2"}, ""),
    ],
)
def test_truth_stands_beside_the_estimate_it_belongs_to(tmp_path, row, truth):
    plant(tmp_path)
    chapter(tmp_path, "a", row)
    assert list(collected(tmp_path, "a")["truth"]) == [truth]


def test_without_a_truth_none_is_shown(tmp_path):
    chapter(tmp_path, "a", {"term": "exposed"})
    assert list(collected(tmp_path, "a")["truth"]) == [""]


def test_without_chapters_the_table_has_its_columns(tmp_path):
    (tmp_path / "results").mkdir()
    assert list(collected(tmp_path).columns) == list(TIDY_COLUMNS)


def test_columns_that_are_not_the_tidy_ones_are_named(tmp_path):
    chapter(tmp_path, "a", {})
    path = tmp_path / "results" / "a.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("p_value", "p"), encoding="utf-8")
    with pytest.raises(BookBuildError, match=r"a\.csv: missing: p_value; unknown: p"):
        collected(tmp_path, "a")
