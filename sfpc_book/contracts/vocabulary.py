"""Code lists as data: what a cell may say, what it then means, and the other spellings met in practice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from sfpc_book.contracts.source import located, read_yaml, schema_faults
from sfpc_book.errors import ContractError

# "a) Male", "s) NOBT": some systems export the letter of their pick list with the value.
LIST_LETTER = re.compile(r"^[a-z]\)\s*")


def plain_text(text: str) -> str:
    """A cell as code lists compare it: no case, no list letter, single blanks."""
    plain = " ".join(text.split()).casefold()
    return LIST_LETTER.sub("", plain) if plain[1:2] == ")" else plain


class _Listed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class Flag(_Listed):
    """Words for yes and for no."""

    true_values: tuple[str, ...]
    false_values: tuple[str, ...]


class Vocabularies(_Listed):
    """All code lists of the returns. `codes[list][code]` are the other spellings of that code."""

    missing_phrases: tuple[str, ...]
    unborn_phrases: tuple[str, ...]
    unborn_within: tuple[str, ...] = ()
    unborn_dates: tuple[str, ...]
    flag: Flag
    codes: dict[str, dict[str, tuple[str, ...]]]

    @cached_property
    def missing(self) -> frozenset[str]:
        """Phrases that say nothing is known, as `plain_text`."""
        return frozenset(map(plain_text, self.missing_phrases))

    @cached_property
    def _missing_sentences(self) -> re.Pattern[str]:
        return _any_of(phrase for phrase in self.missing if " " in phrase)

    @cached_property
    def _unborn_sentences(self) -> re.Pattern[str]:
        return _any_of(map(plain_text, self.unborn_within))

    def says_missing(self, cell: str) -> bool:
        """Whether a cell is a phrase for missing, or a sentence around one of several words."""
        text = plain_text(cell)
        return text in self.missing or (" " in text and bool(self._missing_sentences.search(text)))

    @cached_property
    def unborn(self) -> frozenset[str]:
        """Phrases that say the child was not yet born, as `plain_text`."""
        return frozenset(map(plain_text, self.unborn_phrases))

    def says_unborn(self, cell: str) -> bool:
        """Whether a cell is a phrase for an unborn child, or holds one of those of `unborn_within`."""
        text = plain_text(cell)
        return text in self.unborn or bool(self._unborn_sentences.search(text))

    @cached_property
    def flags(self) -> dict[str, int]:
        """Words for yes (1) and no (0), as `plain_text`."""
        yes = dict.fromkeys(map(plain_text, self.flag.true_values), 1)
        return yes | dict.fromkeys(map(plain_text, self.flag.false_values), 0)

    @cached_property
    def flag_pairs(self) -> dict[str, str]:
        """For each word for yes or no, as `plain_text`: the pair of words it belongs to, such as `Y/N`."""
        pairs = list(zip(self.flag.true_values, self.flag.false_values, strict=False))
        return {plain_text(word): f"{yes}/{no}" for yes, no in pairs for word in (yes, no)}

    @cached_property
    def lookups(self) -> dict[str, dict[str, str]]:
        """For each code list: `plain_text` of every spelling → code."""
        return {
            name: {
                plain_text(spelling): code for code, others in codes.items() for spelling in (code, *others)
            }
            for name, codes in self.codes.items()
        }

    @cached_property
    def code_sets(self) -> Mapping[str, tuple[str, ...]]:
        """For each code list: its codes, in the order of the file."""
        return {name: tuple(codes) for name, codes in self.codes.items()}


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    """Finds any of these phrases as whole words; nothing if there are none."""
    listed = "|".join(re.escape(phrase) for phrase in sorted(phrases))
    return re.compile(rf"\b(?:{listed})\b" if listed else r"(?!)")


def load_vocabularies(path: Path) -> Vocabularies:
    """Read `vocabularies.yml`.

    Raises
    ------
    ContractError
        With every fault and its line: unknown keys, and one spelling that stands for two codes.
    """
    raw = read_yaml(path)
    faults = [*schema_faults(Vocabularies, raw), *_ambiguous(raw), *_unpaired(raw)]
    if faults:
        raise ContractError(f"{path.name} does not declare code lists", located(path, faults))
    return Vocabularies.model_validate(raw)


def _ambiguous(raw: Any) -> list[tuple[tuple[str, ...], str]]:
    codes = raw.get("codes") if isinstance(raw, Mapping) else None
    faults = []
    for name, listed in (codes if isinstance(codes, Mapping) else {}).items():
        seen: dict[str, str] = {}
        for code, others in (listed if isinstance(listed, Mapping) else {}).items():
            for spelling in (code, *(others or ())):
                first = seen.setdefault(plain_text(str(spelling)), str(code))
                if first != str(code):
                    text = f"'{spelling}' stands for both '{first}' and '{code}' in '{name}'; keep one"
                    faults.append((("codes", name, code), text))
    return faults


def _unpaired(raw: Any) -> list[tuple[tuple[str, ...], str]]:
    flag = raw.get("flag") if isinstance(raw, Mapping) else None
    if not isinstance(flag, Mapping) or len(flag.get("true_values", ())) == len(flag.get("false_values", ())):
        return []
    return [(("flag",), "true_values and false_values stand in pairs: give as many of one as of the other")]
