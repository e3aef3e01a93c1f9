"""What a model is held against: the mean of the other services, a straight line through them, last year; and by how much it is better.

Nothing here has seen the value that it predicts: each service is predicted from the others alone, or from its own past.
"""

import numpy as np

from caseload_sim.draws.streams import Draws
from caseload_sim.support.columns import Floats
from caseload_sim.support.statistics import mean_of

RESAMPLES = 2000
MIDDLE = (0.025, 0.975)  # of which the ends are the 95% interval
FEWEST = 3  # of services, for a correlation
ALL_OF_IT = 1 - 1e-9  # a service whose own value decides its line alone has nothing to be predicted from


def mean_absolute_error(predicted: Floats, published: Floats) -> float:
    """The mean of absolute differences, both (n,); pairs with a NaN are left out, NaN where none is left."""
    off = np.abs(predicted - published)
    return float(off[~np.isnan(off)].mean()) if (~np.isnan(off)).any() else float("nan")


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's correlation of two columns, (n,); NaN with fewer than three pairs, or where one does not vary."""
    both = ~np.isnan(one + other)
    if both.sum() < FEWEST or np.ptp(one[both]) == 0 or np.ptp(other[both]) == 0:
        return float("nan")
    return float(np.corrcoef(one[both], other[both])[0, 1])


def means_of_others(values: Floats) -> Floats:
    """For each value the mean of all others, (n,); NaN where no other is known."""
    known = ~np.isnan(values)
    total, n = np.where(known, values, 0.0).sum(), known.sum()
    left, own = n - known, np.where(known, values, 0.0)
    return np.where(left > 0, (total - own) / np.maximum(left, 1), np.nan)


def lines_of_others(covariates: Floats, values: Floats) -> Floats:
    """For each value what a linear regression through all others says, (n,); NaN where the value is not known.

    covariates: (n, k); one that is not known is taken to be the mean
    By the shortcut for least squares, which leaves out one after the other at once: y - (y - line) / (1 - leverage).
    NaN where a service's own value decides the line alone, or fewer services are known than the line has numbers.
    """
    known, predicted = ~np.isnan(values), np.full(len(values), np.nan)
    if known.sum() <= covariates.shape[1] + 1:
        return predicted
    filled = np.where(np.isnan(covariates), np.nan_to_num(mean_of(covariates)), covariates)[known]
    spread = filled.std(axis=0)
    scaled = (filled - filled.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    design = np.column_stack([np.ones(len(scaled)), scaled])
    hat = design @ np.linalg.pinv(design)
    leverage, own = np.diag(hat), values[known]
    others = own - (own - hat @ own) / np.maximum(1 - leverage, 1 - ALL_OF_IT)
    predicted[known] = np.where(leverage < ALL_OF_IT, others, np.nan)
    return predicted


def ratio_of_errors(errors: Floats, rival: Floats, draws: Draws) -> tuple[float, float, float]:
    """The mean absolute error over that of a rival on the same services, with its 95% interval over services.

    errors, rival: absolute errors, (n,); pairs with a NaN are left out
    The interval is that of the percentiles of 2,000 resamples of the services, drawn with replacement. NaN with no pair, or
    where the rival makes no error.
    """
    both = ~np.isnan(errors + rival)
    ours, theirs = errors[both], rival[both]
    n = len(ours)
    if n == 0 or theirs.sum() == 0:
        return float("nan"), float("nan"), float("nan")
    chosen = (draws.uniform("service_again", np.arange(RESAMPLES * n, dtype=np.int64)) * n).astype(np.int64)
    top, under = (column[chosen].reshape(RESAMPLES, n).sum(axis=1) for column in (ours, theirs))
    low, high = np.quantile(top[under > 0] / under[under > 0], MIDDLE)
    return float(ours.sum() / theirs.sum()), float(low), float(high)
