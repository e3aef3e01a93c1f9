"""Sourced numbers were entered twice, the second time blind; here the two readings meet."""

import numpy as np
import pytest

from caseload_sim.scenario.catalogue import get_scenario, list_scenarios
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.scenario import Scenario
from second_readings import READINGS, of_the_snapshot, second_readings

# Scenarios that round a published figure on purpose, and say so: path -> value given there.
ROUNDED_ON_PURPOSE = {"population.prevalence.personality_disorder": 0.33}


def test_there_is_a_second_reading() -> None:
    assert "hepgul_2016" in READINGS
    assert len(second_readings("hepgul_2016")) >= 40


@pytest.mark.parametrize("name", list_scenarios())
def test_every_sourced_number_was_read_twice_with_the_same_result(name: str) -> None:
    """Shares agree to 0.06 points, days and contacts to half of the last digit printed."""
    again, scenario = second_readings(name), get_scenario(name)
    if scenario.providers:
        again |= of_the_snapshot(list(scenario.providers.each), 30 * scenario.demand.referrals_per_year.value)
    sourced = [(path, number) for path, number, _ in numbers(scenario) if number.source]
    assert len(sourced) > 20
    for own_path, number in sourced:
        path = own_path if own_path in again else as_in_the_step_it_is_like(scenario, own_path)
        assert path in again, f"{path} has a source but no second reading"
        expected = again[path]["value"]
        if expected == pytest.approx(ROUNDED_ON_PURPOSE.get(path, np.nan), abs=0.02):
            expected = ROUNDED_ON_PURPOSE[path]
        assert number.value == pytest.approx(
            expected, abs=0.0006 if number.value <= 1 else 0.06, rel=half_of_the_fourth_digit(path)
        ), path
        if number.n and "n" in again[path]:
            assert number.n == again[path]["n"], path


def half_of_the_fourth_digit(path: str) -> float:
    """Of providers by name, referrals are given to four digits, so half of the fourth may be missing."""
    return 0.0005 if path.startswith("providers.each.") else 0


def as_in_the_step_it_is_like(scenario: Scenario, path: str) -> str:
    """The path of the same number in the step that a group or internet-guided step stands beside."""
    parts = path.split(".")
    step = scenario.pathway.steps.get(parts[2]) if path.startswith("pathway.steps.") else None
    beside = getattr(step, "instead_of", None)
    return ".".join([*parts[:2], beside, *parts[3:]]) if beside else path
