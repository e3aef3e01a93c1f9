"""Who is better, by which rule: questionnaires and interview for every client, and for the same client untreated."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from caseload_sim.assessment import EXITS, NO_SERVICE, TREATED, never_assessed
from caseload_sim.care import Care, missed_by_kind
from caseload_sim.clients import Clients
from caseload_sim.columns import largest_column, rows_of, stacked
from caseload_sim.course_scores import CourseScores, course_scores
from caseload_sim.courses import ASSESSED, DROPPED_OUT, FINISHED, GAVE_UP, NOT_YET, Codes, Days
from caseload_sim.draws import Draws, Floats
from caseload_sim.episodes import Episodes
from caseload_sim.pathway import CourseStep
from caseload_sim.scenario import Scenario
from caseload_sim.severity import (
    GAD7_RELIABLE_CHANGE,
    ONE_YEAR_DAYS,
    PHQ9_RELIABLE_CHANGE,
    Scores,
    Trajectory,
    Treated,
    below_caseness,
    elapsed,
    scores_after,
    severity_after,
    treated_by,
)

Flags = NDArray[np.bool_]
LEFT = (*EXITS[1:], "gave_up", "dropped_out", "finished", "not_yet")
REMISSIONS = ("principal_remission", "all_remission", "full_remission")


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


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One row a client; days count from opening, NOT_YET when it did not happen by the horizon.

    end_day: (n,) the last stay ended, or the client left; left: (n,) int8, index into LEFT
    first_contact_day, second_contact_day, last_contact_day: (n,)
    contacts: (n,) attended, assessment included; sessions: (n, s) attended treatment sessions
    not_attended, client_cancelled, provider_cancelled: (n,) other booked contacts
    first_course: (n,) int8, step of the first course begun, -1 for none
    stepped_up, stepped_down: (n,) bool, began a course at a step above, below, the first
    step_up_wait_days: (n,) int32, last session before stepping up to the first after it, NOT_YET for all others
    first_phq9, first_gad7: (n,) int8, at the first contact
    diagnosed: (n, d) bool, at interview at referral; principal: (n,) int8, the most severe of them, -1 for none
    course_scores: scores by course
    service, none: readings with the service and for the same client without
    """

    end_day: Days
    left: NDArray[np.int8]
    first_contact_day: Days
    second_contact_day: Days
    last_contact_day: Days
    contacts: Days
    sessions: Days
    not_attended: Days
    client_cancelled: Days
    provider_cancelled: Days
    first_course: NDArray[np.int8]
    stepped_up: Flags
    stepped_down: Flags
    step_up_wait_days: Days
    first_phq9: Scores
    first_gad7: Scores
    diagnosed: Flags
    principal: NDArray[np.int8]
    course_scores: CourseScores
    service: Reading
    none: Reading

    @property
    def ended(self) -> Flags:
        """Referrals over by the horizon, (n,) bool."""
        return np.asarray(self.end_day != NOT_YET)

    @property
    def started(self) -> Flags:
        """At least one attended contact, (n,) bool."""
        return self.contacts >= 1

    @property
    def finished(self) -> Flags:
        """Two or more attended contacts, the NHS definition of a finished course, (n,) bool."""
        return self.contacts >= 2

    @property
    def at_caseness(self) -> Flags:
        """At caseness at the first contact (or at referral if there was none), (n,) bool."""
        return ~below_caseness(self.first_phq9, self.first_gad7)


