"""What the checks of the returns mean for the estimates: who is left out, what remains, who is marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from sfpc_book.contracts.check_words import CheckWords
from sfpc_book.report.estimate_rows import span_text
from sfpc_book.report.formats import counted, listed
from sfpc_book.report.sentences_data import excluded_sentence
from sfpc_book.report.words import bullets
from sfpc_book.study.registries import Outcome
from sfpc_book.study.study import Study
from sfpc_book.study.wedge import Wedge, wedge_of

NOT_LINKED = "none is linked to the data of this outcome"
# Why linked children have no value, where there is one reason for all of them.
CAUSES = {
    "n_not_observed": "none that is linked is followed that long yet",
    "n_not_applicable": "it applies to none that is linked",
    "n_value_missing": "the value is missing for all that are linked",
}
SEVERAL_CAUSES = "none that is linked has a value"


def fitness_sentences(
    study: Study,
    model: str,
    excluded: pd.DataFrame,
    marked: pd.DataFrame,
    words: CheckWords,
    *,
    panel: pd.DataFrame,
    outcomes: Sequence[Outcome],
    horizons: Sequence[int],
) -> str:
    """Who is left out of a model's estimates and why, which authorities and orders remain, who is marked.

    `panel` is that of the main sample; `outcomes` and `horizons` are those that the page estimates.
    """
    parts = [excluded_sentence(study, excluded)]
    if len(excluded):
        parts.append(_remaining(study, model, set(excluded["authority"])))
    parts.append(fewer_sentences(study, model, panel, outcomes, horizons))
    return "\n\n".join([*filter(None, parts), _marked(study, marked, words)])


def programme_sentences(
    study: Study,
    excluded: Iterable[pd.DataFrame],
    marked: Iterable[pd.DataFrame],
    words: CheckWords,
    *,
    panels: dict[str, pd.DataFrame],
    outcome: Outcome,
    horizon: int,
) -> str:
    """The same of one outcome for all models; tables in the order of the study's models, panels by model."""
    parts = zip(study.models.values(), excluded, marked, strict=True)
    asked = {"outcomes": [outcome], "horizons": [horizon]}
    return "\n\n".join(
        f"**{model.name}**: "
        f"{fitness_sentences(study, model.id, left_out, doubted, words, panel=panels[model.id], **asked)}"
        for model, left_out, doubted in parts
    )


def fewer_sentences(
    study: Study, model: str, panel: pd.DataFrame, outcomes: Sequence[Outcome], horizons: Sequence[int]
) -> str:
    """Outcomes that rest on fewer authorities than have a panel, who is missing and why, as a list; empty
    where there are none.

    An outcome and horizon of which no authority has a child counted has no estimate, and is not listed. Exact
    tests exchange all authorities that have rows in the panel, whether or not a child is counted there.
    """
    wedge, items = wedge_of(study, model), []
    for outcome in outcomes:
        said: dict[str, list[str]] = {}
        for horizon in horizons if outcome.has_horizon else horizons[:1]:
            rows = panel[(panel["outcome"] == outcome.id) & (panel["horizon"] == horizon)]
            counts, causes = rows.groupby("authority", observed=True)["n_children"].sum(), uncounted(rows)
            present = set(counts.index[counts > 0])
            if causes.empty or not present:
                continue
            tests = _tests_words(wedge, wedge.among(rows["authority"].unique()))
            text = (
                f"rests on {len(present)} of {len(wedge.authorities)} authorities. {tests} "
                f"{_who(study, causes)}"
            )
            said.setdefault(text, []).append(span_text(outcome, horizon))
        items += [f"“{outcome.name}” ({listed(spans)}) {text}" for text, spans in said.items()]
    return bullets(items) if items else ""


def _tests_words(wedge: Wedge, exchanged: Wedge) -> str:
    """Over how many orders exact tests go, and whether they are those of the whole trial."""
    orders = counted(exchanged.n_orders, "order")
    if exchanged.n_orders == wedge.n_orders:
        return f"Exact tests still go over the {orders} of go-lives of the whole trial."
    return f"Exact tests go over {orders} of go-lives instead of {wedge.n_orders:,}."


def uncounted(panel: pd.DataFrame) -> pd.DataFrame:
    """Authorities without a single child counted, by outcome and horizon: columns authority, outcome,
    horizon, cause (in words). `panel` has one row per authority, period, outcome and horizon of one sample.
    """
    keys = ["authority", "outcome", "horizon"]
    sums = panel.groupby(keys, sort=False, observed=True)[["n_children", *CAUSES]].sum().reset_index()
    empty = sums[sums["n_children"] == 0]
    causes = [_cause([name for name in CAUSES if row[name] > 0]) for row in empty.to_dict("records")]
    return empty[keys].assign(cause=causes)


def _cause(kinds: Sequence[str]) -> str:
    if not kinds:
        return NOT_LINKED
    return CAUSES[kinds[0]] if len(kinds) == 1 else SEVERAL_CAUSES


def _who(study: Study, causes: pd.DataFrame) -> str:
    """Each authority that is missing, with the cause."""
    return " ".join(
        f"**{study.authorities[str(row.authority)].name}** is missing: of its children, {row.cause}."
        for row in causes.itertuples()
    )


def _marked(study: Study, marked: pd.DataFrame, words: CheckWords) -> str:
    if marked.empty:
        return "No check marked the returns of the authorities that are estimated."
    names = [
        f"**{study.authorities[str(row.authority)].name}**: {counted(int(row.n_findings), 'finding')} "
        f"({'; '.join(words.of(check).name for check in str(row.checks).split('; '))})"
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
