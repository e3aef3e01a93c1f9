"""The middle of few years: an interval that holds it however skewed they are, for standards, waits and lists."""

import numpy as np
import pytest
from scipy.stats import binom

from caseload_sim.definitions.measures import MIDDLE, all_measures
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.experiments.replicate import Summary, replicate
from caseload_sim.experiments.settings import with_run
from caseload_sim.measures.rows import place_of
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.support.statistics import half_widths, lowest, mean_of, middle

RNG = np.random.default_rng(5)
BATCHES, YEARS = 50, 5


def test_the_middle_by_hand() -> None:
    found, low, high = middle(np.array([[3.0, 1, 5], [1, np.nan, 5], [2, 3, 5], [9, np.nan, 5], [4, np.nan, 5]]))
    assert found.tolist() == [3, 2, 5]
    assert (low[0], high[0]) == (1, 9), "five: the smallest and the largest"
    assert (low[2], high[2]) == (5, 5)
    half = half_widths(np.array([[1.0], [3.0]]))[0][0]
    assert (low[1], high[1]) == pytest.approx((2 - half, 2 + half)), "two: the t interval"


def test_one_value_and_none_have_no_interval() -> None:
    found, low, high = middle(np.array([[7.0, np.nan]]))
    assert found[0] == 7
    assert np.isnan(found[1])
    assert np.isnan([*low, *high]).all()
    assert np.isnan(lowest(np.array([[np.nan, 2.0], [np.nan, 1.0]]))[0])


@pytest.mark.parametrize("n", [*range(6, 40), 100, 251])
def test_places_in_order_hold_the_middle_as_often_as_the_binomial_says(n: int) -> None:
    _, low, high = middle(np.arange(n, dtype=float)[:, None])
    k = round(low[0]) + 1
    assert high[0] == n - k
    assert 1 - 2 * binom.cdf(k - 1, n, 0.5) >= 0.95
    assert 1 - 2 * binom.cdf(k, n, 0.5) < 0.95, "and no nearer places do"


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 20])
def test_rare_bad_years_do_not_deceive(n: int) -> None:
    """One year in six is bad. The t interval of the mean holds the mean of all far too seldom; this holds their middle."""
    years = RNG.normal(0.92, 0.003, (n, 20_000)) - (RNG.random((n, 20_000)) < 1 / 6) * RNG.exponential(
        0.05, (n, 20_000)
    )
    found, low, high = middle(years)
    truth = np.median(years)
    assert np.mean((low <= truth) & (truth <= high)) >= 0.9
    assert np.all((low <= found) & (found <= high))
    if n == YEARS:
        assert np.mean(np.abs(mean_of(years) - years.mean()) <= half_widths(years)[0]) < 0.7


@pytest.fixture(scope="module")
def many_years() -> Summary:
    """A service whose few assessors fall behind when two of them leave at once, over 250 years."""
    few = {
        "demand.referrals_per_year": 600,
        "staff.assessor.wte": 1.5,
        "run.warm_up_days": 120,
        "run.data_collection_days": 200,
    }
    return replicate(with_run(get_scenario("hepgul_2016", changes=few), 11, BATCHES * YEARS))


FIGURES = (
    Quantity("first_contact_within_6_weeks", "started", "", "", "all"),
    Quantity("first_contact_within_18_weeks", "started", "", "", "all"),
    Quantity("second_contact_over_90_days", "finished", "", "", "all"),
    Quantity("first_contact_days_mean", "started", "", "", "all"),
    Quantity("second_contact_days_mean", "finished", "", "", "all"),
    Quantity("waiting_list", "all", "", "", "step=assessment"),
    Quantity("waiting_list", "all", "", "", "step=high_intensity"),
)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda one: f"{one.measure} {one.group}")
def test_the_interval_of_five_years_holds_the_middle_year_in_nine_of_ten_batches(
    figure: Quantity, many_years: Summary
) -> None:
    """For standards, waits and lists of a real queue, in 50 batches of five replications."""
    values = many_years.values[:, place_of(many_years.rows, figure)]
    truth = np.nanmedian(values)
    held = 0
    for batch in values.reshape(BATCHES, YEARS):
        _, low, high = middle(batch[:, None])
        held += bool(low[0] <= truth <= high[0])
    assert held >= 0.9 * BATCHES
    row = many_years.find(figure.measure, base=figure.base, group=figure.group)
    assert row.value == pytest.approx(truth)


def test_a_run_reports_the_middle_of_waits_and_the_mean_of_all_else() -> None:
    five = replicate(with_run(get_scenario("hepgul_2016", changes={"demand.referrals_per_year": 200}), 11, YEARS))
    for measure in ("first_contact_within_6_weeks", "waiting_list", "recovery", "contacts_mean"):
        rows = [i for i, row in enumerate(five.rows) if row.measure == measure]
        for i in rows:
            values, row = five.values[:, i], five.rows[i]
            if np.isnan(values).any():
                continue
            is_middle = all_measures()[measure].over_replications == MIDDLE
            assert is_middle == (measure in ("first_contact_within_6_weeks", "waiting_list"))
            assert row.value == pytest.approx(np.median(values) if is_middle else values.mean())
            if is_middle:
                assert (row.lower_95_ci, row.upper_95_ci) == pytest.approx((values.min(), values.max()))
                assert row.lower_95_range <= values.min()
                assert row.upper_95_range >= values.max()
