"""Everybody who comes to the service, counted once."""

import numpy as np
import pytest

from caseload_sim.draws.streams import START_IDS, Draws
from caseload_sim.engines import kernel
from caseload_sim.experiments.replicate import simulate
from caseload_sim.experiments.tasks import Task, finish
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import draw_clients, draw_intake, draw_referrals
from caseload_sim.simulation.replication import everybody
from caseload_sim.support import columns

POLICY = POLICIES["stepped"]


@pytest.mark.parametrize("at_once", [10**6, 317])
def test_the_mean_number_of_disorders_is_of_first_referrals_however_many_may_come_back(
    small: Scenario, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Counted person by person. With everybody twice in the table, their sum over first referrals would be twice as large."""
    monkeypatch.setattr(columns, "CLIENTS_AT_ONCE", at_once)
    scenario, draws = small.with_changes({"pathway.returns.chance": 1.0}), Draws(small.run.seed, 0)
    who = draw_referrals(scenario, draws)
    clients = draw_clients(small, draws)
    assert len(who.parents) == len(clients.id) > 317, "everybody may come back"
    emotional = [name for name, one in small.population.prevalence.items() if one.group == "emotional_disorder"]
    by_hand = sum(int(clients.has(name).sum()) for name in emotional) / len(clients.id)
    assert draw_intake(scenario, draws, POLICY, who).disorders == by_hand


@pytest.mark.parametrize("start", ["nobody is there", "those of this service", "those of another"])
def test_tables_that_were_kept_are_those_that_are_drawn_again(
    small: Scenario, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    """Whether all clients are read at once, or kind by kind: the same outcomes, whoever is there at opening."""
    other = small.with_changes({"demand.referrals_per_year": 900}) if start == "those of another" else None
    scenario = small.with_changes({"start.running": start != "nobody is there", "pathway.returns.chance": 0.5})
    task = Task(scenario, 0, kernel.run, start_of=other)
    kept, _ = finish(task)
    monkeypatch.setattr(columns, "CLIENTS_AT_ONCE", 97)
    drawn, _ = finish(task)
    assert drawn.digests == kept.digests
    whole = simulate(scenario, start_of=other)
    assert whole.digests == kept.digests
    assert np.any(whole.clients.id >= START_IDS) == (start != "nobody is there")


def test_as_many_staff_leave_whether_or_not_clients_may_come_back(small: Scenario) -> None:
    """Staff leave sooner the more disorders clients have on average, and those who return are the same people."""
    leaving = small.with_changes({"run.staff_turnover": True})
    draws = Draws(small.run.seed, 0)
    _, without = everybody(leaving, draws, POLICY)
    _, capacity = everybody(leaving.with_changes({"pathway.returns.chance": 1.0}), draws, POLICY)
    assert without.in_post is not None
    assert capacity.in_post is not None
    assert len(np.unique(without.in_post)) > 2, "staff come and go"
    assert np.array_equal(capacity.in_post, without.in_post)
