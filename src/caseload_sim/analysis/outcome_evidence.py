"""What studies and statistics found about getting better, found again in the model: each figure with its own readings.

Two kinds of figures. Those of studies are read on people drawn for them, with no queue: untreated cohorts, arms of trials,
questionnaires held against interviews. Those of the service are read on clients who went through its queue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients, draw_population
from caseload_sim.clients.questionnaires import (
    GAD7_RELIABLE_CHANGE,
    PHQ9_RELIABLE_CHANGE,
    Scores,
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
from caseload_sim.measures.simulation import Simulation, within
from caseload_sim.pathway.assessment import TREATED, first_course, recorded_problem
from caseload_sim.pathway.care import exits_of, known_of
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Flags, Floats, largest_column, rows_of

Found = dict[str, float]
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
        found[f"untreated_depression_gone_{days}"] = _mean(gone[people.diagnosed[:, depression], depression])
    # Trials take in whom they find ill at screening and again at the start of the wait, a fortnight later.
    found_again = ~people.gone(people.without_care, 14, passing=people.later)[:, depression]
    gone = people.gone(people.without_care, 14 + 56)
    found["waiting_list_depression_gone_56"] = _mean(gone[people.diagnosed[:, depression] & found_again, depression])
    gone = people.gone(people.without_care, 1217)
    found["untreated_ptsd_gone_1217"] = _mean(gone[people.diagnosed[:, ptsd], ptsd])
    followed = [people.column(name) for name in FOLLOWED_FOR_TWO_YEARS]
    diagnosed = people.diagnosed[:, followed]
    still: Flags = diagnosed & ~people.gone(people.cared_for, 730)[:, followed]
    depressed, anxious = diagnosed[:, 0], diagnosed[:, 1:].any(axis=1)
    for name, who in (
        ("depression_only", depressed & ~anxious),
        ("anxiety_only", anxious & ~depressed),
        ("both", depressed & anxious),
    ):
        found[f"ill_after_two_years_{name}"] = _mean(np.any(still, axis=1)[who])
    return found


def accuracy(people: People, prefix: str = "") -> Found:
    """Questionnaires on day 0 against the interview of the same day."""
    phq9, gad7 = people.scores(people.cared_for, people.first, 0)
    found: Found = {}
    for name, score, disorder in (("phq9", phq9, DEPRESSION), ("gad7", gad7, GENERALISED_ANXIETY)):
        ill = people.diagnosed[:, people.column(disorder)]
        found[f"{prefix}{name}_sensitivity"] = _mean(score[ill] >= 10)
        found[f"{prefix}{name}_specificity"] = _mean(score[~ill] < 10)
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
        "trial_control_gone": _mean(people.gone(cared_for, 182)[depressed, depression]),
        "trial_treated_gone": _mean(people.gone(cared_for, 182, full)[depressed, depression]),
    }
    phq9_before, gad7_before = people.scores(cared_for, people.first, 21)
    who = depressed & (phq9_before >= 10)
    for arm, given in (("waiting_list", None), ("treated", full)):
        phq9, _ = people.scores(alone, people.last, 82, given)
        found[f"response_{arm}_2_months"] = _mean((phq9 <= phq9_before / 2)[who])
    # Low intensity against its waiting list: clients of the service at caseness, without dependence, not sent to high intensity.
    target, _ = recorded_problem(scenario, people.clients, draws)
    needs_high = [people.clients.disorder_names.index(name) for name in scenario.pathway.routing.high_intensity_problems
                  if name in people.clients.disorder_names]  # fmt: skip
    low = ~below_caseness(phq9_before.astype(np.int8), gad7_before.astype(np.int8)) & ~np.isin(target, needs_high)
    low &= people.clients.count(scenario, "dependence") == 0
    guided = _low_intensity(people, target, 6)
    treated, waiting = people.scores(alone, people.last, 77, guided), people.scores(alone, people.last, 77)
    for name, one, other in zip(("phq9", "gad7"), treated, waiting, strict=True):
        found[f"low_intensity_less_waiting_list_{name}"] = _mean((one - other)[low])
    any_disorder = low & people.diagnosed.any(axis=1)
    gone: Flags = people.gone(alone, 112, guided) | ~people.diagnosed
    found["low_intensity_all_gone_3_months"] = _mean(np.all(gone, axis=1)[any_disorder])
    found |= _self_help(people) | _by_prognosis(people)
    principal = largest_column(people.as_heard)
    anxious = people.diagnosed.any(axis=1) & np.isin(principal, [people.column(name) for name in ANXIETIES])
    course = people.given(0.95, principal)
    gone = people.gone(cared_for, 150, course)[np.arange(n), principal]
    found["anxiety_gone_after_full_course"] = _mean(gone[anxious])
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
        "self_help_gone": _mean(gone[who]),
        "self_help_then_course_gone": _mean(people.gone(people.cared_for, 182, course, people.later)[at][left]),
        "self_help_then_more_gone": _mean(people.gone(people.cared_for, 182, more, people.later)[at][left]),
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
        found[f"worst_prognosis_{arm}"] = _mean(gone[worst])
        if arm == "usual_care":
            found["better_prognosis_usual_care"] = _mean(gone[depressed & ~worst])
    return found


def usual_care_arm(people: People) -> Found:
    """Reliable recovery of people at caseness in usual care, after six and twelve months."""
    before = people.scores(people.cared_for, people.first, 10)
    case = ~below_caseness(before[0].astype(np.int8), before[1].astype(np.int8))
    found: Found = {}
    for months, days in ((6, 182), (12, 365)):
        after = people.scores(people.cared_for, people.last, days)
        found[f"usual_care_reliable_recovery_{months}_months"] = _mean(_reliably_recovered(before, after)[case])
    return found


def read_twice(people: People) -> Found:
    """The same people read again: questionnaires after two weeks, an interview on the next day."""
    soon = replace(people.last, drifted=0.5)  # as at the start of a course: what drifts for good has hardly begun
    before, after = (people.scores(people.without_care, one, day) for one, day in ((people.first, 10), (soon, 24)))
    depressed = people.diagnosed[:, people.column(DEPRESSION)]
    found = {
        "retest_phq9_depressed": _correlation(before[0][depressed], after[0][depressed]),
        "retest_gad7": _correlation(before[1], after[1]),
    }
    gone = people.gone(people.without_care, 1)
    for j, name in enumerate(people.clients.disorder_names):
        found[f"next_day_gone_{name}"] = _mean(gone[people.diagnosed[:, j], j])
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
        f"high_less_low_first_{name}": _mean(score[treated & high]) - _mean(score[treated & ~high])
        for name, score in (("phq9", phq9), ("gad7", gad7))
    }


def days_until_courses(simulations: Sequence[Simulation]) -> dict[str, int]:
    """Mean days from referral to the first session of a client's first course, by step, for steps that anybody began with."""
    days: dict[str, int] = {}
    for name in simulations[0].scenario.steps:
        waits = []
        for one in simulations:
            out = one.outcomes
            began = (out.first_course == one.scenario.steps.index(name)) & (out.second_contact_day > 0)
            waits.append((out.second_contact_day - one.clients.referral_day)[began])
        if len(all_waits := np.concatenate(waits)):
            days[name] = round(float(all_waits.mean()))
    return days


