"""Limits of the checks that look across columns, sheets and authorities: `data_contracts/checks.yml`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from sfpc_book.contracts.contract import DATA_CONTRACTS
from sfpc_book.contracts.finding import Severity
from sfpc_book.contracts.source import Part, located, read_yaml, schema_faults
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
    if faults:
        raise ContractError(f"{path.name} does not declare limits", located(path, faults))
    return Limits.model_validate(raw)
