"""Tables of the plan: trials, go-lives, outcomes and analyses, all from the study file."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sfpc_book.report.formats import NOT_APPLICABLE, date_text, listed, number, p_value, unit_of
from sfpc_book.report.scale_rows import scale_model_words
from sfpc_book.report.table import TableContent
from sfpc_book.study.schema import Authority, Study
from sfpc_book.study.wedge import Wedge

DATE_IS = {"confirmed": "given to the day", "month": "given to the month", "assumed": "assumed"}
PLAN = {"planned": "listed as planned in the study file", "exploratory": "exploratory"}


def outcomes_table(study: Study, model: str, caption: str) -> TableContent:
    """The outcomes of a model: name, role, measure, model for its scale, unit."""
    first = study.primary(model).id
    chosen = [study.outcomes[outcome] for outcome in study.models[model].outcomes]
    cells = pd.DataFrame(
        {
            "Outcome": [outcome.name for outcome in chosen],
            "Role": ["primary" if outcome.id == first else "secondary" for outcome in chosen],
            "Measure": [outcome.measure for outcome in chosen],
            "Model for its scale": [scale_model_words(study, outcome.id) for outcome in chosen],
            "Unit of the effect": [unit_of(outcome.unit).words for outcome in chosen],
        }
    )
    return TableContent(cells=cells, caption=caption, source="Study file")


def analyses_table(study: Study, caption: str) -> TableContent:
    """The registry of analyses: plan status, estimand, model, variance, reference."""
    parts = list(study.analyses.values())
    cells = pd.DataFrame(
        {
            "Analysis": [part.name for part in parts],
            "Plan": [PLAN[part.plan_status] for part in parts],
            "Estimand": [part.estimand for part in parts],
            "Variance": [part.variance for part in parts],
            "Reference": [part.reference for part in parts],
        }
    )
    notes = tuple(f"Not done: {part.analysis}. {part.because}." for part in study.not_done)
    return TableContent(cells=cells, caption=caption, notes=notes, source="Study file")


def designs_table(study: Study, wedges: Mapping[str, Wedge], caption: str) -> TableContent:
    """One row per trial: window, periods, strata, orders, the smallest p-value within reach, planned size."""
    rows = [
        {
            "Practice model": study.models[model].name,
            "Authorities": number(len(wedge.authorities)),
            "Window": f"{date_text(wedge.window_start)} to {date_text(wedge.window_end)}",
            "Periods": number(wedge.n_periods),
            "Randomised within": _strata(wedge),
            "Possible orders": number(wedge.n_orders),
            "Smallest exact p": p_value(wedge.attainable_minimum_p),
            "Children planned": number(study.models[model].protocol_children),
        }
        for model, wedge in wedges.items()
    ]
    return TableContent(cells=pd.DataFrame(rows), caption=caption, source="Study file")


def _strata(wedge: Wedge) -> str:
    names = list(dict.fromkeys(wedge.stratum.values()))
    return "unknown: treated as unrestricted" if names == ["all"] else f"readiness: {listed(names)}"


def go_lives_table(study: Study, caption: str) -> TableContent:
    """Every adopter with its role, go-live, how well the date is known, and on whose word."""
    rows = []
    for authority in study.adopters():
        day = authority.go_live
        rows.append(
            {
                "Local authority": authority.name,
                "Code": authority.gss_code,
                "Practice model": study.models[authority.model].name if authority.model else NOT_APPLICABLE,
                "Role": authority.role,
                "Go-live": date_text(day.date) if day else NOT_APPLICABLE,
                "Date is": DATE_IS[day.status] if day else NOT_APPLICABLE,
                "Readiness stratum": _stratum(study, authority),
                "Source of the date": day.source if day else NOT_APPLICABLE,
            }
        )
    return TableContent(cells=pd.DataFrame(rows), caption=caption, source="Study file")


def _stratum(study: Study, authority: Authority) -> str:
    if authority.role != "trial" or authority.model is None:
        return NOT_APPLICABLE
    note = f" ({authority.stratum_note})" if authority.stratum_note else ""
    return f"{authority.stratum or 'unknown: treated as unrestricted'}{note}"


def all_outcomes_table(study: Study, caption: str) -> TableContent:
    """Every outcome of the study with the models it belongs to; the primary one is named so."""
    rows = []
    for outcome in study.outcomes.values():
        models = [model for model, part in study.models.items() if outcome.id in part.outcomes]
        first = [study.models[model].name for model in models if study.primary(model).id == outcome.id]
        rows.append(
            {
                "Outcome": outcome.name,
                "Practice models": listed([study.models[model].name for model in models]) or NOT_APPLICABLE,
                "Role": "primary" if first else "secondary",
                "Measure": outcome.measure,
                "Unit of the effect": unit_of(outcome.unit).words,
            }
        )
    return TableContent(cells=pd.DataFrame(rows), caption=caption, source="Study file")
