"""Who is better: definitions at their edges, the untreated twin, and the order of the rungs."""

from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from caseload_sim.clients.questionnaires import below_caseness
from caseload_sim.clients.remission import complexity_of, drawn_lengths, illness_of, treatment_given
from caseload_sim.clients.severity import AGAIN, MONTH_12, condition_of, passing_at, scores_on
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import FINISHED, NOT_YET
from caseload_sim.experiments.replicate import simulate
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.contacts import LEFT
from caseload_sim.outcomes.outcomes import recovered, reliable_change
from caseload_sim.outcomes.readings import Reading
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario


def read(first: tuple[int, int], last: tuple[int, int], simulation: Simulation) -> tuple[bool, bool, bool]:
    """Recovered, reliably improved, reliably deteriorated, for one pair of first and last (PHQ-9, GAD-7)."""

    def one(x: int) -> NDArray[np.int8]:
        return np.array([x], dtype=np.int8)

    reading = replace(simulation.outcomes.service, last_phq9=one(last[0]), last_gad7=one(last[1]))
    out = replace(simulation.outcomes, first_phq9=one(first[0]), first_gad7=one(first[1]))
    improved, worse = reliable_change(out, reading)
    return bool(recovered(out, reading)[0]), bool(improved[0]), bool(worse[0])


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ((10, 7), (9, 7), (True, False, False)),  # PHQ-9 10 -> 9 crosses the cut-off without reliable change
        ((9, 8), (9, 7), (True, False, False)),
        ((9, 7), (0, 0), (False, True, False)),  # never a case, so cannot recover
        ((16, 8), (10, 4), (False, True, False)),  # still at caseness
        ((15, 7), (9, 7), (True, True, False)),  # PHQ-9 down 6
        ((15, 7), (10, 7), (False, False, False)),  # down 5
        ((9, 11), (9, 7), (True, True, False)),  # GAD-7 down 4
        ((12, 10), (6, 14), (False, False, False)),  # one down, the other up: neither
        ((12, 10), (18, 13), (False, False, True)),  # PHQ-9 up 6, GAD-7 up 3
        ((12, 10), (17, 14), (False, False, True)),  # GAD-7 up 4
        ((12, 10), (17, 13), (False, False, False)),
    ],
)
def test_the_published_definitions_at_their_edges(
    first: tuple[int, int], last: tuple[int, int], expected: tuple[bool, bool, bool], small_simulation: Simulation
) -> None:
    assert read(first, last, small_simulation) == expected


def test_no_client_climbs_from_a_lower_rung_to_a_higher_one(small_simulation: Simulation) -> None:
    for reading in (small_simulation.outcomes.service, small_simulation.outcomes.none):
        for rungs in (reading.end, reading.month_12, reading.sustained):
            assert np.all(rungs["full_remission"] <= rungs["all_remission"])
            assert np.all(rungs["all_remission"] <= rungs["principal_remission"])
        for rung in reading.end:
            assert np.all(reading.sustained[rung] <= reading.end[rung])


def test_nobody_without_a_starting_diagnosis_counts_as_remitted(small_simulation: Simulation) -> None:
    out = small_simulation.outcomes
    nobody = ~out.diagnosed.any(axis=1)
    assert nobody.sum() > 50
    assert not out.service.end["all_remission"][nobody].any()
    assert np.all(out.principal[nobody] == -1)


def test_the_untreated_twin_is_the_client_of_the_scenario_without_service(small: Scenario) -> None:
    """Those never seen are read on the same day in both, so every reading must be equal, client by client."""
    with_service = simulate(small.with_changes({"start.running": False}))
    without = simulate(small.with_changes({"pathway.policy": "no_service", "start.running": False}))
    never_seen = with_service.outcomes.first_contact_day == NOT_YET
    assert 100 < never_seen.sum() < len(never_seen)
    for at in ("end", "month_12", "sustained"):
        for rung in ("principal_remission", "all_remission", "full_remission"):
            twin = getattr(with_service.outcomes.none, at)[rung][never_seen]
            assert np.array_equal(twin, getattr(without.outcomes.service, at)[rung][never_seen])
            assert np.array_equal(twin, getattr(with_service.outcomes.service, at)[rung][never_seen])
    assert np.array_equal(
        with_service.outcomes.none.last_phq9[never_seen], without.outcomes.service.last_phq9[never_seen]
    )