def read_outcomes(
    scenario: Scenario,
    clients: Clients,
    path: Trajectory,
    care: Care,
    episodes: Episodes,
    draws: Draws,
) -> Outcomes:
    """Read every client once with what they received, and once as if there had been no service.

    episodes: of these clients alone, whose rows it names

    Both readings are on the same days, with the same draws; those never seen are read `measured_after_days` after
    referral. Referrals not over by the horizon are read there too, but measures leave them out.
    """
    seen = _contacts(scenario, clients, care, episodes, draws)
    n = len(clients.id)
    never_seen = seen.first_contact_day == NOT_YET
    measured = clients.referral_day + np.int32(scenario.outcome.measured_after_days)
    ended_after = np.where(seen.end_day == NOT_YET, scenario.run.horizon_days, seen.end_day)
    read_day = np.where(never_seen, measured, ended_after).astype(np.int32)
    last_day = np.where(never_seen, measured, seen.last_contact_day).astype(np.int32)
    if (fixed := scenario.outcome.read_everybody_after_days) is not None:
        read_day = last_day = (clients.referral_day + np.int32(fixed)).astype(np.int32)
    first_day = np.where(never_seen, clients.referral_day, seen.first_contact_day)
    first_phq9, first_gad7 = scores_after(
        scenario, path, (first_day - clients.referral_day).astype(np.int32), at_end=False
    )
    treated = treated_by(scenario, care.target, care.therapist, seen.sessions, seen.contacts)
    sd = scenario.instruments.interview_error_sd.value
    at_start = clients.severity + _interview_error(draws, clients, "interview_start", sd)
    diagnosed = at_start > 0
    principal = np.where(diagnosed.any(axis=1), largest_column(at_start), -1).astype(np.int8)
    interview = _Interview(
        diagnosed,
        principal,
        _interview_error(draws, clients, "interview_end", sd),
        _interview_error(draws, clients, "interview_month_12", sd),
        scenario.instruments.full_remission_margin.value,
        draws.uniform("relapse", clients.id),
        draws.uniform("relapse_day", clients.id),
    )
    elapsed_days = (read_day - clients.referral_day, last_day - clients.referral_day)
    risk = _relapse_risk(scenario, care, seen)
    never = np.full(n, scenario.outcome.relapse_untreated.value)
    return Outcomes(
        end_day=seen.end_day,
        left=seen.left,
        first_contact_day=seen.first_contact_day,
        second_contact_day=seen.second_contact_day,
        last_contact_day=seen.last_contact_day,
        contacts=seen.contacts,
        sessions=seen.sessions,
        not_attended=seen.not_attended,
        client_cancelled=seen.client_cancelled,
        provider_cancelled=seen.provider_cancelled,
        first_course=seen.first_course,
        stepped_up=seen.stepped_up,
        stepped_down=seen.stepped_down,
        step_up_wait_days=seen.step_up_wait_days,
        first_phq9=first_phq9,
        first_gad7=first_gad7,
        diagnosed=diagnosed,
        principal=principal,
        course_scores=course_scores(scenario, clients, path, care, episodes, (first_phq9, first_gad7)),
        service=_reading(scenario, path, treated, elapsed_days, interview, risk),
        none=_reading(scenario, path, None, elapsed_days, interview, never),
    )


def one_after_the_other(tables: Sequence[Outcomes]) -> Outcomes:
    """The outcomes of several sets of clients, one set after the other."""
    first_row = np.cumsum([0] + [len(one.end_day) for one in tables])
    return stacked(*(numbered_from(one, row) for one, row in zip(tables, first_row, strict=False)))


def numbered_from(outcomes: Outcomes, first_row: int) -> Outcomes:
    """The same, as part of a table in which these clients begin at a row."""
    scores = outcomes.course_scores
    return replace(outcomes, course_scores=replace(scores, client=scores.client + np.int32(first_row)))


def of_clients(outcomes: Outcomes, rows: NDArray[np.intp]) -> Outcomes:
    """The outcomes of some clients, among whom must be all who have scores by course."""
    scores = outcomes.course_scores
    renumbered = replace(scores, client=np.searchsorted(rows, scores.client).astype(np.int32))
    columns = {f.name: getattr(outcomes, f.name) for f in fields(Outcomes) if f.name != "course_scores"}
    return Outcomes(course_scores=renumbered, **rows_of(columns, rows))


# --- what happened -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Seen:
    """What each client received; columns as in Outcomes. last_course: (n,) int8; dropped_out: (n,) bool, of it."""

    end_day: Days
    left: NDArray[np.int8]
    first_contact_day: Days
    second_contact_day: Days
    last_contact_day: Days
    contacts: Days
    sessions: Days
    not_attended: Days
    client_cancelled: Days
    provider_cancelled: Days
    first_course: NDArray[np.int8]
    last_course: NDArray[np.int8]
    stepped_up: Flags
    stepped_down: Flags
    step_up_wait_days: Days
    dropped_out: Flags


