"""The HTML that figures and tables share: accessible tables, links to their CSV files, escaping."""

from __future__ import annotations

import html
import re

import pandas as pd

from sfpc_book.errors import ParameterError
from sfpc_book.report.formats import SHORTHAND, file_size

DATA_STATUSES = ("synthetic", "returns", "published", "design")
SYNTHETIC_MARK = "Synthetic data: not a finding about any authority"
LABEL_FORM = re.compile(r"[a-z0-9_]+-[a-z0-9_-]+")


def escape(text: object) -> str:
    """Text safe inside HTML elements and attributes."""
    return html.escape(str(text), quote=True)


def require_texts(kind: str, label: str, **texts: str) -> None:
    """Raise `ParameterError` naming every text that is missing or blank."""
    empty = [name for name, text in texts.items() if not isinstance(text, str) or not text.strip()]
    if empty:
        raise ParameterError(
            f"{kind} {label!r} lacks text a reader needs", [f"{name} is empty" for name in empty]
        )


def require_label(kind: str, label: str) -> None:
    """Raise `ParameterError` unless a label reads `<chapter slug>-<name>`, lower case."""
    if not LABEL_FORM.fullmatch(label):
        raise ParameterError(f"{kind} label {label!r} must read '<chapter slug>-<name>' in a-z, 0-9, _ and -")


def require_status(kind: str, label: str, data_status: str) -> None:
    """Raise `ParameterError` unless the data status is one of the four known ones."""
    if data_status not in DATA_STATUSES:
        allowed = ", ".join(DATA_STATUSES)
        raise ParameterError(f"{kind} {label!r} has data status {data_status!r}; allowed: {allowed}")


def csv_text(frame: pd.DataFrame, data_status: str) -> str:
    """The frame as CSV text (UTF-8, `\\n`), with `data_status` as its first column."""
    data = frame.drop(columns="data_status", errors="ignore")
    data.insert(0, "data_status", data_status)
    return data.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")


def csv_link(label: str, title: str, csv: str) -> str:
    """A link to a chart's or table's data whose text says what it leads to, its type and its size."""
    size = file_size(len(csv.encode()))
    return (
        f'<p class="sfpc-download"><a href="../data/{escape(label)}.csv" download>'
        f"Data for “{escape(title)}” (CSV, {size})</a></p>"
    )


def shorthand_line(cells: pd.DataFrame) -> str:
    """A paragraph explaining those shorthands that occur in the cells; empty when none does."""
    text = " ".join(map(str, cells.to_numpy().ravel()))
    used = [f"{mark} = {meaning}" for mark, meaning in SHORTHAND.items() if mark in text]
    return f'<p class="sfpc-shorthand">{escape("; ".join(used))}.</p>' if used else ""


def table_html(cells: pd.DataFrame, caption: str, *, row_headers: bool = True) -> str:
    """An HTML table of already formatted cells: caption, one header row, `th scope`, no merged cells.

    The first column heads its rows unless `row_headers` is False. Columns of numbers get the class `num`.
    """
    numeric = [_is_numeric(cells[name]) for name in cells.columns]
    classes = [' class="num"' if flag else "" for flag in numeric]
    head = "".join(
        f'<th scope="col"{kind}>{escape(name)}</th>'
        for name, kind in zip(cells.columns, classes, strict=True)
    )
    rows = "".join(_row(row, classes, row_headers) for row in cells.itertuples(index=False, name=None))
    caption_html = f"<caption>{escape(caption)}</caption>"
    return f"<table>{caption_html}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(values: tuple[object, ...], classes: list[str], row_headers: bool) -> str:
    cells = [
        f'<th scope="row">{escape(value)}</th>'
        if row_headers and position == 0
        else f"<td{kind}>{escape(value)}</td>"
        for position, (value, kind) in enumerate(zip(values, classes, strict=True))
    ]
    return f"<tr>{''.join(cells)}</tr>"


NUMBER_CELL = re.compile(r"(?:[+−<>£]*[\d,.]+%?|\[(?:c|x|z|low)\]|unbounded.*|[+−]?[\d.,]+ to [+−]?[\d.,]+)")


def _is_numeric(column: pd.Series) -> bool:
    texts = [str(value) for value in column]
    return bool(texts) and all(NUMBER_CELL.fullmatch(text) for text in texts)
