"""How many clients are referred on each day: months as counted, else by the year, growth and shocks; and the draw of them."""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.times import MONTHS_PER_YEAR
from caseload_sim.draws.distributions import counts_from_uniform
from caseload_sim.draws.streams import Draws
from caseload_sim.pathway.working_days import Dates, dates, dates_from
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Floats, read_only

DAYS_PER_YEAR = 365
POOL_DAYS = 2 * DAYS_PER_YEAR  # before opening, whose referrals make a running start; few are with a service for longer
IDS_OF_A_MONTH = 2**20  # of referrals in a counted month, which are at most a million


def referrals_per_day(scenario: Scenario) -> Floats:
    """Mean number of referrals on each day from opening to the horizon, (days,) float64, >= 0.

    With seasons, a calendar month has its share of the yearly number, spread evenly over its days: weekends too, since
    most clients refer themselves. So each calendar year, leap or not, has the yearly number. Without seasons a day has a
    365th of it. Growth counts from the middle of data collection, month by month; shocks multiply, also with each other.
    A month in `demand.monthly_referrals` has the number counted instead, whatever growth and shocks there are.
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
    for number, referrals in demand.counted().items():
        per_day = np.where(month == number, referrals / days_in_it, per_day)
    return np.asarray(per_day, dtype=np.float64)


def referral_days(
    scenario: Scenario, draws: Draws, *, n_days: int | None = None, first_id: int = 0
) -> NDArray[np.int32]:
    """Day of each referral, ascending, (n,) int32: a Poisson number each day, but in a counted month as many as counted.

    n_days: from opening on; the whole horizon if None
    first_id: the position of day 0 in the stream of draws
    """
    per_day = referrals_per_day(scenario)[:n_days]
    month = _calendar(scenario.run.opens, scenario.run.horizon_days)[0][:n_days]
    counted = np.isin(month, [*scenario.demand.counted()])
    days = np.arange(len(per_day), dtype=np.int64)
    counts = counts_from_uniform(draws.uniform("referrals", first_id + days), np.where(counted, 0, per_day))
    drawn = np.repeat(days, counts)
    if counted.any():
        drawn = np.sort(np.concatenate([drawn, *_days_of_counted(scenario, draws, len(days))]))
    return drawn.astype(np.int32)


def _days_of_counted(scenario: Scenario, draws: Draws, n_days: int) -> Iterator[NDArray[np.int64]]:
    """The days of referral in each counted month, as far as they are within `n_days` of opening.

    Each referral of a month has a date drawn for it, the same one whenever the service opens. So a month that is partly
    before opening has the rest of its referrals there, and one more counted moves no other. A number that is not whole,
    such as 10.3, is 11 in three of ten replications.
    """
    opens = np.datetime64(scenario.run.opens, "D")
    for number, referrals in scenario.demand.counted().items():
        first = np.array(number).astype("datetime64[M]")
        begins = int((first.astype("datetime64[D]") - opens).astype(np.int64))
        length = int(_days_in(first))
        if begins + length <= 0 or begins >= n_days:
            continue
        one_more = draws.uniform("referral_counted", np.array([number], dtype=np.int64))[0] < referrals % 1
        ids = number * IDS_OF_A_MONTH + np.arange(int(referrals) + int(one_more), dtype=np.int64)
        days = begins + np.floor(draws.uniform("referral_date", ids) * length).astype(np.int64)
        yield days[(days >= 0) & (days < n_days)]


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
