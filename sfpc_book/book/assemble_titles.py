"""Page titles that are all different, though one template makes the pages of every model and every
authority.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

FIRST_HEADING = re.compile(r"^# +(.+?)\s*$", flags=re.MULTILINE)
# Words that begin a question: in the middle of a title they are written small.
QUESTION = re.compile(r"(Did|Does|Do|Was|Were|Is|Are|Who|What|When|Where|Which|Why|How)\b")


def markdown_title(text: str) -> str:
    """The first first-level heading of Markdown text, without its mark; empty when there is none."""
    match = FIRST_HEADING.search(text)
    return match.group(1) if match else ""


def with_title(text: str, title: str) -> str:
    """Markdown text whose first first-level heading is `title`; the heading is put first where there is
    none.
    """
    if not FIRST_HEADING.search(text):
        return f"# {title}\n\n{text}"
    return FIRST_HEADING.sub(lambda _: f"# {title}", text, count=1)


def source_title(path: Path) -> str:
    """The title that a Markdown file, or the first Markdown cell of a notebook, gives to its page."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
        text = "".join(cells[0]["source"]) if cells else ""
    return markdown_title(text)


def distinct_titles(titles: Sequence[str], names: Sequence[str], parts: Sequence[str]) -> tuple[str, ...]:
    """Titles told apart where several pages have the same: by the page's short name if that differs, else its
    part.

    `Did fewer enter care?` becomes `Family Valued: did fewer enter care?`. Raises nothing: pages that cannot
    be told apart keep equal titles, which the caller reports.
    """
    result = []
    for title, name, part in zip(titles, names, parts, strict=True):
        alike = [other for other, words in zip(names, titles, strict=True) if words == title]
        prefix = name if alike.count(name) == 1 else part
        result.append(f"{prefix}: {_continued(title)}" if len(alike) > 1 and prefix and title else title)
    return tuple(result)


def _continued(title: str) -> str:
    return title[0].lower() + title[1:] if QUESTION.match(title) else title
