"""Workbooks: what is unsafe is refused before it is unpacked; what values do not show is told."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from return_workbooks import referrals, sheet
from unusual_workbooks import (
    BOOK,
    DR2,
    FIRST_SHEET,
    HEADER,
    NAME,
    column_of,
    rewrite,
    with_prefix,
    with_single_quotes,
    without_addresses,
    write_parts,
    write_unusual,
)

from sfpc_book.contracts.finding import findings_frame
from sfpc_book.errors import ReturnsError
from sfpc_book.report.disclosure_returns import publish_findings
from sfpc_book.returns import workbook_inspect, workbook_refuse
from sfpc_book.returns.declared import load_declared
from sfpc_book.returns.inventory import read_inventory
from sfpc_book.returns.read import Returns, read_files
from sfpc_book.returns.workbook import read_workbook
from sfpc_book.study.study import load_study

STUDY = load_study()
MB = 1_000_000


def read(folder: Path) -> Returns:
    declared = load_declared(STUDY, folder)
    return read_files(STUDY, "swindon", read_inventory(STUDY, folder, declared.corrections), declared)


def told(folder: Path, change=None, edit=None, **options) -> dict[str, list[tuple]]:
    """Check → (status, severity, row, column, count) of its findings about a workbook so changed."""
    path = write_unusual(folder / DR2, change, **options)
    if edit:
        rewrite(path, FIRST_SHEET, edit)
    found: dict[str, list[tuple]] = {}
    for part in read(folder).findings:
        if part.check == "sheet_unread":
            continue
        assert part.file == DR2 and (part.sheet == NAME or part.check in ("date_system_1904",))
        found.setdefault(part.check, []).append(
            (part.status, part.severity, part.row, part.column, part.count)
        )
    return found


def hide_rows(page, dates):
    page.set_row(6, None, None, {"hidden": True})
    page.set_row(9, None, None, {"hidden": True})
    page.set_row(1, None, None, {"hidden": True})
    page.set_row(500, None, None, {"hidden": True})


def hide_columns(page, dates):
    page.set_column(column_of("gender"), column_of("birth_month"), None, None, {"hidden": True})
    page.set_column(40, 16383, None, None, {"hidden": True})


def compute(page, dates):
    place = column_of("previous_protection_plans")
    page.write_formula(HEADER, place, "=1+1", None, 2)
    page.write_formula(HEADER + 2, place, "=0+3", None, 3)
    page.write_formula(HEADER + 3, place, "=NOW()", None, "")
    page.write_formula(0, 0, '="a note"', None, "a note")


def fail_cells(page, dates):
    page.write_formula(HEADER + 1, column_of("previous_protection_plans"), "=NA()", None, "#N/A")
    page.write_formula(HEADER + 5, column_of("previous_protection_plans"), "=1/0", None, "#DIV/0!")
    page.write_formula(HEADER + 2, column_of("child_id"), "=A99", None, "#REF!")


@pytest.mark.parametrize(
    "edit",
    [None, with_prefix, with_single_quotes, without_addresses],
    ids=["as written", "prefix", "quotes", "no addresses"],
)
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (None, {}),
        (hide_rows, {"hidden_rows": [("fail", "mark", 7, None, 2)]}),
        (
            hide_columns,
            {"hidden_columns": [("info", "note", HEADER, name, 1) for name in ("gender", "birth_month")]},
        ),
        (
            compute,
            {
                "formulas": [("info", "note", HEADER + 1, "previous_protection_plans", 3)],
                "formula_without_value": [("fail", "mark", HEADER + 4, "previous_protection_plans", 1)],
            },
        ),
    ],
    ids=["nothing", "rows", "columns", "formulas"],
)
def test_what_values_do_not_show_is_told(tmp_path, change, expected, edit):
    assert told(tmp_path, change, edit) == expected


@pytest.mark.parametrize("chunk", [200, 301, 1000])
@pytest.mark.parametrize("edit", [lambda xml: xml, with_prefix, without_addresses])
def test_marks_do_not_depend_on_where_the_file_is_cut(tmp_path, monkeypatch, chunk, edit):
    def change(page, dates):
        for part in (hide_rows, hide_columns, compute, fail_cells):
            part(page, dates)

    path = write_unusual(tmp_path / DR2, change, rows=20)
    plain = read_workbook(path).sheets[0].marks
    assert all([plain.hidden_rows, plain.hidden_columns, plain.unsolved, len(plain.errors) == 3])
    rewrite(path, FIRST_SHEET, edit)
    monkeypatch.setattr(workbook_inspect, "CHUNK", chunk)
    found = read_workbook(path).sheets[0].marks
    # A blank row far below has another number where rows are only counted.
    assert found.hidden_rows[:-1] == plain.hidden_rows[:-1]
    assert replace(found, hidden_rows=()) == replace(plain, hidden_rows=())


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_what_is_hidden_is_read(tmp_path, state):
    def hide(page, dates):
        hide_rows(page, dates)
        hide_columns(page, dates)

    plain, hidden = (
        write_unusual(tmp_path / name / DR2, change) for name, change in (("a", None), ("b", hide))
    )
    rewrite(hidden, BOOK, lambda xml: xml.replace('sheetId="1"', f'sheetId="1" state="{state}"'))
    found = [part for part in read(hidden.parent).findings if part.check == "hidden_sheet"]
    assert [(part.sheet, part.row, part.count, part.severity) for part in found] == [
        (NAME, HEADER, 1, "note")
    ]
    tables = [read(path.parent).tables["dr2_referrals"] for path in (plain, hidden)]
    pd.testing.assert_frame_equal(*tables)


def test_an_error_is_unmapped_and_never_blank_or_an_identifier(tmp_path):
    found = told(tmp_path, fail_cells)
    assert found["cell_errors"] == [
        ("fail", "mark", HEADER + 3, "child_id", 1),
        ("fail", "mark", HEADER + 2, "previous_protection_plans", 2),
    ]
    unmapped = {(part[2], part[3]): part[4] for part in found["unmapped"]}
    assert unmapped == {(HEADER + 3, "child_id"): 1, (HEADER + 2, "previous_protection_plans"): 2}
    table = read(tmp_path).tables["dr2_referrals"]
    assert table["previous_protection_plans"].isna().sum() == 2
    assert "#REF!" not in set(table["child_id"]) and table["child_id"].isna().sum() == 1


def test_saved_results_are_read_and_one_never_worked_out_is_blank(tmp_path):
    write_unusual(tmp_path / DR2, compute)
    plans = read(tmp_path).tables["dr2_referrals"]["previous_protection_plans"]
    assert plans.fillna(-1).tolist()[:5] == [2, 0, 3, -1, 0]


DAY = dt.date(2021, 3, 9)
SERIAL_1904 = (DAY - dt.date(1904, 1, 1)).days


@pytest.mark.parametrize(("date_1904", "serial"), [(True, SERIAL_1904), (False, SERIAL_1904 + 1462)])
@pytest.mark.parametrize("marked", ["1", "true"])
def test_days_are_right_in_both_calendars_whatever_their_form(tmp_path, date_1904, serial, marked):
    def change(page, dates):
        place = column_of("referral_date")
        page.write_datetime(HEADER, place, dt.datetime(2021, 3, 9), dates)
        page.write_number(HEADER + 1, place, serial)
        page.write_string(HEADER + 2, place, str(serial))
        page.write_string(HEADER + 3, place, "09/03/2021")
        page.write_number(HEADER, column_of("birth_month"), serial - 1)
        page.write_number(HEADER, column_of("previous_protection_plans"), 7)

    path = write_unusual(tmp_path / DR2, change, rows=4, date_1904=date_1904)
    rewrite(path, BOOK, lambda xml: xml.replace('date1904="1"', f'date1904="{marked}"'))
    returns = read(tmp_path)
    table = returns.tables["dr2_referrals"]
    assert table["referral_date"].tolist() == [pd.Timestamp(DAY)] * 4
    assert table["birth_month"][0] == pd.Timestamp("2021-03-01")
    assert table["previous_protection_plans"][0] == 7
    calendar = [part for part in returns.findings if part.check == "date_system_1904"]
    assert [(part.file, part.count, part.severity) for part in calendar] == [(DR2, 1, "note")] * date_1904


def test_no_finding_that_counts_files_sheets_or_columns_is_hidden_as_a_count_of_records(tmp_path):
    path = write_unusual(tmp_path / DR2, hide_columns, date_1904=True)
    rewrite(path, BOOK, lambda xml: xml.replace('sheetId="1"', 'sheetId="1" state="hidden"'))
    (tmp_path / "notes.docx").write_bytes(b"")
    frame = publish_findings(findings_frame(read(tmp_path).findings), STUDY.disclosure).frame
    frame = frame.set_index("check").loc[["date_system_1904", "hidden_columns", "hidden_sheet", "file_type"]]
    assert not frame["suppressed"].any() and frame["count"].eq(1).all()
    assert "counted from 1904 in" in frame.loc["date_system_1904", "text"]


def macro_part(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"macro")


def macro_type(path: Path) -> None:
    types = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    rewrite(path, "[Content_Types].xml", lambda xml: xml.replace("</Types>", f"<!--{types}--></Types>"))


def entities(path: Path) -> None:
    lines = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet '
    rewrite(path, FIRST_SHEET, lambda xml: xml.replace("<worksheet ", lines))


def hidden_entities(path: Path) -> None:
    lines = "<!-- <worksheet > --><!DOCTYPE x []><sst "
    rewrite(path, "xl/sharedStrings.xml", lambda xml: xml.replace("<sst ", lines))


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo(FIRST_SHEET).header_offset + 60
    content[start : start + 40] = bytes(40)
    path.write_bytes(bytes(content))


def many_parts(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(workbook_refuse.MOST_PARTS):
            archive.writestr(f"xl/media/{number}.png", b"")


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", b" " * (workbook_refuse.RATIO_COUNTS_FROM + 1))


def lie(path: Path, checksum_of: int = 51) -> None:
    """Declare 50 bytes of a part that holds more, with the checksum of as many as given."""
    with zipfile.ZipFile(path) as archive:
        part = archive.getinfo(FIRST_SHEET)
        checksum = zipfile.crc32(archive.read(part)[:checksum_of])
    content = path.read_bytes()
    for old, new in ((part.file_size, 50), (part.CRC, checksum)):
        content = content.replace(old.to_bytes(4, "little"), new.to_bytes(4, "little"))
    path.write_bytes(content)


def lie_plainly(path: Path) -> None:
    lie(path, checksum_of=50)


def code(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    write_parts(path, parts)
    content = bytearray(path.read_bytes())
    place = content.rfind(b"PK\x01\x02")
    content[place + 8] |= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (macro_part, r"holds macros; save it without them \(in Excel: Save As, type 'Excel Workbook"),
        (macro_type, "holds macros; save it without them"),
        (entities, r"part xl/worksheets/sheet1.xml declares entities"),
        (hidden_entities, r"part xl/sharedStrings.xml declares entities"),
        (cut_short, "not a workbook, or cut short on its way .*; send it again"),
        (damaged, "not a workbook, or cut short on its way"),
        (many_parts, "parts, more than 1000"),
        (bomb, r"unpacks to \d+ times its size \(allowed: 300\)"),
        (lie, "larger than it says"),
        (lie_plainly, "not a workbook, or cut short on its way"),
        (code, "behind a password; save it without one"),
    ],
)
def test_an_unsafe_workbook_is_refused_and_blocks_its_authority(tmp_path, spoil, says):
    path = write_unusual(tmp_path / DR2)
    read_workbook(path)
    spoil(path)
    with pytest.raises(ReturnsError, match=rf"{DR2} cannot be read: .*{says}"):
        read_workbook(path)
    found = [part for part in read(tmp_path).findings if part.check == "workbook_unreadable"]
    assert [(part.file, part.count, part.severity, part.status) for part in found] == [
        (DR2, 1, "block", "fail")
    ]


@pytest.mark.parametrize("suffix", [".xlsm", ".XLSM"])
def test_a_macro_workbook_is_refused_by_its_name(tmp_path, suffix):
    path = write_unusual(tmp_path / DR2).rename(tmp_path / f"swindon_dr2_nov21{suffix}")
    with pytest.raises(ReturnsError, match="holds macros"):
        read_workbook(path)


def test_macros_of_an_old_workbook_are_refused(tmp_path):
    path = tmp_path / "swindon_dr2_nov21.xls"
    path.write_bytes(workbook_refuse.OLE + bytes(600) + workbook_refuse.OLE_MACROS)
    with pytest.raises(ReturnsError, match="holds macros"):
        read_workbook(path)


@pytest.mark.parametrize(
    ("limit", "value", "says"),
    [
        ("LARGEST_FILE", 1000, "larger than 0 MB"),
        ("LARGEST_PART", 1000, "unpacks to more than is allowed"),
        ("LARGEST_UNPACKED", 2000, "unpacks to more than is allowed"),
        ("LARGEST_LIST", 100, "list of sheets is larger"),
    ],
)
def test_sizes_beyond_the_limits_are_refused(tmp_path, monkeypatch, limit, value, says):
    path = write_unusual(tmp_path / DR2)
    monkeypatch.setattr(workbook_refuse, limit, value)
    with pytest.raises(ReturnsError, match=says):
        read_workbook(path)


def far_cell(row: int, column: int, *, blank: bool = False):
    def change(page, dates):
        if blank:
            page.write_blank(row - 1, column - 1, None, dates)
        else:
            page.write_string(row - 1, column - 1, "stray")

    return change


PEAK = "import resource, sys; from pathlib import Path\n"
PEAK += "from sfpc_book.returns.workbook import read_workbook\n"
PEAK += "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\nbefore = peak()\n"
PEAK += "try: print(len(read_workbook(Path(sys.argv[1])).sheets))\n"
PEAK += "except Exception as error: print(error)\nprint(peak() - before)"


@pytest.mark.parametrize(
    "edit", [None, with_prefix, with_single_quotes], ids=["as written", "prefix", "quotes"]
)
def test_a_stray_cell_in_the_last_row_and_column_is_refused_before_memory_fills(tmp_path, edit):
    path = write_unusual(tmp_path / DR2, far_cell(1_048_576, 16_384))
    if edit:
        rewrite(path, FIRST_SHEET, edit)
    tracemalloc.start()
    with pytest.raises(
        ReturnsError, match=rf"'{NAME}'.* row 1048576 and column 16384.*delete them, and save"
    ):
        read_workbook(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * MB
    run = subprocess.run([sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True)
    message, kilobytes = run.stdout.strip().rsplit("\n", 1)
    assert "row 1048576" in message and int(kilobytes) * 1024 < 60 * MB


@pytest.mark.parametrize(
    ("row", "column", "refused"),
    [
        (1_048_576, 1, True),
        (1, 16_384, False),
        (150_000, 53, False),
        (150_000, 100, True),
        (250_000, 14, False),
    ],
)
def test_the_area_to_the_last_cell_decides(tmp_path, monkeypatch, row, column, refused):
    monkeypatch.setattr(workbook_refuse, "MOST_CELLS", 10_000_000)
    path = write_unusual(tmp_path / DR2, far_cell(row, column))
    if refused:
        with pytest.raises(ReturnsError, match="allowed: 10000000"):
            read_workbook(path)
    else:
        rows = read_workbook(path).sheets[0].rows
        assert (len(rows), len(rows[0])) == (max(row, 12), max(column, 13))
        assert rows[row - 1][column - 1] == "stray"


def test_formatted_blank_cells_and_a_wrong_dimension_do_no_harm(tmp_path):
    path = write_unusual(tmp_path / DR2, far_cell(1_048_576, 16_384, blank=True))
    rewrite(path, FIRST_SHEET, lambda xml: xml.replace('ref="A1:', 'ref="A1:XFD1048576" was="'))
    assert len(read_workbook(path).sheets[0].rows) == 12


def ods(path: Path, rows: str) -> Path:
    """An OpenDocument workbook of one sheet with these rows."""
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = f"<office:document-content {spaces}><office:body><office:spreadsheet>"
    content += f'<table:table table:name="{NAME}">{rows}</table:table>'
    content += "</office:spreadsheet></office:body></office:document-content>"
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    manifest = b'<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    parts = [("mimetype", kind), ("META-INF/manifest.xml", manifest), ("content.xml", content.encode())]
    return write_parts(path, parts)


ODS_CELL = '<table:table-cell office:value-type="string"{}><text:p>{}</text:p></table:table-cell>'
ODS_END = '<table:table-row table:number-rows-repeated="{}">'
ODS_END += '<table:table-cell table:number-columns-repeated="16384"/>'
ODS_END += "</table:table-row>"


def test_a_format_that_cannot_be_inspected_is_told(tmp_path):
    rows = [
        "".join(ODS_CELL.format("", cell or "") for cell in row)
        for row in sheet("dr2_referrals", referrals(3))
    ]
    lines = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    path = ods(tmp_path / "swindon_dr2_nov21.ods", lines + ODS_END.format(1_048_000))
    returns = read(tmp_path)
    assert len(returns.tables["dr2_referrals"]) == 3
    found = [part for part in returns.findings if part.check == "format_not_inspected"]
    assert [(part.file, part.severity, part.count) for part in found] == [(path.name, "mark", 1)]


def xlsb(path: Path, row: int, column: int) -> Path:
    """The parts of a binary workbook that its guard reads: one cell."""
    cell = column.to_bytes(4, "little") + bytes(4) + b"\x01\x00\x00\x00a\x00"
    records = [(0x91, b""), (0, row.to_bytes(4, "little") + bytes(12)), (6, cell), (0x92, b"")]
    kinds = [bytes([kind | 0x80, kind >> 7]) if kind > 0x7F else bytes([kind]) for kind, _ in records]
    content = b"".join(
        kind + bytes([len(data)]) + data for kind, (_, data) in zip(kinds, records, strict=True)
    )
    return write_parts(path, [("xl/workbook.bin", b""), ("xl/worksheets/sheet1.bin", content)])


LAST = "<table:table-row>" + ODS_CELL.format("", "x") + "</table:table-row>"
WIDE = '<table:table-row><table:table-cell table:number-columns-repeated="16383"/>'
WIDE += ODS_CELL.format("", "x") + "</table:table-row>"
MANY = f'<table:table-row table:number-rows-repeated="1000000">{ODS_CELL}</table:table-row>'
MANY = MANY.format(' table:number-columns-repeated="1000"', "x")


@pytest.mark.parametrize("rows", [WIDE + ODS_END.format(1_048_570) + LAST, MANY], ids=["stray", "repeated"])
def test_an_open_document_that_reaches_too_far_is_refused(tmp_path, rows):
    with pytest.raises(ReturnsError, match="an area of"):
        read_workbook(ods(tmp_path / "swindon_dr2_nov21.ods", rows))


def test_a_binary_workbook_that_reaches_too_far_is_refused(tmp_path):
    path = tmp_path / "swindon_dr2_nov21.xlsb"
    with pytest.raises(ReturnsError, match="row 1048576 and column 16384, an area of"):
        read_workbook(xlsb(path, 1_048_575, 16_383))
    with pytest.raises(ReturnsError, match="not a workbook"):
        read_workbook(xlsb(path, 5, 5))
