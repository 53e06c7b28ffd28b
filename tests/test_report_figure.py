"""Figures and tables: one object serves the site, the PDF and the data files, accessibly and repeatably."""

from __future__ import annotations

import csv
import io
import json
import re

import lxml.html
import pandas as pd
import pytest

from sfpc_book.errors import ParameterError
from sfpc_book.report.figure import Figure
from sfpc_book.report.markup import SYNTHETIC_MARK
from sfpc_book.report.table import Table
from sfpc_book.report.words import Words

SPEC = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "data": {"values": [{"a": 1, "b": 0.083}, {"a": 2, "b": 0.5}]},
    "layer": [
        {
            "mark": {"type": "line", "clip": True},
            "encoding": {
                "x": {"field": "a", "type": "quantitative"},
                "y": {"field": "b", "type": "quantitative"},
            },
        },
        {"mark": "text", "encoding": {"x": {"field": "a", "type": "quantitative"}, "text": {"field": "b"}}},
    ],
}
ALT = "Line of two points rising from 0.1 to 0.5 over two years, for one made-up place."


def figure(**changes: object) -> Figure:
    fields = {
        "chart": SPEC,
        "label": "chapter-one-rates",
        "title": "Rates rose </b> in a year",
        "subtitle": "Rate by year",
        "alt": ALT,
        "data": pd.DataFrame({"year": [1, 2], "rate": [0.083, 0.5]}),
        "source": "Made up",
        "data_status": "synthetic",
    }
    return Figure(**{**fields, **changes})  # type: ignore[arg-type]


def root(html: str) -> lxml.html.HtmlElement:
    return lxml.html.fragment_fromstring(html, create_parent="div")


@pytest.mark.parametrize("field", ["title", "subtitle", "alt", "source"])
def test_a_figure_without_a_text_is_refused(field: str):
    with pytest.raises(ParameterError, match=field):
        figure(**{field: "  "})


@pytest.mark.parametrize(
    ("alt", "why"),
    [
        ("Too short", "9 characters"),
        ("x" * 251, "251 characters"),
        ("Chart of rates that rise over two years", "image"),
        ("Rates rose </b> in a year", "repeats the title"),
    ],
)
def test_alt_text_that_serves_nobody_is_refused(alt: str, why: str):
    with pytest.raises(ParameterError, match=why):
        figure(alt=alt)


@pytest.mark.parametrize("label", ["rates", "Chapter-rates", "chapter rates", "chapter-", "../x-y"])
def test_a_label_that_does_not_begin_with_a_chapter_is_refused(label: str):
    with pytest.raises(ParameterError, match="label"):
        figure(label=label)


def test_an_unknown_data_status_and_empty_data_are_refused():
    with pytest.raises(ParameterError, match="synthetic, returns, published, design"):
        figure(data_status="real")
    with pytest.raises(ParameterError, match="no data"):
        figure(data=pd.DataFrame({"year": []}))


def test_html_holds_static_chart_specification_table_and_a_link_that_says_type_and_size():
    page = root(figure().html())
    outer = page.find("figure")
    assert outer.get("data-status") == "synthetic" and outer.get("id") == "chapter-one-rates"
    assert page.find(".//div[@class='sfpc-chart']/svg").get("role") == "img"
    spec = json.loads(page.find(".//script[@class='sfpc-spec']").text)
    assert spec["description"] == ALT
    assert [cell.text for cell in page.iterfind(".//details//th[@scope='col']")] == ["Year", "Rate"]
    link = page.find(".//details//a")
    assert link.get("href") == "../data/chapter-one-rates.csv"
    assert re.search(r"\(CSV, \d+ KB\)$", link.text)


def test_text_from_data_cannot_open_tags_or_end_the_specification():
    spec = json.loads(json.dumps(SPEC))
    spec["data"]["values"][0]["b"] = "</script><b>"
    html = figure(chart=spec, data=pd.DataFrame({"x": ["</td><i>"]})).html()
    assert html.count("</script>") == 1
    assert "<i>" not in html and "<b>" not in html


