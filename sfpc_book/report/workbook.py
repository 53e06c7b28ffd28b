"""Workbooks that follow the government's guidance on accessible spreadsheets. The only user of gptables.

A cover with title, contents and what must be known to read the rest; one table to a sheet, from column A, as
a real table with one header row; no merged, hidden, frozen, coloured or blank cells; notes by `[note 1]`.
Equal content gives equal bytes.
"""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gptables
import pandas as pd

from sfpc_book.errors import ParameterError
from sfpc_book.report.formats import SHORTHAND

LANGUAGE = "en-GB"
MADE = datetime.datetime(2000, 1, 1)  # a workbook knows no time zone; fixed for equal bytes
NARROWEST, WIDEST, COVER_WIDTH = 12, 48, 90  # characters
NOTES, CONTENTS_TITLE, ONE_TABLE = "Notes", "Contents", "This worksheet contains one table."
LONGEST_SHEET_NAME = 31
CORE = "docProps/core.xml"


@dataclass(frozen=True)
class Sheet:
    """One table on a sheet of its own. `notes` gives columns the id of a note of the workbook."""

    name: str
    title: str
    table: pd.DataFrame
    notes: Mapping[str, str]


@dataclass(frozen=True)
class Workbook:
    """What a workbook says. `mark`, if any, stands on every sheet; `notes` are texts by id.

    Raises `ParameterError` for a table that is empty or has blank cells or headings, a sheet name that is too
    long, and a note that no sheet refers to or that is not there.
    """

    title: str
    subject: str
    publisher: str
    introduction: tuple[str, ...]
    sheets: tuple[Sheet, ...]
    notes: Mapping[str, str]
    mark: str = ""

    def __post_init__(self) -> None:
        problems = [problem for sheet in self.sheets for problem in _faults(sheet)]
        used = {note for sheet in self.sheets for note in sheet.notes.values()}
        problems += [f"no sheet refers to note {name!r}" for name in self.notes if name not in used]
        problems += [f"there is no note {name!r}" for name in sorted(used - set(self.notes))]
        if problems:
            raise ParameterError(f"workbook {self.title!r} cannot be written", problems)


def write_workbook(workbook: Workbook, path: Path) -> Path:
    """Write the workbook; an older file of that name is replaced."""
    buffer = io.BytesIO()
    book = gptables.produce_workbook(
        buffer,
        {sheet.name: _table(sheet, workbook.mark, place) for place, sheet in enumerate(workbook.sheets)},
        cover=_cover(workbook),
        contentsheet_location="cover",
        contentsheet_options={"title": CONTENTS_TITLE, "subtitles": _marks(workbook.mark)},
        notes_table=pd.DataFrame({"id": list(workbook.notes), "Note": list(workbook.notes.values())}),
        notesheet_label=NOTES,
        notesheet_options={"instructions": _plain(f"{workbook.mark}. {ONE_TABLE}".lstrip(". "))},
        auto_width=False,
        gridlines="show_all",
        cover_gridlines=True,
        workbook_options={"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True},
    )
    book.set_properties(_properties(workbook))
    for sheet in workbook.sheets:
        for position, width in enumerate(_widths(sheet.table)):
            book.get_worksheet_by_name(sheet.name).set_column(position, position, width)
    book.get_worksheet_by_name(NOTES).set_column(1, 1, COVER_WIDTH)
    book.close()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_with_language(buffer.getvalue()))
    return path


def shorthand_used(tables: Sequence[pd.DataFrame]) -> list[str]:
    """The meaning of each shorthand that stands in a cell."""
    text = " ".join(str(value) for table in tables for value in table.to_numpy().ravel())
    return [f"{mark} = {meaning}" for mark, meaning in SHORTHAND.items() if mark in text]


def _faults(sheet: Sheet) -> list[str]:
    frame = sheet.table
    headings = [str(name) for name in frame]
    texts = {name: frame[name].astype("str").str.strip() for name in frame}
    faults = [
        f"column {name!r} has blank cells"
        for name in frame
        if frame[name].isna().any() or texts[name].eq("").any()
    ]
    faults += ["it has no rows"] if frame.empty else []
    faults += ["a heading is blank"] if not all(name.strip() for name in headings) else []
    faults += (
        [f"its name is longer than {LONGEST_SHEET_NAME}"] if len(sheet.name) > LONGEST_SHEET_NAME else []
    )
    faults += [f"no column {name!r} for a note" for name in sheet.notes if name not in headings]
    return [f"sheet {sheet.name!r}: {fault}" for fault in faults]


def _table(sheet: Sheet, mark: str, place: int) -> gptables.GPTable:
    return gptables.GPTable(
        table=sheet.table.astype("object").map(
            lambda value: _plain(value) if isinstance(value, str) else value
        ),
        table_name=f"table_{place + 1}",
        title=_plain(sheet.title),
        subtitles=_marks(mark),
        instructions=ONE_TABLE,
        legend=[_plain(text) for text in shorthand_used([sheet.table])] or None,
        table_notes={column: f"$${note}$$" for column, note in sheet.notes.items()},
        index_columns={2: 0},
    )


def _cover(workbook: Workbook) -> gptables.Cover:
    lines = [*_marks(workbook.mark), *workbook.introduction, f"Notes stand on the sheet “{NOTES}”."]
    return gptables.Cover(
        cover_label="Cover",
        title=_plain(workbook.title),
        intro=[_plain(line) for line in lines],
        width=COVER_WIDTH,
    )


def _marks(mark: str) -> list[str]:
    return [_plain(mark)] if mark else []


def _plain(text: str) -> str:
    """Text that is never taken for a link or a reference to a note, wherever it came from."""
    return text.replace("](", "] (").replace("$$", "$ $")


def _properties(workbook: Workbook) -> dict[str, object]:
    marked = f"{workbook.title} ({workbook.mark})" if workbook.mark else workbook.title
    return {
        "title": marked,
        "subject": workbook.subject,
        "author": workbook.publisher,
        "company": workbook.publisher,
        "status": workbook.mark,
        "created": MADE,
    }


def _widths(table: pd.DataFrame) -> list[int]:
    """Columns as wide as their longest text, within limits; longer texts wrap."""
    longest = [max([len(str(name)), *table[name].astype("str").str.len()]) for name in table]
    return [min(max(length + 2, NARROWEST), WIDEST) for length in longest]


def _with_language(content: bytes) -> bytes:
    """The workbook with the language of its texts among its properties, which its writer cannot set."""
    end, language = b"</cp:coreProperties>", f"<dc:language>{LANGUAGE}</dc:language>".encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename == CORE:
                data = data.replace(end, language + end)
            new.writestr(part, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
