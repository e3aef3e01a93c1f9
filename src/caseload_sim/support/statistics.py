"""Means, variances and intervals of numbers, missing ones left out."""

import numpy as np
from numpy.typing import NDArray


def wilson_interval(share: float, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's 95% interval of a share found in n persons."""
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(max(middle - half, 0.0)), float(min(middle + half, 1.0))


Column = NDArray[np.float64]
MIDDLE_SHARE = 0.95  # of the intervals reported


def variance_of(values: NDArray[np.float64]) -> Column:
    """Variance over the first axis, leaving NaN out; NaN with fewer than two values."""
    return _moments(values)[1]


def mean_of(values: NDArray[np.float64]) -> Column:
    """Mean over the first axis, leaving NaN out; NaN where nothing is left."""
    missing = np.isnan(values)
    return _mean(values, missing, len(values) - np.count_nonzero(missing, axis=0))


def _mean(values: NDArray[np.float64], missing: NDArray[np.bool_], count: NDArray[np.int64]) -> Column:
    return np.where(count > 0, np.where(missing, 0.0, values).sum(axis=0) / np.maximum(count, 1), np.nan)


def _moments(values: NDArray[np.float64]) -> tuple[Column, Column, NDArray[np.int64]]:
    """Mean and variance over the first axis, leaving NaN out, and how many there are."""
    missing = np.isnan(values)
    count = len(values) - np.count_nonzero(missing, axis=0)
    mean = _mean(values, missing, count)
    squares = values - mean
    squares *= squares
    squares[missing] = 0
    return mean, np.where(count >= 2, squares.sum(axis=0) / np.maximum(count - 1, 1), np.nan), count


def half_widths(values: NDArray[np.float64]) -> tuple[Column, Column]:
    """Half-widths of the t interval of the mean and of the prediction interval, NaN with fewer than two values."""
    _, variance, count = _moments(values)
    return _half_widths(variance, count)


def _half_widths(variance: Column, count: NDArray[np.int64]) -> tuple[Column, Column]:
    from scipy.special import stdtrit

    counts = np.arange(count.max(initial=0) + 1)  # few differ, and a quantile takes long
    t = stdtrit(np.maximum(counts - 1, 1), 0.5 + MIDDLE_SHARE / 2)[count]
    enough, n = count >= 2, np.maximum(count, 1)
    sd = np.sqrt(variance)
    mean_half = np.where(enough, t * sd / np.sqrt(n), np.nan)
    single_half = np.where(enough, t * sd * np.sqrt(1 + 1 / n), np.nan)
    return mean_half, single_half
