"""Draft the row of corrections.yml for each defect that is recognised. Nothing here is ever applied.

Every draft is tried on the returns in memory, so that `expect` is what the reader counts. The reason, the
source and the date are for a person to write; without them a draft is refused when corrections are loaded.
"""

from __future__ import annotations

import datetime
import io
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ruamel.yaml import YAML

from sfpc_book.returns.correction import TO_FILL, Correction
from sfpc_book.returns.declared import Declared
from sfpc_book.returns.evidence import Draft, look
from sfpc_book.returns.inventory import is_synthetic
from sfpc_book.returns.suggest_cells import CELLS
from sfpc_book.returns.suggest_layout import LAYOUT
from sfpc_book.returns.suggest_records import RECORDS
from sfpc_book.study.study import Study

# What stands where it should comes first: cells under a wrong header say nothing about themselves.
GROUPS = (LAYOUT, CELLS, RECORDS)
TO_WRITE = {
    "why": f"{TO_FILL}: what is wrong, and why this is the right repair",
    "source": f"{TO_FILL}: on whose word, and where that is written",
    "date": f"{TO_FILL}: the day of that word, such as 2024-12-02",
}
HEAD = """\
# Drafts of corrections for {slug}. Nothing here is applied, and nothing here is known to be right.
# Ask the authority. Then fill in what says {to_fill}, and move the row to data_contracts/corrections.yml.
# `expect` is what the row would touch in the returns as they are now, if all rows below were applied.
"""
NONE = "# No defect was recognised for which a correction can be drafted; there may be others.\n"


@dataclass(frozen=True)
class Suggestion:
    """A drafted row of corrections.yml, with what was seen. Without a row: a remark only."""

    says: str
    row: dict[str, object] | None


def suggest(study: Study, slug: str, folder: Path, declared: Declared) -> tuple[Suggestion, ...]:
    """Draft corrections for one authority's returns, beyond those declared.

    Raises
    ------
    ReturnsError
        If the folder is missing or holds no workbook, or the study does not know the authority.
    """
    drafts: list[Draft] = []
    kind = "synthetic" if is_synthetic(folder) else "real"
    while True:
        rows = _rows(drafts, slug, kind)
        tried = tuple(_correction(row, declared) for row in rows if row)
        evidence = look(study, slug, folder, replace(declared, corrections=(*declared.corrections, *tried)))
        known = {draft.place for draft in drafts}
        groups = ([draft for find in group for draft in find(evidence)] for group in GROUPS)
        new = next((fresh for group in groups if (fresh := _unknown(group, known))), None)
        if new is None:
            break
        drafts += new
    counts = [evidence.touched.total(str(row["id"])) if row else None for row in rows]
    return tuple(
        Suggestion(draft.says, row and {**row, **TO_WRITE, "expect": count})
        for draft, row, count in zip(drafts, rows, counts, strict=True)
        if count != 0
    )


def suggestions_text(suggestions: Sequence[Suggestion], slug: str) -> str:
    """The drafts as a file of the form of corrections.yml, with what was seen as comments."""
    text = HEAD.format(slug=slug, to_fill=TO_FILL)
    if not suggestions:
        return f"{text}{NONE}corrections: []\n"
    remarks = [_comment(part.says) for part in suggestions if part.row is None]
    rows = [_comment(part.says) + _yaml([part.row]) for part in suggestions if part.row is not None]
    listed = "corrections:\n" + textwrap.indent("\n".join(rows), "  ") if rows else "corrections: []\n"
    return "\n".join([text, *remarks, listed])


def _unknown(drafts: Iterable[Draft], known: set) -> list[Draft]:
    """Drafts that are not known yet, each once."""
    return list({draft.place: draft for draft in drafts if draft.place not in known}.values())


def _rows(drafts: Sequence[Draft], slug: str, kind: str) -> list[dict[str, object] | None]:
    """The row of each draft, with an id of its own; None for a remark."""
    rows: list[dict[str, object] | None] = []
    names: set[str] = set()
    for draft in drafts:
        parts = [draft.keys.get(key) for key in ("action", "table", "column", "spelling", "return_month")]
        name = re.sub(r"[^a-z0-9_]+", "-", "-".join([slug, *(str(part) for part in parts if part)]).lower())
        unique = next(
            f"{name}{end}" for end in ("", *(f"-{n}" for n in range(2, 1000))) if f"{name}{end}" not in names
        )
        names |= {unique} if draft.is_row else set()
        head = {"id": unique, "applies_to": kind, "authority": slug}
        rows.append({**head, **draft.keys} if draft.is_row else None)
    return rows


def _correction(row: dict[str, object], declared: Declared) -> Correction:
    """A draft as a correction that can be tried in memory."""
    layer = declared.contracts[str(row["table"])].layer if "table" in row else None
    blank = {"why": TO_FILL, "source": TO_FILL, "date": datetime.date.min, "expect": 1, "layer": layer}
    return Correction.model_validate({**row, **blank})


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, 105))


def _yaml(value: object) -> str:
    yaml, out = YAML(), io.StringIO()
    yaml.width = 4096
    yaml.dump(value, out)
    return out.getvalue()
