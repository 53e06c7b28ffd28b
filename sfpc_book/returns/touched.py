"""How much each correction touched, and where: counted while the returns are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Touched:
    """Counts of what corrections touched, by id, file and sheet. `file` and `sheet` say where counting is."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    file: str = ""
    sheet: str = ""

    def at(self, file: str, sheet: str = "") -> Touched:
        """The same counts, at another place."""
        return replace(self, file=file, sheet=sheet)

    def add(self, identifier: str, count: int) -> None:
        """Note that a correction touched so many files, sheets, columns, rows or cells here."""
        if count:
            self.counts[(identifier, self.file, self.sheet)] += count

    def total(self, identifier: str) -> int:
        """How much a correction touched in all."""
        return sum(count for (name, _, _), count in self.counts.items() if name == identifier)

    def files(self, identifier: str) -> tuple[str, ...]:
        """The files in which a correction touched something, in the order of reading."""
        return _distinct(file for name, file, _ in self.counts if name == identifier)

    def sheets(self, identifier: str) -> tuple[str, ...]:
        """The sheets in which a correction touched something, in the order of reading."""
        return _distinct(sheet for name, _, sheet in self.counts if name == identifier)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, names)))
