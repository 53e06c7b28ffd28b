"""The PDFs: tagged for assistive technology, marked with their data status, complete, without dates."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import lxml.html
import pikepdf
import pytest
from small_book import ALT, REPOSITORY, small_book

from sfpc_book.book.pdf_compile import PdfJob, compile_jobs
from sfpc_book.book.pdf_finish import children, structure_elements
from sfpc_book.book.pdf_text import pdf_text
from sfpc_book.book.typst_columns import text_width
from sfpc_book.book.typst_html import HtmlReader
from sfpc_book.book.typst_tables import NUMBER, Cell, TableShape, is_sideways, table_layout, table_problems
from sfpc_book.book.typst_text import array, escape, literal

NAMES = ("index", "made", "norfolk", "mixed", "glossary", "accessibility", "book")

HEAD = "Strengthening Families, Protecting Children: evaluation report"  # above every sheet, before the mark


def folder() -> Path:
    return small_book() / "pdf"


def words(name: str) -> str:
    return " ".join(pdf_text(folder() / f"{name}.pdf").split())


def test_there_is_one_pdf_a_page_and_one_of_the_book():
    assert {path.stem for path in folder().glob("*.pdf")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_pdf_is_tagged_titled_in_english_and_declares_pdf_ua(name: str):
    with pikepdf.open(folder() / f"{name}.pdf") as pdf:
        root = pdf.Root
        assert bool(root.MarkInfo.Marked)
        assert str(root.Lang) == "en-GB"
        assert bool(root.ViewerPreferences.DisplayDocTitle)
        assert "/Outlines" in root
        assert all(str(page.Tabs) == "/S" for page in pdf.pages)
        with pdf.open_metadata() as metadata:
            assert metadata["pdfuaid:part"] == "1"
            assert metadata["dc:title"]


@pytest.mark.parametrize("name", NAMES)
def test_pdf_carries_no_date(name: str):
    with pikepdf.open(folder() / f"{name}.pdf") as pdf:
        assert not {"/CreationDate", "/ModDate"} & set(pdf.docinfo.keys() if "/Info" in pdf.trailer else ())
        with pdf.open_metadata() as metadata:
            assert not [key for key in metadata if "Date" in key]


@pytest.mark.parametrize("name", NAMES)
def test_headings_begin_at_the_first_level_and_skip_none(name: str):
    with pikepdf.open(folder() / f"{name}.pdf") as pdf:
        kinds = [str(element.S)[1:] for element in structure_elements(pdf)]
    levels = [int(kind[1:]) for kind in kinds if re.fullmatch(r"H\d", kind)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("name", NAMES)
def test_every_font_is_embedded(name: str):
    with pikepdf.open(folder() / f"{name}.pdf") as pdf:
        described = [thing for thing in pdf.objects if isinstance(thing, pikepdf.Dictionary)]
        fonts = [thing for thing in described if thing.get("/Type") == "/FontDescriptor"]
        assert fonts
        assert all({"/FontFile2", "/FontFile3"} & set(font.keys()) for font in fonts)
        assert all("Liberation" in str(font.FontName) for font in fonts)


def test_every_figure_has_the_charts_own_description():
    with pikepdf.open(folder() / "made.pdf") as pdf:
        assert [str(element.Alt) for element in structure_elements(pdf, "Figure")] == [ALT]


def test_columns_and_rows_of_tables_have_header_cells():
    with pikepdf.open(folder() / "mixed.pdf") as pdf:
        rows = [list(children(row)) for row in structure_elements(pdf, "TR")]
    assert len(rows) == 2 * 3
    for place, row in enumerate(rows):
        kinds = [str(cell.S) for cell in row]
        assert kinds == (["/TH"] * 3 if place % 3 == 0 else ["/TH", "/TD", "/TD"])
        assert _scope(row[0]) == ("/Column" if place % 3 == 0 else "/Row")


def _scope(cell: pikepdf.Dictionary) -> str:
    attributes = cell.A if isinstance(cell.A, pikepdf.Array) else [cell.A]
    return next(str(item.Scope) for item in attributes if "/Scope" in item)


@pytest.mark.parametrize("name", ["made", "mixed", "norfolk", "glossary"])
def test_pdf_has_every_cell_and_paragraph_of_the_web_page(name: str):
    kind = "pages" if name == "glossary" else "chapters"
    page = (small_book() / "site" / kind / f"{name}.html").read_text(encoding="utf-8")
    article = lxml.html.document_fromstring(page).find(".//article")
    for unseen in article.xpath(".//aside | .//details | .//svg | .//script | .//*[@class='sfpc-download']"):
        unseen.drop_tree()
    printed = re.sub(r"\s+", "", words(name))
    parts = [element.text_content() for element in article.iter("td", "th", "caption", "h1", "h2", "p", "li")]
    assert parts
    assert [part for part in parts if re.sub(r"\s+", "", part) not in printed] == []


@pytest.mark.parametrize(("name", "mark"), [("made", "Synthetic data"), ("mixed", "Partly synthetic data")])
def test_every_sheet_of_a_synthetic_chapter_is_marked(name: str, mark: str):
    with pikepdf.open(folder() / f"{name}.pdf") as pdf:
        sheets = len(pdf.pages)
    lines = [line.strip() for line in pdf_text(folder() / f"{name}.pdf").splitlines()]
    assert lines.count(f"{HEAD} {mark}") == sheets
    assert lines.count(mark.upper()) == sheets


def test_a_chapter_of_published_statistics_has_no_synthetic_mark():
    assert "synthetic" not in words("norfolk").lower()
    assert "Published statistics" in words("norfolk")


def test_sheets_of_the_whole_book_carry_the_mark_of_their_own_chapter():
    lines = [line.strip() for line in pdf_text(folder() / "book.pdf").splitlines()]
    assert "SYNTHETIC DATA" in lines
    assert "PARTLY SYNTHETIC DATA" in lines
    assert f"{HEAD} Published statistics" in lines


def test_a_wide_table_lies_sideways_with_its_notes():
    with pikepdf.open(folder() / "made.pdf") as pdf:
        boxes = [[float(side) for side in page.MediaBox] for page in pdf.pages]
    assert [box[2] > box[3] for box in boxes].count(True) == 1


def test_pdf_links_to_its_web_version():
    with pikepdf.open(folder() / "made.pdf") as pdf:
        notes = [note for page in pdf.pages for note in page.get("/Annots", [])]
        targets = [str(note.A.URI) for note in notes if "/A" in note]
    assert "../chapters/made.html" in targets
    assert "../pages/glossary.html" in targets


def test_cross_references_stay_inside_the_whole_book():
    with pikepdf.open(folder() / "book.pdf") as pdf:
        notes = [note for page in pdf.pages for note in page.get("/Annots", [])]
    addresses = [str(note.A.URI) for note in notes if "/A" in note and "/URI" in note.A]
    assert "../pages/glossary.html" in addresses  # the page's own web version
    assert (
        addresses.count("../pages/glossary.html") == 1
    )  # the reference to it leads to its place in the file


AWKWARD = "a*b _c_ #d $e$ [f] <g> @h ~i `j` \\k \"l\" 'm' //n /*o*/ -- --- ... 1. +p =q {r} (s); t: u’s £5 −3"


def compile_text(folder: Path, body: str) -> list[str]:
    (folder / "images").mkdir()
    (folder / "pdf").mkdir()
    (folder / "labels.json").write_text("{}", encoding="utf-8")
    template = REPOSITORY / "sfpc_book" / "book" / "template.typ"
    (folder / "template.typ").write_bytes(template.read_bytes())
    document = '#show: single.with(title: "T", book: "B", author: "A", url: "u")'
    source = f'#import "/template.typ": *\n{document}\n{body}'
    return compile_jobs(folder, [PdfJob("x", source, ("x",))], "../")


def test_awkward_text_is_printed_as_it_is(tmp_path: Path):
    body = f"#heading(depth: 1)[T]\n\n{escape(AWKWARD)}\n\n#raw({literal(AWKWARD)})"
    assert compile_text(tmp_path, body) == []
    printed = re.sub(r"\s+", "", pdf_text(tmp_path / "pdf" / "x.pdf"))
    assert printed.count(re.sub(r"\s+", "", AWKWARD)) == 2


def test_a_picture_without_description_is_a_fault(tmp_path: Path):
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    (tmp_path / "p.svg").write_text(svg, encoding="utf-8")
    faults = compile_text(tmp_path, '#heading(depth: 1)[T]\n#image("/p.svg")')
    assert faults and "alt" in faults[0]


def test_a_letter_that_the_fonts_lack_is_a_fault(tmp_path: Path):
    faults = compile_text(tmp_path, "#heading(depth: 1)[T]\n\n\U0001f600")
    assert faults


@pytest.mark.parametrize(
    "text", ["70.5", "−3.1", "+2.4", "1,234", "12%", "[c]", "<0.001", "−9.1 to +0.7", "£5"]
)
def test_numbers_with_signs_intervals_and_shorthands_are_aligned_right(text: str):
    assert NUMBER.fullmatch(text)


@pytest.mark.parametrize("text", ["Warrington", "1 of 4", "see note", "2021-22"])
def test_words_are_aligned_left(text: str):
    assert not NUMBER.fullmatch(text)


def shape(columns: int, word: str) -> TableShape:
    row = tuple(Cell(word, word) for _ in range(columns))
    return TableShape("Caption", (row,), (row,))


def test_tables_turn_sideways_only_when_their_words_do_not_fit():
    assert not is_sideways(shape(12, "70.5"))
    assert is_sideways(shape(12, "unabbreviated"))


@pytest.mark.parametrize("columns", range(2, 16))
@pytest.mark.parametrize(
    "word", ["70.5", "−9.1 to +0.7", "authority", "children who entered care within a year"]
)
def test_every_word_fits_its_column_and_the_table_its_page(columns: int, word: str):
    layout = table_layout(shape(columns, word))
    assert sum(layout.columns) <= layout.page + 1
    longest = word if NUMBER.fullmatch(word) else max(word.split(), key=len)
    assert min(layout.columns) >= text_width(longest) * layout.size


def test_columns_of_sentences_get_more_room_than_columns_of_numbers():
    row = (Cell("", "Area"), Cell("", "70.5"), Cell("", "a sentence that says why " * 6))
    layout = table_layout(TableShape("Caption", (row,), (row,)))
    assert layout.columns[2] > 3 * layout.columns[1]
    assert not layout.sideways


def test_faults_of_a_table_are_named():
    bare = TableShape("", (), ((Cell("x", "x"),),))
    assert [fault.split(":")[0] for fault in table_problems(bare)] == [
        "a table has no caption",
        "a table has no header row",
    ]
    assert table_problems(shape(2, "x")) == []


def test_html_outputs_keep_notes_lists_links_and_report_what_they_cannot_show():
    reader = HtmlReader()
    markup = reader.read(
        '<div><p>A <b>bold</b> <a href="../data/x.csv">file</a></p><ul><li>one</li></ul></div>'
    )
    assert (
        "#strong[bold]" in markup
        and '#web-link("../data/x.csv")[file]' in markup
        and "#list([one], )" in markup
    )
    assert reader.problems == []
    reader.read("<div><form></form></div>")
    assert reader.problems == ["an output has <form>, which the PDF cannot show"]


def test_arrays_of_one_item_stay_arrays():
    assert array(["1fr"]) == "(1fr,)"
    assert array([]) == "()"
