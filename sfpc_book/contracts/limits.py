"""Limits of the checks that look across columns, sheets and authorities: `data_contracts/checks.yml`."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Literal

from pydantic import Field

from sfpc_book.contracts.contract import DATA_CONTRACTS
from sfpc_book.contracts.finding import Severity
from sfpc_book.contracts.source import Part, Where, located, read_yaml, schema_faults
from sfpc_book.errors import ContractError


class Limit(Part):
    """One check: its limit and what follows beyond it; `mark` and `block` are limits for these severities.

    `minimum`: the size below which nothing is compared. `factor`, `difference`: the ratio, or the difference
    of shares, from which on something matters. `points`: how many others it is compared with at least.
    """

    limit: float
    direction: Literal["at_most", "at_least"] = "at_most"
    severity: Severity
    mark: float | None = None
    block: float | None = None
    unit: str
    reason: str
    minimum: float = Field(default=0, ge=0)
    factor: float = Field(default=1, ge=1)
    difference: float = Field(default=0, ge=0, le=1)
    points: int = Field(default=1, ge=1)

    def holds(self, measured: float) -> bool:
        """Whether a measurement keeps the limit."""
        return measured <= self.limit if self.direction == "at_most" else measured >= self.limit

    def severity_of(self, measured: float) -> Severity:
        """What follows from a measurement that does not keep the limit."""
        sign = 1 if self.direction == "at_most" else -1
        for severity, bound in (("block", self.block), ("mark", self.mark)):
            if bound is not None and sign * measured > sign * bound:
                return severity
        return self.severity


class Limits(Part):
    """All checks by id, and the share of missing values allowed where a column says nothing else."""

    missing: float = Field(ge=0, le=1)
    checks: dict[str, Limit]


def load_limits(folder: Path = DATA_CONTRACTS) -> Limits:
    """Read `checks.yml`.

    Raises
    ------
    ContractError
        With every fault and its line.
    """
    path = folder / "checks.yml"
    raw = read_yaml(path)
    faults = schema_faults(Limits, raw)
    limits = None if faults else Limits.model_validate(raw)
    faults += [] if limits is None else _impossible(limits)
    if limits is None or faults:
        raise ContractError(f"{path.name} does not declare limits", located(path, faults))
    return limits


def _impossible(limits: Limits) -> list[tuple[Where, str]]:
    """Limits that no measurement can pass, or that call the lesser fault the graver one."""
    faults: list[tuple[Where, str]] = []
    for name, part in limits.checks.items():
        steps = [
            (key, value)
            for key, value in (("limit", part.limit), ("mark", part.mark), ("block", part.block))
            if value is not None
        ]
        for key, value in steps:
            if value < 0 or (part.unit.startswith("share") and value > 1):
                allowed = "0 to 1, as a share" if part.unit.startswith("share") else "0 or more"
                faults.append((("checks", name, key), f"{key} of '{name}' is {value:g}; allowed: {allowed}"))
        sign = 1 if part.direction == "at_most" else -1
        for (key, value), (later, bound) in itertools.pairwise(steps):
            if sign * bound < sign * value:
                side = "at or above" if sign == 1 else "at or below"
                text = f"{later} of '{name}' is {bound:g}; it must lie {side} {key}, {value:g}"
                faults.append((("checks", name, later), text))
    return faults
