"""Sentences about the data: design, sample, checks, coverage, and what a chapter cannot show."""

from __future__ import annotations

import pandas as pd

from sfpc_book.report.disclosure import PublishedCounts, require_published
from sfpc_book.report.findings import SAME_LINE, oddities
from sfpc_book.report.formats import (
    count,
    counted,
    date_text,
    is_missing,
    listed,
    month_text,
    number,
    p_value,
    percentage,
)
from sfpc_book.report.words import bullets, paragraph
from sfpc_book.study.schema import Authority, Programme, Study
from sfpc_book.study.wedge import Wedge

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
STATUS_WORDS = {
    "confirmed": "given to the day",
    "month": "known to the month",
    "assumed": "assumed until it is confirmed",
}


def design_sentences(study: Study, wedge: Wedge) -> str:
    """Window, periods, orders and the smallest p-value of one trial."""
    model = study.models[wedge.model_id]
    strata = "within readiness strata" if model.restriction == "stratified" else "without known strata"
    return paragraph(
        [
            f"The {model.name} trial has {len(wedge.authorities)} authorities and {wedge.n_periods} periods.",
            f"Its window runs from {date_text(wedge.window_start)} to {date_text(wedge.window_end)}.",
            f"Go-lives were ordered at random {strata}, which allows {wedge.n_orders:,} orders.",
            f"The smallest p-value that an exact test can give is therefore "
            f"{p_value(wedge.attainable_minimum_p)}.",
            strata_sentence(study, wedge.model_id),
            plan_sentence(study),
        ]
    )


def strata_sentence(study: Study, *models: str) -> str:
    """Where strata are unknown or sources disagree on one; all models if none is named."""
    said = []
    for slug in models or tuple(study.models):
        model = study.models[slug]
        members = [study.authorities[name] for name in model.trial_authorities]
        if model.restriction == "unrestricted" and not all(part.stratum for part in members):
            said.append(
                f"Readiness strata of the {model.name} trial are unknown: it is treated as unrestricted, as "
                "if the lot could have given every order."
            )
        said += [
            f"The stratum of {part.name} is taken as {part.stratum}, though {part.stratum_note}."
            for part in members
            if part.stratum_note
        ]
    return paragraph(said) or "Every readiness stratum is as the study file gives it; no source disagrees."


def plan_sentence(study: Study) -> str:
    """On whose word analyses count as planned: the study file's, and the protocol's where it is given."""
    facts = study.programme
    given = [f"{name}: {text}" for name, text in _plan_links(facts).items() if text]
    if not given:
        return (
            "The study file lists this outcome and comparison as planned; no registration, link or date of a "
            "protocol is given, so this report cannot show that they were set before any data came."
        )
    return f"The study file lists this outcome and comparison as planned ({'; '.join(given)})."


def _plan_links(facts: Programme) -> dict[str, str | None]:
    return {
        "registration": facts.registration,
        "protocol": facts.protocol,
        "analysis plan": facts.analysis_plan,
    }


def dates_sentence(study: Study, wedge: Wedge) -> str:
    """Which go-lives are not confirmed, and what follows for the reader."""
    doubtful = {"month": [], "assumed": []}
    for slug in wedge.authorities:
        status = study.authorities[slug].go_live.status  # type: ignore[union-attr]
        if status in doubtful:
            doubtful[status].append(study.authorities[slug].name)
    if not any(doubtful.values()):
        return f"Go-live dates are those that their sources give: {_dated(study, wedge)}."
    parts = [f"{STATUS_WORDS[status]}: {listed(names)}" for status, names in doubtful.items() if names]
    return (
        f"Not every go-live is known to the day ({'; '.join(parts)}). A changed date changes every "
        f"result. Dates and their sources: {_dated(study, wedge)}."
    )


def _dated(study: Study, wedge: Wedge) -> str:
    """Each go-live with its source, in wedge order."""
    return "; ".join(
        f"{study.authorities[slug].name}, {date_text(wedge.go_live[slug])} "
        f"({study.authorities[slug].go_live.source})"  # type: ignore[union-attr]
        for slug in wedge.authorities
    )


def trial_role_sentences(study: Study, authority: Authority, wedge: Wedge | None) -> str:
    """What an authority is to its trial, and what follows for its chapter."""
    if authority.role == "pilot" or wedge is None:
        model = study.models[authority.model].name if authority.model else "a model of the programme"
        return (
            f"{authority.name} piloted {model} before the trial began. Pilots were not randomised, "
            f"so no data return "
            "of theirs enters the trial, and this chapter shows published statistics only."
        )
    place = ORDINALS[wedge.authorities.index(authority.slug)]
    go_live = wedge.go_live[authority.slug]
    status = STATUS_WORDS[authority.go_live.status]  # type: ignore[union-attr]
    before = wedge.start_period[authority.slug]
    return (
        f"{authority.name} is the {place} of {len(wedge.authorities)} authorities to go live in the "
        f"{study.models[wedge.model_id].name} trial, on {date_text(go_live)} (date {status}; source: "
        f"{authority.go_live.source}). It "  # type: ignore[union-attr]
        f"gives the trial "
        f"{counted(before, 'period')} before go-live and {counted(wedge.n_periods - before, 'period')} after."
    )