def of_the_service(simulations: Sequence[Simulation]) -> Found:
    """Every figure of the service, over all who ended in the period in these replications, by name."""
    parts = [_columns_of(one) for one in simulations]
    c = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    finished = c["finished"]
    case, recovered = finished & c["case"], ~c["last_case"]
    improved, worse = c["improved"], c["worse"]
    found: Found = {"first_case": _mean(c["case"][finished])}
    for name in ("phq9", "gad7"):
        found[f"first_{name}"], found[f"first_{name}_sd"] = (
            _mean(c[f"first_{name}"][finished]),
            _sd(c[f"first_{name}"][finished]),
        )
        found[f"last_{name}"] = _mean(c[f"last_{name}"][finished])
    found["correlation_first"] = _correlation(c["first_phq9"][finished], c["first_gad7"][finished])
    found |= {
        "recovery": _mean(recovered[case]),
        "reliable_recovery": _mean((recovered & improved)[case]),
        "improvement": _mean(improved[finished]),
        "deterioration": _mean(worse[finished]),
        "twin_recovery": _mean(~c["twin_case"][case]),
    }
    for name, score, problem in (("depression", "phq9", True), ("anxiety", "phq9", False)):
        who = finished & ~c["case"] & (c["depression_recorded"] == problem)
        found[f"{name}_not_case_change_phq9"] = _mean((c[f"last_{score}"] - c[f"first_{score}"])[who])
    for k, name in enumerate(simulations[0].clients.disorder_names):
        found[f"recovery_problem_{name}"] = _mean(recovered[case & (c["target"] == k)])
    for name, condition in (("personality_disorder", c["personality_disorder"]), ("abuse", c["abuse"])):
        found[f"odds_ratio_recovery_{name}"] = _odds_ratio(recovered[case & condition], recovered[case & ~condition])
    for end, at in (("least", c["deprivation"].min()), ("most", c["deprivation"].max())):
        who = finished & (c["deprivation"] == at)
        found[f"improvement_{end}_deprived"] = _mean(improved[who])
        found[f"not_case_{end}_deprived"] = 1 - _mean(c["case"][who])
    after_low = case & recovered & ~c["high_last"]
    for name in ("phq9", "gad7"):
        scores = c[f"last_{name}"][after_low]
        found[f"recovered_after_low_{name}"], found[f"recovered_after_low_{name}_sd"] = _mean(scores), _sd(scores)
    success = (c["last_phq9"] <= 9) & (c["last_phq9"] <= c["first_phq9"] / 2)
    who = finished & c["depressed"] & (c["first_phq9"] >= 10)
    found["kappa_phq9_success"] = _kappa(success[who], c["depression_gone"][who])
    ladder = case & c["any_diagnosis"]
    found |= {
        "principal_gone": _mean(c["principal_gone"][ladder]), "all_gone": _mean(c["all_gone"][ladder]),
        "fully_gone": _mean(c["fully_gone"][ladder]), "twin_all_gone": _mean(c["twin_all_gone"][ladder]),
        "recovered_still_diagnosed": 1 - _mean(c["all_gone"][ladder & recovered]),
    }  # fmt: skip
    return found | _of_courses(simulations) | _against_usual_care(simulations)


