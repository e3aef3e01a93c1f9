"""Clients counted in whole numbers, so that the counts of several parts can be added before they become shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.quantities import Value
from caseload_sim.support.columns import Flags, as_rows, blocks_of


@dataclass(frozen=True, slots=True)
class Counted:
    """A row to be counted for every group: who is in the numerator and who in the denominator."""

    measure: str
    base: str
    at: str
    service: str
    numerator: NDArray[Any]
    denominator: Flags


# Flags or small whole numbers of clients, and whose are added up, both (n,).
Summand = tuple[NDArray[Any], Flags]
COUNTED_AT_ONCE = 16_384  # clients: sums are exact in single precision as long as nobody has a thousand of anything


def group_sums(summands: Sequence[Summand], members: Sequence[Flags]) -> NDArray[np.float64]:
    """Sum of each column over those of its base who are in a group, (summands, groups).

    Sums of whole numbers below 2**24 are exact in single precision in any order, so matrix products are safe here; where
    somebody has a thousand of something, double precision is used, which is exact to 2**53.
    """
    total = np.zeros((len(summands), len(members)))
    numbers = [column for column, _ in summands if column.dtype != bool]
    highest = max((int(np.abs(column).max(initial=0)) for column in numbers), default=1)
    exact = np.float32 if highest * COUNTED_AT_ONCE < 2**24 else np.float64  # hundreds of sessions, nearly all missed
    for some in blocks_of(len(members[0]), COUNTED_AT_ONCE):
        each = np.empty((len(summands), some.stop - some.start), dtype=exact)
        for row, (column, base) in zip(each, summands, strict=True):
            np.multiply(column[some], base[some], out=row)
        total += each @ as_rows(members, some).T
    return total


def ratio(numerator: float, denominator: float) -> Value:
    """A share or a mean; NaN over nobody."""
    return Value(float(numerator), float(denominator), float(numerator / denominator) if denominator else np.nan)


def ratios(numerators: NDArray[Any], denominators: NDArray[Any]) -> NDArray[np.float64]:
    """`ratio` of each pair, as numerator, denominator and value, (..., 3) float64."""
    result = np.full((*np.shape(numerators), 3), np.nan)
    result[..., 0], result[..., 1] = numerators, denominators
    np.divide(result[..., 0], result[..., 1], out=result[..., 2], where=result[..., 1] != 0)
    return result


Counts = dict[
    str, NDArray[Any]
]  # by what is counted; of one dimension, the longer may have more entries than the shorter


def added(first: Counts, second: Counts) -> Counts:
    """The counts of two sets of clients together."""
    return {name: _longer(column, second[name]) for name, column in first.items()}


def _longer(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    if a.shape == b.shape:
        return np.asarray(a + b)
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    total = longer.copy()
    total[: len(shorter)] += shorter
    return total


def by_number(numbers: NDArray[Any]) -> NDArray[np.int64]:
    """How many have 0, 1, 2 ... days or contacts; of whom nobody has fewer than 0."""
    return np.bincount(numbers).astype(np.int64)


def total_of(counts: NDArray[np.int64]) -> int:
    """The sum of the numbers that `by_number` has counted."""
    return int(counts @ np.arange(len(counts)))


def quantile_of(counts: NDArray[np.int64], share: float) -> float:
    """The smallest number that so many of those counted do not exceed; NaN over nobody."""
    n = int(counts.sum())
    if n == 0:
        return np.nan
    place = max(int(np.ceil(n * share - 1)), 0)
    return float(np.searchsorted(counts.cumsum(), place, side="right"))
