"""An attacker for the tests of disclosure: what is published as linear constraints, and what follows."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np
from scipy import sparse
from scipy.optimize import linprog


class Attack:
    """Unknown whole numbers, and what a reader knows of them. Names are any hashable keys."""

    def __init__(self) -> None:
        self.places: dict[Hashable, int] = {}
        self.lower: list[float] = []
        self.lines: list[dict[int, float]] = []
        self.low: list[float] = []
        self.high: list[float] = []

    def unknown(self, name: Hashable, lower: float = 0.0) -> None:
        """A number of which only a lower bound is known; the highest bound given counts."""
        if name not in self.places:
            self.places[name] = len(self.lower)
            self.lower.append(0.0)
        self.lower[self.places[name]] = max(self.lower[self.places[name]], lower)

    def know(self, names: Iterable[Hashable], low: float, high: float | None = None) -> None:
        """The sum of numbers lies between two values (or is the one)."""
        line: dict[int, float] = {}
        for name in names:
            self.unknown(name)
            line[self.places[name]] = line.get(self.places[name], 0.0) + 1.0
        self.lines.append(line)
        self.low.append(low)
        self.high.append(low if high is None else high)

    def same(self, one: Iterable[Hashable], other: Iterable[Hashable]) -> None:
        """Two sums are equal."""
        line: dict[int, float] = {}
        for sign, names in ((1.0, one), (-1.0, other)):
            for name in names:
                self.unknown(name)
                line[self.places[name]] = line.get(self.places[name], 0.0) + sign
        self.lines.append(line)
        self.low.append(0.0)
        self.high.append(0.0)

    def reach(self, names: Iterable[Hashable]) -> tuple[float, float]:
        """The least and the greatest that a sum of numbers can be."""
        target = np.zeros(len(self.lower))
        for name in names:
            target[self.places[name]] += 1.0
        rows, columns, values = zip(
            *((row, place, value) for row, line in enumerate(self.lines) for place, value in line.items()),
            strict=True,
        )
        matrix = sparse.csr_matrix((values, (rows, columns)), shape=(len(self.lines), len(self.lower)))
        above = {"A_ub": sparse.vstack([matrix, -matrix]), "b_ub": [*self.high, *(-np.array(self.low))]}
        bounds = [(low, 1000.0) for low in self.lower]
        ends = []
        for sign in (1.0, -1.0):
            found = linprog(sign * target, **above, bounds=bounds, method="highs")
            assert found.status == 0, "what is published contradicts itself, so the attack is wrong"
            ends.append(sign * found.fun)
        return ends[0], ends[1]

    def assert_in_doubt(self, names: Iterable[Hashable], least: int) -> None:
        """A hidden count below `least` could be every number from 1 to `least - 1`."""
        names = list(names)
        low, high = self.reach(names)
        assert low <= 1 + 1e-6, (names, low, high)
        assert high >= least - 1 - 1e-6, (names, low, high)
