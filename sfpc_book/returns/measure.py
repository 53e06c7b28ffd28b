"""A measurement against its declared limit, as a finding."""

from __future__ import annotations

from sfpc_book.contracts.finding import Finding
from sfpc_book.contracts.limits import Limits
from sfpc_book.errors import ContractError
from sfpc_book.returns.origin import Origin


def measure(
    limits: Limits,
    check: str,
    measured: float,
    text: str,
    origin: Origin,
    *,
    row: int | None = None,
    column: str | None = None,
    count: int | None = None,
) -> Finding:
    """Compare with the limit of `checks.yml`; the reason of the limit follows the text when it is not kept.

    Raises
    ------
    ContractError
        If `checks.yml` has no such check.
    """
    if check not in limits.checks:
        raise ContractError(f"checks.yml has no check '{check}'. It has: {', '.join(limits.checks)}")
    limit = limits.checks[check]
    holds = limit.holds(measured)
    return origin.finding(
        check, text if holds else f"{text}. {limit.reason}", severity=limit.severity_of(measured),
        status="pass" if holds else "fail", measured=float(measured), limit=limit.limit, unit=limit.unit,
        row=row, column=column, count=count,
    )  # fmt: skip
