"""How many clients are referred on each day: the yearly number by months, growth and shocks, and the draw from it."""

from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from caseload_sim.draws.distributions import counts_from_uniform
from caseload_sim.draws.streams import Draws
from caseload_sim.pathway.working_days import Dates, dates, dates_from
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Floats, read_only

DAYS_PER_YEAR = 365
POOL_DAYS = 2 * DAYS_PER_YEAR  # before opening, whose referrals make a running start; few are with a service for longer
MONTHS_PER_YEAR = 12


def referrals_per_day(scenario: Scenario) -> Floats:
    """Mean number of referrals on each day from opening to the horizon, (days,) float64, >= 0.

    With seasons, a calendar month has its share of the yearly number, spread evenly over its days: weekends too, since
    most clients refer themselves. So each calendar year, leap or not, has the yearly number. Without seasons a day has a
    365th of it. Growth counts from the middle of data collection, month by month; shocks multiply, also with each other.
    """
    demand, days = scenario.demand, dates(scenario)
    month, days_in_it = _calendar(scenario.run.opens, scenario.run.horizon_days)
    if demand.seasonal:
        index = np.array(demand.monthly_index.values())
        share = index / index.sum()
        per_day = demand.referrals_per_year.value * share[month % MONTHS_PER_YEAR] / days_in_it
    else:
        per_day = np.full(len(days), demand.referrals_per_year.value / DAYS_PER_YEAR)
    if demand.growth_per_year.value:
        years = (month + 0.5 - _middle_of_data_collection(scenario)) / MONTHS_PER_YEAR
        per_day = per_day * (1 + demand.growth_per_year.value) ** years
    for shock in demand.shocks.values():
        within = (days >= np.datetime64(shock.from_date)) & (days <= np.datetime64(shock.to_date))
        per_day = np.where(within, per_day * shock.factor.value, per_day)
    return np.asarray(per_day, dtype=np.float64)


def referral_days(scenario: Scenario, draws: Draws) -> NDArray[np.int32]:
    """Day of each referral, ascending, (n,) int32; a Poisson number each day."""
    per_day = referrals_per_day(scenario)
    days = np.arange(len(per_day), dtype=np.int64)
    counts = counts_from_uniform(draws.uniform("referrals", days), per_day)
    return np.repeat(days, counts).astype(np.int32)


@lru_cache(maxsize=64)
def _calendar(opens: date, n_days: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The month of each day as a number, and how many days it has."""
    months = dates_from(opens, n_days).astype("datetime64[M]")
    return read_only(_number(months)), read_only(_days_in(months))


def _number(months: Dates) -> NDArray[np.int64]:
    """Months since January 1970, so that January is 0 modulo 12."""
    return np.asarray(months.astype(np.int64))


def _days_in(months: Dates) -> NDArray[np.int64]:
    return np.asarray(
        ((months + np.timedelta64(1, "M")).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    )


def _middle_of_data_collection(scenario: Scenario) -> float:
    """The middle of the data collection period, in months since January 1970."""
    run = scenario.run
    day = np.datetime64(run.opens, "D") + np.array([run.warm_up_days + run.data_collection_days // 2])
    month = day.astype("datetime64[M]")
    into = (day - month.astype("datetime64[D]")).astype(np.int64)
    return float((_number(month) + into / _days_in(month))[0])