def test_svg_is_one_image_whose_ids_start_with_the_label_and_whose_text_is_kept():
    svg = figure()._repr_mimebundle_()["image/svg+xml"]
    assert svg.startswith('<svg role="img" aria-labelledby="chapter-one-rates-title chapter-one-rates-desc"')
    assert f">{ALT}</desc>" in svg
    assert all(name.startswith("chapter-one-rates-") for name in re.findall(r'\bid="([^"]+)"', svg))
    assert svg.count("aria-") == 1 and svg.count("role=") == 1
    assert ">0.083<" in svg  # coordinates are shortened, words are not
    assert not re.search(r'="[^"]*\d\.\d{5,}', svg)


def test_the_pdf_title_is_the_whole_caption_with_source():
    bundle = figure(data_status="published")._repr_mimebundle_()
    title = re.search(r"<title[^>]*>(.*?)</title>", bundle["image/svg+xml"])[1]
    assert title == "Rates rose &lt;/b&gt; in a year. Rate by year. Source: Made up."


def test_a_chart_lifted_from_the_page_still_says_that_it_is_synthetic():
    assert SYNTHETIC_MARK in figure().svg()
    assert SYNTHETIC_MARK not in figure(data_status="returns").svg()


def test_csv_begins_with_the_data_status_and_holds_every_row():
    rows = list(csv.reader(io.StringIO(figure()._repr_mimebundle_()["text/csv"])))
    assert rows == [["data_status", "year", "rate"], ["synthetic", "1", "0.083"], ["synthetic", "2", "0.5"]]


def test_equal_inputs_give_equal_bytes():
    assert figure()._repr_mimebundle_() == figure()._repr_mimebundle_()


def table(**changes: object) -> Table:
    fields = {
        "frame": pd.DataFrame({"Place": ["A", "B"], "Children": ["1,230", "[c]"]}),
        "label": "chapter-sizes",
        "caption": "Children by place",
        "notes": ("A note.",),
        "data_status": "returns",
    }
    return Table(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_table_has_a_caption_scopes_and_explains_its_shorthand_above_itself():
    html = table().html()
    page = root(html)
    assert page.find(".//caption").text == "Children by place"
    assert [cell.get("scope") for cell in page.iterfind(".//th")] == ["col", "col", "row", "row"]
    assert html.index("[c] = confidential") < html.index("<table>")
    assert not page.xpath(".//*[@colspan or @rowspan]")
    assert [cell.get("class") for cell in page.iterfind(".//td")] == ["num", "num"]


def test_a_table_of_synthetic_data_says_so_in_its_caption():
    assert (
        SYNTHETIC_MARK in table(data_status="synthetic").html().split("<caption>")[1].split("</caption>")[0]
    )


@pytest.mark.parametrize(
    "frame", [pd.DataFrame({"Place": []}), pd.DataFrame({"Place": ["A"], "Children": [""]})]
)
def test_a_table_without_rows_or_with_blank_cells_is_refused(frame: pd.DataFrame):
    with pytest.raises(ParameterError):
        table(frame=frame)


def test_words_from_synthetic_data_are_marked_and_lists_stay_lists():
    assert Words("One.", "synthetic")._repr_mimebundle_()["text/markdown"] == "**Synthetic data.** One."
    assert "\n\n- one" in Words("- one\n- two", "synthetic")._repr_mimebundle_()["text/markdown"]
    assert Words("One.", "published")._repr_mimebundle_()["text/markdown"] == "One."


EXACT = 2391 / 4166


def test_data_and_specification_of_a_chart_do_not_give_counts_away_by_their_digits():
    data = pd.DataFrame({"period": [1], "observed_share": [EXACT], "rate": [1000 * EXACT], "many": [1234567]})
    mixed = data.assign(value=pd.Series([EXACT], dtype=object), word=["a"], none=[float("nan")])
    chart = SPEC | {"data": {"values": mixed.to_dict("records")}}
    shown = figure(data=mixed, chart=chart)
    rows = pd.read_csv(io.StringIO(shown.csv()))
    assert rows[["observed_share", "rate", "many", "value"]].iloc[0].tolist() == [
        0.57,
        573.932,
        1234567,
        0.573932,
    ]
    text = shown.html()
    assert '"value":0.573932' in text and '"rate":573.932' in text and '"observed_share":0.57,' in text
    assert "0.5739318" not in text and "573.93182" not in text
