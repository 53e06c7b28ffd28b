"""Sentences about an authority's returns: what came, what is wrong, and what that does to its trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from sfpc_book.contracts.check_words import CheckWords
from sfpc_book.report.covariates import covariate_words
from sfpc_book.report.disclosure import PublishedCounts, require_published
from sfpc_book.report.estimate_rows import span_text
from sfpc_book.report.findings import amount, failed_rows
from sfpc_book.report.formats import count, counted, date_text, listed, percentage
from sfpc_book.report.sentences_fitness import uncounted
from sfpc_book.report.tables_data import LAYERS, returns_asked
from sfpc_book.report.words import bullets, paragraph
from sfpc_book.study.schema import Authority, PracticeModel, Study

EVERY_ESTIMATE = "every estimate of the trial"
CONTEXT_ONLY = "no estimate, but the monthly totals that describe the authority"
NO_ESTIMATE = "no estimate of the trial"


def sent_sentences(reading: PublishedCounts, study: Study, name: str, workbook: str) -> str:
    """How many returns came of those asked for, and where the findings go."""
    log = require_published(reading, "reading").frame
    months = log.groupby("layer")["return_month"].nunique()
    asked = returns_asked(study)
    parts = [f"{LAYERS[layer].lower()} {int(months.get(layer, 0))} of {n}" for layer, n in asked.items()]
    sheets = len(log.drop_duplicates(["file", "sheet"]))
    return paragraph(
        [
            f"{name} was asked for {counted(sum(asked.values()), 'return')}. Read were: {listed(parts)}, in "
            f"{counted(log['file'].nunique(), 'workbook')} with {counted(sheets, 'sheet')}.",
            f"What was found goes back to {name} in a workbook, “{workbook}”; it is no part of this report.",
        ]
    )


def nothing_sent_sentence(name: str) -> str:
    """What came from an authority that piloted a practice model: nothing was asked for."""
    return f"{name} was asked for no data return of the evaluation and sent none, so no check could be made."


def no_part_sentence(study: Study, authority: Authority) -> str:
    """What an authority without returns does to the trial of its practice model."""
    model = study.models[authority.model].name if authority.model else "the programme"
    return f"No estimate of the trial of {model} rests on data of {authority.name}."


def consequence_sentences(
    study: Study,
    authority: Authority,
    findings: PublishedCounts,
    excluded: pd.DataFrame,
    words: CheckWords,
    *,
    panel: pd.DataFrame,
) -> str:
    """What follows for the estimates from checks that block, from those that mark, and from those noted.

    `panel` has the authority's own rows of the main sample: outcomes without a child counted are named.
    """
    model = study.models[str(authority.model)]
    failed, empty = failed_rows(findings), uncounted(panel)
    reach = Reach(study, model, authority.name, uncounted_outcomes(panel))
    items = [
        _blocked(authority, model, failed, excluded, words),
        _not_counted(study, authority, empty),
        _marked(reach, failed[failed["severity"] == "mark"], words),
        _noted(failed, words),
    ]
    return bullets([item for item in items if item])


def _not_counted(study: Study, authority: Authority, empty: pd.DataFrame) -> str:
    """Outcomes for which no child of the authority counts, each with its spans and cause."""
    if empty.empty:
        return ""
    known = [study.outcomes[str(outcome)] for outcome in empty["outcome"]]
    rows = empty.assign(
        name=[outcome.name for outcome in known],
        span=[span_text(outcome, horizon) for outcome, horizon in zip(known, empty["horizon"], strict=True)],
    )
    spans = rows.groupby(["name", "cause"], sort=False)["span"].agg(lambda part: listed(list(part.unique())))
    alike = spans.reset_index().groupby(["cause", "span"], sort=False)["name"]
    items = [f"{listed([f'“{name}”' for name in names])} ({span}; {cause})" for (cause, span), names in alike]
    return f"**Not counted**: no child of {authority.name} counts for {'; '.join(items)}."


def _blocked(
    authority: Authority,
    model: PracticeModel,
    failed: pd.DataFrame,
    excluded: pd.DataFrame,
    words: CheckWords,
) -> str:
    names = _names(failed[failed["severity"] == "block"], words)
    if excluded["authority"].eq(authority.slug).any():
        why = f" ({'; '.join(names)})" if names else ""
        return (
            f"**Blocked**{why}: {authority.name} is left out of every estimate of the {model.name} trial, "
            "which then rests on one authority fewer."
        )
    return f"**Blocked**: by no check. {authority.name} enters the estimates of the {model.name} trial."


def _marked(reach: Reach, marked: pd.DataFrame, words: CheckWords) -> str:
    if marked.empty:
        return "**Marked**: no check marks its data."
    found = [reach.of(row) for row in marked.itertuples()]
    reaches = pd.Series([said for said, _ in found], index=marked.index).groupby(marked["check"], sort=False)
    # A check that reaches several groups of estimates stands once, with all of them.
    where = reaches.transform(lambda part: "; ".join(part.unique()))
    parts = [f"{'; '.join(_names(marked[where == one], words))} ({one})" for one in where.unique()]
    tail = (
        f" Estimates that count children of {reach.name} are made, and are to be read with that in mind."
        if any(is_estimate for _, is_estimate in found)
        else ""
    )
    return f"**Marked**: {'. '.join(parts)}.{tail}"


def _noted(failed: pd.DataFrame, words: CheckWords) -> str:
    names = _names(failed[failed["severity"] == "note"], words)
    if not names:
        return "**Noted** for the data owner: nothing."
    return f"**Noted** for the data owner: {'; '.join(names)}. No estimate changes for it."


@dataclass(frozen=True)
class Reach:
    """Which estimates of a model's trial rest on the data that a finding of one authority is about.

    `name` is the authority's; `empty` are ids of outcomes for which none of its children counts.
    """

    study: Study
    model: PracticeModel
    name: str
    empty: frozenset[str]

    def of(self, finding: object) -> tuple[str, bool]:
        """The reach in words, and whether it is an estimate that counts a child of the authority.

        Referrals decide who is studied, so they bear on every estimate, as do findings about outcome returns
        as a whole; a table of outcomes bears on the outcomes that the study file makes from it.
        """
        layer, table = getattr(finding, "layer", None), str(getattr(finding, "subject", "")).partition(".")[0]
        if layer == "dr1":
            return f"bears on {CONTEXT_ONLY}", False
        outcomes = self.study.outcomes
        if layer != "dr3" or table not in {name for outcome in outcomes.values() for name in outcome.tables}:
            return f"bears on {EVERY_ESTIMATE}", True
        touched = [name for name in self.model.outcomes if table in outcomes[name].tables]
        counting = [f"“{outcomes[name].name}”" for name in touched if name not in self.empty]
        others = [f"“{outcomes[name].name}”" for name in touched if name in self.empty]
        parts = [
            *([f"bears on the estimates of {listed(counting)}"] if counting else []),
            *([f"{self.name} does not count in the estimates of {listed(others)}"] if others else []),
        ]
        return "; ".join(parts) or f"bears on {NO_ESTIMATE}", bool(counting)


def uncounted_outcomes(panel: pd.DataFrame) -> frozenset[str]:
    """Outcomes without a child counted at any horizon of one authority's panel."""
    counts = panel.groupby("outcome", observed=True)["n_children"].sum()
    return frozenset(str(name) for name in counts.index[counts == 0])


