"""How a model's authorities compare in data quality, and the declared rule that ranks them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from sfpc_book.contracts.check_words import CheckWords
from sfpc_book.report.covariates import ALL_FACTORS, COVARIATES
from sfpc_book.report.disclosure import PublishedCounts, require_published
from sfpc_book.report.findings import failed_rows, gravest_severity, oddities, repair_rows
from sfpc_book.report.formats import NOT_APPLICABLE, NOT_AVAILABLE

# The checks whose measurement is a column of the comparison.
LINK_RATE = ("link_rate",)
MONTHS_MISSING = ("referral_gap",)
RETURNS_MISSING = ("return_missing", "outcome_return_missing")
UNMAPPED = ("unmapped", "code_list")
NOTHING_FOUND = "none"
SHARES = ("not_linked", "missing", "unmapped")
RANKING = (
    "Authorities with checks that stop estimation come first, the more of them the higher; then those with "
    "more checks that mark their data; then those with the largest of three shares: children not linked, "
    "values missing in the worst column of the sample, cells unmapped in the worst column.",
    "Equal ones stand in the order of the wedge. A check counts once for an authority, under the gravest of "
    "its findings, however many returns and columns it found something in. A share that is hidden counts as "
    "zero.",
)


def quality_frame(
    findings: PublishedCounts, missing: PublishedCounts, authorities: Sequence[str]
) -> pd.DataFrame:
    """One row per authority, what needs attention first, by the rule `RANKING`.

    Made of published numbers alone, so what follows from it may be published. Columns place, authority;
    block, mark, note (numbers of distinct checks that failed); not_linked, missing, unmapped (shares),
    missing_column; months_missing, returns_missing, corrections. A share that is hidden is missing, and
    `<share>_hidden` says so.
    """
    made, failed = require_published(findings, "findings").frame, failed_rows(findings)
    gravest = gravest_severity(failed)
    repairs = repair_rows(findings)
    rows = []
    for slug in authorities:
        own = made[made["authority"] == slug]
        checks = gravest.loc[gravest["authority"] == slug, "severity"].value_counts()
        rows.append(
            {
                "authority": slug,
                **{severity: int(checks.get(severity, 0)) for severity in ("block", "mark", "note")},
                **_not_linked(own),
                **_worst_missing(missing, slug),
                **_largest(own, UNMAPPED, "unmapped"),
                "months_missing": _sum(own, MONTHS_MISSING),
                "returns_missing": _sum(own, RETURNS_MISSING),
                "corrections": int((repairs["authority"] == slug).sum()),
            }
        )
    return _ranked(pd.DataFrame(rows))


def kinds_frame(findings: PublishedCounts, authorities: Sequence[str]) -> pd.DataFrame:
    """One row per check and authority where it found something: columns check, authority, kind.

    `kind` is the gravest severity of a failure, `rule` where it was only read by a rule. Checks stand gravest
    first, then by the number of authorities.
    """
    odd = oddities(require_published(findings, "findings").frame)
    by_rule = odd[["authority", "check"]].drop_duplicates().assign(severity="rule")
    both = pd.concat([gravest_severity(failed_rows(findings)), by_rule])
    kinds = both.drop_duplicates(["authority", "check"]).rename(columns={"severity": "kind"})
    kinds = kinds[kinds["authority"].isin(authorities)]
    gravity = kinds["kind"].map({"block": 0, "mark": 1, "note": 2, "rule": 3})
    order = kinds.assign(
        gravity=gravity.groupby(kinds["check"]).transform("min"),
        spread=-kinds.groupby("check")["authority"].transform("size"),
        wedge=kinds["authority"].map({slug: place for place, slug in enumerate(authorities)}),
    )
    columns = ["check", "authority", "kind"]
    ordered = order.sort_values(["gravity", "spread", "check", "wedge"], kind="stable")
    return ordered[columns].reset_index(drop=True)


def kinds_cells(
    kinds: pd.DataFrame,
    names: Mapping[str, str],
    words: CheckWords,
    said: Mapping[str, str],
    empty: Mapping[tuple[str, str], str] | None = None,
) -> pd.DataFrame:
    """The rows of `kinds_frame` as a table: checks by name (rows), authorities (columns), kinds as `said`.

    `empty` has the words of places where nothing was found (see `empty_places`), by check and authority.
    """
    found = dict(empty or {})
    found |= {(row.check, row.authority): said[row.kind] for row in kinds.itertuples()}
    checks = list(dict.fromkeys(kinds["check"]))
    cells = {"Check": [words.of(check).name for check in checks]}
    cells |= {
        name: [found.get((check, slug), NOT_APPLICABLE) for check in checks] for slug, name in names.items()
    }
    return pd.DataFrame(cells)


def empty_places(
    findings: PublishedCounts, checks: Iterable[str], authorities: Iterable[str]
) -> dict[tuple[str, str], str]:
    """What stands where a check found nothing, by check and authority: `none` where it was made, `[x]` where
    it was not.

    A check that records when it passed was made where it has a result. One that speaks only of what it met
    was made wherever returns were checked.
    """
    rows = require_published(findings, "findings").frame
    results = rows[rows["status"].isin(["pass", "fail"])]
    made = set(zip(results["check"], results["authority"], strict=True))
    not_made = rows[rows["status"] == "not_applicable"]
    unmade = set(zip(not_made["check"], not_made["authority"], strict=True)) - made
    recording, checked = set(rows.loc[rows["status"] == "pass", "check"]), set(rows["authority"])
    silent = {
        (check, slug) for check in set(checks) - recording for slug in checked if (check, slug) not in unmade
    }
    return {
        (check, slug): NOTHING_FOUND if (check, slug) in made | silent else NOT_AVAILABLE
        for check in checks
        for slug in authorities
    }


def _ranked(frame: pd.DataFrame) -> pd.DataFrame:
    largest = frame[list(SHARES)].fillna(0.0).max(axis="columns")
    keys = pd.DataFrame({"block": -frame["block"], "mark": -frame["mark"], "share": -largest})
    order = keys.sort_values(["block", "mark", "share"], kind="stable").index
    ranked = frame.loc[order].reset_index(drop=True)
    ranked.insert(0, "place", np.arange(1, len(ranked) + 1))
    return ranked


def _not_linked(own: pd.DataFrame) -> dict[str, object]:
    rows = own[own["check"].isin(LINK_RATE)]
    hidden = bool(rows["suppressed"].any())
    share = float("nan") if hidden or rows.empty else round(1 - float(rows["measured"].min()), 3)
    return {"not_linked": share, "not_linked_hidden": hidden}


def _worst_missing(missing: PublishedCounts, slug: str) -> dict[str, object]:
    frame = require_published(missing, "missing").frame
    own = frame[frame["authority"] == slug]
    hidden = bool(own["suppressed"].any())
    known = own.dropna(subset=["share"])
    if known.empty or (hidden and not known["share"].gt(0).any()):
        return {"missing": float("nan"), "missing_hidden": hidden, "missing_column": ""}
    worst = known.loc[known["share"].idxmax()]
    column = _worst_column(known) if worst["share"] > 0 else ""
    return {"missing": float(worst["share"]), "missing_hidden": False, "missing_column": column}


def _worst_column(known: pd.DataFrame) -> str:
    """The column with the largest share; the factors, which a child not assessed misses together, as one."""
    worst = known.loc[known["share"].idxmax()]
    factors = known[known["variable"].isin(list(COVARIATES))]
    together = len(factors) > 1 and factors["share"].eq(worst["share"]).all()
    return ALL_FACTORS if together and worst["variable"] in COVARIATES else str(worst["variable"])


def _largest(own: pd.DataFrame, checks: Sequence[str], name: str) -> dict[str, object]:
    rows = own[own["check"].isin(checks)]
    known, hidden = rows["measured"].dropna(), bool(rows["suppressed"].any())
    if known.empty or (hidden and not known.gt(0).any()):
        return {name: float("nan"), f"{name}_hidden": hidden}
    return {name: float(known.max()), f"{name}_hidden": False}


def _sum(own: pd.DataFrame, checks: Sequence[str]) -> float:
    return float(own.loc[own["check"].isin(checks), "measured"].sum(min_count=1))
