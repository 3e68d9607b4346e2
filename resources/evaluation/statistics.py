"""Statistics of counts: how sure a share is, and whether two cleaners differ on the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, sqrt
from typing import Final

_Z: Final = 1.959963984540054
"""Of the normal distribution, 95 % lie within so many standard deviations."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of rows: how many of how many, and its 95 % Wilson interval.

    Without rows nothing is known: the interval is all of 0..1, and `value` is None.
    """

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """Give the share."""
        return self.count / self.of if self.of else None

    @property
    def low(self) -> float:
        """Give the interval's lower end."""
        return wilson(self.count, self.of)[0]

    @property
    def high(self) -> float:
        """Give the interval's upper end."""
        return wilson(self.count, self.of)[1]


def wilson(count: int, of: int) -> tuple[float, float]:
    """Give the 95 % score interval of a share (E. B. Wilson 1927, JASA 22:209-212).

    Unlike p +- 1.96 standard errors it stays within 0..1 and holds for few rows and for shares near
    0 and 1 (Brown, Cai and DasGupta 2001, Statistical Science 16:101-133).
    """
    if not of:
        return 0.0, 1.0
    share, z2 = count / of, _Z * _Z
    middle = share + z2 / (2 * of)
    half = _Z * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    scale = 1 + z2 / of
    low, high = (middle - half) / scale, (middle + half) / scale
    return min(max(low, 0.0), share), max(min(high, 1.0), share)


def mcnemar(only_first: int, only_second: int) -> float:
    """Give the exact two-sided p of McNemar's test (Q. McNemar 1947, Psychometrika 12:153-157).

    Only rows count that one of the two got right and the other did not. Were both equally good,
    each such row would fall to either by the toss of a coin: p is how often that is as lopsided.
    """
    differing, fewer = only_first + only_second, min(only_first, only_second)
    as_lopsided = 2 * sum(comb(differing, k) for k in range(fewer + 1))
    return min(1.0, as_lopsided / (1 << differing))
