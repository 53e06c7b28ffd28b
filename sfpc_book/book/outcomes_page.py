"""The registry of outcomes as a page: what is measured, among whom, in which trial."""

from __future__ import annotations

from collections.abc import Iterator

from sfpc_book.study.schema import Outcome, Study

SCALES = {"binary": "yes or no", "days": "days", "count": "number", "share": "share"}
DIRECTIONS = {
    "worse": "Higher is worse.",
    "better": "Higher is better.",
    "neutral": "Higher is neither better nor worse.",
}


def outcomes_markdown(study: Study) -> str:
    """One section per outcome, in the order of the study file."""
    head = [
        "# Outcomes",
        "",
        "Every outcome of the report, as the study file defines it. Where an outcome runs to a horizon it is",
        f"measured at each of {' and '.join(map(str, study.horizons))} months after the first referral.",
        "",
    ]
    sections = [line for outcome in study.outcomes.values() for line in _section(outcome, study)]
    return "\n".join([*head, *sections])


def _section(outcome: Outcome, study: Study) -> Iterator[str]:
    yield from (f"## {outcome.name}", "", outcome.question, "")
    for term, text in (
        ("Measure", f"{outcome.measure}."),
        ("Scale", f"{SCALES[outcome.scale].capitalize()}. {DIRECTIONS[outcome.higher_is]}"),
        ("Role", _roles(outcome, study)),
        ("From sheets", ", ".join(outcome.tables) + "."),
    ):
        yield from (term, f": {text}", "")


def _roles(outcome: Outcome, study: Study) -> str:
    roles = [
        f"{'primary' if model.outcomes[0] == outcome.id else 'secondary'} in {model.name}"
        for model in study.models.values()
        if outcome.id in model.outcomes
    ]
    text = ", ".join(roles) or "in no trial at present"
    return f"{text[0].upper()}{text[1:]}."
