"""The rules of a contract and the limits of the checks in words, for the data dictionary."""

from __future__ import annotations

from collections.abc import Iterator

from sfpc_book.contracts.contract import TableContract
from sfpc_book.contracts.limits import Limit
from sfpc_book.contracts.relations import Cardinality, Cross, History

# What a failed check means for the estimates, by its severity.
MEANING = {
    "block": "The authority leaves the estimates of its model, and pages say why. The number of authorities "
    "falls, and with it the number of orders of go-lives in exact tests.",
    "mark": "The authority is estimated. Its own page and those of its model's estimates name the check.",
    "note": "The authority is estimated. Its own page lists the check, for the data owner.",
}


def key_in_words(contract: TableContract) -> str:
    """How far the key may be shared, and what follows."""
    shared = f"shared by at most the share {contract.key_limit:g} of rows" if contract.key_limit else "unique"
    return f"{shared}; a fault: {contract.key_severity}"


def rules_in_words(contract: TableContract) -> Iterator[str]:
    """Every rule beyond single columns: the relation, its columns, its limit, what follows, and why."""
    for rule in contract.rules:
        relation = "is not before" if rule.rule == "not_before" else "is not after"
        follows = f"({_share(rule.limit)}; a fault: {rule.severity})"
        yield f"`{rule.column}` {relation} `{rule.other}` {follows}. {rule.reason}"
    for part in contract.cardinality:
        yield f"{_cardinality(part)} ({_share(part.limit)}; a fault: {part.severity}). {part.reason}"
    for cross in contract.cross:
        yield f"{_cross(cross)}. {cross.reason}"
    if contract.history:
        text = f"Held against the authority's own other {contract.history.by}s: {_history(contract.history)}"
        yield f"{text} (check `out_of_line_with_history`)"
    for part in contract.published:
        over = "in March" if part.over == "march" else "summed over the year ending in March"
        text = f"Held against the published `{part.measure}`: `{part.column}` {over}"
        yield f"{text} (check `out_of_line_with_published`)"


def limit_in_words(limit: Limit) -> str:
    """The limit, and what has to be given before anything is compared."""
    kind = "at most" if limit.direction == "at_most" else "at least"
    parts = [f"{kind} {limit.limit:g} {limit.unit}"]
    if limit.factor > 1:
        parts.append(f"off by {limit.factor:g} times or more")
    if limit.difference:
        parts.append(f"or by a share of {limit.difference:g}")
    if limit.minimum:
        parts.append(f"compared from {limit.minimum:g} on")
    return ", ".join(parts)


def severity_in_words(limit: Limit) -> str:
    """What follows beyond the limit, and beyond which further limits."""
    parts = [limit.severity]
    for severity, bound in (("mark", limit.mark), ("block", limit.block)):
        if bound is not None:
            side = "above" if limit.direction == "at_most" else "below"
            parts.append(f"{severity} {side} {bound:g}")
    return "; ".join(parts)


def _share(limit: float) -> str:
    return f"at most the share {limit:g} otherwise" if limit else "without exception"


def _cardinality(part: Cardinality) -> str:
    per = " and ".join(f"`{name}`" for name in part.per)
    rows = "One row" if part.rows == "one" else "Many rows"
    most = f", at most {part.at_most}" if part.at_most else ""
    same = " and ".join(f"`{name}`" for name in part.same)
    return f"{rows} for each {per}{most}" + (f", with one {same}" if same else "")


def _cross(cross: Cross) -> str:
    return {
        "referred": f"`{cross.column}` is also in `{cross.table}` (check `identifier_link`)",
        "within_coverage": f"`{cross.column}` lies from `{cross.start}` to `{cross.end}` of `{cross.table}` "
        f"(check `care_outside_coverage`)",
        "months_in_return": f"`{cross.column}` is a month of its return (check `months_outside_return`)",
        "count_agrees": f"Rows by month of `{cross.column}` are as many as `{cross.total}` of "
        f"`{cross.table}` (check `totals_disagree`)",
    }[cross.rule]


def _history(history: History) -> str:
    parts = [f"`{name}`" for name in history.values]
    parts += ["rows a month"] if history.rows else []
    parts += [f"share missing of `{name}`" for name in history.missing]
    parts += [f"share with `{name}`" for name in history.events]
    return ", ".join(parts)
