"""The built site: complete without JavaScript and network, accessible by structure, honest about its data."""

from __future__ import annotations

import filecmp
import re
from itertools import pairwise
from pathlib import Path

import lxml.html
import nbformat
import pytest
from small_book import bind, code, markdown, small_book, write_notebook, write_text

from sfpc_book.book.assemble import BookPage, assemble_book
from sfpc_book.book.assemble_notebook import clean_notebook
from sfpc_book.book.assemble_titles import distinct_titles
from sfpc_book.book.extension_html import repaired_body
from sfpc_book.errors import BookBuildError
from sfpc_book.report.formats import file_size
from sfpc_book.report.words import Words

PAGES = (
    "index.html",
    "search.html",
    "chapters/made.html",
    "chapters/norfolk.html",
    "chapters/mixed.html",
    "pages/glossary.html",
    "pages/accessibility.html",
)
CONTENT = [page for page in PAGES if page != "search.html"]


def site() -> Path:
    return small_book() / "site"


def read(page: str) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring((site() / page).read_text(encoding="utf-8"))


def test_every_page_of_the_book_is_built_and_nothing_else():
    built = {path.relative_to(site()).as_posix() for path in site().rglob("*.html")}
    assert built == set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_headings_begin_with_one_first_level_and_skip_no_level(page: str):
    levels = [int(tag.tag[1]) for tag in read(page).iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("page", PAGES)
def test_page_names_its_language_and_lets_keyboard_users_skip_to_the_text(page: str):
    root = read(page)
    skip = next(root.iter("a"))
    assert root.get("lang") == "en-GB"
    assert skip.get("href") == "#main"
    assert root.get_element_by_id("main").tag == "main"


def test_page_titles_are_unique():
    titles = [read(page).findtext(".//title") for page in PAGES]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("page", PAGES)
def test_ids_are_unique_on_a_page(page: str):
    ids = read(page).xpath("//@id")
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize("page", PAGES)
def test_page_loads_nothing_from_elsewhere(page: str):
    root = read(page)
    loaded = root.xpath("//script/@src | //link/@href | //img/@src | //iframe/@src | //source/@src")
    assert loaded
    assert not [address for address in loaded if re.match(r"(https?:)?//", address)]
    assert "mathjax" not in (site() / page).read_text(encoding="utf-8").lower()


@pytest.mark.parametrize("page", PAGES)
def test_every_local_address_leads_to_a_file_and_every_fragment_to_an_element(page: str):
    for address in read(page).xpath("//@href | //@src"):
        if address.startswith(("http", "mailto:")):
            continue
        name, _, fragment = re.sub(r"\?v=\w+", "", address).partition("#")
        target = (site() / page).parent / name if name else site() / page
        assert target.is_file(), address
        if fragment and target.suffix == ".html":
            ids = lxml.html.document_fromstring(target.read_text(encoding="utf-8")).xpath("//@id")
            assert fragment in ids, address


@pytest.mark.parametrize("page", CONTENT)
def test_equal_link_texts_lead_to_the_same_place(page: str):
    places: dict[str, set[str]] = {}
    for link in read(page).iter("a"):
        places.setdefault(" ".join(link.text_content().split()), set()).add(link.get("href"))
    assert "" not in places
    assert {text: found for text, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize("page", CONTENT)
def test_tables_have_a_caption_scoped_headers_and_no_merged_or_empty_cells(page: str):
    for table in read(page).iter("table"):
        assert table.findtext("caption") or table.find("caption").text_content().strip()
        assert len(table.findall("thead/tr")) == 1
        assert all(cell.get("scope") in ("col", "row") for cell in table.iter("th"))
        assert not table.xpath(".//@colspan | .//@rowspan | .//table")
        assert all(cell.text_content().strip() for cell in table.iter("td", "th"))
        frame = table.getparent()
        assert frame.get("class") == "sfpc-scroll"


def test_a_chart_is_drawn_without_javascript_described_and_followed_by_its_data():
    figure = read("chapters/made.html").get_element_by_id("made-trend")
    picture = figure.find(".//svg")
    assert picture.get("hidden") is None
    assert picture.findtext("title") and picture.findtext("desc")
    assert figure.find(".//tbody/tr").text_content().startswith("0")
    assert (
        (site() / "data" / "made-trend.csv")
        .read_text(encoding="utf-8")
        .startswith("data_status,period,rate\n")
    )
    assert (site() / "assets" / "charts.js").stat().st_size > 500_000


def test_hidden_cells_leave_no_trace():
    text = (site() / "chapters" / "made.html").read_text(encoding="utf-8")
    assert "study_path" not in text
    assert "injected" not in text


@pytest.mark.parametrize(
    ("page", "tag", "suffix"),
    [
        ("chapters/made.html", "Synthetic data", "(synthetic data)"),
        ("chapters/mixed.html", "Partly synthetic data", "(partly synthetic data)"),
        ("index.html", "Partly synthetic data", "(partly synthetic data)"),
    ],
)
def test_synthetic_pages_say_so_above_the_text_and_in_the_tab(page: str, tag: str, suffix: str):
    root = read(page)
    assert root.xpath("string(//section[@aria-label='Data status']//strong)") == tag
    assert suffix in root.findtext(".//title")


def test_a_page_of_published_statistics_carries_no_synthetic_mark():
    root = read("chapters/norfolk.html")
    assert "synthetic" not in root.findtext(".//title").lower()
    assert "synthetic" not in root.find(".//main").text_content().lower()
    assert root.xpath("string(//section[@aria-label='Data status']//strong)") == "Published statistics"


def test_a_text_page_without_data_has_no_notice():
    assert read("pages/glossary.html").xpath("//section[@aria-label='Data status']") == []


def test_download_bar_names_kind_and_true_size_of_each_file():
    links = {a.get("href"): a.text_content() for a in read("chapters/made.html").xpath("//aside//a")}
    pdf, book = ((site() / "pdf" / name).stat().st_size for name in ("made.pdf", "book.pdf"))
    assert links["../pdf/made.pdf"] == f"This chapter as PDF ({file_size(pdf)})"
    assert links["../pdf/book.pdf"] == f"Whole book (PDF, {file_size(book)})"
    data = site() / "data" / "made-trend.csv"
    assert links["../data/made-trend.csv"].endswith(f"(CSV, {file_size(data.stat().st_size)})")


def test_navigation_groups_pages_and_marks_the_current_one():
    root = read("chapters/norfolk.html")
    here = root.xpath("//nav[@aria-label='Report']//a[@aria-current='page']")
    assert [link.text for link in here] == ["Norfolk"]
    assert root.xpath("string(//p[@class='group'])") == "East"
    opened = root.xpath("//details[@class='nav-part'][@open]/summary/text()")
    assert opened == ["Local authorities"]


def test_footer_links_the_accessibility_statement_and_states_facts_without_times():
    foot = read("chapters/made.html").find(".//footer")
    assert foot.xpath(".//a/text()") == ["Accessibility statement"]
    assert "3f9c1b2a" in foot.text_content()
    assert not re.search(r"\d{2}:\d{2}", foot.text_content())


def test_folded_code_is_named_by_its_visible_words():
    summary = read("chapters/made.html").xpath("//details[contains(@class, 'hide')]/summary")[0]
    assert summary.get("aria-label") is None
    assert "Show the code" in summary.text_content()


def test_frames_are_not_put_around_tables_that_have_one():
    framed = '<div class="sfpc-scroll" role="region"><table><caption>c</caption></table></div>'
    assert repaired_body(framed) == framed
    assert repaired_body("<table><caption>A & B</caption></table>").count("sfpc-scroll") == 1


def test_the_name_of_a_column_breaks_after_an_underscore_only():
    literal = '<code class="docutils literal notranslate"><span class="pre">n_children</span></code>'
    assert repaired_body(literal) == literal.replace("n_children", "n_<wbr>children")
    assert repaired_body('<a href="a_b">a_b</a>') == '<a href="a_b">a_b</a>'


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colours() -> dict[str, str]:
    css = (site() / "_static" / "book.css").read_text(encoding="utf-8")
    return dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", css))


def test_contrast_of_black_on_white_is_twenty_one():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("text", ["ink", "blue", "plum", "quiet", "link"])
@pytest.mark.parametrize("ground", ["#ffffff", "#f3f4f6", "#fbeff5", "#e9eff5"])
def test_text_colours_reach_four_and_a_half_to_one_on_every_ground(text: str, ground: str):
    assert contrast(colours()[text], ground) >= 4.5


@pytest.mark.parametrize("mark", ["blue", "turquoise", "plum", "orange"])
def test_colours_of_lines_and_marks_reach_three_to_one(mark: str):
    assert contrast(colours()[mark], "#ffffff") >= 3


def test_style_serves_keyboard_motion_paper_and_narrow_screens():
    css = (site() / "_static" / "book.css").read_text(encoding="utf-8")
    assert ":focus-visible" in css
    assert "prefers-reduced-motion" in css
    assert "@media print" in css
    assert not re.search(
        r"[{;]\s*outline:\s*(none|0)\s*;(?! box-shadow: none)", css.replace("main:focus-visible", "")
    )


def test_equal_inputs_give_equal_bytes(tmp_path: Path):
    again = bind(tmp_path / "again")
    for name in ("site", "pdf", "book"):
        first, second = small_book() / name, again / name
        files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
        assert files == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
        different = filecmp.cmpfiles(first, second, [str(path) for path in files], shallow=False)
        assert different[1:] == ([], [])


BROKEN = {
    "a link to nowhere": (markdown("# Page\n\n[x](nowhere.md)"), "nowhere.md"),
    "a formula": (markdown("# Page\n\n```{math}\nx = 1\n```"), "formula"),
    "a table without caption": (markdown("# Page\n\n| A | B |\n|---|---|\n| x | 1 |"), "no caption"),
    "a table without caption from a cell": (
        code({"text/html": "<table><tr><td>1</td></tr></table>"}),
        "no caption",
    ),
    "a chart as HTML only": (code({"text/html": "<div><svg></svg></div>"}), "image/svg+xml"),
    "an unknown element": (code({"text/html": "<video></video>"}), "<video>"),
}


def test_all_faults_of_a_book_are_told_together_and_the_old_site_stays(tmp_path: Path):
    build = tmp_path / "build"
    write_text(build / "site" / "index.html", "old")
    broken = [
        BookPage(
            f"broken{number}",
            "Broken",
            write_notebook(tmp_path / f"{number}.ipynb", _with_title(cell)),
            short_title=f"Fault {number}",
        )
        for number, (cell, _) in enumerate(BROKEN.values())
    ]
    with pytest.raises(BookBuildError) as caught:
        bind(build, *broken)
    assert [words for _, words in BROKEN.values() if words not in str(caught.value)] == []
    assert str(tmp_path) not in str(caught.value)
    assert (build / "site" / "index.html").read_text(encoding="utf-8") == "old"


def _with_title(cell):
    return [cell] if cell.cell_type == "markdown" else [markdown("# Page"), cell]


def test_outputs_that_no_page_can_show_are_refused_before_binding(tmp_path: Path):
    printed = code({"text/plain": "0x7f"})
    stream = code()
    stream["outputs"] = [nbformat.v4.new_output("stream", name="stdout", text="hello")]
    unknown = code({"text/html": '<div data-status="guessed"></div>'})
    source = write_notebook(tmp_path / "a.ipynb", [markdown("# Page"), printed, stream])
    with pytest.raises(BookBuildError) as caught:
        assemble_book(tmp_path, [BookPage("a", "", source)], Path(__file__).resolve().parents[1])
    assert "text/plain" in str(caught.value) and "printed text (stdout)" in str(caught.value)
    source = write_notebook(tmp_path / "b.ipynb", [markdown("# Page"), unknown])
    with pytest.raises(BookBuildError, match="guessed"):
        assemble_book(tmp_path, [BookPage("b", "", source)], Path(__file__).resolve().parents[1])


def test_a_page_of_synthetic_sentences_alone_is_synthetic():
    made = code(Words("About 4 fewer.", "synthetic")._repr_mimebundle_())
    real = code(Words("About 4 fewer.", "published")._repr_mimebundle_())
    for cell, status in ((made, ("synthetic",)), (real, ())):
        cell["id"] = "sentence"
        notebook = nbformat.v4.new_notebook(cells=[markdown("# Page"), cell])
        assert clean_notebook(notebook).status == status


def test_pages_of_one_template_are_told_apart_by_name_or_part():
    titles = ["Did fewer enter care?", "Did fewer enter care?", "What was sent?", "What was sent?", "Costs"]
    names = ["Primary", "Primary", "Walsall", "Norfolk", "Costs"]
    parts = ["Family Valued", "No Wrong Door", "Authorities", "Authorities", "The programme"]
    assert distinct_titles(titles, names, parts) == (
        "Family Valued: did fewer enter care?",
        "No Wrong Door: did fewer enter care?",
        "Walsall: what was sent?",
        "Norfolk: what was sent?",
        "Costs",
    )


def test_pages_that_cannot_be_told_apart_are_refused(tmp_path: Path):
    text = write_text(tmp_path / "x.md", "# Same")
    twins = [BookPage(slug, "Part", text, "Same") for slug in ("a", "b")]
    with pytest.raises(BookBuildError, match="several pages have the title 'Part: Same'"):
        assemble_book(tmp_path, twins, Path(__file__).resolve().parents[1])


def test_two_pages_of_one_name_a_missing_file_and_a_missing_title_are_refused(tmp_path: Path):
    root = Path(__file__).resolve().parents[1]
    text = write_text(tmp_path / "x.md", "No heading here.")
    with pytest.raises(BookBuildError, match="no first-level heading"):
        assemble_book(tmp_path, [BookPage("x", "", text)], root)
    twice = [BookPage("x", "", text), BookPage("x", "", text), BookPage("y", "", tmp_path / "absent.md")]
    with pytest.raises(BookBuildError) as caught:
        assemble_book(tmp_path, twice, root)
    assert "used 2 times" in str(caught.value) and "absent.md" in str(caught.value)
