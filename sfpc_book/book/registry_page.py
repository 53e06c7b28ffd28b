"""The registry as a page: outcomes, samples, exposures and analyses as the study file defines them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping

from sfpc_book.cohort.exposures import EXPOSURES
from sfpc_book.cohort.outcomes import definition
from sfpc_book.cohort.times import COURSES
from sfpc_book.study.registries import Analysis, Exposure, Outcome, Sample
from sfpc_book.study.schema import Study

SCALES = {"binary": "yes or no", "days": "days", "count": "number", "share": "share"}
DIRECTIONS = {
    "worse": "Higher is worse.",
    "better": "Higher is better.",
    "neutral": "Higher is neither better nor worse.",
}
SIZES = "How many children each one has stands in the chapters on who was studied."
PARAMETER = re.compile(r"`(\w+)`")


def registry_markdown(study: Study, titles: Mapping[str, str]) -> str:
    """Outcomes, samples, exposures, analyses and what was not done, in the order of the study file.

    `titles` are those of the tables of the contracts, by id.
    """
    horizons = " and ".join(map(str, study.horizons))
    parts = (
        ["# Outcomes, samples and analyses", ""],
        ["Everything that the report measures and runs, written from the study file that drives it.", ""],
        _section("Outcomes", f"An outcome that runs to a horizon is measured at {horizons} months."),
        *(list(_outcome(outcome, study, titles)) for outcome in study.outcomes.values()),
        _section("Samples", f"Every sample but the first is the main sample with one change. {SIZES}"),
        list(_terms(tuple((sample.name, _sample(sample, study)) for sample in study.samples.values()))),
        _section(
            "Definitions of exposure", "Every definition but the first is the main one with one change."
        ),
        *(list(_exposure(exposure, study)) for exposure in study.exposures.values()),
        _section("Analyses", "What each analysis estimates, how, and what it rests on."),
        *(list(_analysis(analysis)) for analysis in study.analyses.values()),
        ["## Not done", ""],
        [f"- {item.analysis}: {_sentence(item.because)}" for item in study.not_done],
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def _section(title: str, text: str) -> list[str]:
    return [f"## {title}", "", text, ""]


def _terms(pairs: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for term, text in pairs:
        if text:
            yield from (term, *_indented(text), "")


def _indented(text: str) -> Iterator[str]:
    """A definition of one or more paragraphs."""
    first, *others = text.split("\n")
    yield f": {first}"
    yield from (f"  {line}" if line else "" for line in others)


def _sentence(text: str) -> str:
    return text if text.endswith((".", ")")) else f"{text}."


def _outcome(outcome: Outcome, study: Study, titles: Mapping[str, str]) -> Iterator[str]:
    yield from (f"### {outcome.name}", "", outcome.question, "")
    yield from _terms(
        (
            ("Measure", _sentence(outcome.measure)),
            ("Scale", f"{SCALES[outcome.scale].capitalize()}. {DIRECTIONS[outcome.higher_is]}"),
            ("Model for its scale", _right_model(outcome, study)),
            ("Role", _roles(outcome, study)),
            ("As computed", _with_numbers(definition(outcome.id), outcome, study)),
            ("Codes", _codes(outcome)),
            ("From sheets", "; ".join(titles[table] for table in outcome.tables) + "."),
        )
    )


def _right_model(outcome: Outcome, study: Study) -> str:
    """The analyses that are right for the outcome's scale, beside the linear one that every outcome has."""
    names = [part.name for part in study.analyses.values() if outcome.scale in part.scales]
    curves = [] if outcome.id not in COURSES else ["restricted mean time, where records stop early"]
    beside = f" Also {'; '.join(curves)}." if curves else ""
    return f"{'; '.join(names)}. The linear panel model stands beside it.{beside}" if names else ""


def _with_numbers(text: str, part: Outcome | Exposure, study: Study) -> str:
    """A definition with the numbers of the study file in place of the parameters it names in backticks."""
    said = {"horizon": " or ".join(map(str, study.horizons)), "codes": "codes"}

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return said[name] if name in said else str(getattr(part, name))

    return PARAMETER.sub(value, text)


def _codes(outcome: Outcome) -> str:
    note = f" {_sentence(outcome.code_note)}" if outcome.code_note else ""
    return f"{', '.join(outcome.codes)}.{note}" if outcome.codes else ""


def _roles(outcome: Outcome, study: Study) -> str:
    roles = [
        f"{'primary' if model.outcomes[0] == outcome.id else 'secondary'} in {model.name}"
        for model in study.models.values()
        if outcome.id in model.outcomes
    ]
    text = ", ".join(roles) or "in no trial at present"
    return f"{text[0].upper()}{text[1:]}."


def _sample(sample: Sample, study: Study) -> str:
    outcomes = [study.outcomes[outcome].name for outcome in sample.without_outcomes]
    without = f" Without the outcome that its rule gives: {', '.join(outcomes)}." if outcomes else ""
    return f"{_sentence(sample.rule)}{without} {sample.plan_status.capitalize()}."


def _exposure(exposure: Exposure, study: Study) -> Iterator[str]:
    yield from (f"### {exposure.name}", "")
    names = [study.samples[name].name for name in exposure.samples or ()]
    computed = inspect.cleandoc(EXPOSURES[exposure.id].__doc__ or "")
    yield from _terms(
        (
            ("Status", f"{exposure.plan_status.capitalize()}."),
            ("Rule", _sentence(exposure.rule)),
            ("Caution", _sentence(exposure.caution) if exposure.caution else ""),
            ("As computed", _with_numbers(computed, exposure, study)),
            ("Worked out for", f"{', '.join(names)}." if names else "Every sample."),
        )
    )


def _analysis(analysis: Analysis) -> Iterator[str]:
    yield from (f"### {analysis.name}", "")
    yield from _terms(
        (
            ("Status", f"{analysis.plan_status.capitalize()}."),
            ("Estimand", _sentence(analysis.estimand)),
            ("Model", _sentence(analysis.model)),
            ("Variance", _sentence(analysis.variance)),
            ("Reference distribution", _sentence(analysis.reference)),
            ("Caution", _sentence(analysis.caution) if analysis.caution else ""),
            ("Assumptions", " ".join(map(_sentence, analysis.assumptions))),
            ("Source", _sentence(analysis.citation)),
        )
    )
