"""One replication with all its tables, and who is counted: the period, the groups, those scored twice."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.engines.episodes import Episodes
from caseload_sim.engines.plans import Capacity
from caseload_sim.outcomes.contacts import LEFT
from caseload_sim.outcomes.outcomes import Outcomes
from caseload_sim.pathway.care import Care
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Flags

Daily = tuple[NDArray[np.int32], NDArray[np.int32]]


OverTime = dict[tuple[str, str], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Replication:
    """One replication of a scenario: the places there were, how many held them and waited each day, and its digests.

    replication: its number, from 0
    daily: clients holding a place, and clients waiting, at each step at the end of each day, both (days, s) int32
    digests: by table; that of outcomes is of the clients whose referral was open in the data collection period, whom alone
        measures count
    """

    scenario: Scenario
    replication: int
    capacity: Capacity
    daily: Daily
    digests: dict[str, str]


@dataclass(frozen=True, slots=True)
class Simulation(Replication):
    """One replication with every table of it; what `simulate` returns."""

    clients: Clients
    care: Care
    episodes: Episodes
    outcomes: Outcomes

    def __repr__(self) -> str:
        """One line, in place of the ends of some two hundred columns."""
        n_clients, n_stays = len(self.clients.id), len(self.episodes.client)
        tables = ".clients, .care, .episodes, .outcomes"
        return f"<Simulation of {self.scenario.name}, replication {self.replication}: {n_clients:,} clients, {n_stays:,} stays; {tables}>"


def within(simulation: Simulation, days: NDArray[np.int32]) -> Flags:
    """Which days lie in the data collection period; a day that never came does not."""
    return simulation.scenario.run.within_period(days)


def groups(simulation: Simulation) -> dict[str, Flags]:
    """Clients by group name, "all" first: counts and conditions (true state), strata, first step, modality, each (n,) bool."""
    clients, scenario = simulation.clients, simulation.scenario
    n_emotional = clients.count(scenario, "emotional_disorder")
    n_disorders = clients.count(scenario, "emotional_disorder", "dependence")
    result = {"all": np.ones(len(clients.id), dtype=bool)}
    for k in range(6):
        result[f"emotional_disorders={k}"] = n_emotional == k
    result["emotional_disorders=6+"] = n_emotional >= 6
    result["emotional_disorders=3+"] = n_emotional >= 3
    for k in range(8):
        result[f"disorders={k}"] = n_disorders == k
    result["disorders=8+"] = n_disorders >= 8
    result["disorders=0-1"] = n_disorders <= 1
    result["disorders=3+"] = n_disorders >= 3
    dependent = clients.count(scenario, "dependence") > 0
    abused = clients.count(scenario, "childhood_abuse") > 0
    for name, has in (("dependence", dependent), ("childhood_abuse", abused)):
        result[f"{name}=yes"], result[f"{name}=no"] = has, ~has
    for c, name in enumerate(clients.condition_names):
        result[f"{name}=yes"], result[f"{name}=no"] = clients.conditions[:, c], ~clients.conditions[:, c]
    for name, stratum in clients.strata.items():
        for k, label in enumerate(clients.stratum_names[name]):
            result[f"{name}={label}"] = stratum == k
    for s, name, _ in scenario.pathway.each_course():
        result[f"step={name}"] = simulation.outcomes.first_course == s
    for k, name in enumerate(scenario.pathway.modalities):
        result[f"modality={name}"] = simulation.care.modality == k
    return result


def scored(simulation: Simulation) -> Flags:
    """Who has a first and a last score: those with two contacts, and everybody where there is no service at all, (n,)."""
    out = simulation.outcomes
    never = out.left == LEFT.index("no_service")
    return np.asarray(out.finished | never)


def low_steps(scenario: Scenario) -> Flags:
    """Which steps are the first course of the pathway, or stand beside it, (s,) bool."""
    pathway = scenario.pathway
    low, first = np.zeros(len(pathway.steps), dtype=bool), next(iter(pathway.courses), None)
    for s, name, step in pathway.each_course():
        low[s] = len(pathway.courses) > 1 and first in (name, step.instead_of)
    return low
