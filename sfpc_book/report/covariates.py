"""Covariates and their levels in words, for tables and charts alike."""

from __future__ import annotations

import re

ALL_AGES = (0, 17)
AGE_GROUP = re.compile(r"(\d+) to (\d+)")
ALL_FACTORS, FACTORS_WORDS = "all_factors", "Factors of the assessment (not assessed)"
# Factors at the end of an assessment, with their codes in the children in need census; short, for charts.
COVARIATES = {
    "factor_1b": "Alcohol misuse by a parent (1B)",
    "factor_2b": "Drug misuse by a parent (2B)",
    "factor_3a": "Domestic abuse of the child (3A)",
    "factor_3b": "Domestic abuse of a parent (3B)",
    "factor_3c": "Domestic abuse of another (3C)",
    "factor_4b": "Mental health of a parent (4B)",
}


def level_words(variable: str, level: str, ages: tuple[int, int] = ALL_AGES) -> str | None:
    """A level in words; None for an age group outside the youngest and the oldest age of the sample."""
    group = AGE_GROUP.fullmatch(str(level)) if variable == "age_group" else None
    if variable == "age_group" and level in ("unborn", "under 1"):
        return spelt(level) if ages[0] == 0 else None
    if group is None:
        return spelt(level)
    low, high = max(int(group[1]), ages[0]), min(int(group[2]), ages[1])
    if low > high:
        return None
    return f"{low} to {high}" if low < high else str(low)


def covariate_words(variable: str) -> str:
    """A covariate in words; factors are named by what they say, their code beside."""
    return {**COVARIATES, ALL_FACTORS: FACTORS_WORDS}.get(variable, spelt(variable))


def spelt(text: object) -> str:
    """A name with spaces for underscores and a capital letter."""
    words = str(text).replace("_", " ")
    return words[:1].upper() + words[1:]
