"""Means, variances and intervals of numbers, missing ones left out."""

import numpy as np
from numpy.typing import NDArray


def wilson_interval(share: float, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's 95% interval of a share found in n persons."""
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(max(middle - half, 0.0)), float(min(middle + half, 1.0))


Column = NDArray[np.float64]
FEWEST_IN_ORDER = 5  # values of which the extremes are an interval of the median
MIDDLE_SHARE = 0.95  # of the intervals reported


def variance_of(values: NDArray[np.float64]) -> Column:
    """Variance over the first axis, leaving NaN out; NaN with fewer than two values."""
    return _moments(values)[1]


def mean_of(values: NDArray[np.float64]) -> Column:
    """Mean over the first axis, leaving NaN out; NaN where nothing is left."""
    missing = np.isnan(values)
    return _mean(values, missing, len(values) - np.count_nonzero(missing, axis=0))


def lowest(values: NDArray[np.float64]) -> Column:
    """The least over the first axis, leaving NaN out; NaN where nothing is left."""
    return np.asarray(np.fmin.reduce(values, axis=0))


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


def middle(values: NDArray[np.float64]) -> tuple[Column, Column, Column]:
    """Median over the first axis, leaving NaN out, and a 95% interval of the median of many more, low and high; (columns,) each.

    However the values are distributed, the k-th smallest and the k-th largest of n hold the median of all between them unless
    fewer than k lie on one side of it. k is the largest with which that happens 5 times in 100 at most. Of five values even
    the smallest and the largest hold it only 94 times in 100; these are taken. Fewer tell so little that the t interval of the
    mean is taken, at least from the smallest to the largest; NaN with fewer than two. (Conover 1999, section 3.2.)
    """
    from scipy.special import bdtr

    in_order = np.sort(values, axis=0)  # NaN last
    n = len(values) - np.count_nonzero(np.isnan(values), axis=0)
    columns, last = np.arange(values.shape[1]), np.maximum(n - 1, 0)
    found = (in_order[last // 2, columns] + in_order[(last + 1) // 2, columns]) / 2
    counts = np.arange(n.max(initial=0) + 1)
    k = np.maximum(
        [sum(bdtr(j, int(one), 0.5) <= (1 - MIDDLE_SHARE) / 2 for j in range(one // 2)) for one in counts], 1
    )[n]
    low, high = in_order[np.minimum(k - 1, last), columns], in_order[np.maximum(n - k, 0), columns]
    mean, variance, _ = _moments(values)
    half, _ = _half_widths(variance, n)
    few, none = n < FEWEST_IN_ORDER, n < 2
    low, high = np.where(few, np.fmin(low, mean - half), low), np.where(few, np.fmax(high, mean + half), high)
    return found, np.where(none, np.nan, low), np.where(none, np.nan, high)


def range_of_one_more(values: NDArray[np.float64]) -> tuple[Column, Column]:
    """Between which values one more like those of (n, columns) falls 95 times in 100, (columns,) each; NaN with fewer than two.

    Of the 39 or more that it takes, places in their order: a next value falls below the k-th smallest of n k times in n + 1,
    however they are distributed. Of fewer no two hold 95 of 100 between them, so then it is the prediction interval of the
    normal distribution. Quantiles of 20 values, which are often taken for such a range, hold 87 of 100. NaN is left out.
    """
    outside = 1 - MIDDLE_SHARE
    low, high = np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    half, mean = half_widths(values)[1], mean_of(values)
    for k, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        if (len(known) + 1) * outside / 2 >= 1 - 1e-9:
            low[k], high[k] = np.quantile(known, [outside / 2, 1 - outside / 2], method="weibull")
        else:
            low[k], high[k] = mean[k] - half[k], mean[k] + half[k]
    return low, high


def likely_means(values: NDArray[np.float64], n: int = 400) -> NDArray[np.float64]:
    """Values like those given, (n,), each as likely as any other to be the next, by the normal distribution.

    The spread of a few values is a guess, so they spread by the t distribution. A single value stays one.
    """
    from scipy.special import stdtrit

    if len(values) < 2:
        return values
    spread = stdtrit(len(values) - 1, (np.arange(n) + 0.5) / n)
    return np.asarray(values.mean() + values.std(ddof=1) * np.sqrt(1 + 1 / len(values)) * spread)


def ratio_of_means(numerators: NDArray[np.float64], denominators: NDArray[np.float64]) -> tuple[Column, ...]:
    """The mean of numerators over that of denominators, both (n, columns): the ratio and four bounds, each (columns,).

    Bounds: Fieller's 95% interval of the ratio, low and high, then where the ratio of one more pair falls, low and high.
    Fieller's interval holds every ratio r at which the mean of numerator - r * denominator is within its t interval of 0.
    The ratio is NaN where the t interval of the mean denominator is not wholly above 0: it may then be of any size. Bounds are
    NaN there too, with fewer than two pairs, and where a single denominator may be 0 or less. (Fieller 1954.)
    """
    top, top_variance, _ = _moments(numerators)
    bottom, bottom_variance, count = _moments(denominators)
    both = ((numerators - top) * (denominators - bottom)).sum(axis=0) / np.maximum(count - 1, 1)
    bounds = []
    for factor in (1 / np.maximum(count, 1), 1 + 1 / np.maximum(count, 1)):  # of the mean, and of one more
        f = _t(count) ** 2 * factor
        first, middle, last = top**2 - f * top_variance, top * bottom - f * both, bottom**2 - f * bottom_variance
        bounded = (count >= 2) & (bottom > 0) & (last > 0)
        spread = np.sqrt(np.maximum(middle**2 - first * last, 0.0))
        for end in (middle - spread, middle + spread):
            bounds.append(np.divide(end, last, out=np.full_like(top, np.nan), where=bounded))
    defined = (bottom > 0) & ((count < 2) | ~np.isnan(bounds[0]))
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=defined), *bounds


def as_if_means(numerators: NDArray[np.float64], denominators: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers, (n, columns), whose mean is the ratio of means and whose spread is that of the ratio, to first order.

    So ratios of means can be compared and paired as other means are. NaN where `ratio_of_means` is.
    """
    ratio = ratio_of_means(numerators, denominators)[0]
    bottom = np.where(np.isnan(ratio), np.nan, mean_of(denominators))
    return np.asarray(ratio + (numerators - ratio * denominators) / bottom)


def _half_widths(variance: Column, count: NDArray[np.int64]) -> tuple[Column, Column]:
    t = _t(count)
    enough, n = count >= 2, np.maximum(count, 1)
    sd = np.sqrt(variance)
    mean_half = np.where(enough, t * sd / np.sqrt(n), np.nan)
    single_half = np.where(enough, t * sd * np.sqrt(1 + 1 / n), np.nan)
    return mean_half, single_half


def _t(count: NDArray[np.int64]) -> Column:
    """Half the width of a 95% t interval in standard errors, for so many values."""
    from scipy.special import stdtrit

    counts = np.arange(count.max(initial=0) + 1)  # few differ, and a quantile takes long
    return np.asarray(stdtrit(np.maximum(counts - 1, 1), 0.5 + MIDDLE_SHARE / 2)[count])
