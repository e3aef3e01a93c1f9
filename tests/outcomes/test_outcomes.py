"""Who is better: definitions at their edges, the untreated twin, and the order of the rungs."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from caseload_sim.engines.plans import NOT_YET
from caseload_sim.experiments.replicate import Results, simulate
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.contacts import LEFT
from caseload_sim.outcomes.outcomes import recovered, reliable_change
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


def test_without_any_effect_the_service_equals_none_at_the_end(small: Scenario) -> None:
    out = simulate(small.with_changes({"outcome.treatment.trial_effect": 0})).outcomes
    assert np.array_equal(out.service.last_phq9, out.none.last_phq9)
    for rung in out.service.end:
        assert np.array_equal(out.service.end[rung], out.none.end[rung])


def test_treatment_takes_a_remission_from_nobody(small_simulation: Simulation) -> None:
    out = small_simulation.outcomes
    for rung in out.service.end:
        assert np.all(out.service.end[rung] >= out.none.end[rung])
    assert out.service.end["principal_remission"].sum() > out.none.end["principal_remission"].sum()


def test_without_change_or_error_nobody_remits() -> None:
    """No natural course, no spread, no state, no interview error, no effect: every diagnosis stays."""
    nothing = {
        "outcome.natural_course.at_six_months": 0, "outcome.spread.shared": 0, "outcome.spread.own": 0,
        "outcome.treatment.trial_effect": 0, "instruments.interview_error_sd": 0, "population.state_share": 0,
        "demand.referrals_per_year": 500,
    }  # fmt: skip
    nothing |= {f"outcome.moderators.{name}": 0 for name in get_scenario().outcome.moderators}
    out = simulate(get_scenario(changes=nothing)).outcomes
    for reading in (out.service, out.none):
        assert not reading.end["principal_remission"].any()
        assert not reading.month_12["principal_remission"].any()


def test_one_improvement_by_hand_decides_remission() -> None:
    """With nothing but a natural course of 10 SD for all, everybody is gone from every disorder by day 182."""
    changes: dict[str, float] = {
        "outcome.natural_course.at_six_months": 10, "outcome.spread.shared": 0, "outcome.spread.own": 0,
        "instruments.interview_error_sd": 0, "population.state_share": 0,
        "demand.referrals_per_year": 500,
    }  # fmt: skip
    changes |= {f"outcome.natural_course.by_disorder.{name}": 1 for name in get_scenario().disorders}
    out = simulate(get_scenario("no_service", changes=changes)).outcomes
    ill = out.diagnosed.any(axis=1)
    assert out.none.end["full_remission"][ill].all()


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


def test_who_stays_in_remission_relapses_at_the_stated_rate(baseline: Results) -> None:
    out = baseline.first.outcomes
    untreated = out.first_course < 0
    remitted = untreated & out.none.end["principal_remission"]
    kept = out.none.sustained["principal_remission"][remitted].mean()
    assert kept == pytest.approx(0.60, abs=4 * np.sqrt(0.24 / remitted.sum()))
