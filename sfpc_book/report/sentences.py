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
    PRIMARY_ANALYSIS,
    RANDOMISATION,
    choose,
    has_number,
    row_unit,
    status_text,
    uninformative,
    within_text,
)
from sfpc_book.report.formats import (
    Unit,
    date_text,
    day_of,
    is_missing,
    level_text,
    listed,
    number,
    p_value,
    percentage,
    whole_percentage,
)
from sfpc_book.report.reliability import doubt_of
from sfpc_book.report.words import paragraph
from sfpc_book.study.registries import Outcome
from sfpc_book.study.schema import Study


def effect_sentences(
    study: Study, estimates: pd.DataFrame, model: str, outcome: str, horizon: int, *, sample: str = "main"
) -> str:
    """A paragraph on one outcome at one horizon, from the main model's row and the exact test's rows."""
    rows = choose(estimates, model=model, outcome=outcome, horizon=horizon, sample=sample)
    main = choose(rows, analysis=PRIMARY_ANALYSIS, term="exposed")
    if main.empty:
        name = study.outcomes[outcome].name
        span = within_text(study.outcomes[outcome], horizon)
        return f"No estimate for “{name}” {span} has been recorded."
    row = next(main.itertuples())
    exact = next(choose(rows, analysis=RANDOMISATION).itertuples(), None)
    attainable = next(choose(rows, analysis=ATTAINABLE).itertuples(), None)
    if doubt := doubt_of(study, row):
        subject = f"“{study.outcomes[outcome].name}” {within_text(study.outcomes[outcome], horizon)}"
        return paragraph([f"For {subject}, the estimate {doubt}.", observed_sentence(row, study)])
    sentences = [size_sentence(row, study.outcomes[outcome], horizon)]
    if has_number(row):
        sentences += [
            interval_sentence(row),
            exact_sentence(exact, attainable),
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
    size = number(abs(value) * unit.factor, unit.places)
    if float(size.replace(",", "").replace("[low]", "0")) == 0:
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
    level = level_text(row.conf_level)
    if math.isinf(low) or math.isinf(high):
        return (
            f"The {level} interval has "
            f"{'no ends' if math.isinf(low) and math.isinf(high) else 'one open end'}."
        )
    degrees = (
        "" if is_missing(row.df) else f" (t with {number(row.df, _df_places(row.df))} degrees of freedom)"
    )
    return f"The {level} interval{degrees} runs from {range_words(low, high, unit)}. {_left_out(low, high)}"


def range_words(low: float, high: float, unit: Unit) -> str:
    """Both ends in words with the unit said once, e.g. `21.9 fewer to 5.9 more per 1,000 children`."""
    words = f" {unit.words}" if unit.words and not _is_level(unit) else ""
    if is_missing(low) or is_missing(high):
        return "not given"
    if math.isinf(low) and math.isinf(high):
        return "without ends"
    if math.isinf(low):
        return f"no lower end to {_end(high, unit)}{words}"
    if math.isinf(high):
        return f"{_end(low, unit)}{words} to no upper end"
    return f"{_end(low, unit)} to {_end(high, unit)}{words}"


def _end(value: float, unit: Unit) -> str:
    size = number(abs(value) * unit.factor, unit.places)
    if float(size.replace(",", "").replace("[low]", "0")) == 0:
        return "zero"
    return f"{size} {f'{unit.words} ' if _is_level(unit) else ''}{_side(value, unit)}"


def _left_out(low: float, high: float) -> str:
    """What lies outside the interval, in words."""
    if low <= 0 <= high:
        return (
            "It includes zero: the data fit a fall as well as a rise, and changes beyond the ends fit "
            "them poorly."
        )
    return (
        "It leaves out zero; any change between the ends fits the data, and changes beyond them fit "
        "them poorly."
    )


def exact_sentence(exact: Any, attainable: Any) -> str:
    """The exact p-value beside the smallest attainable one and the number of orders; the attainable
    interval.
    """
    if exact is None or is_missing(exact.p_value):
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
    return paragraph([text, alike_sentence(exact), _attainable_sentence(attainable)])


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


def _attainable_sentence(row: Any) -> str:
    if row is None or not has_number(row) or is_missing(row.conf_low):
        return ""
    if uninformative(row):
        return f"There is no informative exact interval (highest level {percentage(row.conf_level)})."
    if math.isinf(row.conf_low) or math.isinf(row.conf_high):
        return ""
    unit = row_unit(row)
    return (
        f"The exact interval at the highest level within reach, {percentage(row.conf_level, 1)}, runs from "
        f"{range_words(row.conf_low, row.conf_high, unit)}."
    )


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


def _df_places(df: float) -> int:
    return 0 if float(df).is_integer() else 1
