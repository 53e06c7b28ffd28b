"""Which quantity a row is, in words: its term, sample and definition of exposure, and its reference."""

from __future__ import annotations

import math
import re
from typing import Any

from sfpc_book.report.formats import NOT_APPLICABLE, is_missing, listed, number, within_sentence
from sfpc_book.study.schema import Study

MAIN_SAMPLE, MAIN_EXPOSURE = "main", "go_live"
RISK_UNEXPOSED, RISK_EXPOSED = "standardised_risk_unexposed", "standardised_risk_exposed"
RISK_DIFFERENCE = "standardised_risk_difference"
RISK_DIFFERENCE_EXPOSED = "standardised_risk_difference_exposed"
RISK_RATIO, ODDS_RATIO = "standardised_log_risk_ratio", "standardised_log_odds_ratio"
LEVELS = (RISK_UNEXPOSED, RISK_EXPOSED)
STANDARDISED = {
    RISK_UNEXPOSED: "risk if none had been exposed",
    RISK_EXPOSED: "risk if all had been exposed",
    RISK_DIFFERENCE: "standardised risk difference",
    RISK_DIFFERENCE_EXPOSED: "standardised risk difference among the exposed",
    RISK_RATIO: "standardised risk ratio",
    ODDS_RATIO: "standardised odds ratio",
}
WITHOUT = "without_"
EFFECTS = (RISK_DIFFERENCE, RISK_DIFFERENCE_EXPOSED, "standardised_rate_difference")
# Terms that say no more than the name of their analysis does.
PLAIN_TERMS = ("", "exposed", "exposure_time", "adopted")


def term_words(term: str, study: Study | None = None) -> str:
    """What a term adds to the name of its analysis, e.g. `period 2 since go-live`, `without Walsall`; empty
    for the plain effect."""
    if term in PLAIN_TERMS:
        return ""
    if term in STANDARDISED:
        return STANDARDISED[term]
    if term.startswith(WITHOUT):
        return without_words(term, study)
    if is_contrast(term):
        return "difference between high and low readiness"
    if found := re.fullmatch(r"(?:\w*_)?(high|low)", term):
        return f"{found[1]} readiness"
    return _time_words(term)


def is_contrast(term: str) -> bool:
    """Whether a term is the difference of two effects, and not an effect."""
    return bool(re.fullmatch(r"(?:\w*_)?high_minus_low|(?:readiness_)?difference", term))


def is_effect(term: str) -> bool:
    """Whether a term is an effect of exposure in levels: not a risk, a contrast, or another variable's."""
    known = term.startswith(("exposed", "exposure_time", WITHOUT)) or term in EFFECTS
    return known and not is_contrast(term)


def _time_words(term: str) -> str:
    if term.startswith("exposure_time_average"):
        times = re.findall(r"_(\d+)(?=_|$)", term)
        return f"average over periods {listed(times)} since go-live" if times else ""
    if found := re.fullmatch(r"exposure_time_(\d+)", term):
        return f"period {found[1]} since go-live"
    if found := re.fullmatch(r"event_time_(-?\d+)", term):
        return f"year {found[1]} since adoption".replace("-", "−")
    if found := re.fullmatch(r"(?:exposed_)?period_(\d+)", term):
        return f"in period {found[1]}"
    return term.replace("_", " ")


def without_words(term: str, study: Study | None = None) -> str:
    """`without Walsall`, `without period 3`, from the term of an estimate that leaves a part out."""
    part = term.removeprefix(WITHOUT)
    if found := re.fullmatch(r"period_(\w+)", part):
        return f"without period {found[1]}"
    part = part.removeprefix("cluster_").removeprefix("authority_")
    known = study is not None and part in study.authorities
    return f"without {study.authorities[part].name if known else part.replace('_', ' ')}"


def choice_words(study: Study, row: Any) -> list[str]:
    """Names of the sample and the definition of exposure of a row, where they are not the main ones."""
    said = []
    for name, main, known in (
        (str(row.sample), MAIN_SAMPLE, study.samples),
        (str(row.exposure), MAIN_EXPOSURE, study.exposures),
    ):
        if name != main and name in known:
            said.append(within_sentence(known[name].name))
    return said


def is_level(row: Any) -> bool:
    """Whether a row is a risk and not a difference or a ratio of two."""
    return getattr(row, "term", "") in LEVELS


def degrees_text(row: Any) -> str:
    """`3.7 degrees of freedom`; empty where the reference distribution has none."""
    if is_missing(row.df) or math.isinf(row.df):
        return ""
    return f"{number(row.df, 0 if float(row.df).is_integer() else 1)} degrees of freedom"


def reference_text(row: Any) -> str:
    """What an estimate is held against, e.g. `t, Satterthwaite: 3.7 degrees of freedom`; `[z]` if nothing."""
    reference = str(getattr(row, "reference", "") or "").strip()
    reference = reference.replace("Satterthwaite d.f.", "Satterthwaite").replace("d.f.", "degrees of freedom")
    if not is_missing(row.n_orders) and reference:
        return f"{reference}, {int(row.n_orders):,} orders"
    degrees = degrees_text(row)
    return (f"{reference}: {degrees}" if degrees else reference) or NOT_APPLICABLE


def reference_note(row: Any) -> str:
    """The same in a few characters, to stand beside a row of a chart; empty where there is nothing to say."""
    reference = str(getattr(row, "reference", "") or "")
    if is_missing(row.estimate):
        return ""
    if not is_missing(row.n_orders):
        return f"exact, {int(row.n_orders):,} orders"
    if found := re.search(r"([\d,]+) patterns", reference):
        return f"bootstrap, {found[1]} patterns"
    if degrees := degrees_text(row):
        return f"t, {degrees.replace('degrees of freedom', 'df')}"
    return "normal" if reference.startswith("normal") else ""


def plan_status_of(study: Study, row: Any) -> str:
    """`planned` where the analysis, the sample and the definition of exposure all are, else `exploratory`."""
    parts = (
        (study.analyses, row.analysis),
        (study.samples, row.sample),
        (study.exposures, row.exposure),
    )
    found = [known[name].plan_status for known, name in parts if name in known]
    planned = row.analysis in study.analyses and all(status == "planned" for status in found)
    return "planned" if planned else "exploratory"
