"""Uniform random numbers turned into normal and gamma values, categories and counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from caseload_sim.support.columns import Days, Floats, read_only
from caseload_sim.support.compiled import numba_is_loaded

_LONGEST_TAIL = 30  # exp(-30) is a thousandth of the smallest draw
_N_CELLS = 2**14
_TAIL_CELLS = _N_CELLS // 256  # on either side, where the function bends too much for a straight line


@dataclass(frozen=True, slots=True)
class _Quantiles:
    """A quantile function: what value has a share u of the distribution below it? For a normal, 0.975 gives 1.96.

    Between the tails it is read off straight lines that join 2**14 exact values, which is wrong by less than 0.00001 SD
    and four times as fast; in both tails, where it bends too much, the exact function is called.
    lines: (cells, 2) float64, slope and intercept in each cell; exact: u in (0, 1) -> value
    """

    lines: Floats
    exact: Callable[[Floats], Floats]

    def of(self, u: Floats) -> Floats:
        """The value at each u in (0, 1), (n,) float64."""
        value, tail = (self._compiled_lines if numba_is_loaded() else self._numpy_lines)(u)
        value[tail] = self.exact(u[tail])
        return value

    def _compiled_lines(self, u: Floats) -> tuple[Floats, NDArray[np.integer]]:
        """The values read off the lines, and the row numbers of those that lie in a tail."""
        from caseload_sim.draws.philox import on_lines

        value, tail = np.empty(len(u)), np.empty(len(u), dtype=np.int32)
        n_tail = on_lines(u, self.lines, _TAIL_CELLS, value, tail)
        return value, tail[:n_tail]

    def _numpy_lines(self, u: Floats) -> tuple[Floats, NDArray[np.integer]]:
        cell = (u * _N_CELLS).astype(np.intp)
        slope, intercept = self.lines.T
        value = slope[cell] * u + intercept[cell]
        return value, np.flatnonzero((cell < _TAIL_CELLS) | (cell >= _N_CELLS - _TAIL_CELLS))


def _quantiles(exact: Callable[[Floats], Floats]) -> _Quantiles:
    edges = np.zeros(_N_CELLS + 1)
    inner = np.arange(_TAIL_CELLS, _N_CELLS + 1 - _TAIL_CELLS)
    edges[inner] = exact(inner / _N_CELLS)
    slope = np.diff(edges) * _N_CELLS
    intercept = edges[:-1] - slope * (np.arange(_N_CELLS) / _N_CELLS)
    return _Quantiles(np.stack([slope, intercept], axis=1), exact)


@cache
def _normal_quantiles() -> _Quantiles:
    from scipy.special import ndtri

    return _quantiles(ndtri)


@cache
def _gamma_quantiles(shape: float) -> _Quantiles:
    """Of a gamma distribution of that shape, standardised to mean 0 and SD 1."""
    from scipy.special import gammaincinv

    def exact(u: Floats) -> Floats:
        return np.asarray((gammaincinv(shape, u) - shape) / np.sqrt(shape))

    return _quantiles(exact)


def category(u: Floats, shares: Sequence[float]) -> NDArray[np.int8]:
    """The category that each u in (0, 1) falls in, (n,) int8, if the categories have these shares.

    Shares need not add up to 1. With shares 1, 1 and 2, a u of 0.3 is in category 1, which goes from 0.25 to 0.5.
    """
    result = np.zeros(u.shape, dtype=np.int8)
    edges = np.cumsum(shares)
    for edge in edges[:-1] / edges[-1]:  # a few comparisons of all are faster than a search for each
        result += u > edge
    return result


def counts_from_uniform(u: Floats, mean: Floats | float, shape: float = np.inf) -> NDArray[np.int32]:
    """Poisson or negative binomial counts by inversion: the smallest count that at least a share u of counts do not exceed.

    With a mean of 1, counts of 0 are 37% of all, so every u up to 0.36 gives 0.
    u: (n,) in (0, 1); mean: one mean >= 0, or (n,); shape > 0, infinite for Poisson
    Returns (n,) int32.
    """
    if np.ndim(mean) == 0:
        return np.searchsorted(_distribution_table(float(mean), shape), u, side="left").astype(np.int32)
    means = np.broadcast_to(np.asarray(mean, dtype=np.float64), u.shape)
    result = np.zeros(u.shape, dtype=np.int32)
    for one in np.unique(means):  # few distinct means: a table for each
        rows = means == one
        result[rows] = np.searchsorted(_distribution_table(float(one), shape), u[rows], side="left")
    return result


def n_of_table(mean: float, shape: float) -> int:
    """How many counts a table of the distribution holds: all that are not rarer than any uniform draw.

    Far beyond the mean, the chance of a negative binomial count falls by exp(1) with every 1 + mean / shape.
    """
    variance = mean if np.isinf(shape) else mean + mean**2 / shape
    scale = 0.0 if np.isinf(shape) else mean / shape
    return int(mean + max(12 * np.sqrt(variance), _LONGEST_TAIL * scale) + 40)


@lru_cache(maxsize=512)
def _distribution_table(mean: float, shape: float) -> Floats:
    """The chance of a count of at most 0, at most 1, at most 2 and so on, (k,) float64."""
    from scipy.special import gammaln

    if mean == 0:
        return read_only(np.ones(1))
    k = np.arange(n_of_table(mean, shape))
    if np.isinf(shape):
        log_mass = k * np.log(mean) - mean - gammaln(k + 1)
    else:
        log_mass = (
            gammaln(k + shape) - gammaln(shape) - gammaln(k + 1)
            + shape * np.log(shape / (shape + mean)) + k * np.log(mean / (shape + mean))
        )  # fmt: skip
    return read_only(np.minimum(np.cumsum(np.exp(log_mass)), 1.0))


NOT_REACHED_BEFORE = 1e-250  # a probability too small to start a recursion from


def negative_binomial(u: Floats, successes: Days, share: Floats) -> Days:
    """How many failures come before so many successes, by inversion at each u, as in `counts_from_uniform`.

    With 6 sessions to attend and 10% of appointments missed: how many are missed before the sixth is attended?
    share: of trials that fail
    u: (n,) in (0, 1); successes: (n,) >= 1; share: (n,) 0 to 0.95
    Returns (n,) int32.
    """
    mass = np.exp(successes * np.log1p(-share))
    result = np.zeros(len(u), dtype=np.int32)
    if len(hard := np.flatnonzero(mass < NOT_REACHED_BEFORE)):  # hundreds of sessions nearly all missed
        result[hard] = _by_halving(u[hard], successes[hard], share[hard])
    rows = np.flatnonzero((mass >= NOT_REACHED_BEFORE) & (u > mass))
    columns = [column[rows] for column in (u, successes, share, mass, mass)]
    k = 0
    while len(rows):
        k += 1
        going, needed, fails, at, reached = columns
        at = at * ((needed + k - 1) / k * fails)
        reached = reached + at
        result[rows] = k
        onward = np.flatnonzero((going > reached) & (at > 0))
        rows, columns = rows.take(onward), [column.take(onward) for column in (going, needed, fails, at, reached)]
    return result


def _by_halving(u: Floats, successes: Days, share: Floats) -> Days:
    """`negative_binomial` by halving a range of counts, which needs no table of them, (n,) int32."""
    from scipy.special import betainc

    mean = successes * share / (1 - share)
    below = np.full(len(u), -1, dtype=np.int64)
    enough = (mean + 12 * np.sqrt(mean / (1 - share)) + 40).astype(np.int64)
    while np.any(enough - below > 1):
        middle = (below + enough) // 2
        reached = betainc(successes, middle + 1.0, 1 - share) >= u
        below, enough = np.where(reached, below, middle), np.where(reached, middle, enough)
    return np.asarray(enough, dtype=np.int32)


def binomial(u: Floats, trials: Days, share: Floats) -> Days:
    """How many of so many trials succeed, by inversion at each u, as in `counts_from_uniform`, (n,) int32."""
    result = np.zeros(len(u), dtype=np.int32)
    share = np.minimum(share, 1 - 1e-12)
    mass = np.exp(trials * np.log1p(-share))
    rows = np.flatnonzero((trials > 0) & (u > mass))
    mass, reached = mass[rows], mass[rows]
    k = 0
    while len(rows):
        k += 1
        mass = mass * ((trials[rows] - k + 1) / k * share[rows] / (1 - share[rows]))
        reached = reached + mass
        result[rows] = k
        going = (u[rows] > reached) & (trials[rows] > k)
        rows, mass, reached = rows[going], mass[going], reached[going]
    return result