def flow_sentences(counts: PublishedCounts, name: str, authority: str = "all") -> str:
    """How many records came in, how many children are analysed, and where most were left out."""
    flow = require_published(counts, "flow").frame
    flow = flow[flow["authority"] == authority]
    if flow.empty:
        return f"No sample of {name} can be described: no return has been read."
    kept, left = flow[flow["kind"] == "kept"], flow[flow["kind"] == "excluded"].dropna(subset=["n"])
    first, last = kept.iloc[0], kept.iloc[-1]
    most = left.sort_values("n", ascending=False, kind="stable").head(1)
    reasons = "".join(
        f" The largest group left out is “{row.box}” ({count(row.n)})." for row in most.itertuples()
    )
    return f"Of {count(first['n'])} referrals, {count(last['n'])} {last['box']} are analysed.{reasons}"


STOP = "stop, mark or note"


def findings_sentences(findings: pd.DataFrame, name: str) -> str:
    """How many checks were made and failed, what follows from those that failed, and how many oddities were
    read by a rule.

    A check is made column by column and return by return; charts count each kind once for an authority, so
    both numbers are said.
    """
    made = findings[findings["status"].isin(["pass", "fail"])]
    failed = made[made["status"] == "fail"]
    if made.empty:
        return f"No check of what {name} sent has been recorded."
    start = f"{counted(len(made), 'check was', 'checks were')} made of what {name} sent"
    odd = oddities_words(findings)
    if failed.empty:
        return paragraph([f"{start}; {'it' if len(made) == 1 else 'they'} found nothing to {STOP}.", odd])
    by_severity = failed["severity"].value_counts()
    parts = [
        f"{int(by_severity[severity])} {one if by_severity[severity] == 1 else several}"
        for severity, one, several in (
            ("block", "stops estimation until resolved", "stop estimation until resolved"),
            ("mark", "is marked wherever the data are used", "are marked wherever the data are used"),
            ("note", "is noted", "are noted"),
        )
        if severity in by_severity
    ]
    distinct = len(failed.drop_duplicates(["authority", "check"]))
    return paragraph(
        [
            f"{start}, column by column and return by return; {len(failed):,} found something to {STOP}.",
            f"Of these, {listed(parts)}.",
            f"With each kind of check counted once for an authority, {distinct:,} found something.",
            odd,
        ]
    )


def oddities_words(findings: pd.DataFrame) -> str:
    """How many oddities were read by a rule, each once for an authority, kind of return and column."""
    n = len(oddities(findings).drop_duplicates(["authority", *SAME_LINE]))
    return f"{counted(n, 'oddity was', 'oddities were')} read by a rule." if n else ""


def observability_sentences(study: Study, observability: pd.DataFrame, model: str, outcome: str) -> str:
    """For each horizon: the share of linked children already followed that long, and when it will be all."""
    rows = observability[(observability["model"] == model) & (observability["outcome"] == outcome)]
    items = []
    for horizon, part in rows.groupby("horizon", sort=True):
        due = pd.to_datetime(part["fully_observed_from"]).max()
        reach = pd.to_datetime(part["covered_to"]).min()
        seen, missing = part["n_followed"].sum(), part["n_not_observed"].sum()
        share = seen / (seen + missing) if seen + missing else float("nan")
        items.append(
            f"**{int(horizon)} months**: {percentage(share)} of linked children are followed that long. "
            f"Returns reach {date_text(reach)}; every child of the window can be followed by "
            f"{date_text(due)}."
        )
    return (
        bullets(items)
        if items
        else f"Nothing is known of how far “{study.outcomes[outcome].name}” is observed."
    )


def excluded_sentence(study: Study, excluded: pd.DataFrame) -> str:
    """Authorities that could not be estimated, each with its cause; says so too when there is none."""
    if excluded.empty:
        return "No check left an authority of the trial out of every estimate."
    parts = [
        f"**{study.authorities[str(row.authority)].name}** is left out of every estimate: "
        f"{str(row.reason).rstrip('.')}."
        for row in excluded.itertuples()
    ]
    return bullets(parts)


def coverage_sentence(monthly: pd.DataFrame, name: str) -> str:
    """Which months an authority's monthly totals cover, and how many months between are missing."""
    if monthly.empty:
        return f"{name} sent no monthly totals."
    first, last = monthly["month"].min(), monthly["month"].max()
    expected = pd.date_range(first, last, freq="MS")
    gaps = len(expected.difference(pd.DatetimeIndex(monthly["month"])))
    words = (
        f"{counted(gaps, 'month')} between {'is' if gaps == 1 else 'are'} missing"
        if gaps
        else "without a gap"
    )
    return f"Monthly totals of {name} run from {month_text(first)} to {month_text(last)}, {words}."


def latest_sentences(latest: pd.DataFrame, words: dict[str, str], name: str) -> str:
    """The last published number of each measure, beside the neighbours' median and England, as a list."""
    items = []
    for row in latest.itertuples():
        if row.measure not in words or is_missing(row.value):
            continue
        places = 0 if float(row.value).is_integer() else 1
        beside = [
            f"{label} {number(value, places)}"
            for label, value in (("neighbours' median", row.neighbour_median), ("England", row.england))
            if not is_missing(value)
        ]
        compared = f" ({listed(beside)})" if beside else ""
        unit = str(row.unit).replace("_", " ")
        items.append(
            f"**{words[row.measure].capitalize()}**, {int(row.year)}: {number(row.value, places)} "
            f"{unit}{compared}."
        )
    return bullets(items) if items else f"No published number was found for {name}."
