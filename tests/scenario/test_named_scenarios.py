"""Every named scenario is about something: it says what, changes that with an origin, and the direction shows."""

from collections.abc import Callable
from datetime import date
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats

from caseload_sim.clients.population import draw_population
from caseload_sim.draws.streams import Draws
from caseload_sim.experiments.replicate import Results, replicate, simulate
from caseload_sim.pathway.assessment import TREATED
from caseload_sim.pathway.care import draw_courses
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios
from caseload_sim.scenario.in_words import Difference, explain, what_differs
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.pathway import ASSESSMENT
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.sources import list_sources
from second_readings import parent_of
from small_services import two_by_name

NAMES = list_scenarios()
EXTENDING = [name for name in NAMES if parent_of(name)]
REFERRALS_PER_YEAR = 1500
NOT_NUMBERS_ABOUT_THE_WORLD = (
    "run.",
    "pathway.policy",
    "start.running",
    "demand.seasonal",
    "outcome.read_everybody_after_days",
)


@cache
def small(name: str) -> Scenario:
    """The scenario with fewer referrals and staff in proportion, so that it waits as long."""
    scenario = get_scenario(name)
    if scenario.providers:
        return scenario.with_changes(two_by_name(scenario, REFERRALS_PER_YEAR))
    factor = REFERRALS_PER_YEAR / scenario.demand.referrals_per_year.value
    changes: dict[str, Any] = {f"staff.{kind}.wte": one.wte.value * factor for kind, one in scenario.staff.items()}
    return scenario.with_changes({"demand.referrals_per_year": REFERRALS_PER_YEAR, **changes})


@cache
def results_of(name: str) -> Results:
    return replicate(small(name), replications=2)


@cache
def at_full_size(name: str) -> Results:
    return replicate(get_scenario(name), replications=1)


def parent(name: str) -> str:
    above = parent_of(name)
    assert above is not None
    return above


def test_there_are_at_least_twenty_scenarios_and_one_is_the_root_of_all() -> None:
    assert len(NAMES) >= 20
    assert [name for name in NAMES if parent_of(name) is None] == ["hepgul_2016"]


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_gives_its_reason_says_what_to_look_at_and_explains_itself(name: str) -> None:
    scenario = get_scenario(name)
    assert len(scenario.summary.strip()) >= 80
    assert len(scenario.look_at) >= 40
    assert scenario.title != get_scenario().title or name == "hepgul_2016"
    text = explain(scenario, list_sources())
    assert scenario.look_at in " ".join(text.split())


@pytest.mark.parametrize("name", EXTENDING)
def test_a_scenario_differs_from_its_parent_and_all_it_changes_has_an_origin(name: str) -> None:
    changed = what_differs(get_scenario(parent(name)), get_scenario(name))
    assert changed
    for one in changed:
        assert has_an_origin(one) or one.second is None, one.path


def has_an_origin(one: Difference) -> bool:
    """Claims about the world have one; how long is simulated, which policy and on which dates are choices, not claims."""
    is_a_choice = one.path.startswith(NOT_NUMBERS_ABOUT_THE_WORLD) or isinstance(one.second, date | list | str)
    about_admission = one.path.startswith("population.eligibility.")  # one `assumption` for all of it
    return bool(one.second_origin) or is_a_choice or about_admission or one.path.startswith("official.")


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_runs_in_both_engines_with_identical_episodes(name: str) -> None:
    scenario = small(name)
    ours, theirs = (simulate(scenario, engine=engine).digests for engine in ("kernel", "reference"))
    assert ours["episodes"] == theirs["episodes"]


# --- the direction that each is about, against its parent -----------------------------------------------------------


def figure(results: Results, measure: str, **which: str) -> float:
    return results.find(measure, **which).value


def finishers(results: Results, measure: str, service: str = "service") -> float:
    return figure(results, measure, base="finished", at="end", service=service)


