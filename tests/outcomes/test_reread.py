"""Every column of the outcomes against a second reading, client by client, by other means (reread.py)."""

from dataclasses import fields

import pytest

from caseload_sim.engines.plans import NOT_YET
from caseload_sim.experiments.replicate import simulate
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.contacts import LEFT
from caseload_sim.outcomes.courses import CourseScores
from caseload_sim.outcomes.outcomes import Outcomes
from caseload_sim.outcomes.readings import Reading
from reread import READ, as_lists, reread
from small_services import scenario_of

# The last reads everybody on one day.
CASES = (
    "hepgul_2016", "hepgul_2016, by staff, cut in mid-flow", "national_2024_25", "no_service", "outcome_reference_trial"
)  # fmt: skip
NESTED = ("end", "month_12", "sustained")


@pytest.fixture(scope="module", params=CASES)
def simulation(request: pytest.FixtureRequest) -> Simulation:
    return simulate(scenario_of(request.param))


def different(ours: list[object], theirs: list[object]) -> list[int]:
    return [i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b]


def test_every_outcome_of_every_client_is_what_a_second_reading_finds(simulation: Simulation) -> None:
    plain, readings, by_course = reread(simulation)
    out = simulation.outcomes
    tables = [f.name for f in fields(Outcomes) if f.name not in ("service", "none", "course_scores")]
    assert set(tables) == set(plain)
    for name in tables:
        rows = different(as_lists(getattr(out, name)), plain[name])
        assert not rows, f"{name}: {len(rows)} clients, such as {rows[:3]}"
    contacts, scores = plain["contacts"], zip(plain["first_phq9"], plain["first_gad7"], strict=True)
    assert as_lists(out.ended) == [day != NOT_YET for day in plain["end_day"]]
    assert as_lists(out.started) == [n >= 1 for n in contacts]
    assert as_lists(out.finished) == [n >= 2 for n in contacts]
    assert as_lists(out.at_caseness) == [phq9 >= 10 or gad7 >= 8 for phq9, gad7 in scores]
    for service in ("service", "none"):
        reading = getattr(out, service)
        columns = {f.name: getattr(reading, f.name) for f in fields(Reading) if f.name not in NESTED}
        columns |= {f"{at}:{rung}": flags for at in READ for rung, flags in getattr(reading, at).items()}
        assert set(columns) == set(readings[service])
        for name, column in columns.items():
            rows = different(as_lists(column), readings[service][name])
            assert not rows, f"{service}.{name}: {len(rows)} clients, such as {rows[:3]}"
    ours = sorted(zip(*(as_lists(getattr(out.course_scores, f.name)) for f in fields(CourseScores)), strict=True))
    assert ours == by_course


def test_the_second_reading_meets_what_it_is_there_for() -> None:
    """A test of the test: in the cases taken together, every way of leaving and every kind of move happens."""
    ways: set[str] = set()
    moves: set[str] = set()
    returned = relapsed_and_better = 0
    for case in CASES:
        simulation = simulate(scenario_of(case))
        out = simulation.outcomes
        ways |= {LEFT[code] for code in out.left.tolist()}
        moves |= {name for name in ("stepped_up", "stepped_down") if getattr(out, name).any()}
        returned += int(
            ((simulation.clients.id >= 2**40) & (simulation.clients.id < 2**41) & (out.end_day != NOT_YET)).sum()
        )
        again = out.service.relapsed & out.service.end["all_remission"] & out.service.month_12["all_remission"]
        relapsed_and_better += int(again.sum())
    assert ways == set(LEFT)
    assert moves == {"stepped_up", "stepped_down"}
    assert returned > 10
    assert relapsed_and_better > 10