NO_EFFECT: dict[str, float] = {
    "outcome.treatment.full_course": 0, "outcome.treatment.full_course_of_distress": 0,
    "outcome.treatment.distress_relief": 0, "outcome.treatment.severity_shift": 0,
}  # fmt: skip


def test_without_any_effect_the_service_equals_none_at_the_end(small: Scenario) -> None:
    """But for those who are looked at once more, which can only lower their last scores."""
    for share in (0.0, 1.0):
        out = simulate(small.with_changes(NO_EFFECT | {"outcome.endings.one_more_look": share})).outcomes
        for rung in out.service.end:
            assert np.array_equal(out.service.end[rung], out.none.end[rung])
        assert np.array_equal(out.service.without, out.none.without)
        other = out.service.last_phq9 != out.none.last_phq9
        assert other.any() == (share > 0)
        assert below_caseness(out.service.last_phq9, out.service.last_gad7)[other].all()


def test_who_received_nothing_is_their_own_twin(small_simulation: Simulation) -> None:
    """In every column, relapse and month 12 among them: those who never began, or left after a single contact."""
    out = small_simulation.outcomes
    nothing = out.contacts < 2
    assert 300 < nothing.sum() < len(nothing)
    for field in fields(Reading):
        ours, theirs = getattr(out.service, field.name), getattr(out.none, field.name)
        columns = [(ours[rung], theirs[rung]) for rung in ours] if isinstance(ours, dict) else [(ours, theirs)]
        for with_service, without in columns:
            assert np.array_equal(with_service[nothing], without[nothing]), field.name


def test_treatment_takes_a_remission_from_nobody(small_simulation: Simulation) -> None:
    out = small_simulation.outcomes
    for rung in out.service.end:
        assert np.all(out.service.end[rung] >= out.none.end[rung])
    assert np.all(out.service.without >= out.none.without)
    assert np.all(out.service.clear >= out.none.clear)
    higher = (out.service.last_phq9 > out.none.last_phq9) | (out.service.last_gad7 > out.none.last_gad7)
    assert below_caseness(out.service.last_phq9, out.service.last_gad7)[higher].all(), "higher only by another look"
    assert out.service.end["principal_remission"].sum() > out.none.end["principal_remission"].sum()


# Nothing ends, nothing passes, nothing is misread, and nothing helps.
STILL: dict[str, float] = NO_EFFECT | {
    "instruments.interview_error_sd": 0, "outcome.remission.monthly_hazard_of_distress": 0, "demand.referrals_per_year": 500,
    **{f"outcome.remission.monthly_hazard.{name}": 0 for name in get_scenario().disorders},
    **{f"population.state_share.{name}": 0 for name in get_scenario().disorders},
}  # fmt: skip


def test_without_change_or_error_nobody_remits() -> None:
    """No hazard, no passing state, no interview error, no effect: every diagnosis stays."""
    out = simulate(get_scenario(changes=STILL)).outcomes
    for reading in (out.service, out.none):
        assert not reading.end["principal_remission"].any()
        assert not reading.month_12["principal_remission"].any()
        assert np.array_equal(reading.without, ~out.diagnosed)


def test_a_later_course_starts_where_the_one_before_it_ended_if_all_that_moves_anybody_is_lasting() -> None:
    """Nothing is ever over, passes or errs: a drift that has happened by the end of a course is there when the next starts."""
    nothing_passes = {
        "instruments.phq9.error_sd": 0, "instruments.gad7.error_sd": 0, "outcome.distress.mood_sd": 0,
        "outcome.distress.drift_sd": 3,
        "run.warm_up_days": 100, "run.data_collection_days": 500, "run.follow_up_days": 500,
    }  # fmt: skip
    scores = simulate(get_scenario(changes=STILL | nothing_passes)).outcomes.course_scores
    then = np.flatnonzero(
        scores.client[1:] == scores.client[:-1]
    )  # rows with another course of the same client after them
    assert len(then) > 20
    assert np.array_equal(scores.first_phq9[then + 1], scores.last_phq9[then])
    assert np.array_equal(scores.first_gad7[then + 1], scores.last_gad7[then])
    assert np.any(scores.first_phq9[then] != scores.last_phq9[then])


