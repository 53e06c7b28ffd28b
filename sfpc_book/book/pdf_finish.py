"""What Typst cannot say from Python, set in the finished PDF: row headers of tables; and a smaller file.

The first cell of each body row becomes a header cell with scope Row, as PDF/UA-1 (ISO 14289-1, 7.5) asks for
tables whose rows have headers. Spans that the cell already has are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name


def finish_pdf(path: Path) -> None:
    """Mark row headers and write the file again with object streams and an id made from its content."""
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        for body in structure_elements(pdf, "TBody"):
            for row in children(body):
                _mark_row_header(row)
        streams = pikepdf.ObjectStreamMode.generate
        pdf.save(path, deterministic_id=True, object_stream_mode=streams, linearize=False)


def structure_elements(pdf: pikepdf.Pdf, kind: str = "") -> Iterator[Dictionary]:
    """Every element of the structure tree in reading order, or those of one kind such as `TBody` or
    `Figure`.
    """
    waiting = [pdf.Root.StructTreeRoot]
    while waiting:
        element = waiting.pop()
        if "/S" in element and (not kind or f"/{kind}" == element.S):
            yield element
        waiting.extend(reversed(list(children(element))))


def children(element: Dictionary) -> Iterator[Dictionary]:
    """The structure elements directly below one; marked content is left out."""
    inside = element.get("/K")
    for child in inside if isinstance(inside, Array) else [inside]:
        if isinstance(child, Dictionary) and "/S" in child:
            yield child


def _mark_row_header(row: Dictionary) -> None:
    cell = next(children(row), None)
    if cell is None or cell.S != Name.TD:
        return
    cell.S = Name.TH
    scope = Dictionary(O=Name.Table, Scope=Name.Row)
    attributes = cell.get("/A")
    if isinstance(attributes, Dictionary) and attributes.get("/O") == Name.Table:
        attributes.Scope = Name.Row
    elif isinstance(attributes, Array):
        attributes.append(scope)
    else:
        cell.A = scope
