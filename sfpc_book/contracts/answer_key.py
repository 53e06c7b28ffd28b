"""How many planted defects were found, exactly where they are, and what was told where nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

TOLD = ("fail", "info")
# A correction is told by its id, whatever it repairs; other findings by what they are about.
CORRECTION = "correction"
PLACES = {"sheet": ["file", "sheet", "column"], "file": ["file"], "authority": ["column"]}
NOTHING = "nothing planted"
TEXTS = ("kind", "authority", "file", "sheet", "column", "told_by", "told_untreated", "scope", "also_told",
         "also_untreated", "correction")  # fmt: skip
SCORE_COLUMNS = ("kind", "told_by", "planted", "found", "falsely_reported")


def read_answer_key(path: Path) -> pd.DataFrame:
    """The answer key of a folder of synthetic returns: one row for each place where a defect was planted."""
    frame = pd.read_csv(path, dtype=dict.fromkeys(TEXTS, "str"), keep_default_na=False, na_values=[])
    return frame.assign(row=pd.to_numeric(frame["row"]).astype("Int64"))


def judge(
    key: pd.DataFrame, findings: pd.DataFrame, *, treated: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Which rows of the key were found, and which findings nothing explains.

    A place is found when the check that should tell it does so, for that authority, with the same file, sheet
    and column (as far as such a finding is about them), with the first row wherever key and finding name one,
    and with the count. Where one finding speaks of several places, their counts are added up.

    Parameters
    ----------
    key
        The answer key.
    findings
        Columns of `Finding`; all authorities together.
    treated
        Whether the corrections were applied that come with the returns.

    Returns
    -------
    tuple
        The key with a column `found` (bool), and the findings of status fail or info that neither a planted
        defect nor its declared consequences explain.
    """
    check, also = ("told_by", "also_told") if treated else ("told_untreated", "also_untreated")
    key = key.assign(
        check=key[check], also=key[also] if treated else key["also_told"] + " " + key[also], found=False
    )
    # A file of nobody is told to every authority.
    told = _comparable(findings[findings["status"].isin(TOLD)].drop_duplicates())
    explained = pd.Series(False, index=told.index)
    for places in _spoken_of_together(key):
        about = _about(told, places)
        explained |= about
        key.loc[places.index, "found"] = _exact(told[about], places)
    consequences = [(row.authority, name) for row in key.itertuples() for name in row.also.split()]
    explained |= pd.MultiIndex.from_frame(told[["authority", "check"]]).isin(consequences)
    return key.drop(columns=["check", "also"]), findings.loc[told.index[~explained]]


def score(key: pd.DataFrame, findings: pd.DataFrame, *, treated: bool = True) -> pd.DataFrame:
    """One row per kind, then one per check that told what was not planted: kind, told_by, planted, found,
    falsely_reported."""
    judged, false = judge(key, findings, treated=treated)
    judged = judged.assign(told_by=judged["told_by" if treated else "told_untreated"])
    counts = judged.groupby(["kind", "told_by"])["found"].agg(planted="size", found="sum").reset_index()
    strange = false.groupby("check").size().rename_axis("told_by").rename("falsely_reported").reset_index()
    table = pd.concat([counts.assign(falsely_reported=0), strange.assign(kind=NOTHING, planted=0, found=0)])
    return table[list(SCORE_COLUMNS)].reset_index(drop=True)


def _comparable(findings: pd.DataFrame) -> pd.DataFrame:
    """Findings with blanks for what they do not say, and one for a count that they do not give."""
    texts = ["authority", "check", "subject", "file", "sheet", "column"]
    plain = findings.assign(**{name: findings[name].fillna("").astype("str") for name in texts})
    numbers = {name: pd.to_numeric(plain[name]).astype("Int64") for name in ("row", "count")}
    return plain.assign(row=numbers["row"], count=numbers["count"].fillna(1))


def _spoken_of_together(key: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Rows of the key of which one finding speaks: the same check, authority and place."""
    for (check, scope, authority), rows in key.groupby(["check", "scope", "authority"]):
        names = ["correction"] if check == CORRECTION else PLACES[scope]
        for _, places in rows.groupby(names):
            yield places.assign(check=check, authority=authority)


def _about(told: pd.DataFrame, places: pd.DataFrame) -> pd.Series:
    first = places.iloc[0]
    about = (told["check"] == first["check"]) & (told["authority"] == first["authority"])
    if first["check"] == CORRECTION:
        return about & (told["subject"] == first["correction"])
    for name in PLACES[first["scope"]]:
        about &= told[name] == first[name]
    return about


def _exact(told: pd.DataFrame, places: pd.DataFrame) -> bool:
    if told.empty or told["count"].sum() != places["count"].sum():
        return False
    rows, wanted = told["row"].min(), places["row"].min()
    return bool(pd.isna(rows) or pd.isna(wanted) or rows == wanted)
