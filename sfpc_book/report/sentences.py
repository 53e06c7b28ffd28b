"""Sentences about effects, made from tidy rows: size first, the interval in words, what the design cannot
tell.

A sentence never gives a verdict. It says the direction and the size per 1,000 children, what the interval
leaves in and out, and the exact p-value beside the smallest one that any result could have had.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from sfpc_book.report.estimate_rows import (
    ATTAINABLE,
    choose,
    ends_of,
    has_number,
    row_unit,
    status_text,
    within_text,
)
from sfpc_book.report.formats import (
    Unit,
    date_text,
    day_of,
    is_missing,
    listed,
    number,
    p_value,
    whole_percentage,
)
from sfpc_book.report.headline import (
    METHODS,
    Headline,
    doubt_about,
    exact_interval,
    headline_of,
    method_interval,
)
from sfpc_book.report.terms import MAIN_EXPOSURE, degrees_text
from sfpc_book.report.words import paragraph
from sfpc_book.study.registries import Outcome
from sfpc_book.study.schema import Study


def effect_sentences(
    study: Study, estimates: pd.DataFrame, model: str, outcome: str, horizon: int, *, sample: str = "main"
) -> str:
    """A paragraph on one outcome at one horizon: size, exact interval and p, and the CR2 interval."""
    rows = choose(
        estimates, model=model, outcome=outcome, horizon=horizon, sample=sample, exposure=MAIN_EXPOSURE
    )
    lead = headline_of(rows)
    if lead is None:
        name = study.outcomes[outcome].name
        span = within_text(study.outcomes[outcome], horizon)
        return f"No estimate for “{name}” {span} has been recorded."
    row = lead.main
    if doubt := doubt_about(study, lead):
        subject = f"“{study.outcomes[outcome].name}” {within_text(study.outcomes[outcome], horizon)}"
        return paragraph([f"For {subject}, {doubt}.", observed_sentence(row, study)])
    sentences = [size_sentence(row, study.outcomes[outcome], horizon)]
    if has_number(row):
        sentences += [
            exact_interval_sentence(study, lead),
            exact_sentence(lead.exact),
            interval_sentence(lead.companion),
            observed_sentence(row, study),
            limit_sentence(row),
        ]
    return paragraph(sentences)


def size_sentence(row: Any, outcome: Outcome, horizon: int) -> str:
    """Direction and size in natural units, or why there is no number."""
    subject = f"“{outcome.name}” {within_text(outcome, horizon)}"
    if str(row.status) == "not_observed":
        return f"{subject} is {status_text(row)}. It is left open, and is not counted as zero."
    if not has_number(row):
        return f"{subject}: {status_text(row)}."
    return (
        f"For {subject}, the estimate after go-live is {amount(row.estimate, row_unit(row))}, "
        "compared with what authorities not yet live suggest."
    )


def amount(value: float, unit: Unit, *, about: bool = True) -> str:
    """A difference in words, e.g. `about 8.0 fewer per 1,000 children`."""
    if unit.ratio:
        return f"{'about ' if about else ''}{unit.show(value)} as {unit.words}"
    size = number(abs(value) * unit.factor, unit.places)
    if rounds_to_zero(value, unit):
        return f"about zero ({unit.words})" if about and unit.words else "zero"
    side = _side(value, unit)
    words = f" {unit.words}" if unit.words else ""
    text = f"{size}{words} {side}" if _is_level(unit) else f"{size} {side}{words}"
    if unit.short == "days":
        text = f"{size} {side} {unit.words}"
    return f"about {text}" if about else text


def interval_sentence(row: Any) -> str:
    """The interval in words, and what it leaves in and out."""
    low, high, unit = row.conf_low, row.conf_high, row_unit(row)
    if is_missing(low) or is_missing(high):
        return "No interval can be given."
    name = method_interval(row)
    if math.isinf(low) and math.isinf(high):
        return f"The {name} has no ends: at this level it rules out nothing."
    if math.isinf(low) or math.isinf(high):
        return f"The {name} has one open end. {rules_out(row)}"
    degrees = degrees_text(row)
    held = f" (t with {degrees})" if degrees else ""
    text = f"The {name}{held} runs from {range_words(low, high, unit)}. {_left_out(low, high, unit)}"
    return f"{text} {rules_out(row)}"


def range_words(low: float, high: float, unit: Unit, *, said: bool = True) -> str:
    """Both ends in words with the unit said once, e.g. `21.9 fewer to 5.9 more per 1,000 children`; `said`
    false leaves out a unit that has been said before.
    """
    words = f" {unit.words}" if said and unit.words and not (_is_level(unit) or unit.ratio) else ""
    if is_missing(low) or is_missing(high):
        return "not given"
    if math.isinf(low) and math.isinf(high):
        return "without ends"
    if math.isinf(low):
        return f"no lower end to {_end(high, unit)}{words}"
    if math.isinf(high):
        return f"{_end(low, unit)}{words} to no upper end"
    return f"{_end(low, unit)} to {_end(high, unit)}{words}"


def rounds_to_zero(value: float, unit: Unit) -> bool:
    """Whether a difference is shown as zero in its unit."""
    return round(abs(value) * unit.factor, unit.places) == 0


def _end(value: float, unit: Unit) -> str:
    if unit.ratio:
        return unit.show(value)
    size = number(abs(value) * unit.factor, unit.places)
    if rounds_to_zero(value, unit):
        return "zero"
    return f"{size} {f'{unit.words} ' if _is_level(unit) else ''}{_side(value, unit)}"


def _left_out(low: float, high: float, unit: Unit) -> str:
    """What the interval includes, in words."""
    null = "a ratio of one" if unit.ratio else "zero"
    if low <= 0 <= high:
        return f"It includes {null}: the data fit a fall as well as a rise."
    return f"It leaves out {null}; any {'ratio' if unit.ratio else 'change'} between the ends fits the data."


def rules_out(row: Any, about: str = "") -> str:
    """What lies outside a row's interval, named with its method, as a condition on what the method rests on;
    empty without ends. `about` says of what, where that is not plain.
    """
    outside = _outside(row.conf_low, row.conf_high, row_unit(row))
    method = METHODS.get(str(row.analysis), "")
    rests = "under what the test assumes" if method == "exact" else "under what the model assumes"
    name = f"{method} interval".strip()
    return f"At this level the {name} leaves out{about} {listed(outside)}, {rests}." if outside else ""


def _outside(low: float, high: float, unit: Unit) -> list[str]:
    if unit.ratio:
        below, above = f"ratios below {unit.show(low)}", f"ratios above {unit.show(high)}"
        return ([] if math.isinf(low) else [below]) + ([] if math.isinf(high) else [above])
    items = []
    if not math.isinf(low):
        items += _beyond(low, unit, ("fall", "rise")) if low > 0 else _larger("fall", low, unit)
    if not math.isinf(high):
        items += _beyond(high, unit, ("rise", "fall")) if high < 0 else _larger("rise", high, unit)
    return items


def _beyond(end: float, unit: Unit, sides: tuple[str, str]) -> list[str]:
    """An end on the far side of zero rules out one direction, and small changes in the other."""
    against, towards = sides
    small = [] if rounds_to_zero(end, unit) else [f"{towards}s smaller than {difference_size(end, unit)}"]
    return [f"any {against}", *small]


def _larger(side: str, end: float, unit: Unit) -> list[str]:
    return [
        f"any {side}" if rounds_to_zero(end, unit) else f"{side}s larger than {difference_size(end, unit)}"
    ]


def difference_size(value: float, unit: Unit) -> str:
    """The size of a difference, with its unit: `24.0 per 1,000 children`."""
    return f"{number(abs(value) * unit.factor, unit.places)} {unit.words}".strip()


def exact_sentence(exact: Any) -> str:
    """The exact p-value beside the smallest attainable one and the number of orders."""
    if exact is None or is_missing(exact.p_value) or is_missing(exact.p_minimum):
        return "No exact test could be made."
    orders = "unknown" if is_missing(exact.n_orders) else f"{int(exact.n_orders):,}"
    text = (
        f"Among the {orders} orders of go-lives that the randomisation could have given, p = "
        f"{p_value(exact.p_value)}; the smallest p that any result could have had is "
        f"{p_value(exact.p_minimum)}."
    )
    if not is_missing(exact.p_minimum) and exact.p_minimum > 1 - exact.conf_level:
        text += (
            f" This test alone could not have reached {number(1 - exact.conf_level, 2)}, whatever the data."
        )
    return paragraph([text, alike_sentence(exact)])


def alike_sentence(exact: Any) -> str:
    """Why the smallest attainable p is larger than one over the orders, where it is."""
    if is_missing(exact.n_orders) or is_missing(exact.p_minimum):
        return ""
    designed = 1 / exact.n_orders
    if exact.p_minimum <= designed * (1 + 1e-9):
        return ""
    return (
        f"By design the smallest would be {p_value(designed)}; it is larger here, because on the children "
        "and periods observed some orders cannot be told apart."
    )


def exact_interval_sentence(study: Study, lead: Headline) -> str:
    """The exact interval, at the highest level within reach where that asked for has none; or why none."""
    row, why = exact_interval(study, lead)
    if row is None:
        return f"There is {why}." if why else ""
    reach = ", at the highest level within reach," if row.analysis == ATTAINABLE else ""
    return f"The {method_interval(row)}{reach} runs from {range_words(*ends_of(row), row_unit(row))}."


def observed_sentence(row: Any, study: Study) -> str:
    """How much of the sample is observed, where it is not all of it, and why not."""
    if is_missing(row.observed_share) or row.observed_share >= 0.9995:
        return ""
    date, why = row.observable_from, ""
    if not is_missing(date):
        passed = day_of(date) <= study.returns.outcomes_to
        why = (
            f"; the date for all, {date_text(date)}, has passed: the returns with the others end earlier"
            if passed
            else f"; all can be observed from {date_text(date)}"
        )
    return (
        f"So far {whole_percentage(row.observed_share)} of linked children could be followed for that long"
        f"{why}. The estimate is about those followed so far, who need not be like the others."
    )


def limit_sentence(row: Any) -> str:
    """What a trial of this size cannot tell."""
    clusters = "few" if is_missing(row.n_clusters) else f"{int(row.n_clusters)}"
    return (
        f"With {clusters} authorities the design cannot tell a small change from one that would have "
        f"come anyway."
    )


def assumptions_sentence(study: Study, analysis: str) -> str:
    """What an analysis rests on; no sentence says that it holds."""
    part = study.analyses[analysis]
    return f"{part.name} rests on: {listed([text[:1].lower() + text[1:] for text in part.assumptions])}."


def _is_level(unit: Unit) -> bool:
    """Units of which one has a higher or lower level rather than more or fewer."""
    return unit.short in ("pp", "per 10,000")


def _side(value: float, unit: Unit) -> str:
    if _is_level(unit):
        return "lower" if value < 0 else "higher"
    return "fewer" if value < 0 else "more"