def _columns_of(simulation: Simulation) -> dict[str, NDArray[Any]]:
    """What the figures of the service are made of, of the clients whose referral ended in the period."""
    out, clients = simulation.outcomes, simulation.clients
    rows = np.flatnonzero(within(simulation, out.end_day))
    first, last = (out.first_phq9, out.first_gad7), (out.service.last_phq9, out.service.last_gad7)
    improved, worse = _reliable(_wide(first), _wide(last))
    names, conditions = clients.disorder_names, clients
    depression = names.index(DEPRESSION)
    decile = clients.strata.get("deprivation_decile", np.zeros(len(clients.id), dtype=np.int8))
    columns = {
        "finished": out.finished, "case": out.at_caseness, "last_case": ~below_caseness(*last),
        "twin_case": ~below_caseness(out.none.last_phq9, out.none.last_gad7), "improved": improved, "worse": worse,
        "first_phq9": first[0].astype(np.int64), "first_gad7": first[1].astype(np.int64),
        "last_phq9": last[0].astype(np.int64), "last_gad7": last[1].astype(np.int64),
        "target": simulation.care.target, "depression_recorded": simulation.care.target == depression,
        "personality_disorder": conditions.has("personality_disorder"),
        "abuse": conditions.has("childhood_sexual_abuse") | conditions.has("childhood_physical_abuse"),
        "deprivation": decile, "high_last": _ended_high(simulation),
        "depressed": out.diagnosed[:, depression], "depression_gone": out.service.without[:, depression],
        "any_diagnosis": out.principal >= 0, "principal_gone": out.service.end["principal_remission"],
        "all_gone": out.service.end["all_remission"], "fully_gone": out.service.end["full_remission"],
        "twin_all_gone": out.none.end["all_remission"],
    }  # fmt: skip
    return {name: np.asarray(column[rows]) for name, column in columns.items()}


