"""What must not be published stops the release, in every kind of file, and the message does not repeat it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest
from small_book import bind, copy_of_small_book, small_book, write_text

from sfpc_book.book.assemble import BookPage
from sfpc_book.book.leaks import child_identifiers, published_files, scan_for_leaks
from sfpc_book.book.pdf_compile import PdfJob, compile_jobs
from sfpc_book.book.release import changed_files, write_checksums
from sfpc_book.errors import BookBuildError, DisclosureError

CHILD = "C-77410-X"


def with_children(build: Path) -> Path:
    """Child-level tables as they lie in a build: one identifier of letters, one short number, one long."""
    children = pd.DataFrame({"child_key": [CHILD, "70", "104772981"], "period": [0, 1, 2]})
    (build / "cohort" / "made").mkdir(parents=True)
    children.to_parquet(build / "cohort" / "made" / "children.parquet", index=False)
    return build


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_a_clean_book_passes_and_the_scan_says_how_much_it_read(tmp_path: Path):
    build = with_children(copy_of_small_book(tmp_path))
    scan = scan_for_leaks(build, sentinels=["ZZ-SENTINEL"])
    assert scan.identifiers == 3
    folders = {name: build / name for name in ("site", "pdf", "book")}
    assert scan.files == len(list(published_files(folders)))


LEAKS = {
    "an identifier on a page": ("site/chapters/made.html", f"<p>{CHILD}</p>", "identifier"),
    "a long number in a data file": ("site/data/made-rates.csv", "104772981,1\n", "identifier"),
    "an identifier in a notebook": ("book/chapters/made.ipynb", f' "{CHILD}" ', "identifier"),
    "a sentinel": ("site/pages/glossary.html", "<!-- ZZ-SENTINEL -->", "sentinel"),
    "a path": ("site/index.html", "<!-- /home/analyst/returns.xlsx -->", "path of the machine"),
    "an email address": ("site/index.html", "<p>someone@authority.gov.uk</p>", "email address"),
    "a traceback": ("site/index.html", "<pre>Traceback (most recent call last):</pre>", "traceback"),
    "an internal output": (
        "book/chapters/made.ipynb",
        '"application/vnd.sfpc-book.results+json"',
        "internal",
    ),
    "a script from elsewhere": (
        "site/index.html",
        '<script src="https://cdn.example/x.js"></script>',
        "outside",
    ),
    "a style from elsewhere": ("site/_static/book.css", "@import url(//cdn.example/x.css);", "outside"),
    "chart data from elsewhere": ("site/index.html", '{"data":{"url":"x.csv"}}', "outside"),
    "a column heading": ("site/index.html", '<th scope="col">birth_month</th>', "child-level column"),
    "a chart's field": ("site/index.html", '{"values":[{"child_key":1}]}', "child-level column"),
}


@pytest.mark.parametrize(("name", "text", "words"), LEAKS.values(), ids=LEAKS)
def test_a_leak_is_found_and_not_repeated(tmp_path: Path, name: str, text: str, words: str):
    build = with_children(copy_of_small_book(tmp_path))
    append(build / name, text)
    with pytest.raises(DisclosureError) as caught:
        scan_for_leaks(build, sentinels=["ZZ-SENTINEL"])
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(name) and words in caught.value.problems[0]
    assert CHILD not in str(caught.value) and "ZZ-SENTINEL" not in str(caught.value)


def test_child_level_columns_in_a_data_file_are_found(tmp_path: Path):
    build = copy_of_small_book(tmp_path)
    (build / "site" / "data" / "new.csv").write_text("data_status,Child_ID\nreturns,1\n", encoding="utf-8")
    with pytest.raises(DisclosureError, match="child-level column in a data file"):
        scan_for_leaks(build)


def test_an_identifier_inside_a_pdf_is_found(tmp_path: Path):
    build = with_children(copy_of_small_book(tmp_path))
    work = tmp_path / "typst"
    (work / "pdf").mkdir(parents=True)
    source = (
        f'#set document(title: "T")\n#set text(lang: "en")\n= Heading\n{CHILD.replace("-", chr(92) + "-")}'
    )
    assert compile_jobs(work, [PdfJob("bad", source, ())], "") == []
    (work / "pdf" / "bad.pdf").rename(build / "pdf" / "bad.pdf")
    with pytest.raises(DisclosureError) as caught:
        scan_for_leaks(build)
    assert caught.value.problems == ("pdf/bad.pdf: identifier of a child or referral (1 found)",)


def test_a_book_with_a_leak_is_not_put_in_place(tmp_path: Path):
    build = with_children(tmp_path / "build")
    (build / "site").mkdir()
    (build / "site" / "index.html").write_text("old", encoding="utf-8")
    page = BookPage("leak", "Leak", write_text(tmp_path / "leak.md", f"# Leak\n\nOf {CHILD}."))
    with pytest.raises(DisclosureError) as caught:
        bind(build, page)
    assert "site/pages/leak.html: identifier of a child or referral (1 found)" in caught.value.problems
    assert "site/pdf/leak.pdf: identifier of a child or referral (1 found)" in caught.value.problems
    assert (build / "site" / "index.html").read_text(encoding="utf-8") == "old"
    assert not (build / "release").exists()


def test_a_published_contact_is_allowed(tmp_path: Path):
    build = copy_of_small_book(tmp_path)
    append(build / "site" / "index.html", "<p>team@example.gov.uk</p>")
    assert scan_for_leaks(build, contacts=["team@example.gov.uk"]).files


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path):
    build = copy_of_small_book(tmp_path)
    (build / "site" / "data" / "children.xlsx").write_bytes(b"PK")
    with pytest.raises(DisclosureError, match="cannot be read"):
        scan_for_leaks(build)


def test_identifiers_come_from_every_child_level_table(tmp_path: Path):
    build = with_children(tmp_path)
    (build / "returns" / "walsall").mkdir(parents=True)
    referrals = pd.DataFrame({"child_id": ["a1", None], "referral_id": ["r1", "r2"]})
    referrals.to_parquet(build / "returns" / "walsall" / "dr2_referrals.parquet", index=False)
    assert child_identifiers(build) == {CHILD, "70", "104772981", "a1", "r1", "r2"}


def test_checksums_list_every_published_file_and_tell_what_changed(tmp_path: Path):
    build = copy_of_small_book(tmp_path)
    lines = dict(reversed(line.split("  ")) for line in write_checksums(build).read_text().splitlines())
    page = build / "site" / "index.html"
    assert lines["site/index.html"] == hashlib.sha256(page.read_bytes()).hexdigest()
    assert set(lines) == {
        path.relative_to(build).as_posix()
        for name in ("site", "pdf")
        for path in (build / name).rglob("*")
        if path.is_file()
    }
    assert changed_files(build) == []
    append(page, " ")
    (build / "site" / "new.txt").write_text("new", encoding="utf-8")
    assert changed_files(build) == ["site/index.html", "site/new.txt"]


def test_nothing_to_release_is_said(tmp_path: Path):
    with pytest.raises(BookBuildError, match="build the book first"):
        write_checksums(tmp_path)


def test_the_small_book_is_left_as_it_was():
    assert not (small_book() / "cohort").exists()
