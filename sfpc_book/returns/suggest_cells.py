"""Drafts of corrections of cells: words outside code lists, numbers inside text, blanks with a meaning."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from sfpc_book.contracts.contract import Column
from sfpc_book.contracts.vocabulary import plain_text
from sfpc_book.returns.cell_dates import read_date
from sfpc_book.returns.cell_values import read_number, text_of
from sfpc_book.returns.cells import BLANK, CLEAN, UNMAPPED
from sfpc_book.returns.correction import TO_FILL
from sfpc_book.returns.evidence import Draft, Evidence, Recogniser

CATEGORIES = ("code", "flag")
NUMBERS = ("number", "share", "percent", "integer")
# A word of a code list is shown only if it cannot be a date, an identifier or free text.
LONGEST_WORD = 40
DIGITS_OF_MORE_THAN_A_CODE = re.compile(r"\d{3,}")
# Where in a text a number may stand, the surest first; group 1 is the number.
NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?"
NUMBER_IN_TEXT = (
    rf"(?<![\d.,])({NUMBER}\s*%)",  # the only percentage
    rf":\s*({NUMBER}\s*%?)\s*$",  # behind a colon, at the end
    rf"^\D*?({NUMBER})\D*$",  # the only number
    rf"(?<![\d.,])({NUMBER})\.?\s*%",  # the only percentage, a stop before its sign
)


@dataclass
class _Words:
    """Words of one column that its code list does not know: how often each occurs, and as it stands first."""

    column: Column
    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, cell: object) -> None:
        word = plain_text(text_of(cell))
        self.counts[word] += 1
        self.first.setdefault(word, text_of(cell))

    def shown(self, threshold: int) -> list[str]:
        """The words that occur so often, and are of such a kind, that they are nobody's."""
        return [word for word, count in self.counts.items() if count >= threshold and _is_category(word)]


def unknown_words(evidence: Evidence) -> Iterator[Draft]:
    """Words outside the code list of a column. Only frequent ones are named; a person gives their meaning."""
    found: dict[tuple[str, str], _Words] = {}
    drafted: set[tuple[str, str]] = set()
    for book, located, place, column in evidence.columns(*CATEGORIES):
        cells, key = evidence.cells(book, located, place), (located.table, place.column)
        for position in np.flatnonzero(evidence.read(cells, column).kinds == UNMAPPED):
            drafted |= {key} if TO_FILL in str(cells[position]) else set()
            found.setdefault(key, _Words(column)).add(cells[position])
    threshold = evidence.study.disclosure.threshold
    for (table, name), words in found.items():
        if (table, name) in drafted:
            continue
        shown = words.shown(threshold)
        left = {word: count for word, count in words.counts.items() if word not in shown}
        other = (
            f"{len(left)} other word(s), in {sum(left.values())} cell(s), are not shown: each is rare (fewer "
        )
        other += f"than {threshold} cells) or may be more than a code; look for them in the workbooks"
        if not shown:
            yield Draft(
                {"table": table, "column": name},
                f"column '{name}' of {table} holds words outside its code list. {other}",
            )
            continue
        says = f"words that the code list of '{name}' does not hold. {other if left else 'These are all.'}"
        meanings = {words.first[word]: f"{TO_FILL}: {_meaning(words.column, evidence)}" for word in shown}
        yield Draft({"action": "recode", "table": table, "column": name, "values": meanings}, says)


def numbers_in_text(evidence: Evidence) -> Iterator[Draft]:
    """Cells with one number inside a text, where a number belongs."""
    found: dict[tuple[str, str, str], list[tuple[str, int]]] = defaultdict(list)
    for book, located, place, column in evidence.columns(*NUMBERS):
        cells = evidence.cells(book, located, place)
        kinds = evidence.read(cells, column).kinds
        texts = [str(cells[position]) for position in np.flatnonzero(kinds == UNMAPPED)]
        clean = [text_of(cells[position]) for position in np.flatnonzero(kinds == CLEAN)]
        pattern, count = _pattern_of(texts, clean, column.type)
        if count:
            found[book.file.month, located.table, place.column].append((pattern, count))
    for (month, table, name), patterns in found.items():
        pattern, count = max(patterns, key=lambda item: item[1])
        keys = {
            "action": "extract",
            "return_month": month,
            "table": table,
            "column": name,
            "pattern": pattern,
        }
        yield Draft(keys, f"{count} cell(s) of '{name}' hold one number inside a text")


def blanks_with_a_meaning(evidence: Evidence) -> Iterator[Draft]:
    """Blank cells of a column whose contract gives for a blank something that the column can hold."""
    blanks: Counter[tuple[str, str, str]] = Counter()
    for book, located, place, column in evidence.columns(*CATEGORIES, *NUMBERS):
        if column.blank_means and evidence.read([column.blank_means], column).kinds[0] == CLEAN:
            cells = evidence.cells(book, located, place)
            count = evidence.read(cells, column).count(BLANK)
            blanks[located.table, place.column, column.blank_means] += count
    for (table, name, value), count in blanks.items():
        if count:
            keys = {"action": "fill_blank", "table": table, "column": name, "value": value}
            yield Draft(keys, f"the contract says that a blank in '{name}' means {value}")


CELLS: tuple[Recogniser, ...] = (unknown_words, numbers_in_text, blanks_with_a_meaning)


def _is_category(word: str) -> bool:
    """Whether a word can be a category: no date, no long number, no sentence."""
    return (
        len(word) <= LONGEST_WORD
        and not DIGITS_OF_MORE_THAN_A_CODE.search(word)
        and (word.isdigit() or read_date(word) is None)
    )


def _meaning(column: Column, evidence: Evidence) -> str:
    """What a person may write for a word."""
    codes = (
        ("1 (yes)", "0 (no)")
        if column.type == "flag"
        else evidence.declared.words.code_sets[str(column.vocabulary)]
    )
    return f"one of {', '.join(codes)}; or null if nothing is known"


def _pattern_of(texts: Sequence[str], clean: Iterable[str], kind: str) -> tuple[str, int]:
    """The pattern that finds a number in most of the texts, and how many those are; 0 if none will do.

    A pattern will not do if it changes a cell that reads already, or finds in some text what is not its one
    number.
    """
    clean = set(clean)
    counts = {}
    for pattern in NUMBER_IN_TEXT:
        matched = [text for text in texts if re.search(pattern, text)]
        spoils = any((found := re.search(pattern, text)) and found[1] != text for text in clean)
        will_do = not spoils and all(_holds_one(pattern, text, kind) for text in matched)
        counts[pattern] = len(matched) if will_do else 0
    best = max(counts, key=lambda pattern: counts[pattern])
    return best, counts[best]


def _holds_one(pattern: str, text: str, kind: str) -> bool:
    """Whether the pattern finds one number in a text, and the number means there what it means alone.

    A proportion loses its percent sign only where it is above 1, so that it is seen to be a percentage.
    """
    found = re.findall(pattern, text)
    if len(found) != 1 or (number := read_number(found[0], kind)) is None:
        return False
    loses_sign = kind == "share" and "%" in text and "%" not in found[0]
    return not loses_sign or number[0] > 1