def added_to_all(results: Results) -> float:
    """What the service adds to remission of all disorders, over all referred."""
    return figure(results, "all_remission", base="referred", at="end", service="difference")


def high_intensity_wait(results: Results) -> float:
    return figure(results, "wait_days_mean", group="step=high_intensity")


def referred_in_april_2020(results: Results) -> int:
    opens = results.scenario.run.opens
    first, after = ((date(2020, month, 1) - opens).days for month in (4, 5))
    days = results.first.clients.referral_day
    return int(np.sum((days >= first) & (days < after)))


def at_work(results: Results) -> int:
    staffed = results.first.capacity.staffed
    assert staffed is not None
    return int(staffed.sum())


Shows = Callable[[Results, Results], bool]


def fully_well(results: Results) -> float:
    return figure(results, "full_remission", base="started", at="end", service="service")


DIRECTIONS: dict[str, Shows] = {
    "extra_38m": lambda here, there: (
        at_work(here) > 1.05 * at_work(there) and high_intensity_wait(here) < high_intensity_wait(there)
    ),
    "right_target": lambda here, there: figure(here, "right_target") == 1 > figure(there, "right_target"),
    "high_intensity_for_complex": lambda here, there: any(
        figure(here, "low_intensity_first", group=group) < figure(there, "low_intensity_first", group=group)
        for group in ("emotional_disorders=6+", "personality_disorder=yes")
    ),
    "nobody_stops_after_one": lambda here, there: (
        figure(here, "ended_after_one_contact") < figure(there, "ended_after_one_contact")
        and fully_well(here) > fully_well(there)
    ),
    "twice_the_sessions": lambda here, there: (
        figure(here, "contacts_mean", group="all") > 1.4 * figure(there, "contacts_mean", group="all")
    ),
    "twice_the_sessions_same_staff": lambda here, there: high_intensity_wait(here) > high_intensity_wait(there) + 30,
    # No queue: after the lag that all have, nobody waits for a place at high intensity longer than at low.
    "outcome_reference_trial": lambda here, there: (
        abs(high_intensity_wait(here) - figure(here, "wait_days_mean", group="step=low_intensity")) < 3
        and high_intensity_wait(there) > figure(there, "wait_days_mean", group="step=low_intensity") + 10
    ),
    "trial_anchored": lambda here, there: (
        figure(here, "disorder_remission", base="finished", service="service", group="major_depression=yes")
        > figure(here, "disorder_remission", base="finished", service="none", group="major_depression=yes") + 0.1
    ),
    "national_2024_25": lambda here, there: bool(here.scenario.official) and not there.scenario.official,
    "national_2024_25_providers": lambda here, there: any(row.group == "providers=median" for row in here.rows),
    "no_service": lambda here, there: figure(here, "finished_course_treatment") == 0 == added_to_all(here),
    "service_claim": lambda here, there: finishers(here, "recovery") > finishers(there, "recovery") + 0.02,
    "trial_world": lambda here, there: finishers(here, "all_remission") > finishers(there, "all_remission") + 0.1,
    "minimal_contact_ccbt": lambda here, there: finishers(here, "all_remission") < finishers(there, "all_remission"),
    "independent_audit": lambda here, there: (
        figure(here, "unfinished") <= figure(there, "unfinished")
        and here.scenario.run.follow_up_days == there.scenario.run.follow_up_days + 365
    ),
    "roulette": lambda here, there: (
        figure(here, "right_target") < 0.25
        and finishers(here, "principal_remission", "difference") < finishers(there, "principal_remission", "difference")
    ),
    "diagnose_first": lambda here, there: figure(here, "right_target") > figure(there, "right_target") + 0.1,
    "protocol_fidelity": lambda here, there: added_to_all(here) < added_to_all(there),
    # In a service of a dozen staff who leaves is chance: both at their own size.
    "burnout": lambda here, there: (
        at_work(at_full_size("burnout")) < at_work(at_full_size("hepgul_2016"))
        and finishers(at_full_size("burnout"), "all_remission", "difference")
        < finishers(at_full_size("hepgul_2016"), "all_remission", "difference")
    ),
    "teletherapy": lambda here, there: (
        figure(here, "not_assessed", group="deprivation_decile=10_most_deprived")
        > figure(there, "not_assessed", group="deprivation_decile=10_most_deprived")
    ),
    "telephone_first": lambda here, there: (
        high_intensity_wait(here) < high_intensity_wait(there) and at_work(here) > 1.2 * at_work(there)
    ),
    "pandemic_surge": lambda here, there: referred_in_april_2020(here) < 0.6 * REFERRALS_PER_YEAR / 12,
    "stratified": lambda here, there: (
        figure(here, "low_intensity_first", group="emotional_disorders=6+")
        < figure(there, "low_intensity_first", group="emotional_disorders=6+")
    ),
    "high_intensity_first": lambda here, there: (
        figure(here, "low_intensity_first") == 0 and high_intensity_wait(here) > 2 * high_intensity_wait(there)
    ),
    "treat_every_disorder": lambda here, there: finishers(here, "all_remission") > finishers(there, "all_remission"),
    "unlimited_capacity": lambda here, there: (
        high_intensity_wait(here) < 3 < high_intensity_wait(there) and added_to_all(here) > added_to_all(there)
    ),
    "dependence_30": lambda here, there: (
        figure(here, "share_of_clients", group="alcohol_dependence=yes")
        > 1.4 * figure(there, "share_of_clients", group="alcohol_dependence=yes")
    ),
    "ptsd_doubled": lambda here, there: finishers(here, "all_remission") < finishers(there, "all_remission"),
    "personality_disorder_screened": lambda here, there: (
        figure(here, "all_remission", base="referred", at="end", service="service")
        < figure(there, "all_remission", base="referred", at="end", service="service")
    ),
}


