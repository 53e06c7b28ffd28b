"""The registry as a page: outcomes, samples, exposures and analyses as the study file defines them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping

from sfpc_book.cohort.derive import covariate_levels
from sfpc_book.cohort.exposures import EXPOSURES
from sfpc_book.cohort.outcomes import definition
from sfpc_book.cohort.registries import require_known
from sfpc_book.cohort.times import COURSES
from sfpc_book.estimate.changes import CHANGES
from sfpc_book.report.covariates import covariate_words, level_words
from sfpc_book.study.registries import Analysis, Exposure, Outcome, Sample
from sfpc_book.study.schema import Study

SCALES = {"binary": "yes or no", "days": "days", "count": "number", "share": "share"}
DIRECTIONS = {
    "worse": "Higher is worse.",
    "better": "Higher is better.",
    "neutral": "Higher is neither better nor worse.",
}
SIZES = "How many children each one has stands in the chapters on who was studied."
COVARIATES_SAY = (
    "What the models of children's rows adjust for, as recorded at the first referral, with its levels. A "
    "code outside the list is a level of its own (unmapped), and so is not assessed: neither counts as "
    "missing. A level counts with the one before it unless, at the risk of all children together, {number} "
    "children with the event and {number} without could be expected in it; for outcomes other than yes or "
    "no, unless {number} children have it. A level whose column says the same as others together has none."
)
MISSING_DATA = {
    "complete_case": "Children with a missing covariate are left out; the row counts those who remain.",
    "missing_indicator": "Missing is a level of its own of each covariate.",
    "multiple_imputation": "Filled in {number} times by chained equations, in which authority, period, "
    "exposure and outcome take part; the estimates are pooled.",
}
NOTHING_LEFT = "No analysis is listed as planned and not done."
PARAMETER = re.compile(r"`(\w+)`")


def registry_markdown(study: Study, titles: Mapping[str, str]) -> str:
    """Outcomes, samples, exposures, analyses and what was not done, in the order of the study file.

    `titles` are those of the tables of the contracts, by id. Raises StudyDefinitionError for a change that
    the code does not know.
    """
    changes = (part.change for part in study.analyses.values() if part.change is not None)
    require_known("change", changes, CHANGES)
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
        _section("Covariates", COVARIATES_SAY.format(number=study.rare_level_minimum)),
        list(_terms(tuple(_covariate(name) for name in study.covariates))),
        _section("Analyses", "What each analysis estimates, how, and what it rests on."),
        *(list(_analysis(analysis, study)) for analysis in study.analyses.values()),
        ["## Not done", ""],
        [f"- {item.analysis}: {_sentence(item.because)}" for item in study.not_done] or [NOTHING_LEFT],
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
            ("Model for its scale", _scale_model(outcome, study)),
            ("Role", _roles(outcome, study)),
            ("As computed", _with_numbers(definition(outcome.id), outcome, study)),
            ("Codes", _codes(outcome)),
            ("From sheets", "; ".join(titles[table] for table in outcome.tables) + "."),
        )
    )


def _scale_model(outcome: Outcome, study: Study) -> str:
    """The analyses that are right for the outcome's scale, beside the linear one that every outcome has."""
    names = [part.name for part in study.analyses.values() if outcome.scale in part.scales]
    curves = [] if outcome.id not in COURSES else ["restricted mean time, where records stop early"]
    beside = f" Also {'; '.join(curves)}." if curves else ""
    return f"{'; '.join(names)}. The linear panel model stands beside it.{beside}" if names else ""


def _with_numbers(text: str, part: Outcome | Exposure | Analysis, study: Study) -> str:
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


def _covariate(name: str) -> tuple[str, str]:
    levels = [level_words(name, level) or level for level in covariate_levels()[name]]
    return covariate_words(name), f"{'; '.join(levels)}."


def _missing_data(analysis: Analysis, study: Study) -> str:
    rule = MISSING_DATA.get(analysis.missing_data or "", "")
    return rule.format(number=study.imputation.number)


def _analysis(analysis: Analysis, study: Study) -> Iterator[str]:
    yield from (f"### {analysis.name}", "")
    yield from _terms(
        (
            ("Status", f"{analysis.plan_status.capitalize()}."),
            ("Estimand", _sentence(analysis.estimand)),
            ("Model", _sentence(analysis.model)),
            ("What changes", _change(analysis, study)),
            ("Run for", "The primary outcome." if analysis.outcomes == "primary" else ""),
            ("Missing covariates", _missing_data(analysis, study)),
            ("Variance", _sentence(analysis.variance)),
            ("Reference distribution", _sentence(analysis.reference)),
            ("Assumptions", " ".join(map(_sentence, analysis.assumptions))),
            ("Caution", _sentence(analysis.caution) if analysis.caution else ""),
            ("Source", _sentence(analysis.citation)),
        )
    )


def _change(analysis: Analysis, study: Study) -> str:
    """What the code changes, with the number of days of the row."""
    if analysis.change is None:
        return ""
    text = " ".join(inspect.cleandoc(CHANGES[analysis.change].__doc__ or "").split())
    return _with_numbers(text, analysis, study)
