"""Which days of a simulation are working days: Monday to Friday, less the bank holidays of England."""

from datetime import date
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import read_only

BANK_HOLIDAYS = Path(__file__).with_name("bank_holidays.txt")
Dates = NDArray[np.datetime64]


def dates(scenario: Scenario) -> Dates:
    """The date of each day from opening to the horizon, (days,) datetime64[D], which cannot be written to."""
    return dates_from(scenario.run.opens, scenario.run.horizon_days)


@lru_cache(maxsize=64)
def dates_from(opens: date, n_days: int) -> Dates:
    """So many dates from one on, (n_days,) datetime64[D], which cannot be written to."""
    return read_only(np.datetime64(opens, "D") + np.arange(n_days))


def working_days(scenario: Scenario) -> NDArray[np.bool_]:
    """Whether clients may start on each day from opening to the horizon, (days,) bool, which cannot be written to.

    All of them with `run.weekends_off = false`; otherwise neither weekends nor bank holidays, nor the days given instead
    of a bank holiday that falls on a weekend.
    """
    return _working_days(scenario.run.opens, scenario.run.horizon_days, scenario.run.weekends_off)


@lru_cache(maxsize=64)
def _working_days(opens: date, n_days: int, weekends_off: bool) -> NDArray[np.bool_]:
    days = dates_from(opens, n_days)
    if not weekends_off or not n_days:
        return read_only(np.ones(n_days, dtype=bool))
    return read_only(np.is_busday(days, holidays=bank_holidays(opens.year, int(str(days[-1])[:4]))))


@cache
def bank_holidays(first_year: int, last_year: int) -> Dates:
    """Dates of England's bank holidays in these years, both included, ascending, datetime64[D].

    By rule, with the single days that were proclaimed (2022: the Jubilee, a funeral); bank_holidays.txt is made by
    tests/renew_bank_holidays.py.
    """
    every = np.array(BANK_HOLIDAYS.read_text(encoding="ascii").split(), dtype="datetime64[D]")
    return every[slice(*np.searchsorted(every, np.array([f"{first_year}", f"{last_year + 1}"], dtype="datetime64[D]")))]