def _ended_high(simulation: Simulation) -> Flags:
    """Whose last course was at high intensity, or who stepped up, (n,) bool."""
    steps = simulation.scenario.steps
    high = steps.index("high_intensity") if "high_intensity" in steps else -2
    return np.asarray((simulation.outcomes.first_course == high) | simulation.outcomes.stepped_up)


def _of_courses(simulations: Sequence[Simulation]) -> Found:
    """Figures per therapy course of two or more sessions, and what changes from first contact to a course's first session."""
    parts: list[dict[str, NDArray[Any]]] = []
    for one in simulations:
        out, scores = one.outcomes, one.outcomes.course_scores
        client = scores.client.astype(np.intp)
        high = scores.step == (
            one.scenario.steps.index("high_intensity") if "high_intensity" in one.scenario.steps else -2
        )
        case_before = out.at_caseness[client]
        first = scores.step == out.first_course[client]
        wait = out.second_contact_day[client] - out.first_contact_day[client]
        parts.append({
            "first_phq9": scores.first_phq9.astype(np.int64), "first_gad7": scores.first_gad7.astype(np.int64),
            "last_phq9": scores.last_phq9.astype(np.int64), "last_gad7": scores.last_gad7.astype(np.int64),
            "two": scores.sessions >= 2, "high": high, "first_course": first & (wait > 0), "case_before": case_before,
            "phq9_before": out.first_phq9[client].astype(np.int64), "wait": wait / 30,
            "well_after": below_caseness(scores.last_phq9, scores.last_gad7),
        })  # fmt: skip
    c = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    two = c["two"].astype(bool)
    before, after = (c["first_phq9"], c["first_gad7"]), (c["last_phq9"], c["last_gad7"])
    case = ~below_caseness(before[0].astype(np.int8), before[1].astype(np.int8))
    well = ~(~below_caseness(after[0].astype(np.int8), after[1].astype(np.int8)))
    improved, worse = _reliable(before, after)
    found: Found = {"course_case": _mean(case[two])}
    for name in ("phq9", "gad7"):
        for when in ("first", "last"):
            scores_now = c[f"{when}_{name}"][two]
            found[f"course_{when}_{name}"], found[f"course_{when}_{name}_sd"] = _mean(scores_now), _sd(scores_now)
    found |= {
        "course_recovery": _mean(well[two & case]),
        "course_reliable_recovery": _mean((well & improved)[two & case]),
        "course_improvement": _mean(improved[two]),
        "course_deterioration": _mean(worse[two]),
        "course_recovery_low": _mean(well[two & case & ~c["high"]]),
        "course_recovery_high": _mean(well[two & case & c["high"]]),
    }
    waited = c["first_course"].astype(bool)
    waited_months: Floats = c["wait"].astype(np.float64)
    for name in ("phq9", "gad7"):
        found[f"high_less_low_first_{name}"] = _mean(c[f"first_{name}"][waited & c["high"]]) - _mean(
            c[f"first_{name}"][waited & ~c["high"]]
        )
    lost = c["case_before"].astype(np.float64) - case
    by_step = c["high"].astype(bool)
    slope, start = _slope(waited_months, lost, by_step, waited)
    fall = (c["phq9_before"] - c["first_phq9"]).astype(np.float64)
    seen = waited & two & c["case_before"].astype(bool)
    found |= {
        "caseness_lost_at_no_wait": start,
        "caseness_lost_per_30_days": slope,
        "phq9_fall_per_30_days": _slope(waited_months, fall, by_step, waited)[0],
        "recovery_per_30_days": _slope(waited_months, well.astype(np.float64), by_step, seen)[0],
    }
    return found


