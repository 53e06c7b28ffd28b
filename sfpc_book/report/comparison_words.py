"""The words of the matched comparison: measures, analyses, and who is compared with whom."""

from __future__ import annotations

MEASURES = {
    "looked_after_rate": "looked-after rate",
    "starts_rate": "rate of starts of being looked after",
    "children_in_need_rate": "rate of children in need",
    "protection_plan_rate": "rate of child protection plans",
}
ANALYSES = {
    "matched_did": "Two-way model",
    "matched_did_placebo": "Two-way model, placebo interval",
    "group_time": "Group-time average",
    "group_time_placebo": "Group-time average, placebo interval",
}
COMPARATORS = {
    "never_adopters": "all never-adopters",
    "statistical_neighbours": "statistical neighbours",
    "nearest_pre_trend": "nearest earlier trend",
}
TREATED = {"adopters": "all adopters", "trial_authorities": "trial authorities only"}
COMPARISON_SOURCE = "Department for Education statistics, as listed under sources on this page"


def comparators_of(sample: str) -> tuple[str, str]:
    """Who is compared with whom, in words, from the sample of a row: `adopters vs never_adopters`."""
    treated, _, comparators = sample.partition(" vs ")
    return TREATED.get(treated, treated.replace("_", " ")), COMPARATORS.get(
        comparators, comparators.replace("_", " ")
    )
