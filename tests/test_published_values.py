"""Symbols, years, geography and the rule for the year of adoption."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from sfpc_book.errors import ContractError
from sfpc_book.published.combine import add_derived, combine, derive_rate
from sfpc_book.published.comparison import adoption_year
from sfpc_book.published.contract import Contracts, load_contracts
from sfpc_book.published.geography import (
    canonical_gss,
    load_geography,
    undeclared_codes,
    undeclared_spellings,
)
from sfpc_book.published.reading import ROW_COLUMNS
from sfpc_book.published.values import parse_values, three_digit, year_ending
from sfpc_book.simulate.published import first_full_year


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return load_contracts()


def test_symbols_stay_typed_states_and_never_become_numbers(contracts: Contracts) -> None:
    text = pd.Series(["12", " 3.5 ", "c", "x", "z", "k", "u", "low", "-", "..", "", None, "1,234", "7.0E-2"])
    parsed = parse_values(text, contracts.symbols)
    assert parsed["known"].all()
    assert parsed["symbol"].tolist() == [
        "",
        "",
        "c",
        "x",
        "z",
        "k",
        "u",
        "low",
        "-",
        "..",
        "blank",
        "blank",
        "",
        "",
    ]
    assert parsed["value"].notna().tolist() == (parsed["symbol"] == "").tolist()
    assert parsed["value"].dropna().tolist() == [12.0, 3.5, 1234.0, 0.07]


@pytest.mark.parametrize("cell", ["?", "n/a", "12*", "inf", "TBC"])
def test_an_undeclared_cell_is_neither_number_nor_symbol(cell: str, contracts: Contracts) -> None:
    parsed = parse_values(pd.Series([cell]), contracts.symbols)
    assert not parsed["known"].any()
    assert parsed["value"].isna().all()


@pytest.mark.parametrize(
    ("label", "form", "year"),
    [
        ("2023", "ending", 2023),
        ("2022-23", "financial", 2023),
        ("2022/23", "financial", 2023),
        ("2022-23 (OT)", "financial", 2023),
        ("1999-00", "financial", 2000),
        ("202223", "academic", 2023),
        ("2022-23 (prov)", "financial", None),
        ("2023 (Revised)", "ending", None),
        ("2022-24", "financial", None),
        ("2013-15", "ending", None),
        ("202224", "academic", None),
    ],
)
def test_a_year_label_is_the_year_it_ends_in_or_nothing(label: str, form: str, year: int | None) -> None:
    assert year_ending(label, form) == year


def test_codes_become_three_digits_of_text() -> None:
    codes = three_digit(pd.Series([301.0, "301", 301, 7, None, "Old SNs:"], dtype=object))
    assert codes.iloc[:4].tolist() == ["301", "301", "301", "007"]
    assert codes.iloc[4:].isna().all()


@pytest.mark.parametrize(
    ("go_live", "full", "touched"),
    [
        (date(2020, 4, 1), 2021, 2021),
        (date(2020, 4, 2), 2022, 2021),
        (date(2020, 3, 31), 2021, 2020),
        (date(2020, 9, 1), 2022, 2021),
        (date(2021, 2, 1), 2022, 2021),
        (date(2022, 1, 24), 2023, 2022),
    ],
)
def test_adoption_year_follows_the_stated_rule(go_live: date, full: int, touched: int) -> None:
    assert adoption_year(go_live, "first_full_year") == full
    assert adoption_year(go_live, "first_touched_year") == touched


def test_the_first_full_year_holds_no_day_before_go_live_and_the_year_before_does() -> None:
    for days in range(0, 800, 7):
        go_live = date(2019, 11, 1) + timedelta(days=days)
        year = adoption_year(go_live, "first_full_year")
        assert date(year - 1, 4, 1) >= go_live > date(year - 2, 4, 1)
        assert first_full_year(go_live) == year


def test_a_changed_ons_code_is_accepted_only_if_declared() -> None:
    geography = load_geography()
    pairs = pd.DataFrame(
        {
            "authority_code": ["815", "815", "825", "825", "999", "999"],
            "gss_code": ["E10000023", "E06000065", "E10000002", "E06000060", "E06999990", "E06999991"],
            "year": [2022, 2023, 2020, 2021, 2020, 2021],
        }
    )
    assert canonical_gss(pairs, geography)["815"] == "E06000065"
    assert undeclared_codes(pairs, geography) == [("999", "E06999990", "E06999991")]


def test_an_unlisted_spelling_is_found_and_a_declared_one_is_not() -> None:
    codes = pd.DataFrame({"authority_code": ["840", "301"], "name": ["Durham", "Barking and Dagenham"]})
    names = pd.DataFrame(
        {
            "authority_code": ["840", "840", "301", "982", "982"],
            "name": ["County Durham", "Durham", "Barking", "Yorkshire and the Humber", "Yorkshire"],
            "source": "x",
        }
    )
    assert undeclared_spellings(names, codes, load_geography())["name"].tolist() == ["Barking", "Yorkshire"]


def test_reorganised_areas_count_on_both_sides_of_the_change() -> None:
    codes = load_geography().reorganised_codes()
    assert set(codes) == {"835", "836", "837", "838", "839", "928", "940", "941", "909", "942", "943"}


def _rows(**columns: list[object]) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    fixed = {
        "authority_code": "301",
        "gss_code": "E09000002",
        "name": "Barking and Dagenham",
        "geography": "authority",
        "year": 2020,
        "measure": "looked_after_rate",
        "unit": "per 10,000 children",
        "symbol": "",
        "vintage": "v",
    }
    return frame.assign(**{key: value for key, value in fixed.items() if key not in frame})[list(ROW_COLUMNS)]


def test_the_newer_source_wins_the_difference_is_kept_and_a_number_beats_a_symbol(
    contracts: Contracts,
) -> None:
    rows = _rows(
        source=["lait_series", "children_looked_after"] * 3,
        year=[2020, 2020, 2021, 2021, 2022, 2022],
        value=[50.0, 51.0, 52.0, np.nan, 53.0, 53.0],
        symbol=["", "", "", "z", "", ""],
    )
    series, revisions = combine(rows, contracts)
    assert series["value"].tolist() == [51.0, 52.0, 53.0]
    assert series["source"].tolist() == ["children_looked_after", "lait_series", "children_looked_after"]
    assert revisions[["year", "value_used", "value_other", "difference"]].values.tolist() == [
        [2020, 51.0, 50.0, 1.0]
    ]


def test_a_derived_rate_divides_by_the_year_before_and_never_replaces_a_published_symbol() -> None:
    series = _rows(
        measure=["starts_number", "starts_number", "population_0_17", "population_0_17", "starts_rate"],
        year=[2017, 2018, 2016, 2017, 2018],
        value=[100.0, 110.0, 40000.0, 50000.0, np.nan],
        symbol=["", "", "", "", "c"],
        source=["lait_series"] * 5,
    )
    derived = derive_rate(
        series, numerator="starts_number", denominator="population_0_17", lag=1, per=10000, decimals=0
    )
    assert derived["value"].tolist() == [25.0, 22.0]
    together = add_derived(series, derived, measure="starts_rate", unit="per 10,000 children", formula="f")
    rates = together[together["measure"] == "starts_rate"].set_index("year")
    assert rates.loc[2017, "value"] == 25.0
    assert rates.loc[2017, "source"] == "derived: f"
    assert np.isnan(rates.loc[2018, "value"])
    assert rates.loc[2018, "symbol"] == "c"


def test_two_contracts_that_disagree_on_a_unit_are_refused(tmp_path, repository) -> None:
    for path in (repository / "data_contracts" / "published").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        if path.stem == "children_in_need":
            text = text.replace('unit: "per 10,000 children"', 'unit: "per 1,000 children"')
        if path.stem == "population":
            text = text.replace("title:", "titel:")
        target = tmp_path / "published" / path.name
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        load_contracts(tmp_path)
    text = str(caught.value)
    assert "children_in_need_rate is in" in text
    assert "population.yml: titel" in text
    assert "population.yml: title" in text
