"""Factors at the end of assessment: a list of codes and six yes/no columns say the same."""

from __future__ import annotations

import pandas as pd

FLAGS = {
    "factor_1b": "1B", "factor_2b": "2B", "factor_3a": "3A",
    "factor_3b": "3B", "factor_3c": "3C", "factor_4b": "4B",
}  # fmt: skip


def complete_factors(frame: pd.DataFrame) -> pd.DataFrame:
    """Fill the flags from the list and the list from the flags, where one of them says nothing.

    `factors` is `1B;2B`, an empty text when the assessment found none, or missing when there was none. A flag
    is 1, 0 or missing (not assessed).
    """
    lists, flags = frame["factors"], frame[list(FLAGS)]
    from_lists = {name: _has(lists, code) for name, code in FLAGS.items()}
    filled = {name: flags[name].where(flags[name].notna(), from_lists[name]) for name in FLAGS}
    return frame.assign(**filled, factors=lists.where(lists.notna(), _list(flags)))


def _has(lists: pd.Series, code: str) -> pd.Series:
    distinct = {text: int(code in text.split(";")) for text in lists.dropna().unique()}
    return lists.map(distinct).astype("Int8")


def _list(flags: pd.DataFrame) -> pd.Series:
    """The six flags as one number of base 3 a row, so that each combination is worded once."""
    digits = flags.astype("Float64").fillna(2).astype("int64")
    number = sum(digits[name] * 3**place for place, name in enumerate(FLAGS))
    worded = {int(key): _words(int(key)) for key in number.unique()}
    return number.map(worded).astype("str")


def _words(number: int) -> str | None:
    digits = {code: number // 3**place % 3 for place, code in enumerate(FLAGS.values())}
    if all(digit == 2 for digit in digits.values()):
        return None
    return ";".join(code for code, digit in digits.items() if digit == 1)
