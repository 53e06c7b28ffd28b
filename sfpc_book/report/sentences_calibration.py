"""Sentences about the calibration study: whether the leading methods err as often as they say, and what a
design could have found. Numbers are of the design, so they are the same whatever the outcomes were."""

from __future__ import annotations

import pandas as pd

from sfpc_book.report.calibration_words import (
    ALL_MODELS,
    ATTAINABLE,
    CLOSED_FORM,
    CR2,
    EXACT,
    METHODS,
    PANEL,
    POOLED,
    Rate,
    can_reject,
    growing,
    rows_of,
    size_of,
    smallest_level,
)
from sfpc_book.report.formats import (
    PER_1000,
    counted,
    is_missing,
    listed,
    number,
    percentage,
    within_sentence,
)
from sfpc_book.report.tables_calibration import misses
from sfpc_book.report.words import bullets, paragraph
from sfpc_book.study.schema import Study

NOTHING = "No trial could be simulated for this design: too few authorities have children in it."


def headline_sentences(study: Study, rows: pd.DataFrame) -> str:
    """For each model, and pooled, whether the leading methods keep their level where nothing was planted."""
    if rows.empty:
        return NOTHING
    items = [
        f"**{model.name}**: {headline_sentence(study, rows, slug)}" for slug, model in study.models.items()
    ]
    pooled = size_of(study, rows, ALL_MODELS, POOLED)
    if pooled.size:
        items.append(f"**The three trials pooled**: {_kept('The exact test', pooled)}")
    return bullets(items)


def headline_sentence(study: Study, rows: pd.DataFrame, model: str) -> str:
    """Whether the exact test and its companion keep their level in simulated trials of one model."""
    companion = size_of(study, rows, model, CR2)
    if not companion.size:
        return NOTHING
    exact, smallest = size_of(study, rows, model, EXACT), smallest_level(rows, model)
    if can_reject(exact, smallest):
        said = _kept("The exact test", exact)
    else:
        attainable = size_of(study, rows, model, ATTAINABLE)
        said = paragraph(
            [
                f"The exact test cannot reject at the {percentage(exact.nominal, 0)} level: with these "
                f"orders no p is below {percentage(smallest)}.",
                _kept("At that smallest level it", attainable),
            ]
        )
    return paragraph([said, _kept("The panel model with CR2", companion)])


def model_sentences(study: Study, rows: pd.DataFrame, model: str) -> str:
    """Whether the leading methods keep their level for one model, which do not, what a late effect does."""
    if rows.empty:
        return NOTHING
    said = (headline_sentence, warning_sentence, growth_sentence)
    return bullets([sentence(study, rows, model) for sentence in said])


def _kept(subject: str, rate: Rate) -> str:
    return (
        f"{subject} rejected in {percentage(rate.share)} of {counted(rate.size, 'trial')} simulated without "
        f"an effect (Monte Carlo standard error {percentage(rate.error)}), where {percentage(rate.nominal)} "
        f"is nominal: {misses(rate)}."
    )


def warning_sentence(study: Study, rows: pd.DataFrame, model: str) -> str:
    """The methods that reject more often than they say, beyond Monte Carlo error, in simulated trials of one
    model."""
    own = rows[rows["model"] == model]
    found = [(name, size_of(study, own, model, name)) for name in METHODS if (own["method"] == name).any()]
    often = [(name, rate) for name, rate in found if not is_missing(rate.miss) and rate.miss > 0]
    if not found:
        return NOTHING
    if not often:
        return "No method rejected more often than its level says, beyond Monte Carlo error."
    worst = sorted(often, key=lambda item: -item[1].miss)
    named = listed([f"{within_name(name)} ({percentage(rate.share)})" for name, rate in worst])
    return (
        f"More often than their level says, beyond Monte Carlo error, rejected: {named}. Their p-values and "
        "intervals promise more than this design can keep."
    )


def within_name(method: str) -> str:
    """A method's name within a sentence; names of persons keep their capital."""
    name = METHODS[method]
    return name if name.startswith("Hussey") else within_sentence(name)


