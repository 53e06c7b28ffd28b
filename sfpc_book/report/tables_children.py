"""Tables about the children: who they are before and after go-live, how many, what is missing, outcomes."""

from __future__ import annotations

import pandas as pd

from sfpc_book.report.covariates import ALL_AGES, covariate_words, level_words
from sfpc_book.report.disclosure import PublishedCounts, require_published, shown
from sfpc_book.report.disclosure_baseline import ALL, LINKED, WHOLE
from sfpc_book.report.formats import (
    NOT_APPLICABLE,
    NOT_AVAILABLE,
    SUPPRESSED,
    UNRELIABLE,
    count,
    counted,
    date_text,
    is_missing,
    number,
    percentage,
    unit_of,
)
from sfpc_book.report.table import TableContent
from sfpc_book.study.registries import Outcome
from sfpc_book.study.schema import Study

RETURNS_SOURCE = "Data returns"
MISSING_NOTE = "Children of whom a covariate is missing are a level of their own, in shares and differences."
SHARES_NOTE = "Shares are of rounded counts, so that they need not add up to 100%."
ALL_OR_NONE = "Where a share is 0% or 100%, as {rows} here, it says something of every child of its group."


def baseline_table(
    counts: PublishedCounts,
    authority: str,
    caption: str,
    ages: tuple[int, int] = ALL_AGES,
    differences: PublishedCounts | None = None,
) -> TableContent:
    """Children before and after go-live at each level of each covariate: numbers and shares.

    `ages` are the youngest and the oldest of the sample: groups of other ages are left out, and a group
    that reaches beyond them is named by the ages that occur. With `differences`, the standardised difference
    of each level stands at the end of its row.
    """
    rows = described_levels(counts, ages)
    rows = rows[rows["authority"] == authority]
    before, after = (rows[rows["exposed"] == exposed].reset_index(drop=True) for exposed in (0, 1))
    cells = pd.DataFrame(
        {
            "Level": [f"{covariate_words(row.variable)}: {row.level_words}" for row in before.itertuples()],
            "Before go-live": shown(before["n"]),
            "Share before": _shares(before),
            "After go-live": shown(after["n"]),
            "Share after": _shares(after),
        }
    )
    if differences is not None:
        cells["Standardised difference"] = _level_differences(differences, authority, before)
    totals = [count(part["total"].iloc[0]) if len(part) else NOT_AVAILABLE for part in (before, after)]
    return TableContent(
        cells=cells,
        caption=caption,
        notes=(
            f"Children before go-live: {totals[0]}; after: {totals[1]}. {MISSING_NOTE}",
            SHARES_NOTE,
            *_all_or_none(rows),
            counts.note(),
        ),
        source=RETURNS_SOURCE,
        data=rows.drop(columns="level_words"),
    )


def described_levels(counts: PublishedCounts, ages: tuple[int, int]) -> pd.DataFrame:
    """The published levels that children of the sample can have and some child has, with `level_words`."""
    frame = require_published(counts, "descriptives").frame
    frame = frame[frame["variable"] != LINKED]
    words = [level_words(row.variable, row.level, ages) for row in frame.itertuples()]
    rows = frame.assign(level_words=words).dropna(subset=["level_words"])
    # A level that no child of the authority has, before or after, says nothing: it is left out.
    seen = rows["n"].ne(0).groupby([rows["authority"], rows["variable"], rows["level"]]).transform("any")
    return rows[seen]


def _shares(rows: pd.DataFrame) -> list[str]:
    return [share_text(row.share, row.suppressed, row.total) for row in rows.itertuples()]


def share_text(share: float, hidden: bool, total: float, places: int = 1) -> str:
    """A share of children: `[c]` where its count is hidden, `[u]` where it would be of too few."""
    if hidden or is_missing(total):
        return SUPPRESSED
    return UNRELIABLE if is_missing(share) and total > 0 else percentage(share, places)


def _all_or_none(rows: pd.DataFrame) -> tuple[str, ...]:
    whole = int(rows["share"].isin([0.0, 1.0]).sum())
    if not whole:
        return ()
    return (ALL_OR_NONE.format(rows=f"{counted(whole, 'share')} {'is' if whole == 1 else 'are'}"),)


def _level_differences(differences: PublishedCounts, authority: str, rows: pd.DataFrame) -> list[str]:
    frame = require_published(differences, "differences").frame
    own = frame[frame["authority"] == authority].set_index(["variable", "level"])
    return [difference_text(own.loc[(row.variable, row.level)]) for row in rows.itertuples()]


def difference_text(row: pd.Series) -> str:
    """A standardised difference: `[c]` where it rests on a hidden count, `[z]` where it has no scale."""
    if is_missing(row["difference"]):
        return SUPPRESSED if row["suppressed"] else NOT_APPLICABLE
    return number(row["difference"] + 0.0, 2, signed=row["level"] != WHOLE if "level" in row else True)


