"""Other structures of the outcome model: what each changes, and what becomes of a scenario under it."""

import pytest

from caseload_sim.outcomes.structures import Structure, all_structures, under
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.scenario import Scenario

FULL_COURSE, SHIFT = "outcome.treatment.full_course", "outcome.treatment.severity_shift"
SOME = Structure("some", "for tests", {FULL_COURSE: 0.30, SHIFT: 0.50}, {"outcome.remission.usual_care": 1.5}, 0.0)


def values_of(scenario: Scenario) -> dict[str, float]:
    """Every number by its path."""
    return {path: number.value for path, number, _ in numbers(scenario)}


@pytest.fixture(scope="module")
def default() -> Scenario:
    return get_scenario()


def test_at_least_twelve_are_shipped_each_with_its_own_fit(default: Scenario) -> None:
    structures, known = all_structures(), values_of(default)
    assert len({one.name for one in structures}) == len(structures) >= 12
    for one in structures:
        assert one.meaning
        assert one.loss > 0
        assert one.fitted
        assert set(one.values) <= set(known), one.name
        assert not set(one.changes) & set(one.fitted), one.name
        assert one.changes or one.smaller_effects != 1, f"{one.name} changes nothing"


@pytest.mark.parametrize("one", all_structures(), ids=lambda one: one.name)
def test_a_scenario_as_shipped_takes_the_values_of_a_structure(default: Scenario, one: Structure) -> None:
    """As `with_changes` gives them, which checks the whole scenario anew."""
    assert values_of(under(default, one)) == values_of(default.with_changes(one.values))


def test_half_an_effect_stays_half_an_effect(default: Scenario) -> None:
    usual = values_of(default)[FULL_COURSE]
    halved = default.with_changes({FULL_COURSE: usual / 2})
    found = values_of(under(halved, SOME))
    assert found[FULL_COURSE] == pytest.approx(0.15)
    assert found["outcome.remission.usual_care"] == 1.5  # not changed by the scenario, so as the structure has it
    expected = default.with_changes({**SOME.values, FULL_COURSE: found[FULL_COURSE]})
    assert found == values_of(expected)


def test_no_effect_stays_none(default: Scenario) -> None:
    assert values_of(under(default.with_changes({FULL_COURSE: 0}), SOME))[FULL_COURSE] == 0


def test_what_is_nothing_by_default_is_added_to(default: Scenario) -> None:
    """There is no multiple of nothing: a scenario's own shift and that of the structure add up."""
    assert values_of(default)[SHIFT] == 0
    assert values_of(under(default, SOME))[SHIFT] == 0.50
    assert values_of(under(default.with_changes({SHIFT: 0.20}), SOME))[SHIFT] == pytest.approx(0.70)


def test_nothing_else_is_changed_and_the_scenario_itself_stays(default: Scenario) -> None:
    before = values_of(default)
    found = values_of(under(default, SOME))
    assert {path for path, value in found.items() if value != before[path]} == set(SOME.values)
    assert values_of(default) == before
