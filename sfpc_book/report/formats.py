"""How a number is worded: one function per kind of number, used by every table, chart and sentence.

Estimates are held in natural units (a risk difference as a proportion, a share as 0 to 1). A `Unit` says how
they are shown: factor, decimal places and the words that follow. An estimate and its interval always have the
same number of decimal places.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

MINUS = "−"  # the typographic minus, so that screen readers do not say "hyphen"
SUPPRESSED, NOT_AVAILABLE, NOT_APPLICABLE, LOW, UNRELIABLE = "[c]", "[x]", "[z]", "[low]", "[u]"
SHORTHAND = {
    SUPPRESSED: "confidential: the count is too small to publish, or would give another small count away",
    NOT_AVAILABLE: "not available",
    NOT_APPLICABLE: "not applicable",
    LOW: "rounds to zero",
    UNRELIABLE: "low reliability: too few children or events, an interval wider than a proportion can be, or "
    "an exposure that the outcome itself decides; not to be read as a finding",
}


@dataclass(frozen=True)
class Unit:
    """How values of one unit are shown: multiply by `factor`, round to `places`, follow with `words`.

    A `ratio` is held as its logarithm and shown as itself: 1 is no difference, and it carries no sign.
    """

    factor: float
    places: int
    words: str
    short: str
    ratio: bool = False

    def display(self, value: float) -> float:
        """The value as it is shown, not yet rounded; infinite and missing values stay so."""
        if not self.ratio or is_missing(value) or math.isinf(value):
            return value * self.factor
        return math.exp(min(value, LARGEST_LOGARITHM))

    def show(self, value: float, *, signed: bool = False) -> str:
        """The value without its words, e.g. `−4.2`; `[x]` when missing."""
        if value is None or is_missing(value):
            return NOT_AVAILABLE
        if self.ratio and not math.isinf(value):
            return _ratio_text(self.display(value), self.places)
        return number(value * self.factor, self.places, signed=signed)


PER_1000 = Unit(1000.0, 1, "per 1,000 children", "per 1,000")
DAYS = Unit(1.0, 1, "days per child", "days")
PERCENTAGE_POINTS = Unit(100.0, 2, "percentage points", "pp")
RATE_PER_10000 = Unit(1.0, 1, "per 10,000 children", "per 10,000")
PLAIN = Unit(1.0, 2, "", "")
LARGEST_LOGARITHM, LARGEST_RATIO = 700.0, 9999.0  # beyond them a ratio says nothing but that it is large


def unit_of(unit: str | None) -> Unit:
    """How to show numbers in a unit as it stands in a study's outcome or in the column `unit`.

    Proportions are shown per 1,000 children, those of sessions in percentage points, logarithms of ratios as
    the ratios; all else as it stands.
    """
    text = "" if unit is None or pd.isna(unit) else str(unit).strip()
    lower = text.lower()
    if lower.startswith("log ") and lower.endswith("ratio"):
        return Unit(1.0, 2, lower.removeprefix("log "), lower.removeprefix("log "), ratio=True)
    if lower.startswith("pounds"):
        return Unit(1.0, 0, text, "pounds")
    if "10,000" in lower or "10000" in lower:
        return RATE_PER_10000
    if lower == "proportion":
        return PER_1000
    if lower.startswith(("per 1,000", "per 1000")):
        return Unit(1.0, 1, text, "per 1,000")
    if "day" in lower:
        return DAYS if lower == "days" else Unit(1.0, 1, text, "days")
    if lower.startswith("proportion of"):
        return PERCENTAGE_POINTS
    if lower == "percentage points":
        return Unit(1.0, 2, text, "pp")
    return Unit(1.0, 2, text, text)


def is_missing(value: object) -> bool:
    """Whether a scalar holds no value (None, NaN, NaT, NA)."""
    return value is None or bool(pd.isna(value))  # type: ignore[call-overload]


def number(value: float | None, places: int = 0, *, signed: bool = False) -> str:
    """A number with thousands separators and a true minus; `[x]` if missing, `[low]` if it rounds to zero.

    With `signed` a plus stands before positive values and zero is written plainly, because there zero is a
    possible difference and not a small count.
    """
    if is_missing(value):
        return NOT_AVAILABLE
    if math.isinf(value):
        return "unbounded"
    text = f"{abs(value):,.{places}f}"
    if float(text.replace(",", "")) == 0:
        return text if signed or value == 0 or places else LOW
    return (MINUS if value < 0 else "+" if signed else "") + text


def _ratio_text(value: float, places: int) -> str:
    """A ratio to its places; never `0.00`, which no ratio is, nor digits of one that is only large."""
    if value > LARGEST_RATIO:
        return f"over {LARGEST_RATIO:,.0f}"
    smallest = 10.0**-places
    return f"below {smallest:.{places}f}" if value < smallest / 2 else f"{value:,.{places}f}"


def count(value: float | None) -> str:
    """A count as an integer with thousands separators; `[c]` when it has been suppressed (missing)."""
    return SUPPRESSED if is_missing(value) else f"{round(float(value)):,}"


def within_sentence(words: str) -> str:
    """Words that begin with a capital as they stand within a sentence; codes such as 4B keep theirs."""
    return words[:1].lower() + words[1:]


def percentage(share: float | None, places: int = 1) -> str:
    """A share between 0 and 1 as a percentage, e.g. `12.3%`."""
    return NOT_AVAILABLE if is_missing(share) else f"{number(share * 100, places)}%"


def whole_percentage(share: float | None) -> str:
    """A share of children in whole per cent, as it is published; it says so where it is not quite none or
    all."""
    if is_missing(share):
        return NOT_AVAILABLE
    near = round(float(share), 2)  # rounded once, like the share that the tables print
    if near == 1 > share:
        return "more than 99%"
    return "less than 1%" if near == 0 < share else percentage(near, 0)


def level_text(level: float) -> str:
    """The level of an interval, to one decimal place where it has one: `95%`, `99.2%`."""
    return percentage(level, 0 if round(level * 100, 1) == round(level * 100) else 1)


def p_value(value: float | None) -> str:
    """A p-value to three places, `<0.001` below that and `>0.999` near one; `[x]` if missing."""
    if is_missing(value):
        return NOT_AVAILABLE
    if value < 0.001:
        return "<0.001"
    return ">0.999" if 0.9995 <= value < 1 else f"{value:.3f}"


def interval(low: float | None, high: float | None, unit: Unit, *, signed: bool = True) -> str:
    """Both ends of an interval to the same places, e.g. `−12.1 to 3.7`; open ends are named."""
    if is_missing(low) or is_missing(high):
        return NOT_AVAILABLE
    open_low, open_high = math.isinf(low), math.isinf(high)
    if open_low and open_high:
        return "unbounded on both sides"
    if open_low:
        return f"unbounded below, up to {unit.show(high, signed=signed)}"
    if open_high:
        return f"from {unit.show(low, signed=signed)}, unbounded above"
    return f"{unit.show(low, signed=signed)} to {unit.show(high, signed=signed)}"


def date_text(value: object) -> str:
    """A day in words, e.g. `24 November 2022`; `[x]` if missing."""
    if is_missing(value):
        return NOT_AVAILABLE
    day = pd.Timestamp(value)  # type: ignore[arg-type]
    return f"{day.day} {day:%B %Y}"


def month_text(value: object) -> str:
    """A month in words, e.g. `November 2022`; `[x]` if missing."""
    return NOT_AVAILABLE if is_missing(value) else f"{pd.Timestamp(value):%B %Y}"  # type: ignore[arg-type]


def money(value: float | None, places: int = 0) -> str:
    """Pounds, e.g. `£1,234` or `−£56`; `[x]` if missing."""
    if is_missing(value):
        return NOT_AVAILABLE
    if math.isinf(value):
        return "unbounded"
    return (MINUS if value < 0 else "") + f"£{abs(value):,.{places}f}"


def file_size(size: int) -> str:
    """A file's size in whole kilobytes (of 1,000 bytes), at least 1."""
    return f"{max(1, round(size / 1000)):,} KB"


def listed(items: Sequence[object], conjunction: str = "and") -> str:
    """Items as an English list: `a, b and c`."""
    words = [str(item) for item in items]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def counted(size: int, singular: str, plural: str | None = None) -> str:
    """A count with its noun in the right form: `1 file`, `12 files`."""
    return f"{size:,} {singular if size == 1 else plural or singular + 's'}"


def day_of(value: object) -> datetime.date | None:
    """A calendar day from a date, timestamp or ISO text; None if missing."""
    return None if is_missing(value) else pd.Timestamp(value).date()  # type: ignore[arg-type]