def _contacts(scenario: Scenario, clients: Clients, care: Care, episodes: Episodes, draws: Draws) -> _Seen:
    n, n_steps = care.attended.shape
    who, step = episodes.client, episodes.step
    is_course = np.array([isinstance(s, CourseStep) for s in scenario.pathway.steps.values()])
    began = (episodes.started_day != NOT_YET) & (episodes.ended_day != NOT_YET)
    sessions = np.zeros((n, n_steps), dtype=np.int32, order="F")
    rows = began & is_course[step]
    sessions[who[rows], step[rows]] = care.attended[who[rows], step[rows]]
    missed = [
        np.bincount(who[began], weights=kind[who[began], step[began]], minlength=n).astype(np.int32)
        for kind in missed_by_kind(scenario, clients, care, draws)
    ]
    assessed = np.zeros(n, dtype=np.int32)
    assessed[who[episodes.ending == ASSESSED]] = 1
    contacts = assessed + sessions.sum(axis=1, dtype=np.int32)

    # A contact at assessment is on the last day its slot is held; the first of a course is when the client can come.
    first_day = np.where(is_course[step], episodes.started_day + care.lag_days[who, step], episodes.ended_day - 1)
    last_day = np.where(is_course[step], episodes.ended_day, episodes.ended_day - 1)
    first_contact = np.full(n, NOT_YET, dtype=np.int32)
    last_contact = np.full(n, NOT_YET, dtype=np.int32)
    second_contact = np.full(n, NOT_YET, dtype=np.int32)
    begun = np.flatnonzero(began)
    last_contact[who[begun]] = last_day[begun]  # rows are in order of time, so the last one stays
    first_contact[who[begun[::-1]]] = first_day[begun[::-1]]
    after_assessment = rows & (first_day > first_contact[who])
    later = np.flatnonzero(after_assessment)
    second_contact[who[later[::-1]]] = first_day[later[::-1]]

    course_rows = np.flatnonzero(rows)
    first_course, last_course = np.full(n, -1, dtype=np.int8), np.full(n, -1, dtype=np.int8)
    last_course[who[course_rows]] = step[course_rows]
    first_course[who[course_rows[::-1]]] = step[course_rows[::-1]]
    first_at, last_at = np.full(n, NOT_YET, dtype=np.int32), np.full(n, NOT_YET, dtype=np.int32)
    last_at[who[course_rows]] = first_day[course_rows]
    first_at[who[course_rows[::-1]]] = last_day[course_rows[::-1]]
    moved = (sessions > 0).sum(axis=1) > 1
    below = _steps_below(scenario)
    down = moved & below[np.maximum(first_course, 0), np.maximum(last_course, 0)]
    dropped = np.zeros(n, dtype=bool)
    dropped[who[course_rows]] = episodes.ending[course_rows] == DROPPED_OUT
    end_day, left = leaving(scenario, clients.referral_day, care.exit, care.booking_days, episodes)
    return _Seen(
        end_day, left, first_contact, second_contact, last_contact, contacts, sessions, missed[0], missed[1], missed[2],
        first_course, last_course, moved & ~down, down,
        np.where(moved & ~down, last_at - first_at, NOT_YET).astype(np.int32), dropped,
    )  # fmt: skip


def _steps_below(scenario: Scenario) -> NDArray[np.bool_]:
    """Whether the second step is the one that the first steps down to, (s, s) bool."""
    steps = scenario.pathway.steps
    below = np.zeros((max(len(steps), 1),) * 2, dtype=bool)
    for s, step in enumerate(steps.values()):
        if isinstance(step, CourseStep) and step.steps_down_to:
            below[s, scenario.steps.index(step.steps_down_to)] = True
    return below


def leaving(
    scenario: Scenario, referral_day: Days, exit_: Codes, booking_days: Days, episodes: Episodes
) -> tuple[Days, Codes]:
    """Day on which each referral was over, and how it ended as an index into LEFT."""
    n = len(referral_day)
    left = np.where(exit_ == TREATED, LEFT.index("not_yet"), exit_ - 1).astype(np.int8)
    joins_day = np.where(referral_day == NOT_YET, NOT_YET, referral_day + booking_days)
    end_day = np.where(never_assessed(exit_), joins_day, NOT_YET).astype(np.int32)
    end_day[exit_ == NO_SERVICE] = referral_day[exit_ == NO_SERVICE]
    end_day[end_day >= scenario.run.horizon_days] = NOT_YET
    last_row = np.full(n, -1, dtype=np.int64)
    last_row[episodes.client] = np.arange(len(episodes.client))
    rows = np.flatnonzero(last_row >= 0)
    end_day[rows] = episodes.ended_day[last_row[rows]]
    ending = episodes.ending[last_row[rows]]
    for code, name in ((GAVE_UP, "gave_up"), (DROPPED_OUT, "dropped_out"), (FINISHED, "finished")):
        left[rows[ending == code]] = LEFT.index(name)
    left[end_day == NOT_YET] = LEFT.index("not_yet")
    return end_day, left


