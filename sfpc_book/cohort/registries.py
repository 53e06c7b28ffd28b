"""Ids that the study names must each have a function in the registry of that kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sfpc_book.errors import StudyDefinitionError


def require_known(kind: str, names: Iterable[str], known: Mapping[str, object]) -> None:
    """Raises StudyDefinitionError naming every id without a function, and the known ones.

    `kind` is the singular word for what is named: outcome, sample, exposure.
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        allowed = ", ".join(known)
        raise StudyDefinitionError(
            f"The study names {kind}s that have no definition",
            [f"{kind} '{name}'; known: {allowed}" for name in unknown],
        )
