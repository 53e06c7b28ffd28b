"""The plan as a table on the console, and as `_toc.yml`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml
from rich.table import Table

from sfpc_book.book.files import write_text
from sfpc_book.book.plan import PATHS, Chapter, toc

SAME_EVERYWHERE = {name for name, _ in PATHS}
HEAD = "# Written by `sfpc-book plan --write-toc` from study.yml; a test compares it with the plan.\n"


def plan_table(chapters: Sequence[Chapter]) -> Table:
    """One row per page, in reading order, with a line between parts."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("slug", "title", "template", "parameters"):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for number, chapter in enumerate(chapters):
        if chapter.part and (number == 0 or chapters[number - 1].part != chapter.part):
            table.add_row()
            table.add_row(f"[bold]{chapter.part}[/bold]")
        given = (f"{name}={value}" for name, value in chapter.parameters if name not in SAME_EVERYWHERE)
        title = chapter.title if chapter.part else ""
        table.add_row(chapter.slug, title, chapter.template, ", ".join(given))
    return table


def contents_text(chapters: Sequence[Chapter]) -> str:
    """The text of `_toc.yml`."""
    return HEAD + yaml.safe_dump(toc(chapters), sort_keys=False, allow_unicode=True)


def write_contents(chapters: Sequence[Chapter], home: Path) -> Path:
    """Write `_toc.yml` beside the study file."""
    return write_text(home / "_toc.yml", contents_text(chapters))
