"""A simulation of which three clients count, made by hand: for tests of costs and of QALYs."""

from dataclasses import replace

import numpy as np

from caseload_sim.engines.plans import NOT_YET
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.readings import Reading

PRICES = {
    "costs.sessions.low_intensity": 100,
    "costs.sessions.high_intensity": 200,
    "costs.sessions.assessment": 50,
    "costs.sessions.missed_share": 0.5,
    "costs.report_year": 2012,
}


def hand_made(simulation: Simulation) -> Simulation:
    """Only the first three clients' referrals end in the period, with these contacts and results.

    Client 0: an assessment, 4 low-intensity sessions, of which one more was missed; recovered and wholly well.
    Client 1: an assessment, 5 group sessions and 10 of high intensity, two more missed there; principal disorder gone.
    Client 2: an assessment; nothing gained.
    Untreated, client 1's principal disorder would have gone as well.
    """
    out, n = simulation.outcomes, len(simulation.clients.id)
    steps = simulation.scenario.steps
    low, group, high = (steps.index(name) for name in ("low_intensity", "group", "high_intensity"))
    sessions = np.zeros_like(out.sessions)
    sessions[0, low], sessions[1, group], sessions[1, high] = 4, 5, 10
    contacts = np.zeros_like(out.contacts)
    contacts[:3] = 5, 16, 1
    end_day = np.full_like(out.end_day, NOT_YET)
    end_day[:3] = simulation.scenario.run.warm_up_days

    def reading(well: list[int], principal: list[int], below: list[int]) -> Reading:
        flags = {}
        for name, rows in (
            ("principal_remission", well + principal),
            ("all_remission", well),
            ("full_remission", well),
        ):
            flags[name] = np.isin(np.arange(n), rows)
        score = np.where(np.isin(np.arange(n), below), 0, 20).astype(np.int8)
        nobody = np.zeros_like(out.diagnosed)
        return Reading(
            last_phq9=score, last_gad7=score, month_12_phq9=score, month_12_gad7=score,
            end=flags, month_12=flags, sustained=flags,
            without=nobody, clear=nobody, without_month_12=nobody, clear_month_12=nobody, relapsed=np.zeros(n, dtype=bool),
        )  # fmt: skip

    outcomes = replace(
        out,
        end_day=end_day,
        contacts=contacts,
        sessions=sessions,
        first_phq9=np.full_like(out.first_phq9, 20),
        principal=np.zeros_like(out.principal),
        first_course=np.where(np.arange(n) == 0, low, np.where(np.arange(n) == 1, group, -1)).astype(np.int8),
        stepped_up=np.arange(n) == 1,
        stepped_down=np.zeros(n, dtype=bool),
        service=reading([0], [1], [0]),
        none=reading([], [1], []),
    )
    episodes = replace(
        simulation.episodes,
        client=np.array([0, 1], dtype=np.int32),
        step=np.array([low, high], dtype=np.int8),
        joined_day=np.zeros(2, dtype=np.int32),
        started_day=np.zeros(2, dtype=np.int32),
        ended_day=np.ones(2, dtype=np.int32),
        ending=np.zeros(2, dtype=np.int8),
    )
    missed = np.zeros_like(simulation.care.missed)
    missed[0, low], missed[1, high] = 1, 2
    care = replace(simulation.care, missed=missed)
    return replace(simulation, outcomes=outcomes, episodes=episodes, care=care)
