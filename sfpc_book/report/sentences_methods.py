"""One outcome by every method, in words: levels before ratios, the range over methods, time since go-live."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from sfpc_book.report.estimate_rows import (
    PRIMARY_ANALYSIS,
    analysis_name,
    choose,
    ends_of,
    has_number,
    row_unit,
    status_text,
)
from sfpc_book.report.formats import (
    interval,
    is_missing,
    level_text,
    listed,
    number,
    whole_percentage,
)
from sfpc_book.report.method_rows import MAIN_CHOICES, absolute_rows, is_main, labels_of, main_row
from sfpc_book.report.reliability import doubt_of
from sfpc_book.report.sensitivity_rows import Variants
from sfpc_book.report.sentences import amount, range_words
from sfpc_book.report.sentences_sensitivity import spread_of
from sfpc_book.report.terms import (
    ODDS_RATIO,
    RISK_DIFFERENCE,
    RISK_DIFFERENCE_EXPOSED,
    RISK_EXPOSED,
    RISK_RATIO,
    RISK_UNEXPOSED,
    plan_status_of,
)
from sfpc_book.report.words import bullets, paragraph
from sfpc_book.study.schema import Study

SIGN_WARNING = (
    "Where the effect differs with time since go-live, the one effect of the main model can be too small, "
    "too large or of the wrong sign (Kenny and others, 2022)."
)


def level_sentences(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> str:
    """Risks without and with exposure, their difference, and only then the ratios, by the first method that
    standardises (planned ones before others). Says so where none does."""
    here = choose(rows, model=model, outcome=outcome, horizon=horizon, **MAIN_CHOICES)
    risks = [row for row in choose(here, term=RISK_UNEXPOSED).itertuples() if _read(study, row)]
    if not risks:
        return "No method has recorded risks with and without exposure, so none can be said before a ratio."
    order = {name: place for place, name in enumerate(study.analyses)}
    first = min(
        risks, key=lambda row: (plan_status_of(study, row) != "planned", order.get(row.analysis, len(order)))
    )
    by_term = {str(row.term): row for row in choose(here, analysis=first.analysis).itertuples()}
    return paragraph(
        [
            _levels(study, first, by_term.get(RISK_EXPOSED)),
            _difference(by_term.get(RISK_DIFFERENCE), ""),
            _difference(by_term.get(RISK_DIFFERENCE_EXPOSED), "Among the exposed children alone, that is "),
            _ratios(by_term),
            _cost(first),
        ]
    )


def _read(study: Study, row: Any) -> bool:
    return has_number(row) and not doubt_of(study, row)


def _levels(study: Study, unexposed: Any, exposed: Any | None) -> str:
    unit = row_unit(unexposed)
    words = "per cent" if unit.short == "pp" else unit.words
    before = f"about {number(unexposed.estimate * unit.factor, unit.places)}"
    name = analysis_name(study, unexposed.analysis)
    if exposed is None or not has_number(exposed):
        return f"By “{name}”, the level if none had been exposed is {before} {words}."
    after = f"about {number(exposed.estimate * unit.factor, unit.places)} {words}"
    return (
        f"By “{name}”, the level goes from {before}, if none of the children studied had been exposed, to "
        f"{after}, if all had been."
    )


def _difference(row: Any | None, start: str) -> str:
    if row is None:
        return ""
    start = start or "In absolute terms that is "
    if not has_number(row):
        return f"{start}not known ({status_text(row)})."
    unit = row_unit(row)
    return f"{start}{amount(row.estimate, unit)} ({_interval_words(row)})."


def _interval_words(row: Any) -> str:
    low, high = ends_of(row)
    if is_missing(low) or is_missing(high):
        return "no interval"
    return f"{level_text(row.conf_level)} interval {range_words(low, high, row_unit(row))}"


def _ratios(by_term: dict[str, Any]) -> str:
    """`In relative terms: risk ratio 0.91 (0.70 to 1.18), odds ratio …`; ratios without a number say why."""
    said = []
    for term in (RISK_RATIO, ODDS_RATIO):
        row = by_term.get(term)
        if row is not None:
            said.append(f"{row_unit(row).words} {ratio_text(row)}")
    return f"In relative terms: {', '.join(said)}." if said else ""


def ratio_text(row: Any) -> str:
    """A ratio with its interval, e.g. `0.91 (0.70 to 1.18)`; why not, where it has no number."""
    if not has_number(row):
        return f"({status_text(row)})"
    unit = row_unit(row)
    ends = interval(*ends_of(row), unit)
    return f"{unit.show(row.estimate)} ({'no interval' if ends.startswith('[') else ends})"


def _cost(row: Any) -> str:
    if is_missing(row.missing_information):
        return ""
    share = whole_percentage(row.missing_information)
    return (
        f"Missing covariates were filled in several times; they cost {share} of the information on the level."
    )


def methods_sentences(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> str:
    """How far the difference in levels moves over the methods, which have none and why, and what some methods
    need to be read with."""
    shown = absolute_rows(study, rows, model, outcome, horizon)
    if shown.empty or not is_main(next(shown.itertuples())):
        return "The main model has recorded no estimate to hold the other methods against."
    flags = [True, *[False] * (len(shown) - 1)]
    found = Variants(shown, labels_of(study, shown.itertuples()), [""] * len(shown), flags)
    said, warned = spread_of(study, found, "by other methods"), cautions(study, shown)
    return f"{said}\n\n{bullets(warned)}" if warned else said


def cautions(study: Study, rows: pd.DataFrame) -> list[str]:
    """The cautions that the registry gives for analyses among the rows, each once with their names."""
    named: dict[str, list[str]] = {}
    for name in dict.fromkeys(rows["analysis"]):
        caution = study.analyses[name].caution if name in study.analyses else None
        if caution:
            named.setdefault(caution, []).append(f"“{analysis_name(study, name)}”")
    return [
        f"Caution with {listed(names)}: {text if text.endswith('.') else f'{text}.'}"
        for text, names in named.items()
    ]


def curve_sentences(
    study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int, negative: float
) -> str:
    """The average over the identified times beside the one effect, the share of negative weights, and the
    warning about the sign. `negative` is that share, 0 to 1; NaN where there are no weights."""
    average = next(
        choose(
            rows,
            model=model,
            outcome=outcome,
            horizon=horizon,
            analysis="exposure_time_average",
            **MAIN_CHOICES,
        ).itertuples(),
        None,
    )
    main = main_row(rows, model, outcome, horizon)
    return paragraph([_average(study, average, main), weights_sentence(negative), SIGN_WARNING])


def _average(study: Study, average: Any | None, main: Any | None) -> str:
    if average is None:
        return "No average over the times since go-live has been recorded."
    if not has_number(average):
        return f"The average over the times since go-live has no number: {status_text(average)}."
    if doubt := doubt_of(study, average):
        return f"The average over the times since go-live is not said: the estimate {doubt}."
    said = f"Averaged over the times that the design identifies, the estimate is {_with_interval(average)}"
    if main is None or not _read(study, main):
        return f"{said}."
    name = analysis_name(study, PRIMARY_ANALYSIS)
    beside = amount(main.estimate, row_unit(main))
    return f"{said}; the one effect of “{name}” is {beside}."


def _with_interval(row: Any) -> str:
    return f"{amount(row.estimate, row_unit(row))} ({_interval_words(row)})"


def weights_sentence(negative: float) -> str:
    """What the main model's one effect averages: the share of its weights that is negative."""
    if is_missing(negative) or math.isinf(negative):
        return "The weights that the one effect gives to authorities and periods cannot be worked out."
    if negative == 0:
        return (
            "The one effect is an average with no negative weights of the effects in authorities and periods."
        )
    return (
        "The one effect averages the effects in authorities and periods with weights of which "
        f"{whole_percentage(negative)} in size are negative: there, a larger effect makes the average "
        "smaller."
    )
