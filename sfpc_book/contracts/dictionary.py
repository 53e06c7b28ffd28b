"""The data dictionary as a page of Markdown, from the contracts: nothing in it is typed twice."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sfpc_book.contracts.contract import DATA_CONTRACTS, Column, TableContract, load_contracts
from sfpc_book.contracts.limits import Limits, load_limits
from sfpc_book.contracts.rule_words import (
    MEANING,
    key_in_words,
    limit_in_words,
    rules_in_words,
    severity_in_words,
)
from sfpc_book.contracts.vocabulary import Vocabularies, load_vocabularies

LAYER_TITLES = {
    "dr1": "Monthly totals (DR1)",
    "dr2": "Referrals and sampling (DR2)",
    "dr3": "Outcomes (DR3)",
}
LAYOUTS = {
    "standard": "Family Safeguarding and Family Valued",
    "no_wrong_door": "No Wrong Door",
}
INTRODUCTION = """# Data dictionary

What each sheet of a data return must hold, and what is checked. The sheet and the row of its headers are
found by name and by what the headers say; the other spellings listed are read as the same column. A value in
no code list is reported, and is never turned into a missing value.
"""


def dictionary_markdown(folder: Path = DATA_CONTRACTS) -> str:
    """The whole page: tables by layer, code lists, limits of the checks.

    Raises
    ------
    ContractError
        If a contract is at fault.
    """
    contracts = load_contracts(folder)
    parts = [INTRODUCTION]
    for layer, title in LAYER_TITLES.items():
        parts.append(f"## {title}\n")
        parts += [_table_section(part) for part in contracts.values() if part.layer == layer]
    parts += [
        _code_section(load_vocabularies(folder / "vocabularies.yml")),
        _limit_section(load_limits(folder)),
    ]
    return "\n".join(parts)


def _table_section(contract: TableContract) -> str:
    sheets = [f"- {LAYOUTS[layout]}: sheet “{sheet.name}”" for layout, sheet in contract.sheets.items()]
    key = " and ".join(f"`{name}`" for name in contract.key)
    facts = f"{contract.grain[0].upper()}{contract.grain[1:]}. Key: {key} ({key_in_words(contract)})."
    if contract.replace_key:
        facts += (
            " A later return's row replaces an earlier one of the same key; a blank keeps the earlier value."
        )
    elif contract.keep:
        facts += f" Of rows equal in every column the {contract.keep} is kept."
    rows = [_column_row(column) for column in contract.columns]
    caption = f"Columns of {contract.table}"
    headings = ("Column", "Header and other spellings", "What it says", "Values", "Blank means", "A fault")
    table = _table(caption, headings, rows)
    rules = "\n".join(f"- {text}." for text in rules_in_words(contract))
    rules = f"\nRules:\n\n{rules}\n" if rules else ""
    return (
        f"### {contract.title} (`{contract.table}`)\n\n{facts}\n\n"
        + "\n".join(sheets)
        + f"\n\n{table}{rules}"
    )


def _column_row(column: Column) -> tuple[str, ...]:
    headers = "; ".join(column.headers)
    blank = column.blank_means or ("missing" if column.required else "missing; may be left out")
    if column.missing_limit is not None:
        blank += f"; at most the share {column.missing_limit:g}"
    return (f"`{column.name}`", headers, column.description, _values(column), blank, column.severity)


def _values(column: Column) -> str:
    kinds = {
        "birth_month": "month of birth, or a word for unborn",
        "share": "proportion",
        "percent": "percentage",
        "flag": "yes or no",
        "factors": f"list of codes ({column.vocabulary})",
        "code": f"code ({column.vocabulary})",
        "integer": "whole number",
    }
    text = kinds.get(column.type, column.type)
    if column.unit and column.unit not in ("proportion", "month"):
        text += f", {column.unit}"
    if column.minimum is not None:
        text += f", from {column.minimum:g}"
    return text + (f" to {column.maximum:g}" if column.maximum is not None else "")


def _code_section(words: Vocabularies) -> str:
    parts = ["## Code lists\n"]
    for name, codes in words.codes.items():
        rows = [(code, "; ".join(others)) for code, others in codes.items()]
        title = name.replace("_", " ").capitalize()
        table = _table(f"{title}: codes and other spellings", ("Code", "Other spellings"), rows)
        parts.append(f"### {title}\n\n{table}")
    phrases = ", ".join(f"“{phrase}”" for phrase in words.missing_phrases)
    unborn = ", ".join(f"“{phrase}”" for phrase in (*words.unborn_phrases, *words.unborn_dates))
    return "\n".join(
        [*parts, f"Words that say nothing is known: {phrases}.\n\nWords for unborn: {unborn}.\n"]
    )


def _limit_section(limits: Limits) -> str:
    rows = [
        (f"`{name}`", limit_in_words(part), severity_in_words(part), part.reason)
        for name, part in limits.checks.items()
    ]
    missing = (
        f"Of the values of a required column at most the share {limits.missing:g} may be missing, unless the "
        "column says otherwise. A single return may miss more as far as chance can give that in its few rows."
    )
    return "\n".join(
        [
            f"## Limits of the checks\n\n{missing}\n",
            _table("Checks and their limits", ("Check", "Limit", "A fault", "Why"), rows),
            "## What follows from a fault\n",
            _table(
                "Severities and what they mean for the estimates", ("Severity", "Meaning"), MEANING.items()
            ),
        ]
    )


def _table(caption: str, headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A captioned table: a reader who jumps to it must hear what it is."""
    headings = list(headings)
    lines = [headings, ["---"] * len(headings), *rows]
    body = "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)
    return f"```{{table}} {caption}\n{body}\n```\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("{level}", "*level*").replace("\n", " ") or "none"
