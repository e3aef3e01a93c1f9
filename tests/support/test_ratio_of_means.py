"""A ratio of means and Fieller's interval: by hand, by what defines it, and where there is no ratio to speak of."""

import numpy as np
import pytest
from scipy import stats

from caseload_sim.definitions.measures import MEASURES, MIDDLE, RATIO_OF_MEANS
from caseload_sim.definitions.quantities import Quantity, Value
from caseload_sim.measures.summary import summarise, values_by_replication
from caseload_sim.measures.table import table_of
from caseload_sim.support.statistics import as_if_means, half_widths, mean_of, ratio_of_means

MONEY, GAINED = np.array([[90.0], [110.0], [100.0], [104.0]]), np.array([[9.0], [12.0], [10.0], [13.0]])
KEY = Quantity("cost_per_extra_recovery", "finished", "end", "", "all")


def test_the_ratio_is_that_of_the_sums_and_not_the_mean_of_ratios() -> None:
    ratio = ratio_of_means(MONEY, GAINED)[0][0]
    assert ratio == pytest.approx(404 / 44)
    assert ratio != pytest.approx((MONEY / GAINED).mean(), rel=1e-3)


def test_at_the_ends_of_the_interval_the_mean_of_what_is_left_is_just_one_t_interval_from_0() -> None:
    """What defines Fieller's interval; that of one more pair, where one more of what is left would just be."""
    _, low, high, lowest, highest = (column[0] for column in ratio_of_means(MONEY, GAINED))
    t, n = stats.t.ppf(0.975, 3), 4
    for end, factor in ((low, 1 / n), (high, 1 / n), (lowest, 1 + 1 / n), (highest, 1 + 1 / n)):
        left = MONEY - end * GAINED
        assert abs(left.mean()) == pytest.approx(t * left.std(ddof=1) * np.sqrt(factor))
    assert lowest < low < 404 / 44 < high < highest


def test_with_denominators_that_do_not_vary_it_is_the_t_interval() -> None:
    """Ratios 9, 11, 10 of tens: mean 10, SD 1, t(2, .975) = 4.3027."""
    _, low, high, *_ = ratio_of_means(np.array([[90.0], [110.0], [100.0]]), np.full((3, 1), 10.0))
    assert high[0] - 10 == pytest.approx(4.302652729911275 / np.sqrt(3))
    assert 10 - low[0] == pytest.approx(4.302652729911275 / np.sqrt(3))


@pytest.mark.parametrize(
    "gained", [[1.0, -1.0, 2.0, -2.0], [1.0, -1.0, 3.0, 0.5], [-9.0, -10.0, -11.0, -9.0], [0.0] * 4]
)
def test_there_is_no_ratio_where_the_denominator_may_be_0_or_less(gained: list[float]) -> None:
    """Two clear cases, one clearly harmful, and one of nothing at all: no number is printed for any."""
    assert all(np.isnan(column[0]) for column in ratio_of_means(MONEY, np.array(gained)[:, None]))
    assert np.isnan(as_if_means(MONEY, np.array(gained)[:, None])).all()


def test_one_pair_has_a_ratio_without_an_interval_unless_nothing_is_gained() -> None:
    ratio, *bounds = ratio_of_means(MONEY[:1], GAINED[:1])
    assert ratio[0] == 10
    assert np.isnan(bounds).all()
    assert np.isnan(ratio_of_means(MONEY[:1], -GAINED[:1])[0][0])


def test_the_interval_covers_the_true_ratio_as_often_as_it_says() -> None:
    """Four thousand samples of eight pairs with a ratio of 5: 95% but for three standard errors."""
    rng = np.random.default_rng(7)
    bottom = rng.normal(10, 3, (8, 4000))
    top = 30 + 2 * bottom + rng.normal(0, 3, bottom.shape)
    ratio, low, high, *_ = ratio_of_means(top, bottom)
    assert np.isnan(ratio).mean() < 0.01
    covered = (low <= 5) & (high >= 5)
    assert covered[~np.isnan(ratio)].mean() == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 4000))


def test_one_replication_each_has_a_number_whose_mean_is_the_ratio_and_whose_spread_is_its_own() -> None:
    rng = np.random.default_rng(3)
    bottom = rng.normal(1000, 20, (50, 1))
    top = 3 * bottom + rng.normal(0, 60, bottom.shape)
    numbers = as_if_means(top, bottom)
    ratio, low, high, *_ = ratio_of_means(top, bottom)
    assert mean_of(numbers)[0] == pytest.approx(ratio[0], rel=1e-12)
    assert 2 * half_widths(numbers)[0][0] == pytest.approx(high[0] - low[0], rel=0.01)


def test_which_measures_are_ratios_of_means() -> None:
    said = {one.name for one in MEASURES if one.over_replications == RATIO_OF_MEANS}
    assert said == {one.name for one in MEASURES if one.name.startswith("cost_per_extra_")} | {"cost_per_qaly"}
    assert len(said) == 5
    assert {one.over_replications for one in MEASURES} == {"mean", RATIO_OF_MEANS, MIDDLE}


def test_a_row_of_such_a_measure_counts_every_replication_even_those_without_a_value() -> None:
    """In one of ten years the service adds nothing: that year's money is spent all the same."""
    money, gained = [100.0] * 10, [10.0, 12.0, 9.0, 11.0, 10.0, 8.0, 12.0, 11.0, 10.0, 0.0]
    tables = [table_of({KEY: Value(m, g, m / g if g else np.nan)}) for m, g in zip(money, gained, strict=True)]
    (row,) = summarise("x", tables)
    assert (row.numerator, row.denominator, row.n_replications) == (100, 9.3, 10)
    assert row.value == pytest.approx(1000 / 93)
    assert row.lower_95_ci < row.value < row.upper_95_ci
    assert values_by_replication(tables)[:, 0].mean() == pytest.approx(row.value)


def test_a_row_whose_denominator_may_be_0_has_no_value_and_says_what_was_found() -> None:
    tables = [table_of({KEY: Value(100.0, g, 100.0 / g)}) for g in (1.0, 30.0)]
    (row,) = summarise("x", tables)
    assert np.isnan([row.value, row.lower_95_ci, row.upper_95_ci, row.lower_95_range, row.upper_95_range]).all()
    assert (row.numerator, row.denominator, row.n_replications) == (100, 15.5, 2)