def _relapse_risk(scenario: Scenario, care: Care, seen: _Seen) -> Floats:
    """Chance of relapse within 365 days of remission: by the last course if finished, (n,) float64."""
    outcome = scenario.outcome
    by_step = [
        s.relapse_within_a_year.value if isinstance(s, CourseStep) else 0.0 for s in scenario.pathway.steps.values()
    ]
    risk = np.where(seen.dropped_out, outcome.relapse_unfinished.value, np.array(by_step)[seen.last_course])
    return np.where(seen.last_course < 0, outcome.relapse_untreated.value, risk)


# --- how they are read -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Interview:
    """What interviews and relapse are judged by; the same with the service and without."""

    diagnosed: Flags
    principal: NDArray[np.int8]
    error_end: Floats
    error_month_12: Floats
    margin: float
    relapse_u: Floats
    relapse_day_u: Floats


def _interview_error(draws: Draws, clients: Clients, purpose: str, sd: float) -> Floats:
    error = np.empty_like(clients.severity)
    purposes = [f"{purpose}:{name}" for name in clients.disorder_names]
    for j, drawn in enumerate(draws.normals(purposes, clients.id)):
        error[:, j] = sd * drawn
    return error


def _reading(
    scenario: Scenario,
    path: Trajectory,
    treated: Treated | None,
    elapsed_days: tuple[NDArray[np.int32], NDArray[np.int32]],
    interview: _Interview,
    relapse_risk: Floats,
) -> Reading:
    read_after, last_after = elapsed_days
    last_phq9, last_gad7 = scores_after(scenario, path, last_after, treated)
    severity, _ = severity_after(path, read_after, treated)
    at_end = severity + interview.error_end
    relapsed = interview.relapse_u < relapse_risk
    gone = at_end <= 0
    # Severity 365 days on: the natural course goes on; what was gone and relapsed starts again from referral's level
    # on the day of relapse, and may remit again.
    later, _ = severity_after(path, (read_after + ONE_YEAR_DAYS).astype(np.int32), treated)
    since_relapse = np.floor((1 - interview.relapse_day_u) * ONE_YEAR_DAYS).astype(np.int32)
    again = path.severity + path.state_change - elapsed(path.pace, since_relapse)[:, None] * path.improvement
    at_month_12 = np.where(relapsed[:, None] & gone, again, later) + interview.error_month_12
    clear = at_end <= -interview.margin
    gone_later, clear_later = at_month_12 <= 0, at_month_12 <= -interview.margin
    end = _rungs(gone, clear, interview)
    sustained = {rung: flags & ~relapsed for rung, flags in end.items()}
    return Reading(
        last_phq9=last_phq9,
        last_gad7=last_gad7,
        end=end,
        month_12=_rungs(gone_later, clear_later, interview),
        sustained=sustained,
        without=gone,
        clear=clear,
        without_month_12=gone_later,
        clear_month_12=clear_later,
        relapsed=relapsed,
    )


def _rungs(without: Flags, clear: Flags, interview: _Interview) -> dict[str, Flags]:
    """Rungs 2 to 4 of the ladder, each (n,) bool; nobody without a starting diagnosis counts as remitted.

    without, clear: (n, d), below the threshold at interview, and clearly below it
    """
    some, others = interview.principal >= 0, ~interview.diagnosed
    return {
        "principal_remission": some & without[np.arange(len(some)), interview.principal],
        "all_remission": some & (without | others).all(axis=1),
        "full_remission": some & (clear | others).all(axis=1),
    }


def recovered(outcomes: Outcomes, reading: Reading) -> Flags:
    """At caseness at the first contact, below both cut-offs at the last (source nhstt_manual), (n,) bool."""
    return outcomes.at_caseness & below_caseness(reading.last_phq9, reading.last_gad7)


def reliable_change(outcomes: Outcomes, reading: Reading) -> tuple[Flags, Flags]:
    """Reliably improved, and reliably deteriorated, each (n,) bool (source nhstt_manual).

    Improved: PHQ-9 down by 6 or GAD-7 down by 4, neither up by as much. Deteriorated: the reverse.
    """
    phq9 = reading.last_phq9.astype(np.int16) - outcomes.first_phq9
    gad7 = reading.last_gad7.astype(np.int16) - outcomes.first_gad7
    down = (phq9 <= -PHQ9_RELIABLE_CHANGE) | (gad7 <= -GAD7_RELIABLE_CHANGE)
    up = (phq9 >= PHQ9_RELIABLE_CHANGE) | (gad7 >= GAD7_RELIABLE_CHANGE)
    return down & ~up, up & ~down
