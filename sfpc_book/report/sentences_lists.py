"""Estimates said in lists: by horizon, by practice model, by outcome; and the test pooled over the models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sfpc_book.report.estimate_rows import (
    RANDOMISATION,
    choose,
    followed_text,
    has_number,
    of_horizons,
    of_main,
    row_unit,
    span_text,
    status_text,
)
from sfpc_book.report.formats import is_missing, level_text, p_value, whole_percentage
from sfpc_book.report.headline import (
    METHODS,
    Headline,
    doubt_about,
    exact_interval,
    headline_of,
    method_interval,
)
from sfpc_book.report.sentences import alike_sentence, amount, range_words, rules_out
from sfpc_book.report.terms import degrees_text
from sfpc_book.report.words import bullets, paragraph
from sfpc_book.study.registries import Outcome
from sfpc_book.study.schema import Study


def horizon_sentences(study: Study, estimates: pd.DataFrame, model: str) -> str:
    """For each outcome with a horizon, the estimate at each with intervals and share followed, as a list."""
    rows = choose(of_horizons(study, estimates), model=model, analysis=list(METHODS))
    items = []
    without = [
        f"“{known.name}” has no horizon: it is measured over {span_text(known, 0)}."
        for known in map(study.outcomes.get, study.models[model].outcomes)
        if known is not None and not known.has_horizon
    ]
    for outcome, part in rows.groupby("outcome", sort=False):
        known = study.outcomes[str(outcome)]
        if not known.has_horizon:
            continue
        said = [
            f"{int(horizon)} months{_alike(study, str(sample))}: {_in_short(study, effect)}"
            for (horizon, sample), effect in part.sort_values("horizon", kind="stable").groupby(
                ["horizon", "sample"], sort=False
            )
            if headline_of(effect) is not None
        ]
        items += [f"**{known.name}**. {'. '.join(said)}."] if said else []
    if not items:
        return "No estimate has been recorded."
    different = (
        "Where not all children are followed to the longer horizon, the two horizons compare different "
        "children, and a difference between the two estimates need not be a change over time. The shorter "
        "horizon among the children followed for the longer one compares like with like."
    )
    return f"{bullets(items)}\n\n{paragraph([different, *without])}"


def _alike(study: Study, name: str) -> str:
    """Words for a sample that holds the children followed for the longest horizon only."""
    sample = study.samples.get(name)
    alike = sample is not None and sample.followed_longest
    return f" among the children followed for {study.horizons[-1]}" if alike else ""


def summary_sentences(study: Study, estimates: pd.DataFrame, horizon: int) -> str:
    """One list item per practice model on its primary outcome: size, exact and CR2 intervals, exact p and its
    minimum.
    """
    primary = {slug: study.primary(slug).id for slug in study.models}
    items = [
        f"**{model.name}**: {_in_short(study, _of_main(estimates, slug, primary[slug], horizon))}."
        for slug, model in study.models.items()
    ]
    return _with_alike(bullets(items), choose(estimates, outcome=list(primary.values()), horizon=horizon))


def outcome_sentences(
    study: Study, estimates: pd.DataFrame, model: str, outcomes: Sequence[Outcome], horizon: int
) -> str:
    """One list item per outcome of a model: size, exact and CR2 intervals, exact p and its minimum, or why
    there is no number.
    """
    items = [
        f"**{outcome.name}**: {_in_short(study, _of_main(estimates, model, outcome.id, horizon))}."
        for outcome in outcomes
    ]
    return _with_alike(bullets(items), choose(estimates, model=model, horizon=horizon))


def _with_alike(text: str, rows: pd.DataFrame) -> str:
    """The list, and one sentence below it where a smallest p is larger than the design makes it."""
    exact = [row for row in choose(of_main(rows), analysis=RANDOMISATION).itertuples()]
    if not any(alike_sentence(row) for row in exact):
        return text
    return (
        f"{text}\n\nWhere a smallest attainable p is larger than one over the number of orders, some orders "
        "cannot be told apart on the children and periods observed."
    )


def _of_main(estimates: pd.DataFrame, model: str, outcome: str, horizon: int) -> pd.DataFrame:
    return choose(of_main(estimates), model=model, outcome=outcome, horizon=horizon)


def _in_short(study: Study, rows: pd.DataFrame) -> str:
    """Size, exact interval, CR2 interval, exact p and share followed of one effect; or why there is no number
    to be read. `rows` are those of one model, outcome, horizon, sample and exposure.
    """
    lead = headline_of(rows)
    if lead is None:
        return "no estimate has been recorded"
    if not has_number(lead.main):
        return status_text(lead.main)
    if doubt := doubt_about(study, lead):
        return doubt
    size = amount(lead.main.estimate, row_unit(lead.main))
    said = (_exact_short(study, lead), _model_short(lead.companion), _p_short(lead.exact))
    return "; ".join(filter(None, [size, *said, followed_text(lead.main)]))


def _exact_short(study: Study, lead: Headline) -> str:
    row, why = exact_interval(study, lead)
    return why if row is None else f"{method_interval(row)} {_range(row)}"


def _model_short(row: Any) -> str:
    degrees = degrees_text(row).replace("degrees of freedom", "df")
    return f"{method_interval(row)} {_range(row)}{f' ({degrees})' if degrees else ''}"


def _range(row: Any) -> str:
    return range_words(row.conf_low, row.conf_high, row_unit(row), said=False)


def _p_short(exact: Any) -> str:
    if exact is None or is_missing(exact.p_value) or is_missing(exact.p_minimum):
        return ""
    return f"exact p = {p_value(exact.p_value)}, smallest attainable {p_value(exact.p_minimum)}"


def pooled_sentence(estimates: pd.DataFrame, outcome: str, horizon: int) -> str:
    """The exact test pooled over the models, where it was made: estimate, interval, p and its minimum."""
    rows = choose(estimates, analysis="pooled_randomisation", outcome=outcome, horizon=horizon)
    row = next(rows.itertuples(), None)
    if row is None or any(is_missing(value) for value in (row.p_value, row.p_minimum, row.n_orders)):
        return "No test pooled over the models has been recorded."
    unit = row_unit(row)
    text = (
        f"The mean of the trials' estimates, weighted by information, is {amount(row.estimate, unit)} "
        f"({level_text(row.conf_level)} exact interval {range_words(row.conf_low, row.conf_high, unit)}). "
        f"Among {int(row.n_orders):,} possible orders of go-lives p = {p_value(row.p_value)}; the smallest "
        f"that any result could have had is {p_value(row.p_minimum)}."
    )
    ends_known = not (is_missing(row.conf_low) or is_missing(row.conf_high))
    left_out = rules_out(row, " for that mean, not for each model,") if ends_known else ""
    return paragraph([text, left_out])


def weights_sentences(
    study: Study, estimates: pd.DataFrame, weights: Mapping[str, float], outcome: str, horizon: int
) -> str:
    """One list item per practice model: its weight in the pooled mean, and its own estimate with exact and
    CR2 intervals. `weights` are shares by model; a model without one is not in the mean.
    """
    items = [
        f"**{model.name}** ({_weight_words(weights.get(slug))}): "
        f"{_in_short(study, _of_main(estimates, slug, outcome, horizon))}."
        for slug, model in study.models.items()
    ]
    return bullets(items)


def _weight_words(share: float | None) -> str:
    return "not in the mean" if share is None else f"weight {whole_percentage(share)}"
