"""Who comes back is who relapses, by the rule by which everybody is read, on the day of the relapse; and nobody else."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from caseload_sim.clients.questionnaires import RESIDUAL_PHQ9
from caseload_sim.clients.remission import (
    complexity_of,
    distress_over_by,
    illness_of,
    over_by,
    treatment_given,
    years_to_relapse,
)
from caseload_sim.draws.streams import RETURN_IDS, Draws
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.experiments.replicate import check_engines, simulate
from caseload_sim.measures.simulation import Simulation
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Flags

OFTEN = {"pathway.returns.chance": 1.0, "outcome.relapse.yearly_hazard": 1.5}
SERVICES: dict[str, dict[str, Any]] = {
    "everybody who relapses": {},
    "half of them": {"pathway.returns.chance": 0.5},
    "treatment that gives nothing": {"outcome.treatment.fidelity": 0},
    "hardly anybody gets well": {"outcome.remission.usual_care": 0.05, "outcome.treatment.full_course": 0.05},
    "residual symptoms mean much": {"outcome.relapse.residual_symptoms": 9.0},
    "few therapists": {"staff.high_intensity_therapist.wte": 1.2},
    "stopped while busy": {"run.follow_up_days": 60},
}


@pytest.fixture(scope="module", params=list(SERVICES))
def simulation(request: pytest.FixtureRequest, small: Scenario) -> Simulation:
    shorter = small.with_changes({"run.follow_up_days": 400, "demand.referrals_per_year": 900})
    return simulate(shorter.with_changes({**OFTEN, **SERVICES[request.param]}))


def something_over(one: Simulation) -> Flags:
    """Whose problems were over at the end, one of them at least, (n,) bool."""
    scenario, clients, out = one.scenario, one.clients, one.outcomes
    illness = illness_of(scenario, clients, Draws(scenario.run.seed, 0))
    given = treatment_given(
        scenario, one.care.target, one.care.response, complexity_of(scenario, clients), out.sessions, out.contacts,
        out.first_course,
    )  # fmt: skip
    days = out.end_day.astype(np.float64) - clients.referral_day
    over = distress_over_by(scenario, illness, days, given)
    for j in range(len(clients.disorder_names)):
        over = over | over_by(scenario, illness, days, given, j)
    return np.asarray(over & out.ended)


def test_those_who_come_back_are_those_who_relapse_on_that_day(simulation: Simulation) -> None:
    scenario, clients, out = simulation.scenario, simulation.clients, simulation.outcomes
    draws, horizon = Draws(scenario.run.seed, 0), scenario.run.horizon_days
    row_of = {number: row for row, number in enumerate(clients.id.tolist())}
    over = something_over(simulation)
    years = years_to_relapse(scenario, draws.uniform("relapse", clients.id), out.service.last_phq9 >= RESIDUAL_PHQ9)
    would = draws.uniform("returns", clients.id) < scenario.pathway.returns.chance.value
    found = 0
    for row in np.flatnonzero(clients.id < RETURN_IDS).tolist():
        back = row_of.get(int(clients.id[row]) + RETURN_IDS)
        came = back is not None and clients.referral_day[back] != NOT_YET
        treated = out.first_course[row] >= 0 and out.ended[row]
        if not (would[row] and treated and over[row]):
            assert not came, "nobody comes back who was not treated, is not over, or never got well of anything"
            continue
        assert back is not None
        if scenario.outcome.treatment.fidelity.value == 0:
            continue  # whoever got nothing may have been well long before the end
        day = int(out.end_day[row] + np.floor(min(365 * years[row], 1e6)))
        joins = max(day + int(simulation.care.booking_days[back]), int(out.end_day[row]) + 1)
        assert came == (joins < horizon) or simulation.care.exit[back] != 0
        if came:
            assert clients.referral_day[back] == joins - simulation.care.booking_days[back]
            assert out.service.relapsed[row] == (365 * years[row] <= 365), "as every reading has it"
            found += 1
    assert (
        found > 20 or scenario.outcome.treatment.fidelity.value == 0 or scenario.outcome.remission.usual_care.value < 1
    )


def test_treatment_that_gives_nothing_leaves_relapse_to_the_natural_course(small: Scenario) -> None:
    """Their time runs from the day on which the last problem was over, and who relapsed before the end does not come back."""
    one = simulate(small.with_changes({**OFTEN, "outcome.treatment.fidelity": 0}))
    back = np.flatnonzero((one.clients.id >= RETURN_IDS) & (one.clients.id < 2 * RETURN_IDS))
    came = back[one.clients.referral_day[back] != NOT_YET]
    first = np.searchsorted(one.clients.id, one.clients.id[came] - RETURN_IDS)
    assert len(came) > 20
    assert np.all(something_over(one)[first])
    assert np.all(one.clients.referral_day[came] >= one.outcomes.end_day[first] - one.care.booking_days[came])


def test_both_engines_find_the_same_returns(small: Scenario) -> None:
    busy = small.with_changes({**OFTEN, "staff.high_intensity_therapist.wte": 1.5})
    stays, difference = check_engines(busy)
    assert difference is None
    one, other = (simulate(busy, engine=name) for name in ("reference", "kernel"))
    assert one.digests == other.digests
    assert stays > 1000


def test_a_relapse_that_nobody_is_referred_for_changes_nothing(small: Scenario) -> None:
    """With a chance of returning of next to nothing the queue is that of a service to which nobody returns."""
    never = simulate(small)
    hardly = simulate(small.with_changes({"pathway.returns.chance": 1e-9}))
    assert replace(never, scenario=hardly.scenario).digests == hardly.digests
