"""Those who come back: on the day on which their own relapse comes, booked like anybody else."""

from math import floor, log

import numpy as np

from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.experiments.replicate import simulate
from caseload_sim.scenario.scenario import Scenario

RETURNED = 2**40  # what is added to the position of a person in all draws, for the second referral
HAZARD, RESIDUAL = 2.0, 1.9  # a year; a high one, so that many come back within the run


def test_a_return_comes_when_the_same_relapse_does_and_waits_for_its_booking(small: Scenario) -> None:
    """Rule 9: (-ln U / (hazard x 1.9 with residual symptoms))^2 years after the end, U being the client's own draw."""
    changes = {
        "pathway.returns.chance": 0.5,
        "outcome.relapse.yearly_hazard": HAZARD,
        "outcome.relapse.residual_symptoms": RESIDUAL,
        "outcome.relapse.shape": 0.5,
    }
    simulation = simulate(small.with_changes(changes))
    clients, episodes = simulation.clients, simulation.episodes
    who = np.flatnonzero((clients.id >= RETURNED) & (clients.id < 2 * RETURNED) & (clients.referral_day != NOT_YET))
    assert len(who) > 50
    booked_later = 0
    for row in who.tolist():
        (first,) = np.flatnonzero(clients.id == clients.id[row] - RETURNED).tolist()
        left = int(episodes.ended_day[episodes.client == first].max())
        u = float(Draws(small.run.seed, 0).uniform("relapse", clients.id[[first]])[0])
        relapses = [floor(365 * (-log(u) / hazard) ** 2) for hazard in (HAZARD, HAZARD * RESIDUAL)]
        booking = int(simulation.care.booking_days[row])
        joined = int(clients.referral_day[row]) + booking
        assert joined - left in [max(days + booking, 1) for days in relapses]
        assert set(episodes.joined_day[(episodes.client == row) & (episodes.step == 0)].tolist()) <= {joined}
        booked_later += booking > 1
    assert booked_later > 20
