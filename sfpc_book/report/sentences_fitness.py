"""What the checks of the returns mean for the estimates: who is left out, what remains, who is marked."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from sfpc_book.report.formats import counted, listed
from sfpc_book.report.sentences_data import excluded_sentence
from sfpc_book.report.words import bullets
from sfpc_book.study.study import Study
from sfpc_book.study.wedge import wedge_of


def fitness_sentences(study: Study, model: str, excluded: pd.DataFrame, marked: pd.DataFrame) -> str:
    """Who is left out of a model's estimates and why, which authorities and orders remain, who is marked."""
    parts = [excluded_sentence(study, excluded)]
    if len(excluded):
        parts.append(_remaining(study, model, set(excluded["authority"])))
    return "\n\n".join([*parts, _marked(study, marked)])


def programme_sentences(
    study: Study, excluded: Iterable[pd.DataFrame], marked: Iterable[pd.DataFrame]
) -> str:
    """The same for all models below each other; both tables in the order of the study's models."""
    parts = zip(study.models.values(), excluded, marked, strict=True)
    return "\n\n".join(
        f"**{model.name}**: {fitness_sentences(study, model.id, left_out, doubted)}"
        for model, left_out, doubted in parts
    )


def _marked(study: Study, marked: pd.DataFrame) -> str:
    if marked.empty:
        return "No check marked the returns of the authorities that are estimated."
    names = [
        f"**{study.authorities[str(row.authority)].name}**: {counted(int(row.n_findings), 'finding')} "
        f"({listed([check.replace('_', ' ') for check in str(row.checks).split('; ')])})"
        for row in marked.itertuples()
    ]
    text = "The estimates use returns that checks marked; the chapter of each authority lists what was found."
    return f"{text}\n\n{bullets(names)}"


def _remaining(study: Study, model: str, left_out: set[str]) -> str:
    wedge = wedge_of(study, model)
    remaining = wedge.among(set(wedge.authorities) - left_out)
    return (
        f"The estimates rest on {len(remaining.authorities)} of {len(wedge.authorities)} authorities, exact "
        f"tests on {counted(remaining.n_orders, 'order')} of go-lives instead of {wedge.n_orders:,}."
    )
