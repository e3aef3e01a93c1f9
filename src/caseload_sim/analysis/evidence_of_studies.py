"""What studies found about getting better, found again in the model on people drawn for it, with no queue.

Untreated cohorts, waiting lists, arms of trials, questionnaires held against interviews: each figure with its own readings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from caseload_sim.analysis.agreement import Found, correlation, mean, reliably_recovered
from caseload_sim.clients.population import Clients, draw_population
from caseload_sim.clients.questionnaires import (
    below_caseness,
)
from caseload_sim.clients.remission import Given, complexity_of, illness_of, treatment_given
from caseload_sim.clients.severity import (
    FIRST,
    LAST,
    MONTH_12,
    Condition,
    Passing,
    at_start_of,
    condition_of,
    passing_at,
    scores_on,
    severity_on,
)
from caseload_sim.draws.streams import Draws
from caseload_sim.pathway.assessment import TREATED, first_course, recorded_problem
from caseload_sim.pathway.care import exits_of, known_of
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Flags, Floats, largest_column

DEPRESSION, GENERALISED_ANXIETY = "major_depression", "generalised_anxiety"


ANXIETIES = ("generalised_anxiety", "panic_agoraphobia", "social_anxiety", "ptsd", "ocd")


# Disorders that the Netherlands Study of Depression and Anxiety followed; depression first.
FOLLOWED_FOR_TWO_YEARS = (DEPRESSION, "generalised_anxiety", "panic_agoraphobia", "social_anxiety")


# Of people who attend a general practice for whatever reason, 14% depressed: an assumption, as Levis 2019 pooled such samples.
GENERAL_PRACTICE = {
    "major_depression": 0.14, "generalised_anxiety": 0.10, "panic_agoraphobia": 0.05, "social_anxiety": 0.05, "ptsd": 0.04,
    "ocd": 0.02, "other_anxiety": 0.06, "alcohol_dependence": 0.08, "other_substance_dependence": 0.03,
    "personality_disorder": 0.08, "childhood_sexual_abuse": 0.10, "childhood_physical_abuse": 0.08,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class People:
    """People drawn for a study, and what is needed to read them.

    cared_for, without_care: with usual care, and with none at all, as on a waiting list
    diagnosed: (n, d) bool, at interview on day 0; error: (n, d) of the later interview
    first, last, later: states, moods and errors of three readings
    """

    scenario: Scenario
    clients: Clients
    cared_for: Condition
    without_care: Condition
    diagnosed: Flags
    as_heard: Floats
    error: Floats
    first: Passing
    last: Passing
    later: Passing

    def column(self, disorder: str) -> int:
        """The column of a disorder."""
        return self.clients.disorder_names.index(disorder)

    def gone(self, who: Condition, days: int, given: Given | None = None, passing: Passing | None = None) -> Flags:
        """Whether an interview on a day finds each disorder absent, (n, d) bool."""
        severity, _ = severity_on(self.scenario, who, passing or self.last, self._on(days), given)
        gone: Flags = severity + self.error <= 0
        return gone

    def scores(
        self, who: Condition, passing: Passing, days: int, given: Given | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """PHQ-9 and GAD-7 on a day, each (n,) int64: wide enough for differences."""
        phq9, gad7 = scores_on(self.scenario, who, passing, self._on(days), given)
        return phq9.astype(np.int64), gad7.astype(np.int64)

    def given(self, strength: Floats | float, target: NDArray[np.int8]) -> Given:
        """A course of that strength for a target; the therapists are average."""
        return Given(np.broadcast_to(np.float64(strength), (len(target),)).copy(), target)

    def _on(self, days: int) -> NDArray[np.int32]:
        return np.full(len(self.clients.id), days, dtype=np.int32)


def drawn_people(scenario: Scenario, draws: Draws, n: int) -> People:
    """So many people, as they would be referred in a scenario."""
    clients = draw_population(scenario, draws, n)
    illness = illness_of(scenario, clients, draws)
    care = scenario.outcome.remission.usual_care.value
    no_care = replace(illness, hazard=illness.hazard / care, distress_hazard=illness.distress_hazard / care)
    cared_for, without = (condition_of(scenario, clients, one, draws) for one in (illness, no_care))
    sd, names = scenario.instruments.interview_error_sd.value, clients.disorder_names
    at_start, error = (
        sd * np.stack(list(draws.normals([f"interview_{when}:{name}" for name in names], clients.id)), axis=1)
        for when in ("start", "end")
    )
    first, last, later = (passing_at(scenario, clients, reading, draws) for reading in (FIRST, LAST, MONTH_12))
    heard = clients.severity + at_start
    return People(scenario, clients, cared_for, without, heard > 0, heard, error, first, last, later)


def of_studies(scenario: Scenario, draws: Draws, n: int) -> Found:
    """Every figure of a study, by name."""
    people = drawn_people(scenario, draws, n)
    return {
        **untreated_cohorts(people),
        **accuracy(people),
        **trials(people, draws),
        **usual_care_arm(people),
        **read_twice(people),
    }


def untreated_cohorts(people: People) -> Found:
    """How many lose a diagnosis untreated, in cohorts and on waiting lists."""
    depression, ptsd = people.column(DEPRESSION), people.column("ptsd")
    found: Found = {}
    for days in (91, 182, 365):
        gone = people.gone(people.without_care, days)
        found[f"untreated_depression_gone_{days}"] = mean(gone[people.diagnosed[:, depression], depression])
    # Trials take in whom they find ill at screening and again at the start of the wait, a fortnight later.
    found_again = ~people.gone(people.without_care, 14, passing=people.later)[:, depression]
    gone = people.gone(people.without_care, 14 + 56)
    found["waiting_list_depression_gone_56"] = mean(gone[people.diagnosed[:, depression] & found_again, depression])
    gone = people.gone(people.without_care, 1217)
    found["untreated_ptsd_gone_1217"] = mean(gone[people.diagnosed[:, ptsd], ptsd])
    followed = [people.column(name) for name in FOLLOWED_FOR_TWO_YEARS]
    diagnosed = people.diagnosed[:, followed]
    still: Flags = diagnosed & ~people.gone(people.cared_for, 730)[:, followed]
    depressed, anxious = diagnosed[:, 0], diagnosed[:, 1:].any(axis=1)
    for name, who in (
        ("depression_only", depressed & ~anxious),
        ("anxiety_only", anxious & ~depressed),
        ("both", depressed & anxious),
    ):
        found[f"ill_after_two_years_{name}"] = mean(np.any(still, axis=1)[who])
    return found


def accuracy(people: People, prefix: str = "") -> Found:
    """Questionnaires on day 0 against the interview of the same day."""
    phq9, gad7 = people.scores(people.cared_for, people.first, 0)
    found: Found = {}
    for name, score, disorder in (("phq9", phq9, DEPRESSION), ("gad7", gad7, GENERALISED_ANXIETY)):
        ill = people.diagnosed[:, people.column(disorder)]
        found[f"{prefix}{name}_sensitivity"] = mean(score[ill] >= 10)
        found[f"{prefix}{name}_specificity"] = mean(score[~ill] < 10)
    return found


def in_general_practice(scenario: Scenario, draws: Draws, n: int) -> Found:
    """Accuracy of the PHQ-9 among those who attend a general practice, where nobody comes for distress alone."""
    changes = {f"population.prevalence.{name}.value": value for name, value in GENERAL_PRACTICE.items()}
    people = drawn_people(scenario.with_changes(changes), draws, n)
    illness = people.cared_for.illness
    calm = replace(illness, distress_length=np.where(illness.present.any(axis=1), illness.distress_length, -1.0))
    found = accuracy(replace(people, cared_for=replace(people.cared_for, illness=calm)), "general_practice_")
    return {name: value for name, value in found.items() if "phq9" in name}


def trials(people: People, draws: Draws) -> Found:
    """Arms of trials: of depression, of low intensity, of self-help with what followed, and by prognosis."""
    scenario, n = people.scenario, len(people.clients.id)
    depression = people.column(DEPRESSION)
    for_depression = np.full(n, depression, dtype=np.int8)
    depressed, full = people.diagnosed[:, depression], people.given(1.0, for_depression)
    cared_for, alone = people.cared_for, people.without_care
    found: Found = {
        "trial_control_gone": mean(people.gone(cared_for, 182)[depressed, depression]),
        "trial_treated_gone": mean(people.gone(cared_for, 182, full)[depressed, depression]),
    }
    phq9_before, gad7_before = people.scores(cared_for, people.first, 21)
    who = depressed & (phq9_before >= 10)
    for arm, given in (("waiting_list", None), ("treated", full)):
        phq9, _ = people.scores(alone, people.last, 82, given)
        found[f"response_{arm}_2_months"] = mean((phq9 <= phq9_before / 2)[who])
    # Low intensity against its waiting list: clients of the service at caseness, without dependence, not sent to high intensity.
    target, _ = recorded_problem(scenario, people.clients, draws)
    needs_high = [people.clients.disorder_names.index(name) for name in scenario.pathway.routing.high_intensity_problems
                  if name in people.clients.disorder_names]  # fmt: skip
    low = ~below_caseness(phq9_before.astype(np.int8), gad7_before.astype(np.int8)) & ~np.isin(target, needs_high)
    low &= people.clients.count(scenario, "dependence") == 0
    guided = _low_intensity(people, target, 6)
    treated, waiting = people.scores(alone, people.last, 77, guided), people.scores(alone, people.last, 77)
    for name, one, other in zip(("phq9", "gad7"), treated, waiting, strict=True):
        found[f"low_intensity_less_waiting_list_{name}"] = mean((one - other)[low])
    any_disorder = low & people.diagnosed.any(axis=1)
    gone: Flags = people.gone(alone, 112, guided) | ~people.diagnosed
    found["low_intensity_all_gone_3_months"] = mean(np.all(gone, axis=1)[any_disorder])
    found |= _self_help(people) | _by_prognosis(people)
    principal = largest_column(people.as_heard)
    anxious = people.diagnosed.any(axis=1) & np.isin(principal, [people.column(name) for name in ANXIETIES])
    course = people.given(0.95, principal)
    gone = people.gone(cared_for, 150, course)[np.arange(n), principal]
    found["anxiety_gone_after_full_course"] = mean(gone[anxious])
    return found


def _low_intensity(people: People, target: NDArray[np.int8], n_sessions: int) -> Given:
    """What so many sessions of the first low-intensity step give, by average practitioners."""
    scenario, n = people.scenario, len(target)
    sessions = np.zeros((n, len(scenario.steps)), dtype=np.int32)
    sessions[:, scenario.steps.index("low_intensity")] = n_sessions
    complexity = complexity_of(scenario, people.clients)
    return treatment_given(
        scenario, target, np.ones(sessions.shape), complexity, sessions, sessions.sum(axis=1, dtype=np.int32) + 1
    )


def _self_help(people: People) -> Found:
    """Guided self-help for the main disorder; those whom it left with it had a course face to face, or more self-help."""
    principal = largest_column(people.as_heard)
    at = np.arange(len(principal)), principal
    who = people.diagnosed.any(axis=1)
    first, more = _low_intensity(people, principal, 7), _low_intensity(people, principal, 14)
    gone = people.gone(people.cared_for, 84, first)[at]
    left = who & ~gone
    course = people.given(1 - (1 - first.strength) * (1 - 0.95), principal)
    return {
        "self_help_gone": mean(gone[who]),
        "self_help_then_course_gone": mean(people.gone(people.cared_for, 182, course, people.later)[at][left]),
        "self_help_then_more_gone": mean(people.gone(people.cared_for, 182, more, people.later)[at][left]),
    }


def _by_prognosis(people: People) -> Found:
    """A year after a course, a brief therapy or usual care for depression: the quarter with the worst prognosis, and the others."""
    depression = people.column(DEPRESSION)
    hazard = people.cared_for.illness.hazard[:, depression]
    depressed = people.diagnosed[:, depression]
    worst = depressed & (hazard <= np.quantile(hazard[depressed], 0.25))
    target = np.full(len(hazard), depression, dtype=np.int8)
    found: Found = {}
    for arm, strength in (("course", 0.95), ("brief", 0.5), ("usual_care", 0.0)):
        gone = people.gone(people.cared_for, 365, people.given(strength, target))[:, depression]
        found[f"worst_prognosis_{arm}"] = mean(gone[worst])
        if arm == "usual_care":
            found["better_prognosis_usual_care"] = mean(gone[depressed & ~worst])
    return found


def usual_care_arm(people: People) -> Found:
    """Reliable recovery of people at caseness in usual care, after six and twelve months."""
    before = people.scores(people.cared_for, people.first, 10)
    case = ~below_caseness(before[0].astype(np.int8), before[1].astype(np.int8))
    found: Found = {}
    for months, days in ((6, 182), (12, 365)):
        after = people.scores(people.cared_for, people.last, days)
        found[f"usual_care_reliable_recovery_{months}_months"] = mean(reliably_recovered(before, after)[case])
    return found


def read_twice(people: People) -> Found:
    """The same people read again: questionnaires after two weeks, an interview on the next day."""
    soon = replace(people.last, drifted=0.5)  # as at the start of a course: what drifts for good has hardly begun
    before, after = (people.scores(people.without_care, one, day) for one, day in ((people.first, 10), (soon, 24)))
    depressed = people.diagnosed[:, people.column(DEPRESSION)]
    found = {
        "retest_phq9_depressed": correlation(before[0][depressed], after[0][depressed]),
        "retest_gad7": correlation(before[1], after[1]),
    }
    gone = people.gone(people.without_care, 1)
    for j, name in enumerate(people.clients.disorder_names):
        found[f"next_day_gone_{name}"] = mean(gone[people.diagnosed[:, j], j])
    return found


def first_course_gap(scenario: Scenario, draws: Draws, n: int, days_until: Mapping[str, int]) -> Found:
    """First scores of courses, high less low intensity, by routing, on people drawn for it.

    days_until: days from referral to the first session of a course, by step
    """
    clients = draw_population(scenario, draws, n)
    policy = POLICIES[scenario.pathway.policy]
    target, _ = recorded_problem(scenario, clients, draws, policy)
    decision = policy.decide(known_of(scenario, clients, target, draws), scenario.pathway.routing)
    high = first_course(scenario, clients, decision, draws) == scenario.steps.index("high_intensity")
    who = condition_of(scenario, clients, illness_of(scenario, clients, draws), draws)
    passing = passing_at(scenario, clients, at_start_of("high_intensity"), draws)
    days = np.where(high, days_until["high_intensity"], days_until["low_intensity"]).astype(np.int32)
    treated = exits_of(scenario, clients, draws) == TREATED
    phq9, gad7 = scores_on(scenario, who, passing, days)
    return {
        f"high_less_low_first_{name}": mean(score[treated & high]) - mean(score[treated & ~high])
        for name, score in (("phq9", phq9), ("gad7", gad7))
    }