def test_with_every_length_used_up_at_once_everybody_is_well() -> None:
    """Hazards of a hundred a month leave nothing of the longest length after half a year; depth alone decides on rung 4."""
    fast = {path: 100.0 for path in STILL if path.startswith("outcome.remission.monthly_hazard")}
    out = simulate(get_scenario("no_service", changes=STILL | fast)).outcomes
    ill = out.diagnosed.any(axis=1)
    for reading in (out.service, out.none):
        assert reading.end["all_remission"][ill].all()
        assert 0 < reading.end["full_remission"][ill].mean() < 1
    deep = {"outcome.remission.hysteresis": get_scenario().instruments.full_remission_margin.value}
    assert (
        simulate(get_scenario("no_service", changes=STILL | fast | deep)).outcomes.none.end["full_remission"].sum()
        > 100
    )


def test_one_more_look_is_a_fortnight_later_and_for_those_at_caseness_at_the_planned_end(small: Scenario) -> None:
    """The same clients with nobody and with everybody looked at again: only such clients move, and only to below caseness."""
    nobody, everybody = (simulate(small.with_changes({"outcome.endings.one_more_look": share})) for share in (0, 1))
    before, after = nobody.outcomes.service, everybody.outcomes.service
    moved = (before.last_phq9 != after.last_phq9) | (before.last_gad7 != after.last_gad7)
    assert moved.sum() > 20
    assert not below_caseness(before.last_phq9, before.last_gad7)[moved].any()
    assert below_caseness(after.last_phq9, after.last_gad7)[moved].all()
    ended_as_planned = nobody.episodes.client[nobody.episodes.ending == FINISHED]
    assert np.isin(np.flatnonzero(moved), ended_as_planned).all()
    # Who is below a fortnight later by the reading of that day, and nobody else, is who moved.
    scenario, out, care = nobody.scenario, nobody.outcomes, nobody.care
    draws = Draws(scenario.run.seed, 0)
    who = condition_of(scenario, nobody.clients, illness_of(scenario, nobody.clients, draws), draws)
    given = treatment_given(
        scenario, care.target, care.response, complexity_of(scenario, nobody.clients), out.sessions, out.contacts, out.first_course
    )  # fmt: skip
    later = out.last_contact_day - nobody.clients.referral_day + scenario.outcome.endings.one_more_look_after_days
    again = below_caseness(*scores_on(scenario, who, passing_at(scenario, nobody.clients, AGAIN, draws), later, given))
    assert again[moved].all()


# --- after the end --------------------------------------------------------------------------------------------------


def test_a_relapse_comes_on_its_day_and_within_a_year_of_the_end(small_simulation: Simulation) -> None:
    """Of the treated: after the end, by a Weibull time that residual symptoms shorten."""
    out, simulation = small_simulation.outcomes, small_simulation
    rule, draws = simulation.scenario.outcome.relapse, Draws(simulation.scenario.run.seed, 0)
    u, treated = draws.uniform("relapse", simulation.clients.id), (out.contacts >= 2) & out.ended
    residual = out.service.last_phq9 >= 5
    hazard = rule.yearly_hazard.value * np.where(residual, rule.residual_symptoms.value, 1)
    assert np.array_equal(out.service.relapsed[treated], (u >= np.exp(-hazard))[treated])
    assert 0 < out.service.relapsed[treated].mean() < 1


def test_who_does_not_relapse_is_at_month_12_as_time_and_treatment_left_them() -> None:
    """With no hazard of relapse, nobody who was well of everything at the end is found ill for a relapse."""
    calm = {path: 0.0 for path in STILL if "state_share" in path or "error" in path} | {
        "demand.referrals_per_year": 500
    }
    never = simulate(get_scenario(changes=calm | {"outcome.relapse.yearly_hazard": 0})).outcomes.service
    assert not never.relapsed.any()
    for rung in never.end:
        assert np.all(never.month_12[rung] >= never.end[rung]), "what is over stays over"
        assert np.array_equal(never.sustained[rung], never.end[rung])