def test_every_scenario_has_a_direction_that_is_tested() -> None:
    assert set(DIRECTIONS) == set(EXTENDING), "add what your scenario must show against its parent"


@pytest.mark.parametrize("name", EXTENDING)
def test_the_direction_that_a_scenario_is_about_shows_against_its_parent(name: str) -> None:
    assert DIRECTIONS[name](results_of(name), results_of(parent(name)))


def test_with_self_help_on_a_computer_alone_waits_are_shorter_and_fewer_finishers_remit() -> None:
    """The mean difference on the same clients, over eight replications, lies more than 3 standard errors below 0.

    One practitioner alone sees all clients of so small a service: where that post is vacant all wait, so single replications
    say little of how much shorter waits are.
    """
    here, there = (replicate(small(name), replications=8) for name in ("minimal_contact_ccbt", "hepgul_2016"))

    def of_each(results: Results, measure: str, **which: str) -> np.ndarray[Any, Any]:
        return np.asarray(results.values[:, results.rows.index(results.find(measure, **which))])

    remission = {"base": "finished", "at": "end", "service": "service"}
    for measure, which in (("second_contact_days_mean", {}), ("all_remission", remission)):
        lower = of_each(here, measure, **which) - of_each(there, measure, **which)
        assert lower.mean() < -3 * stats.sem(lower), measure


def test_where_waits_fall_official_recovery_falls_with_them_though_the_service_adds_more() -> None:
    """What unlimited_capacity says to look at: less time to improve by oneself between first and last contact."""
    here, there = (replicate(small(name), replications=6) for name in ("unlimited_capacity", "hepgul_2016"))
    assert finishers(here, "recovery") < finishers(there, "recovery")
    assert finishers(here, "recovery", "none") < finishers(there, "recovery", "none")
    assert added_to_all(here) > added_to_all(there)


