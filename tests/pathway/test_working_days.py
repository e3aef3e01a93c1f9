"""Working days: weekends and England's bank holidays, with substitute days."""

import numpy as np
import pytest

from caseload_sim.pathway.working_days import BANK_HOLIDAYS, bank_holidays, dates, working_days
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from renew_bank_holidays import by_the_package, by_year


def calendar_year(year: int, **changes: object) -> Scenario:
    days = 366 if year % 4 == 0 else 365  # true from 1904 to 2096
    run = {"run.warm_up_days": 0, "run.data_collection_days": days, "run.follow_up_days": 0}
    return get_scenario(changes={"run.opens": f"{year}-01-01", **run, **changes})


# As proclaimed and published on gov.uk: the weekdays of the year on which the country did not work.
WEEKDAYS_OFF = {
    2020: "01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28",  # early May moved to VE day; Boxing Day fell on a Saturday
    2021: "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28",  # Christmas on a Saturday: both days moved
    2022: "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27",  # Jubilee and the Queen's funeral
    2023: "01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26",  # coronation
    2024: "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26",
    2025: "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26",
}


@pytest.mark.parametrize("year", list(WEEKDAYS_OFF))
def test_the_days_off_are_weekends_and_the_published_bank_holidays(year: int) -> None:
    scenario = calendar_year(year)
    days, working = dates(scenario), working_days(scenario)
    weekday = (days.astype("datetime64[D]").astype(int) + 3) % 7 < 5  # day 0 of 1970 was a Thursday
    off = [str(day)[5:] for day in days[weekday & ~working]]
    assert off == WEEKDAYS_OFF[year].split()
    assert not working[~weekday].any()


def test_easter_moves_as_the_church_reckons_it() -> None:
    """Easter Sundays by the published tables: early in 2008, as late as can be in 2038."""
    for easter in ("2008-03-23", "2011-04-24", "2016-03-27", "2038-04-25"):
        sunday = np.datetime64(easter)
        year = int(easter[:4])
        assert {sunday - 2, sunday + 1} <= set(bank_holidays(year, year))


def test_a_leap_year_has_its_29th_of_february() -> None:
    scenario = calendar_year(2024)
    days, working = dates(scenario), working_days(scenario)
    assert working[days == np.datetime64("2024-02-29")].all()
    assert working.sum() == 366 - 104 - 8


def test_a_holiday_on_the_last_day_of_all_is_one_too() -> None:
    """Monday and Tuesday before a New Year's Day, on which the run ends, and which is the only day of its year."""
    run = {"run.opens": "2024-12-30", "run.warm_up_days": 0, "run.data_collection_days": 3, "run.follow_up_days": 0}
    assert working_days(get_scenario(changes=run)).tolist() == [True, True, False]


def test_weekends_may_be_worked() -> None:
    assert working_days(calendar_year(2024, **{"run.weekends_off": False})).all()


def test_every_year_of_the_calendar_has_eight_bank_holidays_and_what_was_proclaimed_beside_them() -> None:
    """Royal weddings in 1981 and 2011, the millennium in 1999, jubilees in 2002, 2012 and 2022, funeral and coronation."""
    off = bank_holidays(1978, 2100)
    years = off.astype("datetime64[Y]").astype(int) + 1970
    weekdays_off = {year: int(np.sum(np.is_busday(off) & (years == year))) for year in range(1978, 2101)}
    more = {year: number for year, number in weekdays_off.items() if number != 8}
    assert more == {1981: 9, 1999: 9, 2002: 9, 2011: 9, 2012: 9, 2022: 10, 2023: 9}


def test_the_kept_file_is_what_the_package_says() -> None:
    """If a newer version of `holidays` knows of another day: python tests/renew_bank_holidays.py."""
    assert BANK_HOLIDAYS.read_text(encoding="ascii") == by_year(by_the_package())


def test_they_are_known_for_the_two_years_before_the_first_opening() -> None:
    assert str(bank_holidays(1976, 1976)[0]) == "1976-01-01"
    assert str(bank_holidays(2100, 2100)[-1]) == "2100-12-28"
