"""Drafts of corrections that whole tables show: scales, composite identifiers, copies, inverted labels."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from sfpc_book.contracts.vocabulary import plain_text
from sfpc_book.returns.cell_values import text_of
from sfpc_book.returns.cells import CLEAN
from sfpc_book.returns.evidence import Draft, Evidence, Recogniser

REFERRALS, FLAG = "dr2_referrals", "no_further_action"
SEPARATORS = "/-_|: "
# At least this share of the identifiers that link to nothing must link once the part is kept.
SHARE_THAT_MUST_LINK = 0.5


def other_scales(evidence: Evidence) -> Iterator[Draft]:
    """Percentages where proportions belong, and the reverse, return by return."""
    for name in {str(finding.subject).partition(".")[0] for finding in evidence.failed("share_scale")}:
        for month, records in evidence.by_return(name):
            for finding in evidence.check(name, records):
                if finding.check == "share_scale" and finding.status == "fail":
                    column = str(finding.column)
                    keys = {"action": "rescale", "return_month": month, "table": name, "column": column}
                    large = bool((records[column] > 1).any())
                    scale = {"factor": 0.01, "above": 1.0} if large else {"factor": 100.0}
                    what = (
                        "values above 1 look like percentages" if large else "no value is above one per cent"
                    )
                    yield Draft({**keys, **scale}, f"'{column}': {what}")


def composite_identifiers(evidence: Evidence) -> Iterator[Draft]:
    """Identifiers that link to nothing unless only a part of them is kept."""
    children = {name: table for name, table in evidence.tables.items() if "child_id" in table and len(table)}
    referred = _identifiers(children.get(REFERRALS))
    elsewhere = [_identifiers(table) for name, table in children.items() if name.startswith("dr3")]
    for name in children:
        known = set().union(*elsewhere) if name == REFERRALS else referred
        for month, records in evidence.by_return(name):
            pattern, count = _part_that_links(_identifiers(records), known)
            if pattern:
                place = {"return_month": month, "table": name, "column": "child_id"}
                text = f"{count} identifier(s) that link to nothing do so if only a part of them is kept"
                yield Draft({"action": "extract", **place, "pattern": pattern}, text)


def repeated_rows(evidence: Evidence) -> Iterator[Draft]:
    """Rows equal in every column of a table whose contract does not say which of them stays."""
    for finding in evidence.failed("duplicate_rows"):
        text = f"{finding.count} row(s) are equal to another in every column, and the contract keeps them all"
        yield Draft({"action": "drop_duplicate", "table": finding.subject}, text)


def inverted_labels(evidence: Evidence) -> Iterator[Draft]:
    """Labels of no further action that look exchanged. Only the authority can confirm it."""
    if not evidence.failed("flag_inverted"):
        return
    words = _words_for_yes_and_no(evidence)
    exchanged = {word: str(1 - said) for word, said in sorted(words.items())}
    text = (
        "CAUTION: this exchanges yes and no for every referral. The check compares shares of assessments; it "
        "does not know the labels. The authority must confirm in writing that 1 meant further action"
    )
    for month in _months_inverted(evidence):
        place = {**month, "table": REFERRALS, "column": FLAG}
        yield Draft({"action": "recode", **place, "values": exchanged}, text)


RECORDS: tuple[Recogniser, ...] = (other_scales, composite_identifiers, repeated_rows, inverted_labels)


def _identifiers(records: pd.DataFrame | None) -> set[str]:
    return set() if records is None else set(records["child_id"].dropna().unique())


def _part_that_links(identifiers: set[str], known: set[str]) -> tuple[str | None, int]:
    """The pattern by which most of the identifiers that are not known become known, and how many do.

    None if it would not be `SHARE_THAT_MUST_LINK` of them. A pattern that would change an identifier which is
    known already is not used.
    """
    lost = pd.Series(sorted(identifiers - known), dtype="str")
    found = pd.Series(sorted(identifiers & known), dtype="str")
    counts = {
        pattern: int(lost.str.extract(pattern)[0].isin(known).sum())
        for pattern in _patterns()
        if not found.str.contains(pattern.replace("(", "(?:")).any()
    }
    best = max(counts, key=lambda pattern: counts[pattern], default=None)
    enough = best is not None and counts[best] >= max(1, SHARE_THAT_MUST_LINK * len(lost))
    return (best, counts[best]) if enough else (None, 0)


def _patterns() -> Iterator[str]:
    """What stands before the first, before the last, and behind the first of each separator."""
    for separator in map(re.escape, SEPARATORS):
        other = f"[^{separator}]+"
        yield from (f"^({other}){separator}.+$", f"^(.+){separator}{other}$", f"^{other}{separator}(.+)$")


def _words_for_yes_and_no(evidence: Evidence) -> dict[str, int]:
    """The words that the referral sheets use in the column, with what the reader takes them for."""
    flags, words = evidence.declared.words.flags, {}
    for book, located, place, column in evidence.columns("flag"):
        if (located.table, place.column) == (REFERRALS, FLAG):
            cells = evidence.cells(book, located, place)
            kinds = evidence.read(cells, column).kinds
            plain = {
                plain_text(text_of(cell)) for cell, kind in zip(cells, kinds, strict=True) if kind == CLEAN
            }
            words |= {word: flags[word] for word in plain}
    return words


def _months_inverted(evidence: Evidence) -> list[dict[str, str]]:
    """The returns whose own labels look exchanged; no month at all where all that can be judged are."""
    judged = {
        month: finding.status == "fail"
        for month, records in evidence.by_return(REFERRALS)
        for finding in evidence.check(REFERRALS, records)
        if finding.check == "flag_inverted"
    }
    if all(judged.values()):
        return [{}]
    return [{"return_month": month} for month, inverted in judged.items() if inverted] or [{}]