def test_the_pandemic_falls_into_the_data_that_are_collected() -> None:
    scenario = get_scenario("pandemic_surge")
    first = date.fromordinal(scenario.run.opens.toordinal() + scenario.run.warm_up_days)
    last = date.fromordinal(first.toordinal() + scenario.run.data_collection_days - 1)
    assert (first, last) == (date(2020, 4, 1), date(2022, 3, 31))
    shocks = sorted((one.from_date, one.to_date) for one in scenario.demand.shocks.values())
    assert (shocks[0][0], shocks[-1][1]) == (first, last)
    assert all((after[0] - before[1]).days == 1 for before, after in pairwise(shocks))


# Numbers of a what-if that are a multiple of its parent's: path -> how many times. A fit of the parent must reach them all.
TREATMENT_STEPS = ("low_intensity", "group", "internet_guided", "high_intensity")
TWICE = {f"pathway.steps.{step}.planned_sessions_mean": 2.0 for step in TREATMENT_STEPS}
PRACTITIONERS, THERAPISTS = "staff.psychological_wellbeing_practitioner.wte", "staff.high_intensity_therapist.wte"
MULTIPLES: dict[str, dict[str, float]] = {
    "twice_the_sessions": {**TWICE, PRACTITIONERS: 1.85, THERAPISTS: 1.6},
    "twice_the_sessions_same_staff": TWICE,
    "nobody_stops_after_one": {PRACTITIONERS: 1.15, THERAPISTS: 1.15},
    "high_intensity_for_complex": {"pathway.routing.direct_per_flag": 3.0},
    "service_claim": {
        "outcome.treatment.full_course": 1.6, "outcome.treatment.full_course_of_distress": 1.6,
    },
    "burnout": {
        f"staff.{kind}.leavers_per_disorder": 3.0
        for kind in ("assessor", "psychological_wellbeing_practitioner", "high_intensity_therapist")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", MULTIPLES)
def test_what_is_said_to_be_a_multiple_of_the_parent_is_one(name: str) -> None:
    here, there = (
        {path: number.value for path, number, _ in numbers(get_scenario(one))} for one in (name, parent(name))
    )
    found = {path: here[path] / there[path] for path in MULTIPLES[name]}
    assert found == pytest.approx(MULTIPLES[name], rel=2e-4), (
        "the parent was fitted again: fit what follows from it too"
    )


@pytest.mark.parametrize("name", ["high_intensity_for_complex", "stratified"])
def test_as_many_start_at_low_intensity_as_in_the_parent_where_only_who_they_are_shall_differ(name: str) -> None:
    """Of 20,000 people drawn, those let through to treatment; within 1 point, where chance adds half a point."""

    def share(scenario: Scenario) -> float:
        draws = Draws(1, 0)
        courses, care = draw_courses(scenario, draw_population(scenario, draws, 20_000), draws)
        sent_to = courses.next_outside[care.exit == TREATED, ASSESSMENT]
        return float(np.mean(sent_to != scenario.steps.index("high_intensity")))

    assert share(get_scenario(name)) == pytest.approx(share(get_scenario(parent(name))), abs=0.01)


def test_the_doubt_about_usual_care_reaches_from_nothing_to_twice_what_was_fitted() -> None:
    scenario = get_scenario()
    doubt, fitted = scenario.doubt["untreated_recovery"], scenario.outcome.remission.usual_care.value
    assert doubt.paths == ("outcome.remission.usual_care",)
    assert doubt.low == 1
    assert doubt.high == pytest.approx(1 + 2 * (fitted - 1), abs=0.05)


def test_the_standard_contact_of_telephone_first_is_the_mean_contact_of_the_mix_before() -> None:
    from caseload_sim.scenario.expected import shares_of_clients

    shares, _ = shares_of_clients(get_scenario())
    scenario = get_scenario("telephone_first")
    minutes = {name: one.contact_minutes.value for name, one in scenario.pathway.modalities.items()}
    mean = sum(shares[name] * minutes[name] for name in shares)
    assert scenario.pathway.standard_contact_minutes.value == pytest.approx(mean, abs=0.1)
    assert minutes["telephone"] == pytest.approx(45 * (1 - 0.362), abs=0.05)
