"""What each client would receive: drawn before the queue, in whole days."""

import numpy as np
import pytest

from caseload_sim.clients.population import Clients, draw_population
from caseload_sim.clients.questionnaires import below_caseness
from caseload_sim.clients.remission import (
    Given,
    complexity_of,
    illness_of,
    over_from,
    principal_of,
    treatment_given,
    well_from,
)
from caseload_sim.clients.severity import at_end_of, condition_of, passing_at, scores_on
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import ASSESSED, FINISHED, GAVE_UP, NEVER, NO_STEP, NOT_YET
from caseload_sim.experiments.replicate import simulate
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.contacts import LEFT
from caseload_sim.pathway.assessment import TREATED, leaves_at_assessment, recorded_problem
from caseload_sim.pathway.care import draw_courses, exits_of, missed_by_kind
from caseload_sim.pathway.sessions import drop_out_by_complexity, influence
from caseload_sim.pathway.stepping import longest_days, no_longer_come_from, responder_from
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import draw_clients
from caseload_sim.support.columns import Days, Flags, rows_of


def test_a_third_step_of_ones_own_is_used(small: Scenario) -> None:
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
    # Who finished the course below goes up unless well at its end, with what all courses until then have given.
    done = (episodes.step == high) & (episodes.ending == FINISHED)
    who, day = episodes.client[done], episodes.ended_day[done]
    well = well_at_the_end_of(simulation, "high_intensity", who, day)
    goes_up = np.isin(who, episodes.client[episodes.step == above])
    assert np.array_equal(goes_up, ~well)
    assert np.sum(goes_up & (out.first_course[who] == low)) > 20
    assert np.sum(well & (out.first_course[who] == low)) > 5


def well_at_the_end_of(simulation: Simulation, step: str, who: Days, day: Days) -> Flags:
    """Whether these clients were below both cut-offs when their course at a step ended on these days, (k,) bool."""
    scenario, episodes, care = simulation.scenario, simulation.episodes, simulation.care
    draws, some = Draws(scenario.run.seed, simulation.replication), rows_of(simulation.clients, who.astype(np.intp))
    sessions = np.zeros((len(who), len(scenario.steps)), dtype=np.int32)
    for s, name in enumerate(scenario.steps):
        if scenario.pathway.steps[name].kind == "course":
            ended = np.full(len(simulation.clients.id), scenario.run.horizon_days)
            over = (episodes.step == s) & (episodes.started_day != NOT_YET) & (episodes.ended_day != NOT_YET)
            ended[episodes.client[over]] = episodes.ended_day[over]
            sessions[:, s] = np.where(ended[who] <= day, care.attended[who, s], 0)
    contacts = sessions.sum(axis=1, dtype=np.int32) + 1
    complexity = complexity_of(scenario, some)
    given = treatment_given(scenario, care.target[who], care.response[who], complexity, sessions, contacts)
    condition = condition_of(scenario, some, illness_of(scenario, some, draws), draws)
    passing = passing_at(scenario, some, at_end_of(step), draws)
    days = (day - some.referral_day).astype(np.int32)
    return below_caseness(*scores_on(scenario, condition, passing, days, given))


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


def test_stepping_up_agrees_with_the_scores_read_at_the_end_of_the_course(small_simulation: Simulation) -> None:
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
    well = well_at_the_end_of(small_simulation, "low_intensity", who, day)
    assert np.array_equal(goes_up, would_accept & ~well)
    assert np.sum(would_accept & well) > 10
    assert np.sum(goes_up) > 10


def test_the_deadline_for_stepping_up_is_the_first_day_on_which_the_scores_are_well() -> None:
    """Against every day of three years, one after the other: clients with and without treatment."""
    scenario, draws = get_scenario(), Draws(3, 0)
    n, days = 400, 3 * 365
    clients = draw_population(scenario, draws, n)
    who = condition_of(scenario, clients, illness_of(scenario, clients, draws), draws)
    passing = passing_at(scenario, clients, at_end_of("low_intensity"), draws)
    given = Given(np.where(np.arange(n) % 2, 0.7, 0.0), np.zeros(n, dtype=np.int8))
    found = responder_from(scenario, who, passing, given)
    expected = np.full(n, NEVER)
    for day in reversed(range(days)):
        well = below_caseness(*scores_on(scenario, who, passing, np.full(n, day, dtype=np.int32), given))
        expected[well] = day
    assert np.array_equal(np.where(found < days, found, NEVER), expected)
    assert np.sum(expected == 0) > 20
    assert np.sum((expected > 0) & (expected < NEVER)) > 50
    assert np.sum(expected == NEVER) > 50


DRAWS, N = Draws(4, 0), 3000


@pytest.fixture(scope="module")
def clients() -> Clients:
    return draw_population(get_scenario(), DRAWS, N)


