"""One cell that should be a number, a flag, a code or a list of factors."""

from __future__ import annotations

import re

from sfpc_book.contracts.vocabulary import Vocabularies, plain_text

NUMBER = re.compile(r"([-+]?\d[\d,]*(?:\.\d+)?|[-+]?\.\d+)\s*(%?)")
SEPARATORS = re.compile(r"[;,/|\n\r]+")
CODE_BEFORE_WORDS = re.compile(r"(\d{1,2}[a-c]?)\s*[-:)]\s*\S.*")
NO_FACTORS = "21"
PER_CENT, DIGITS = 100, 12


def text_of(cell: object) -> str:
    """A cell as text: whole numbers without decimals, yes/no cells as 1 and 0, blanks stripped."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def read_number(cell: object, kind: str) -> tuple[float, str] | None:
    """The number that a cell says, and the name of its form; None if it is not one number and no more.

    `share` and `percent` give a proportion: a percent sign divides by 100, a `percent` column always does.
    """
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return _share(float(cell), kind == "percent"), "number"
    match = NUMBER.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if match is None:
        return None
    number, sign = float(match[1].replace(",", "")), bool(match[2])
    if sign and kind not in ("share", "percent"):
        return None
    return _share(number, sign or kind == "percent"), "number%" if sign else "number as text"


def _share(number: float, of_hundred: bool) -> float:
    """A proportion; rounded far beyond what is sent, so that 2.9 % is 0.029 and equal to it."""
    return round(number / PER_CENT, DIGITS) if of_hundred else number


def read_integer(cell: object) -> tuple[int, str] | None:
    """The whole number that a cell says, and the name of its form; None if it is not one."""
    found = read_number(cell, "integer")
    return (int(found[0]), found[1]) if found and found[0].is_integer() else None


def read_factors(cell: object, vocabulary: str, words: Vocabularies) -> tuple[str, int]:
    """Codes of a list of factors as `1B;2B`, and how many of its parts are in no code list.

    A part is a code, a code with words behind it, or words. "No factors identified" gives an empty text.
    """
    lookup = words.lookups[vocabulary]
    codes: set[str] = set()
    unknown = 0
    for part in _parts(text_of(cell), lookup):
        found = _code(part, lookup)
        if found is None:
            unknown += 1
        elif found != NO_FACTORS:
            codes.add(found)
    order = list(words.codes[vocabulary])
    return ";".join(sorted(codes, key=order.index)), unknown


def _parts(text: str, lookup: dict[str, str]) -> list[str]:
    """The text itself if it is a code; else what stands between separators; blanks separate codes only."""
    if plain_text(text) in lookup:
        return [text]
    parts: list[str] = []
    for part in filter(None, map(str.strip, SEPARATORS.split(text))):
        words = part.split()
        all_codes = len(words) > 1 and all(plain_text(word) in lookup for word in words)
        parts += words if all_codes else [part]
    return parts


def _code(part: str, lookup: dict[str, str]) -> str | None:
    plain = plain_text(part)
    if plain in lookup:
        return lookup[plain]
    match = CODE_BEFORE_WORDS.fullmatch(plain)
    return lookup.get(match[1]) if match else None
