"""What each client would receive: drawn before the queue, in whole days."""

import numpy as np
import pytest

from caseload_sim.clients.questionnaires import below_caseness
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import FINISHED, NO_STEP, NOT_YET
from caseload_sim.measures.simulation import Simulation
from caseload_sim.pathway.care import draw_courses, missed_by_kind
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import draw_clients


def test_a_third_step_of_ones_own_is_used(small: Scenario) -> None:
    from caseload_sim.experiments.replicate import simulate

    content = small.model_dump(exclude_none=True)
    steps = content["pathway"]["steps"]
    steps["specialist"] = {**steps["high_intensity"], "staff": "specialist"}
    steps["high_intensity"].pop("steps_down_to"), steps["high_intensity"].pop("step_down_share")
    steps["high_intensity"] |= {"steps_up_to": "specialist", "step_up_acceptance": {"value": 1.0, "assumption": "test"}}
    content["staff"]["specialist"] = content["staff"]["high_intensity_therapist"]
    simulation = simulate(Scenario.model_validate(content))
    episodes, out = simulation.episodes, simulation.outcomes
    low, high, above = (simulation.scenario.steps.index(n) for n in ("low_intensity", "high_intensity", "specialist"))
    assert np.sum((episodes.step == above) & (episodes.started_day != NOT_YET)) > 20
    # Who stopped on the third list without starting was still at caseness after both courses before it.
    done = (episodes.step == high) & (episodes.ending == FINISHED)
    who = episodes.client[done]
    stopped = np.isin(who, episodes.client[episodes.step == above]) & (
        out.last_contact_day[who] == episodes.ended_day[done]
    )
    came_from_below = out.first_course[who] == low
    well = below_caseness(out.service.last_phq9[who], out.service.last_gad7[who])
    assert np.sum(stopped & came_from_below) > 3
    assert not well[stopped].any()
    assert well[~np.isin(who, episodes.client[episodes.step == above])].all()


def test_every_duration_and_patience_lasts_at_least_a_day(small: Scenario) -> None:
    draws = Draws(3, 0)
    clients = draw_clients(small, draws)
    courses, care = draw_courses(small, clients, draws)
    assert courses.course_days.min() >= 1
    assert courses.patience_days.min() >= 1
    assert care.attended.min() >= 1
    assert np.all(courses.joins_day >= clients.referral_day)


def test_missed_sessions_have_the_published_share() -> None:
    scenario = get_scenario(changes={"run.warm_up_days": 0, "run.follow_up_days": 0})
    draws = Draws(3, 0)
    clients = draw_clients(scenario, draws)
    courses, care = draw_courses(scenario, clients, draws)
    shares = scenario.pathway.missed
    kinds = missed_by_kind(scenario, clients, care, draws)
    for name in ("assessment", "low_intensity", "high_intensity"):
        s = scenario.steps.index(name)
        reached = courses.patience_days[:, s] > 1  # nothing is drawn for the others
        booked = care.attended[reached, s] + sum(kind[reached, s] for kind in kinds)
        for kind, share in zip(
            kinds, (shares.not_attended, shares.client_cancelled, shares.provider_cancelled), strict=True
        ):
            assert kind[reached, s].sum() / booked.sum() == pytest.approx(share.value, abs=0.01)


def test_stepping_up_agrees_with_the_scores_read_at_the_end(small_simulation: Simulation) -> None:
    """Every finished low-intensity course of somebody who would accept: up if, and only if, still at caseness."""
    scenario, out, episodes = small_simulation.scenario, small_simulation.outcomes, small_simulation.episodes
    draws = Draws(scenario.run.seed, 0)
    clients = draw_clients(scenario, draws)
    courses, _ = draw_courses(scenario, clients, draws)
    low, high = scenario.steps.index("low_intensity"), scenario.steps.index("high_intensity")
    done = (episodes.step == low) & (episodes.ending == FINISHED) & (episodes.client < len(clients.id))
    who, day = episodes.client[done], episodes.ended_day[done]
    would_accept = courses.next_outside[who, low] == high
    from_below = np.isin(who, np.flatnonzero(out.first_course == low))  # not those who stepped down to it
    who, day, would_accept = who[from_below], day[from_below], would_accept[from_below]
    goes_up = np.isin(who, episodes.client[episodes.step == high])
    assert np.array_equal(goes_up & ~would_accept, np.zeros(len(who), dtype=bool))
    stayed = would_accept & ~goes_up & (out.last_contact_day[who] == day)
    responded = below_caseness(out.service.last_phq9[who], out.service.last_gad7[who])
    assert stayed.sum() > 10
    assert responded[stayed].all(), "somebody stayed down while still at caseness"
    gave_up_above = goes_up & (out.last_contact_day[who] == day)  # joined the higher list but never started there
    assert gave_up_above.sum() > 5
    assert not responded[gave_up_above].any(), "somebody went up while below caseness"


def test_nobody_goes_up_and_down_again(small: Scenario) -> None:
    """However many step down, each course is a client's first at its step, and those who stepped up stay above."""
    from caseload_sim.experiments.replicate import simulate

    scenario = small.with_changes({
        "pathway.steps.high_intensity.step_down_share": 0.5,
        "pathway.steps.low_intensity.step_up_acceptance": 1.0,
    })  # fmt: skip
    simulation = simulate(scenario)
    episodes, out = simulation.episodes, simulation.outcomes
    assert out.stepped_up.sum() > 50
    assert out.stepped_down.sum() > 50
    stays = np.unique(np.stack([episodes.client, episodes.step]), axis=1)
    assert stays.shape[1] == len(episodes.client), "somebody came to a step twice"
    high = simulation.scenario.steps.index("high_intensity")
    last = np.append(episodes.client[1:] != episodes.client[:-1], True)
    assert np.all(episodes.step[last & np.isin(episodes.client, np.flatnonzero(out.stepped_up))] == high)


def test_a_scenario_without_service_sends_nobody_anywhere() -> None:
    scenario = get_scenario("no_service")
    draws = Draws(3, 0)
    clients = draw_clients(scenario, draws)
    courses, _ = draw_courses(scenario, clients, draws)
    assert np.all(courses.first_step == NO_STEP)
    assert np.all(courses.started_day == NOT_YET)


@pytest.mark.parametrize("policy", ["high_intensity_first", "low_intensity_only"])
def test_one_step_policies_use_one_step(small: Scenario, policy: str) -> None:
    from caseload_sim.experiments.replicate import simulate

    episodes = simulate(small.with_changes({"pathway.policy": policy})).episodes
    used = {small.steps[step] for step in np.unique(episodes.step)}
    if policy == "low_intensity_only":
        assert used == {"assessment", "low_intensity", "group", "internet_guided"}
    else:  # one in fifty steps down
        assert used - {"low_intensity"} == {"assessment", "high_intensity"}