@pytest.mark.parametrize("strength", [0.0, 0.35, 0.9])
def test_the_deadline_of_thousands_agrees_with_their_reading_on_the_days_around_it(
    clients: Clients, strength: float
) -> None:
    """At caseness on every day before it, and below on it and on every day after; of every client, in whole days."""
    scenario, last = get_scenario(), longest_days(get_scenario()) - 1
    who = condition_of(scenario, clients, illness_of(scenario, clients, DRAWS), DRAWS)
    passing = passing_at(scenario, clients, at_end_of("low_intensity"), DRAWS)
    given = Given(np.full(N, strength), np.argmax(clients.severity, axis=1).astype(np.int8))
    deadline = responder_from(scenario, who, passing, given)

    def well(days: np.ndarray) -> np.ndarray:
        return below_caseness(*scores_on(scenario, who, passing, np.clip(days, 0, last).astype(np.int32), given))

    known, turns = deadline != NEVER, (deadline != NEVER) & (deadline > 0)
    assert turns.sum() > 300
    assert (deadline == 0).any()
    assert (~known).any()
    assert well(deadline)[known].all()
    assert not well(deadline - 1)[turns].any()
    assert not well(np.full(N, last))[~known].any()
    for day in (*range(0, 400, 9), 1000, last):
        assert np.array_equal(well(np.full(N, day)), deadline <= day), day


def test_a_deadline_is_a_day_on_which_a_problem_is_over(clients: Clients) -> None:
    """Or the first of all: nothing else can turn the reading."""
    scenario, longest = get_scenario(), longest_days(get_scenario())
    illness = illness_of(scenario, clients, DRAWS)
    who, passing = (
        condition_of(scenario, clients, illness, DRAWS),
        passing_at(scenario, clients, at_end_of("group"), DRAWS),
    )
    given = Given(np.full(N, 0.5), np.zeros(N, dtype=np.int8))
    deadline = responder_from(scenario, who, passing, given)
    over = over_from(scenario, illness, given, longest)
    turns = (deadline != NEVER) & (deadline > 0)
    assert (over == deadline[:, None]).any(axis=1)[turns].all()


@pytest.mark.parametrize("places", ["few", "more than are asked for"])
def test_who_is_well_before_the_first_session_does_not_come(small: Scenario, places: str) -> None:
    """Where all who are well stay away: nobody starts the first course too late for it, though a place be free at once."""
    scenario = small.with_changes({"outcome.endings.well_do_not_come": 1.0})
    if places != "few":
        staff = {f"staff.{kind}.wte": 100 * one.wte.value for kind, one in scenario.staff.items()}
        scenario = scenario.with_changes({**staff, "pathway.steps.high_intensity.lag_days_mean": 60})
    simulation = simulate(scenario)
    draws, episodes = Draws(scenario.run.seed, 0), simulation.episodes
    clients = draw_clients(scenario, draws)
    courses, care = draw_courses(scenario, clients, draws)
    everybody = np.arange(len(clients.id))
    well = well_from(scenario, principal_of(scenario, clients, draws, everybody), longest_days(scenario))
    ours = (episodes.client < len(clients.id)) & (episodes.step > 0)
    who, step = episodes.client[ours], episodes.step[ours]
    joined, started, ended = (
        column[ours] for column in (episodes.joined_day, episodes.started_day, episodes.ended_day)
    )
    first = step == courses.next_outside[who, 0]
    well_on = clients.referral_day[who] + well[who] - care.lag_days[who, step]  # an offer on that day comes too late
    assert np.all(started[first] < well_on[first])
    patience_ends = joined + courses.patience_days[who, step].astype(np.int64)
    left = (episodes.ending[ours] == GAVE_UP) & (ended < patience_ends)
    assert np.all(first[left]), "somebody well left another list than that of the first course"
    assert np.array_equal(ended[left], well_on[left])
    assert (left.sum() > 20) == (places == "few")
    assessed = np.flatnonzero((episodes.client < len(clients.id)) & (episodes.ending == ASSESSED))
    assessed = assessed[care.exit[episodes.client[assessed]] == TREATED]
    who = episodes.client[assessed]
    soonest = episodes.ended_day[assessed] + care.lag_days[who, courses.next_outside[who, 0]]
    stays_away = clients.referral_day[who] + well[who] <= soonest
    assert np.array_equal(stays_away, ~np.isin(who, episodes.client[episodes.step > 0])), "on the list of a course"
    assert stays_away.sum() > 20
    assert {LEFT[code] for code in simulation.outcomes.left[who[stays_away]]} == {"gave_up"}
    assert np.all(courses.well_after[:, 0] == NEVER), "the first contact is not asked about"


