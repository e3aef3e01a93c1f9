"""Every measure, for every base and group, against a second count by other means (recount.py): nothing is left out."""

import numpy as np
import pytest

from caseload_sim.catalogue import get_scenario
from caseload_sim.counted import Simulation
from caseload_sim.experiment import simulate
from caseload_sim.measures import measure, over_time
from caseload_sim.scenario import Scenario
from recount import days_held_and_waiting, recount, same

SMALLER: dict[str, float | str | bool] = {
    "demand.referrals_per_year": 800,
    "run.warm_up_days": 150,
    "run.data_collection_days": 150,
    "run.follow_up_days": 500,
}
# What makes rows that the default scenario leaves empty or hides: costs by staff, no weekends off, nobody on a list at
# opening, a cut in mid-flow, no contacts at all, one step of treatment, hardly anybody. The quickest are first, because the
# first that fails is all that mutation.py waits for.
CASES: dict[str, dict[str, float | str | bool]] = {
    "hepgul_2016, a single day, one referral in a hundred": {"run.data_collection_days": 1, "demand.referrals_per_year": 60},
    "hepgul_2016, by staff, cut in mid-flow": {
        "costs.basis": "wte", "run.follow_up_days": 0, "run.weekends_off": False, "start.running": False,
    },
    "no_service": {},
    "hepgul_2016": {},
    "trial_world": {},
    "telephone_first": {"costs.report_year": 2012},
    "national_2024_25": {"costs.basis": "wte", "pathway.returns.chance": 0.9, "pathway.returns.delay_days_mean": 60},
}  # fmt: skip


def scenario_of(case: str) -> Scenario:
    """Staff in proportion to the fewer referrals, so that clients wait as long."""
    scenario = get_scenario(case.split(",")[0])
    changes = {**SMALLER, **CASES.get(case, {})}
    factor = float(changes["demand.referrals_per_year"]) / scenario.demand.referrals_per_year.value
    staff = {f"staff.{kind}.wte": max(one.wte.value * factor, 0.3) for kind, one in scenario.staff.items()}
    return scenario.with_changes({**staff, **changes})


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