def _against_usual_care(simulations: Sequence[Simulation]) -> Found:
    """Finishers at caseness a year after they came, with the service and without: as in the trial of a copy of it."""
    treated, untreated, before, sds = [], [], [], []
    for one in simulations:
        out, clients, scenario = one.outcomes, one.clients, one.scenario
        draws = Draws(scenario.run.seed, one.replication)
        rows = np.flatnonzero(within(one, out.end_day) & out.finished & out.at_caseness)
        some = rows_of(clients, rows)
        given = treatment_given(
            scenario, one.care.target[rows], one.care.response[rows], complexity_of(scenario, some), out.sessions[rows],
            out.contacts[rows], out.first_course[rows],
        )  # fmt: skip
        who, passing = (
            condition_of(scenario, some, illness_of(scenario, some, draws), draws),
            passing_at(scenario, some, LAST, draws),
        )
        day = np.full(len(rows), 365, dtype=np.int32)
        treated.append(np.stack(_wide(scores_on(scenario, who, passing, day, given))))
        untreated.append(np.stack(_wide(scores_on(scenario, who, passing, day))))
        before.append(np.stack(_wide((out.first_phq9[rows], out.first_gad7[rows]))))
        sds.append(len(rows))
    with_it, without, first = (np.concatenate(part, axis=1) for part in (treated, untreated, before))
    gained = _reliably_recovered(tuple(first), tuple(with_it)).astype(float) - _reliably_recovered(
        tuple(first), tuple(without)
    )
    return {
        "service_less_usual_care_reliable_recovery": _mean(gained),
        "service_less_usual_care_phq9_d": _mean(with_it[0] - without[0]) / _sd(first[0]),
        "service_less_usual_care_gad7_d": _mean(with_it[1] - without[1]) / _sd(first[1]),
    }


def _wide(scores: tuple[Scores, Scores]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return scores[0].astype(np.int64), scores[1].astype(np.int64)


Pair = Sequence[NDArray[np.int64]]


def _reliable(before: Pair, after: Pair) -> tuple[Flags, Flags]:
    """Reliably improved and reliably deteriorated, each (n,) bool (source nhstt_manual)."""
    phq9, gad7 = after[0] - before[0], after[1] - before[1]
    down = (phq9 <= -PHQ9_RELIABLE_CHANGE) | (gad7 <= -GAD7_RELIABLE_CHANGE)
    up = (phq9 >= PHQ9_RELIABLE_CHANGE) | (gad7 >= GAD7_RELIABLE_CHANGE)
    return down & ~up, up & ~down


def _reliably_recovered(before: Pair, after: Pair) -> Flags:
    return np.asarray(below_caseness(after[0].astype(np.int8), after[1].astype(np.int8)) & _reliable(before, after)[0])


def _mean(values: NDArray[Any]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _sd(values: NDArray[Any]) -> float:
    return float(np.std(values.astype(np.float64)))


def _correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float(np.corrcoef(one.astype(np.float64), other.astype(np.float64))[0, 1])


def _odds_ratio(one: Flags, other: Flags) -> float:
    p, q = _mean(one), _mean(other)
    return p / (1 - p) * (1 - q) / q


def _slope(x: Floats, y: Floats, by: Flags, some: Flags) -> tuple[float, float]:
    """Slope of y on x within the two groups of `by`, and the mean of y where x is nothing.

    Within groups: those at high intensity wait longer and are treated for longer, which is no effect of waiting.
    """
    inner_x, inner_y = x[some], y[some]  # copies, as always with flags
    for group in (by[some], ~by[some]):
        if group.any():
            inner_x[group] -= inner_x[group].mean()
            inner_y[group] -= inner_y[group].mean()
    slope = float(inner_x @ inner_y / (inner_x @ inner_x))
    return slope, float(y[some].mean() - slope * x[some].mean())


def _kappa(one: Flags, other: Flags) -> float:
    """Cohen's kappa: agreement beyond what chance gives."""
    p, q = _mean(one), _mean(other)
    by_chance = p * q + (1 - p) * (1 - q)
    return (_mean(one == other) - by_chance) / (1 - by_chance)


def all_figures(scenario: Scenario, simulations: Sequence[Simulation], n: int) -> Mapping[str, float]:
    """Every figure of studies and of the service, by name."""
    draws = Draws(scenario.run.seed, 0)
    return {
        **of_studies(scenario, draws, n),
        **in_general_practice(scenario, draws, n),
        **of_the_service(simulations),
    }
