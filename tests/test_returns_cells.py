"""Cells: every form met in practice says one canonical value; what is not known is counted, never dropped."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from sfpc_book.contracts.contract import DATA_CONTRACTS, Column
from sfpc_book.contracts.vocabulary import load_vocabularies
from sfpc_book.returns.cells import BLANK, CLEAN, PHRASE, UNBORN, UNMAPPED, read_column
from sfpc_book.returns.factors import FLAGS, complete_factors

WORDS = load_vocabularies(DATA_CONTRACTS / "vocabularies.yml")
DAY = dt.date(2021, 3, 9)
SERIAL = 44264


def read(cells, kind: str, **more):
    column = Column(name="c", header="C", type=kind, required=True, description="", **more)
    return read_column(cells, column, WORDS)


def test_excel_serial_is_the_day_it_stands_for():
    assert dt.date(1899, 12, 30) + dt.timedelta(days=SERIAL) == DAY


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        (DAY, "date cell"), (dt.datetime(2021, 3, 9, 14, 30), "date cell"), (SERIAL, "serial number"),
        (SERIAL + 0.6, "serial number"), (str(SERIAL), "serial as text"), (f"{SERIAL}.0", "serial as text"),
        ("09/03/2021", "dd/mm/yyyy"), ("9/3/2021", "dd/mm/yyyy"), ("09-03-2021", "dd-mm-yyyy"),
        ("09.03.2021", "dd.mm.yyyy"), ("2021-03-09", "yyyy-mm-dd"), ("2021-03-09 00:00:00", "yyyy-mm-dd"),
        ("2021-03-09T00:00:00", "yyyy-mm-dd"), ("9 Mar 2021", "day and month name"),
        ("09-MAR-21", "day and month name"), (" 09/03/2021 ", "dd/mm/yyyy"),
    ],
)  # fmt: skip
def test_a_date_is_read_from_each_form(cell, form):
    column = read([cell], "date")
    assert column.values[0] == pd.Timestamp(DAY)
    assert column.forms == {form: 1}


@pytest.mark.parametrize(
    "cell",
    [13 / 1, "13/13/2021", "31/02/2021", "2021", 20210309, "1900-01-01", "03/2021/09", True, "soon", 99999],
)
def test_what_is_no_sensible_date_is_unmapped(cell):
    column = read([cell], "date")
    assert (column.kinds[0], column.values.isna()[0]) == (UNMAPPED, True)


@pytest.mark.parametrize(
    "cell", ["03/2021", "2021-03", "Mar 2021", "March 2021", "Mar-21", DAY, SERIAL, "09/03/2021"]
)
def test_a_month_is_its_first_day(cell):
    assert read([cell], "month").values[0] == pd.Timestamp("2021-03-01")


@pytest.mark.parametrize(
    ("cell", "kind"),
    [("06/2015", CLEAN), ("Unborn", UNBORN), ("a) unborn child", UNBORN), ("1900-01-01", UNBORN),
     (dt.date(1900, 1, 1), UNBORN), (1.0, UNBORN), ("01/01/1900", UNBORN), ("", BLANK), (None, BLANK),
     ("N/A", PHRASE), ("x", UNMAPPED)],
)  # fmt: skip
def test_births_unborn_children_and_missing_births_are_told_apart(cell, kind):
    assert read([cell], "birth_month").kinds[0] == kind


@pytest.mark.parametrize(
    "cell", ["NULL", "n/a", "TBC", "#MULTIVALUE", "To follow", "Data currently unavailable until May",
             "This was already submitted in April", "b) Not known"]
)  # fmt: skip
def test_phrases_for_missing_are_missing_and_counted(cell):
    for kind in ("date", "integer", "number"):
        assert read([cell], kind).kinds[0] == PHRASE


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [(12, "integer", 12), (12.0, "integer", 12), ("1,234", "integer", 1234), (" 7 ", "integer", 7),
     (0.25, "share", 0.25), ("25.1%", "share", 0.251), (5.5, "percent", 0.055), ("5.5", "percent", 0.055),
     ("5.5%", "percent", 0.055), ("-3.5", "number", -3.5)],
)  # fmt: skip
def test_a_number_is_read_at_the_scale_of_its_column(cell, kind, value):
    assert read([cell], kind).values[0] == pytest.approx(value)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [("Oct 2020: 25.1%", "share"), ("31.1.%", "share"), (2.5, "integer"), ("12 of 30", "integer"),
     (True, "number"), ("25%", "number")],
)  # fmt: skip
def test_a_number_inside_text_is_unmapped_and_not_guessed(cell, kind):
    assert read([cell], kind).kinds[0] == UNMAPPED


@pytest.mark.parametrize(
    ("cell", "value"),
    [(1, 1), (1.0, 1), (True, 1), ("Y", 1), ("yes", 1), ("TRUE", 1),
     (0, 0), ("n", 0), (False, 0), ("a) No", 0), ("FALSE", 0)],
)  # fmt: skip
def test_a_flag_is_read_from_each_word(cell, value):
    column = read([cell], "flag")
    assert (column.values.dtype, column.values[0]) == ("Int8", value)


@pytest.mark.parametrize(
    ("vocabulary", "cell", "code"),
    [("gender", "a) Male", "Male"), ("gender", 2.0, "Female"), ("gender", "Not stated", "Unknown"),
     ("ethnicity", "s) NOBT", "NOBT"), ("ethnicity", "wbri", "WBRI"), ("ethnicity", "WMBC", "MWBC"),
     ("ethnicity", "NPBT", "NOBT"), ("ethnicity", "g) mwas", "MWAS"), ("disability", "NONE", "Not disabled"),
     ("asylum_seeker", "British citizen", "Not UASC"), ("asylum_seeker", "refugee", "UASC")],
)  # fmt: skip
def test_a_code_is_read_from_each_spelling(vocabulary, cell, code):
    assert read([cell], "code", vocabulary=vocabulary).values[0] == code


def test_a_value_outside_the_code_list_becomes_what_the_contract_says():
    kept = read(["1987", "WBRI"], "code", vocabulary="ethnicity", unmapped_as="unmapped")
    lost = read(["1987", "WBRI"], "code", vocabulary="ethnicity")
    assert kept.values.tolist() == ["unmapped", "WBRI"]
    assert lost.values.isna().tolist() == [True, False]
    assert kept.count(UNMAPPED) == lost.count(UNMAPPED) == 1


@pytest.mark.parametrize(
    ("cell", "codes"),
    [("1B", "1B"), ("1B,3A", "1B;3A"), ("3A/1B", "1B;3A"), ("1b; 3a;", "1B;3A"), ("1B 3A", "1B;3A"),
     ("Parental alcohol misuse; Domestic abuse: child", "1B;3A"), ("1B - Alcohol misuse of a parent", "1B"),
     ("Gypsy", None), (20.0, "20"), ("No factors identified", ""), ("None", ""), ("3A,3A", "3A")],
)  # fmt: skip
def test_factors_are_a_list_of_codes_in_the_order_of_the_census(cell, codes):
    column = read([cell], "factors", vocabulary="factor")
    assert column.values[0] == codes if codes is not None else column.kinds[0] == UNMAPPED


def test_known_factors_stay_when_one_beside_them_is_unknown():
    column = read(["1B, something else"], "factors", vocabulary="factor")
    assert (column.values[0], column.kinds[0]) == ("1B", UNMAPPED)


def test_factors_have_three_states_whichever_way_they_were_sent():
    as_list = pd.DataFrame({"factors": pd.Series(["1B;3B", "", None], dtype="str")})
    as_list = as_list.assign(**{name: pd.array([None] * 3, dtype="Int8") for name in FLAGS})
    listed = complete_factors(as_list)
    as_flags = listed.assign(factors=pd.Series([None] * 3, dtype="str"))
    assert listed["factor_1b"].fillna(-1).tolist() == [1, 0, -1]
    pd.testing.assert_frame_equal(complete_factors(as_flags), listed)


def test_identifiers_stay_text():
    column = read([123.0, "00123", "A-1", 7, "NULL", " x "], "text")
    assert column.values.tolist()[:4] == ["123", "00123", "A-1", "7"]
    assert column.values[5] == "x" and column.kinds[4] == PHRASE


@pytest.mark.parametrize("kind", ["date", "number", "integer", "flag", "text"])
def test_counts_add_up_and_rows_keep_their_order(kind):
    rng = np.random.default_rng(3)
    cells = rng.choice(
        np.array(["", "NULL", 1, 0, "zz", SERIAL, "09/03/2021"], dtype=object), size=500
    ).tolist()
    column = read(cells, kind)
    assert len(column.values) == 500 and sum(map(column.count, range(5))) == 500
    alone = [read([cell], kind) for cell in cells]
    assert column.kinds.tolist() == [int(one.kinds[0]) for one in alone]
    expected = pd.concat([one.values for one in alone], ignore_index=True)
    pd.testing.assert_series_equal(column.values, expected)
