"""What statistics of the service say about getting better, found again on clients who went through its queue.

What waiting does is read on people drawn for it: see `of_waiting`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.analysis.agreement import (
    Found,
    correlation,
    kappa,
    mean,
    odds_ratio,
    reliable_changes,
    reliably_recovered,
    sd,
    wide,
)
from caseload_sim.analysis.evidence_of_studies import DEPRESSION
from caseload_sim.clients.population import draw_population
from caseload_sim.clients.questionnaires import below_caseness
from caseload_sim.clients.remission import complexity_of, illness_of, treatment_given
from caseload_sim.clients.severity import (
    FIRST,
    LAST,
    at_start_of,
    condition_of,
    passing_at,
    scores_on,
)
from caseload_sim.draws.streams import Draws
from caseload_sim.measures.simulation import Simulation, within
from caseload_sim.pathway.assessment import TREATED
from caseload_sim.pathway.care import draw_courses
from caseload_sim.pathway.stepping import no_longer_come_from
from caseload_sim.scenario.pathway import ASSESSMENT
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Flags, rows_of


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
    found: Found = {"first_case": mean(c["case"][finished])}
    for name in ("phq9", "gad7"):
        found[f"first_{name}"], found[f"first_{name}_sd"] = (
            mean(c[f"first_{name}"][finished]),
            sd(c[f"first_{name}"][finished]),
        )
        found[f"last_{name}"] = mean(c[f"last_{name}"][finished])
    found["correlation_first"] = correlation(c["first_phq9"][finished], c["first_gad7"][finished])
    found |= {
        "recovery": mean(recovered[case]),
        "reliable_recovery": mean((recovered & improved)[case]),
        "improvement": mean(improved[finished]),
        "deterioration": mean(worse[finished]),
        "twin_recovery": mean(~c["twin_case"][case]),
    }
    for name, score, problem in (("depression", "phq9", True), ("anxiety", "phq9", False)):
        who = finished & ~c["case"] & (c["depression_recorded"] == problem)
        found[f"{name}_not_case_change_phq9"] = mean((c[f"last_{score}"] - c[f"first_{score}"])[who])
    for k, name in enumerate(simulations[0].clients.disorder_names):
        found[f"recovery_problem_{name}"] = mean(recovered[case & (c["target"] == k)])
    for name, condition in (("personality_disorder", c["personality_disorder"]), ("abuse", c["abuse"])):
        found[f"odds_ratio_recovery_{name}"] = odds_ratio(recovered[case & condition], recovered[case & ~condition])
    for end, at in (("least", c["deprivation"].min()), ("most", c["deprivation"].max())):
        who = finished & (c["deprivation"] == at)
        found[f"improvement_{end}_deprived"] = mean(improved[who])
        found[f"not_case_{end}_deprived"] = 1 - mean(c["case"][who])
    after_low = case & recovered & ~c["high_last"]
    for name in ("phq9", "gad7"):
        scores = c[f"last_{name}"][after_low]
        found[f"recovered_after_low_{name}"], found[f"recovered_after_low_{name}_sd"] = mean(scores), sd(scores)
    success = (c["last_phq9"] <= 9) & (c["last_phq9"] <= c["first_phq9"] / 2)
    who = finished & c["depressed"] & (c["first_phq9"] >= 10)
    found["kappa_phq9_success"] = kappa(success[who], c["depression_gone"][who])
    ladder = case & c["any_diagnosis"]
    found |= {
        "principal_gone": mean(c["principal_gone"][ladder]), "all_gone": mean(c["all_gone"][ladder]),
        "fully_gone": mean(c["fully_gone"][ladder]), "twin_all_gone": mean(c["twin_all_gone"][ladder]),
        "recovered_still_diagnosed": 1 - mean(c["all_gone"][ladder & recovered]),
    }  # fmt: skip
    return found | _of_courses(simulations) | _against_usual_care(simulations)


def _columns_of(simulation: Simulation) -> dict[str, NDArray[Any]]:
    """What the figures of the service are made of, of the clients whose referral ended in the period."""
    out, clients = simulation.outcomes, simulation.clients
    rows = np.flatnonzero(within(simulation, out.end_day))
    first, last = (out.first_phq9, out.first_gad7), (out.service.last_phq9, out.service.last_gad7)
    improved, worse = reliable_changes(wide(first), wide(last))
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
    """Figures per therapy course of two or more sessions."""
    parts: list[dict[str, NDArray[Any]]] = []
    for one in simulations:
        out, scores = one.outcomes, one.outcomes.course_scores
        client = scores.client.astype(np.intp)
        high = scores.step == (
            one.scenario.steps.index("high_intensity") if "high_intensity" in one.scenario.steps else -2
        )
        waited = out.second_contact_day[client] > out.first_contact_day[client]
        parts.append({
            "first_phq9": scores.first_phq9.astype(np.int64), "first_gad7": scores.first_gad7.astype(np.int64),
            "last_phq9": scores.last_phq9.astype(np.int64), "last_gad7": scores.last_gad7.astype(np.int64),
            "two": scores.sessions >= 2, "high": high, "first_course": waited & (scores.step == out.first_course[client]),
        })  # fmt: skip
    c = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    two = c["two"].astype(bool)
    before, after = (c["first_phq9"], c["first_gad7"]), (c["last_phq9"], c["last_gad7"])
    case = ~below_caseness(before[0].astype(np.int8), before[1].astype(np.int8))
    well = ~(~below_caseness(after[0].astype(np.int8), after[1].astype(np.int8)))
    improved, worse = reliable_changes(before, after)
    found: Found = {"course_case": mean(case[two])}
    for name in ("phq9", "gad7"):
        for when in ("first", "last"):
            scores_now = c[f"{when}_{name}"][two]
            found[f"course_{when}_{name}"], found[f"course_{when}_{name}_sd"] = mean(scores_now), sd(scores_now)
    found |= {
        "course_recovery": mean(well[two & case]),
        "course_reliable_recovery": mean((well & improved)[two & case]),
        "course_improvement": mean(improved[two]),
        "course_deterioration": mean(worse[two]),
        "course_recovery_low": mean(well[two & case & ~c["high"]]),
        "course_recovery_high": mean(well[two & case & c["high"]]),
    }
    first = c["first_course"].astype(bool)
    for name in ("phq9", "gad7"):
        found[f"high_less_low_first_{name}"] = mean(c[f"first_{name}"][first & c["high"]]) - mean(
            c[f"first_{name}"][first & ~c["high"]]
        )
    return found


WAITS_DAYS = (31, 91)  # thirty days on either side of the mean wait for a second contact, 61 days


def of_waiting(scenario: Scenario, draws: Draws, n: int, simulations: Sequence[Simulation]) -> Found:
    """What waiting for a course does: the same people where all wait 31 days for it, and where all wait 91.

    It is published by provider: how much lower caseness is at the start of courses than at the first contact of referrals,
    where waits are long and where they are short. Within one queue nobody waits much longer than others (SD 14 days) and
    those who do come in other months, so that chance alone would be three tolerances. Courses after a step up count as well,
    as in what is published; a longer wait for the first course leaves them as they are.
    simulations: for how many courses are such, and how they begin
    """
    clients = draw_population(scenario, draws, n)
    courses, care = draw_courses(scenario, clients, draws)
    rows = np.flatnonzero(care.exit == TREATED)
    some, step = rows_of(clients, rows), courses.next_outside[rows, ASSESSMENT]
    who = condition_of(scenario, some, illness_of(scenario, some, draws), draws)
    well = no_longer_come_from(scenario, some, draws)
    attended, lag = care.attended[rows, step], care.lag_days[rows, step]
    sessions = np.zeros((len(rows), len(scenario.steps)), dtype=np.int32)
    sessions[np.arange(len(rows)), step] = attended
    given = treatment_given(
        scenario, care.target[rows], care.response[rows], complexity_of(scenario, some), sessions, attended + 1, step
    )
    booked = care.booking_days[rows]
    before, at_start, at_end = (
        passing_at(scenario, some, reading, draws) for reading in (FIRST, at_start_of("high_intensity"), LAST)
    )
    came = scores_on(scenario, who, before, booked)
    case_before = ~below_caseness(*came)
    later = _later_courses(simulations)
    by_wait = []
    for wait in WAITS_DAYS:
        day = booked + np.int32(wait)
        comes = (well > day) & (courses.patience_days[rows, step] > wait - lag) & (attended >= 2)
        phq9, gad7 = scores_on(scenario, who, at_start, day)
        case = ~below_caseness(phq9, gad7)
        last = scores_on(scenario, who, at_end, day + courses.course_days[rows, step] - lag, given)
        by_wait.append((
            mean(case_before[comes]) - later.mixed_in("case", mean(case[comes])),
            mean(came[0][comes]) - later.mixed_in("phq9", mean(phq9[comes])),
            later.mixed_in("recovered", mean(below_caseness(*last)[comes & case])),
        ))  # fmt: skip
    months = (WAITS_DAYS[1] - WAITS_DAYS[0]) / 30
    lost, fall, recovered = ((long - short) / months for short, long in zip(*by_wait, strict=True))
    return {
        "caseness_lost_at_no_wait": by_wait[0][0] - lost * WAITS_DAYS[0] / 30,
        "caseness_lost_per_30_days": lost,
        "phq9_fall_per_30_days": fall,
        "recovery_per_30_days": recovered,
    }


@dataclass(frozen=True, slots=True)
class _LaterCourses:
    """Courses of two or more sessions that are not a client's first: their means, and what share of all courses they are.

    share, mean: of "case" and "phq9" at the start, over all courses, and of "recovered", over those at caseness at the start
    """

    share: Mapping[str, float]
    mean: Mapping[str, float]

    def mixed_in(self, name: str, of_first_courses: float) -> float:
        """The mean over all courses, if it is that much over first courses."""
        share = self.share[name]
        return (1 - share) * of_first_courses + (share * self.mean[name] if share else 0.0)


def _later_courses(simulations: Sequence[Simulation]) -> _LaterCourses:
    columns = []
    for one in simulations:
        scores = one.outcomes.course_scores
        two = scores.sessions >= 2
        later = scores.step != one.outcomes.first_course[scores.client]
        case = ~below_caseness(scores.first_phq9, scores.first_gad7)
        well = below_caseness(scores.last_phq9, scores.last_gad7)
        columns.append(np.stack([later, case, scores.first_phq9, well])[:, two])
    later, case, phq9, well = np.concatenate(columns, axis=1)
    late, ill = later > 0, case > 0
    return _LaterCourses(
        share={"case": mean(late), "phq9": mean(late), "recovered": mean(late[ill])},
        mean={"case": mean(case[late]), "phq9": mean(phq9[late]), "recovered": mean(well[late & ill])},
    )


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
        treated.append(np.stack(wide(scores_on(scenario, who, passing, day, given))))
        untreated.append(np.stack(wide(scores_on(scenario, who, passing, day))))
        before.append(np.stack(wide((out.first_phq9[rows], out.first_gad7[rows]))))
        sds.append(len(rows))
    with_it, without, first = (np.concatenate(part, axis=1) for part in (treated, untreated, before))
    gained = reliably_recovered(tuple(first), tuple(with_it)).astype(float) - reliably_recovered(
        tuple(first), tuple(without)
    )
    return {
        "service_less_usual_care_reliable_recovery": mean(gained),
        "service_less_usual_care_phq9_d": mean(with_it[0] - without[0]) / sd(first[0]),
        "service_less_usual_care_gad7_d": mean(with_it[1] - without[1]) / sd(first[1]),
    }