def test_a_share_of_those_who_are_well_comes_all_the_same(small: Scenario) -> None:
    draws = Draws(3, 0)
    clients = draw_clients(small, draws)
    stays_away = {
        share: no_longer_come_from(small.with_changes({"outcome.endings.well_do_not_come": share}), clients, draws)
        for share in (0.0, 0.5, 1.0)
    }
    rows = np.arange(len(clients.id))
    well = well_from(small, principal_of(small, clients, draws, rows), longest_days(small))
    assert np.array_equal(stays_away[1.0], np.where(well < longest_days(small), well, NEVER))
    some = np.arange(len(well)) % 3 == 0
    everybody = small.with_changes({"outcome.endings.well_do_not_come": 1.0})
    assert np.array_equal(no_longer_come_from(everybody, clients, draws, some), np.where(some, stays_away[1.0], NEVER))
    asked = stays_away[1.0] != NEVER
    assert np.all(stays_away[0.0] == NEVER)
    assert np.mean(stays_away[0.5][asked] != NEVER) == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / asked.sum()))
    some = stays_away[0.5] != NEVER
    assert np.array_equal(stays_away[0.5][some], stays_away[1.0][some])


def test_the_complex_leave_low_intensity_sooner_and_high_intensity_as_all_others() -> None:
    scenario, complexity = get_scenario(), np.arange(7)
    for name, step in scenario.pathway.steps.items():
        per_point = step.drop_out_per_complexity.value if step.kind == "course" else 0.0
        assert drop_out_by_complexity(step, complexity) == pytest.approx(per_point * (complexity - 3)), name
        assert (per_point > 0) == (name in ("low_intensity", "group", "internet_guided"))


def test_the_deprived_take_up_less_and_the_others_more() -> None:
    """The same draws with an effect and without: one way above the mean, the other way below, and nobody against it."""
    plain = get_scenario(changes={"pathway.attendance.per_deprivation_sd": 0})
    steep = get_scenario(changes={"pathway.attendance.per_deprivation_sd": -1})
    clients = draw_population(plain, DRAWS, N)
    without, with_it = (exits_of(s, clients, DRAWS) for s in (plain, steep))
    came, comes = without == TREATED, with_it == TREATED
    deprived = clients.deprivation > 0
    assert not (comes & ~came)[deprived].any()
    assert not (came & ~comes)[~deprived].any()
    assert (came & ~comes).sum() > 20
    assert (comes & ~came).sum() > 20
    assert leaves_at_assessment(with_it[came & ~comes]).all()


def test_where_nobody_has_what_is_otherwise_recorded_the_first_disorder_is() -> None:
    """Without depression and generalised anxiety a wrong record is of the first disorder there is: panic."""
    gone = {f"population.prevalence.{name}.value": 0 for name in ("major_depression", "generalised_anxiety")}
    scenario = get_scenario(changes=gone)
    assert scenario.disorders[0] == "panic_agoraphobia"
    recorded, principal = recorded_problem(scenario, draw_population(scenario, DRAWS, 500), DRAWS)
    wrong = recorded != principal
    assert set(recorded[wrong].tolist()) == {0}
    assert 50 < wrong.sum() < 250, "three in ten are not looked for, and some of those have it"


def test_what_moves_dropping_out_adds_up_client_by_client() -> None:
    """A half for each disorder beyond three, and .04 for each tenth towards the most deprived: 5 disorders there are 1.18."""
    part = "pathway.influences.drop_out"
    changes = {
        f"{part}.per_emotional_disorder": 0.5,
        f"{part}.reference_disorders": 3,
        f"{part}.per_deprivation_decile": 0.04,
    }
    scenario = get_scenario(changes=changes)
    clients = draw_population(scenario, DRAWS, 500)
    moved = influence(scenario, clients, scenario.pathway.influences.drop_out)
    off = scenario.with_changes({f"{part}.switched_on": False})
    assert not influence(off, clients, off.pathway.influences.drop_out).any()
    found = set()
    for i in range(500):
        disorders = sum(bool(clients.has(name)[i]) for name in scenario.disorders)
        tenth = int(clients.strata["deprivation_decile"][i])  # 0 the least deprived, 9 the most
        assert moved[i] == pytest.approx(0.5 * (disorders - 3) + 0.04 * (tenth - 4.5))
        found.add((disorders, tenth))
    assert (5, 9) in found
    assert pytest.approx(1.18) == 0.5 * (5 - 3) + 0.04 * (9 - 4.5)


def test_nobody_goes_up_and_down_again(small: Scenario) -> None:
    """However many step down, each course is a client's first at its step, and those who stepped up stay above."""
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
    episodes = simulate(small.with_changes({"pathway.policy": policy})).episodes
    used = {small.steps[step] for step in np.unique(episodes.step)}
    if policy == "low_intensity_only":
        assert used == {"assessment", "low_intensity", "group", "internet_guided"}
    else:  # one in fifty steps down
        assert used - {"low_intensity"} == {"assessment", "high_intensity"}
