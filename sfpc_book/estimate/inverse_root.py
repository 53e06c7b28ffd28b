"""The inverse and the inverse root of a diagonal matrix diminished by one of low rank, without forming it.

A cluster's residuals have a variance of the form Q = P (I - X B X') P, with P diagonal, X of n rows and k
columns, n many times k. Q is positive semi-definite and singular: for authority effects, in one direction.

- The resolvent (Q + s)^-1 v follows from a k x k system (Woodbury), the diagonal being P^2 + s.
- The inverse root is an integral of the resolvent. Hale, Higham and Trefethen (2008, method 3) turn it into
  a sum over points whose error falls as exp(-2 pi^2 N / (log(largest / smallest) + 3)); with bounds of the
  eigenvalues the number of points N follows from the accuracy wanted.
- The singular directions are P^-1 times those of I - X B X', known from a k x k matrix; they are taken out
  before and after, which gives the root of the Moore-Penrose inverse.

Tested against the eigendecomposition of Q.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ellipj, ellipkm1

SINGULAR = 1e-10  # eigenvalues of I - X B X' lie in [0, 1]; below this they are the singular ones
RANK = 1e-10  # singular values of X, relative to the largest
ACCURACY = 1e-14


@dataclass(frozen=True)
class Diminished:
    """Q = P (I - F F') P: `diagonal` of P (n,), `factor` F (n, r), `singular` an orthonormal basis of the
    directions in which Q is 0 (n, q), `least` a lower bound of its other eigenvalues."""

    diagonal: np.ndarray
    factor: np.ndarray
    singular: np.ndarray
    least: float

    @classmethod
    def of(cls, diagonal: np.ndarray, x: np.ndarray, bread: np.ndarray) -> Diminished:
        """From P, X and B."""
        left, values, right = np.linalg.svd(x, full_matrices=False)
        kept = values > RANK * values[0]
        half = values[kept, None] * right[kept]
        taken, vectors = np.linalg.eigh(half @ bread @ half.T)  # eigenvalues of X B X' other than 0
        directions = left[:, kept] @ vectors
        remains = 1 - taken
        none = remains < SINGULAR
        basis = np.linalg.qr(directions[:, none] / diagonal[:, None])[0]
        least = float(remains[~none].min(initial=1.0)) * float(diagonal.min()) ** 2
        return cls(diagonal, directions * np.sqrt(np.clip(taken, 0, 1)), basis, least)

    def inverse(self, vectors: np.ndarray) -> np.ndarray:
        """Moore-Penrose inverse of Q times (n, m) vectors, for P the identity."""
        inner = np.linalg.pinv(np.eye(self.factor.shape[1]) - self.factor.T @ self.factor, rcond=SINGULAR)
        cleared = self._cleared(vectors)
        return self._cleared(cleared + self.factor @ (inner @ (self.factor.T @ cleared)))

    def inverse_root(self, vectors: np.ndarray) -> np.ndarray:
        """Root of the Moore-Penrose inverse of Q times (n, m) vectors."""
        vectors = self._cleared(vectors)
        total = np.zeros_like(vectors)
        for shift, share in _points(self.least, float(self.diagonal.max()) ** 2):
            total += share * self._resolvent(vectors, shift)
        return self._cleared(total)

    def _resolvent(self, vectors: np.ndarray, shift: float) -> np.ndarray:
        """(Q + shift)^-1 times vectors."""
        spread = 1 / (self.diagonal**2 + shift)
        lowered = self.diagonal[:, None] * self.factor
        shrunk = spread[:, None] * lowered
        inner = np.eye(lowered.shape[1]) - lowered.T @ shrunk
        return spread[:, None] * vectors + shrunk @ np.linalg.solve(inner, shrunk.T @ vectors)

    def _cleared(self, vectors: np.ndarray) -> np.ndarray:
        return vectors - self.singular @ (self.singular.T @ vectors)


def _points(least: float, largest: float) -> list[tuple[float, float]]:
    """Shifts s_j and shares c_j: a^(-1/2) is the sum of c_j / (a + s_j) for `least` <= a <= `largest`."""
    ratio = min(least / largest, 0.5)
    least = ratio * largest
    number = math.ceil(-math.log(ACCURACY) * (3 - math.log(ratio)) / (2 * math.pi**2))
    quarter = ellipkm1(ratio)  # K of the complementary modulus
    sine, cosine, delta, _ = ellipj((np.arange(number) + 0.5) * quarter / number, 1 - ratio)
    shifts = least * (sine / cosine) ** 2
    shares = 2 * quarter * math.sqrt(least) / (math.pi * number) * delta / cosine**2
    return list(zip(shifts, shares, strict=True))