def authorities_table(
    counts: PublishedCounts, study: Study, caption: str, ages: tuple[int, int] = ALL_AGES
) -> TableContent:
    """Shares before and after go-live at each level of each covariate (rows), by authority (columns)."""
    rows = described_levels(counts, ages)
    rows = rows[rows["authority"] != ALL]
    texts = rows.assign(
        text=[share_text(row.share, row.suppressed, row.total, 0) for row in rows.itertuples()],
        name=[f"{covariate_words(row.variable)}: {row.level_words}" for row in rows.itertuples()],
    )
    wide = texts.pivot_table(
        index="name", columns=["authority", "exposed"], values="text", aggfunc="first", sort=False
    ).fillna("0%")
    cells = {"Level": list(wide.index)}
    for slug in dict.fromkeys(rows["authority"]):
        pairs = zip(wide[(slug, 0)], wide[(slug, 1)], strict=True)
        cells[study.authorities[slug].name] = [f"{before} to {after}" for before, after in pairs]
    return TableContent(
        cells=pd.DataFrame(cells),
        caption=caption,
        notes=("Shares before go-live to shares after it.", SHARES_NOTE, *_all_or_none(rows), counts.note()),
        source=RETURNS_SOURCE,
        data=rows.drop(columns="level_words"),
    )


def differences_table(differences: PublishedCounts, study: Study, caption: str) -> TableContent:
    """The standardised difference of each covariate (rows), of all children and by authority (columns)."""
    frame = require_published(differences, "differences").frame
    whole = frame[frame["level"] == WHOLE]
    cells: dict[str, list[str]] = {
        "Covariate": [covariate_words(name) for name in whole["variable"].unique()]
    }
    for slug in [ALL, *(name for name in dict.fromkeys(whole["authority"]) if name != ALL)]:
        own = whole[whole["authority"] == slug]
        name = "All" if slug == ALL else study.authorities[slug].name
        cells[name] = [difference_text(row) for _, row in own.iterrows()]
    notes = (
        "A covariate's difference takes all its levels together (Yang and Dalton 2012) and has no sign. "
        "Levels that are hidden count as one; where all are, so is the difference.",
        "With few children it is above zero by chance alone.",
    )
    return TableContent(pd.DataFrame(cells), caption, notes, RETURNS_SOURCE, frame)


def cell_sizes_table(
    counts: PublishedCounts, study: Study, caption: str, column: str = "n_children"
) -> TableContent:
    """Children by authority (rows) and period (columns): those observed, or with `n_sample` all."""
    frame = require_published(counts, "cells").frame
    authorities = list(dict.fromkeys(frame["authority"]))
    cells: dict[str, list[str]] = {"Local authority": [study.authorities[slug].name for slug in authorities]}
    for period, part in frame.groupby("period", sort=True):
        by_authority = part.set_index("authority")[column].reindex(authorities)
        cells[f"Period {period} from {part['period_start'].iloc[0]:%b %Y}"] = shown(by_authority)
    notes = (counts.note(),)
    if column == "n_children":
        few = "Where only a few children of a cell have no observed outcome, the same number is taken off."
        notes = (few, *notes)
    return TableContent(pd.DataFrame(cells), caption, notes, RETURNS_SOURCE, frame)


def outcome_table(
    counts: PublishedCounts, study: Study, outcome: Outcome, horizon: int, caption: str
) -> TableContent:
    """Children, events and level of an outcome by authority and span of time, before and after go-live."""
    frame = require_published(counts, "rates").frame
    unit = unit_of(outcome.unit)
    cells = {
        "Local authority": [study.authorities[slug].name for slug in frame["authority"]],
        "Referred": [
            f"{date_text(row.span_start)} to {date_text(row.span_end)}" for row in frame.itertuples()
        ],
        "Go-live": frame["exposed"].map({0: "before", 1: "after"}).tolist(),
        "Children observed": shown(frame["n_children"]),
    }
    if outcome.scale == "binary":
        cells["With the outcome"] = shown(frame["n_events"])
    cells[unit.short[:1].upper() + unit.short[1:]] = [
        SUPPRESSED if is_missing(row.rate) else number(row.rate * unit.factor, 0 if unit.factor > 1 else 1)
        for row in frame.itertuples()
    ]
    notes = (
        f"{outcome.measure}; horizon {horizon} months. Neighbouring periods are taken together until enough "
        "children with and without the outcome stand behind a level.",
        counts.note(),
    )
    return TableContent(pd.DataFrame(cells), caption, notes, RETURNS_SOURCE, frame)
