"""The seven figures of a backtest as published, and that "next year like this one" misses by what was stated beforehand."""

import numpy as np
import pytest

from caseload_sim.errors import CatalogueError
from caseload_sim.services.published import Published
from caseload_sim.services.rivals import mean_absolute_error
from caseload_sim.services.yearly import YEARLY, full_services, has_full_year, months_of, ratio_of_attended

# Worked out from the published files before this program had a backtest: mean absolute errors over 107 providers.
PERSISTENCE = {
    "first_wait_days": "6.4",
    "within_6_weeks": "5.4",
    "over_90_days": "7.3",
    "high_intensity_wait_days": "18.8",
    "waiting_for_treatment": "315",
    "finished": "632",
    "recovery": "1.8",
}


def test_last_year_misses_this_year_by_what_was_stated() -> None:
    services = full_services(Published(), "2023-24", "2024-25")
    assert len(services) == 107
    assert [one.name for one in YEARLY] == list(PERSISTENCE)
    for one in YEARLY:
        first, second = (
            np.array([one.published(series, months_of(year)) for series in services.values()])
            for year in ("2023-24", "2024-25")
        )
        error = mean_absolute_error(first, second) * (100 if one.unit == "share" else 1)
        assert (f"{error:.0f}" if one.is_count else f"{error:.1f}") == PERSISTENCE[one.name], one.name


MONTHS = months_of("2023-24")


def test_figures_of_a_year_by_hand() -> None:
    """Three months: one lacks the wait, another the recoveries; the list is that of March, which is not there."""
    april, may, june = MONTHS[:3]
    series = {
        "M048": {april: 10.0, june: 20.0}, "M053": {april: 80.0, may: 90.0}, "M076": {april: 100.0, may: 100.0, june: 50.0},
        "M179": {april: 10.0, may: 10.0}, "M191": {april: 40.0, june: 20.0}, "M038": {june: 300.0},
    }  # fmt: skip
    found = {one.name: one.published(series, MONTHS) for one in YEARLY}
    assert found["first_wait_days"] == 15
    assert found["within_6_weeks"] == pytest.approx(0.85)
    assert found["finished"] == 250
    assert found["recovery"] == 60 / 230
    assert np.isnan([found["waiting_for_treatment"], found["over_90_days"], found["high_intensity_wait_days"]]).all()
    assert YEARLY[4].published({"M038": {MONTHS[-1]: 315.0}}, MONTHS) == 315


def test_a_year_is_full_with_something_in_each_month_and_200_courses() -> None:
    months = dict.fromkeys(MONTHS, 5.0)
    assert has_full_year({"M001": months, "M076": {MONTHS[0]: 200.0}}, MONTHS)
    assert not has_full_year({"M001": months, "M076": {MONTHS[0]: 195.0}}, MONTHS)
    assert not has_full_year({"M001": {MONTHS[0]: 9.0}, "M076": {MONTHS[1]: 500.0}}, MONTHS)


def test_appointments_are_compared_in_months_that_both_years_have() -> None:
    """April 100 and 150, May 100 and nothing, June 300 and 250: 400 over 400."""
    before, after = months_of("2023-24"), months_of("2024-25")
    attended = {before[0]: 100.0, before[1]: 100.0, before[2]: 300.0, after[0]: 150.0, after[2]: 250.0}
    assert ratio_of_attended({"M086": attended}, "2023-24", "2024-25") == 1
    assert np.isnan(ratio_of_attended({}, "2023-24", "2024-25"))


@pytest.mark.parametrize("text", ["2023", "2023-25", "2023/24", "23-24", "２０２３-24", "2023-24-25", ""])
def test_what_is_no_year_is_refused(text: str) -> None:
    with pytest.raises(CatalogueError, match="not a financial year"):
        months_of(text)


def test_a_year_that_is_not_published_is_refused() -> None:
    with pytest.raises(CatalogueError, match="2025-26: nothing is published for 2025-04"):
        full_services(Published(), "2024-25", "2025-26")
