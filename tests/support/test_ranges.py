"""Ranges hold what they say: of values drawn from a known distribution, the next one falls in 95 times in 100."""

import numpy as np
import pytest

from caseload_sim.analysis.audit import _audited
from caseload_sim.definitions.quantities import Quantity, Value
from caseload_sim.measures.summary import summarise
from caseload_sim.measures.table import table_of
from caseload_sim.support.statistics import half_widths, likely_means, range_of_one_more

TIMES = 20_000
DISTRIBUTIONS = {
    "normal": lambda rng, shape: rng.normal(0.4, 0.05, shape),
    "uniform": lambda rng, shape: rng.uniform(0.2, 0.6, shape),
    "skewed": lambda rng, shape: rng.gamma(4, 0.1, shape),
}
# Of how many values, of which distribution, how many of 100 the range holds at least. Fewer than 39 say too little of the
# form of a distribution, so that of a skewed one a point or so is missing.
CASES = [
    *((n, "normal", 94.4) for n in (2, 3, 5, 10, 20, 38, 39, 40, 100)),
    *((n, "uniform", 94.4) for n in (5, 20, 39, 100)),
    *((n, "skewed", 92.5) for n in (5, 20, 38)),
    *((n, "skewed", 94.4) for n in (39, 100)),
]


@pytest.mark.parametrize(("n", "distribution", "least"), CASES)
def test_the_next_value_falls_into_the_range_95_times_in_100(n: int, distribution: str, least: float) -> None:
    """With a standard error of 0.15 points, four of which are allowed for."""
    draws = DISTRIBUTIONS[distribution](np.random.default_rng(n), (n + 1, TIMES))
    low, high = range_of_one_more(draws[:-1])
    held = 100 * np.mean((low <= draws[-1]) & (draws[-1] <= high))
    assert held >= least
    assert held <= 95.6 or distribution == "uniform", "nor is it wider than it says"


def test_quantiles_of_twenty_would_hold_less() -> None:
    """What the range was before: the reason for the other."""
    draws = np.random.default_rng(1).normal(size=(21, TIMES))
    low, high = np.quantile(draws[:-1], [0.025, 0.975], axis=0)
    assert np.mean((low <= draws[-1]) & (draws[-1] <= high)) < 0.88


def test_missing_values_are_left_out_and_one_alone_has_no_range() -> None:
    values = np.random.default_rng(2).normal(size=(30, 3))
    with_gaps = values.copy()
    with_gaps[10:, 1] = np.nan
    with_gaps[1:, 2] = np.nan
    low, high = range_of_one_more(with_gaps)
    short_low, short_high = range_of_one_more(values[:10])
    assert (low[1], high[1]) == pytest.approx((short_low[1], short_high[1]))
    assert np.isnan([low[2], high[2]]).all()
    assert low[0] < values[:, 0].mean() < high[0]


@pytest.mark.parametrize(("n_years", "n_clients"), [(2, 90), (5, 90), (5, 100_000), (20, 100_000)])
def test_95_of_100_audits_fall_where_it_says(n_years: int, n_clients: int) -> None:
    """Years differ, and a few of them tell little of how much: an audit of very many clients shows it."""
    rng = np.random.default_rng(n_years)
    held = []
    for _ in range(1_500):
        years = rng.normal(0.4, 0.03, n_years + 1)
        found = rng.binomial(n_clients, years[-1]) / n_clients
        low, high, _ = _audited(years[:-1], n_clients, 0.4)
        held.append(low <= found <= high)
    assert 100 * np.mean(held) >= 95 - 4 * 0.56, "four standard errors"
    assert 100 * np.mean(held) <= 98.5 or n_years == 2, "of two years, nobody knows how much they differ"


def test_likely_means_have_the_spread_of_a_prediction() -> None:
    shares = np.array([0.3, 0.35, 0.4, 0.42])
    likely = likely_means(shares, 100_000)
    low, high = np.quantile(likely, [0.025, 0.975])
    wide = half_widths(shares[:, None])[1][0]
    assert (low, high) == pytest.approx((shares.mean() - wide, shares.mean() + wide), abs=1e-3)
    assert likely_means(shares[:1]).tolist() == [0.3]


def test_the_range_of_every_row_holds_one_more_replication() -> None:
    rng, key, held = np.random.default_rng(3), Quantity("contacts_mean", "finished", "", "", "all"), []
    for _ in range(1_500):
        values = rng.normal(8, 0.5, 6)
        (row,) = summarise("x", [table_of({key: Value(float(v), 1.0, float(v))}) for v in values[:-1]])
        held.append(row.lower_95_range <= values[-1] <= row.upper_95_range)
    assert abs(100 * np.mean(held) - 95) <= 4 * 0.56
