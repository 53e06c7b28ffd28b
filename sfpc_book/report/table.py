"""A table as it stands on a page: caption, headers with scope, shorthands explained above, CSV beside."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from sfpc_book.errors import ParameterError
from sfpc_book.report.markup import (
    SYNTHETIC_MARK,
    csv_link,
    csv_text,
    escape,
    require_label,
    require_status,
    require_texts,
    shorthand_line,
    table_html,
)


@dataclass(frozen=True)
class TableContent:
    """A table before it belongs to a page.

    `cells` are formatted text, one header row, the first column heading its rows. `data` are the tidy
    values behind them, written to the CSV file; without it the cells themselves are written. `notes` are
    shown above the table.
    """

    cells: pd.DataFrame
    caption: str
    notes: tuple[str, ...] = ()
    source: str = ""
    data: pd.DataFrame | None = None


@dataclass(frozen=True)
class Table:
    """A table with its label and data status. Raises `ParameterError` for an empty frame, caption or bad
    label.
    """

    frame: pd.DataFrame
    label: str
    caption: str
    notes: tuple[str, ...]
    data_status: str
    source: str = ""
    data: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        require_label("table", self.label)
        require_status("table", self.label, self.data_status)
        require_texts("table", self.label, caption=self.caption)
        if self.frame.empty:
            raise ParameterError(f"table {self.label!r} has no rows; say why in a sentence instead")
        blank = [str(name) for name in self.frame if self.frame[name].astype(str).str.strip().eq("").any()]
        if blank:
            raise ParameterError(
                f"table {self.label!r} has empty cells; write [x], [z] or words",
                [f"column {name}" for name in blank],
            )

    def csv(self) -> str:
        """The values behind the table as CSV text, `data_status` first."""
        return csv_text(self.frame if self.data is None else self.data, self.data_status)

    def full_caption(self) -> str:
        """The caption, marked when the data are synthetic."""
        return f"{self.caption} ({SYNTHETIC_MARK})" if self.data_status == "synthetic" else self.caption

    def html(self) -> str:
        """Notes and shorthands, then the table, its source and a link to its CSV file."""
        notes = "".join(f'<p class="sfpc-note">{escape(note)}</p>' for note in self.notes)
        source = f'<p class="sfpc-source">Source: {escape(self.source)}</p>' if self.source else ""
        return (
            f'<div class="sfpc-table" id="{self.label}" data-status="{self.data_status}">'
            f"{notes}{shorthand_line(self.frame)}"
            f'<div class="sfpc-scroll" role="region" tabindex="0" aria-label="{escape(self.caption)}">'
            f"{table_html(self.frame, self.full_caption())}</div>"
            f"{source}{csv_link(self.label, self.caption, self.csv())}</div>"
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        plain = self.frame.to_string(index=False)
        return {
            "text/html": self.html(),
            "text/csv": self.csv(),
            "text/plain": f"{self.full_caption()}\n{plain}",
        }


def table_of(content: TableContent, label: str, data_status: str) -> Table:
    """The table that content becomes under a label and a data status."""
    return Table(
        frame=content.cells,
        label=label,
        caption=content.caption,
        notes=content.notes,
        data_status=data_status,
        source=content.source,
        data=content.data,
    )
