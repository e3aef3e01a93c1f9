"""Which days of a simulation are working days: Monday to Friday, less the bank holidays of England."""

from datetime import date
from functools import cache

import numpy as np
from numpy.typing import NDArray

from caseload_sim.scenario import Scenario

Dates = NDArray[np.datetime64]


def dates(scenario: Scenario) -> Dates:
    """The date of each day from opening to the horizon, (days,) datetime64[D]."""
    return np.datetime64(scenario.run.opens, "D") + np.arange(scenario.run.horizon_days)


def working_days(scenario: Scenario) -> NDArray[np.bool_]:
    """Whether clients may start on each day from opening to the horizon, (days,) bool.

    All of them with `run.weekends_off = false`; otherwise neither weekends nor bank holidays, nor the days given instead
    of a bank holiday that falls on a weekend.
    """
    days = dates(scenario)
    if not scenario.run.weekends_off or not len(days):
        return np.ones(len(days), dtype=bool)
    first, last = scenario.run.opens.year, int(str(days[-1])[:4])
    return np.asarray(np.is_busday(days, holidays=bank_holidays(first, last)))


@cache
def bank_holidays(first_year: int, last_year: int) -> Dates:
    """Dates of England's bank holidays in these years, both included, ascending, datetime64[D].

    As the package `holidays` has them: by rule, with the single days that were proclaimed (2022: the Jubilee, a funeral).
    """
    from holidays import country_holidays  # a tenth of a second, which `--help` need not wait for

    found: list[date] = sorted(country_holidays("GB", subdiv="ENG", years=range(first_year, last_year + 1)))
    return np.array(found, dtype="datetime64[D]")