def test_a_relapse_brings_back_what_was_out_as_severe_as_at_referral_until_its_new_length_is_used_up() -> None:
    """Certain relapse on the day of the end, and slow problems: at month 12 nearly all of it burns again; fast ones, nothing."""
    at_once = {
        "outcome.relapse.yearly_hazard": 1000.0,
        "instruments.interview_error_sd": 0.0,
        "demand.referrals_per_year": 500.0,
    }
    at_once |= {path: 0.0 for path in STILL if "state_share" in path}
    simulation = simulate(get_scenario(changes=at_once))
    out, reading = simulation.outcomes, simulation.outcomes.service
    care, complexity = simulation.care, complexity_of(simulation.scenario, simulation.clients)
    received = out.sessions, out.contacts, out.first_course
    given = treatment_given(simulation.scenario, care.target, care.response, complexity, *received)
    treated = (
        (out.contacts >= 2) & out.ended & (given.strength > 0)
    )  # the time of all others runs from when they were well
    assert reading.relapsed[treated].all()
    assert not any(reading.sustained[rung][treated].any() for rung in reading.end)
    draws, ids = Draws(simulation.scenario.run.seed, 0), simulation.clients.id
    illness = illness_of(simulation.scenario, simulation.clients, draws)
    new_length, _ = drawn_lengths(simulation.scenario, simulation.clients, draws, "relapse_")
    back = 0
    for j in range(len(simulation.clients.disorder_names)):
        was_out = treated & out.diagnosed[:, j] & reading.without[:, j]
        burns = illness.hazard[:, j] * 365 < new_length[:, j]  # the relapse came within a day of the end
        over_again = illness.hazard[:, j] * 364 >= new_length[:, j]
        assert not reading.without_month_12[:, j][was_out & burns].any()
        assert reading.without_month_12[:, j][was_out & over_again].all()
        back += int((was_out & burns).sum())
    assert back > 50
    assert len(ids) == len(treated)


def test_month_12_scores_are_those_of_a_reading_365_days_after_the_end(small: Scenario) -> None:
    """Where nobody relapses, of the twin: the reading of that day and nothing else."""
    simulation = simulate(small.with_changes({"outcome.relapse.yearly_hazard": 0}))
    scenario, clients, out = simulation.scenario, simulation.clients, simulation.outcomes
    draws, ended = Draws(scenario.run.seed, 0), out.ended & out.started
    who = condition_of(scenario, clients, illness_of(scenario, clients, draws), draws)
    day = (np.where(ended, out.end_day, 0) - clients.referral_day + 365).astype(np.int32)
    phq9, gad7 = scores_on(scenario, who, passing_at(scenario, clients, MONTH_12, draws), day)
    assert ended.sum() > 200
    assert np.array_equal(out.none.month_12_phq9[ended], phq9[ended])
    assert np.array_equal(out.none.month_12_gad7[ended], gad7[ended])


def test_contacts_and_days_follow_from_the_episodes(small_simulation: Simulation) -> None:
    out, episodes, scenario = small_simulation.outcomes, small_simulation.episodes, small_simulation.scenario
    for client in np.flatnonzero(out.stepped_up)[:20]:
        rows = np.flatnonzero(episodes.client == client)
        low, high = episodes.step[rows].tolist()[1:]
        assert getattr(scenario.pathway.steps[scenario.steps[low]], "steps_up_to", None) == scenario.steps[high]
        assert out.first_contact_day[client] == episodes.ended_day[rows[0]] - 1
        assert (
            out.second_contact_day[client]
            == episodes.started_day[rows[1]] + small_simulation.care.lag_days[client, low]
        )
        assert out.contacts[client] >= 1 + small_simulation.care.attended[client, [low, high]].sum()
        last = np.flatnonzero(episodes.client == client)[-1]
        began = episodes.started_day[last] != NOT_YET
        assert out.last_contact_day[client] == episodes.ended_day[last if began else last - 1]
        assert out.end_day[client] == episodes.ended_day[last]


def test_how_referrals_end_adds_up(small_simulation: Simulation) -> None:
    out = small_simulation.outcomes
    ended = out.ended
    assert np.all((out.left == LEFT.index("not_yet")) == ~ended)
    assert np.all(out.contacts[out.left == LEFT.index("advice")] == 1)
    assert np.all(out.contacts[out.left == LEFT.index("finished")] >= 2)
    for name in ("not_suitable", "declined", "not_assessed"):
        assert np.all(out.contacts[out.left == LEFT.index(name)] == 0)