def linked_sentence(counts: PublishedCounts, authority: str, name: str) -> str:
    """Share of the children whose outcome is defined that are linked to outcomes, from the published flow."""
    flow = require_published(counts, "flow").frame
    kept = flow[(flow["authority"] == authority) & (flow["kind"] == "kept")].dropna(subset=["n"])
    if len(kept) < 2:
        return f"No child of {name} can be shown to be linked to outcomes."
    defined, linked = kept["n"].iloc[-2], kept["n"].iloc[-1]
    if not defined:
        return f"No child of {name} has a defined outcome."
    return (
        f"Of {count(defined)} {kept['box'].iloc[-2]}, {percentage(linked / defined, 0)} ({count(linked)}) "
        "are linked to outcomes; the others count in no estimate."
    )


def span_sentences(findings: PublishedCounts, words: CheckWords) -> str:
    """Everything the checks measured in months: gaps in the trial window and ends of what is covered."""
    rows = require_published(findings, "findings").frame
    months = rows[(rows["unit"] == "months") & rows["status"].isin(["pass", "fail"])]
    if months.empty:
        return "No gap over time has been measured."
    worst = months.groupby("check", sort=False)["measured"].max()
    return bullets(
        [f"**{words.of(str(check)).name}**: {amount(value, 'months')}." for check, value in worst.items()]
    )


def followed_sentences(study: Study, followed: PublishedCounts, outcome: str, name: str) -> str:
    """When each horizon of an outcome is observed, and what share of linked children already is."""
    frame, known = require_published(followed, "followed").frame, study.outcomes[outcome]
    items = []
    for row in frame[frame["outcome"] == outcome].sort_values("horizon").itertuples():
        items.append(
            f"**{known.name}, {span_text(known, int(row.horizon))}**: of its linked children, "
            f"{_followed(row)} so far. Its outcomes reach {date_text(row.covered_to)}; all can be followed "
            f"by {date_text(row.fully_observed_from)}."
        )
    return bullets(items) if items else f"Nothing is known of how far outcomes of {name} are observed."


def _followed(row: object) -> str:
    """The share followed in words: one that only rounds to all is not called all."""
    share = row.share  # type: ignore[attr-defined]
    if row.suppressed:  # type: ignore[attr-defined]
        return "all but few, or only few, are followed"
    nearly = 0.995 <= share < 1
    return f"{'more than 99%' if nearly else percentage(share, 0)} are followed"


def attention_sentences(quality: pd.DataFrame, names: Mapping[str, str]) -> str:
    """Which authorities are blocked, which marked, and which of them stands first."""
    blocked, marked = (
        [names[slug] for slug in quality.loc[quality[severity] > 0, "authority"]]
        for severity in ("block", "mark")
    )
    parts = [
        f"Checks stop the estimation of {listed(blocked)}." if blocked else "No check stops estimation.",
        f"Data of {listed(marked)} are marked." if marked else "No data are marked.",
    ]
    if blocked or marked:
        parts.append(f"{names[quality['authority'].iloc[0]]} needs attention first.")
    return paragraph(parts)


def worst_columns_sentence(quality: pd.DataFrame, names: Mapping[str, str]) -> str:
    """In which column of the sample most is missing, authority by authority."""
    known = quality[quality["missing_column"] != ""]
    parts = [
        f"{covariate_words(str(column))} ({listed([names[slug] for slug in part['authority']])})"
        for column, part in known.groupby("missing_column", sort=False)
    ]
    return (
        f"Most values are missing in: {'; '.join(parts)}."
        if parts
        else "No share of missing values is shown."
    )


def _names(rows: pd.DataFrame, words: CheckWords) -> list[str]:
    return [words.of(str(check)).name for check in dict.fromkeys(rows["check"])]