def growth_sentence(study: Study, rows: pd.DataFrame, model: str) -> str:
    """What the constant-effect model makes of an effect that begins late, against the mean over the
    exposed."""
    found = rows_of(rows, model, PANEL, growing(study))
    if found.empty:
        return "No scenario has an effect that begins late or grows."
    row = next(found.itertuples())
    part = study.calibration.scenarios[row.scenario]
    truth, estimate = (PER_1000.show(value, signed=True) for value in (row.truth, row.truth + row.bias))
    sign = " The average estimate has the wrong sign." if row.truth * (row.truth + row.bias) < 0 else ""
    return (
        f"With an effect that begins after {number(part.delay_months)} months and grows for "
        f"{number(part.ramp_months)}, the true mean over exposed children is {truth} {PER_1000.words}, and "
        f"the panel model with one effect estimates {estimate} on average.{sign} Its interval holds the true "
        f"mean in {percentage(row.coverage)} of the trials."
    )


def estimand_sentence(study: Study) -> str:
    """What the methods are held against, and how many trials stand behind a rate."""
    size, base = study.calibration.replications, study.calibration.baseline
    return (
        "The true value is the mean, over the exposed children of a simulated trial, of the difference that "
        "exposure made to their risk; the average over times since go-live is held against the same mean "
        "at the times it identifies, and mixed logits against the mean log odds ratio. "
        f"Without the model an authority's risk lies between {PER_1000.show(base.lowest)} and "
        f"{PER_1000.show(base.highest)} {PER_1000.words}. Each scenario has {number(size.linear)} trials "
        f"for methods that are sums of means, {number(size.refitted)} for those fitted to each trial, and "
        f"{number(size.iterated)} for those that search for a maximum."
    )


def detectable_sentences(study: Study, detectable: pd.DataFrame, model: str) -> str:
    """What a model's trial could have found: the panel model with CR2, then the exact test."""
    found = detectable[detectable["method"] == CR2].dropna(subset=["detectable"])
    if detectable.empty:
        return NOTHING
    power = percentage(study.calibration.detectable.power, 0)
    name, level = study.models[model].name, percentage(1 - study.conf_level, 0)
    if found.empty:
        first = f"The trial of {name} finds no size of effect with {power} probability."
    else:
        first = (
            f"With {power} probability the trial of {name} finds, by the panel model with CR2 at the {level} "
            f"level, a difference of {_span(found)} {PER_1000.words}, depending on how authorities vary."
        )
    exact = _exact_part(detectable, power)
    return paragraph([first, _against_risk(study, found), exact, _closed(detectable)])


def expected_sentence(study: Study, detectable: pd.DataFrame, model: str) -> str:
    """What a trial could be expected to find, short enough to stand before its first result."""
    found = detectable[detectable["method"] == CR2].dropna(subset=["detectable"])
    power, name = percentage(study.calibration.detectable.power, 0), study.models[model].name
    if found.empty:
        return (
            f"By its design alone, the trial of {name} finds no size of difference with {power} probability."
        )
    return (
        f"By its design and numbers of children alone, the trial of {name} finds a difference of "
        f"{_span(found)} {PER_1000.words} with {power} probability, and a smaller one less often."
    )


def _span(rows: pd.DataFrame) -> str:
    ends = (rows["detectable"].min(), rows["detectable"].max())
    low, high = (PER_1000.show(float(value)) for value in ends)
    return low if low == high else f"{low} to {high}"


def _against_risk(study: Study, found: pd.DataFrame) -> str:
    if found.empty:
        return ""
    risk, least = study.calibration.baseline.mean, float(found["detectable"].min())
    said = f"{PER_1000.show(risk)} {PER_1000.words}"
    if least >= risk:
        return f"The average risk is put at {said}, so no fall can be that large; only a rise could."
    return f"The average risk is put at {said}, so this is a fall by {percentage(least / risk, 0)} at least."


def _exact_part(detectable: pd.DataFrame, power: str) -> str:
    exact = detectable[detectable["method"] == EXACT].dropna(subset=["detectable"])
    if len(exact):
        return f"The exact test finds {_span(exact)}."
    attainable = detectable[detectable["method"] == ATTAINABLE].dropna(subset=["detectable"])
    if attainable.empty:
        return f"The exact test finds no size of effect with {power} probability at any level it can reach."
    return (
        "The exact test cannot reject at that level, however large the difference; at "
        f"{percentage(float(attainable['alpha'].iloc[0]))}, the smallest level it can reach, it finds "
        f"{_span(attainable)}."
    )


def _closed(detectable: pd.DataFrame) -> str:
    closed = detectable[detectable["method"] == CLOSED_FORM].dropna(subset=["detectable"])
    if closed.empty:
        return ""
    low, high = (
        number(float(value), 3)
        for value in (closed["intracluster_correlation"].min(), closed["intracluster_correlation"].max())
    )
    return f"The closed form gives {_span(closed)} for intracluster correlations of {low} to {high}."
