"""How each client is found when read: by questionnaire at the last contact, by interview at the end and 365 days later.

Everybody is read twice on the same days with the same draws: with what they received, and as if there had been no service.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.clients.questionnaires import Scores
from caseload_sim.clients.severity import ONE_YEAR_DAYS, Trajectory, Treated, elapsed, scores_after, severity_after
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.outcomes.contacts import Contacts
from caseload_sim.outcomes.courses import Courses
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Days, Flags, Floats, largest_column


@dataclass(frozen=True, slots=True)
class ReadingDays:
    """The occasions on which each client is read, in days after referral, each (n,) int32.

    first_contact: first scores; last_contact: last scores; end: interview at the end of care, month 12 being 365 days later
    """

    first_contact: Days
    last_contact: Days
    end: Days


def reading_days(scenario: Scenario, referral_day: Days, contacts: Contacts) -> ReadingDays:
    """When each client is read. Those never seen: at referral, and `measured_after_days` after it.

    Referrals not over by the horizon are read there too, but measures leave them out.
    """
    outcome = scenario.outcome
    never_seen = contacts.first_contact_day == NOT_YET
    measured = referral_day + np.int32(outcome.measured_after_days)
    ended = np.where(contacts.ended, contacts.end_day, scenario.run.horizon_days)
    first = np.where(never_seen, referral_day, contacts.first_contact_day)
    last = np.where(never_seen, measured, contacts.last_contact_day)
    end = np.where(never_seen, measured, ended)
    if (fixed := outcome.read_everybody_after_days) is not None:
        last = end = referral_day + np.int32(fixed)
    return ReadingDays(*((day - referral_day).astype(np.int32) for day in (first, last, end)))


@dataclass(frozen=True, slots=True)
class Interviews:
    """What every interview of a client, and whether they relapse, is judged by; the same with the service and without.

    diagnosed: (n, d) bool, at referral; principal: (n,) int8, the most severe of them, -1 for none
    error_end, error_month_12: (n, d) float64, SD; margin: SD below the threshold at which a disorder is fully gone
    relapse_u, relapse_day_u: (n,) uniform, whether and when a client relapses
    """

    diagnosed: Flags
    principal: NDArray[np.int8]
    error_end: Floats
    error_month_12: Floats
    margin: float
    relapse_u: Floats
    relapse_day_u: Floats


def interviews_of(scenario: Scenario, clients: Clients, draws: Draws) -> Interviews:
    """The interview of each client at referral, and what the later ones will be judged by."""
    sd = scenario.instruments.interview_error_sd.value
    at_start = clients.severity + _interview_error(draws, clients, "interview_start", sd)
    diagnosed = at_start > 0
    return Interviews(
        diagnosed=diagnosed,
        principal=np.where(diagnosed.any(axis=1), largest_column(at_start), -1).astype(np.int8),
        error_end=_interview_error(draws, clients, "interview_end", sd),
        error_month_12=_interview_error(draws, clients, "interview_month_12", sd),
        margin=scenario.instruments.full_remission_margin.value,
        relapse_u=draws.uniform("relapse", clients.id),
        relapse_day_u=draws.uniform("relapse_day", clients.id),
    )


def _interview_error(draws: Draws, clients: Clients, purpose: str, sd: float) -> Floats:
    error = np.empty_like(clients.severity)
    purposes = [f"{purpose}:{name}" for name in clients.disorder_names]
    for j, drawn in enumerate(draws.normals(purposes, clients.id)):
        error[:, j] = sd * drawn
    return error


def relapse_risk(scenario: Scenario, courses: Courses, n: int) -> Floats:
    """Chance of relapse within 365 days of remission of each of n clients: by the last course if finished, (n,) float64."""
    outcome = scenario.outcome
    by_step = np.zeros(len(scenario.steps))
    for s, _, step in scenario.pathway.each_course():
        by_step[s] = step.relapse_within_a_year.value
    risk = np.full(n, outcome.relapse_untreated.value)
    last = courses.last_rows
    finished = by_step[courses.step[last]]
    risk[courses.client[last]] = np.where(courses.dropped_out[last], outcome.relapse_unfinished.value, finished)
    return risk


@dataclass(frozen=True, slots=True)
class Reading:
    """How each client is read, with the service or without it.

    last_phq9, last_gad7: (n,) int8, at the last contact
    end, month_12, sustained: rung -> (n,) bool, at the end, 365 days later, and at the end with no relapse since
    without, without_month_12: (n, d) bool, the disorder is absent at interview, whether or not it was there at the start
    clear, clear_month_12: (n, d) bool, absent by the margin of full remission
    relapsed: (n,) bool, within 365 days if remitted
    """

    last_phq9: Scores
    last_gad7: Scores
    end: dict[str, Flags]
    month_12: dict[str, Flags]
    sustained: dict[str, Flags]
    without: Flags
    clear: Flags
    without_month_12: Flags
    clear_month_12: Flags
    relapsed: Flags


def reading_of(
    scenario: Scenario,
    path: Trajectory,
    treated: Treated | None,
    days: ReadingDays,
    interviews: Interviews,
    risk: Floats,
) -> Reading:
    """Read some clients; treated: what treatment has taken away, None for the same clients without the service."""
    last_phq9, last_gad7 = scores_after(scenario, path, days.last_contact, treated)
    severity, _ = severity_after(path, days.end, treated)
    end = _found(severity + interviews.error_end, interviews)
    relapsed = interviews.relapse_u < risk
    # Severity 365 days on: the natural course goes on; what was gone and relapsed starts again from referral's level
    # on the day of relapse, and may remit again.
    later, _ = severity_after(path, (days.end + ONE_YEAR_DAYS).astype(np.int32), treated)
    since_relapse = np.floor((1 - interviews.relapse_day_u) * ONE_YEAR_DAYS).astype(np.int32)
    again = path.severity + path.state_change - elapsed(path.pace, since_relapse)[:, None] * path.improvement
    severity = np.where(relapsed[:, None] & end.without, again, later)
    month_12 = _found(severity + interviews.error_month_12, interviews)
    return Reading(
        last_phq9=last_phq9,
        last_gad7=last_gad7,
        end=end.rungs,
        month_12=month_12.rungs,
        sustained={rung: flags & ~relapsed for rung, flags in end.rungs.items()},
        without=end.without,
        clear=end.clear,
        without_month_12=month_12.without,
        clear_month_12=month_12.clear,
        relapsed=relapsed,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What one interview finds.

    without, clear: (n, d) bool, below the threshold, and below it by the margin of full remission
    rungs: rungs 2 to 4 of the ladder, each (n,) bool; nobody without a starting diagnosis counts as remitted
    """

    without: Flags
    clear: Flags
    rungs: dict[str, Flags]


def _found(as_heard: Floats, interviews: Interviews) -> _Found:
    """What an interview finds that hears of this severity, (n, d) SD, its own error included."""
    without, clear = as_heard <= 0, as_heard <= -interviews.margin
    some, others = interviews.principal >= 0, ~interviews.diagnosed
    rungs = {
        "principal_remission": some & without[np.arange(len(some)), interviews.principal],
        "all_remission": some & (without | others).all(axis=1),
        "full_remission": some & (clear | others).all(axis=1),
    }
    return _Found(without, clear, rungs)
