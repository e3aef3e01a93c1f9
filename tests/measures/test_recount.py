"""Every measure, for every base and group, against a second count by other means (recount.py): nothing is left out."""

import numpy as np
import pytest

from caseload_sim.experiments.replicate import simulate
from caseload_sim.measures.measure import measure
from caseload_sim.measures.service import over_time
from caseload_sim.measures.simulation import Simulation
from recount import days_held_and_waiting, recount, same
from small_services import CASES, scenario_of


@pytest.fixture(scope="module", params=list(CASES))
def simulation(request: pytest.FixtureRequest) -> Simulation:
    return simulate(scenario_of(request.param))


def test_every_row_of_the_table_is_what_a_second_count_finds(simulation: Simulation) -> None:
    got, expected = measure(simulation), recount(simulation)
    assert set(got) == set(expected), sorted(set(got) ^ set(expected))[:5]
    wrong = [(key, tuple(got[key]), expected[key]) for key in got if not same(got[key], expected[key])]
    assert not wrong, f"{len(wrong)} of {len(got)} rows, such as {wrong[:3]}"
    assert len(got) > 5000


def test_the_days_of_lists_and_places_are_what_a_second_count_finds(simulation: Simulation) -> None:
    got, scenario = over_time(simulation), simulation.scenario
    held, waiting = days_held_and_waiting(simulation, 0, scenario.run.horizon_days)
    staffed = simulation.capacity.staffed
    assert staffed is not None
    assert len(got) == 2 * len(scenario.steps)
    for s, name in enumerate(scenario.steps):
        assert got["waiting_list", name].tolist() == waiting[s]
        shares = [n / places if places else np.nan for n, places in zip(held[s], staffed[:, s].tolist(), strict=True)]
        assert np.allclose(got["utilisation", name], shares, rtol=1e-12, equal_nan=True)
